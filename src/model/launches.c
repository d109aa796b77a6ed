/* The launches of a step, in both plans. */
#include <assert.h>

#include "pack_private.h"

/* Steps queued before the device is told to begin. */
#define FLUSH_EVERY 8

/* The arguments every kernel of a step begins with (PACK_ARGS), and those of its own that are buffers. */
#define ARG_K 5
#define ARG_OWN 6
static const struct kernel_args {
    const char *name;
    int n;
    enum pack_buffer buffer[12];
} kernel_args[KERNEL_COUNT] = {
    [KERNEL_GATHER] = {"gather", 3, {BUF_ACTS, BUF_DATA, BUF_ORDER}},
    [KERNEL_FORWARD] = {"forward", 2, {BUF_ACTS, BUF_WEIGHTS}},
    [KERNEL_LAYER_NORM] = {"layer_norm", 2, {BUF_ACTS, BUF_WEIGHTS}},
    [KERNEL_LATENT] = {"latent", 6, {BUF_ACTS, BUF_WEIGHTS, BUF_ORDER, BUF_PARTS, BUF_STATS, BUF_MEANS}},
    [KERNEL_LOSS] = {"loss", 3, {BUF_ACTS, BUF_WEIGHTS, BUF_PARTS}},
    [KERNEL_SUMS] = {"sums", 3, {BUF_WEIGHTS, BUF_PARTS, BUF_RING}},
    [KERNEL_BATCH] = {"batch", 3, {BUF_WEIGHTS, BUF_PARTS, BUF_RING}},
    [KERNEL_RESCALE] = {"rescale", 2, {BUF_ACTS, BUF_PARTS}},
    [KERNEL_BACKWARD] = {"backward", 2, {BUF_ACTS, BUF_WEIGHTS}},
    [KERNEL_BACK_LAYER_NORM] = {"back_layer_norm", 2, {BUF_ACTS, BUF_WEIGHTS}},
    [KERNEL_BACK_LATENT] = {"back_latent", 3, {BUF_ACTS, BUF_WEIGHTS, BUF_PARTS}},
    [KERNEL_UPDATE] = {"update", 9,
                       {BUF_ACTS, BUF_WEIGHTS, BUF_MOMENT1, BUF_MOMENT2, BUF_MOMENT3, BUF_EMA, BUF_GRADS, BUF_RING,
                        BUF_PARTS}},
    [KERNEL_GRADIENTS] = {"gradients", 5, {BUF_ACTS, BUF_WEIGHTS, BUF_GRADS, BUF_RING, BUF_PARTS}},
    [KERNEL_NORM] = {"norm", 2, {BUF_PARTS, BUF_NORMS}},
    [KERNEL_WHOLE_LANE] = {"whole_lane", 11,
                           {BUF_ACTS, BUF_WEIGHTS, BUF_MOMENT1, BUF_MOMENT2, BUF_MOMENT3, BUF_EMA, BUF_DATA, BUF_ORDER,
                            BUF_RING, BUF_STATS, BUF_MEANS}},
    [KERNEL_WHOLE_STEPS] = {"whole_steps", 12,
                            {BUF_ACTS, BUF_WEIGHTS, BUF_MOMENT1, BUF_MOMENT2, BUF_MOMENT3, BUF_EMA, BUF_DATA, BUF_ORDER,
                             BUF_RING, BUF_STATS, BUF_MEANS, BUF_TURNS}},
    [KERNEL_ROW_CHAIN] =
        {"row_chain", 7, {BUF_ACTS, BUF_WEIGHTS, BUF_DATA, BUF_ORDER, BUF_RING, BUF_STATS, BUF_MEANS}},
    [KERNEL_KEEP_BEST] = {"keep_best", 2, {BUF_WEIGHTS, BUF_BEST}},
};

enum err_code pack_launches_new(struct pack *pk, struct err *e)
{
    enum err_code rc = ERR_OK;
    for (int i = 0; i < KERNEL_COUNT && !rc; i++) rc = launch_new(&pk->launch[i], pk->dev, kernel_args[i].name, e);
    return rc;
}

void pack_launches_free(struct pack *pk)
{
    for (int i = 0; i < KERNEL_COUNT; i++) launch_free(pk->launch[i]);
}

void pack_bind(struct pack *pk, const struct buffer *weights, const struct buffer *order)
{
    for (int i = 0; i < KERNEL_COUNT; i++) {
        const struct kernel_args *a = &kernel_args[i];
        const int own = i == KERNEL_KEEP_BEST ? 0 : ARG_OWN;
        for (int j = 0; own > 0 && j < ARG_K; j++) launch_buffer(pk->launch[i], j, pk->buf[BUF_SHAPE + j]);
        for (int j = 0; j < a->n; j++) {
            const struct buffer *b = pk->buf[a->buffer[j]];
            if (weights && a->buffer[j] == BUF_WEIGHTS) b = weights;
            if (order && a->buffer[j] == BUF_ORDER) b = order;
            launch_buffer(pk->launch[i], own + j, b);
        }
    }
}

/* A launch's shape besides the lanes, and its arguments after the buffers. */
struct grid {
    int columns, rows;
    int n_extra, extra[4];
};

static enum err_code run(struct pack *pk, enum pack_kernel kernel, const struct grid *g, int k, struct err *e)
{
    struct launch *l = pk->launch[kernel];
    const int lanes = kernel == KERNEL_WHOLE_STEPS ? 1 : pk->n_active; /* that one sees to all of them itself */
    const size_t global[3] = {(size_t)g->columns, (size_t)g->rows, (size_t)lanes};
    const size_t local[3] = {1, 1, 1};
    assert(pk->n_active > 0 && k >= 0 && k < pk->n_steps);
    launch_int(l, ARG_K, k);
    for (int i = 0; i < g->n_extra; i++) launch_int(l, ARG_OWN + kernel_args[kernel].n + i, g->extra[i]);
    return launch_run(l, global, local, e);
}

static int row_tiles(const struct pack *pk)
{
    return pk->plan.batch_pad / 16;
}

/* Row tiles that share a work-group of the chain: what makes the busiest unit's work least, where fetching the weights
 * counts as a third of a row tile. Changes no result. */
#define CHAIN_MOST 8 /* as in cl/row_chain.cl */
#define CHAIN_FETCH 0.3
static int chain_rows(const struct pack *pk)
{
    const int units = device_info(pk->dev)->compute_units;
    double least = 0;
    int best = 1;
    for (int each = 1; each <= CHAIN_MOST && each <= row_tiles(pk); each++) {
        const int groups = (row_tiles(pk) + each - 1) / each * pk->n_active;
        const double work = (groups + units - 1) / units * (each + CHAIN_FETCH);
        if (each == 1 || work < least) {
            least = work;
            best = each;
        }
    }
    return best;
}

/* The GEMM library's product for every active lane, when it is the provider: y = x W, dx = dy W^T or dW = x^T dy. */
enum product { PRODUCT_FORWARD, PRODUCT_BACK, PRODUCT_WEIGHTS, PRODUCTS };
static struct gemm product_of(const struct pack *pk, enum product what, int layer, size_t slot)
{
    const struct plan *p = &pk->plan;
    const struct plan_layer *l = &p->layer[layer];
    const size_t rows = (size_t)p->batch_pad, in = (size_t)l->in_pad, out = (size_t)l->out_pad;
    const size_t acts = slot * p->acts, w = slot * p->params + l->w;
    struct gemm g = {.m = rows, .n = out, .k = in, .a = pk->buf[BUF_ACTS], .a_off = acts + l->x, .lda = (size_t)l->ld_in,
                     .b = pk->buf[BUF_WEIGHTS], .b_off = w, .ldb = (size_t)l->ld, .c = pk->buf[BUF_ACTS],
                     .c_off = acts + l->y, .ldc = (size_t)l->ld_out};
    if (what == PRODUCT_BACK) {
        const bool latent = layer == p->heads + 1;
        g.trans_b = true;
        g.n = in;
        g.k = out;
        g.a_off = acts + l->dy;
        g.lda = (size_t)l->ld_out;
        g.c_off = acts + (latent ? p->dz : p->layer[layer - 1].dy);
        g.ldc = latent ? (size_t)p->ld_z : (size_t)l->ld_in;
    } else if (what == PRODUCT_WEIGHTS) {
        g.trans_a = true;
        g.m = in;
        g.k = rows;
        g.b = pk->buf[BUF_ACTS];
        g.b_off = acts + l->dy;
        g.ldb = (size_t)l->ld_out;
        g.c = pk->buf[BUF_GRADS];
        g.c_off = slot * p->grad + (p->net.norm ? l->w : 0);
        g.ldc = (size_t)l->ld;
    }
    return g;
}

static enum err_code product(struct pack *pk, enum product what, int layer, struct err *e)
{
    enum err_code rc = ERR_OK;
    for (int i = 0; i < pk->n_active && !rc; i++) {
        const struct gemm g = product_of(pk, what, layer, (size_t)pk->active[1 + i]);
        rc = device_gemm(pk->dev, &g, e);
    }
    return rc;
}

/* A library may copy an operand that does not begin at 0, so the second slot can need more than the first. */
enum err_code pack_temp_bytes(size_t *bytes, const struct pack *pk, struct err *e)
{
    enum err_code rc = ERR_OK;
    *bytes = 0;
    if (pk->provider == PROVIDER_TILE) return ERR_OK;
    for (int i = 0; i < pk->plan.n_layers; i++) {
        for (int what = i > 0 ? PRODUCT_FORWARD : PRODUCT_WEIGHTS; what < 2 * PRODUCTS && !rc; what++) {
            const enum product kind = (enum product)(what % PRODUCTS);
            if (i == 0 && kind == PRODUCT_BACK) continue;
            const struct gemm g = product_of(pk, kind, i, (size_t)(what / PRODUCTS));
            size_t one;
            rc = device_gemm_temp(&one, pk->dev, &g, e);
            if (one > *bytes) *bytes = one;
        }
    }
    return rc;
}

static int all_strips(const struct pack *pk)
{
    int n = 0;
    for (int i = 0; i < pk->plan.n_layers; i++) n += pack_layer_strips(pk, &pk->plan.layer[i]);
    return n;
}

static enum err_code update_strips(struct pack *pk, int first, int strips, int done, int k, struct err *e)
{
    const struct grid grid = {.columns = strips, .rows = 1, .n_extra = 2, .extra = {first, done}};
    return run(pk, KERNEL_UPDATE, &grid, k, e);
}

/* All gradients, their length, and then the updates. */
static enum err_code update_by_norm(struct pack *pk, int k, struct err *e)
{
    const struct plan *p = &pk->plan;
    const int done = pk->provider != PROVIDER_TILE;
    const int strips = all_strips(pk);
    const struct grid grid = {.columns = strips, .rows = 1, .n_extra = 1, .extra = {done}};
    enum err_code rc = ERR_OK;
    for (int i = 0; i < p->n_layers && done && !rc; i++) rc = product(pk, PRODUCT_WEIGHTS, i, e);
    if (!rc) rc = run(pk, KERNEL_GRADIENTS, &grid, k, e);
    if (!rc) rc = run(pk, KERNEL_NORM, &(struct grid){.columns = 1, .rows = 1}, k, e);
    return rc ? rc : update_strips(pk, 0, strips, 1, k, e);
}

/* Our tiles need one launch for all layers. */
static enum err_code update_all(struct pack *pk, int k, struct err *e)
{
    const struct plan *p = &pk->plan;
    if (p->net.norm) return update_by_norm(pk, k, e);
    if (pk->provider == PROVIDER_TILE) return update_strips(pk, 0, all_strips(pk), 0, k, e);
    enum err_code rc = ERR_OK;
    for (int i = 0, first = 0; i < p->n_layers && !rc; i++) {
        const int strips = pack_layer_strips(pk, &p->layer[i]);
        rc = product(pk, PRODUCT_WEIGHTS, i, e);
        if (!rc) rc = update_strips(pk, first, strips, 1, k, e);
        first += strips;
    }
    return rc;
}

/* What the batch as a whole says about the loss, and the decoder's gradient by it. */
static enum err_code op_batch(struct pack *pk, int k, struct err *e)
{
    const struct grid all = {.columns = pk->plan.data_pad / 16, .rows = row_tiles(pk)};
    enum err_code rc = run(pk, KERNEL_BATCH, &(struct grid){.columns = 1, .rows = 1}, k, e);
    if (!rc && pk->plan.net.likelihood == LIKE_GAUSS_OPTIMAL) rc = run(pk, KERNEL_RESCALE, &all, k, e);
    return rc;
}

/* The kernel behind an op, with `done` where a GEMM library may have been there before. */
static enum err_code op_kernel(struct pack *pk, enum pack_op op, int layer, int done, int k, struct err *e)
{
    const struct plan *p = &pk->plan;
    const struct plan_layer *l = &p->layer[layer];
    const int each = chain_rows(pk);
    struct grid g = {.columns = 1, .rows = row_tiles(pk)};
    enum pack_kernel kernel = KERNEL_GATHER;
    switch (op) {
    case OP_GATHER: break;
    case OP_SUMS: kernel = KERNEL_SUMS; break;
    case OP_BATCH: return op_batch(pk, k, e);
    case OP_CHAIN:
        kernel = KERNEL_ROW_CHAIN;
        g = (struct grid){1, (row_tiles(pk) + each - 1) / each, 1, {each, 0}};
        break;
    case OP_FORWARD:
        kernel = KERNEL_FORWARD;
        g = (struct grid){pack_strips(pk, l->out_pad / 16), row_tiles(pk), 2, {layer, done}};
        break;
    case OP_BACK:
        kernel = KERNEL_BACKWARD;
        g = (struct grid){l->in_pad / 16, row_tiles(pk), 2, {layer, done}};
        break;
    case OP_LATENT:
        kernel = KERNEL_LATENT;
        g = (struct grid){p->latent_pad / 16, row_tiles(pk), 1, {done, 0}};
        break;
    case OP_BACK_LATENT:
        kernel = KERNEL_BACK_LATENT;
        g = (struct grid){p->latent_pad / 16, row_tiles(pk), 1, {done, 0}};
        break;
    case OP_LOSS:
        kernel = KERNEL_LOSS;
        g = (struct grid){pack_strips(pk, p->data_pad / 16), row_tiles(pk), 1, {done, 0}};
        break;
    case OP_UPDATE: return update_all(pk, k, e);
    }
    return run(pk, kernel, &g, k, e);
}

/* A layer's rows, each as a whole. */
static enum err_code run_rows(struct pack *pk, enum pack_kernel kernel, int layer, int k, struct err *e)
{
    return run(pk, kernel, &(struct grid){.columns = 1, .rows = row_tiles(pk), .n_extra = 1, .extra = {layer}}, k, e);
}

enum err_code pack_op(struct pack *pk, enum pack_op op, int layer, int k, struct err *e)
{
    const struct plan *p = &pk->plan;
    const bool done = pk->provider == PROVIDER_CLBLAST;
    enum err_code rc = ERR_OK;
    assert(layer >= 0 && layer < p->n_layers);
    assert(p->kind == PLAN_PLAIN || op == OP_CHAIN || op == OP_UPDATE || op == OP_FORWARD);
    if (done && op == OP_FORWARD) rc = product(pk, PRODUCT_FORWARD, layer, e);
    if (done && op == OP_LATENT) rc = product(pk, PRODUCT_FORWARD, p->heads, e);
    if (done && op == OP_LOSS) rc = product(pk, PRODUCT_FORWARD, p->n_layers - 1, e);
    if (done && op == OP_BACK) rc = product(pk, PRODUCT_BACK, layer, e);
    if (done && op == OP_BACK_LATENT) rc = product(pk, PRODUCT_BACK, p->heads + 1, e);
    if (!rc) rc = op_kernel(pk, op, layer, done, k, e);
    if (!rc && op == OP_FORWARD && p->net.layer_norm) rc = run_rows(pk, KERNEL_LAYER_NORM, layer, k, e);
    if (!rc && op == OP_BACK && p->net.layer_norm) rc = run_rows(pk, KERNEL_BACK_LAYER_NORM, layer - 1, k, e);
    return rc;
}

enum err_code pack_eval(struct pack *pk, int k, struct err *e)
{
    if (pk->plan.kind == PLAN_CHAIN) return pack_op(pk, OP_CHAIN, 0, k, e);
    enum err_code rc = pack_forward(pk, k, e);
    for (int i = pk->plan.heads + 1; i < pk->plan.n_layers - 1 && !rc; i++) rc = pack_op(pk, OP_FORWARD, i, k, e);
    if (!rc) rc = pack_op(pk, OP_LOSS, 0, k, e);
    return rc ? rc : pack_op(pk, OP_SUMS, 0, k, e);
}

void pack_use_ema(struct pack *pk, bool use)
{
    pk->use_ema = use;
    pack_bind(pk, use ? pk->buf[BUF_EMA] : NULL, NULL);
}

enum err_code pack_forward(struct pack *pk, int k, struct err *e)
{
    if (pk->plan.kind == PLAN_CHAIN) return pack_op(pk, OP_CHAIN, 0, k, e);
    enum err_code rc = pack_op(pk, OP_GATHER, 0, k, e);
    for (int i = 0; i < pk->plan.heads && !rc; i++) rc = pack_op(pk, OP_FORWARD, i, k, e);
    return rc ? rc : pack_op(pk, OP_LATENT, 0, k, e);
}

enum err_code pack_train(struct pack *pk, int k, struct err *e)
{
    enum err_code rc = pack_eval(pk, k, e); /* the same kernels; the step's mode tells them apart */
    if (!rc && net_batch_stats(&pk->plan.net)) rc = pack_op(pk, OP_BATCH, 0, k, e);
    if (pk->plan.kind == PLAN_PLAIN) {
        for (int i = pk->plan.n_layers - 1; i > 0 && !rc; i--) {
            rc = pack_op(pk, i == pk->plan.heads + 1 ? OP_BACK_LATENT : OP_BACK, i, k, e);
        }
    }
    return rc ? rc : pack_op(pk, OP_UPDATE, 0, k, e);
}

/* Where every unit has about equally many lanes to itself: nothing waits between steps. */
static bool lane_each(const struct pack *pk)
{
    const int units = device_info(pk->dev)->compute_units, turns = (pk->n_active + units - 1) / units;
    return pk->n_active >= units && 10 * turns * units <= 11 * pk->n_active;
}

/* Else all units go through the steps together; a launch is so long that waking them does not count, and so short that
 * one that left is back soon. */
#define STEPS_TOGETHER 32
static enum err_code steps_together(struct pack *pk, struct err *e)
{
    const int units = device_info(pk->dev)->compute_units;
    struct grid g = {.columns = units < QUEUES_MOST ? units : QUEUES_MOST, .rows = 1, .n_extra = 4,
                     .extra = {0, all_strips(pk), chain_rows(pk), pk->n_active}};
    enum err_code rc = ERR_OK;
    for (int k = 0; k < pk->n_steps && !rc; k += STEPS_TOGETHER) {
        g.extra[0] = pk->n_steps - k < STEPS_TOGETHER ? pk->n_steps - k : STEPS_TOGETHER;
        rc = buffer_zero(pk->buf[BUF_TURNS], 0, buffer_bytes(pk->buf[BUF_TURNS]), e);
        if (!rc) rc = run(pk, KERNEL_WHOLE_STEPS, &g, k, e);
    }
    return rc;
}

enum err_code pack_train_all(struct pack *pk, struct err *e)
{
    enum err_code rc = ERR_OK;
    if (pk->plan.kind == PLAN_CHAIN && !pk->plan.net.norm) {
        const struct grid g = {.columns = 1, .rows = 1, .n_extra = 2, .extra = {pk->n_steps, all_strips(pk)}};
        if (lane_each(pk)) return run(pk, KERNEL_WHOLE_LANE, &g, 0, e);
        if (device_is_cpu(pk->dev)) return steps_together(pk, e);
    }
    for (int k = 0; k < pk->n_steps && !rc; k++) {
        rc = pack_train(pk, k, e);
        if (k % FLUSH_EVERY == FLUSH_EVERY - 1) device_flush(pk->dev);
    }
    return rc;
}

enum err_code pack_keep_best(struct pack *pk, int slot, struct err *e)
{
    struct launch *l = pk->launch[KERNEL_KEEP_BEST];
    assert(slot >= 0 && slot < pk->slots);
    launch_buffer(l, 0, pk->buf[pk->plan.net.ema ? BUF_EMA : BUF_WEIGHTS]);
    launch_uint(l, 2, (unsigned)slot);
    launch_uint(l, 3, (unsigned)pk->plan.params);
    return launch_run(l, (const size_t[]){pk->plan.params / 16, 1, 1}, (const size_t[]){1, 1, 1}, e);
}
