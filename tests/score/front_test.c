#include "vaetop/score/front.h"

#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/rng.h"

int front_tests(void);

static bool dominates(const double *a, const double *b)
{
    return a[0] <= b[0] && a[1] <= b[1] && (a[0] < b[0] || a[1] < b[1]);
}

/* Peels the fronts one after the other, straight from the definition. */
static void naive_ranks(int *rank, const double *v, size_t n)
{
    size_t left = n;
    for (size_t i = 0; i < n; i++) {
        rank[i] = -1;
    }
    for (int r = 0; left > 0; r++) {
        bool *in = xcalloc(n, sizeof *in);
        for (size_t i = 0; i < n; i++) {
            in[i] = rank[i] < 0;
            for (size_t j = 0; j < n && in[i]; j++) {
                in[i] = rank[j] >= 0 || !dominates(v + 2 * j, v + 2 * i);
            }
        }
        for (size_t i = 0; i < n; i++) {
            if (in[i]) {
                rank[i] = r;
                left--;
            }
        }
        free(in);
    }
}

static void ranks_match_peeling_off_fronts(void **state)
{
    struct rng rng = rng_start(rng_key(2, 0), RNG_SUGGEST, 0);
    (void)state;
    for (int round = 0; round < 20; round++) {
        double v[120];
        int got[60], want[60];
        for (int i = 0; i < 120; i++) {
            v[i] = rng_below(&rng, round < 10 ? 8 : 1000); /* many ties, then few */
        }
        front_ranks(got, v, 60);
        naive_ranks(want, v, 60);
        for (int i = 0; i < 60; i++) {
            assert_int_equal(got[i], want[i]);
        }
    }
}

static void ends_of_a_front_are_loneliest(void **state)
{
    static const double v[] = {0, 4, 1, 2, 2, 1, 4, 0, 4, 4};
    int rank[5];
    double crowd[5];
    (void)state;
    front_ranks(rank, v, 5);
    assert_true(rank[0] == 0 && rank[3] == 0 && rank[4] == 1);
    front_crowding(crowd, v, rank, 5);
    assert_true(isinf(crowd[0]) && isinf(crowd[3]) && isinf(crowd[4]));
    assert_close(crowd[1], 2.0 / 4 + 3.0 / 4, 1e-12, 0);
    assert_close(crowd[2], 3.0 / 4 + 2.0 / 4, 1e-12, 0);
}

static void the_area_under_a_front_is_counted_once(void **state)
{
    static const double v[] = {1, 3, 2, 2, 3, 1, 2.5, 2.5, 9, 0};
    const double reference[] = {4, 4};
    (void)state;
    assert_close(front_area(v, 5, reference), 1 * 1 + 1 * 2 + 1 * 3, 1e-12, 0);
    assert_close(front_area(v, 0, reference), 0, 0, 0);
}

/* Rank first, then who is lonelier, then who came first; what is not finite comes last. */
static void the_order_of_two_objectives(void **state)
{
    static const double v[] = {4, 4, 0, 4, (double)NAN, 0, 1, 2, 2, 1, 4, 0, 1, 2};
    static const size_t want[] = {1, 5, 4, 3, 6, 0, 2};
    size_t order[7];
    int rank[7];
    (void)state;
    front_order(order, rank, v, 7);
    for (int i = 0; i < 7; i++) {
        assert_int_equal(order[i], want[i]);
    }
    assert_int_equal(rank[0], 1);
    assert_int_equal(rank[3], 0);
    assert_int_equal(rank[2], 2);
}

int front_tests(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(ranks_match_peeling_off_fronts),
        cmocka_unit_test(ends_of_a_front_are_loneliest),
        cmocka_unit_test(the_area_under_a_front_is_counted_once),
        cmocka_unit_test(the_order_of_two_objectives),
    };
    return cmocka_run_group_tests_name("score front", test, NULL, NULL);
}
