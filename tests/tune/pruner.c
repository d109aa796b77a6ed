#include "vaetop/tune/pruner.h"

#include <math.h>

#include "check.h"
#include "made.h"
#include "vaetop/base/rng.h"
#include "vaetop/tune/importance.h"
#include "vaetop/tune/stop.h"

int pruner_tests(void);

#define N(array) (sizeof(array) / sizeof *(array))

static const double flat[6][4] = {{10, 9, 8, 7},    {20, 19, 18, 17}, {30, 29, 28, 27},
                                  {40, 39, 38, 37}, {50, 49, 48, 47}, {0}};

static void fill(struct curve *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        c[i] = (struct curve){(int)i, true, flat[i], 4};
    }
}

static void the_median_cuts_what_never_was_better(void **state)
{
    struct curve other[5];
    const double bad[] = {35, 33, 31}, good[] = {35, 27.9, 31};
    struct curve own = {9, false, bad, 3};
    struct verdict v;
    char text[160];
    (void)state;
    fill(other, 5);
    v = percentile_verdict(&median_rule, &own, other, 5);
    assert_true(v.prune);
    assert_close(v.value, 31, 0, 0);
    assert_close(v.threshold, 28, 0, 0);
    assert_int_equal(v.others, 5);
    assert_has(verdict_format(text, sizeof text, &v), "epoch 3: best 31 is above 28");
    own.value = good; /* its best counts, not its last */
    assert_false(percentile_verdict(&median_rule, &own, other, 5).prune);
}

static void percentiles_lie_between_neighbours(void **state)
{
    struct percentile_rule r = median_rule;
    struct curve other[5];
    const double x[] = {17};
    struct curve own = {9, false, x, 1};
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
    struct curve own = {9, false, bad, 2};
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
    own = (struct curve){9, false, nan, 2};
    assert_true(percentile_verdict(&median_rule, &own, other, 5).prune);
    own.n = 0;
    assert_false(percentile_verdict(&median_rule, &own, other, 5).prune);
    own = (struct curve){9, false, bad, 4};
    for (int i = 0; i < 5; i++) {
        other[i].n = 3; /* nobody got there */
    }
    assert_false(percentile_verdict(&median_rule, &own, other, 5).prune);
}

static void patience_waits_for_a_plateau(void **state)
{
    const double falling[] = {5, 4, 3, 2, 1}, flat_tail[] = {5, 2, 2.5, 2.6, 2.7};
    (void)state;
    assert_false(patience_spent(&(struct curve){0, false, falling, 5}, 2, 0));
    assert_true(patience_spent(&(struct curve){0, false, flat_tail, 5}, 2, 0));
    assert_false(patience_spent(&(struct curve){0, false, flat_tail, 5}, 2, 1));
    assert_false(patience_spent(&(struct curve){0, false, flat_tail, 3}, 2, 0));
    assert_true(patience_spent(&(struct curve){0, false, falling, 1}, 0, 0));
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
    struct curve other[] = {{0, false, a, 2}, {1, false, b, 2}, {2, true, c, 2}};
    struct curve own = {3, false, d, 1};
    struct verdict v;
    (void)state;
    v = asha_stop(&r, &own, other, 3);
    assert_false(v.prune);
    assert_int_equal(v.rung, 0);
    own = other[0];
    v = asha_stop(&r, &own, other, 3); /* 3 among 3, 2.5, 2.7: only the best of three goes on */
    assert_true(v.prune);
    assert_int_equal(v.rung, 1);
    assert_close(v.threshold, 2.5, 0, 0);
    own = other[1];
    assert_false(asha_stop(&r, &own, other, 3).prune);
    own = (struct curve){5, false, nan, 1};
    assert_true(asha_stop(&r, &own, other, 3).prune);
    own = (struct curve){5, false, flat[4], 3}; /* between rungs */
    assert_false(asha_stop(&r, &own, other, 3).prune);
    assert_false(asha_stop(&r, &other[0], other, 0).prune); /* alone */
}

static void promotion_takes_the_best_unpromoted_from_the_highest_rung(void **state)
{
    const struct asha_rule r = {1, 2, 8}; /* rungs at 1, 2, 4 */
    struct asha_entry e[] = {
        {0, 0, 5, false, false}, {1, 0, 3, false, false}, {2, 0, 4, false, false}, {3, 0, 6, false, false}};
    (void)state;
    assert_int_equal(asha_promote(&r, e, 1), 1); /* one of one: half of it is nobody */
    assert_int_equal(asha_promote(&r, e, 2), 1);
    e[1].promoted = true;
    assert_int_equal(asha_promote(&r, e, 3), 3); /* only one of three, and it has gone up */
    assert_int_equal(asha_promote(&r, e, 4), 2);
    e[2].promoted = true;
    struct asha_entry up[] = {e[0], e[1], e[2], e[3], {1, 1, 2, false, false}, {2, 1, 2.5, false, false}};
    assert_int_equal(asha_promote(&r, up, 6), 4); /* rung 1 first */
    up[4].value = NAN;
    assert_int_equal(asha_promote(&r, up, 6), 5); /* what diverged counts in the rung and never goes up */
    up[5].gone = true;
    assert_int_equal(asha_promote(&r, up, 6), 6);
    struct asha_entry tie[] = {{7, 0, 1, false, false}, {4, 0, 1, false, false}};
    assert_int_equal(asha_promote(&r, tie, 2), 1);
}

/* value = 10 x0, nothing of x1; x2 matters only where the choice makes it active. */
static void importance_finds_what_decides(void **state)
{
    struct preset p;
    struct point *pt[200];
    struct point store[200];
    double value[200], share[4], sum = 0;
    struct rng rng = rng_start(rng_key(1, 1), RNG_SUGGEST, 0);
    (void)state;
    made_init(&p);
    made_float(&p, 0, 1, false);
    made_float(&p, 1e-4, 1, true);
    made_choice(&p, "adam sgd");
    made_int(&p, 1, 20, false);
    made_when(&p, 2, "sgd");
    for (size_t i = 0; i < 200; i++) {
        pt[i] = &store[i];
        point_init(pt[i], &p);
        for (size_t d = 0; d < 3; d++) {
            pt[i]->present[d] = true;
        }
        pt[i]->value[0] = rng_uniform(&rng);
        pt[i]->value[1] = pow(10, -4 * rng_uniform(&rng));
        pt[i]->value[2] = rng_below(&rng, 2);
        pt[i]->present[3] = pt[i]->value[2] == 1;
        pt[i]->value[3] = 1 + rng_below(&rng, 20);
        value[i] = 10 * pt[i]->value[0] + (pt[i]->present[3] ? .01 * pt[i]->value[3] : 0);
    }
    importance(share, &p, (const struct point *const *)pt, value, 200);
    for (int d = 0; d < 4; d++) {
        assert_true(share[d] >= 0);
        sum += share[d];
    }
    assert_close(sum, 1, 1e-12, 0);
    assert_true(share[0] > 0.6 && share[1] < 0.2 && share[2] < 0.2 && share[3] < 0.2);
    assert_close(importance_of(&p, 0, (const struct point *const *)pt, value, 200) /
                     importance_of(&p, 1, (const struct point *const *)pt, value, 200),
                 share[0] / share[1], 1e-9, 1e-9);
    importance(share, &p, (const struct point *const *)pt, value, 1);
    assert_true(share[0] == 0);
    for (size_t i = 0; i < 200; i++) {
        value[i] = 1; /* all alike: the best are all */
    }
    importance(share, &p, (const struct point *const *)pt, value, 200);
    assert_true(share[0] == 0 && share[2] == 0);
    for (size_t i = 0; i < 200; i++) {
        point_release(pt[i]);
    }
    preset_release(&p);
}

static void a_study_ends_when_nothing_is_left_to_gain(void **state)
{
    const struct stop_rule r = {.least = 6, .window = 3, .expected = .01, .stagnant = 4};
    struct gain g[] = {{9, NAN}, {5, NAN}, {NAN, NAN}, {4, .5}, {6, .004}, {7, .002}, {5, .003}};
    struct stop_verdict v = stop_look(&r, g, 7);
    (void)state;
    assert_true(v.stop);
    assert_int_equal(v.since, 3);
    assert_close(v.expected, .004, 0, 0);
    assert_false(stop_look(&r, g, 6).stop); /* one of the last three expected much */
    g[4].expected = NAN;
    assert_false(stop_look(&r, g, 7).stop); /* not by the model */
    g[3].value = 6;
    v = stop_look(&r, g, 7);
    assert_true(v.stop); /* but five in a row improved nothing */
    assert_int_equal(v.since, 5);
    assert_true(isnan(v.expected));
    g[3].value = 4;
    g[4].expected = .004;
    g[6].value = 3;
    assert_false(stop_look(&r, g, 7).stop); /* the best has just come */
    g[6].value = 5;
    assert_false(stop_look(&stop_default, g, 7).stop);
    assert_false(stop_look(&r, g, 0).stop);
}

int pruner_tests(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(the_median_cuts_what_never_was_better),
        cmocka_unit_test(percentiles_lie_between_neighbours),
        cmocka_unit_test(nothing_is_pruned_too_early),
        cmocka_unit_test(patience_waits_for_a_plateau),
        cmocka_unit_test(rungs_grow_by_eta_up_to_a_whole_trial),
        cmocka_unit_test(stopping_keeps_the_best_share_of_a_rung),
        cmocka_unit_test(promotion_takes_the_best_unpromoted_from_the_highest_rung),
        cmocka_unit_test(importance_finds_what_decides),
        cmocka_unit_test(a_study_ends_when_nothing_is_left_to_gain),
    };
    return cmocka_run_group_tests_name("tune pruner", test, NULL, NULL);
}
