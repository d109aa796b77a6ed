/* The importance-weighted likelihood of held-out rows. Source: Burda, Grosse & Salakhutdinov 2016, eq. 8. */
#include <math.h>
#include <stdlib.h>

#include "measure.h"
#include "train_private.h"
#include "vaetop/base/alloc.h"
#include "vaetop/model/decode.h"

/* The log-weights of one row so far, without keeping them: sums are of e^(w - most). */
struct weights {
    double most, sum, squares;
};

static void weights_add(struct weights *s, double w)
{
    if (w > s->most) {
        const double shrink = s->sum > 0 ? exp(s->most - w) : 0;
        *s = (struct weights){w, s->sum * shrink + 1, s->squares * shrink * shrink + 1};
    } else {
        const double v = exp(w - s->most);
        s->sum += v;
        s->squares += v * v;
    }
}

/* log p(x|logits) of one row: sum of x l - log(1 + e^l). The logarithms of up to 256 values are one logarithm of their
 * product, whose factors lie in 1 .. 2. */
static double log_bernoulli(const float *logit, const float *x, size_t n)
{
    double sum = 0, product = 1;
    for (size_t i = 0; i < n; i++) {
        const double l = (double)logit[i];
        sum += (double)x[i] * l - (l > 0 ? l : 0);
        product *= 1 + exp(-fabs(l));
        if (i % 256 == 255) {
            sum -= log(product);
            product = 1;
        }
    }
    return sum - log(product);
}

/* log p(x|mean) of one row. */
static double log_gauss(const float *mean, const float *x, size_t n, double log_sigma)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++) squares += ((double)x[i] - (double)mean[i]) * ((double)x[i] - (double)mean[i]);
    return -0.5 * squares * exp(-2 * log_sigma) - (double)n * (log_sigma + 0.91893853320467274);
}

/* One batch of rows and what the encoder says of them. Shapes: x (rows, dim), mu, logvar, z (rows, latent), logit as x;
 * prior: log p(z) - log q(z|x) of the sample in z (rows). */
struct batch {
    int rows;
    const uint32_t *row;
    float *x, *mu, *logvar, *z, *logit;
    double *prior;
    struct weights *of_row;
    double log_sigma; /* gaussian likelihoods */
};

/* Latent noise of sample k: counters as evaluation has them, k where it has 0. */
static double noise(const struct train_lane *l, uint32_t row, uint32_t j, int k)
{
    struct pack_step s;
    pack_step_eval(&s, 0, 1);
    if (k == 0) return latent_noise(&l->constants, &s, row, j);
    s.mode = STEP_TRAIN; /* counter {j, row / 4, step, stream}; rows that are multiples of 4 get output 0 */
    s.step_lo = (uint32_t)k;
    return latent_noise(&l->constants, &s, 4 * row, j);
}

static void draw(const struct train_lane *l, const struct batch *b, int k)
{
    const size_t latent = (size_t)l->net.latent;
    for (int r = 0; r < b->rows; r++) {
        double sum = 0;
        for (size_t j = 0; j < latent; j++) {
            const size_t at = (size_t)r * latent + j;
            const double eps = noise(l, b->row[r], (uint32_t)j, k), s = (double)b->logvar[at];
            const double z = (double)b->mu[at] + exp(s / 2) * eps;
            b->z[at] = (float)z;
            sum += (eps * eps + s - z * z) / 2; /* log(2 pi) / 2 is in both densities */
        }
        b->prior[r] = sum;
    }
}

/* Means and log-variances of evaluation rows first .. first + rows - 1. */
static enum err_code encode(struct trainer *t, const struct train_lane *l, const struct batch *b, int64_t first,
                            struct err *e)
{
    struct pack *pk = t->pack;
    const struct plan *p = &t->plan;
    const int slot = l->slot;
    struct pack_step s;
    pack_step_eval(&s, first, b->rows);
    enum err_code rc = pack_steps(pk, &slot, 1, &s, 1, e);
    if (!rc) rc = pack_eval(pk, 0, e);
    struct act_view v = {.slot = slot, .layer = p->heads, .what = ACT_OUT, .rows = b->rows,
                         .cols = l->net.latent};
    if (!rc) rc = pack_read_act(pk, &v, b->mu, e);
    v.column = p->latent_pad;
    return rc ? rc : pack_read_act(pk, &v, b->logvar, e);
}

static enum err_code weigh(struct trainer *t, const struct train_lane *l, struct batch *b, int samples, struct err *e)
{
    const size_t dim = t->data->set->dim;
    enum err_code rc = ERR_OK;
    for (int r = 0; r < b->rows; r++) b->of_row[r] = (struct weights){.most = -INFINITY};
    for (int k = 0; k < samples && !rc; k++) {
        draw(l, b, k);
        rc = pack_decode(t->pack, l->slot, b->z, b->rows, b->logit, e);
        for (int r = 0; r < b->rows && !rc; r++) {
            const float *out = b->logit + (size_t)r * dim, *x = b->x + (size_t)r * dim;
            const double p = l->net.likelihood == LIKE_BERNOULLI ? log_bernoulli(out, x, dim)
                                                                 : log_gauss(out, x, dim, b->log_sigma);
            weights_add(&b->of_row[r], p + b->prior[r]);
        }
    }
    return rc;
}

/* Sums over the rows of a batch. */
static void conclude(struct nll *out, double *squares, const struct batch *b, int samples)
{
    for (int r = 0; r < b->rows; r++) {
        const struct weights *w = &b->of_row[r];
        const double nll = log((double)samples) - w->most - log(w->sum);
        out->mean += nll;
        *squares += nll * nll;
        out->ess += w->sum * w->sum / w->squares;
    }
}

enum err_code nll_measure(struct trainer *t, int lane, size_t rows, int samples, struct nll *out, struct err *e)
{
    const struct train_lane *l = &t->lane[lane];
    const size_t most = (size_t)t->plan.batch_pad, dim = t->data->set->dim, latent = (size_t)l->net.latent;
    struct batch b = {.x = try_calloc(most * dim, sizeof(float)), .logit = try_calloc(most * dim, sizeof(float)),
                      .mu = try_calloc(most * latent, sizeof(float)), .logvar = try_calloc(most * latent, sizeof(float)),
                      .z = try_calloc(most * latent, sizeof(float)), .prior = try_calloc(most, sizeof(double)),
                      .of_row = try_calloc(most, sizeof(struct weights))};
    double squares = 0;
    const double n = (double)rows;
    *out = (struct nll){0, 0, 0};
    enum err_code rc = pack_log_sigma(t->pack, l->slot, &b.log_sigma, e);
    if (!rc && (!b.x || !b.logit || !b.mu || !b.logvar || !b.z || !b.prior || !b.of_row)) {
        rc = err_set(e, ERR_NOMEM, "no memory for %zu rows of %zu values", most, dim);
    }
    for (size_t at = 0; at < rows && !rc; at += most) {
        b.rows = (int)(rows - at < most ? rows - at : most);
        b.row = t->data->split->val + at;
        for (size_t i = 0; i < (size_t)b.rows; i++) row_as_seen(b.x + i * dim, t->data->set, &l->constants, b.row[i]);
        rc = encode(t, l, &b, (int64_t)at, e);
        if (!rc) rc = weigh(t, l, &b, samples, e);
        if (!rc) conclude(out, &squares, &b, samples);
    }
    out->mean /= n;
    out->ess /= n;
    out->error = n > 1 ? sqrt(fmax(0, squares / n - out->mean * out->mean) / (n - 1)) : (double)NAN;
    free(b.x);
    free(b.logit);
    free(b.mu);
    free(b.logvar);
    free(b.z);
    free(b.prior);
    free(b.of_row);
    return rc;
}
