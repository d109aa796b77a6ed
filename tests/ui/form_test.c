/* The form of a new trial, and the words for it. */
#include <stdlib.h>
#include <string.h>

#include "check.h"

#include "scene.h"

int form_tests(void);

static void a_clone_sends_only_what_was_changed(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    s.state.selected = 1;
    s.state.follow = false;
    assert_int_equal(scene_keys(&s, "C").kind, WISH_NOTHING);
    assert_true(s.state.form.open);
    assert_int_equal(s.state.form.like, 1);
    char *t = scene_text(&s, 80, 24);
    assert_has(t, "clone of #1");
    assert_has(t, knob_info(s.state.form.knob[0])->full);
    free(t);
    (void)scene_keys(&s, "\x1b");
    assert_false(s.state.form.open);
    int lr = 0;
    (void)scene_keys(&s, "C");
    while (s.state.form.knob[lr] != KNOB_OPTIMIZER_LR) {
        lr++;
        (void)scene_keys(&s, "j");
    }
    (void)scene_keys(&s, "j\r");
    assert_int_equal(s.state.input.prompt, PROMPT_VALUE);
    s.state.input.len = s.state.input.at = 0;
    s.state.input.text[0] = 0;
    (void)scene_keys(&s, "soon\r"); /* no number: the line stays */
    assert_int_equal(s.state.input.prompt, PROMPT_VALUE);
    s.state.input.len = s.state.input.at = 0;
    s.state.input.text[0] = 0;
    (void)scene_keys(&s, "3e-4\r");
    assert_int_equal(s.state.input.prompt, PROMPT_NONE);
    s.state.form.row = 0;
    struct wish w = scene_keys(&s, "\r");
    assert_int_equal(w.command, COMMAND_CLONE);
    assert_int_equal(w.trial, 1);
    assert_string_equal(w.arg, "optimizer.lr=3e-4");
    assert_false(s.state.form.open);
    scene_release(&s);
}

static void a_trial_by_hand_begins_with_nothing(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    (void)scene_keys(&s, "E");
    char *t = scene_text(&s, 80, 24);
    assert_has(t, "a trial of your own");
    assert_has(t, "drawn at random from its range");
    free(t);
    struct wish w = scene_keys(&s, "\r");
    assert_int_equal(w.command, COMMAND_ENQUEUE);
    assert_int_equal(w.trial, -1);
    assert_string_equal(w.arg, "");
    s.view.link = LINK_OFFLINE;
    assert_int_equal(scene_keys(&s, "E").kind, WISH_NOTHING);
    assert_false(s.state.form.open);
    assert_has(s.state.message, "no engine");
    scene_release(&s);
}

static void the_command_line_knows_them_too(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    struct wish w = scene_keys(&s, ":clone 3 lr=1e-3 latent=8\r");
    assert_int_equal(w.command, COMMAND_CLONE);
    assert_int_equal(w.trial, 3);
    assert_string_equal(w.arg, "lr=1e-3; latent=8");
    w = scene_keys(&s, ":clone lr=1e-3\r"); /* the selected one */
    assert_int_equal(w.trial, 3);
    assert_string_equal(w.arg, "lr=1e-3");
    w = scene_keys(&s, ":enqueue latent=8\r");
    assert_int_equal(w.command, COMMAND_ENQUEUE);
    assert_string_equal(w.arg, "latent=8");
    w = scene_keys(&s, ":space latent=4 .. 16\r");
    assert_int_equal(w.command, COMMAND_SPACE);
    assert_string_equal(w.arg, "latent=4 .. 16");
    assert_int_equal(scene_keys(&s, ":clone 99\r").kind, WISH_NOTHING);
    scene_release(&s);
}

int form_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clone_sends_only_what_was_changed),
        cmocka_unit_test(a_trial_by_hand_begins_with_nothing),
        cmocka_unit_test(the_command_line_knows_them_too),
    };
    return cmocka_run_group_tests_name("forms", tests, NULL, NULL);
}
