#include "vaetop/tune/importance.h"

#include <math.h>
#include <stdlib.h>

#include "normal.h"
#include "space.h"
#include "vaetop/base/alloc.h"

#define BEST_SHARE 0.1
#define GRID 50
#define FLOOR 1e-12


static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The value that separates the best tenth; ties belong to it. */
static double cut_of(const double *value, size_t n)
{
    double *s = xcalloc(n, sizeof *s);
    size_t k = (size_t)ceil(BEST_SHARE * (double)n - 1e-9);
    double cut;
    for (size_t i = 0; i < n; i++) {
        s[i] = value[i];
    }
    qsort(s, n, sizeof *s, by_size);
    cut = s[k > 0 ? k - 1 : 0];
    free(s);
    return cut;
}

static size_t cells_of(const struct dim *d)
{
    if (d->choice) {
        return d->count;
    }
    if (d->log && d->count > 0) {
        size_t bits = (size_t)ceil(log2(d->hi - d->lo + 1)) + 1;
        return bits < GRID ? bits : GRID;
    }
    return d->count > 0 && d->count < GRID ? d->count : GRID;
}

static size_t cell_of(const struct dim *d, double value, size_t cells)
{
    double lo, hi, u;
    if (d->choice) {
        return (size_t)value;
    }
    lo = dim_scale(d, d->lo);
    hi = dim_scale(d, d->hi);
    u = hi > lo ? (dim_scale(d, value) - lo) / (hi - lo) : 0;
    return (size_t)floor(u * (double)(cells - 1) + 0.5);
}

/* Scott's rule on the counted grid, never narrower than a cell can tell. */
static double bandwidth(const double *count, size_t cells)
{
    double n = 0, mean = 0, var = 0, before = 0, quarter = 0, three = 0, sd, iqr;
    for (size_t g = 0; g < cells; g++) {
        n += count[g];
        mean += count[g] * (double)g;
    }
    mean /= n;
    for (size_t g = 0; g < cells; g++) {
        var += count[g] * ((double)g - mean) * ((double)g - mean);
        if (before < 0.25 * n && before + count[g] >= 0.25 * n) {
            quarter = (double)g;
        }
        if (before < 0.75 * n && before + count[g] >= 0.75 * n) {
            three = (double)g;
        }
        before += count[g];
    }
    sd = sqrt(var / (n > 1 ? n - 1 : 1));
    iqr = (three - quarter) / 1.34;
    sd = 1.059 * (iqr < sd ? iqr : sd) * pow(n, -0.2);
    return sd > 0.5 / 1.64 ? sd : 0.5 / 1.64;
}

static void add_kernel(double *out, size_t cells, double mu, double sigma, double weight)
{
    double all = normal_log_mass((-0.5 - mu) / sigma, ((double)cells - 0.5 - mu) / sigma);
    for (size_t g = 0; g < cells; g++) {
        double at = (double)g;
        out[g] += weight * exp(normal_log_mass((at - 0.5 - mu) / sigma, (at + 0.5 - mu) / sigma) - all);
    }
}

/* Density over the cells from counts, smoothed, with a flat share of one observation. Shapes: out, count (cells). */
static void smooth(double *out, const double *count, size_t cells, bool choice)
{
    double n = 0;
    for (size_t g = 0; g < cells; g++) {
        n += count[g];
        out[g] = 0;
    }
    double sigma = choice || n == 0 ? 0 : bandwidth(count, cells);
    for (size_t g = 0; g < cells; g++) {
        if (choice) {
            out[g] = count[g] + 1 / (double)cells;
        } else if (count[g] > 0) {
            add_kernel(out, cells, (double)g, sigma, count[g]);
        }
    }
    if (!choice) {
        add_kernel(out, cells, ((double)cells - 1) / 2, (double)cells, 1);
    }
    for (size_t g = 0; g < cells; g++) {
        out[g] = out[g] / (n + 1) + FLOOR;
    }
}

/* Pearson's divergence of the best trials' values from all trials', among those that have the parameter. */
static double divergence(const struct dim *d, const size_t *cell, const bool *best, size_t n)
{
    size_t cells = cells_of(d);
    double *count = xcalloc(4 * cells, sizeof *count);
    double *top = count + cells, *p_all = top + cells, *p_top = p_all + cells;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        count[cell[i]] += 1;
        top[cell[i]] += best[i];
    }
    smooth(p_all, count, cells, d->choice);
    smooth(p_top, top, cells, d->choice);
    for (size_t g = 0; g < cells; g++) {
        double ratio = p_top[g] / p_all[g] - 1;
        sum += p_all[g] * ratio * ratio;
    }
    free(count);
    return sum;
}

static double of_dim(const struct space *s, size_t r, const struct point *const *pt, const double *value, size_t n)
{
    const struct dim *d = &s->dim[r];
    size_t *cell = xcalloc(n, sizeof *cell);
    bool *best = xcalloc(n, sizeof *best);
    double cut = cut_of(value, n), out = 0;
    size_t m = 0, top = 0, all_top = 0;
    for (size_t i = 0; i < n; i++) {
        all_top += value[i] <= cut;
        if (pt[i]->present[r]) {
            cell[m] = cell_of(d, pt[i]->value[r], cells_of(d));
            best[m] = value[i] <= cut;
            top += best[m++];
        }
    }
    if (m > 0 && top > 0 && (d->choice || d->hi > d->lo)) {
        double share_top = (double)top / (double)all_top;
        double share_all = (double)m / (double)n;
        double region = (double)all_top / (double)n;
        out = region * region * share_top * share_top / share_all * divergence(d, cell, best, m);
    }
    free(cell);
    free(best);
    return out;
}

double importance_of(const struct preset *p, size_t range, const struct point *const *pt, const double *value, size_t n)
{
    struct space s;
    double out;
    if (n < 2) {
        return 0;
    }
    space_init(&s, p);
    out = of_dim(&s, range, pt, value, n);
    space_release(&s);
    return out;
}

void importance(double *out, const struct preset *p, const struct point *const *pt, const double *value, size_t n)
{
    struct space s;
    double sum = 0;
    space_init(&s, p);
    for (size_t r = 0; r < p->n_ranges; r++) {
        out[r] = n < 2 ? 0 : of_dim(&s, r, pt, value, n);
        sum += out[r];
    }
    for (size_t r = 0; r < p->n_ranges && sum > 0; r++) {
        out[r] /= sum;
    }
    space_release(&s);
}
