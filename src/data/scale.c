#include "scale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"

static void scale_init(struct data_scale *s, size_t n)
{
    *s = (struct data_scale){.n = n};
    s->shift = n > 0 ? xcalloc(n, sizeof *s->shift) : NULL;
    s->factor = n > 0 ? xcalloc(n, sizeof *s->factor) : NULL;
}

void scale_release(struct data_scale *s)
{
    free(s->shift);
    free(s->factor);
    *s = (struct data_scale){0};
}

void scale_copy(struct data_scale *dst, const struct data_scale *src)
{
    scale_init(dst, src->n);
    dst->clip = src->clip;
    for (size_t i = 0; i < src->n; i++) {
        dst->shift[i] = src->shift[i];
        dst->factor[i] = src->factor[i];
    }
}

void scale_bytes(struct data_scale *s)
{
    scale_init(s, 1);
    s->factor[0] = 1.0f / 255.0f;
}

bool scale_is_bytes(const struct data_scale *s)
{
    return s->n == 1 && !s->clip && s->shift[0] == 0.0f && s->factor[0] == 1.0f / 255.0f;
}

/* Smallest and largest value of the training rows become 0 and 1; a constant becomes 0. */
static void fit_unit(struct data_scale *s, const struct dataset *d, const struct split *split)
{
    const float *x = d->x;
    for (size_t i = 0; i < s->n; i++) { /* shift: smallest, factor: largest, for now */
        s->shift[i] = INFINITY;
        s->factor[i] = -INFINITY;
    }
    for (size_t r = 0; r < split->n_train; r++) {
        const float *row = x + (size_t)split->train[r] * d->dim;
        for (size_t i = 0; i < d->dim; i++) {
            const size_t k = s->n == 1 ? 0 : i;
            s->shift[k] = fminf(s->shift[k], row[i]);
            s->factor[k] = fmaxf(s->factor[k], row[i]);
        }
    }
    for (size_t i = 0; i < s->n; i++) {
        const double range = (double)s->factor[i] - (double)s->shift[i];
        const float factor = range > 0 ? (float)(1 / range) : 1.0f;
        s->factor[i] = isfinite(factor) ? factor : 1.0f;
    }
    s->clip = true;
}

/* Mean and deviation of the training rows become 0 and 1; a constant becomes 0. Two passes in double. */
static void fit_standard(struct data_scale *s, const struct dataset *d, const struct split *split)
{
    const float *x = d->x;
    double *mean = xcalloc(s->n, sizeof *mean), *square = xcalloc(s->n, sizeof *square);
    const double count = (double)split->n_train * (s->n == 1 ? (double)d->dim : 1.0);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t r = 0; r < split->n_train; r++) {
            const float *row = x + (size_t)split->train[r] * d->dim;
            for (size_t i = 0; i < d->dim; i++) {
                const size_t k = s->n == 1 ? 0 : i;
                const double v = (double)row[i];
                if (pass == 0) {
                    mean[k] += v / count;
                } else {
                    square[k] += (v - mean[k]) * (v - mean[k]) / count;
                }
            }
        }
    }
    for (size_t i = 0; i < s->n; i++) {
        const double deviation = sqrt(square[i]);
        const float factor = (float)(1 / deviation);
        const bool constant = !(deviation > 1e-7 * fabs(mean[i])) || !isfinite(factor); /* what rounding leaves */
        s->shift[i] = (float)mean[i];
        s->factor[i] = constant ? 1.0f : factor;
    }
    free(mean);
    free(square);
}

void scale_fit(struct data_scale *s, const struct dataset *d, enum data_scaling how, const struct split *split)
{
    if (how == SCALING_255) {
        scale_bytes(s);
        return;
    }
    scale_init(s, how == SCALING_UNIT || how == SCALING_STANDARD ? (d->height > 1 ? 1 : d->dim) : 0);
    if (how == SCALING_UNIT) {
        fit_unit(s, d, split);
    } else if (how == SCALING_STANDARD) {
        fit_standard(s, d, split);
    }
}

void scale_apply(struct dataset *d, const struct data_scale *s)
{
    float *x = d->x;
    for (size_t r = 0; s->n > 0 && r < d->n; r++) {
        for (size_t i = 0; i < d->dim; i++) {
            const size_t k = s->n == 1 ? 0 : i;
            const float v = (x[r * d->dim + i] - s->shift[k]) * s->factor[k];
            x[r * d->dim + i] = s->clip ? fminf(fmaxf(v, 0.0f), 1.0f) : v;
        }
    }
}
