#include "scatter.h"

#include <math.h>
#include <string.h>

#define CELLS_MAX 16384
#define STRETCH 1.8 /* how far the axes may differ to fill a flat pane */

const char *scatter_mode_name(enum scatter_mode m)
{
    static const char *const name[SCATTER_MODES] = {"label", "half", "dots", "density"};
    return m < SCATTER_MODES ? name[m] : "?";
}

char scatter_glyph(uint8_t label)
{
    static const char glyph[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return label == SCATTER_NO_CLASS ? 'o' : glyph[label % (sizeof glyph - 1)];
}

static uint8_t class_role(uint8_t label)
{
    return label == SCATTER_NO_CLASS ? (uint8_t)ROLE_VAL : (uint8_t)(ROLE_CLASS0 + label % 10);
}

/* What a cell collects: its points, the dots they set, the class most of them are of. `run`: how many of the class that
 * is being counted, `most` of the one that leads. */
struct pile {
    uint16_t points, run, most;
    uint8_t bits, label;
};

/* Dot under a point, or false when it is outside. Centred, one scale for both axes: a cell is 1 wide and 2 high. */
static bool place(int *x, int *y, const struct scatter *s, size_t i, struct area dots, double cell_h)
{
    double w = (double)(s->x_hi - s->x_lo), h = (double)(s->y_hi - s->y_lo);
    double px = (double)(s->xy[2 * i] - s->x_lo), py = (double)(s->xy[2 * i + 1] - s->y_lo);
    if (!(px >= 0 && px <= w && py >= 0 && py <= h)) {
        return false;
    }
    /* Dots per unit on either axis, counted in widths of a dot, which is cell_h times as high as wide. */
    double scale_x = (dots.w - 1) / w, scale_y = (dots.h - 1) * cell_h / h;
    scale_x = fmin(scale_x, scale_y * STRETCH);
    scale_y = fmin(scale_y, scale_x * STRETCH);
    double fx = (dots.w - 1) / 2.0 + (px - w / 2) * scale_x;
    double fy = (dots.h - 1) / 2.0 - (py - h / 2) * scale_y / cell_h;
    *x = (int)lround(fx);
    *y = (int)lround(fy);
    return *x >= 0 && *x < dots.w && *y >= 0 && *y < dots.h;
}

/* The classes that have points, the rarer one first, of two alike the lower. Returns how many. */
static int rare_first(uint8_t order[256], const struct scatter *s)
{
    int total[256] = {0}, n = 0;
    for (size_t i = 0; i < s->n; i++) {
        total[s->label[i]]++;
    }
    for (int k = 0; k < 256; k++) {
        int at = n;
        if (total[k] == 0) {
            continue;
        }
        for (; at > 0 && total[order[at - 1]] > total[k]; at--) {
            order[at] = order[at - 1];
        }
        order[at] = (uint8_t)k;
        n++;
    }
    return n;
}

/* most: points in the fullest cell. */
static uint32_t pile_glyph(const struct pile *p, enum scatter_mode m, enum tier t, int most)
{
    const struct glyphs *g = glyphs_of(t);
    if (m == SCATTER_LABEL) {
        return (uint32_t)(unsigned char)scatter_glyph(p->label);
    }
    if (m == SCATTER_DOTS) {
        return glyph_dots(t, p->bits, p->points > 1 ? ':' : '.');
    }
    double f = most > 1 ? log(p->points) / log(most) : 1;
    return g->ramp[(int)lround(f * (g->n_ramp - 1))];
}

/* Halves of one cell; either may be empty. */
static void put_halves(struct canvas *c, int x, int y, const struct pile *up, const struct pile *low, enum tier t)
{
    uint32_t both = t == TIER_ASCII ? ':' : 0x2580, upper = t == TIER_ASCII ? '\'' : 0x2580,
             lower = t == TIER_ASCII ? '.' : 0x2584;
    struct style s = {class_role(up->points > 0 ? up->label : low->label), 0};
    if (up->points > 0 && low->points > 0 && t != TIER_ASCII && up->label != SCATTER_NO_CLASS) {
        s.role = (uint16_t)(ROLE_CLASSES + up->label % 10 * 10 + low->label % 10);
        both = up->label % 10 == low->label % 10 ? 0x2588 : 0x2580;
        s.role = both == 0x2588 ? class_role(up->label) : s.role;
    }
    if (up->points > 0 || low->points > 0) {
        canvas_put(c, x, y, up->points == 0 ? lower : low->points == 0 ? upper : both, s);
    }
}

/* Puts the points of one class on the piles. It leads a pile where it has more points than those counted before it. */
static void heap_class(struct pile *pile, const struct scatter *s, uint8_t label, struct area grid, int sub_w, int sub_h,
                       double tall)
{
    struct area dots = {0, 0, grid.w * sub_w, grid.h * sub_h};
    for (int i = 0; i < grid.w * grid.h; i++) {
        pile[i].run = 0;
    }
    for (size_t i = 0; i < s->n; i++) {
        int x, y;
        if (s->label[i] != label || !place(&x, &y, s, i, dots, tall)) {
            continue;
        }
        struct pile *p = &pile[(y / sub_h) * grid.w + x / sub_w];
        p->points++;
        p->bits |= (uint8_t)(1u << ((y % sub_h) * sub_w + x % sub_w));
        if (++p->run > p->most) {
            p->most = p->run;
            p->label = label;
        }
    }
}

/* Fills a grid of piles, each of sub_w x sub_h dots of which `tall` is a dot's height by its width. Returns the points
 * of the fullest pile. */
static int heap_up(struct pile *pile, const struct scatter *s, struct area grid, int sub_w, int sub_h, double tall)
{
    uint8_t order[256];
    int n = rare_first(order, s), most = 0;
    memset(pile, 0, (size_t)(grid.w * grid.h) * sizeof *pile);
    for (int k = 0; k < n; k++) {
        heap_class(pile, s, order[k], grid, sub_w, sub_h, tall);
    }
    for (int i = 0; i < grid.w * grid.h; i++) {
        most = pile[i].points > most ? pile[i].points : most;
    }
    return most;
}

void scatter_draw(struct canvas *c, struct area a, const struct scatter *s, enum scatter_mode m, enum tier t)
{
    const struct glyphs *g = glyphs_of(t);
    struct pile pile[CELLS_MAX];
    bool half = m == SCATTER_HALF, dots = m == SCATTER_DOTS || (m == SCATTER_LABEL && !s->labelled);
    struct area grid = {0, 0, a.w, half ? 2 * a.h : a.h};
    if (a.w < 2 || a.h < 2 || grid.w * grid.h > CELLS_MAX || s->n == 0 || !(s->x_hi > s->x_lo) || !(s->y_hi > s->y_lo)) {
        return;
    }
    int sub_w = dots ? g->sub_w : 1, sub_h = dots ? g->sub_h : 1;
    int most = heap_up(pile, s, grid, sub_w, sub_h, (half ? 1.0 : 2.0) * sub_w / sub_h);
    for (int y = 0; y < a.h; y++) {
        for (int x = 0; x < a.w; x++) {
            const struct pile *p = &pile[y * a.w + x];
            if (half) {
                put_halves(c, a.x + x, a.y + y, &pile[2 * y * a.w + x], &pile[(2 * y + 1) * a.w + x], t);
            } else if (p->points > 0) {
                canvas_put(c, a.x + x, a.y + y, pile_glyph(p, dots ? SCATTER_DOTS : m, t, most),
                           (struct style){s->plain && m == SCATTER_LABEL ? ROLE_VAL : class_role(p->label), 0});
            }
        }
    }
}
