/* Settings on disk, the setup screen, clicks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "check.h"

#include "../../src/ui/keys.h"
#include "../../src/ui/settings.h"
#include "../../src/ui/theme.h"
#include "scene.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/ui/ui.h"

/* A configuration folder of its own, with these bytes as its file when there are any. Owns: caller frees the path. */
static char *fresh_config(const char *bytes, size_t n)
{
    struct err e;
    char *home = xasprintf("%s/config", temp_dir()), *folder = fs_join(home, "vaetop");
    char *path = fs_join(folder, "screen.conf");
    (void)setenv("XDG_CONFIG_HOME", home, 1);
    if (bytes) {
        assert_ok(fs_mkdirs(folder, &e), &e);
        assert_ok(fs_write(path, bytes, n, &e), &e);
    }
    free(folder);
    free(home);
    return path;
}

static void words_of_the_theme_setting_are_the_themes(void **state)
{
    char word[16];
    (void)state;
    assert_int_equal(setting_words(SET_THEME), THEME_COUNT);
    for (int i = 0; i < THEME_COUNT; i++) {
        assert_int_equal(theme_find(setting_word(word, sizeof word, SET_THEME, i)), i);
    }
    assert_int_equal(setting_words(SET_GLYPHS), 1 + TIER_COUNT);
}

static void settings_are_written_only_when_asked_and_read_again(void **state)
{
    struct settings s, back;
    struct err e;
    struct stat st;
    char *path = fresh_config(NULL, 0), *said = NULL;
    (void)state;
    assert_ok(settings_load(&s, &e), &e);
    for (int k = 0; k < SETTING_COUNT; k++) {
        assert_int_equal(s.value[k], 0);
    }
    assert_false(fs_exists(path));
    s.value[SET_GLYPHS] = 2;
    s.value[SET_THEME] = THEME_COLOR_BLIND;
    s.value[SET_MOUSE] = 1;
    assert_ok(settings_save(&said, &s, &e), &e);
    assert_string_equal(said, path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_ok(settings_load(&back, &e), &e);
    assert_memory_equal(&back, &s, sizeof s);
    free(said);
    free(path);
}

static void a_damaged_file_is_named_and_not_used(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        int line; /* 0: none is told */
    } bad[] = {{"theme = light\nglyphs = huge\n", 28, 2}, {"theme light", 11, 1}, {"\n\ncolour = red", 14, 3},
               {"mouse = on\0x", 12, 0},                  {"= on\n", 5, 1},       {"mouse =", 7, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct settings s;
        struct err e;
        char where[16], *path = fresh_config(bad[i].bytes, bad[i].n);
        assert_err(settings_load(&s, &e), ERR_USAGE, &e);
        assert_has(e.text, "screen.conf");
        (void)snprintf(where, sizeof where, "line %d:", bad[i].line);
        assert_true(bad[i].line == 0 || strstr(e.text, where));
        for (int k = 0; k < SETTING_COUNT; k++) {
            assert_int_equal(s.value[k], 0);
        }
        free(path);
    }
}

static void comments_and_blanks_are_fine(void **state)
{
    struct settings s;
    struct err e;
    static const char text[] = "# mine\n\n  mouse=on  \n theme  =  mono\r\n";
    char *path = fresh_config(text, sizeof text - 1);
    (void)state;
    assert_ok(settings_load(&s, &e), &e);
    assert_int_equal(s.value[SET_MOUSE], 1);
    assert_int_equal(s.value[SET_THEME], THEME_MONO);
    free(path);
}

static void a_change_shows_at_once_and_only_w_saves(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_BRAILLE);
    struct wish w = scene_keys(&s, "S");
    char *t = scene_text(&s, 80, 24);
    assert_has(t, "glyphs      auto");
    assert_has(t, "braille");
    free(t);
    w = scene_keys(&s, "l"); /* ascii */
    assert_int_equal(w.kind, WISH_NOTHING);
    assert_int_equal(s.state.tier, TIER_ASCII);
    w = scene_keys(&s, "lljl");
    assert_int_equal(s.state.tier, TIER_BRAILLE);
    assert_int_equal(s.state.set.value[SET_THEME], THEME_LIGHT);
    w = scene_keys(&s, "W");
    assert_int_equal(w.kind, WISH_SAVE);
    assert_true(s.state.setup);
    w = scene_keys(&s, "\x1b");
    assert_false(s.state.setup);
    assert_int_equal(s.state.screen, SCREEN_DASHBOARD);
    scene_release(&s);
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII); /* a terminal that can no more */
    (void)scene_keys(&s, "Slll");
    assert_int_equal(s.state.tier, TIER_ASCII);
    t = scene_text(&s, 80, 24);
    assert_has(t, "not with this locale");
    assert_has(t, "allows no more");
    free(t);
    scene_release(&s);
}

static struct wish click(struct scene *s, int x, int y)
{
    s->state.click_x = x;
    s->state.click_y = y;
    struct wish w = state_key(&s->state, &s->view, UK_CLICK);
    state_order(&s->state, &s->view);
    state_fit(&s->state, &s->view, s->state.w, s->state.h);
    return w;
}

/* Column of a text in a line of the picture. */
static int find_in(struct scene *s, int y, const char *text)
{
    char *t = scene_text(s, 120, 40), *line = t;
    for (int i = 0; i < y; i++) {
        line = strchr(line, '\n') + 1;
    }
    const char *at = strstr(line, text);
    assert_non_null(at);
    int x = (int)(at - line);
    free(t);
    return x;
}

static void clicks_choose_rows_tabs_columns_and_words(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    scene_draw(&s, 120, 40);
    const struct layout *l = &s.state.layout;
    (void)click(&s, 20, l->list.y + 3);
    assert_int_equal(s.state.selected, s.view.trial[s.view.order[3]].number);
    (void)click(&s, 20, l->list.y + 3); /* again: opens it */
    assert_int_equal(s.state.screen, SCREEN_TRIAL);
    (void)click(&s, find_in(&s, 1, "1 Dashboard") + 2, 1);
    assert_int_equal(s.state.screen, SCREEN_DASHBOARD);
    (void)click(&s, find_in(&s, l->head.y, "KL") + 1, l->head.y);
    assert_int_equal(s.state.sort, COL_KL);
    assert_false(s.state.invert);
    (void)click(&s, find_in(&s, l->head.y, "KL") + 1, l->head.y);
    assert_true(s.state.invert);
    (void)click(&s, find_in(&s, l->keys.y, "? help") + 3, l->keys.y);
    assert_true(s.state.help);
    (void)click(&s, 20, l->list.y + 1); /* nothing under help is hit */
    assert_true(s.state.help);
    (void)scene_keys(&s, "\x1b");
    s.state.selected = 0; /* it runs */
    (void)scene_keys(&s, "x");
    assert_int_equal(s.state.question, ASK_STOP);
    (void)click(&s, 60, 20);
    assert_int_equal(s.state.question, ASK_STOP); /* nor does a click answer */
    scene_release(&s);
}

static void the_wheel_moves_three_rows(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    (void)scene_keys(&s, "g");
    (void)state_key(&s.state, &s.view, UK_WHEEL_DOWN);
    assert_int_equal(s.state.selected, s.view.trial[s.view.order[3]].number);
    (void)state_key(&s.state, &s.view, UK_WHEEL_UP);
    assert_int_equal(s.state.selected, s.view.trial[s.view.order[0]].number);
    scene_release(&s);
}

static void clicks_on_studies_choose_and_open(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    (void)scene_keys(&s, "0");
    scene_draw(&s, 80, 24);
    int y = s.state.layout.body.y;
    (void)click(&s, 5, y + 2);
    assert_int_equal(s.home.at, 1);
    (void)click(&s, 5, y); /* the titles */
    assert_int_equal(s.home.at, 1);
    assert_int_equal(click(&s, 5, y + 2).kind, WISH_OPEN);
    (void)click(&s, 5, y + 7); /* second preset */
    assert_int_equal(s.home.at, 4);
    (void)click(&s, 5, y + 7);
    assert_true(s.home.form);
    (void)click(&s, 5, s.state.layout.body.y + 5);
    assert_true(s.home.form);
    scene_release(&s);
}

int setup_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_the_theme_setting_are_the_themes),
        cmocka_unit_test(settings_are_written_only_when_asked_and_read_again),
        cmocka_unit_test(a_damaged_file_is_named_and_not_used),
        cmocka_unit_test(comments_and_blanks_are_fine),
        cmocka_unit_test(a_change_shows_at_once_and_only_w_saves),
        cmocka_unit_test(clicks_choose_rows_tabs_columns_and_words),
        cmocka_unit_test(the_wheel_moves_three_rows),
        cmocka_unit_test(clicks_on_studies_choose_and_open),
    };
    return cmocka_run_group_tests_name("ui setup", tests, NULL, NULL);
}
