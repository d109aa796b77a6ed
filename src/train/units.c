/* What hidden units, means and log-variances do on a batch of validation rows: whether they still tell one row from
 * another, and how far they go. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train_private.h"
#include "vaetop/base/alloc.h"

#define ROWS_LEAST 16     /* fewer rows say nothing of a unit */
#define ROWS_MOST 128
#define SAME 1e-3         /* outputs that differ by less count as the same */
#define LOGVAR_LEAST (-12.0f) /* as cut_logvar() in cl/latent.cl */
#define LOGVAR_MOST 6.0f

/* Columns of x (rows, cols) whose values are all the same. */
static int count_stuck(const float *x, int rows, int cols)
{
    int stuck = 0;
    for (int j = 0; j < cols; j++) {
        float least = x[j], most = x[j];
        for (int r = 1; r < rows; r++) {
            least = fminf(least, x[r * cols + j]);
            most = fmaxf(most, x[r * cols + j]);
        }
        stuck += (double)most - (double)least < SAME;
    }
    return stuck;
}

static double share_cut(const float *s, int n)
{
    int cut = 0;
    for (int i = 0; i < n; i++) cut += s[i] <= LOGVAR_LEAST || s[i] >= LOGVAR_MOST;
    return (double)cut / n;
}

static double largest(const float *x, int n)
{
    float most = x[0];
    for (int i = 1; i < n; i++) most = fmaxf(most, x[i]);
    return (double)most;
}

/* The heads' means and log-variances; x has room for them. */
static enum err_code read_heads(struct trainer *t, struct act_view v, float *x, struct symptoms *out, struct err *e)
{
    const int n = v.rows * v.cols;
    enum err_code rc = pack_read_act(t->pack, &v, x, e);
    if (rc) return rc;
    for (int i = 0; i < n; i++) x[i] = fabsf(x[i]);
    out->mu = largest(x, n);
    v.column = t->plan.latent_pad;
    rc = pack_read_act(t->pack, &v, x, e);
    if (rc) return rc;
    out->logvar = largest(x, n);
    out->cut = share_cut(x, n);
    return ERR_OK;
}

static enum err_code read_layers(struct trainer *t, const struct train_lane *l, int rows, struct symptoms *out,
                                 struct err *e)
{
    const struct plan *p = &t->plan;
    int widest = l->net.latent;
    for (int i = 0; i < p->n_layers - 1; i++) widest = l->constants.width[i] > widest ? l->constants.width[i] : widest;
    float *x = xcalloc((size_t)rows * (size_t)widest, sizeof *x);
    enum err_code rc = ERR_OK;
    for (int i = 0; i < p->n_layers - 1 && !rc; i++) {
        struct act_view v = {.slot = l->slot, .layer = i, .what = ACT_OUT, .rows = rows, .cols = l->constants.width[i]};
        if (i == p->heads) {
            rc = read_heads(t, v, x, out, e);
            continue;
        }
        rc = pack_read_act(t->pack, &v, x, e);
        if (rc) break;
        const int stuck = count_stuck(x, rows, v.cols);
        const double share = (double)stuck / v.cols;
        if (isnan(out->stuck) || share > out->stuck) {
            out->stuck = share;
            out->telling = v.cols - stuck;
            snprintf(out->stuck_layer, sizeof out->stuck_layer, "%s", p->layer[i].name);
        }
    }
    free(x);
    return rc;
}

enum err_code units_look(struct trainer *t, const struct train_lane *l, struct symptoms *out, struct err *e)
{
    const size_t n = t->data->split->n_val;
    int rows = t->plan.batch_pad < ROWS_MOST ? t->plan.batch_pad : ROWS_MOST;
    out->stuck = out->cut = out->mu = out->logvar = (double)NAN;
    if (n < (size_t)rows) rows = (int)n;
    if (rows < ROWS_LEAST) return ERR_OK;
    struct pack_step step;
    pack_step_eval(&step, 0, rows);
    if (t->plan.net.ema) pack_use_ema(t->pack, true);
    enum err_code rc = pack_steps(t->pack, &l->slot, 1, &step, 1, e);
    if (!rc) rc = pack_eval(t->pack, 0, e);
    if (t->plan.net.ema) pack_use_ema(t->pack, false);
    return rc ? rc : read_layers(t, l, rows, out, e);
}
