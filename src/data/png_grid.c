#include "vaetop/data/png_grid.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"

#define LEAST_SIDE 56
#define GAP 2
#define GROUP_GAP 8
#define STRIP 8
#define MOST_PIXELS ((size_t)1 << 28)

/* The whole picture, in pixels. */
struct canvas {
    size_t scale_x, scale_y, columns, rows, width, height;
    uint8_t *px; /* (height, width) */
};

/* Largest c with c * c <= n, at least 1. */
static size_t root(size_t n)
{
    size_t c = 1;
    while ((c + 1) * (c + 1) <= n) {
        c++;
    }
    return c;
}

/* Where row r of the grid begins. */
static size_t row_at(const struct canvas *c, const struct png_grid *g, size_t r)
{
    size_t groups = g->group > 0 ? r / g->group : 0;
    return GAP + r * (g->height * c->scale_y + GAP) + groups * (GROUP_GAP - GAP);
}

static bool lay_out(struct canvas *c, const struct png_grid *g)
{
    size_t least = g->height < g->width ? g->height : g->width, total;
    c->scale_x = c->scale_y = least < LEAST_SIDE ? (LEAST_SIDE + least - 1) / least : 1;
    if (g->height == 1) { /* no image: a strip */
        c->scale_x = g->width < LEAST_SIDE ? STRIP : 1;
        c->scale_y = STRIP;
    }
    size_t cell_w = g->width * c->scale_x + GAP, cell_h = g->height * c->scale_y + GAP;
    if (!mul_size(&total, cell_w, cell_h) || !mul_size(&total, total, g->n) || total > MOST_PIXELS) {
        return false;
    }
    c->columns = g->columns;
    if (c->columns == 0) {
        c->columns = root(g->n * cell_h / cell_w);
        c->columns += c->columns * c->columns * cell_w < g->n * cell_h;
    }
    c->columns = c->columns < g->n ? c->columns : g->n;
    c->rows = (g->n + c->columns - 1) / c->columns;
    c->width = GAP + c->columns * cell_w;
    c->height = row_at(c, g, c->rows - 1) + cell_h;
    return mul_size(&total, c->width, c->height) && total <= MOST_PIXELS;
}

static uint8_t grey(float v)
{
    return !(v > 0.0f) ? 0 : v >= 1.0f ? 255 : (uint8_t)(v * 255.0f + 0.5f);
}

static void paint(const struct canvas *c, const struct png_grid *g, const float *x)
{
    for (size_t i = 0; i < g->n; i++, x += g->height * g->width) {
        size_t left = GAP + i % c->columns * (g->width * c->scale_x + GAP), top = row_at(c, g, i / c->columns);
        for (size_t r = 0; r < g->height * c->scale_y; r++) {
            uint8_t *px = c->px + (top + r) * c->width + left;
            const float *row = x + r / c->scale_y * g->width;
            for (size_t q = 0; q < g->width * c->scale_x; q++) {
                px[q] = grey(row[q / c->scale_x]);
            }
        }
    }
}

static enum err_code save(const struct canvas *c, const char *path, struct err *e)
{
    png_image image = {.version = PNG_IMAGE_VERSION, .width = (png_uint_32)c->width, .height = (png_uint_32)c->height,
                       .format = PNG_FORMAT_GRAY};
    char *bytes = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&bytes, &n);
    bool written = f && png_image_write_to_stdio(&image, f, 0, c->px, (png_int_32)c->width, NULL);
    written = f && fclose(f) == 0 && written;
    enum err_code rc = written ? fs_write(path, bytes, n, e)
                               : err_set(e, ERR_NOMEM, "%s: libpng: %s", path, image.message[0] ? image.message : "no memory");
    png_image_free(&image);
    free(bytes);
    return rc;
}

enum err_code png_grid_save(const char *path, const float *x, const struct png_grid *g, struct err *e)
{
    struct canvas c;
    if (!lay_out(&c, g)) {
        return err_set(e, ERR_USAGE, "%s: %zu images of %zu x %zu are too many for one PNG; fewer (--count), or a .npy file",
                       path, g->n, g->height, g->width);
    }
    c.px = try_calloc(c.height, c.width);
    if (!c.px) {
        return err_set(e, ERR_NOMEM, "%s: no memory for %zu x %zu pixels", path, c.width, c.height);
    }
    memset(c.px, grey(PNG_GRID_BLANK), c.height * c.width);
    paint(&c, g, x);
    enum err_code rc = save(&c, path, e);
    free(c.px);
    return rc;
}
