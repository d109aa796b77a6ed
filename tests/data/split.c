/* Training and validation rows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "vaetop/base/alloc.h"
#include "vaetop/data/dataset.h"

static void make(struct split *s, const char *validation, const char *seed, size_t n)
{
    struct config c;
    struct err e;
    data_config(&c, "builtin:digits", KNOB_DATA_VALIDATION, validation);
    assert_ok(config_set(&c, KNOB_DATA_SEED, seed, &e), &e);
    assert_ok(split_make(s, &c, n, &e), &e);
    config_release(&c);
}

/* Both ascending, disjoint, all rows. */
static void check_partition(const struct split *s, size_t n)
{
    size_t t = 0, v = 0;
    assert_int_equal(s->n_train + s->n_val, n);
    assert_true(s->n_train > 0 && s->n_val > 0);
    for (size_t i = 0; i < n; i++) {
        if (t < s->n_train && s->train[t] == i) {
            t++;
        } else {
            assert_true(v < s->n_val);
            assert_int_equal(s->val[v], i);
            v++;
        }
    }
}

static void a_fraction_is_drawn_exactly_and_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n, n_val;
    } cases[] = {{"0.2", 6000, 1200}, {"0.5", 2, 1}, {"0.2", 3, 1}, {"0.9", 10, 9},
                 {"0.123", 1000, 123}, {"1e-3", 70001, 70}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct split s;
        make(&s, cases[i].text, "0", cases[i].n);
        assert_int_equal(s.n_val, cases[i].n_val);
        check_partition(&s, cases[i].n);
        split_release(&s);
    }
}

static void the_seed_alone_decides_the_draw(void **state)
{
    (void)state;
    struct split a, b, c;
    make(&a, "0.2", "7", 500);
    make(&b, "0.2", "7", 500);
    make(&c, "0.2", "8", 500);
    assert_memory_equal(a.val, b.val, a.n_val * sizeof *a.val);
    assert_memory_not_equal(a.val, c.val, a.n_val * sizeof *a.val);
    split_release(&a);
    split_release(&b);
    split_release(&c);
}

static void every_row_is_held_out_as_often_as_any(void **state)
{
    (void)state;
    int held[20] = {0};
    for (int seed = 0; seed < 2000; seed++) {
        struct split s;
        char text[16];
        (void)snprintf(text, sizeof text, "%d", seed);
        make(&s, "0.25", text, 20);
        for (size_t i = 0; i < s.n_val; i++) {
            held[s.val[i]]++;
        }
        split_release(&s);
    }
    for (int i = 0; i < 20; i++) { /* 500 expected, deviation 19 */
        assert_in_range(held[i], 420, 580);
    }
}

static void the_last_rows_are_held_out_on_demand(void **state)
{
    (void)state;
    struct split s;
    make(&s, "last 2000", "3", 10000);
    assert_int_equal(s.n_val, 2000);
    assert_int_equal(s.val[0], 8000);
    assert_int_equal(s.train[7999], 7999);
    check_partition(&s, 10000);
    split_release(&s);
}

/* Each row is in one of the three lists, which are ascending. */
static void check_thirds(const struct split *s, size_t n)
{
    uint8_t *seen = xcalloc(n, 1);
    const uint32_t *list[] = {s->train, s->val, s->test};
    const size_t len[] = {s->n_train, s->n_val, s->n_test};
    assert_int_equal(len[0] + len[1] + len[2], n);
    for (int k = 0; k < 3; k++) {
        for (size_t i = 0; i < len[k]; i++) {
            assert_true(i == 0 || list[k][i] > list[k][i - 1]);
            assert_int_equal(seen[list[k][i]]++, 0);
        }
    }
    free(seen);
}

static void test_rows_are_taken_out_first(void **state)
{
    (void)state;
    static const struct {
        const char *test, *validation;
        size_t n_test, n_val;
    } cases[] = {{"last 100", "0.2", 100, 180}, {"100", "last 50", 100, 50}, {"0.1", "0.5", 100, 450},
                 {"0.1", "last 50", 100, 50},   {"", "0.2", 0, 200},         {"/a/path.npy", "0.2", 0, 200}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config c;
        struct split s;
        struct err e;
        data_config(&c, "builtin:digits", KNOB_DATA_TEST, cases[i].test);
        assert_ok(config_set(&c, KNOB_DATA_VALIDATION, cases[i].validation, &e), &e);
        assert_ok(split_make(&s, &c, 1000, &e), &e);
        assert_int_equal(s.n_test, cases[i].n_test);
        assert_int_equal(s.n_val, cases[i].n_val);
        check_thirds(&s, 1000);
        if (i < 2) {
            assert_int_equal(s.test[0], 900);
        }
        if (i == 1) {
            assert_int_equal(s.val[0], 850);
        }
        split_release(&s);
        assert_ok(config_set(&c, KNOB_DATA_TEST, "last 1000", &e), &e);
        assert_err(split_make(&s, &c, 1000, &e), ERR_USAGE, &e);
        assert_has(e.text, "data.test");
        assert_null(s.train);
        config_release(&c);
    }
}

static void a_split_that_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
    } cases[] = {{"0.2", 0},   {"0.2", 1},     {"0.1", 4},       {"0.99", 10},  {"last 10", 10}, {"last 11", 10},
                 {"last 0", 10}, {"last -3", 10}, {"last 2.5", 10}, {"last", 10},  {"0", 10},      {"1", 10},
                 {"-0.5", 10}, {"nan", 10},    {"", 10},         {"first 3", 10}, {"0.2x", 10},
                 {"last 99999999999999999999", 10}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct config c;
        struct split s;
        struct err e;
        config_init(&c);
        free(c.text[KNOB_DATA_VALIDATION]); /* past the checks of config_set(), which may be stricter one day */
        c.text[KNOB_DATA_VALIDATION] = xstrdup(cases[i].text);
        assert_err(split_make(&s, &c, cases[i].n, &e), ERR_USAGE, &e);
        assert_has(e.text, cases[i].n < 2 ? "data.count" : "data.validation");
        assert_null(s.train);
        config_release(&c);
    }
}

int split_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fraction_is_drawn_exactly_and_in_order),
        cmocka_unit_test(the_seed_alone_decides_the_draw),
        cmocka_unit_test(every_row_is_held_out_as_often_as_any),
        cmocka_unit_test(the_last_rows_are_held_out_on_demand),
        cmocka_unit_test(test_rows_are_taken_out_first),
        cmocka_unit_test(a_split_that_cannot_be_is_refused),
    };
    return cmocka_run_group_tests_name("data split", tests, NULL, NULL);
}
