#include "gp_search.h"

#include <math.h>
#include <nlopt.h>
#include <stdlib.h>
#include <string.h>

#include "normal.h"
#include "sobol.h"
#include "vaetop/base/alloc.h"

#define STARTS_MOST 8
#define TRIED_OUT 16   /* a number with at most this many values is tried out like a choice */
#define NEAR_EACH 24   /* points drawn around every incumbent */
#define SWEEPS 4

struct candidate {
    struct point pt;
    double log_ei;
};

static double log_ei_of(const struct gp_search *q, double mean, double variance)
{
    double sd = sqrt(variance);
    return normal_log_ei((mean - q->best) / sd) + log(sd);
}

double gp_log_ei(const struct gp_search *q, const struct point *pt)
{
    double mean, variance;
    double *f = xcalloc(q->gp->n_features + 1, sizeof *f);
    gp_features(f, q->gp, pt);
    gp_predict(q->gp, f, &mean, &variance);
    free(f);
    return log_ei_of(q, mean, variance);
}

static double fill_random(void *arg, size_t d)
{
    struct gp_search *q = arg;
    return dim_value(&q->gp->space->dim[d], rng_uniform(&q->rng));
}

static void from_cube(struct point *out, const struct space *s, const double *u)
{
    for (size_t d = 0; d < s->n; d++) {
        out->present[d] = dim_active(s, d, out->present, out->value);
        out->value[d] = out->present[d] ? dim_value(&s->dim[d], u[d]) : 0;
    }
}

/* A point near another: numbers moved by a little, now and then a choice drawn anew. */
static void from_near(struct gp_search *q, struct point *out, const struct point *near, double width)
{
    const struct space *s = q->gp->space;
    double redraw = s->n > 2 ? 1.0 / (double)s->n : 0.3;
    for (size_t d = 0; d < s->n; d++) {
        const struct dim *x = &s->dim[d];
        double u = rng_uniform(&q->rng);
        double z = rng_normal(&q->rng);
        out->present[d] = dim_active(s, d, out->present, out->value);
        out->value[d] = 0;
        if (!out->present[d]) {
            continue;
        }
        if (!near->present[d] || (x->choice && u < redraw)) {
            out->value[d] = fill_random(q, d);
        } else if (x->choice) {
            out->value[d] = near->value[d];
        } else {
            double v = dim_unit(x, near->value[d]) + width * z;
            out->value[d] = dim_from_unit(x, v < 0 ? 0 : v > 1 ? 1 : v);
        }
    }
}

static size_t candidates_for(size_t rows)
{
    return rows <= 150 ? 1024 : rows <= 500 ? 512 : 256;
}

static void predict_all(const struct gp_search *q, struct candidate *c, size_t n)
{
    size_t nf = q->gp->n_features;
    double *f = xcalloc(n * (nf + 1), sizeof *f);
    double *mean = xcalloc(n, sizeof *mean);
    double *variance = xcalloc(n, sizeof *variance);
    for (size_t i = 0; i < n; i++) {
        gp_features(f + i * nf, q->gp, &c[i].pt);
    }
    gp_predict_many(q->gp, f, n, mean, variance);
    for (size_t i = 0; i < n; i++) {
        c[i].log_ei = log_ei_of(q, mean[i], variance[i]);
    }
    free(f);
    free(mean);
    free(variance);
}

static int by_ei(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    return x->log_ei > y->log_ei ? -1 : x->log_ei < y->log_ei;
}

/* Owns: caller releases the points and frees the list. Sorted, best first. */
static struct candidate *draw_candidates(struct gp_search *q, const struct point *const *near, size_t n_near, size_t *n)
{
    const struct space *s = q->gp->space;
    size_t spread = candidates_for(q->gp->n);
    struct candidate *c = xcalloc(spread + n_near * NEAR_EACH, sizeof *c);
    double *u = xcalloc(s->n + 1, sizeof *u);
    struct sobol sobol;
    sobol_init(&sobol, s->n, q->seed, q->number);
    *n = spread + n_near * NEAR_EACH;
    for (size_t i = 0; i < *n; i++) {
        point_init(&c[i].pt, s->p);
        if (i < spread) {
            sobol_point(&sobol, (uint32_t)i, u);
            from_cube(&c[i].pt, s, u);
        } else {
            static const double width[] = {0.1, 0.03, 0.01};
            from_near(q, &c[i].pt, near[(i - spread) / NEAR_EACH], width[i % 3]);
        }
    }
    predict_all(q, c, *n);
    qsort(c, *n, sizeof *c, by_ei);
    sobol_release(&sobol);
    free(u);
    return c;
}

/* The numbers of a point that move freely, for the gradient. */
struct slide {
    struct gp_search *q;
    struct point *pt;
    size_t n;
    size_t *dim;
    double *features, *dmean, *dvariance;
};

static bool slides(const struct dim *d)
{
    return !d->choice && d->H > d->L && (d->count == 0 || d->count > TRIED_OUT);
}

/* Features of a place between the values of the grid too. */
static void put_place(struct slide *sl, size_t d, double u)
{
    const struct gp *g = sl->q->gp;
    double *f = sl->features + g->first[d];
    double slope[2];
    if (g->space->dim[d].conditional) {
        gp_features_slope(slope, g, d, u);
        f[0] = slope[1] / 1.0471975511965977462;
        f[1] = -slope[0] / 1.0471975511965977462;
    } else {
        f[0] = u;
    }
}

static double slide_value(unsigned n, const double *u, double *slope, void *arg)
{
    struct slide *sl = arg;
    const struct gp *g = sl->q->gp;
    double mean, variance, sd, z, h;
    for (unsigned i = 0; i < n; i++) {
        put_place(sl, sl->dim[i], u[i]);
    }
    sl->q->budget--;
    gp_predict_slope(g, sl->features, &mean, &variance, sl->dmean, sl->dvariance);
    sd = sqrt(variance);
    z = (mean - sl->q->best) / sd;
    h = normal_log_ei(z);
    for (unsigned i = 0; slope && i < n; i++) {
        size_t first = g->first[sl->dim[i]];
        double by_u[2], dm = 0, dv = 0, ds;
        gp_features_slope(by_u, g, sl->dim[i], u[i]);
        for (size_t f = first; f < g->first[sl->dim[i] + 1]; f++) {
            dm += sl->dmean[f] * by_u[f - first];
            dv += sl->dvariance[f] * by_u[f - first];
        }
        ds = dv / (2 * sd);
        slope[i] = normal_log_ei_slope(z, h) * (dm - z * ds) / sd + ds / sd;
    }
    return h + log(sd);
}

/* Improves all free numbers together; true if the point became better. */
static bool slide_uphill(struct gp_search *q, struct candidate *c, int evaluations)
{
    const struct gp *g = q->gp;
    struct slide sl = {.q = q, .pt = &c->pt};
    struct point moved;
    double value = 0, *u = xcalloc(g->space->n + 1, sizeof *u);
    sl.dim = xcalloc(g->space->n + 1, sizeof *sl.dim);
    for (size_t d = 0; d < g->space->n; d++) {
        if (c->pt.present[d] && slides(&g->space->dim[d])) {
            u[sl.n] = dim_unit(&g->space->dim[d], c->pt.value[d]);
            sl.dim[sl.n++] = d;
        }
    }
    point_copy(&moved, &c->pt);
    if (sl.n > 0) {
        nlopt_opt o = nlopt_create(NLOPT_LD_LBFGS, (unsigned)sl.n);
        sl.features = xcalloc(3 * g->n_features, sizeof *sl.features);
        sl.dmean = sl.features + g->n_features;
        sl.dvariance = sl.dmean + g->n_features;
        gp_features(sl.features, g, &c->pt);
        (void)nlopt_set_lower_bounds1(o, 0);
        (void)nlopt_set_upper_bounds1(o, 1);
        (void)nlopt_set_max_objective(o, slide_value, &sl);
        (void)nlopt_set_maxeval(o, evaluations);
        (void)nlopt_set_ftol_abs(o, 1e-4);
        (void)nlopt_optimize(o, u, &value);
        nlopt_destroy(o);
        for (size_t i = 0; i < sl.n; i++) {
            moved.value[sl.dim[i]] = dim_from_unit(&g->space->dim[sl.dim[i]], u[i]);
        }
        free(sl.features);
    }
    value = gp_log_ei(q, &moved);
    bool better = value > c->log_ei + 1e-9;
    if (better) {
        point_release(&c->pt);
        c->pt = moved;
        c->log_ei = value;
    } else {
        point_release(&moved);
    }
    free(sl.dim);
    free(u);
    return better;
}

/* Tries other values of one dimension that does not slide freely, and neighbours of a number on a long grid. */
static bool try_out(struct gp_search *q, struct candidate *c, size_t d)
{
    const struct space *s = q->gp->space;
    const struct dim *x = &s->dim[d];
    bool any = false;
    size_t from = 0, to = x->count;
    if (!x->choice && x->count > TRIED_OUT) {
        size_t at = (size_t)llround((c->pt.value[d] - x->lo) / x->step);
        from = at > 0 ? at - 1 : 0;
        to = at + 2 < to ? at + 2 : to;
    }
    for (size_t i = from; i < to && q->budget > 0; i++) {
        struct point moved;
        double value = range_value(x->range, i);
        if (value == c->pt.value[d]) {
            continue;
        }
        point_copy(&moved, &c->pt);
        moved.value[d] = value;
        space_settle(s, &moved, fill_random, q);
        q->budget--;
        value = gp_log_ei(q, &moved);
        if (value > c->log_ei + 1e-9) {
            point_release(&c->pt);
            c->pt = moved;
            c->log_ei = value;
            any = true;
        } else {
            point_release(&moved);
        }
    }
    return any;
}

static void improve(struct gp_search *q, struct candidate *c, int share)
{
    const struct space *s = q->gp->space;
    int left = q->budget - share;
    bool moving = true;
    for (int sweep = 0; moving && sweep < SWEEPS && q->budget > left; sweep++) {
        moving = slide_uphill(q, c, q->budget - left);
        bool tried = false;
        for (size_t d = 0; d < s->n && q->budget > left; d++) {
            if (c->pt.present[d] && s->dim[d].count > 1) {
                tried = try_out(q, c, d) || tried;
            }
        }
        moving = tried;
    }
}

/* Best first, and never a point that was given out before where that can happen. */
static size_t choose(const struct gp_search *q, struct candidate *c, size_t n)
{
    qsort(c, n, sizeof *c, by_ei);
    for (size_t i = 0; i < n; i++) {
        if (!history_has(q->h, &c[i].pt)) {
            return i;
        }
    }
    return 0;
}

double gp_search(struct gp_search *q, struct point *out, const struct point *const *incumbents, size_t n_incumbents)
{
    size_t n, at;
    struct candidate *c = draw_candidates(q, incumbents, n_incumbents, &n);
    size_t starts = q->budget >= 60 * STARTS_MOST ? STARTS_MOST : (size_t)(q->budget / 60) + 1;
    int share = q->budget / (int)starts;
    double best;
    for (size_t i = 0, next = 0; i < starts && next < n; i++) {
        /* every second start from further down the list: the first ones are often neighbours */
        improve(q, &c[next], share);
        next = i % 2 == 0 ? next + 1 : next + 1 + (size_t)rng_below(&q->rng, (uint32_t)(n / 16));
    }
    at = choose(q, c, n);
    best = c[at].log_ei;
    memcpy(out->present, c[at].pt.present, c[at].pt.n * sizeof *out->present);
    memcpy(out->value, c[at].pt.value, c[at].pt.n * sizeof *out->value);
    for (size_t i = 0; i < n; i++) {
        point_release(&c[i].pt);
    }
    free(c);
    return best;
}
