/* Images and the halves of the latent plot: what each cell must be, worked out by hand. */
#include <stdlib.h>

#include "check.h"

#include "../../src/ui/gallery.h"
#include "../../src/ui/theme.h"
#include "scene.h"

static struct cell at(const struct canvas *c, int x, int y)
{
    return c->cell[y * c->w + x];
}

/* Three images of 2 x 4: input, output, sample, each row another brightness. */
static const uint8_t pixels[24] = {0, 0, 255, 255, 128, 128, 0, 255, /* input */
                                   9, 9, 9,   9,   9,   9,   9, 9,   /* output */
                                   255, 255, 255, 255, 255, 255, 255, 255};

static void a_cell_is_two_pixels_in_grey(void **state)
{
    struct canvas c = {0};
    struct gallery g = {.pixels = pixels, .n = 1, .h = 4, .w = 2};
    (void)state;
    canvas_resize(&c, 4, 6);
    assert_int_equal(gallery_draw(&c, (struct area){0, 0, 4, 6}, &g, PICTURES_RECON, TIER_BLOCK, true), 3);
    assert_int_equal(at(&c, 0, 0).ch, 0x2580);
    assert_int_equal(at(&c, 0, 0).style.role, ROLE_PIXEL + 0 * GREYS + 11); /* black over white */
    assert_int_equal(at(&c, 0, 1).style.role, ROLE_PIXEL + 6 * GREYS + 0);
    assert_int_equal(at(&c, 1, 1).style.role, ROLE_PIXEL + 6 * GREYS + 11);
    assert_int_equal(at(&c, 1, 2).style.role, ROLE_PIXEL);
    assert_int_equal(at(&c, 0, 5).style.role, ROLE_PIXEL + 11 * GREYS + 11);
    assert_int_equal(at(&c, 2, 0).ch, ' ');
    struct paint p = theme_paint(THEME_LIGHT, at(&c, 0, 0).style, 256);
    assert_int_equal(p.color, 16);
    assert_int_equal(p.back, 231);
    assert_int_equal(theme_paint(THEME_DEFAULT, at(&c, 0, 0).style, 16).color, -1);
    assert_int_equal(gallery_draw(&c, (struct area){0, 0, 4, 2}, &g, PICTURES_SAMPLES, TIER_BLOCK, true), 1);
    assert_int_equal(at(&c, 0, 0).style.role, ROLE_PIXEL + 11 * GREYS + 11);
    canvas_release(&c);
}

static void without_greys_ink_stands_for_the_mean_of_a_cell(void **state)
{
    struct canvas c = {0};
    struct gallery g = {.pixels = pixels, .n = 1, .h = 4, .w = 2};
    (void)state;
    canvas_resize(&c, 4, 6);
    (void)gallery_draw(&c, (struct area){0, 0, 4, 6}, &g, PICTURES_RECON, TIER_ASCII, true);
    assert_int_equal(at(&c, 0, 0).ch, '=');  /* 127 */
    assert_int_equal(at(&c, 0, 1).ch, ':');  /* 64 */
    assert_int_equal(at(&c, 1, 1).ch, '#');  /* 191 */
    assert_int_equal(at(&c, 0, 2).ch, ' ');
    assert_int_equal(at(&c, 0, 4).ch, '@');
    (void)gallery_draw(&c, (struct area){0, 0, 4, 6}, &g, PICTURES_RECON, TIER_BRAILLE, false);
    assert_int_equal(at(&c, 0, 4).ch, 0x2588);
    assert_int_equal(at(&c, 0, 0).ch, 0x2592);
    /* two rows for the same three images: pixels become blocks of 2 x 2 */
    canvas_clear(&c);
    assert_int_equal(gallery_draw(&c, (struct area){0, 0, 4, 2}, &g, PICTURES_RECON, TIER_BLOCK, true), 2);
    assert_int_equal(at(&c, 0, 0).style.role, ROLE_PIXEL + 6 * GREYS + 6); /* (0+0+255+255)/4, (128+128+0+255)/4 */
    assert_int_equal(at(&c, 1, 0).ch, ' ');
    canvas_release(&c);
}

static void halves_carry_two_classes(void **state)
{
    static const float xy[] = {0, 1, 0, 0.67f, 1, 0};
    static const uint8_t label[] = {3, 5, 7};
    struct scatter s = {.n = 3, .xy = xy, .label = label, .labelled = true, .x_hi = 1, .y_hi = 1};
    struct canvas c = {0};
    int pair = 0, single = 0;
    (void)state;
    canvas_resize(&c, 3, 2);
    scatter_draw(&c, (struct area){0, 0, 3, 2}, &s, SCATTER_HALF, TIER_BLOCK);
    for (int i = 0; i < 6; i++) {
        pair += c.cell[i].ch == 0x2580 && c.cell[i].style.role == ROLE_CLASSES + 35;
        single += c.cell[i].ch == 0x2584 && c.cell[i].style.role == ROLE_CLASS7;
    }
    assert_int_equal(pair, 1);
    assert_int_equal(single, 1);
    struct paint p = theme_paint(THEME_DEFAULT, (struct style){ROLE_CLASSES + 35, 0}, 256);
    assert_int_equal(p.color, theme_paint(THEME_DEFAULT, STYLE(CLASS3), 256).color);
    assert_int_equal(p.back, theme_paint(THEME_DEFAULT, STYLE(CLASS5), 256).color);
    canvas_release(&c);
}

static void images_follow_the_scrubbed_epoch_and_say_why_there_are_none(void **state)
{
    struct scene s;
    (void)state;
    scene_make(&s, DEMO_THIRTEEN, TIER_ASCII);
    (void)scene_keys(&s, "2v");
    char *t = scene_text(&s, 80, 24);
    assert_has(t, "input, output e18");
    free(t);
    s.demo.snapshot.epoch = 9;
    view_put_snapshot(&s.view, &s.demo.snapshot);
    (void)scene_keys(&s, "v");
    t = scene_text(&s, 80, 24);
    assert_has(t, "samples e9");
    assert_has(t, "KL per dimension e9");
    free(t);
    free(s.demo.snapshot.pixels);
    s.demo.snapshot.pixels = NULL;
    s.demo.snapshot.n_images = 0;
    view_put_snapshot(&s.view, &s.demo.snapshot);
    t = scene_text(&s, 160, 48);
    assert_has(t, "none: the data are no images");
    assert_has(t, "latent #0 e9");
    free(t);
    scene_release(&s);
}

int gallery_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cell_is_two_pixels_in_grey),
        cmocka_unit_test(without_greys_ink_stands_for_the_mean_of_a_cell),
        cmocka_unit_test(halves_carry_two_classes),
        cmocka_unit_test(images_follow_the_scrubbed_epoch_and_say_why_there_are_none),
    };
    return cmocka_run_group_tests_name("ui gallery", tests, NULL, NULL);
}
