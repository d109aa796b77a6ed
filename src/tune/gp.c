#include "gp.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"

#define SQRT5 2.2360679774997896964
#define SQRT1_2 0.70710678118654752440
#define ARC 1.0471975511965977462 /* 60 degrees: the chord between 0 and 1 has length 1 */
#define LEAST_VARIANCE 1e-12

double gp_matern(double r2)
{
    double r = SQRT5 * sqrt(r2);
    return exp(-r) * (5.0 / 3 * r2 + r + 1);
}

double gp_matern_slope(double r2)
{
    double r = SQRT5 * sqrt(r2);
    return -5.0 / 6 * (1 + r) * exp(-r);
}

static size_t features_of(const struct dim *d)
{
    if (d->choice) {
        return d->count + d->conditional;
    }
    return d->conditional ? 2 : 1;
}

void gp_init(struct gp *g, const struct space *s)
{
    *g = (struct gp){.space = s, .theta = {.scale = 1, .noise = 1e-4}};
    g->first = xcalloc(s->n + 1, sizeof *g->first);
    g->theta.lambda = xcalloc(s->n + 1, sizeof *g->theta.lambda);
    for (size_t d = 0; d < s->n; d++) {
        g->theta.lambda[d] = 1;
        g->first[d + 1] = g->first[d] + features_of(&s->dim[d]);
    }
    g->n_features = g->first[s->n];
}

void gp_release(struct gp *g)
{
    free(g->first);
    free(g->theta.lambda);
    free(g->x);
    free(g->y);
    free(g->chol);
    free(g->alpha);
    *g = (struct gp){0};
}

void gp_clear(struct gp *g)
{
    g->n = 0;
}

void gp_features(double *out, const struct gp *g, const struct point *pt)
{
    for (size_t d = 0; d < g->space->n; d++) {
        const struct dim *x = &g->space->dim[d];
        double *f = out + g->first[d];
        size_t n = g->first[d + 1] - g->first[d];
        memset(f, 0, n * sizeof *f);
        if (x->choice) {
            f[pt->present[d] ? (size_t)pt->value[d] : n - 1] = SQRT1_2;
        } else if (pt->present[d]) {
            double u = dim_unit(x, pt->value[d]);
            f[0] = x->conditional ? cos(ARC * u) : u;
            if (x->conditional) {
                f[1] = sin(ARC * u);
            }
        }
    }
}

void gp_features_slope(double *out, const struct gp *g, size_t dim, double u)
{
    if (g->space->dim[dim].conditional) {
        out[0] = -ARC * sin(ARC * u);
        out[1] = ARC * cos(ARC * u);
    } else {
        out[0] = 1;
    }
}

static void grow(struct gp *g)
{
    size_t cap = g->cap ? 2 * g->cap : 64;
    double *chol = xcalloc(cap * cap, sizeof *chol);
    for (size_t i = 0; i < g->n; i++) {
        memcpy(chol + i * cap, g->chol + i * g->cap, (i + 1) * sizeof *chol);
    }
    free(g->chol);
    g->chol = chol;
    g->x = xreallocarray(g->x, cap * (g->n_features + 1), sizeof *g->x);
    g->y = xreallocarray(g->y, cap, sizeof *g->y);
    g->alpha = xreallocarray(g->alpha, cap, sizeof *g->alpha);
    g->cap = cap;
}

/* Every feature's lambda. Owns: caller frees. */
static double *feature_weights(const struct gp *g)
{
    double *w = xcalloc(g->n_features + 1, sizeof *w);
    for (size_t d = 0; d < g->space->n; d++) {
        for (size_t f = g->first[d]; f < g->first[d + 1]; f++) {
            w[f] = g->theta.lambda[d];
        }
    }
    return w;
}

/* Rows times the root of lambda, and their squared lengths: distances become products. */
static void weigh(double *out, double *length2, const struct gp *g, const double *x, size_t m)
{
    double *root = feature_weights(g);
    for (size_t f = 0; f < g->n_features; f++) {
        root[f] = sqrt(root[f]);
    }
    for (size_t i = 0; i < m; i++) {
        double sum = 0;
        for (size_t f = 0; f < g->n_features; f++) {
            double v = root[f] * x[i * g->n_features + f];
            out[i * g->n_features + f] = v;
            sum += v * v;
        }
        length2[i] = sum;
    }
    free(root);
}

static double squared_distance(const double *weight, const double *a, const double *b, size_t n)
{
    double r2 = 0;
    for (size_t f = 0; f < n; f++) {
        double t = a[f] - b[f];
        r2 += weight[f] * t * t;
    }
    return r2;
}

/* k(x, rows). Shapes: out (n). */
static void kernel_row(double *out, const struct gp *g, const double *x)
{
    double *weight = feature_weights(g);
    for (size_t i = 0; i < g->n; i++) {
        out[i] = g->theta.scale * gp_matern(squared_distance(weight, x, g->x + i * g->n_features, g->n_features));
    }
    free(weight);
}

static void solve_lower(const struct gp *g, double *v)
{
    if (g->n > 0) {
        cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, (int)g->n, g->chol, (int)g->cap, v, 1);
    }
}

static void solve_upper(const struct gp *g, double *v)
{
    if (g->n > 0) {
        cblas_dtrsv(CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, (int)g->n, g->chol, (int)g->cap, v, 1);
    }
}

void gp_append(struct gp *g, const double *features)
{
    double *row, rest;
    if (g->n == g->cap) {
        grow(g);
    }
    row = g->chol + g->n * g->cap;
    kernel_row(row, g, features);
    rest = g->theta.scale + g->theta.noise;
    solve_lower(g, row);
    rest -= cblas_ddot((int)g->n, row, 1, row, 1);
    row[g->n] = sqrt(rest > 1e-10 ? rest : 1e-10);
    memcpy(g->x + g->n * g->n_features, features, g->n_features * sizeof *features);
    g->y[g->n] = 0;
    g->n++;
}

void gp_truncate(struct gp *g, size_t n)
{
    g->n = n < g->n ? n : g->n;
}

void gp_values(struct gp *g, const double *y)
{
    if (g->n == 0) {
        return;
    }
    memmove(g->y, y, g->n * sizeof *y);
    memcpy(g->alpha, g->y, g->n * sizeof *y);
    solve_lower(g, g->alpha);
    solve_upper(g, g->alpha);
}

bool gp_factorise(struct gp *g)
{
    double *weight = feature_weights(g);
    for (size_t i = 0; i < g->n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double r2 = squared_distance(weight, g->x + i * g->n_features, g->x + j * g->n_features, g->n_features);
            g->chol[i * g->cap + j] = g->theta.scale * gp_matern(r2) + (i == j ? g->theta.noise : 0);
        }
    }
    free(weight);
    /* The lower triangle by rows is the upper one by columns. */
    return LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'U', (int)g->n, g->chol, (int)g->cap) == 0;
}

static double least_variance(double v)
{
    return v > LEAST_VARIANCE ? v : LEAST_VARIANCE;
}

void gp_predict(const struct gp *g, const double *features, double *mean, double *variance)
{
    double *k = xcalloc(g->n + 1, sizeof *k);
    kernel_row(k, g, features);
    *mean = cblas_ddot((int)g->n, k, 1, g->alpha, 1);
    solve_lower(g, k);
    *variance = least_variance(g->theta.scale - cblas_ddot((int)g->n, k, 1, k, 1));
    free(k);
}

void gp_predict_many(const struct gp *g, const double *features, size_t m, double *mean, double *variance)
{
    int n = (int)g->n, f = (int)g->n_features;
    double *k = xcalloc(m * g->n, sizeof *k);
    double *a = xcalloc(m * (g->n_features + 1), sizeof *a);
    double *b = xcalloc(g->n * (g->n_features + 1), sizeof *b);
    double *a2 = xcalloc(m, sizeof *a2);
    double *b2 = xcalloc(g->n, sizeof *b2);
    weigh(a, a2, g, features, m);
    weigh(b, b2, g, g->x, g->n);
    if (f > 0) {
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, n, f, -2, a, f, b, f, 0, k, n);
    }
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < g->n; j++) {
            double r2 = a2[i] + b2[j] + k[i * g->n + j];
            k[i * g->n + j] = g->theta.scale * gp_matern(r2 > 0 ? r2 : 0);
        }
    }
    cblas_dgemv(CblasRowMajor, CblasNoTrans, (int)m, n, 1, k, n, g->alpha, 1, 0, mean, 1);
    cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (int)m, n, 1, g->chol, (int)g->cap, k,
                n);
    for (size_t i = 0; i < m; i++) {
        variance[i] = least_variance(g->theta.scale - cblas_ddot(n, k + i * g->n, 1, k + i * g->n, 1));
    }
    free(k);
    free(a);
    free(b);
    free(a2);
    free(b2);
}

void gp_predict_slope(const struct gp *g, const double *features, double *mean, double *variance, double *dmean,
                      double *dvariance)
{
    size_t n = g->n, nf = g->n_features;
    double *k = xcalloc(3 * n + 1, sizeof *k), *slope = k + n, *v = slope + n;
    double *weight = feature_weights(g);
    for (size_t i = 0; i < n; i++) {
        double r2 = squared_distance(weight, features, g->x + i * nf, nf), r = SQRT5 * sqrt(r2), e = exp(-r);
        k[i] = g->theta.scale * e * (5.0 / 3 * r2 + r + 1);
        slope[i] = 2 * g->theta.scale * (-5.0 / 6 * (1 + r) * e);
    }
    memcpy(v, k, n * sizeof *v);
    solve_lower(g, v);
    *mean = cblas_ddot((int)n, k, 1, g->alpha, 1);
    *variance = least_variance(g->theta.scale - cblas_ddot((int)n, v, 1, v, 1));
    solve_upper(g, v);
    memset(dmean, 0, nf * sizeof *dmean);
    memset(dvariance, 0, nf * sizeof *dvariance);
    for (size_t i = 0; i < n; i++) {
        double by_mean = slope[i] * g->alpha[i], by_variance = -2 * slope[i] * v[i];
        const double *x = g->x + i * nf;
        for (size_t f = 0; f < nf; f++) {
            dmean[f] += by_mean * (features[f] - x[f]);
            dvariance[f] += by_variance * (features[f] - x[f]);
        }
    }
    for (size_t f = 0; f < nf; f++) {
        dmean[f] *= weight[f];
        dvariance[f] *= weight[f];
    }
    free(weight);
    free(k);
}

double gp_best(const struct gp *g, size_t n)
{
    double best = -HUGE_VAL;
    for (size_t i = 0; i < n; i++) {
        double mean = g->y[i] - g->theta.noise * g->alpha[i];
        best = mean > best ? mean : best;
    }
    return best;
}
