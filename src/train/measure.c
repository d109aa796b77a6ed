#include "measure.h"

#include <math.h>
#include <stdlib.h>

#include "vaetop/base/alloc.h"
#include "vaetop/conf/objective.h"

/* Latent means of rows and their labels. */
struct points {
    float *mu;
    uint8_t *label;
    size_t n;
};

static void points_release(struct points *p)
{
    free(p->mu);
    free(p->label);
}

static enum err_code encode(struct points *out, struct trainer *t, const struct train_lane *l, const uint32_t *rows,
                            size_t n, struct err *e)
{
    const enum arena weights = t->plan.net.ema ? ARENA_EMA : ARENA_WEIGHTS;
    *out = (struct points){try_calloc(n * (size_t)l->net.latent, sizeof(float)), try_calloc(n, 1), n};
    if (!out->mu || !out->label) return err_set(e, ERR_NOMEM, "no memory for %zu latent means", n);
    for (size_t i = 0; i < n; i++) out->label[i] = t->data->set->label[rows[i]];
    return pack_encode(t->pack, l->slot, weights, rows, n, out->mu, e);
}

static enum err_code neighbours(struct trainer *t, const struct train_lane *l, double *accuracy, struct err *e)
{
    const struct split *s = t->data->split;
    struct points known = {0}, query = {0};
    if (!t->data->set->label) {
        return err_set(e, ERR_USAGE, "study.objective: knn needs labels, and the data has none; set data.labels");
    }
    enum err_code rc = encode(&known, t, l, s->train, s->n_train < KNN_KNOWN ? s->n_train : KNN_KNOWN, e);
    if (!rc) rc = encode(&query, t, l, s->val, s->n_val < KNN_ASKED ? s->n_val : KNN_ASKED, e);
    if (!rc) {
        size_t right = 0;
        uint8_t *guess = xcalloc(query.n, 1);
        knn_classify(guess, query.mu, query.n, known.mu, known.label, known.n, (size_t)l->net.latent, KNN_NEIGHBOURS);
        for (size_t i = 0; i < query.n; i++) right += guess[i] == query.label[i];
        *accuracy = (double)right / (double)query.n;
        free(guess);
    }
    points_release(&known);
    points_release(&query);
    return rc;
}

enum err_code objective_measure(struct trainer *t, int lane, double *out, struct err *e)
{
    const struct train_lane *l = &t->lane[lane];
    const size_t n_val = t->data->split->n_val;
    enum err_code rc = ERR_OK;
    struct nll nll;
    *out = (double)NAN;
    switch (objective_of(&l->config)) {
    case OBJECTIVE_NLL:
        if (t->plan.net.ema) pack_use_ema(t->pack, true);
        rc = nll_measure(t, lane, n_val < NLL_ROWS ? n_val : NLL_ROWS, NLL_SAMPLES, &nll, e);
        if (t->plan.net.ema) pack_use_ema(t->pack, false);
        *out = nll.mean;
        return rc;
    case OBJECTIVE_KNN: return neighbours(t, l, out, e);
    default: return ERR_OK;
    }
}
