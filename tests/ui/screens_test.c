/* What keys do on the screens beyond the dashboard. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#include "scene.h"
#include "vaetop/base/alloc.h"

static void digits_and_tab_change_the_screen(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    (void)scene_keys(&s, "3");
    assert_int_equal(s.state.screen, SCREEN_DEVICES);
    (void)scene_keys(&s, "\t");
    assert_int_equal(s.state.screen, SCREEN_STUDY);
    (void)scene_keys(&s, "\t");
    assert_int_equal(s.state.screen, SCREEN_LOG);
    (void)scene_keys(&s, "\t\t");
    assert_int_equal(s.state.screen, SCREEN_DASHBOARD);
    (void)scene_keys(&s, "\r");
    assert_int_equal(s.state.screen, SCREEN_TRIAL);
    (void)scene_keys(&s, "\x1b");
    assert_int_equal(s.state.screen, SCREEN_DASHBOARD);
    scene_release(&s);
}

static void scrubbing_moves_all_panes_and_comes_back_to_the_newest(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    (void)scene_keys(&s, "\r,,");
    assert_int_equal(s.state.at, 16);
    char *t = scene_text(&s, 80, 24);
    assert_has(t, "epoch 16/30");
    assert_has(t, "loss #0 e16");
    free(t);
    (void)scene_keys(&s, "..");
    assert_int_equal(s.state.at, 0);
    (void)scene_keys(&s, "i");
    assert_int_equal(s.state.at, 18);
    (void)scene_keys(&s, "hh");
    assert_int_equal(s.state.at, 16);
    (void)scene_keys(&s, "\x1b");
    assert_int_equal(s.state.at, 0);
    assert_int_equal(s.state.screen, SCREEN_TRIAL);
    scene_release(&s);
}

static void zooming_keeps_the_newest_or_the_crosshair_in_sight(void **state)
{
    struct scene s;
    double lo, hi;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    (void)scene_keys(&s, "\r");
    for (int i = 0; i < 20; i++) {
        (void)scene_keys(&s, "[");
        state_window(&s.state, &s.view, &lo, &hi);
        assert_true(lo >= 0 && hi - lo >= 2 && hi >= 18);
    }
    s.state.at = 3;
    state_window(&s.state, &s.view, &lo, &hi);
    assert_true(lo <= 3 && hi >= 3);
    (void)scene_keys(&s, "=");
    state_window(&s.state, &s.view, &lo, &hi);
    assert_close(hi, 30, 0, 1e-9);
    scene_release(&s);
}

static void braces_go_through_the_trials(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    (void)scene_keys(&s, "g\r}");
    assert_int_equal(s.state.selected, s.view.trial[s.view.order[1]].number);
    (void)scene_keys(&s, "{");
    assert_int_equal(s.state.selected, s.view.trial[s.view.order[0]].number);
    assert_int_equal(s.state.screen, SCREEN_TRIAL);
    scene_release(&s);
}

static void a_note_stands_on_the_trial_screen(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    s.state.screen = SCREEN_TRIAL;
    s.view.note_of = s.state.selected;
    (void)snprintf(s.view.note.text, sizeof s.view.note.text, "posterior collapse: lower beta");
    static const int size[][2] = {{80, 24}, {120, 40}, {160, 48}};
    for (int i = 0; i < 3; i++) {
        char *t = scene_text(&s, size[i][0], size[i][1]);
        assert_has(t, "! posterior collapse: lower beta");
        free(t);
    }
    (void)snprintf(s.view.note.text, sizeof s.view.note.text, "posterior collapse: at most 0.0021 nats of KL a dimension, 0 "
                   "active units, images no better than their mean; lower beta, warm it up or take a smaller decoder");
    char *folded = scene_text(&s, 80, 24);
    assert_has(folded, " ! posterior collapse: at most 0.0021 nats");
    assert_has(folded, "\n   decoder\n");
    free(folded);
    s.view.skipped = 72;
    char *t = scene_text(&s, 160, 48);
    assert_has(t, "   72 steps skipped");
    free(t);
    trial_note_skipped(&s.view.note, 72); /* which says it */
    t = scene_text(&s, 160, 48);
    assert_has(t, "! 72 steps skipped so far");
    assert_null(strstr(t, "   72 steps skipped"));
    free(t);
    s.view.note_of++; /* another trial's */
    t = scene_text(&s, 160, 48);
    assert_null(strstr(t, "posterior"));
    assert_null(strstr(t, "skipped"));
    free(t);
    scene_release(&s);
}

static void tagged_trials_are_stopped_together_by_name(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    for (int i = 0; i < 3; i++) {
        s.state.selected = (int[]){0, 1, 2}[i]; /* 1 is done: nothing to stop */
        (void)scene_keys(&s, " ");
    }
    assert_int_equal(s.state.tags.n, 3);
    (void)scene_keys(&s, "x");
    char *t = scene_text(&s, 80, 24);
    assert_has(t, "Stop 2 trials: #0 #2?");
    free(t);
    struct wish w = scene_keys(&s, "e");
    assert_int_equal(w.command, COMMAND_STOP_EPOCH);
    assert_true(w.each);
    assert_int_equal(s.state.n_pending, 2);
    s.state.selected = 0;
    w = scene_keys(&s, "u");
    assert_int_equal(w.command, COMMAND_UNDO);
    assert_int_equal(w.trial, 0);
    assert_int_equal(s.state.n_pending, 1);
    assert_int_equal(s.state.pending[0].trial, 2);
    w = scene_keys(&s, "p");
    assert_int_equal(w.command, COMMAND_PAUSE);
    assert_true(w.each);
    assert_int_equal(s.state.asked.n, 2);
    (void)scene_keys(&s, "U");
    assert_int_equal(s.state.tags.n, 0);
    scene_release(&s);
}

static void an_edit_is_checked_before_it_is_sent(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    struct wish w = scene_keys(&s, "elr=1e-4\r");
    assert_int_equal(w.kind, WISH_COMMAND);
    assert_int_equal(w.command, COMMAND_EDIT);
    assert_string_equal(w.arg, "optimizer.lr=1e-4");
    assert_int_equal(w.trial, 0);
    assert_int_equal(scene_keys(&s, "elr=abc\r").kind, WISH_NOTHING);
    assert_has(s.state.message, "no number");
    assert_int_equal(scene_keys(&s, "eepochs=2.5\r").kind, WISH_NOTHING);
    assert_has(s.state.message, "whole number");
    assert_int_equal(scene_keys(&s, "ewidth=64\r").kind, WISH_NOTHING);
    assert_has(s.state.message, "cannot change");
    s.state.selected = 1;
    assert_int_equal(scene_keys(&s, "e").kind, WISH_NOTHING);
    assert_has(s.state.message, "#1 is done: nothing to edit");
    scene_release(&s);
}

static void the_command_line_takes_the_words_of_vaetop(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    struct wish w = scene_keys(&s, ":pause 2\r");
    assert_int_equal(w.command, COMMAND_PAUSE);
    assert_int_equal(w.trial, 2);
    w = scene_keys(&s, ":resume 6\r");
    assert_int_equal(w.command, COMMAND_RESUME);
    w = scene_keys(&s, ":resume 0\r");
    assert_int_equal(w.kind, WISH_NOTHING);
    w = scene_keys(&s, ":set 5 beta=0.5\r");
    assert_int_equal(w.command, COMMAND_EDIT);
    assert_int_equal(w.trial, 5);
    assert_string_equal(w.arg, "loss.beta=0.5");
    w = scene_keys(&s, ":trials 32\r");
    assert_int_equal(w.command, COMMAND_TRIALS);
    assert_int_equal(w.trial, -1);
    assert_string_equal(w.arg, "32");
    (void)scene_keys(&s, ":so\tkl\r");
    assert_int_equal(s.state.sort, COL_KL);
    (void)scene_keys(&s, ":filter value < 100\r");
    assert_int_equal(s.view.n_order, 2);
    assert_int_equal(scene_keys(&s, ":stop 99\r").kind, WISH_NOTHING);
    assert_has(s.state.message, "no such trial");
    (void)scene_keys(&s, ":puase\r");
    assert_has(s.state.message, "did you mean pause");
    (void)scene_keys(&s, ":q\r");
    assert_int_equal(s.state.question, ASK_QUIT);
    scene_release(&s);
}

static void a_line_can_be_edited(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    (void)scene_keys(&s, "/ab");
    (void)state_key(&s.state, &s.view, 0xe9);
    assert_string_equal(s.state.input.text, "ab\xc3\xa9");
    (void)scene_keys(&s, "\x7f" "d\x01" "x");
    assert_string_equal(s.state.input.text, "xabd");
    (void)scene_keys(&s, "\x15");
    assert_string_equal(s.state.input.text, "abd");
    for (int i = 0; i < 400; i++) {
        (void)scene_keys(&s, "y");
    }
    assert_true(s.state.input.len < sizeof s.state.input.text);
    (void)scene_keys(&s, "\x1b");
    assert_int_equal(s.state.input.prompt, PROMPT_NONE);
    scene_release(&s);
}

static void a_preset_is_started_as_its_form_says(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    struct wish w = scene_keys(&s, "0\r");
    assert_int_equal(w.kind, WISH_OPEN); /* a study */
    w = scene_keys(&s, "jjj\r");
    assert_int_equal(w.kind, WISH_NOTHING);
    assert_true(s.home.form);
    assert_string_equal(s.home.name, "quickstart-2"); /* quickstart is taken */
    (void)scene_keys(&s, "jjjj\r");
    assert_int_equal(s.state.input.prompt, PROMPT_FIELD);
    (void)scene_keys(&s, "\x15" "abc\r");
    assert_int_equal(s.state.input.prompt, PROMPT_FIELD);
    assert_true(s.state.message_bad);
    (void)scene_keys(&s, "\x15" "8\r");
    assert_int_equal(s.state.input.prompt, PROMPT_NONE);
    assert_int_equal(config_i64(&s.home.p.base, KNOB_STUDY_TRIALS), 8);
    (void)scene_keys(&s, "g\r");
    w = scene_keys(&s, "g\r");
    assert_int_equal(w.kind, WISH_START);
    (void)scene_keys(&s, "\x1b");
    assert_false(s.home.form);
    scene_release(&s);
}

static void a_range_can_become_a_value_and_back(void **state)
{
    struct scene s;
    char value[96];
    (void)state;
    scene_make(&s, DEMO_EMPTY, TIER_ASCII);
    (void)scene_keys(&s, "0\rG\r\x15" "0.001\r");
    assert_false(s.state.message_bad);
    assert_int_equal(s.home.p.n_ranges, 3);
    (void)scene_keys(&s, "G\r\x15" "a | b\r");
    assert_true(s.state.message_bad);
    (void)scene_keys(&s, "\x1b");
    assert_string_equal(home_value(value, sizeof value, &s.home, FIELD_NAME), "quickstart");
    scene_release(&s);
}

static void without_a_study_one_line_says_what_enter_does(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_EMPTY, TIER_ASCII);
    (void)scene_keys(&s, "0");
    char *t = scene_text(&s, 80, 24);
    assert_has(t, "Enter twice starts quickstart");
    assert_has(t, "> quickstart");
    free(t);
    scene_release(&s);
}

static void the_log_scrolls_and_shows_one_trial(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    (void)scene_keys(&s, "5");
    char *t = scene_text(&s, 80, 24);
    assert_has(t, "study started");
    free(t);
    (void)scene_keys(&s, "a");
    t = scene_text(&s, 80, 24);
    assert_null(strstr(t, "study started"));
    assert_has(t, "#0 epoch 18");
    free(t);
    scene_release(&s);
}

/* No key is pressed in vain without a word, and v and m change what is seen at every size. */
static void a_key_without_a_use_says_so(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    (void)scene_keys(&s, "z");
    assert_string_equal(s.state.message, "z is no key; ? lists them");
    (void)scene_keys(&s, "3y");
    assert_has(s.state.message, "y (loss axis linear or log) does nothing on this screen");
    assert_false(s.state.log_y);
    (void)scene_keys(&s, "0p");
    assert_has(s.state.message, "does nothing on this screen");
    (void)scene_keys(&s, "1y");
    assert_string_equal(s.state.message, "");
    assert_true(s.state.log_y);
    (void)scene_keys(&s, "2");
    free(scene_text(&s, 160, 48));
    (void)scene_keys(&s, "v");
    char *t = scene_text(&s, 160, 48);
    assert_has(t, "- samples e");
    free(t);
    free(scene_text(&s, 80, 24));
    (void)scene_keys(&s, "m");
    t = scene_text(&s, 80, 24);
    assert_null(strstr(t, "- samples e"));
    assert_has(t, "latent #");
    free(t);
    scene_release(&s);
}

/* What does not fit into one row goes on in the next, whole words, and scrolling counts the rows. */
static void a_long_line_of_the_log_is_shown_whole(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_EMPTY, TIER_ASCII);
    s.view.log = xreallocarray(s.view.log, 2, sizeof *s.view.log);
    s.view.n_logs = s.view.cap_logs = 2;
    for (int i = 0; i < 2; i++) {
        s.view.log[i] = (struct view_log){.trial = -1, .time = "12:00:00"};
        (void)snprintf(s.view.log[i].text, sizeof s.view.log[i].text, "line %d has more words than fit here; the last is END%d",
                       i, i);
    }
    (void)scene_keys(&s, "5");
    char *t = scene_text(&s, 40, 8);
    assert_has(t, " 12:00:00 line 0 has more words than\n          fit here; the last is END0\n 12:00:00 line 1");
    assert_has(t, "END1\n");
    free(t);
    t = scene_text(&s, 40, 6); /* three rows: one of the first line, then both of the second */
    assert_null(strstr(t, "line 0"));
    assert_has(t, "END0");
    free(t);
    (void)scene_keys(&s, "k");
    t = scene_text(&s, 40, 6);
    assert_has(t, "line 0");
    assert_has(t, "1 newer below");
    free(t);
    scene_release(&s);
}

static void slots_follow_plus_and_minus(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    s.view.slots = 3; /* the study's, not the devices' shares of it rounded up */
    struct wish w = scene_keys(&s, "3+");
    assert_int_equal(w.command, COMMAND_SLOTS);
    assert_string_equal(w.arg, "4");
    w = scene_keys(&s, "-");
    assert_string_equal(w.arg, "2");
    scene_release(&s);
}

static void devices_are_ticked_in_the_form(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_EMPTY, TIER_ASCII);
    struct wish w = scene_keys(&s, "0\rjj\r");
    assert_int_equal(w.kind, WISH_PROBE);
    scene_probe(&s);
    char *t = scene_text(&s, 80, 24);
    assert_has(t, "[x] default");
    assert_has(t, "[ ] 0 gpu  NVIDIA H200   8.0 GiB");
    assert_has(t, "[!] 2 acce Xilinx U280   OpenCL 1.0 is too old");
    free(t);
    (void)scene_keys(&s, "j j ");
    t = scene_text(&s, 80, 24);
    assert_has(t, "[ ] default");
    assert_has(t, "[x] 0 gpu");
    assert_has(t, "[x] 1 cpu");
    free(t);
    (void)scene_keys(&s, "j ");
    assert_has(s.state.message, "too old");
    (void)scene_keys(&s, "\r");
    assert_string_equal(s.home.device, "0,1");
    assert_true(s.home.form);
    scene_probe(&s); /* what was chosen is ticked */
    assert_true(s.home.ticked[0] && s.home.ticked[1] && !s.home.ticked[2]);
    (void)scene_keys(&s, "j \x1b"); /* Esc: as before */
    assert_string_equal(s.home.device, "0,1");
    scene_probe(&s);
    (void)scene_keys(&s, " \r");
    assert_string_equal(s.home.device, "default");
    (void)scene_keys(&s, "ecpu\r"); /* or typed */
    scene_release(&s);
}

static void an_empty_line_says_what_it_takes(void **state)
{
    static const char *const expected[][2] = {{"\\", "value < 100"}, {"/", "a number"}, {":", "Tab completes"},
                                              {"e", "such as: lr=1e-4"}};
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct scene s;
        scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
        (void)scene_keys(&s, expected[i][0]);
        char *t = scene_text(&s, 80, 24);
        assert_has(t, expected[i][1]);
        free(t);
        (void)scene_keys(&s, "x");
        t = scene_text(&s, 80, 24);
        assert_null(strstr(t, expected[i][1]));
        free(t);
        scene_release(&s);
    }
}

/* What stands in the line after these keys. */
static const char *typed(struct scene *s, const char *keys)
{
    s->state.input.prompt = PROMPT_NONE;
    (void)scene_keys(s, keys);
    return s->state.input.text;
}

static void tab_offers_the_words_that_may_stand_there(void **state)
{
    (void)state;
    struct scene s;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    assert_string_equal(typed(&s, ":sl\t"), "slots ");
    assert_string_equal(typed(&s, ":s\t"), "stop ");
    assert_has(s.state.message, "set slots sort");
    assert_string_equal(typed(&s, ":s\t\t"), "set ");
    assert_string_equal(typed(&s, ":sort va\t"), "sort value");
    assert_string_equal(typed(&s, ":sort ki\t"), "sort kind");
    assert_string_equal(typed(&s, ":set 3 l\t"), "set 3 lr=");
    assert_string_equal(typed(&s, ":clone 3 ki\t"), "clone 3 kind=");
    assert_string_equal(typed(&s, ":filter ep\t"), "filter epoch ");
    assert_string_equal(typed(&s, "\\va\t"), "value ");
    assert_string_equal(typed(&s, "\\value < 3 and la\t"), "value < 3 and latent ");
    assert_string_equal(typed(&s, "\\state = ru\t"), "state = running ");
    assert_string_equal(typed(&s, "\\state != done | pa\t"), "state != done | paused ");
    assert_string_equal(typed(&s, "\\kl = ru\t"), "kl = ru"); /* no such word */
    assert_has(s.state.message, "no word fits");
    assert_string_equal(typed(&s, "e\t"), "lr=");
    assert_string_equal(typed(&s, "e\t\t"), "beta=");
    assert_string_equal(typed(&s, "e\t\t\t\t"), "lr=");
    assert_string_equal(typed(&s, "ep\t"), "p"); /* no knob begins so */
    assert_string_equal(typed(&s, "e\t1\b2"), "lr=2");
    scene_release(&s);
}

int screens_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_line_says_what_it_takes),
        cmocka_unit_test(tab_offers_the_words_that_may_stand_there),
        cmocka_unit_test(devices_are_ticked_in_the_form),
        cmocka_unit_test(digits_and_tab_change_the_screen),
        cmocka_unit_test(scrubbing_moves_all_panes_and_comes_back_to_the_newest),
        cmocka_unit_test(zooming_keeps_the_newest_or_the_crosshair_in_sight),
        cmocka_unit_test(braces_go_through_the_trials),
        cmocka_unit_test(a_note_stands_on_the_trial_screen),
        cmocka_unit_test(tagged_trials_are_stopped_together_by_name),
        cmocka_unit_test(an_edit_is_checked_before_it_is_sent),
        cmocka_unit_test(the_command_line_takes_the_words_of_vaetop),
        cmocka_unit_test(a_line_can_be_edited),
        cmocka_unit_test(a_preset_is_started_as_its_form_says),
        cmocka_unit_test(a_range_can_become_a_value_and_back),
        cmocka_unit_test(without_a_study_one_line_says_what_enter_does),
        cmocka_unit_test(the_log_scrolls_and_shows_one_trial),
        cmocka_unit_test(a_long_line_of_the_log_is_shown_whole),
        cmocka_unit_test(a_key_without_a_use_says_so),
        cmocka_unit_test(slots_follow_plus_and_minus),
    };
    return cmocka_run_group_tests_name("ui screens", tests, NULL, NULL);
}
