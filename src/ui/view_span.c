/* The y ranges of the selected trial's curves. */
#include <math.h>
#include <stdlib.h>

#include "vaetop/base/alloc.h"
#include "view.h"

size_t series_at(const struct view_series *s, int epoch)
{
    size_t at = s->n;
    for (size_t i = 0; i < s->n && (double)s->epoch[i] <= epoch; i++) {
        at = i;
    }
    return at;
}

/* Appends one metric of the epochs between lo and hi. */
static size_t gather(float *pool, size_t n, const struct view_series *s, enum series_metric m, double lo, double hi)
{
    for (size_t i = 0; i < s->n; i++) {
        if ((double)s->epoch[i] >= lo && (double)s->epoch[i] <= hi) {
            pool[n++] = s->y[m][i];
        }
    }
    return n;
}

/* A little air above and below; never below zero for what is positive. */
static struct plot_span airy(struct plot_span p)
{
    double pad = (p.hi - p.lo) * 0.04;
    p.lo = p.lo > 0 ? fmax(p.lo - pad, p.lo / 2) : p.lo - pad;
    p.hi += pad;
    return p;
}

void view_select(struct view *v, int number, double lo, double hi, const int *with, int n_with)
{
    const struct view_series *s = view_series(v, number);
    size_t most = s ? s->n * 2 : 0, n = 0;
    v->loss_of = s ? number : -1;
    v->loss = (struct plot_span){0, 1, 0};
    if (!s || s->n == 0) {
        return;
    }
    for (int i = 0; i < n_with; i++) {
        const struct view_series *o = view_series(v, with[i]);
        most += o ? o->n : 0;
    }
    float *pool = xcalloc(most, sizeof *pool);
    for (int m = 0; m < SERIES_METRICS; m++) {
        v->span[m] = airy(plot_span_of(pool, gather(pool, 0, s, (enum series_metric)m, lo, hi)));
    }
    n = gather(pool, 0, s, SERIES_VALUE, lo, hi);
    n = n_with == 0 && !view_maximised(v) ? gather(pool, n, s, SERIES_TRAIN, lo, hi) : n;
    for (int i = 0; i < n_with; i++) {
        const struct view_series *o = view_series(v, with[i]);
        n = o && with[i] != number ? gather(pool, n, o, SERIES_VALUE, lo, hi) : n;
    }
    v->loss = airy(plot_span_of(pool, n));
    free(pool);
}
