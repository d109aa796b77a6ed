#include "gallery.h"

/* An image's size in cells when `step` pixels a side become one. */
struct fit {
    int step, w, h, columns, rows;
};

static struct fit fit_images(struct area a, const struct gallery *g, int rows)
{
    struct fit f;
    for (f.step = 1;; f.step++) {
        f.w = (g->w + f.step - 1) / f.step;
        f.h = ((g->h + f.step - 1) / f.step + 1) / 2;
        if ((f.h * rows <= a.h && f.w <= a.w) || (f.w == 1 && f.h == 1)) {
            break;
        }
    }
    f.columns = (a.w + 1) / (f.w + 1) < g->n ? (a.w + 1) / (f.w + 1) : g->n;
    f.rows = a.h / f.h;
    return f;
}

/* Mean of the pixels that become pixel (x, y), 0 .. 255; outside the image it is black. */
static int mean_of(const struct gallery *g, const uint8_t *image, int step, int x, int y)
{
    int sum = 0, n = 0;
    for (int r = y * step; r < (y + 1) * step && r < g->h; r++) {
        for (int k = x * step; k < (x + 1) * step && k < g->w; k++, n++) {
            sum += image[r * g->w + k];
        }
    }
    return n > 0 ? (sum + n / 2) / n : 0;
}

static void draw_image(struct canvas *c, struct area a, const struct gallery *g, const uint8_t *image, int step,
                       enum tier t, bool greys)
{
    const struct glyphs *gl = glyphs_of(t);
    for (int y = 0; y < a.h; y++) {
        for (int x = 0; x < a.w; x++) {
            int top = mean_of(g, image, step, x, 2 * y), low = mean_of(g, image, step, x, 2 * y + 1);
            if (greys && gl->half) {
                uint16_t role = (uint16_t)(ROLE_PIXEL + top * GREYS / 256 * GREYS + low * GREYS / 256);
                canvas_put(c, a.x + x, a.y + y, gl->half, (struct style){role, 0});
            } else {
                canvas_put(c, a.x + x, a.y + y, gl->ink[(top + low) / 2 * gl->n_ink / 256], STYLE(TEXT));
            }
        }
    }
}

int gallery_draw(struct canvas *c, struct area a, const struct gallery *g, enum pictures what, enum tier t, bool greys)
{
    if (a.w < 1 || a.h < 2 || g->n < 1 || g->w < 1 || g->h < 1) {
        return 0;
    }
    struct fit f = fit_images(a, g, 2);
    int rows = what == PICTURES_SAMPLES ? (g->n + f.columns - 1) / f.columns : 3;
    rows = rows > f.rows ? f.rows : rows;
    for (int r = 0; r < rows; r++) {
        for (int k = 0; k < f.columns; k++) {
            int which = what == PICTURES_SAMPLES ? 2 * g->n + r * f.columns + k : r * g->n + k;
            if (which < 3 * g->n) {
                const uint8_t *image = g->pixels + (size_t)which * (size_t)(g->h * g->w);
                draw_image(c, (struct area){a.x + k * (f.w + 1), a.y + r * f.h, f.w, f.h}, g, image, f.step, t, greys);
            }
        }
    }
    return rows;
}
