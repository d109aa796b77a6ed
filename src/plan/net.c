/* The network a config describes. */
#include <math.h>
#include <string.h>

#include "vaetop/plan/plan.h"

static enum err_code widths(int *out, int *n, const struct config *c, enum knob k, struct err *e)
{
    const char *text = config_text(c, k);
    *n = config_widths(out, NET_HIDDEN_MAX, text);
    if (*n < 0) {
        return err_set(e, ERR_USAGE, "%s: '%.64s' is no list of widths; expected up to %d numbers such as 512,256",
                       knob_info(k)->full, text, NET_HIDDEN_MAX);
    }
    return ERR_OK;
}

enum err_code net_from_config(struct net *out, const struct config *c, size_t data_dim, struct err *e)
{
    struct net n;
    memset(&n, 0, sizeof n);
    if (data_dim == 0 || data_dim > PLAN_DIM_MAX) {
        return err_set(e, ERR_USAGE, "data: %zu values per row; expected 1 to %d", data_dim, PLAN_DIM_MAX);
    }
    n.data = (int)data_dim;
    n.latent = (int)config_i64(c, KNOB_MODEL_LATENT);
    n.batch = (int)config_i64(c, KNOB_TRAIN_BATCH);
    n.activation = (enum activation)config_choice(c, KNOB_MODEL_ACTIVATION);
    n.init = (enum weight_init)config_choice(c, KNOB_MODEL_INIT);
    n.layer_norm = config_choice(c, KNOB_MODEL_NORM) == NORM_LAYER;
    n.third_moment = config_choice(c, KNOB_OPTIMIZER_KIND) == OPT_RMSPROP &&
                     config_choice(c, KNOB_OPTIMIZER_CENTERED) == YES;
    n.likelihood = (enum likelihood)config_choice(c, KNOB_LOSS_LIKELIHOOD);
    n.log_sigma = log(config_f64(c, KNOB_LOSS_SIGMA));
    n.kl_control = config_f64(c, KNOB_LOSS_CAPACITY) > 0 || config_f64(c, KNOB_LOSS_FREE_BITS) > 0;
    n.norm = config_f64(c, KNOB_OPTIMIZER_CLIP) > 0 || config_f64(c, KNOB_OPTIMIZER_SKIP) > 0;
    n.ema = config_f64(c, KNOB_OPTIMIZER_EMA) > 0;
    enum err_code rc = widths(n.enc, &n.n_enc, c, KNOB_MODEL_ENCODER, e);
    if (!rc) rc = widths(n.dec, &n.n_dec, c, KNOB_MODEL_DECODER, e);
    if (rc) return rc;
    if (n.n_enc == 0) {
        n.n_enc = (int)config_i64(c, KNOB_MODEL_DEPTH);
        for (int i = 0; i < n.n_enc; i++) n.enc[i] = (int)config_i64(c, KNOB_MODEL_WIDTH);
    }
    if (n.n_dec == 0) {
        n.n_dec = n.n_enc;
        for (int i = 0; i < n.n_dec; i++) n.dec[i] = n.enc[n.n_enc - 1 - i];
    }
    *out = n;
    return ERR_OK;
}

bool net_has_sigma(const struct net *n)
{
    return n->likelihood == LIKE_GAUSS_LEARNED || n->likelihood == LIKE_GAUSS_OPTIMAL;
}

bool net_batch_stats(const struct net *n)
{
    return n->kl_control || n->likelihood == LIKE_GAUSS_OPTIMAL;
}

size_t net_params(const struct net *n)
{
    const size_t each = n->layer_norm ? 3 : 1; /* bias, gain, shift */
    size_t total = 0, width = (size_t)n->data;
    for (int i = 0; i < n->n_enc; i++) {
        total += (width + each) * (size_t)n->enc[i];
        width = (size_t)n->enc[i];
    }
    total += (width + 1) * 2 * (size_t)n->latent;
    width = (size_t)n->latent;
    for (int i = 0; i < n->n_dec; i++) {
        total += (width + each) * (size_t)n->dec[i];
        width = (size_t)n->dec[i];
    }
    return total + (width + 1) * (size_t)n->data + net_has_sigma(n);
}
