#include <stdlib.h>
#include <string.h>

#include "check.h"

#include "scene.h"

static size_t matching(struct scene *s, const char *text)
{
    char why[200];
    size_t n = 0;
    if (!filter_parse(&s->state.filter, text, why, sizeof why)) {
        print_error("%s: %s\n", text, why);
        fail();
    }
    for (size_t i = 0; i < s->view.n; i++) {
        n += filter_passes(&s->state.filter, &s->view, &s->view.trial[i]);
    }
    return n;
}

static void comparisons_and_words_choose_trials(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    assert_int_equal(matching(&s, ""), 15);
    assert_int_equal(matching(&s, "state = running"), 3); /* not queued and paused ones */
    assert_int_equal(matching(&s, "state = COMPLETE | FAIL"), 6); /* Optuna's names */
    assert_int_equal(matching(&s, "state = R"), 3);
    assert_int_equal(matching(&s, "phase = done"), 3);
    assert_int_equal(matching(&s, "phase != done"), 12);
    assert_int_equal(matching(&s, "number <= 3"), 4);
    assert_int_equal(matching(&s, "number = 3 | 5 | 7"), 3);
    assert_int_equal(matching(&s, "number != 3 | 5 | 7"), 12);
    assert_int_equal(matching(&s, "value < 100"), 2);
    assert_int_equal(matching(&s, "value>=93 and value<97"), 2);
    assert_int_equal(matching(&s, "not value < 100"), 13); /* no value: no trial is below 100 */
    assert_int_equal(matching(&s, "value < 100 or state = N"), 3);
    assert_int_equal(matching(&s, "(value < 100 or state = N) number = 9"), 1);
    assert_int_equal(matching(&s, "train.batch = 128"), 15); /* the preset's, not searched */
    assert_int_equal(matching(&s, "edited = 1"), 1);
    scene_release(&s);
}

static void knobs_are_named_long_and_short(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    size_t n = matching(&s, "optimizer.kind = adam");
    assert_in_range(n, 1, 14);
    assert_int_equal(matching(&s, "kind = ADAM"), n);
    assert_int_equal(matching(&s, "kind != adam"), 15 - n);
    assert_int_equal(matching(&s, "lr > 1e-9"), 15);
    assert_int_equal(matching(&s, "latent = 5"), 1);
    scene_release(&s);
}

static void a_wrong_filter_says_what_is_wrong_and_changes_nothing(void **state)
{
    static const char *const bad[][2] = {
        {"valeu < 100", "did you mean value"},  {"value", "followed by one of"}, {"value <", "a value is missing"},
        {"kind < adam", "no number"},           {"(value < 1", "not closed"},    {"value < 1)", "closing brackets"},
        {"value < 1 and", "missing at the end"}, {"zzzzzzzzzz = 1", "nothing is called"}};
    struct filter f = {.n = 0};
    char why[200];
    (void)state;
    assert_true(filter_parse(&f, "value < 3", why, sizeof why));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(filter_parse(&f, bad[i][0], why, sizeof why));
        assert_has(why, bad[i][1]);
        assert_string_equal(f.text, "value < 3");
    }
}

static void hostile_filters_end(void **state)
{
    struct filter f = {.n = 0};
    char why[200], text[400];
    (void)state;
    memset(text, '(', sizeof text);
    text[sizeof text - 1] = 0;
    assert_false(filter_parse(&f, text, why, sizeof why));
    text[0] = 0;
    for (int i = 0; i < 60; i++) {
        strcat(text, "kl=1 ");
    }
    assert_false(filter_parse(&f, text, why, sizeof why));
    assert_has(why, "too long");
    assert_false(filter_parse(&f, "\xff\xfe= 1", why, sizeof why));
}

static void the_list_shows_what_matches_and_escape_shows_all(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    (void)scene_keys(&s, "\\value < 100\r");
    assert_int_equal(s.view.n_order, 2);
    char *t = scene_text(&s, 80, 24);
    assert_has(t, "2 of 15 match value < 100");
    free(t);
    (void)scene_keys(&s, "\x1b");
    assert_int_equal(s.view.n_order, 15);
    (void)scene_keys(&s, "\\valeu < 100\r");
    assert_int_equal(s.state.input.prompt, PROMPT_FILTER); /* stays open for mending */
    assert_has(s.state.message, "did you mean value");
    scene_release(&s);
}

static void a_pinned_trial_is_on_top_whatever_the_filter(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    s.state.selected = 11;
    (void)scene_keys(&s, "P\\value < 100\r");
    assert_int_equal(s.view.n_order, 3);
    assert_int_equal(s.view.trial[s.view.order[0]].number, 11);
    scene_release(&s);
}

static void search_finds_onwards_and_wraps(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    (void)scene_keys(&s, "g/killed\r");
    assert_int_equal(s.state.selected, 11); /* its reason */
    (void)scene_keys(&s, "/diverged\r");
    assert_int_equal(s.state.selected, 9);
    (void)scene_keys(&s, "n");
    assert_int_equal(s.state.selected, 9);
    (void)scene_keys(&s, "/nothing has this\r");
    assert_int_equal(s.state.selected, 9);
    assert_has(s.state.message, "no trial has");
    scene_release(&s);
}

int filter_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparisons_and_words_choose_trials),
        cmocka_unit_test(knobs_are_named_long_and_short),
        cmocka_unit_test(a_wrong_filter_says_what_is_wrong_and_changes_nothing),
        cmocka_unit_test(hostile_filters_end),
        cmocka_unit_test(the_list_shows_what_matches_and_escape_shows_all),
        cmocka_unit_test(a_pinned_trial_is_on_top_whatever_the_filter),
        cmocka_unit_test(search_finds_onwards_and_wraps),
    };
    return cmocka_run_group_tests_name("ui filter", tests, NULL, NULL);
}
