/* Lane constants, the step table, and what comes back: losses, statistics, latent means. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "pack_private.h"
#include "vaetop/base/alloc.h"

#include <stdlib.h>

void pack_lane_init(struct pack_lane *out, const struct config *c, struct rng_key key)
{
    memset(out, 0, sizeof *out);
    out->key[0] = key.k[0];
    out->key[1] = key.k[1];
    out->activation = config_choice(c, KNOB_MODEL_ACTIVATION);
    out->optimizer = config_choice(c, KNOB_OPTIMIZER_KIND);
    out->latent = (int32_t)config_i64(c, KNOB_MODEL_LATENT);
    const double beta1 = config_f64(c, KNOB_OPTIMIZER_BETA1);
    const double beta2 = out->optimizer == OPT_RMSPROP ? config_f64(c, KNOB_OPTIMIZER_ALPHA)
                                                       : config_f64(c, KNOB_OPTIMIZER_BETA2);
    out->beta1 = (float)beta1;
    out->not_beta1 = (float)(1 - beta1);
    out->beta2 = (float)beta2;
    out->not_beta2 = (float)(1 - beta2);
    out->eps = (float)config_f64(c, KNOB_OPTIMIZER_EPS);
    out->momentum = (float)config_f64(c, KNOB_OPTIMIZER_MOMENTUM);
    out->weight_decay = (float)config_f64(c, KNOB_OPTIMIZER_WEIGHT_DECAY);
    out->bias_decay = config_choice(c, KNOB_OPTIMIZER_DECAY_BIAS) == YES ? out->weight_decay : 0;
    out->nesterov = config_choice(c, KNOB_OPTIMIZER_NESTEROV);
    out->centered = config_choice(c, KNOB_OPTIMIZER_CENTERED);
    const struct rng_key fixed = rng_key((uint64_t)config_i64(c, KNOB_DATA_SEED), -1);
    out->binarize = config_choice(c, KNOB_DATA_BINARIZE);
    out->data_key[0] = fixed.k[0];
    out->data_key[1] = fixed.k[1];
    out->log_sigma = (float)log(config_f64(c, KNOB_LOSS_SIGMA));
    out->capacity_weight = config_f64(c, KNOB_LOSS_CAPACITY) > 0 ? (float)config_f64(c, KNOB_LOSS_CAPACITY_WEIGHT) : 0;
    out->free_bits = (float)config_f64(c, KNOB_LOSS_FREE_BITS);
    out->clip = (float)config_f64(c, KNOB_OPTIMIZER_CLIP);
    out->skip = (float)config_f64(c, KNOB_OPTIMIZER_SKIP);
    out->ema = (float)config_f64(c, KNOB_OPTIMIZER_EMA);
    out->dropout = (float)config_f64(c, KNOB_MODEL_DROPOUT);
    out->kept = (float)(1 / (1 - config_f64(c, KNOB_MODEL_DROPOUT)));
    struct net n;
    if (!net_from_config(&n, c, 1, NULL)) pack_lane_widths(out, &n); /* else the plan has refused it already */
}

void pack_lane_widths(struct pack_lane *lane, const struct net *n)
{
    int at = 0;
    for (int i = 0; i < n->n_enc; i++) lane->width[at++] = n->enc[i];
    lane->width[at++] = n->latent;
    for (int i = 0; i < n->n_dec; i++) lane->width[at++] = n->dec[i];
}

void pack_step_train(struct pack_step *out, const struct pack_lane *lane, int64_t step, size_t n_train, int batch,
                     struct step_rates rates)
{
    const int64_t n = (int64_t)n_train, per_epoch = (n + batch - 1) / batch;
    const int64_t epoch = step / per_epoch, first = step % per_epoch * batch;
    const double t = (double)(step + 1);
    memset(out, 0, sizeof *out);
    out->step_lo = (uint32_t)step;
    out->stream = (uint32_t)RNG_LATENT | (uint32_t)((uint64_t)step >> 32) << 8;
    out->mode = STEP_TRAIN;
    out->first = (int32_t)first;
    out->rows = (int32_t)(n - first < batch ? n - first : batch);
    shuffle_key(out->shuffle, (struct rng_key){{lane->key[0], lane->key[1]}}, epoch);
    out->lr = (float)rates.lr;
    /* 1 - b keeps the digits that b as a float near 1 has lost: 0.999f is 1.3e-8 off, 1.3e-5 of 1 - b. */
    out->lr_adam = (float)(rates.lr / (1 - pow(1 - (double)lane->not_beta1, t)));
    out->root_adam = (float)(1 / sqrt(1 - pow(1 - (double)lane->not_beta2, t)));
    out->beta = (float)rates.beta;
    out->capacity = (float)rates.capacity;
    out->scale = (float)(1.0 / (double)out->rows);
    out->ema = (float)fmin((double)lane->ema, t / (t + 9));
    out->draw = lane->binarize == BINARIZE_DYNAMIC ? (uint32_t)epoch + 1 : 0;
}

void pack_step_eval(struct pack_step *out, int64_t first, int rows)
{
    memset(out, 0, sizeof *out);
    out->stream = (uint32_t)RNG_EVAL;
    out->mode = STEP_EVAL;
    out->first = (int32_t)first;
    out->rows = rows;
    out->beta = 1;
    out->scale = (float)(1.0 / (double)rows);
}

enum err_code pack_steps(struct pack *pk, const int *slot, int n, const struct pack_step *steps, int n_steps,
                         struct err *e)
{
    assert(n > 0 && n <= pk->slots && n_steps > 0 && n_steps <= pk->plan.ring_steps);
    assert(steps[0].mode != STEP_EVAL || n_steps <= pk->plan.eval_steps);
    pk->n_active = n;
    pk->n_steps = pk->active[0] = n_steps;
    for (int i = 0; i < n; i++) {
        assert(slot[i] >= 0 && slot[i] < pk->slots);
        pk->active[1 + i] = slot[i];
    }
    enum err_code rc = ERR_OK;
    if (pk->lanes_changed) rc = buffer_write(pk->buf[BUF_LANES], 0, pk->lane, (size_t)pk->slots * sizeof *pk->lane, e);
    pk->lanes_changed = rc != ERR_OK;
    if (!rc) rc = buffer_write(pk->buf[BUF_ACTIVE], 0, pk->active, ((size_t)n + 1) * sizeof(int), e);
    return rc ? rc : buffer_write(pk->buf[BUF_STEPS], 0, steps, (size_t)n * (size_t)n_steps * sizeof *steps, e);
}

enum err_code pack_fetch_ring(struct pack *pk, struct err *e)
{
    const size_t n = (size_t)pk->n_active * (size_t)pk->n_steps * ((size_t)pk->plan.batch_pad / 16) * RING_FLOATS;
    const size_t steps = (size_t)pk->n_active * (size_t)pk->n_steps;
    const enum err_code rc = pk->plan.net.norm
                                 ? buffer_read(pk->buf[BUF_NORMS], 0, pk->norms, steps * sizeof(float), e) : ERR_OK;
    return rc ? rc : buffer_read(pk->buf[BUF_RING], 0, pk->ring, n * sizeof(float), e);
}

void pack_loss(const struct pack *pk, int i, int k, struct pack_loss *out)
{
    const int row_tiles = pk->plan.batch_pad / 16;
    const float *p = pk->ring + ((size_t)i * (size_t)pk->n_steps + (size_t)k) * (size_t)row_tiles * RING_FLOATS;
    assert(i < pk->n_active && k < pk->n_steps);
    *out = (struct pack_loss){0};
    if (pk->plan.net.norm) out->norm = (double)pk->norms[(size_t)i * (size_t)pk->n_steps + (size_t)k];
    if (net_batch_stats(&pk->plan.net)) out->kl_term = (double)p[3];
    for (int t = 0; t < RING_FLOATS * row_tiles; t += RING_FLOATS) {
        if (!isfinite(p[t]) || !isfinite(p[t + 1])) out->not_finite = true;
        out->rec += (double)p[t];
        out->kl += (double)p[t + 1];
    }
}

double sigma_floored(double raw)
{
    const double above = raw + 6;
    return fmax(above, 0) + log1p(exp(-fabs(above))) - 6;
}

enum err_code pack_log_sigma(struct pack *pk, int slot, double *out, struct err *e)
{
    const struct plan *p = &pk->plan;
    float raw = pk->lane[slot].log_sigma;
    const size_t at = ((size_t)slot * p->params + p->sigma) * sizeof raw;
    const enum err_code rc = net_has_sigma(&p->net) ? buffer_read(pk->buf[BUF_WEIGHTS], at, &raw, sizeof raw, e) : ERR_OK;
    *out = p->net.likelihood == LIKE_GAUSS_LEARNED ? sigma_floored((double)raw) : (double)raw;
    return rc;
}

enum err_code pack_fetch_stats(struct pack *pk, struct err *e)
{
    const size_t per_step = (size_t)pk->plan.batch_pad / 16 * 3 * (size_t)pk->plan.latent_pad;
    return buffer_read(pk->buf[BUF_STATS], 0, pk->stats,
                       (size_t)pk->n_active * (size_t)pk->n_steps * per_step * sizeof(float), e);
}

void pack_add_stats(const struct pack *pk, int i, int k, double *kl, double *mu, double *mu2)
{
    const size_t row_tiles = (size_t)pk->plan.batch_pad / 16, lp = (size_t)pk->plan.latent_pad;
    const float *p = pk->stats + ((size_t)i * (size_t)pk->n_steps + (size_t)k) * row_tiles * 3 * lp;
    assert(i < pk->n_active && k < pk->n_steps);
    const int latent = pk->lane[pk->active[1 + i]].latent;
    for (size_t t = 0; t < row_tiles; t++, p += 3 * lp) {
        for (int j = 0; j < latent; j++) {
            kl[j] += (double)p[j];
            mu[j] += (double)p[lp + (size_t)j];
            mu2[j] += (double)p[2 * lp + (size_t)j];
        }
    }
}

enum err_code pack_read_means(struct pack *pk, int slot, int rows, int latent, float *out, struct err *e)
{
    const size_t lp = (size_t)pk->plan.latent_pad, n = (size_t)rows * lp;
    assert(rows <= PLAN_MEAN_ROWS && (size_t)latent <= lp);
    if (rows == 0) return ERR_OK;
    float *padded = try_calloc(n, sizeof *padded);
    if (!padded) return err_set(e, ERR_NOMEM, "%zu latent means", n);
    const enum err_code rc = buffer_read(pk->buf[BUF_MEANS], (size_t)slot * PLAN_MEAN_ROWS * lp * sizeof(float), padded,
                                         n * sizeof(float), e);
    for (size_t r = 0; !rc && r < (size_t)rows; r++) {
        memcpy(out + r * (size_t)latent, padded + r * lp, (size_t)latent * sizeof(float));
    }
    free(padded);
    return rc;
}

/* Up to PLAN_MEAN_ROWS rows, whose numbers are in the order buffer from place 0 on. */
static enum err_code encode_block(struct pack *pk, int slot, int rows, struct err *e)
{
    const int batch = pk->plan.batch_pad, most = pk->plan.eval_steps;
    struct pack_step *steps = xcalloc((size_t)most, sizeof *steps);
    enum err_code rc = ERR_OK;
    for (int at = 0; at < rows && !rc;) {
        int n = 0;
        for (; n < most && at < rows; n++, at += batch) {
            pack_step_eval(&steps[n], at, rows - at < batch ? rows - at : batch);
        }
        rc = pack_steps(pk, &slot, 1, steps, n, e);
        for (int k = 0; k < n && !rc; k++) rc = pack_forward(pk, k, e);
        if (!rc) rc = device_finish(pk->dev, e);
    }
    free(steps);
    return rc;
}

enum err_code pack_encode(struct pack *pk, int slot, enum arena weights, const uint32_t *rows, size_t n_rows, float *mu,
                          struct err *e)
{
    struct buffer *order = NULL;
    const int latent = pk->lane[slot].latent;
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < n_rows; i++) {
        if (rows[i] >= pk->data->n) {
            return err_set(e, ERR_USAGE, "row %lu does not exist, there are %zu", (unsigned long)rows[i], pk->data->n);
        }
    }
    rc = buffer_new(&order, pk->dev, PLAN_MEAN_ROWS * sizeof(uint32_t), "row numbers", e);
    if (rc) return rc;
    pack_bind(pk, pk->buf[BUF_WEIGHTS + (int)weights], order);
    for (size_t at = 0; at < n_rows && !rc; at += PLAN_MEAN_ROWS) {
        const size_t n = n_rows - at < PLAN_MEAN_ROWS ? n_rows - at : PLAN_MEAN_ROWS;
        rc = buffer_write(order, 0, rows + at, n * sizeof *rows, e);
        if (!rc) rc = encode_block(pk, slot, (int)n, e);
        if (!rc) rc = pack_read_means(pk, slot, (int)n, latent, mu + at * (size_t)latent, e);
    }
    pack_bind(pk, NULL, NULL);
    buffer_free(order);
    return rc;
}
