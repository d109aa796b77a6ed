/* Layers, arenas, bytes, FLOPs and the pack key of a network. */
#include "vaetop/plan/plan.h"

#include <stdio.h>
#include <string.h>

const char *plan_kind_name(enum plan_kind k)
{
    return k == PLAN_CHAIN ? "chain" : "plain";
}

/* A chain has one work-group per 16 batch rows: enough for a CPU's cores, far too few for a GPU's. */
enum plan_kind plan_default(bool device_is_cpu, const struct net *n)
{
    return device_is_cpu && !net_batch_stats(n) ? PLAN_CHAIN : PLAN_PLAIN;
}

static int pad16(int n)
{
    return (n + 15) / 16 * 16;
}

/* Rows 16 apart would share one cache set if their stride were an even number of lines. */
static int odd_stride(int padded)
{
    return 16 * ((padded / 16) | 1);
}

static void add_layer(struct plan *p, const char *name, int in, int out, bool activation)
{
    struct plan_layer *l = &p->layer[p->n_layers++];
    snprintf(l->name, sizeof l->name, "%s", name);
    l->in = in;
    l->out = out;
    l->in_pad = pad16(in);
    l->out_pad = pad16(out);
    l->activation = activation;
}

static void add_layers(struct plan *p)
{
    const struct net *n = &p->net;
    char name[24];
    int width = n->data;
    for (int i = 0; i < n->n_enc; i++) {
        snprintf(name, sizeof name, "encoder.%d", i);
        add_layer(p, name, width, n->enc[i], true);
        width = n->enc[i];
    }
    p->heads = p->n_layers;
    add_layer(p, "heads", width, n->latent, false);
    p->layer[p->heads].out_pad = 2 * p->latent_pad;
    width = n->latent;
    for (int i = 0; i < n->n_dec; i++) {
        snprintf(name, sizeof name, "decoder.%d", i);
        add_layer(p, name, width, n->dec[i], true);
        width = n->dec[i];
    }
    add_layer(p, "logits", width, n->data, false);
}

static size_t take(size_t *top, size_t rows, int ld)
{
    const size_t at = *top;
    *top += rows * (size_t)ld;
    return at;
}

/* Sizes are bounded by PLAN_DIM_MAX and NET_HIDDEN_MAX, so nothing here can overflow 64 bits. */
static void lay_out(struct plan *p)
{
    const size_t rows = (size_t)p->batch_pad;
    size_t largest = 0;
    size_t x = take(&p->acts, rows, odd_stride(p->data_pad));
    p->ld_z = odd_stride(p->latent_pad);
    for (int i = 0; i < p->n_layers; i++) {
        struct plan_layer *l = &p->layer[i];
        l->ld = l->ld_out = odd_stride(l->out_pad);
        l->ld_in = odd_stride(l->in_pad);
        l->w = take(&p->params, (size_t)l->in_pad, l->ld);
        l->b = take(&p->params, 1, l->out_pad);
        l->x = x;
        l->dy = take(&p->acts, rows, l->ld_out);
        l->y = i == p->n_layers - 1 ? l->dy : take(&p->acts, rows, l->ld_out);
        if (l->activation) l->pre = take(&p->acts, rows, l->ld_out);
        if (l->activation && p->net.layer_norm) {
            l->gain = take(&p->params, 2, l->out_pad);
            l->spread = take(&p->acts, rows, 1);
            l->dgain = take(&p->acts, rows / 16 * 2, l->out_pad);
        }
        x = l->y;
        if (i == p->heads) {
            x = p->z = take(&p->acts, rows, p->ld_z);
            p->noise = take(&p->acts, rows, p->ld_z);
            p->dz = take(&p->acts, rows, p->ld_z);
        }
        if ((size_t)l->in_pad * (size_t)l->ld > largest) largest = (size_t)l->in_pad * (size_t)l->ld;
    }
    if (net_has_sigma(&p->net)) p->sigma = take(&p->params, 1, 16);
    p->grad = p->net.norm ? p->params : p->kind == PLAN_PLAIN ? largest : 0;
}

static void count_bytes(struct plan *p)
{
    const size_t row_tiles = (size_t)p->batch_pad / 16, ring_tiles = 65536 / row_tiles;
    p->ring_steps = ring_tiles > PLAN_RING_STEPS_MAX ? PLAN_RING_STEPS_MAX : ring_tiles < 1 ? 1 : (int)ring_tiles;
    p->eval_steps = (int)(PLAN_EVAL_TILES / row_tiles) < 1 ? 1 : (int)(PLAN_EVAL_TILES / row_tiles);
    if (p->eval_steps > p->ring_steps) p->eval_steps = p->ring_steps;
    p->parts = p->kind == PLAN_PLAIN ? row_tiles * (size_t)(p->data_pad / 16 + p->latent_pad / 16) : 0;
    p->kl_dims = p->parts;
    if (net_batch_stats(&p->net)) p->parts += (row_tiles + 1) * (size_t)p->latent_pad + 16;
    p->norms = p->parts;
    if (p->net.norm) p->parts += (size_t)p->tiles + 16;
    p->stats = (size_t)p->eval_steps * row_tiles * 3 * (size_t)p->latent_pad;
    p->means = (size_t)PLAN_MEAN_ROWS * (size_t)p->latent_pad;
    const size_t arenas = 4 + (size_t)p->net.third_moment + (size_t)p->net.ema;
    const size_t floats = arenas * p->params + p->acts + p->grad + p->parts + p->stats + p->means +
                          (size_t)p->ring_steps * (row_tiles * 4 + 20 + (size_t)p->net.norm) + 65 + 16;
    p->lane_bytes = 4 * floats;
    p->fixed_bytes = sizeof(int) * (32 + 64 * 16 + 16 * (size_t)p->n_layers);
    double weights = 0, first = 0;
    for (int i = 0; i < p->n_layers; i++) {
        const struct plan_layer *l = &p->layer[i];
        const double w = (double)l->in * (double)l->out * (i == p->heads ? 2 : 1);
        weights += w;
        if (i == 0) first = w;
    }
    p->step_flops = (double)p->net.batch * (6 * weights - 2 * first);
}

static bool sane(int v)
{
    return v >= 1 && v <= PLAN_DIM_MAX;
}

enum err_code plan_make(struct plan *out, const struct net *n, enum plan_kind kind, struct err *e)
{
    bool good = sane(n->data) && sane(n->latent) && sane(n->batch) && n->n_enc >= 0 && n->n_enc <= NET_HIDDEN_MAX &&
                n->n_dec >= 0 && n->n_dec <= NET_HIDDEN_MAX;
    for (int i = 0; good && i < n->n_enc; i++) good = sane(n->enc[i]);
    for (int i = 0; good && i < n->n_dec; i++) good = sane(n->dec[i]);
    if (!good) {
        return err_set(e, ERR_USAGE, "model: sizes must be 1 to %d and at most %d hidden layers a side", PLAN_DIM_MAX,
                       NET_HIDDEN_MAX);
    }
    if (kind == PLAN_CHAIN && net_batch_stats(n)) {
        return err_set(e, ERR_USAGE, "model: capacity, free bits and gauss_optimal need the plain plan");
    }
    memset(out, 0, sizeof *out);
    out->kind = kind;
    out->net = *n;
    out->latent_pad = pad16(n->latent);
    out->data_pad = pad16(n->data);
    out->batch_pad = pad16(n->batch);
    add_layers(out);
    lay_out(out);
    const size_t limit = (size_t)1 << 31; /* kernels index within a lane by 32 bits */
    if (out->params >= limit || out->acts >= limit) {
        return err_set(e, ERR_USAGE,
                       "model: one trial needs %zu MiB of weights and %zu MiB of activations; at most 8191 MiB each, "
                       "use smaller layers or batches",
                       out->params >> 18, out->acts >> 18);
    }
    for (int i = 0; i < out->n_layers; i++) {
        struct plan_layer *l = &out->layer[i];
        l->tiles = l->in_pad / 16 * (l->out_pad / 16);
        out->tiles += l->tiles;
    }
    count_bytes(out);
    return ERR_OK;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    for (int i = 0; i < 8; i++) h = (h ^ (v >> (8 * i) & 255)) * 0x100000001b3u; /* FNV-1a */
    return h;
}

uint64_t plan_pack_key(const struct plan *p, uint64_t data_hash)
{
    uint64_t h = mix(0xcbf29ce484222325u, data_hash);
    h = mix(h, (uint64_t)p->kind);
    h = mix(h, (uint64_t)p->net.data);
    h = mix(h, (uint64_t)p->net.batch);
    h = mix(h, (uint64_t)p->heads);
    h = mix(h, (uint64_t)p->net.third_moment);
    h = mix(h, (uint64_t)p->net.likelihood);
    h = mix(h, (uint64_t)p->net.kl_control);
    h = mix(h, (uint64_t)p->net.layer_norm);
    h = mix(h, (uint64_t)p->net.norm);
    h = mix(h, (uint64_t)p->net.ema);
    for (int i = 0; i < p->n_layers; i++) {
        h = mix(h, (uint64_t)p->layer[i].in_pad);
        h = mix(h, (uint64_t)p->layer[i].out_pad);
    }
    return h;
}
