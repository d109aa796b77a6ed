#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#include "../../src/ui/keys.h"
#include "../../src/ui/leaderboard.h"
#include "../../src/ui/theme.h"
#include "scene.h"

/* A cell as a terminal without colours shows it. */
static uint32_t look_of(const struct canvas *c, int x, int y)
{
    const struct cell *cell = &c->cell[y * c->w + x];
    struct paint p = theme_paint(THEME_MONO, cell->style, 0);
    assert_int_equal(p.color, -1);
    return cell->ch << 8 | p.attr;
}

static void in_mono_no_two_states_look_alike(void **state)
{
    (void)state;
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        uint32_t look[PHASE_COUNT];
        for (int p = 0; p < PHASE_COUNT; p++) {
            struct scene s;
            struct leaderboard_plan plan;
            scene_make(&s, DEMO_THIRTEEN, (enum tier)tier);
            for (size_t i = 0; i < s.view.n; i++) { /* all rows alike; the second is looked at, the first is selected */
                s.view.trial[i].phase = (enum trial_phase)p;
            }
            scene_draw(&s, 80, 24);
            leaderboard_plan_make(&plan, &s.view, 80, false);
            int x = 0;
            for (int i = 0; i < plan.n; i++) {
                x = plan.col[i].id == COL_STATE ? plan.col[i].x : x;
            }
            look[p] = look_of(&s.canvas, x, s.state.layout.list.y + 1);
            if (view_trial(&s.view, s.state.selected) == &s.view.trial[s.view.order[1]]) {
                look[p] = look_of(&s.canvas, x, s.state.layout.list.y);
            }
            scene_release(&s);
            for (int q = 0; q < p; q++) {
                assert_int_not_equal(look[q], look[p]);
            }
        }
    }
}

/* The letter or word that tells a state on any screen, with colours gone. */
static char *mono_text(struct scene *s)
{
    struct sbuf b = {0};
    scene_draw(s, 100, 30);
    for (int i = 0; i < s->canvas.w * s->canvas.h; i++) {
        sbuf_addf(&b, "%x ", look_of(&s->canvas, i % s->canvas.w, i / s->canvas.w));
    }
    return sbuf_take(&b);
}

static void in_mono_states_of_studies_devices_and_link_differ(void **state)
{
    static const char *const study[] = {"running", "paused", "stopped", "finished", "interrupted", "new"};
    static const char *const device[] = {"starting", "ready", "lost"};
    struct seen {
        const char *const *word;
        size_t n;
        char keys[2];
    } tables[] = {{study, 6, "0"}, {device, 3, "3"}, {study, 4, "1"}};
    (void)state;
    for (size_t k = 0; k < sizeof tables / sizeof *tables; k++) {
        char *text[8] = {NULL};
        for (size_t i = 0; i < tables[k].n; i++) {
            struct scene s;
            scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
            (void)scene_keys(&s, tables[k].keys);
            (void)str_copy(s.home.study[1].state, sizeof s.home.study[1].state, tables[k].word[i]);
            (void)str_copy(s.view.device[1].state, sizeof s.view.device[1].state, tables[k].word[i]);
            (void)str_copy(s.view.study_phase, sizeof s.view.study_phase, tables[k].word[i]);
            text[i] = mono_text(&s);
            for (size_t j = 0; j < i; j++) {
                assert_string_not_equal(text[j], text[i]);
            }
            scene_release(&s);
        }
        for (size_t i = 0; i < tables[k].n; i++) {
            free(text[i]);
        }
    }
    char *text[3];
    for (int link = 0; link < 3; link++) {
        struct scene s;
        scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
        s.view.link = (enum view_link)link;
        text[link] = mono_text(&s);
        scene_release(&s);
    }
    assert_string_not_equal(text[0], text[1]);
    assert_string_not_equal(text[0], text[2]);
    assert_string_not_equal(text[1], text[2]);
    for (int link = 0; link < 3; link++) {
        free(text[link]);
    }
}

static void the_ascii_tier_is_ascii(void **state)
{
    (void)state;
    for (int kind = DEMO_EMPTY; kind <= DEMO_STRANGE; kind++) {
        for (int k = 0; k < 3; k++) {
            struct scene s;
            scene_make(&s, (enum demo_kind)kind, TIER_ASCII);
            (void)scene_keys(&s, k == 0 ? "" : k == 1 ? "?" : "x");
            char *t = scene_text(&s, 120, 40);
            for (const char *p = t; *p; p++) {
                assert_true(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
            }
            free(t);
            scene_release(&s);
        }
    }
}

static void drawing_twice_gives_the_same_cells(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_BRAILLE);
    char *a = scene_text(&s, 120, 40), *b = scene_text(&s, 120, 40);
    assert_string_equal(a, b);
    free(a);
    free(b);
    scene_release(&s);
}

static void help_names_every_key_and_every_state(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    (void)scene_keys(&s, "?");
    char *t = scene_text(&s, 100, 60);
    for (size_t i = 0; i < key_table_rows; i++) {
        char names[48];
        assert_has(t, key_labels(names, sizeof names, &key_table[i]));
        assert_has(t, key_table[i].help);
    }
    for (int p = 0; p < PHASE_COUNT; p++) {
        assert_has(t, trial_phase_word((enum trial_phase)p));
    }
    free(t);
    scene_release(&s);
}

#define JS "jjjjjjjjjjjjjjjjjjjj"
static void help_scrolls_to_its_end_on_a_small_screen(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    scene_draw(&s, 40, 10);
    (void)scene_keys(&s, "?" JS JS JS JS JS);
    char *t = scene_text(&s, 40, 10);
    assert_has(t, "edited while");
    free(t);
    scene_release(&s);
}

static void columns_leave_in_their_order_and_the_value_never(void **state)
{
    struct scene s;
    int before = 0;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    for (int w = 24; w <= 200; w++) {
        struct leaderboard_plan p;
        bool value = false, number = false, phase = false;
        leaderboard_plan_make(&p, &s.view, w, false);
        assert_true(p.n >= before);
        before = p.n;
        for (int i = 0; i < p.n; i++) {
            value = value || p.col[i].id == COL_VALUE;
            number = number || p.col[i].id == COL_NUMBER;
            phase = phase || p.col[i].id == COL_STATE;
            assert_true(p.col[i].x + p.col[i].w <= w);
            assert_true(i == 0 || p.col[i].x >= p.col[i - 1].x + p.col[i - 1].w);
        }
        assert_true(value && number && phase);
    }
    scene_release(&s);
}

static void a_failed_trial_says_why_when_selected(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    s.state.selected = 11;
    char *t = scene_text(&s, 80, 24);
    assert_has(t, "#11 failed: its worker was killed by signal 11 three times");
    free(t);
    scene_release(&s);
}

static void empty_screens_say_what_to_do(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_EMPTY, TIER_ASCII);
    char *t = scene_text(&s, 80, 24);
    assert_has(t, "No trials yet");
    free(t);
    s.view.link = LINK_OFFLINE;
    t = scene_text(&s, 80, 24);
    assert_has(t, "vaetop run mnist-3");
    free(t);
    scene_release(&s);
}

static void a_lost_engine_is_shown(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    s.view.link = LINK_LOST;
    char *t = scene_text(&s, 80, 24);
    assert_has(t, "RECONNECTING");
    free(t);
    scene_release(&s);
}

static void no_color_and_limits_are_obeyed(void **state)
{
    (void)state;
    assert_int_equal(theme_colors("auto", NULL, 256), 256);
    assert_int_equal(theme_colors("auto", "1", 256), 0);
    assert_int_equal(theme_colors("auto", "", 256), 256); /* empty does not count */
    assert_int_equal(theme_colors("always", "1", 8), 8);
    assert_int_equal(theme_colors("never", NULL, 256), 0);
    assert_int_equal(theme_colors("16", NULL, 256), 16);
    assert_int_equal(theme_colors("256", NULL, 8), 8);
    assert_int_equal(theme_colors("auto", NULL, -1), 0);
}

static void assert_scatter(const struct scatter *s, const char *expected)
{
    struct canvas c = {0};
    struct sbuf b = {0};
    canvas_resize(&c, 6, 3);
    scatter_draw(&c, (struct area){0, 0, 6, 3}, s, SCATTER_LABEL, TIER_ASCII);
    canvas_dump(&b, &c);
    assert_string_equal(b.text, expected);
    sbuf_release(&b);
    canvas_release(&c);
}

/* Two points of class 3 and one of 7 in the lower left cell, one of either and of 8 in the upper right one. */
static void a_crowded_cell_shows_the_class_of_most_and_of_equals_the_rarer(void **state)
{
    const float xy[] = {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0.5f, 0.5f, 0.5f, 0.5f};
    const uint8_t label[] = {7, 3, 3, 3, 8, 7, 9, 2};
    struct scatter s = {.n = 6, .xy = xy, .label = label, .labelled = true, .x_lo = 0, .x_hi = 1, .y_lo = 0, .y_hi = 1};
    (void)state;
    assert_scatter(&s, "     8\n\n3\n"); /* 8 has one point in all, 7 two, 3 three */
    s.n = 8;
    assert_scatter(&s, "     8\n   2\n3\n"); /* 2 and 9 are equally rare: the lower class */
}

/* A change of colour costs ten times the bytes of a glyph, and the glyph tells the class. */
static void a_slow_link_gets_the_latent_plot_in_one_colour(void **state)
{
    (void)state;
    for (int slow = 0; slow < 2; slow++) {
        struct scene s;
        int classes = 0, glyphs = 0;
        scene_make(&s, DEMO_THIRTEEN, TIER_BRAILLE);
        s.state.set.value[SET_SLOW] = slow;
        scene_draw(&s, 80, 24);
        const struct area a = s.state.layout.latent;
        for (int y = a.y + 1; y < a.y + a.h; y++) {
            for (int x = a.x; x < a.x + a.w; x++) {
                const struct cell *c = &s.canvas.cell[y * s.canvas.w + x];
                classes += c->style.role >= ROLE_CLASS0 && c->style.role <= ROLE_CLASS9;
                glyphs += c->ch >= '0' && c->ch <= '9';
            }
        }
        assert_true(glyphs > 50);
        assert_int_equal(classes, slow ? 0 : glyphs);
        scene_release(&s);
    }
}

int drawing_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_mono_no_two_states_look_alike),
        cmocka_unit_test(in_mono_states_of_studies_devices_and_link_differ),
        cmocka_unit_test(the_ascii_tier_is_ascii),
        cmocka_unit_test(drawing_twice_gives_the_same_cells),
        cmocka_unit_test(help_names_every_key_and_every_state),
        cmocka_unit_test(help_scrolls_to_its_end_on_a_small_screen),
        cmocka_unit_test(columns_leave_in_their_order_and_the_value_never),
        cmocka_unit_test(a_failed_trial_says_why_when_selected),
        cmocka_unit_test(empty_screens_say_what_to_do),
        cmocka_unit_test(a_lost_engine_is_shown),
        cmocka_unit_test(no_color_and_limits_are_obeyed),
        cmocka_unit_test(a_slow_link_gets_the_latent_plot_in_one_colour),
        cmocka_unit_test(a_crowded_cell_shows_the_class_of_most_and_of_equals_the_rarer),
    };
    return cmocka_run_group_tests_name("ui drawing", tests, NULL, NULL);
}
