/* The selected trial's latent plot: turned like the one before it, and the box that holds all but the outliers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "view.h"

/* PCA leaves signs and order of its axes open; of the eight ways to turn the new picture take the one that lies best on
 * the old one, so that it does not flip from epoch to epoch. The points are the same images in the same order. */
static void turn_like(float *xy, const float *old, size_t n)
{
    double m[2][2] = {{0, 0}, {0, 0}};
    for (size_t i = 0; i < n; i++) {
        for (int a = 0; a < 2; a++) {
            for (int b = 0; b < 2; b++) {
                m[a][b] += (double)old[2 * i + (size_t)a] * (double)xy[2 * i + (size_t)b];
            }
        }
    }
    bool swap = fabs(m[0][1]) + fabs(m[1][0]) > fabs(m[0][0]) + fabs(m[1][1]);
    float sx = (swap ? m[0][1] : m[0][0]) < 0 ? -1.0f : 1.0f, sy = (swap ? m[1][0] : m[1][1]) < 0 ? -1.0f : 1.0f;
    for (size_t i = 0; i < n; i++) {
        float x = xy[2 * i + (swap ? 1 : 0)], y = xy[2 * i + (swap ? 0 : 1)];
        xy[2 * i] = sx * x;
        xy[2 * i + 1] = sy * y;
    }
}

static int by_float(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* 0.5 .. 99.5 percentile of one axis with a margin. */
static void box_axis(float *lo, float *hi, const float *xy, size_t n, float *scratch)
{
    for (size_t i = 0; i < n; i++) {
        scratch[i] = xy[2 * i];
    }
    qsort(scratch, n, sizeof *scratch, by_float);
    size_t edge = n / 200;
    *lo = scratch[edge];
    *hi = scratch[n - 1 - edge];
    float margin = (*hi - *lo) * 0.03f + 1e-6f;
    *lo -= margin;
    *hi += margin;
}

static void prepare(struct view_latent *l)
{
    struct scatter *s = &l->scatter;
    float *scratch = xcalloc(l->n, sizeof *scratch);
    *s = (struct scatter){.n = l->n, .xy = l->xy, .label = l->label};
    box_axis(&s->x_lo, &s->x_hi, l->xy, l->n, scratch);
    box_axis(&s->y_lo, &s->y_hi, l->xy + 1, l->n, scratch);
    free(scratch);
    l->off = 0;
    for (size_t i = 0; i < l->n; i++) {
        s->labelled = s->labelled || l->label[i] != SCATTER_NO_CLASS;
        l->off += l->xy[2 * i] < s->x_lo || l->xy[2 * i] > s->x_hi || l->xy[2 * i + 1] < s->y_lo ||
                  l->xy[2 * i + 1] > s->y_hi;
    }
}

static int by_kl(const void *pa, const void *pb)
{
    const struct view_dim *a = pa, *b = pb;
    if (isnan(a->kl) || isnan(b->kl) || !(a->kl < b->kl || a->kl > b->kl)) {
        return isnan(a->kl) != isnan(b->kl) ? isnan(a->kl) - isnan(b->kl) : a->dim - b->dim;
    }
    return a->kl < b->kl ? 1 : -1;
}

static void put_dims(struct view_latent *l, const struct snapshot *s)
{
    l->n_dims = s->kl && s->latent > 0 ? s->latent : 0;
    l->dim = xcalloc((size_t)l->n_dims + 1, sizeof *l->dim);
    for (int i = 0; i < l->n_dims; i++) {
        l->dim[i] = (struct view_dim){s->kl[i], i};
    }
    qsort(l->dim, (size_t)l->n_dims, sizeof *l->dim, by_kl);
}

static void put_images(struct view_latent *l, const struct snapshot *s)
{
    size_t bytes = s->n_images > 0 && s->pixels ? snapshot_pixels(s) : 0;
    l->pixels = bytes > 0 ? xcalloc(bytes, 1) : NULL;
    if (l->pixels) {
        memcpy(l->pixels, s->pixels, bytes);
        l->gallery = (struct gallery){.pixels = l->pixels, .n = s->n_images, .h = s->image_h, .w = s->image_w};
    }
}

void view_put_snapshot(struct view *v, const struct snapshot *s)
{
    struct view_latent *l = &v->latent;
    size_t n = s->n_points > 0 && s->xy && s->label ? (size_t)s->n_points : 0;
    if (n == 0) {
        return;
    }
    float *xy = xcalloc(n * 2, sizeof *xy);
    for (size_t i = 0; i < 2 * n; i++) {
        xy[i] = (float)s->xy[i] * (isfinite(s->xy_scale) ? s->xy_scale : 1.0f);
    }
    if (l->trial == s->trial && l->n == n) {
        turn_like(xy, l->xy, n);
    }
    free(l->xy);
    free(l->label);
    free(l->dim);
    free(l->pixels);
    *l = (struct view_latent){.trial = s->trial, .epoch = s->epoch, .n = n, .xy = xy, .latent = s->latent,
                              .explained = (double)s->explained};
    put_dims(l, s);
    put_images(l, s);
    l->label = xcalloc(n, 1);
    memcpy(l->label, s->label, n);
    prepare(l);
}
