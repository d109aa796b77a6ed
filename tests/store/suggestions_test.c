/* Why each trial got its point, in which order trials ended, and what they say together. */
#include "fixture.h"

#include <math.h>
#include <stdlib.h>

static void suggestions_round_trip(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    struct suggestion *got;
    size_t n;
    char gp[] = "gp", none[] = "", running[] = "0 1 12", text[] = "auto: \x1b[31m why";
    study_open(&t);
    struct suggestion a = {.number = 2, .seed = INT64_C(9007199254740991), .told = 7, .fit = 3, .mean = 101.25, .sd = 0.1,
                           .expected = 1e-12, .sampler = gp, .running = running, .text = text};
    struct suggestion b = {.number = 3, .mean = NAN, .sd = NAN, .expected = NAN, .sampler = gp, .running = none, .text = gp};
    assert_ok(store_suggestion(t.s, &b, &e), &e);
    assert_ok(store_suggestion(t.s, &a, &e), &e);
    assert_ok(store_suggestion(t.s, &a, &e), &e); /* replaces */
    assert_ok(store_suggestions(t.s, 0, 2, &got, &n, &e), &e);
    assert_int_equal(n, 1);
    assert_int_equal(got[0].number, 2);
    assert_true(got[0].seed == a.seed && got[0].told == 7 && got[0].fit == 3);
    assert_true(got[0].mean == a.mean && got[0].sd == a.sd && got[0].expected == a.expected);
    assert_string_equal(got[0].sampler, "gp");
    assert_string_equal(got[0].running, "0 1 12");
    assert_string_equal(got[0].text, "auto: \\x1B[31m why"); /* fit for a terminal */
    store_suggestions_free(got, n);
    assert_ok(store_suggestions(t.s, 0, INT32_MAX, &got, &n, &e), &e);
    assert_int_equal(n, 2);
    assert_true(isnan(got[1].mean) && isnan(got[1].expected));
    store_suggestions_free(got, n);
    study_close(&t);
}

static void trials_stand_in_the_order_in_which_they_ended(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    struct telling *order;
    size_t n;
    study_open(&t);
    for (int i = 0; i < 4; i++) {
        (void)add_trial(&t, PHASE_QUEUED);
    }
    assert_ok(store_trial_phase(t.s, 2, PHASE_DONE, 5, NULL, &e), &e);
    assert_ok(store_trial_phase(t.s, 0, PHASE_DIVERGED, NAN, NULL, &e), &e);
    assert_ok(store_ended(t.s, 3, &e), &e); /* by another program */
    assert_ok(store_ended(t.s, 2, &e), &e); /* keeps its place */
    assert_ok(store_order(t.s, &order, &n, &e), &e);
    assert_int_equal(n, 3);
    assert_true(order[0].number == 2 && order[1].number == 0 && order[2].number == 3 && order[2].epoch == 0);
    free(order);
    study_close(&t);
}

static void a_study_from_before_these_tables_opens(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    struct store *reader;
    struct suggestion *made;
    struct insight in;
    struct telling *order;
    size_t n;
    study_open(&t);
    (void)add_trial(&t, PHASE_QUEUED);
    store_close(t.s);
    meddle(t.dir, "study.db", "DROP TABLE vaetop_order; DROP TABLE vaetop_suggestion");
    assert_ok(store_open(&reader, t.dir, false, &e), &e);
    assert_ok(store_order(reader, &order, &n, &e), &e);
    assert_int_equal(n, 0);
    assert_ok(store_suggestions(reader, 0, 9, &made, &n, &e), &e);
    assert_int_equal(n, 0);
    assert_err(store_insight(reader, &in, &e), ERR_NOTFOUND, &e);
    store_close(reader);
    assert_ok(store_open(&t.s, t.dir, true, &e), &e);
    assert_ok(store_trial_phase(t.s, 0, PHASE_DONE, 5, NULL, &e), &e);
    assert_ok(store_order(t.s, &order, &n, &e), &e);
    assert_int_equal(n, 1);
    free(order);
    study_close(&t);
}

static void an_insight_is_read_as_written_and_nonsense_is_none(void **state)
{
    (void)state;
    static const char *const nonsense[] = {"", "1 2", "9 8 7 1 1 2 0.5 0.25", "9 8 7 1 1 1 x 0.25", "9 8 7 1 3 1 0.5 1 1 1",
                                           "9 8 7 1 1 1 0.5 0.25 7", "9 8 -7 1 1 1 0.5 0.25", "9 8 7 1 2 999999999 0.5"};
    struct study t;
    struct err e;
    struct insight got;
    double share[] = {0.1, 0.9};
    struct insight in = {.finished = 9, .complete = 8, .since = 7, .stop = true, .expected = NAN, .objectives = 1,
                         .n_ranges = 2, .share = share};
    struct sbuf text = {0};
    study_open(&t);
    insight_format(&text, &in);
    assert_ok(store_fact_set(t.s, FACT_INSIGHT, text.text, &e), &e);
    assert_ok(store_insight(t.s, &got, &e), &e);
    assert_true(got.finished == 9 && got.complete == 8 && got.since == 7 && got.stop && isnan(got.expected));
    assert_true(got.objectives == 1 && got.n_ranges == 2 && got.share[0] == 0.1 && got.share[1] == 0.9);
    insight_release(&got);
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        assert_ok(store_fact_set(t.s, FACT_INSIGHT, nonsense[i], &e), &e);
        assert_err(store_insight(t.s, &got, &e), ERR_NOTFOUND, &e);
    }
    sbuf_release(&text);
    study_close(&t);
}

int suggestions_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suggestions_round_trip),
        cmocka_unit_test(trials_stand_in_the_order_in_which_they_ended),
        cmocka_unit_test(a_study_from_before_these_tables_opens),
        cmocka_unit_test(an_insight_is_read_as_written_and_nonsense_is_none),
    };
    return cmocka_run_group_tests_name("store suggestions", tests, NULL, NULL);
}
