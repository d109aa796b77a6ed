#include "check.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/rng.h"
#include "vaetop/base/str.h"

static void numbers_take_the_whole_string_or_nothing(void **state)
{
    static const char *const bad[] = {"", " ", "x", "1x", "1 2", "0x10", "inf", "nan", "-inf", "1e400", "--1", "1e", "."};
    double f = 5;
    int64_t i = 5;
    (void)state;
    for (size_t n = 0; n < sizeof bad / sizeof *bad; n++) {
        assert_false(str_to_f64(&f, bad[n]));
        assert_false(str_to_i64(&i, bad[n]));
    }
    assert_true(f == 5 && i == 5);
    assert_false(str_to_i64(&i, "9223372036854775808"));
    assert_false(str_to_i64(&i, "1.5"));
    assert_true(str_to_i64(&i, " -12 "));
    assert_int_equal(i, -12);
    assert_true(str_to_f64(&f, "1e-4"));
    assert_true(f == 1e-4);
    assert_true(str_to_f64(&f, "-.5"));
    assert_true(f == -.5);
}

/* As few digits as bring v back, tried one after another; whole numbers aside. */
static void as_short_as_can_be(double v)
{
    char text[32], want[32];
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(want, sizeof want, "%.*g", digits, v);
        if (strtod(want, NULL) == v) {
            break;
        }
    }
    assert_string_equal(str_from_f64(text, sizeof text, v), want);
}

static void doubles_read_back_as_written(void **state)
{
    struct rng r = rng_start(rng_key(1, 2), RNG_INIT, 0);
    char text[32];
    (void)state;
    assert_string_equal(str_from_f64(text, sizeof text, 0.001), "0.001");
    assert_string_equal(str_from_f64(text, sizeof text, 20), "20");
    assert_string_equal(str_from_f64(text, sizeof text, 1e-5), "1e-05");
    assert_string_equal(str_from_f64(text, sizeof text, -0.0), "0");
    for (int n = 0; n < 20000; n++) {
        double v = (rng_uniform(&r) - 0.5) * pow(10, 40 * (rng_uniform(&r) - 0.5));
        assert_true(strtod(str_from_f64(text, sizeof text, v), NULL) == v);
        if (n % 4 == 0) {
            as_short_as_can_be(v);
            as_short_as_can_be(strtod(text, NULL) * 1e-300);
            (void)snprintf(text, sizeof text, "%.*g", 1 + n / 4 % 17, v * 1e12 + 1e8);
            as_short_as_can_be(strtod(text, NULL) + 0.5);
            as_short_as_can_be(strtod(text, NULL) * 1e300 * 1e8);
        }
    }
    as_short_as_can_be(DBL_MIN);
    as_short_as_can_be(DBL_MIN / 3);
    as_short_as_can_be(-DBL_TRUE_MIN);
    as_short_as_can_be(DBL_MAX);
    as_short_as_can_be(2e8);
    as_short_as_can_be(-1.5e22);
}

static void foreign_bytes_cannot_reach_the_terminal(void **state)
{
    char out[64];
    (void)state;
    assert_string_equal(str_clean(out, sizeof out, "a\x1b[2Jb"), "a\\x1B[2Jb");
    assert_string_equal(str_clean(out, sizeof out, "\r\n\t\x7f"), "\\x0D\\x0A\\x09\\x7F");
    assert_string_equal(str_clean(out, sizeof out, "\xc2\x9b"), "\\xC2\\x9B");         /* C1: CSI */
    assert_string_equal(str_clean(out, sizeof out, "\xe2\x80\xae"), "\\xE2\\x80\\xAE"); /* right-to-left override */
    assert_string_equal(str_clean(out, sizeof out, "\xff\xc0\x80"), "\\xFF\\xC0\\x80"); /* malformed, overlong */
    assert_string_equal(str_clean(out, sizeof out, "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5"), "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5");
}

static void any_bytes_come_out_clean_and_within_bounds(void **state)
{
    struct rng r = rng_start(rng_key(3, 4), RNG_INIT, 0);
    (void)state;
    for (int n = 0; n < 20000; n++) {
        char in[40];
        char out[48];
        size_t len = rng_below(&r, sizeof in);
        size_t cap = 1 + rng_below(&r, 40);
        for (size_t i = 0; i < len; i++) {
            in[i] = (char)(1 + rng_below(&r, 255));
        }
        in[len] = '\0';
        memset(out, 'Z', sizeof out);
        (void)str_clean(out, cap, in);
        assert_true(strlen(out) < cap);
        for (const char *p = out; *p; p++) {
            assert_true((unsigned char)*p >= 0x20 && *p != 0x7f);
        }
    }
}

static void near_words_are_suggested_and_far_ones_not(void **state)
{
    static const char *const word[] = {"optimizer.lr", "model.latent", "pause", "resume"};
    (void)state;
    assert_string_equal(str_nearest("optimiser.lr", word, 4), "optimizer.lr");
    assert_string_equal(str_nearest("model.latnet", word, 4), "model.latent");
    assert_string_equal(str_nearest("puase", word, 4), "pause");
    assert_null(str_nearest("xyzzy", word, 4));
    assert_null(str_nearest("nope", (const char *const[]){"tpe"}, 1));
}

static void sizes_and_times_are_short(void **state)
{
    char t[32];
    (void)state;
    assert_string_equal(str_bytes(t, sizeof t, 0), "0 B");
    assert_string_equal(str_bytes(t, sizeof t, 1536), "1.5 KiB");
    assert_string_equal(str_bytes(t, sizeof t, UINT64_MAX), "16384.0 PiB");
    assert_string_equal(str_duration(t, sizeof t, 7), "0:07");
    assert_string_equal(str_duration(t, sizeof t, 3765), "1:02:45");
    assert_string_equal(str_duration(t, sizeof t, 190000), "2d 4h");
    assert_string_equal(str_duration(t, sizeof t, NAN), "-");
}

static void buffers_grow_and_give_away(void **state)
{
    struct sbuf b = {0};
    char *text;
    (void)state;
    for (int n = 0; n < 1000; n++) {
        sbuf_addf(&b, "%d,", n);
    }
    assert_int_equal(b.len, strlen(b.text));
    text = sbuf_take(&b);
    assert_true(str_starts(text, "0,1,2,"));
    free(text);
    text = sbuf_take(&b);
    assert_string_equal(text, "");
    free(text);
    {
        char small[4];
        assert_false(str_copy(small, sizeof small, "abcd"));
        assert_string_equal(small, "abc");
        assert_true(str_copy(small, sizeof small, "xyz"));
    }
}

int str_tests(void);
int str_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_take_the_whole_string_or_nothing),
        cmocka_unit_test(doubles_read_back_as_written),
        cmocka_unit_test(foreign_bytes_cannot_reach_the_terminal),
        cmocka_unit_test(any_bytes_come_out_clean_and_within_bounds),
        cmocka_unit_test(near_words_are_suggested_and_far_ones_not),
        cmocka_unit_test(sizes_and_times_are_short),
        cmocka_unit_test(buffers_grow_and_give_away),
    };
    return cmocka_run_group_tests_name("base str", tests, NULL, NULL);
}
