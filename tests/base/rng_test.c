#include "check.h"

#include <math.h>

#include "vaetop/base/rng.h"

/* Known answers of Philox4x32-10. Source: Random123's kat_vectors. */
static void philox_gives_the_published_answers(void **state)
{
    static const struct {
        uint32_t counter[4], key[2], want[4];
    } kat[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    (void)state;
    for (size_t n = 0; n < sizeof kat / sizeof *kat; n++) {
        uint32_t out[4];
        rng_philox(out, kat[n].counter, (struct rng_key){{kat[n].key[0], kat[n].key[1]}});
        assert_memory_equal(out, kat[n].want, sizeof out);
    }
}

static void streams_steps_and_trials_are_unrelated(void **state)
{
    struct rng a = rng_start(rng_key(1, 0), RNG_INIT, 0);
    struct rng b = rng_start(rng_key(1, 1), RNG_INIT, 0);
    struct rng c = rng_start(rng_key(1, 0), RNG_SPLIT, 0);
    struct rng d = rng_start(rng_key(1, 0), RNG_INIT, 1);
    int same = 0;
    (void)state;
    for (int n = 0; n < 1000; n++) {
        uint32_t x = rng_u32(&a);
        same += x == rng_u32(&b);
        same += x == rng_u32(&c);
        same += x == rng_u32(&d);
    }
    assert_int_equal(same, 0);
}

static void normals_have_mean_0_and_variance_1(void **state)
{
    struct rng r = rng_start(rng_key(5, 6), RNG_SAMPLE, 0);
    double sum = 0;
    double squares = 0;
    const int n = 200000;
    (void)state;
    for (int i = 0; i < n; i++) {
        double x = rng_normal(&r);
        sum += x;
        squares += x * x;
    }
    /* Five standard errors: 1/sqrt(n) of the mean, sqrt(2/n) of the variance. */
    assert_close(sum / n, 0, 5 / sqrt(n), 0);
    assert_close(squares / n, 1, 5 * sqrt(2.0 / n), 0);
}

static void bounded_numbers_are_even(void **state)
{
    struct rng r = rng_start(rng_key(7, 8), RNG_SAMPLE, 0);
    int count[7] = {0};
    double chi = 0;
    (void)state;
    for (int i = 0; i < 70000; i++) {
        count[rng_below(&r, 7)]++;
    }
    for (int i = 0; i < 7; i++) {
        chi += (count[i] - 10000.0) * (count[i] - 10000.0) / 10000.0;
    }
    assert_true(chi < 22.46); /* 99.9 % quantile of chi-square with 6 degrees of freedom */
    for (int i = 0; i < 1000; i++) {
        double u = rng_uniform(&r);
        assert_true(u >= 0 && u < 1);
    }
}

int rng_tests(void);
int rng_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_answers),
        cmocka_unit_test(streams_steps_and_trials_are_unrelated),
        cmocka_unit_test(normals_have_mean_0_and_variance_1),
        cmocka_unit_test(bounded_numbers_are_even),
    };
    return cmocka_run_group_tests_name("base rng", tests, NULL, NULL);
}
