#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#include "../../src/ui/plot.h"

static void envelope_keeps_spikes_narrower_than_a_column(void **state)
{
    enum { N = 1000 };
    float x[N], y[N];
    struct plot_column col[20];
    (void)state;
    for (int i = 0; i < N; i++) {
        x[i] = (float)i;
        y[i] = i == 503 ? 9.0f : 1.0f;
    }
    struct plot_line l = {.x = x, .y = y, .n = N};
    plot_envelope(col, 20, &l, 0, N - 1);
    for (int i = 0; i < 20; i++) {
        assert_close(col[i].lo, 1, 1e-9, 0);
        assert_close(col[i].hi, i == 10 ? 9 : 1, 1e-9, 0);
    }
}

static void envelope_joins_points_wider_apart_than_columns(void **state)
{
    const float x[] = {0, 10}, y[] = {0, 10};
    struct plot_column col[11];
    (void)state;
    struct plot_line l = {.x = x, .y = y, .n = 2};
    plot_envelope(col, 11, &l, 0, 10);
    for (int i = 0; i < 11; i++) {
        assert_true(col[i].lo <= i && col[i].hi >= i);
        assert_true(i == 0 || col[i].lo <= col[i - 1].hi + 1e-9); /* neighbours touch */
    }
}

static void envelope_leaves_a_gap_at_nan(void **state)
{
    const float x[] = {0, 4, 5, 6, 10}, y[] = {1, 1, NAN, 1, 1};
    struct plot_column col[11];
    (void)state;
    struct plot_line l = {.x = x, .y = y, .n = 5};
    plot_envelope(col, 11, &l, 0, 10);
    assert_true(col[4].lo <= col[4].hi);
    assert_true(col[5].lo > col[5].hi);
    assert_true(col[6].lo <= col[6].hi);
}

static void span_leaves_out_far_outliers_and_counts_them(void **state)
{
    float v[20];
    (void)state;
    for (int i = 0; i < 20; i++) {
        v[i] = 100.0f + (float)i;
    }
    v[3] = 1e30f;
    v[7] = NAN;
    v[8] = INFINITY;
    struct plot_span s = plot_span_of(v, 20);
    assert_close(s.lo, 100, 1e-9, 0);
    assert_close(s.hi, 119, 1e-9, 0);
    assert_int_equal(s.off, 1);
}

static void span_of_nothing_and_of_one_value_can_be_drawn(void **state)
{
    float v[] = {5, NAN};
    (void)state;
    struct plot_span none = plot_span_of(v, 0), one = plot_span_of(v, 2);
    assert_true(none.hi > none.lo);
    assert_true(one.hi > 5 && one.lo < 5 && one.off == 0);
}

static void braille_bits_are_where_unicode_has_them(void **state)
{
    (void)state;
    assert_int_equal(glyph_dots(TIER_BRAILLE, 1u << 0, 0), 0x2801); /* row 0, left */
    assert_int_equal(glyph_dots(TIER_BRAILLE, 1u << 1, 0), 0x2808); /* row 0, right */
    assert_int_equal(glyph_dots(TIER_BRAILLE, 1u << 4, 0), 0x2804);
    assert_int_equal(glyph_dots(TIER_BRAILLE, 1u << 6, 0), 0x2840); /* row 3, left */
    assert_int_equal(glyph_dots(TIER_BRAILLE, 0xff, 0), 0x28ff);
    assert_int_equal(glyph_dots(TIER_BLOCK, 1u << 3, 0), 0x2597);   /* lower right quadrant */
    assert_int_equal(glyph_dots(TIER_ASCII, 1, 'v'), 'v');
    assert_int_equal(glyph_dots(TIER_BRAILLE, 0, 0), ' ');
}

static char *spark_text(const float *y, size_t n, double end, int w)
{
    static const float x[] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct canvas c = {0};
    struct sbuf b = {0};
    struct plot_line l = {.x = x, .y = y, .n = n};
    canvas_resize(&c, w, 1);
    c.ascii = true;
    spark_draw(&c, (struct area){0, 0, w, 1}, &l, end, TIER_ASCII);
    canvas_dump(&b, &c);
    canvas_release(&c);
    return sbuf_take(&b);
}

static void sparkline_grows_with_training(void **state)
{
    const float y[] = {9, 5, 1, 1};
    (void)state;
    char *half = spark_text(y, 4, 8, 8), *whole = spark_text(y, 4, 4, 8);
    assert_string_equal(half, "@=__\n");
    assert_string_equal(whole, "@@==____\n");
    free(half);
    free(whole);
}

static void sparkline_shows_least_value_of_a_column_and_marks_nan(void **state)
{
    const float y[] = {9, 1, 9, 1, 9, 9, NAN, 9};
    (void)state;
    char *t = spark_text(y, 8, 8, 4);
    assert_string_equal(t, "__@!\n");
    free(t);
}

static void flat_and_single_values_are_drawn(void **state)
{
    const float y[] = {3, 3, 3};
    (void)state;
    char *t = spark_text(y, 3, 3, 3);
    assert_string_equal(t, "___\n");
    free(t);
}

static void lines_reach_from_border_to_border(void **state)
{
    const float x[] = {0, 10}, y[] = {0, 10};
    struct canvas c = {0};
    struct sbuf b = {0};
    struct plot p = {.n_lines = 1, .x_hi = 10, .y_hi = 10, .x_unit = "e"};
    (void)state;
    p.line[0] = (struct plot_line){.x = x, .y = y, .n = 2, .role = ROLE_VAL, .letter = 'v'};
    canvas_resize(&c, 19, 12);
    plot_draw(&c, (struct area){0, 0, 19, 12}, &p, TIER_ASCII);
    canvas_dump(&b, &c);
    assert_string_equal(b.text, "    10 |          v\n"
                                "       |         vv\n"
                                "       |        vv\n"
                                "       |       vv\n"
                                "       |      vv\n"
                                "     5 |     vv\n"
                                "       |    vv\n"
                                "       |   vv\n"
                                "       |  vv\n"
                                "       | vv\n"
                                "     0 |vv\n"
                                "     e +0--------10\n");
    sbuf_release(&b);
    canvas_release(&c);
}

int plot_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelope_keeps_spikes_narrower_than_a_column),
        cmocka_unit_test(envelope_joins_points_wider_apart_than_columns),
        cmocka_unit_test(envelope_leaves_a_gap_at_nan),
        cmocka_unit_test(span_leaves_out_far_outliers_and_counts_them),
        cmocka_unit_test(span_of_nothing_and_of_one_value_can_be_drawn),
        cmocka_unit_test(braille_bits_are_where_unicode_has_them),
        cmocka_unit_test(sparkline_grows_with_training),
        cmocka_unit_test(sparkline_shows_least_value_of_a_column_and_marks_nan),
        cmocka_unit_test(flat_and_single_values_are_drawn),
        cmocka_unit_test(lines_reach_from_border_to_border),
    };
    return cmocka_run_group_tests_name("ui plot", tests, NULL, NULL);
}
