#include "../../src/tune/sobol.h"

#include <stdbool.h>
#include <string.h>

#include "check.h"

int sobol_tests(void);

static void plain_points_are_joe_and_kuos(void **state)
{
    static const size_t dim[] = {0, 1, 2, 5, 20, 63};
    /* Point 12345 in the order of the Gray code, as another implementation numbers them. */
    static const double want[] = {0.64093017578125,    0.81341552734375,    0.16033935546875,
                                  0.05889892578125,    0.19927978515625,    0.46563720703125};
    struct sobol s;
    double x[64];
    (void)state;
    sobol_init_plain(&s, 64);
    sobol_point(&s, 12345 ^ 12345 >> 1, x);
    for (size_t i = 0; i < 6; i++) {
        assert_true(x[dim[i]] == want[i]);
    }
    sobol_point(&s, 0, x);
    assert_true(x[0] == 0 && x[63] == 0);
    sobol_release(&s);
}

static void scrambling_keeps_every_interval_hit_once(void **state)
{
    struct sobol s;
    double x[80];
    (void)state;
    for (uint64_t seed = 0; seed < 3; seed++) {
        bool hit[64][256];
        bool box[16][16];
        memset(hit, 0, sizeof hit);
        memset(box, 0, sizeof box);
        sobol_init(&s, 80, seed, -1);
        for (uint32_t i = 0; i < 256; i++) {
            sobol_point(&s, i, x);
            for (size_t d = 0; d < 64; d++) {
                hit[d][(int)(x[d] * 256)] = true;
            }
            box[(int)(x[0] * 16)][(int)(x[1] * 16)] = true;
            assert_true(x[79] >= 0 && x[79] < 1);
        }
        for (size_t d = 0; d < 64; d++) {
            for (size_t i = 0; i < 256; i++) {
                assert_true(hit[d][i]);
                assert_true(box[i / 16][i % 16]); /* the first two dimensions make a net */
            }
        }
        sobol_release(&s);
    }
}

static void seeds_give_different_points(void **state)
{
    struct sobol a, b;
    double x[4], y[4];
    (void)state;
    sobol_init(&a, 4, 1, -1);
    sobol_init(&b, 4, 2, -1);
    sobol_point(&a, 3, x);
    sobol_point(&b, 3, y);
    for (int d = 0; d < 4; d++) {
        assert_true(x[d] != y[d]);
    }
    sobol_release(&a);
    sobol_release(&b);
}

int sobol_tests(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(plain_points_are_joe_and_kuos),
        cmocka_unit_test(scrambling_keeps_every_interval_hit_once),
        cmocka_unit_test(seeds_give_different_points),
    };
    return cmocka_run_group_tests_name("tune sobol", test, NULL, NULL);
}
