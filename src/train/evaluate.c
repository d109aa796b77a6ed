/* The validation part through the same kernels, and the picture an epoch leaves. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_private.h"
#include "vaetop/base/alloc.h"

/* Sums of one lane while its validation rows pass. */
struct sums {
    double rec, kl;
    double *dims; /* (3, latent): KL, mu, mu^2 */
};

static void collect(const struct pack *pk, int n, int n_steps, const int *latent, struct sums *s)
{
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < n_steps; k++) {
            struct pack_loss loss;
            pack_loss(pk, i, k, &loss);
            s[i].rec += loss.rec;
            s[i].kl += loss.kl;
            pack_add_stats(pk, i, k, s[i].dims, s[i].dims + latent[i], s[i].dims + 2 * latent[i]);
        }
    }
}

/* All validation rows for the slots; the host looks whenever the ring is full. */
static enum err_code pass(struct trainer *t, const int *slot, int n, const int *latent, struct sums *s, struct err *e)
{
    const int64_t rows = (int64_t)t->data->split->n_val;
    const int batch = t->plan.batch_pad, most = t->plan.eval_steps;
    struct pack_step *steps = xcalloc((size_t)n * (size_t)most, sizeof *steps);
    enum err_code rc = ERR_OK;
    for (int64_t at = 0; at < rows && !rc;) {
        const int64_t left = (rows - at + batch - 1) / batch;
        const int n_steps = left < most ? (int)left : most;
        for (int k = 0; k < n_steps; k++, at += batch) {
            pack_step_eval(&steps[k], at, rows - at < batch ? (int)(rows - at) : batch);
        }
        for (int i = 1; i < n; i++) memcpy(steps + i * n_steps, steps, (size_t)n_steps * sizeof *steps);
        rc = pack_steps(t->pack, slot, n, steps, n_steps, e);
        for (int k = 0; k < n_steps && !rc; k++) rc = pack_eval(t->pack, k, e);
        if (!rc) rc = pack_fetch_ring(t->pack, e);
        if (!rc) rc = pack_fetch_stats(t->pack, e);
        if (!rc) collect(t->pack, n, n_steps, latent, s);
    }
    free(steps);
    return rc;
}

static void conclude(struct evaluation *out, const struct sums *s, int latent, double rows)
{
    *out = (struct evaluation){.rec = s->rec / rows, .kl = s->kl / rows};
    out->dim_kl = xcalloc((size_t)latent, sizeof *out->dim_kl);
    for (int j = 0; j < latent; j++) {
        const double mean = s->dims[latent + j] / rows, variance = s->dims[2 * latent + j] / rows - mean * mean;
        out->dim_kl[j] = s->dims[j] / rows;
        if (variance > 0.01) out->active_units++;
    }
}

enum err_code evaluate(struct trainer *t, const int *lane, int n, struct evaluation *out, struct err *e)
{
    struct sums *s = xcalloc((size_t)n, sizeof *s);
    int *slot = xcalloc((size_t)n, sizeof *slot), *latent = xcalloc((size_t)n, sizeof *latent);
    for (int i = 0; i < n; i++) {
        slot[i] = t->lane[lane[i]].slot;
        latent[i] = t->lane[lane[i]].net.latent;
        s[i].dims = xcalloc(3 * (size_t)latent[i], sizeof *s[i].dims);
    }
    if (t->plan.net.ema) pack_use_ema(t->pack, true);
    const enum err_code rc = pass(t, slot, n, latent, s, e);
    if (t->plan.net.ema) pack_use_ema(t->pack, false);
    for (int i = 0; i < n; i++) {
        if (!rc) conclude(&out[i], &s[i], latent[i], (double)t->data->split->n_val);
        free(s[i].dims);
    }
    free(s);
    free(slot);
    free(latent);
    return rc;
}

static void place_points(struct snapshot *out, const double *xy)
{
    double largest = 0;
    for (int i = 0; i < 2 * out->n_points; i++) largest = fmax(largest, fabs(xy[i]));
    out->xy_scale = (float)(largest > 0 ? largest / 32000 : 1.0 / 32000);
    for (int i = 0; i < 2 * out->n_points; i++) {
        const double v = isfinite(xy[i]) ? round(xy[i] / (double)out->xy_scale) : 0;
        out->xy[i] = (int16_t)fmax(-32767, fmin(32767, v));
    }
}

enum err_code snapshot_make(struct trainer *t, struct train_lane *l, const struct evaluation *ev, struct snapshot *out,
                            struct err *e)
{
    const struct split *sp = t->data->split;
    const uint8_t *label = t->data->set->label;
    const int latent = l->net.latent, n = sp->n_val < SNAPSHOT_POINTS ? (int)sp->n_val : SNAPSHOT_POINTS;
    float *mu = xcalloc((size_t)n * (size_t)latent, sizeof *mu);
    enum err_code rc = pack_read_means(t->pack, l->slot, n, latent, mu, e);
    if (rc) {
        free(mu);
        return rc;
    }
    *out = (struct snapshot){.trial = l->trial, .epoch = l->epochs_done, .latent = latent, .n_points = n,
                             .explained = 1};
    out->kl = xcalloc((size_t)latent, sizeof *out->kl);
    out->xy = xcalloc(2 * (size_t)n, sizeof *out->xy);
    out->label = xcalloc((size_t)n, 1);
    for (int j = 0; j < latent; j++) out->kl[j] = (float)ev->dim_kl[j];
    for (int i = 0; i < n; i++) out->label[i] = label ? label[sp->val[i]] : 255;
    double *xy = xcalloc(2 * (size_t)n, sizeof *xy);
    if (latent > 2) {
        const bool have = l->axes != NULL;
        if (!have) l->axes = xcalloc(2 * (size_t)latent, sizeof *l->axes);
        out->explained = (float)pca_plane(xy, mu, n, latent, l->axes, have);
    } else {
        for (int i = 0; i < n * latent; i++) xy[i / latent * 2 + i % latent] = (double)mu[i];
    }
    place_points(out, xy);
    free(xy);
    rc = strips_make(t, l, mu, out, e);
    free(mu);
    if (rc) snapshot_release(out);
    return rc;
}
