#include "gp_suggest.h"

#include <math.h>
#include <stdlib.h>

#include "gp_search.h"
#include "vaetop/base/alloc.h"
#include "warp.h"

#define INCUMBENTS 5
#define FIT_EVALUATIONS 60

void gp_sampler_init(struct gp_sampler *m, const struct space *s)
{
    *m = (struct gp_sampler){.space = s};
    gp_init(&m->gp, s);
}

void gp_sampler_release(struct gp_sampler *m)
{
    gp_release(&m->gp);
}

/* Weights of two objectives by a low-discrepancy walk, so that every part of the front gets its turn. */
static double weight_of(int i)
{
    double w = fmod(0.5 + 0.61803398874989484820 * i, 1);
    return 0.02 + 0.96 * w;
}

static void fit(struct gp_sampler *m, const struct history *h)
{
    double *y = xcalloc(m->rows, sizeof *y);
    /* Long studies get few evaluations, each being dear; they start from a good place. */
    int evaluations = m->rows <= 200 ? FIT_EVALUATIONS : m->rows <= 500 ? FIT_EVALUATIONS / 2 : FIT_EVALUATIONS / 4;
    warp_values(y, h, m->rows, weight_of(m->fits));
    gp_values(&m->gp, y);
    gp_fit(&m->gp, evaluations, m->rows <= 200);
    m->fits++;
    m->next_fit = m->rows + (m->rows < 20 ? 1 : m->rows / 10);
    free(y);
}

static void begin_again(struct gp_sampler *m, const struct history *h)
{
    const struct space *s = m->space;
    gp_sampler_release(m);
    gp_sampler_init(m, s);
    m->rewritten = h->rewritten;
}

static bool informative(const struct history *h, const struct record *r)
{
    return r->seen.state == SEEN_PRUNED || record_complete(h, r);
}

bool gp_sampler_catch_up(struct gp_sampler *m, const struct history *h, size_t startup)
{
    double *features = xcalloc(m->gp.n_features + 1, sizeof *features);
    size_t known = 0, complete = 0;
    if (h->rewritten != m->rewritten) {
        begin_again(m, h);
    }
    for (size_t i = 0; i < h->n_done; i++) {
        known += informative(h, &h->done[i]);
        complete += record_complete(h, &h->done[i]);
        if (i < m->rows) {
            continue;
        }
        gp_features(features, &m->gp, &h->done[i].pt);
        gp_append(&m->gp, features);
        m->rows++;
        if (known >= startup && complete > 1 && m->rows >= m->next_fit) {
            fit(m, h);
        }
    }
    free(features);
    return m->fits > 0;
}

/* Running trials as rows whose value is what the model expects of them. */
static void believe(struct gp_sampler *m, const struct history *h, double **y)
{
    double *features = xcalloc(m->gp.n_features + 1, sizeof *features);
    *y = xreallocarray(*y, m->rows + h->n_running + 1, sizeof **y);
    for (size_t i = 0; i < h->n_running; i++) {
        double mean, variance;
        gp_features(features, &m->gp, &h->running[i].pt);
        gp_predict(&m->gp, features, &mean, &variance);
        gp_append(&m->gp, features);
        (*y)[m->rows + i] = mean;
        gp_values(&m->gp, *y);
    }
    free(features);
}

/* The complete records of largest value, best first. Returns how many. */
static size_t incumbents(const struct point *out[INCUMBENTS], const struct gp_sampler *m, const struct history *h,
                         const double *y)
{
    double value[INCUMBENTS];
    size_t n = 0;
    for (size_t i = 0; i < m->rows; i++) {
        size_t at = n < INCUMBENTS ? n : INCUMBENTS;
        if (h->done[i].seen.state != SEEN_COMPLETE) {
            continue;
        }
        for (; at > 0 && value[at - 1] < y[i]; at--) {
            if (at < INCUMBENTS) {
                value[at] = value[at - 1];
                out[at] = out[at - 1];
            }
        }
        if (at < INCUMBENTS) {
            value[at] = y[i];
            out[at] = &h->done[i].pt;
            n += n < INCUMBENTS;
        }
    }
    return n;
}

/* Where the point is expected to come out, in the unit of the values: the warp is undone by the line through its
 * neighbours among the trials. */
static void predict(struct gp_outlook *look, const struct gp_sampler *m, const struct history *h, const double *y,
                    const struct point *pt)
{
    double mean, variance;
    double *features = xcalloc(m->gp.n_features + 1, sizeof *features);
    gp_features(features, &m->gp, pt);
    gp_predict(&m->gp, features, &mean, &variance);
    free(features);
    double sd = sqrt(variance);
    struct unwarp u;
    unwarp_init(&u, h, y, m->rows);
    look->mean = unwarp_value(&u, mean);
    look->sd = fabs(unwarp_value(&u, mean - sd) - unwarp_value(&u, mean + sd)) / 2;
    unwarp_release(&u);
}

void gp_suggest(struct gp_sampler *m, const struct history *h, uint64_t seed, int number, struct point *out,
                struct gp_outlook *look)
{
    const struct point *near[INCUMBENTS];
    double *y = xcalloc(m->rows, sizeof *y);
    struct gp_search q = {.gp = &m->gp, .h = h, .seed = seed, .number = number};
    size_t n_near;
    warp_values(y, h, m->rows, weight_of(number));
    gp_values(&m->gp, y);
    q.best = gp_best(&m->gp, m->rows);
    n_near = incumbents(near, m, h, y);
    believe(m, h, &y);
    q.rng = rng_start(rng_key(seed, number), RNG_SUGGEST, 0);
    q.budget = (int)fmin(800, 4e7 / ((double)m->gp.n * (double)m->gp.n + 1));
    q.budget = q.budget > 24 ? q.budget : 24;
    *look = (struct gp_outlook){.mean = NAN, .sd = NAN};
    look->expected = exp(gp_search(&q, out, near, n_near));
    if (h->objectives == 1) {
        predict(look, m, h, y, out);
    }
    gp_truncate(&m->gp, m->rows);
    free(y);
}
