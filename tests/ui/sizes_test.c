/* Properties that must hold at every size. */
#include <stdlib.h>
#include <string.h>

#include "check.h"

#include "scene.h"

static bool overlap(struct area a, struct area b)
{
    return a.w > 0 && a.h > 0 && b.w > 0 && b.h > 0 && a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h &&
           b.y < a.y + a.h;
}

static void panes_never_overlap_and_stay_inside(void **state)
{
    (void)state;
    for (int h = 1; h <= 100; h++) {
        for (int w = 1; w <= 300; w++) {
            for (int k = 0; k < 4 * SCREEN_COUNT; k++) {
                const struct layout_want want = {
                    .screen = k / 4, .trials = k & 1 ? 13 : 10000, .devices = k & 2 ? 2 : 9};
                struct layout l;
                layout_make(&l, w, h, &want);
                const struct area a[] = {l.header,   l.tabs,     l.devices,  l.head,     l.list, l.progress, l.detail,
                                         l.loss,     l.latent,   l.pictures,   l.log,      l.message,  l.keys, l.dims,     l.divider,
                                         l.curve[0], l.curve[1], l.curve[2], l.curve[3]};
                const int n = (int)(sizeof a / sizeof *a);
                assert_true(k / 4 == SCREEN_TRIAL || (l.list.h >= 1 && l.list.w >= 1));
                assert_true(l.list.h >= 1 || l.loss.h >= 3);
                for (int i = 0; i < n; i++) {
                    assert_true(a[i].h == 0 || (a[i].x >= 0 && a[i].y >= 0 && a[i].w >= 0 && a[i].x + a[i].w <= w));
                    assert_true(a[i].h >= 0 && (a[i].h == 0 || a[i].y + a[i].h <= h));
                    for (int j = 0; j < i; j++) {
                        assert_false(overlap(a[i], a[j]));
                    }
                }
            }
        }
    }
}

static void a_larger_screen_never_shows_fewer_trials(void **state)
{
    const struct layout_want want = {.screen = SCREEN_DASHBOARD, .trials = 10000, .devices = 2};
    (void)state;
    for (int w = 20; w <= 140; w++) {
        int before = 0;
        for (int h = 1; h <= 11; h++) {
            struct layout l;
            layout_make(&l, w, h, &want);
            assert_true(l.list.h >= before);
            before = l.list.h;
        }
    }
}

/* PROBE among the keys: the form's list of devices opens. */
#define PROBE '\1'
static void draw_all(enum demo_kind kind, enum tier tier, const char *keys, int step)
{
    struct scene s;
    scene_make(&s, kind, tier);
    for (; *keys; keys++) {
        const char one[2] = {*keys, 0};
        if (*keys == PROBE) {
            scene_probe(&s);
        } else {
            (void)scene_keys(&s, one);
        }
    }
    for (int h = 1; h <= 100; h += h < 12 ? 1 : step) {
        for (int w = 1; w <= 300; w += w < 20 ? 1 : step) {
            scene_draw(&s, w, h);
        }
    }
    scene_release(&s);
}

static void every_size_is_drawn(void **state)
{
    (void)state;
    draw_all(DEMO_THIRTEEN, TIER_BRAILLE, "", 1);
}

static void every_content_and_overlay_is_drawn_on_a_grid_of_sizes(void **state)
{
    static const char *const keys[] = {"", "?", "?jjjjjjjjj", "x", "q", "\r", "my", "mm", "G", "2v", "2vv", "S", "Sl",
                                       "2", "2y[i", "2\\,,,", "3", "5", "5a", "0", "\\value < 100\r", "/adam\r", "e", ":stop",
                                       " j j j", "P  ", "4", "4o", "4GO", "C", "Ejj\r", "0G\r", "0G\rjjj\r", "0G\r\1j j",
                                       ":s\t\t", "\\\t"};
    (void)state;
    for (int kind = DEMO_EMPTY; kind <= DEMO_KNN; kind++) {
        for (size_t k = 0; kind != DEMO_MANY && k < sizeof keys / sizeof *keys; k++) { /* those: below */
            draw_all((enum demo_kind)kind, (enum tier)(k % TIER_COUNT), keys[k], 17);
        }
    }
}

static void ten_thousand_trials_are_drawn(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_MANY, TIER_BRAILLE);
    char *t = scene_text(&s, 160, 48);
    assert_has(t, "2001R");
    free(t);
    (void)scene_keys(&s, "G");
    t = scene_text(&s, 80, 24);
    assert_has(t, "9999");
    free(t);
    scene_release(&s);
}

static void the_largest_canvas_is_drawn(void **state)
{
    (void)state;
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        struct scene s;
        scene_make(&s, DEMO_THIRTEEN, (enum tier)tier);
        scene_draw(&s, 100000, 100000);
        assert_int_equal(s.canvas.w, CANVAS_W_MAX);
        assert_int_equal(s.canvas.h, CANVAS_H_MAX);
        scene_release(&s);
    }
}

int sizes_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(panes_never_overlap_and_stay_inside),
        cmocka_unit_test(a_larger_screen_never_shows_fewer_trials),
        cmocka_unit_test(every_size_is_drawn),
        cmocka_unit_test(every_content_and_overlay_is_drawn_on_a_grid_of_sizes),
        cmocka_unit_test(ten_thousand_trials_are_drawn),
        cmocka_unit_test(the_largest_canvas_is_drawn),
    };
    return cmocka_run_group_tests_name("ui sizes", tests, NULL, NULL);
}
