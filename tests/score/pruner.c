#include "vaetop/score/pruner.h"

#include <math.h>

#include "check.h"

int pruner_tests(void);

#define N(array) (sizeof(array) / sizeof *(array))

static const double flat[6][4] = {{10, 9, 8, 7},    {20, 19, 18, 17}, {30, 29, 28, 27},
                                  {40, 39, 38, 37}, {50, 49, 48, 47}, {0}};

static void fill(struct curve *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        c[i] = (struct curve){(int)i, true, flat[i], 4, NULL, NULL, 0};
    }
}

static void the_median_cuts_what_never_was_better(void **state)
{
    struct curve other[5];
    const double bad[] = {35, 33, 31}, good[] = {35, 27.9, 31};
    struct curve own = {9, false, bad, 3, NULL, NULL, 0};
    struct verdict v;
    char text[160];
    (void)state;
    fill(other, 5);
    v = percentile_verdict(&median_rule, &own, other, 5);
    assert_true(v.prune);
    assert_close(v.value, 31, 0, 0);
    assert_close(v.threshold, 28, 0, 0);
    assert_int_equal(v.others, 5);
    assert_has(verdict_format(text, sizeof text, &v), "epoch 3: best 31 is above 28, the median of 5 trials");
    own.value = good; /* its best counts, not its last */
    assert_false(percentile_verdict(&median_rule, &own, other, 5).prune);
}

static void percentiles_lie_between_neighbours(void **state)
{
    struct percentile_rule r = median_rule;
    struct curve other[5];
    const double x[] = {17};
    struct curve own = {9, false, x, 1, NULL, NULL, 0};
    (void)state;
    fill(other, 5);
    r.percentile = 10;
    assert_close(percentile_verdict(&r, &own, other, 5).threshold, 14, 1e-12, 0);
    r.percentile = 25;
    assert_close(percentile_verdict(&r, &own, other, 5).threshold, 20, 1e-12, 0);
}

static void nothing_is_pruned_too_early(void **state)
{
    struct percentile_rule r = median_rule;
    struct curve other[5];
    const double bad[] = {99, 99, 99, 99}, nan[] = {NAN, NAN};
    struct curve own = {9, false, bad, 2, NULL, NULL, 0};
    (void)state;
    fill(other, 5);
    assert_true(percentile_verdict(&r, &own, other, 5).prune);
    assert_false(percentile_verdict(&r, &own, other, 4).prune); /* start-up trials */
    other[2].complete = false;
    assert_false(percentile_verdict(&r, &own, other, 5).prune);
    other[2].complete = true;
    r.warmup = 2;
    assert_false(percentile_verdict(&r, &own, other, 5).prune);
    own.n = 3;
    assert_true(percentile_verdict(&r, &own, other, 5).prune);
    r.interval = 2;
    own.n = 4;
    assert_false(percentile_verdict(&r, &own, other, 5).prune);
    own = (struct curve){9, false, nan, 2, NULL, NULL, 0};
    assert_true(percentile_verdict(&median_rule, &own, other, 5).prune);
    own.n = 0;
    assert_false(percentile_verdict(&median_rule, &own, other, 5).prune);
    own = (struct curve){9, false, bad, 4, NULL, NULL, 0};
    for (int i = 0; i < 5; i++) {
        other[i].n = 3; /* nobody got there */
    }
    assert_false(percentile_verdict(&median_rule, &own, other, 5).prune);
}

static void patience_waits_for_a_plateau(void **state)
{
    const double falling[] = {5, 4, 3, 2, 1}, flat_tail[] = {5, 2, 2.5, 2.6, 2.7};
    (void)state;
    assert_false(patience_spent(&(struct curve){0, false, falling, 5, NULL, NULL, 0}, 2, 0));
    assert_true(patience_spent(&(struct curve){0, false, flat_tail, 5, NULL, NULL, 0}, 2, 0));
    assert_false(patience_spent(&(struct curve){0, false, flat_tail, 5, NULL, NULL, 0}, 2, 1));
    assert_false(patience_spent(&(struct curve){0, false, flat_tail, 3, NULL, NULL, 0}, 2, 0));
    assert_true(patience_spent(&(struct curve){0, false, falling, 1, NULL, NULL, 0}, 0, 0));
}

/* The pruner counts epochs without a better one: 1 is one. */
static void a_patience_of_one_waits_for_one_epoch(void **state)
{
    const double falling[] = {5, 4, 3}, second[] = {5, 4, 4.5};
    (void)state;
    for (size_t n = 1; n <= 3; n++) {
        assert_false(patience_verdict(&(struct curve){0, false, falling, n, NULL, NULL, 0}, 1).prune);
        assert_int_equal(patience_verdict(&(struct curve){0, false, second, n, NULL, NULL, 0}, 1).prune, n == 3);
        assert_false(patience_verdict(&(struct curve){0, false, second, n, NULL, NULL, 0}, 2).prune);
    }
}

static void rungs_grow_by_eta_up_to_a_whole_trial(void **state)
{
    const struct asha_rule r = {3, 3, 81}, whole = {5, 4, 5};
    (void)state;
    assert_int_equal(asha_rungs(&r), 3); /* 3, 9, 27; at 81 the trial is complete */
    assert_int_equal(asha_epochs(&r, 0), 3);
    assert_int_equal(asha_epochs(&r, 2), 27);
    assert_int_equal(asha_epochs(&r, 3), 81);
    assert_int_equal(asha_epochs(&r, 60), 81);
    assert_int_equal(asha_rung_at(&r, 2), -1);
    assert_int_equal(asha_rung_at(&r, 3), 0);
    assert_int_equal(asha_rung_at(&r, 26), 1);
    assert_int_equal(asha_rung_at(&r, 80), 2);
    assert_int_equal(asha_rungs(&whole), 0);
}

static void stopping_keeps_the_best_share_of_a_rung(void **state)
{
    const struct asha_rule r = {1, 2, 8};
    const double a[] = {4, 3}, b[] = {2, 2.5}, c[] = {3, 2.7}, d[] = {1}, nan[] = {NAN};
    struct curve other[] = {{0, false, a, 2, NULL, NULL, 0}, {1, false, b, 2, NULL, NULL, 0}, {2, true, c, 2, NULL, NULL, 0}};
    struct curve own = {3, false, d, 1, NULL, NULL, 0};
    struct verdict v;
    (void)state;
    v = asha_stop(&r, &own, other, 3);
    assert_false(v.prune);
    assert_int_equal(v.rung, 0);
    own = other[0];
    v = asha_stop(&r, &own, other, 3); /* 3 among 3, 2.5, 2.7: only the best of three goes on */
    assert_true(v.prune);
    assert_int_equal(v.rung, 1);
    assert_int_equal(v.place, 3);
    assert_int_equal(v.of, 3);
    assert_int_equal(v.go_on, 1);
    own = other[1];
    assert_false(asha_stop(&r, &own, other, 3).prune);
    own = (struct curve){5, false, nan, 1, NULL, NULL, 0};
    assert_true(asha_stop(&r, &own, other, 3).prune);
    own = (struct curve){5, false, flat[4], 3, NULL, NULL, 0}; /* between rungs */
    assert_false(asha_stop(&r, &own, other, 3).prune);
    assert_false(asha_stop(&r, &other[0], other, 0).prune); /* alone */
}

static void promotion_takes_the_best_unpromoted_from_the_highest_rung(void **state)
{
    const struct asha_rule r = {1, 2, 8}; /* rungs at 1, 2, 4 */
    struct asha_entry e[] = {{.trial = 0, .value = {5}}, {.trial = 1, .value = {3}}, {.trial = 2, .value = {4}},
                             {.trial = 3, .value = {6}}};
    (void)state;
    assert_int_equal(asha_promote(&r, e, 1, 1), 1); /* one of one: half of it is nobody */
    assert_int_equal(asha_leader(&r, e, 1, 1), 0);
    assert_int_equal(asha_promote(&r, e, 2, 1), 1);
    e[1].promoted = true;
    assert_int_equal(asha_promote(&r, e, 3, 1), 3); /* only one of three, and it has gone up */
    assert_int_equal(asha_promote(&r, e, 4, 1), 2);
    e[2].promoted = true;
    struct asha_entry up[] = {e[0], e[1], e[2], e[3], {.trial = 1, .rung = 1, .value = {2}},
                              {.trial = 2, .rung = 1, .value = {2.5}}};
    assert_int_equal(asha_promote(&r, up, 6, 1), 4); /* rung 1 first */
    up[4].value[0] = NAN;
    assert_int_equal(asha_promote(&r, up, 6, 1), 5); /* what diverged counts in the rung and never goes up */
    up[5].gone = true;
    assert_int_equal(asha_promote(&r, up, 6, 1), 6);
    assert_int_equal(asha_leader(&r, up, 6, 1), 0);
    struct asha_entry tie[] = {{.trial = 7, .value = {1}}, {.trial = 4, .value = {1}}};
    assert_int_equal(asha_promote(&r, tie, 2, 1), 1);
}

static void a_standing_says_the_place_and_who_goes_on(void **state)
{
    const struct asha_rule r = {9, 3, 81};
    struct asha_entry e[27];
    char text[160];
    (void)state;
    for (int i = 0; i < 27; i++) {
        e[i] = (struct asha_entry){.trial = i, .rung = 0, .value = {100 - i}};
    }
    struct verdict v = asha_standing(&r, e, 27, 14, 1);
    assert_true(v.prune);
    assert_string_equal(verdict_format(text, sizeof text, &v), "rung 0 (9 epochs): 13th of 27, the best 9 go on");
    v = asha_standing(&r, e, 27, 25, 1);
    assert_false(v.prune);
    assert_has(verdict_format(text, sizeof text, &v), ": 2nd of 27, ");
    v = asha_standing(&r, e, 5, 2, 1);
    assert_string_equal(verdict_format(text, sizeof text, &v), "rung 0 (9 epochs): 3rd of 5, the best 1 goes on");
}

/* Trials 0, 1, 2 are a front; 3 is behind all of them though its first value is the second best. */
static void two_objectives_go_by_the_front(void **state)
{
    const struct asha_rule r = {1, 2, 8};
    struct asha_entry e[] = {{.trial = 0, .value = {1, 9}}, {.trial = 3, .value = {1.5, 9.5}},
                             {.trial = 1, .value = {2, 5}}, {.trial = 2, .value = {9, 1}}};
    const double v0[] = {1, 1}, s0[] = {9, 9}, v1[] = {2, 2}, s1[] = {5, 5}, v2[] = {9, 9}, s2[] = {1, 1};
    const double v3[] = {1.5, 1.5}, s3[] = {9.5, 9.5}, v4[] = {.5, .5}, s4[] = {10, 10};
    const struct curve other[] = {{0, true, v0, 2, s0, NULL, 0}, {1, true, v1, 2, s1, NULL, 0}, {2, true, v2, 2, s2, NULL, 0}};
    struct curve own = {3, false, v3, 2, s3, NULL, 0};
    struct percentile_rule median = median_rule;
    (void)state;
    assert_int_equal(asha_promote(&r, e, 4, 2), 0);
    e[0].promoted = true;
    assert_int_equal(asha_promote(&r, e, 4, 2), 3); /* the other end of the front */
    e[3].promoted = true;
    assert_int_equal(asha_promote(&r, e, 4, 2), 4);
    assert_int_equal(asha_standing(&r, e, 4, 1, 2).place, 4);
    assert_true(asha_stop(&r, &own, other, 3).prune);
    assert_false(asha_stop(&r, &other[2], other, 3).prune);
    median.startup = 3;
    assert_true(percentile_verdict(&median, &own, other, 3).prune);
    own.value = v4; /* a new end of the front */
    own.second = s4;
    assert_false(percentile_verdict(&median, &own, other, 3).prune);
    const double falling[] = {9, 8, 7, 6, 5}, rising[] = {1, 2, 3, 4, 5}, flat_two[] = {1, 1, 1, 1, 1};
    assert_false(patience_spent(&(struct curve){0, false, falling, 5, rising, NULL, 0}, 2, 0)); /* along a front */
    assert_true(patience_spent(&(struct curve){0, false, flat_two, 5, rising, NULL, 0}, 2, 0));
}

/* Trials 0, 1, 2 have the best values and break what is required: 0 at its end only, 1 all the time, 2 by more. */
static void what_breaks_a_requirement_sets_no_standard(void **state)
{
    const double kept[] = {0, 0, 0, 0}, broken[] = {1, 1, 1, 1}, more[] = {2, 2, 2, 2}, late[] = {1, 1, 0, 0};
    const double mine[] = {36, 35, 34, 33}, low[] = {1, 1, 1, 1};
    struct curve other[5], own = {9, false, mine, 3, NULL, kept, 0};
    struct percentile_rule r = median_rule;
    struct verdict v;
    char text[160];
    (void)state;
    fill(other, 5);
    assert_true(percentile_verdict(&median_rule, &own, other, 5).prune); /* behind 28, where nothing is required */
    for (int i = 0; i < 5; i++) {
        other[i].violation = kept;
    }
    assert_true(percentile_verdict(&median_rule, &own, other, 5).prune); /* and where all keep it */
    other[0].at_end = .5;
    other[1].violation = broken;
    other[2].violation = more;
    v = percentile_verdict(&median_rule, &own, other, 5); /* 34: before 38 and 48, and before those three */
    assert_false(v.prune);
    assert_int_equal(v.place, 1);
    assert_int_equal(v.of, 6);
    own.value = flat[5];
    own.violation = broken; /* the best value of all, but behind 3, 4 and 0; with 1, before 2 */
    v = percentile_verdict(&median_rule, &own, other, 5);
    assert_true(v.prune);
    assert_int_equal(v.place, 4);
    assert_string_equal(verdict_format(text, sizeof text, &v), "epoch 3: 4th of 6, the best 3 go on; it breaks study.require");
    r.percentile = 60;
    assert_false(percentile_verdict(&r, &own, other, 5).prune);
    own.value = mine;
    own.violation = late; /* its best so far is that of an epoch that keeps it */
    assert_false(percentile_verdict(&median_rule, &own, other, 5).prune);
    own.second = low;
    own.n = 2; /* of two objectives its last point counts */
    for (int i = 0; i < 5; i++) {
        other[i].second = low;
    }
    assert_int_equal(percentile_verdict(&median_rule, &own, other, 5).place, 4);
    own.n = 3;
    assert_int_equal(percentile_verdict(&median_rule, &own, other, 5).place, 1);
}

static void rungs_put_last_what_breaks_a_requirement(void **state)
{
    const struct asha_rule r = {1, 2, 8};
    struct asha_entry e[] = {{.trial = 0, .value = {1, 9}, .violation = .2}, {.trial = 1, .value = {3, 3}},
                             {.trial = 2, .value = {2, 5}, .violation = .1}, {.trial = 3, .value = {4, 2}}};
    const double kept[] = {0}, broken[] = {.2}, less[] = {.1}, v0[] = {1}, v1[] = {3}, v2[] = {2};
    const struct curve c[] = {{0, false, v0, 1, NULL, broken, 0}, {1, false, v1, 1, NULL, kept, 0},
                              {2, false, v2, 1, NULL, less, 0}};
    (void)state;
    for (int objectives = 1; objectives <= 2; objectives++) {
        static const int place[] = {4, 1, 3, 2};
        for (size_t i = 0; i < 4; i++) {
            struct verdict v = asha_standing(&r, e, 4, i, objectives);
            assert_int_equal(v.place, place[i]);
            assert_int_equal(v.broken, i % 2 == 0);
        }
        assert_int_equal(asha_promote(&r, e, 4, objectives), 1);
    }
    assert_int_equal(asha_stop(&r, &c[0], c, 3).place, 3);
    assert_int_equal(asha_stop(&r, &c[1], c, 3).place, 1);
    assert_int_equal(asha_stop(&r, &c[2], c, 3).place, 2);
    assert_false(asha_stop(&r, &c[1], c, 3).prune);
    assert_true(asha_stop(&r, &c[0], c, 3).prune);
}

static void patience_waits_for_what_is_required(void **state)
{
    const double flat_one[] = {1, 1, 1, 1, 1}, rising[] = {1, 2, 3, 4, 5};
    const double falling[] = {5, 4, 3, 2, 1}, stuck[] = {5, 4, 4, 4, 4}, kept[] = {0, 0, 0, 0, 0};
    (void)state;
    assert_false(patience_spent(&(struct curve){0, false, rising, 5, NULL, falling, 0}, 2, 0));
    assert_true(patience_spent(&(struct curve){0, false, rising, 5, NULL, stuck, 0}, 2, 0));
    assert_true(patience_spent(&(struct curve){0, false, rising, 5, NULL, kept, 0}, 2, 0));
    assert_false(patience_spent(&(struct curve){0, false, rising, 5, flat_one, falling, 0}, 2, 0));
}

int pruner_tests(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(the_median_cuts_what_never_was_better),
        cmocka_unit_test(percentiles_lie_between_neighbours),
        cmocka_unit_test(nothing_is_pruned_too_early),
        cmocka_unit_test(patience_waits_for_a_plateau),
        cmocka_unit_test(a_patience_of_one_waits_for_one_epoch),
        cmocka_unit_test(rungs_grow_by_eta_up_to_a_whole_trial),
        cmocka_unit_test(stopping_keeps_the_best_share_of_a_rung),
        cmocka_unit_test(promotion_takes_the_best_unpromoted_from_the_highest_rung),
        cmocka_unit_test(a_standing_says_the_place_and_who_goes_on),
        cmocka_unit_test(two_objectives_go_by_the_front),
        cmocka_unit_test(what_breaks_a_requirement_sets_no_standard),
        cmocka_unit_test(rungs_put_last_what_breaks_a_requirement),
        cmocka_unit_test(patience_waits_for_what_is_required),
    };
    return cmocka_run_group_tests_name("score pruner", test, NULL, NULL);
}
