#include "vaetop/score/ranking.h"

#include <math.h>

#include "check.h"

int ranking_tests(void);

static void what_breaks_a_requirement_stands_below(void **state)
{
    static const struct scored s[] = {{{9, NAN}, 0}, {{1, NAN}, .5}, {{NAN, NAN}, 0}, {{3, NAN}, 0}, {{0, NAN}, .1}, {{3, NAN}, 0}};
    static const size_t want[] = {3, 5, 0, 4, 1, 2};
    size_t order[6];
    (void)state;
    ranking(order, s, 6, 1);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(order[i], want[i]);
    }
}

static void of_two_objectives_the_front_stands_first(void **state)
{
    static const struct scored s[] = {{{4, 4}, 0}, {{0, 9}, 0}, {{2, 2}, 0}, {{9, 0}, 0}, {{0, 0}, .2}, {{5, 5}, 0}};
    static const size_t want[] = {2, 1, 3, 0, 5, 4};
    size_t order[6];
    (void)state;
    ranking(order, s, 6, 2);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(order[i], want[i]);
    }
}

int ranking_tests(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(what_breaks_a_requirement_stands_below),
        cmocka_unit_test(of_two_objectives_the_front_stands_first),
    };
    return cmocka_run_group_tests_name("score ranking", test, NULL, NULL);
}
