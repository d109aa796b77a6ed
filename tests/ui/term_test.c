/* The curses side without a terminal: its output goes to a file whose growth is counted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#include "../../src/ui/keys.h"
#include "../../src/ui/term.h"
#include "scene.h"
#include "vaetop/base/alloc.h"

struct stage {
    struct term *term;
    FILE *in, *out;
    int keys; /* the writing end of the input */
    long seen;
};

static void stage_open(struct stage *s, const char *type, const char *color, int w, int h)
{
    struct err e;
    int fd[2];
    char text[16];
    (void)snprintf(text, sizeof text, "%d", w);
    (void)setenv("COLUMNS", text, 1);
    (void)snprintf(text, sizeof text, "%d", h);
    (void)setenv("LINES", text, 1);
    (void)setenv("LC_ALL", "C.UTF-8", 1);
    char *path = xasprintf("%s/screen", temp_dir());
    s->out = fopen(path, "w+");
    free(path);
    assert_int_equal(pipe(fd), 0);
    s->in = fdopen(fd[0], "r");
    s->keys = fd[1];
    s->seen = 0;
    const struct term_options o = {.color = color, .type = type, .in = s->in, .out = s->out};
    assert_ok(term_open(&s->term, &o, &e), &e);
}

static void stage_close(struct stage *s)
{
    term_close(s->term);
    (void)fclose(s->in);
    (void)fclose(s->out);
    (void)close(s->keys);
}

/* Bytes written since the last call. */
static long stage_bytes(struct stage *s)
{
    (void)fflush(s->out);
    long at = (long)lseek(fileno(s->out), 0, SEEK_END), n = at - s->seen;
    s->seen = at;
    return n;
}

static void an_identical_redraw_writes_nothing(void **state)
{
    struct scene scene;
    struct stage s;
    int w, h;
    (void)state;
    stage_open(&s, "xterm-256color", "always", 160, 48);
    term_size(s.term, &w, &h);
    assert_int_equal(w, 160);
    assert_int_equal(h, 48);
    assert_int_equal(term_tier(s.term), TIER_BRAILLE);
    assert_int_equal(term_colors(s.term), 256);
    scene_make(&scene, DEMO_THIRTEEN, TIER_BRAILLE);
    scene_draw(&scene, w, h);
    term_paint(s.term, &scene.canvas);
    assert_in_range(stage_bytes(&s), 2000, 12000);
    for (int i = 0; i < 3; i++) {
        scene_draw(&scene, w, h);
        term_paint(s.term, &scene.canvas);
        assert_int_equal(stage_bytes(&s), 0);
    }
    stage_close(&s);
    scene_release(&scene);
}

static void a_tick_of_ten_rows_costs_less_than_a_kilobyte(void **state)
{
    struct scene scene;
    struct stage s;
    (void)state;
    stage_open(&s, "xterm-256color", "always", 120, 40);
    scene_make(&scene, DEMO_THIRTEEN, TIER_BRAILLE);
    scene_draw(&scene, 120, 40);
    term_paint(s.term, &scene.canvas);
    (void)stage_bytes(&s);
    for (int i = 0; i < 10; i++) {
        scene.view.trial[i].rate += 731;
        scene.view.trial[i].eta_s -= 1;
    }
    scene_draw(&scene, 120, 40);
    term_paint(s.term, &scene.canvas);
    assert_in_range(stage_bytes(&s), 1, 1000);
    stage_close(&s);
    scene_release(&scene);
}

static void mono_writes_no_colour(void **state)
{
    struct scene scene;
    struct stage s;
    char text[65536];
    (void)state;
    stage_open(&s, "xterm-256color", "never", 80, 24);
    scene_make(&scene, DEMO_THIRTEEN, TIER_BRAILLE);
    scene_draw(&scene, 80, 24);
    term_paint(s.term, &scene.canvas);
    (void)stage_bytes(&s);
    (void)fseek(s.out, 0, SEEK_SET);
    text[fread(text, 1, sizeof text - 1, s.out)] = 0;
    assert_null(strstr(text, "[38;5"));
    for (int k = 0; k < 8; k++) {
        char seq[8];
        (void)snprintf(seq, sizeof seq, "\x1b[3%dm", k);
        assert_null(strstr(text, seq));
    }
    assert_has(text, "mnist-3");
    stage_close(&s);
    scene_release(&scene);
}

static void keys_arrive_as_the_table_names_them(void **state)
{
    static const struct {
        const char *bytes;
        int key;
    } sent[] = {{"j", 'j'},          {"\x1bOA", UK_UP},      {"\x1bOB", UK_DOWN},   {"\x1b[5~", UK_PAGE_UP},
                {"\r", UK_ENTER},    {"\x1b[6~", UK_PAGE_DOWN}, {"\x1b[H", UK_HOME}, {"\x1bOF", UK_END},
                {"\x1b[15~", UK_F(5)}, {"\x1a", UK_CTRL('Z')}, {"\x1b[I", UK_IGNORE}, {"\x1b[1;99q", UK_IGNORE},
                {"\x1b", UK_ESC}};
    struct stage s;
    (void)state;
    stage_open(&s, "xterm-256color", "auto", 80, 24);
    for (size_t i = 0; i < sizeof sent / sizeof *sent; i++) {
        assert_int_equal(write(s.keys, sent[i].bytes, strlen(sent[i].bytes)), (ssize_t)strlen(sent[i].bytes));
        assert_int_equal(term_key(s.term), sent[i].key);
        assert_int_equal(term_key(s.term), 0);
    }
    stage_close(&s);
}

static void an_unknown_terminal_falls_back(void **state)
{
    struct stage s;
    (void)state;
    stage_open(&s, "no-such-terminal", "auto", 80, 24);
    assert_has(term_notice(s.term), "no-such-terminal");
    stage_close(&s);
}

static void eight_colours_are_enough(void **state)
{
    struct scene scene;
    struct stage s;
    (void)state;
    stage_open(&s, "linux", "auto", 80, 24);
    assert_int_equal(term_tier(s.term), TIER_ASCII);
    assert_int_equal(term_colors(s.term), 8);
    scene_make(&scene, DEMO_THIRTEEN, TIER_ASCII);
    scene_draw(&scene, 80, 24);
    term_paint(s.term, &scene.canvas);
    assert_true(stage_bytes(&s) > 1000);
    stage_close(&s);
    scene_release(&scene);
}

static void a_terminal_without_cursor_movement_is_refused(void **state)
{
    struct err e;
    struct term *t = NULL;
    (void)state;
    const struct term_options o = {.type = "dumb", .in = stdin, .out = stdout};
    assert_err(term_open(&t, &o, &e), ERR_IO, &e);
    assert_has(e.text, "--no-tui");
}

static char *all_bytes(struct stage *s)
{
    char *text = xcalloc(1u << 17, 1);
    (void)stage_bytes(s);
    (void)fseek(s->out, 0, SEEK_SET);
    text[fread(text, 1, (1u << 17) - 1, s->out)] = 0;
    return text;
}

/* Reports of the mouse take the terminal's own selection away: off must mean that not a byte asks for them. */
static void a_mouse_that_is_off_is_never_spoken_of(void **state)
{
    struct scene scene;
    struct stage s;
    (void)state;
    for (int on = 0; on < 2; on++) {
        stage_open(&s, "xterm-256color", "auto", 80, 24);
        scene_make(&scene, DEMO_THIRTEEN, TIER_BRAILLE);
        scene_draw(&scene, 80, 24);
        term_set_mouse(s.term, false);
        if (on) {
            term_set_mouse(s.term, true);
            assert_int_equal(write(s.keys, "\x1b[<0;6;3M", 9), 9);
            int x, y;
            assert_int_equal(term_key(s.term), UK_CLICK);
            term_click(s.term, &x, &y);
            assert_int_equal(x, 5);
            assert_int_equal(y, 2);
            assert_int_equal(write(s.keys, "\x1b[<65;6;3M", 10), 10);
            assert_int_equal(term_key(s.term), UK_WHEEL_DOWN);
        }
        term_paint(s.term, &scene.canvas);
        term_close(s.term);
        char *text = all_bytes(&s);
        bool asked = strstr(text, "1000h") != NULL, ended = strstr(text, "1000l") != NULL;
        assert_int_equal(asked, on);
        assert_int_equal(ended, on);
        assert_int_equal(strstr(text, "?1000") || strstr(text, "?1006"), on);
        free(text);
        (void)fclose(s.in);
        (void)fclose(s.out);
        (void)close(s.keys);
        scene_release(&scene);
    }
}

int term_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_identical_redraw_writes_nothing),
        cmocka_unit_test(a_tick_of_ten_rows_costs_less_than_a_kilobyte),
        cmocka_unit_test(mono_writes_no_colour),
        cmocka_unit_test(keys_arrive_as_the_table_names_them),
        cmocka_unit_test(an_unknown_terminal_falls_back),
        cmocka_unit_test(eight_colours_are_enough),
        cmocka_unit_test(a_mouse_that_is_off_is_never_spoken_of),
        cmocka_unit_test(a_terminal_without_cursor_movement_is_refused),
    };
    return cmocka_run_group_tests_name("ui terminal", tests, NULL, NULL);
}
