/* Fitting the Gaussian process: maximum a posteriori by L-BFGS, gradients through the inverse of the kernel matrix.
 * Source: Rasmussen & Williams 2006, eq. 5.9; priors: shared notes 3.2. */
#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <nlopt.h>
#include <stdlib.h>
#include <string.h>

#include "gp.h"
#include "vaetop/base/alloc.h"

#define LOG_LAMBDA_LEAST -9.0
#define LOG_LAMBDA_MOST 7.0

/* Everything one evaluation needs. Matrices (n, n), lower triangles by rows. */
struct work {
    const struct gp *g;
    double *x, *length2; /* weighted rows */
    double *k;           /* kernel, then its factor, then its inverse */
    double *unit;        /* Matern of the squared distances */
    double *slope;       /* its derivative, then the weights of the derivative */
    double *product;     /* (n, n_features) */
    double *alpha;
};

static void work_init(struct work *w, const struct gp *g)
{
    size_t cells = g->n * g->n;
    *w = (struct work){.g = g};
    w->x = xcalloc(g->n * (g->n_features + 1), sizeof *w->x);
    w->product = xcalloc(g->n * (g->n_features + 1), sizeof *w->product);
    w->length2 = xcalloc(g->n, sizeof *w->length2);
    w->alpha = xcalloc(g->n, sizeof *w->alpha);
    w->k = xcalloc(cells, sizeof *w->k);
    w->unit = xcalloc(cells, sizeof *w->unit);
    w->slope = xcalloc(cells, sizeof *w->slope);
}

static void work_release(struct work *w)
{
    free(w->x);
    free(w->product);
    free(w->length2);
    free(w->alpha);
    free(w->k);
    free(w->unit);
    free(w->slope);
}

static void fill_kernel(struct work *w, const double *lambda, double scale, double noise)
{
    const struct gp *g = w->g;
    size_t n = g->n, nf = g->n_features;
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t d = 0; d < g->space->n; d++) {
            for (size_t f = g->first[d]; f < g->first[d + 1]; f++) {
                double v = sqrt(lambda[d]) * g->x[i * nf + f];
                w->x[i * nf + f] = v;
                sum += v * v;
            }
        }
        w->length2[i] = sum;
    }
    if (nf > 0) {
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)n, (int)nf, -2, w->x, (int)nf, 0, w->k, (int)n);
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double r2 = w->length2[i] + w->length2[j] + w->k[i * n + j];
            double r = 2.2360679774997896964 * sqrt(r2 > 0 && i != j ? r2 : 0);
            double e = exp(-r);
            w->unit[i * n + j] = e * (r * r / 3 + r + 1);
            w->slope[i * n + j] = -5.0 / 6 * (1 + r) * e;
            w->k[i * n + j] = scale * w->unit[i * n + j] + (i == j ? noise : 0);
        }
    }
}

/* k holds the inverse. Sums over both triangles. slope: (dims + 2), of the likelihood, by lambda, scale, noise. */
static void likelihood_slope(struct work *w, double scale, double *slope)
{
    const struct gp *g = w->g;
    size_t n = g->n, nf = g->n_features, dims = g->space->n;
    double *row_sum = xcalloc(n, sizeof *row_sum);
    double by_scale = 0, by_noise = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double half = 0.5 * (w->k[i * n + j] - w->alpha[i] * w->alpha[j]);
            double b = half * scale * w->slope[i * n + j];
            w->slope[i * n + j] = b;
            by_scale += (i == j ? 1 : 2) * half * w->unit[i * n + j];
            row_sum[i] += b;
            row_sum[j] += i == j ? 0 : b;
        }
        by_noise += 0.5 * (w->k[i * n + i] - w->alpha[i] * w->alpha[i]);
    }
    if (nf > 0) {
        cblas_dsymm(CblasRowMajor, CblasLeft, CblasLower, (int)n, (int)nf, 1, w->slope, (int)n, g->x, (int)nf, 0,
                    w->product, (int)nf);
    }
    for (size_t d = 0; d < dims; d++) {
        slope[d] = 0;
        for (size_t i = 0; i < n; i++) {
            for (size_t f = g->first[d]; f < g->first[d + 1]; f++) {
                double x = g->x[i * nf + f];
                slope[d] += 2 * x * (x * row_sum[i] - w->product[i * nf + f]);
            }
        }
    }
    slope[dims] = by_scale;
    slope[dims + 1] = by_noise;
    free(row_sum);
}

/* Of an inverse squared length scale: -log p = away / lambda + 0.1 lambda. With Optuna's 0.1 for the first, few trials make
 * a parameter look idle and it is not varied for long; measured in tests/bench/README.md. */
#define PRIOR_AWAY_FROM_IDLE 2.0

/* Adds minus the logarithm of the priors, and turns the derivatives into those by the logarithms. */
static double add_priors(double loss, const double *t, double *slope, size_t dims)
{
    double scale = exp(t[dims]);
    double extra = exp(t[dims + 1]);
    double noise = GP_NOISE_LEAST + extra;
    for (size_t d = 0; d < dims; d++) {
        double lambda = exp(t[d]);
        loss += PRIOR_AWAY_FROM_IDLE / lambda + 0.1 * lambda;
        if (slope) {
            slope[d] = slope[d] * lambda - PRIOR_AWAY_FROM_IDLE / lambda + 0.1 * lambda;
        }
    }
    loss -= t[dims] - scale;
    loss -= 0.1 * log(noise) - 30 * noise;
    if (slope) {
        slope[dims] = slope[dims] * scale - 1 + scale;
        slope[dims + 1] = (slope[dims + 1] - 0.1 / noise + 30) * extra;
    }
    return loss;
}

static double loss_at(struct work *w, const double *t, double *slope)
{
    const struct gp *g = w->g;
    size_t dims = g->space->n;
    int n = (int)g->n;
    double scale = exp(t[dims]);
    double loss;
    double *lambda = xcalloc(dims + 1, sizeof *lambda);
    for (size_t d = 0; d < dims; d++) {
        lambda[d] = exp(t[d]);
    }
    fill_kernel(w, lambda, scale, GP_NOISE_LEAST + exp(t[dims + 1]));
    free(lambda);
    if (LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'U', n, w->k, n) != 0) {
        return HUGE_VAL;
    }
    memcpy(w->alpha, g->y, g->n * sizeof *w->alpha);
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, n, w->k, n, w->alpha, 1);
    loss = 0.5 * cblas_ddot(n, w->alpha, 1, w->alpha, 1);
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, n, w->k, n, w->alpha, 1);
    for (size_t i = 0; i < g->n; i++) {
        loss += log(w->k[i * g->n + i]);
    }
    if (slope) {
        if (LAPACKE_dpotri(LAPACK_COL_MAJOR, 'U', n, w->k, n) != 0) {
            return HUGE_VAL;
        }
        likelihood_slope(w, scale, slope);
    }
    return add_priors(loss, t, slope, dims);
}

double gp_loss(const struct gp *g, const double *t, double *slope)
{
    struct work w;
    work_init(&w, g);
    double loss = loss_at(&w, t, slope);
    work_release(&w);
    return loss;
}

struct search {
    struct work w;
    double best;
    double *best_t;
    unsigned n;
};

static double on_step(unsigned n, const double *t, double *slope, void *arg)
{
    struct search *s = arg;
    double loss = loss_at(&s->w, t, slope);
    if (!isfinite(loss)) {
        if (slope) {
            memset(slope, 0, n * sizeof *slope);
        }
        return 1e10;
    }
    if (loss < s->best) {
        s->best = loss;
        memcpy(s->best_t, t, n * sizeof *t);
    }
    return loss;
}

static void search_from(struct search *s, double *t, int evaluations)
{
    nlopt_opt o = nlopt_create(NLOPT_LD_LBFGS, s->n);
    double value;
    for (unsigned i = 0; i < s->n; i++) {
        bool lambda = i + 2 < s->n;
        double lo = lambda ? LOG_LAMBDA_LEAST : i + 2 == s->n ? -7 : -16;
        double hi = lambda ? LOG_LAMBDA_MOST : i + 2 == s->n ? 5 : 1;
        (void)nlopt_set_lower_bound(o, (int)i, lo);
        (void)nlopt_set_upper_bound(o, (int)i, hi);
        t[i] = t[i] < lo ? lo : t[i] > hi ? hi : t[i];
    }
    (void)nlopt_set_min_objective(o, on_step, s);
    (void)nlopt_set_maxeval(o, evaluations);
    (void)nlopt_set_ftol_abs(o, 1e-3);
    (void)nlopt_optimize(o, t, &value); /* what it ends with does not matter: the best evaluation is kept */
    nlopt_destroy(o);
}

void gp_fit(struct gp *g, int evaluations, bool afresh)
{
    size_t dims = g->space->n;
    struct search s = {.best = HUGE_VAL, .n = (unsigned)dims + 2};
    double *t = xcalloc(dims + 2, sizeof *t);
    s.best_t = xcalloc(dims + 2, sizeof *t);
    work_init(&s.w, g);
    for (int start = 0; start < (afresh ? 2 : 1); start++) {
        for (size_t d = 0; d < dims; d++) {
            t[d] = start == 0 ? log(g->theta.lambda[d]) : 0;
        }
        t[dims] = start == 0 ? log(g->theta.scale) : 0;
        t[dims + 1] = start == 0 ? log(g->theta.noise - GP_NOISE_LEAST + 1e-9) : -7;
        search_from(&s, t, evaluations);
    }
    if (isfinite(s.best)) {
        for (size_t d = 0; d < dims; d++) {
            g->theta.lambda[d] = exp(s.best_t[d]);
        }
        g->theta.scale = exp(s.best_t[dims]);
        g->theta.noise = GP_NOISE_LEAST + exp(s.best_t[dims + 1]);
    }
    work_release(&s.w);
    free(s.best_t);
    free(t);
    for (int i = 0; i < 8 && !gp_factorise(g); i++) {
        g->theta.noise *= 10; /* two rows nearly alike */
    }
}
