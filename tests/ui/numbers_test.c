#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

#include "../../src/ui/number.h"
#include "vaetop/base/str.h"

static void assert_fit(double v, int width, const char *want)
{
    char buf[64];
    assert_string_equal(str_fit(buf, sizeof buf, v, width, 2), want);
}

static void values_lose_decimals_before_they_lose_their_column(void **state)
{
    (void)state;
    assert_fit(94.214, 7, "94.21");
    assert_fit(12345.67, 7, "12345.7");
    assert_fit(-12345.67, 7, "-12346");
    assert_fit(1234567, 7, "1234567");
    assert_fit(1e30, 7, "1.00e30");
    assert_fit(NAN, 7, "-");
    assert_fit(INFINITY, 7, "inf");
}

static void no_number_is_wider_than_its_column(void **state)
{
    char buf[64];
    (void)state;
    for (int e = -320; e <= 308; e++) {
        for (int k = 0; k < 3; k++) {
            double v = (k == 0 ? 1 : k == 1 ? -9.9996 : 5.5) * pow(10, e);
            for (int w = 5; w <= 9; w++) {
                assert_in_range(strlen(str_fit(buf, sizeof buf, v, w, 2)), 1, (size_t)w);
            }
            assert_in_range(strlen(num_short(buf, sizeof buf, fabs(v))), 1, 8);
            assert_in_range(strlen(num_si(buf, sizeof buf, fabs(v))), 1, 5);
        }
    }
}

static void settings_are_short(void **state)
{
    char buf[64];
    (void)state;
    assert_string_equal(num_short(buf, sizeof buf, 0.0031337), "3.1e-3");
    assert_string_equal(num_short(buf, sizeof buf, 0.25), "0.25");
    assert_string_equal(num_short(buf, sizeof buf, 512), "512");
    assert_string_equal(num_short(buf, sizeof buf, 16384), "16384");
    assert_string_equal(num_short(buf, sizeof buf, 0), "0");
    assert_string_equal(num_power(buf, sizeof buf, 0.1), "1.0e-1");
    assert_string_equal(num_si(buf, sizeof buf, 61234), "61.2k");
    assert_string_equal(num_si(buf, sizeof buf, 999.7), "1.0k");
    assert_string_equal(num_si(buf, sizeof buf, 950), "950");
    assert_string_equal(num_eta(buf, sizeof buf, 41.4), "0:41");
    assert_string_equal(num_eta(buf, sizeof buf, 3720), "1h02m");
    assert_string_equal(num_eta(buf, sizeof buf, 4 * 86400 + 3 * 3600), "99h00m");
    assert_string_equal(num_eta(buf, sizeof buf, NAN), "-");
}

/* A step is 1, 2 or 5 times a power of ten. */
static bool is_nice(double step)
{
    double f = step / pow(10, floor(log10(step) + 1e-9));
    return fabs(f - 1) < 1e-6 || fabs(f - 2) < 1e-6 || fabs(f - 5) < 1e-6;
}

static void ticks_are_nice_few_inside_and_ascending(void **state)
{
    (void)state;
    for (int e = -8; e <= 12; e++) {
        for (int most = 1; most <= 9; most++) {
            double lo = -0.37 * pow(10, e), hi = 1.93 * pow(10, e);
            struct ticks t;
            ticks_linear(&t, lo, hi, most);
            assert_true(is_nice(t.step));
            assert_in_range(t.n, most >= 2 ? 1 : 0, most + 1);
            for (int i = 0; i < t.n; i++) {
                assert_true(t.v[i] >= lo - t.step * 1e-6 && t.v[i] <= hi + t.step * 1e-6);
                assert_true(i == 0 || t.v[i] > t.v[i - 1]);
            }
        }
    }
}

static void tick_labels_differ_from_each_other(void **state)
{
    (void)state;
    const double range[][2] = {{85, 235}, {116.2, 116.9}, {0, 30},      {0, 1},
                               {-3, 3},   {1e5, 9e5},     {1e-4, 9e-4}, {5e6, 9e9}};
    for (size_t r = 0; r < sizeof range / sizeof *range; r++) {
        struct ticks t;
        char last[32] = "";
        ticks_linear(&t, range[r][0], range[r][1], 5);
        assert_true(t.n >= 2);
        for (int i = 0; i < t.n; i++) {
            char label[32];
            tick_label(label, sizeof label, &t, t.v[i]);
            assert_string_not_equal(label, last);
            assert_in_range(strlen(label), 1, 6);
            (void)snprintf(last, sizeof last, "%s", label);
        }
    }
}

static void senseless_ranges_have_no_ticks(void **state)
{
    const double range[][2] = {{1, 1}, {2, 1}, {NAN, 1}, {0, INFINITY}, {1e300, 1e300 * (1 + 1e-15)}};
    (void)state;
    for (size_t r = 0; r < sizeof range / sizeof *range; r++) {
        struct ticks t;
        ticks_linear(&t, range[r][0], range[r][1], 5);
        assert_int_equal(t.n, 0);
    }
}

static void log_axes_show_decades_when_there_are_several(void **state)
{
    struct ticks t;
    (void)state;
    ticks_log(&t, 0.5, 2000, 5);
    assert_int_equal(t.n, 4);
    assert_close(t.v[0], 1, 0, 1e-12);
    assert_close(t.v[3], 1000, 0, 1e-12);
    ticks_log(&t, 85, 235, 5);
    assert_true(t.step > 0);
}

int numbers_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_lose_decimals_before_they_lose_their_column),
        cmocka_unit_test(no_number_is_wider_than_its_column),
        cmocka_unit_test(settings_are_short),
        cmocka_unit_test(ticks_are_nice_few_inside_and_ascending),
        cmocka_unit_test(tick_labels_differ_from_each_other),
        cmocka_unit_test(senseless_ranges_have_no_ticks),
        cmocka_unit_test(log_axes_show_decades_when_there_are_several),
    };
    return cmocka_run_group_tests_name("ui numbers", tests, NULL, NULL);
}
