#include <stdlib.h>
#include <string.h>

#include "check.h"

#include "../../src/ui/canvas.h"

static char *text_of(struct canvas *c)
{
    struct sbuf b = {0};
    canvas_dump(&b, c);
    return sbuf_take(&b);
}

static void assert_picture(struct canvas *c, const char *want)
{
    char *got = text_of(c);
    assert_string_equal(got, want);
    free(got);
    canvas_release(c);
}

static void text_longer_than_its_room_ends_in_an_ellipsis(void **state)
{
    struct canvas c = {0};
    (void)state;
    canvas_resize(&c, 10, 1);
    assert_int_equal(canvas_text(&c, 0, 0, 6, STYLE(TEXT), "abcdefgh"), 6);
    assert_picture(&c, "abcde\xe2\x80\xa6\n");
}

static void writes_outside_are_dropped(void **state)
{
    struct canvas c = {0};
    (void)state;
    canvas_resize(&c, 3, 2);
    canvas_put(&c, -1, 0, 'x', STYLE(TEXT));
    canvas_put(&c, 3, 1, 'x', STYLE(TEXT));
    canvas_put(&c, 0, 2, 'x', STYLE(TEXT));
    canvas_text(&c, 2, 1, 9, STYLE(TEXT), "yz");
    canvas_text(&c, -1, 0, 9, STYLE(TEXT), "ab");
    assert_picture(&c, "b\n  y\n");
}

static void wide_characters_take_two_cells_and_never_half(void **state)
{
    struct canvas c = {0};
    (void)state;
    canvas_resize(&c, 6, 1);
    assert_int_equal(canvas_text(&c, 0, 0, 6, STYLE(TEXT), "\xe6\xb7\xb1\xe5\xba\xa6"), 4);
    canvas_put(&c, 1, 0, 'x', STYLE(TEXT)); /* cuts the first one in two */
    canvas_text(&c, 5, 0, 2, STYLE(TEXT), "\xe5\xba\xa6"); /* does not fit */
    assert_picture(&c, " x\xe5\xba\xa6 ?\n");
}

static void combining_marks_take_no_cell(void **state)
{
    struct canvas c = {0};
    (void)state;
    canvas_resize(&c, 4, 1);
    assert_int_equal(canvas_text(&c, 0, 0, 4, STYLE(TEXT), "e\xcc\x81x"), 2);
    assert_picture(&c, "ex\n");
}

static void ascii_canvas_shows_nothing_else(void **state)
{
    struct canvas c = {.ascii = true};
    (void)state;
    canvas_resize(&c, 8, 1);
    canvas_text(&c, 0, 0, 8, STYLE(TEXT), "\xc3\xa9\xe6\xb7\xb1z\x1b");
    assert_picture(&c, "?? z?\n");
}

static void broken_utf8_becomes_replacement_characters(void **state)
{
    const char *s = "\xff\xc3(\xe2\x82";
    (void)state;
    assert_int_equal(utf8_next(&s), 0xfffd);
    assert_int_equal(utf8_next(&s), 0xfffd);
    assert_int_equal(utf8_next(&s), '(');
    assert_int_equal(utf8_next(&s), 0xfffd);
    assert_int_equal(utf8_next(&s), 0xfffd);
    assert_int_equal(utf8_next(&s), 0);
}

static void right_aligned_text_ends_at_the_border(void **state)
{
    struct canvas c = {0};
    (void)state;
    canvas_resize(&c, 8, 1);
    canvas_right(&c, 1, 0, 6, STYLE(TEXT), "12.5");
    assert_picture(&c, "   12.5\n");
}

int canvas_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_longer_than_its_room_ends_in_an_ellipsis),
        cmocka_unit_test(writes_outside_are_dropped),
        cmocka_unit_test(wide_characters_take_two_cells_and_never_half),
        cmocka_unit_test(combining_marks_take_no_cell),
        cmocka_unit_test(ascii_canvas_shows_nothing_else),
        cmocka_unit_test(broken_utf8_becomes_replacement_characters),
        cmocka_unit_test(right_aligned_text_ends_at_the_border),
    };
    return cmocka_run_group_tests_name("ui canvas", tests, NULL, NULL);
}
