#include <stdlib.h>
#include <string.h>

#include "check.h"

#include "../../src/ui/keys.h"
#include "scene.h"

static void every_key_has_one_action(void **state)
{
    (void)state;
    for (size_t i = 0; i < key_table_rows; i++) {
        for (int k = 0; k < KEYS_PER_ACTION && key_table[i].key[k] != 0; k++) {
            assert_int_equal(key_action(key_table[i].key[k]), key_table[i].action);
        }
        assert_int_not_equal(key_table[i].key[0], 0);
    }
}

static void every_action_has_help_that_fits(void **state)
{
    (void)state;
    for (size_t i = 0; i < key_table_rows; i++) {
        char names[48];
        assert_in_range(strlen(key_table[i].help), 4, 25);
        assert_in_range(strlen(key_labels(names, sizeof names, &key_table[i])), 1, 12);
    }
}

static void every_function_key_has_a_letter_twin(void **state)
{
    (void)state;
    for (size_t i = 0; i < key_table_rows; i++) {
        bool function = false, letter = false;
        for (int k = 0; k < KEYS_PER_ACTION; k++) {
            function = function || key_table[i].key[k] >= UK_F1;
            letter = letter || (key_table[i].key[k] > 0 && key_table[i].key[k] < 127);
        }
        assert_true(!function || letter);
    }
}

static void k_only_moves_up(void **state)
{
    (void)state;
    assert_int_equal(key_action('k'), ACT_UP);
    assert_int_equal(key_action('K'), ACT_NONE);
}

static void moving_keeps_the_selection_on_screen(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    scene_draw(&s, 40, 10);
    (void)scene_keys(&s, "G");
    assert_int_equal(s.state.selected, s.view.trial[s.view.order[s.view.n_order - 1]].number);
    assert_true(s.state.top > 0);
    (void)scene_keys(&s, "gj");
    assert_int_equal(s.state.selected, s.view.trial[s.view.order[1]].number);
    assert_int_equal(s.state.top, 0);
    (void)scene_keys(&s, "kkkk");
    assert_int_equal(s.state.selected, s.view.trial[s.view.order[0]].number);
    scene_release(&s);
}

static void selection_stays_with_its_trial_when_the_order_changes(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    (void)scene_keys(&s, "gjjj");
    int number = s.state.selected;
    (void)scene_keys(&s, "I<<>");
    assert_int_equal(s.state.selected, number);
    scene_release(&s);
}

static void pause_asks_the_engine_to_pause_or_resume(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    struct wish w = scene_keys(&s, "p"); /* trial 0 runs */
    assert_int_equal(w.kind, WISH_COMMAND);
    assert_int_equal(w.command, COMMAND_PAUSE);
    assert_int_equal(w.trial, 0);
    s.state.selected = 6;
    w = scene_keys(&s, "p");
    assert_int_equal(w.command, COMMAND_RESUME);
    s.state.selected = 1; /* done */
    assert_int_equal(scene_keys(&s, "p").kind, WISH_NOTHING);
    assert_has(s.state.message, "nothing to pause");
    scene_release(&s);
}

static void stop_asks_first_and_prefers_the_gentle_way(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    assert_int_equal(scene_keys(&s, "x").kind, WISH_NOTHING);
    assert_int_equal(s.state.question, ASK_STOP);
    assert_int_equal(scene_keys(&s, "\x1b").kind, WISH_NOTHING);
    assert_int_equal(s.state.question, ASK_NOTHING);
    struct wish w = scene_keys(&s, "x\r"); /* the engine waits with it, in case it is taken back */
    assert_int_equal(w.command, COMMAND_STOP_EPOCH);
    assert_string_equal(w.arg, "5");
    assert_true(w.each);
    assert_int_equal(s.state.n_pending, 1);
    assert_int_equal(s.state.pending[0].trial, 0);
    w = scene_keys(&s, "u");
    assert_int_equal(w.command, COMMAND_UNDO);
    assert_int_equal(w.trial, 0);
    assert_int_equal(s.state.n_pending, 0);
    w = scene_keys(&s, "xn");
    assert_int_equal(w.command, COMMAND_STOP_NOW);
    (void)scene_keys(&s, "uxjj\r");
    assert_int_equal(s.state.n_pending, 0);
    assert_int_equal(scene_keys(&s, "u").kind, WISH_NOTHING);
    scene_release(&s);
}

static void a_device_with_trials_is_asked_about_before_it_goes_off(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    assert_int_equal(scene_keys(&s, "3 ").kind, WISH_NOTHING); /* three trials run on the first one */
    assert_int_equal(s.state.question, ASK_DEVICE);
    char *t = scene_text(&s, 80, 24);
    assert_has(t, "Switch off AMD EPYC 9654");
    assert_has(t, "trials on it: 3");
    free(t);
    assert_int_equal(scene_keys(&s, "c").kind, WISH_NOTHING);
    struct wish w = scene_keys(&s, " f");
    assert_int_equal(w.command, COMMAND_DEVICE_DRAIN);
    assert_string_equal(w.arg, "0");
    w = scene_keys(&s, "xn");
    assert_int_equal(w.command, COMMAND_DEVICE_OFF);
    assert_int_equal(w.trial, -1);
    w = scene_keys(&s, "j "); /* nothing runs there: no question */
    assert_int_equal(w.command, COMMAND_DEVICE_OFF);
    assert_string_equal(w.arg, "1");
    w = scene_keys(&s, "t");
    assert_int_equal(w.command, COMMAND_DEVICE_TEST);
    w = scene_keys(&s, "j ");
    assert_int_equal(w.command, COMMAND_DEVICE_ON);
    assert_string_equal(w.arg, "2");
    assert_int_equal(scene_keys(&s, "j ").kind, WISH_NOTHING);
    assert_has(s.state.message, "no compiler");
    s.view.link = LINK_OFFLINE;
    assert_int_equal(scene_keys(&s, "k ").kind, WISH_NOTHING);
    assert_has(s.state.message, "no engine");
    scene_release(&s);
}

static void quit_asks_while_trials_run_and_detaches_by_default(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    assert_int_equal(scene_keys(&s, "q").kind, WISH_NOTHING);
    assert_int_equal(scene_keys(&s, "\r").kind, WISH_LEAVE);
    assert_int_equal(scene_keys(&s, "qs").kind, WISH_STOP_STUDY);
    assert_int_equal(scene_keys(&s, "qq").kind, WISH_NOTHING);
    assert_int_equal(scene_keys(&s, "d").kind, WISH_LEAVE);
    s.view.link = LINK_OFFLINE;
    assert_int_equal(scene_keys(&s, "q").kind, WISH_LEAVE);
    scene_release(&s);
}

static void escape_closes_and_never_quits(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    assert_int_equal(scene_keys(&s, "?\x1b\x1b\x1b").kind, WISH_NOTHING);
    assert_false(s.state.help);
    scene_release(&s);
}

static void nothing_is_sent_without_an_engine(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    s.view.link = LINK_OFFLINE;
    assert_int_equal(scene_keys(&s, "p").kind, WISH_NOTHING);
    assert_has(s.state.message, "no engine");
    assert_int_equal(scene_keys(&s, "x").kind, WISH_NOTHING);
    assert_int_equal(s.state.question, ASK_NOTHING);
    scene_release(&s);
}

int keys_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_has_one_action),
        cmocka_unit_test(every_action_has_help_that_fits),
        cmocka_unit_test(every_function_key_has_a_letter_twin),
        cmocka_unit_test(k_only_moves_up),
        cmocka_unit_test(moving_keeps_the_selection_on_screen),
        cmocka_unit_test(selection_stays_with_its_trial_when_the_order_changes),
        cmocka_unit_test(pause_asks_the_engine_to_pause_or_resume),
        cmocka_unit_test(stop_asks_first_and_prefers_the_gentle_way),
        cmocka_unit_test(a_device_with_trials_is_asked_about_before_it_goes_off),
        cmocka_unit_test(quit_asks_while_trials_run_and_detaches_by_default),
        cmocka_unit_test(escape_closes_and_never_quits),
        cmocka_unit_test(nothing_is_sent_without_an_engine),
    };
    return cmocka_run_group_tests_name("ui keys", tests, NULL, NULL);
}
