#include "vaetop/tune/importance.h"

#include <math.h>

#include "check.h"
#include "made.h"
#include "vaetop/base/rng.h"
#include "vaetop/tune/stop.h"

int importance_tests(void);

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

int importance_tests(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(importance_finds_what_decides),
        cmocka_unit_test(a_study_ends_when_nothing_is_left_to_gain),
    };
    return cmocka_run_group_tests_name("tune importance", test, NULL, NULL);
}
