/* A pack's device memory: slots, arenas, activations. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pack_private.h"
#include "vaetop/base/alloc.h"
#include "vaetop/model/choice.h"

/* Tiles on CPUs: CLBlast reaches a twentieth of their speed there. On GPUs a tile of ours is one work-item, which a
 * GPU runs badly; CLBlast for all but the smallest products, where its fixed cost per call is the larger evil. */
enum provider provider_default(bool device_is_cpu, const struct plan *p)
{
    if (device_is_cpu || p->kind == PLAN_CHAIN) return PROVIDER_TILE;
    return p->step_flops < 1e6 ? PROVIDER_TILE : PROVIDER_CLBLAST;
}

int pack_wide(const struct pack *pk)
{
    return device_is_cpu(pk->dev) ? 3 : 1;
}

int pack_strips(const struct pack *pk, int tiles)
{
    return (tiles + pack_wide(pk) - 1) / pack_wide(pk);
}

int pack_layer_strips(const struct pack *pk, const struct plan_layer *l)
{
    return l->in_pad / 16 * pack_strips(pk, l->out_pad / 16);
}

static const char *const buffer_name[BUF_OWNED] = {
    [BUF_SHAPE] = "shapes",        [BUF_LAYERS] = "layers",          [BUF_LANES] = "lane constants",
    [BUF_STEPS] = "step table",    [BUF_ACTIVE] = "active lanes",    [BUF_WEIGHTS] = "weights",
    [BUF_MOMENT1] = "first moments", [BUF_MOMENT2] = "second moments", [BUF_BEST] = "best weights",
    [BUF_ACTS] = "activations",    [BUF_MOMENT3] = "third moments", [BUF_EMA] = "mean weights",  [BUF_NORMS] = "gradient lengths",
    [BUF_GRADS] = "gradients",        [BUF_PARTS] = "partial sums",
    [BUF_RING] = "loss ring",      [BUF_STATS] = "statistics",       [BUF_MEANS] = "latent means",
    [BUF_TURNS] = "turns",
};

/* Bytes of one slot's part of a buffer. */
static size_t slot_bytes(const struct plan *p, int buffer)
{
    const size_t row_tiles = (size_t)p->batch_pad / 16, steps = (size_t)p->ring_steps;
    switch (buffer) {
    case BUF_LANES: return sizeof(struct pack_lane);
    case BUF_STEPS: return steps * sizeof(struct pack_step);
    case BUF_ACTIVE: return sizeof(int);
    case BUF_WEIGHTS:
    case BUF_MOMENT1:
    case BUF_MOMENT2:
    case BUF_BEST: return p->params * sizeof(float);
    case BUF_EMA: return p->net.ema ? p->params * sizeof(float) : 0;
    case BUF_NORMS: return p->net.norm ? steps * sizeof(float) : 0;
    case BUF_MOMENT3: return p->net.third_moment ? p->params * sizeof(float) : 0;
    case BUF_ACTS: return p->acts * sizeof(float);
    case BUF_GRADS: return p->grad * sizeof(float);
    case BUF_PARTS: return p->parts * sizeof(float);
    case BUF_RING: return steps * row_tiles * RING_FLOATS * sizeof(float);
    case BUF_STATS: return p->stats * sizeof(float);
    case BUF_MEANS: return p->means * sizeof(float);
    case BUF_TURNS: return TURN_INTS * sizeof(int);
    default: return 0;
    }
}

static void fill_shape(struct cl_shape *s, const struct pack *pk)
{
    const struct plan *p = &pk->plan;
    const struct pack_data *d = pk->data;
    s->n_layers = p->n_layers;
    s->heads = p->heads;
    s->batch_pad = p->batch_pad;
    s->row_tiles = p->batch_pad / 16;
    s->data = p->net.data;
    s->data_pad = p->data_pad;
    s->is_u8 = d->is_u8;
    s->n_train = (int32_t)d->n_train;
    s->n_val = (int32_t)d->n_val;
    s->latent_pad = p->latent_pad;
    s->ld_z = p->ld_z;
    s->z = (int32_t)p->z;
    s->noise = (int32_t)p->noise;
    s->dz = (int32_t)p->dz;
    s->loss_tiles = p->data_pad / 16;
    s->latent_tiles = p->latent_pad / 16;
    s->params = (uint32_t)p->params;
    s->acts = (uint32_t)p->acts;
    s->parts = (uint32_t)p->parts;
    s->grads = (uint32_t)p->grad;
    s->likelihood = p->net.likelihood;
    s->sigma = (int32_t)p->sigma;
    s->kl_dims = (int32_t)p->kl_dims;
    s->norms = (int32_t)p->norms;
    s->tiles = p->tiles;
    s->wide = pack_wide(pk);
}

static enum err_code fixed_buffers(struct pack *pk, struct err *e)
{
    const struct plan *p = &pk->plan;
    struct cl_shape shape;
    memset(&shape, 0, sizeof shape);
    fill_shape(&shape, pk);
    struct cl_layer layer[2 * NET_HIDDEN_MAX + 2];
    memset(layer, 0, sizeof layer);
    int tile = 0, strip = 0;
    for (int i = 0; i < p->n_layers; i++) {
        const struct plan_layer *l = &p->layer[i];
        layer[i] = (struct cl_layer){.in_pad = l->in_pad, .out_pad = l->out_pad, .ld_w = l->ld, .ld_x = l->ld_in,
                                     .ld_y = l->ld_out, .w = (int32_t)l->w, .b = (int32_t)l->b, .x = (int32_t)l->x,
                                     .y = (int32_t)l->y, .dy = (int32_t)l->dy, .first_tile = tile,
                                     .pre = (int32_t)l->pre, .gain = (int32_t)l->gain,
                                     .spread = (int32_t)l->spread, .dgain = (int32_t)l->dgain,
                                     .first_strip = strip};
        tile += l->tiles;
        strip += pack_layer_strips(pk, l);
    }
    const size_t bytes = (size_t)p->n_layers * sizeof layer[0];
    enum err_code rc = buffer_new(&pk->buf[BUF_SHAPE], pk->dev, sizeof shape, buffer_name[BUF_SHAPE], e);
    if (!rc) rc = buffer_write(pk->buf[BUF_SHAPE], 0, &shape, sizeof shape, e);
    if (!rc) rc = buffer_new(&pk->buf[BUF_LAYERS], pk->dev, bytes, buffer_name[BUF_LAYERS], e);
    if (!rc) rc = buffer_write(pk->buf[BUF_LAYERS], 0, layer, bytes, e);
    return rc;
}

enum err_code pack_new(struct pack **out, struct device *dev, struct pack_data *data, const struct plan *plan,
                       struct err *e)
{
    *out = NULL;
    assert((size_t)plan->net.data == data->dim);
    struct pack *pk = xcalloc(1, sizeof *pk);
    pk->dev = dev;
    pk->data = data;
    pk->plan = *plan;
    pk->active = xcalloc(1, sizeof *pk->active);
    pk->ring = xcalloc(1, sizeof *pk->ring);
    pk->stats = xcalloc(1, sizeof *pk->stats);
    pk->norms = xcalloc(1, sizeof *pk->norms);
    pk->lane = xcalloc(1, sizeof *pk->lane);
    pk->buf[BUF_DATA] = data->x;
    pk->buf[BUF_ORDER] = data->order;
    struct choice choice;
    enum err_code rc = choice_make(&choice, dev, &plan->net, e);
    if (!rc) pk->provider = choice.kind == plan->kind ? choice.provider : provider_default(device_is_cpu(dev), plan);
    if (!rc) rc = fixed_buffers(pk, e);
    if (!rc) rc = pack_launches_new(pk, e);
    if (rc) pack_free(pk);
    else *out = pk;
    return rc;
}

void pack_free(struct pack *pk)
{
    if (!pk) return;
    pack_launches_free(pk);
    for (int i = 0; i < BUF_OWNED; i++) buffer_free(pk->buf[i]);
    free(pk->lane);
    free(pk->active);
    free(pk->ring);
    free(pk->stats);
    free(pk->norms);
    free(pk);
}

const struct plan *pack_plan(const struct pack *pk)
{
    return &pk->plan;
}

void pack_set_provider(struct pack *pk, enum provider pr)
{
    assert(pk->plan.kind == PLAN_PLAIN || pr == PROVIDER_TILE);
    pk->provider = pr;
}

uint64_t pack_bytes(const struct pack *pk)
{
    uint64_t total = 0;
    for (int i = 0; i < BUF_OWNED; i++) total += pk->buf[i] ? buffer_bytes(pk->buf[i]) : 0;
    return total;
}

/* What a slot keeps when the pack grows: everything that is not written anew by each step. */
static enum err_code copy_arena(struct buffer *to, const struct buffer *from, size_t bytes, struct err *e)
{
    void *p = try_calloc(bytes, 1);
    if (!p) return err_set(e, ERR_NOMEM, "%zu bytes to move a lane's weights", bytes);
    enum err_code rc = buffer_read(from, 0, p, bytes, e);
    if (!rc) rc = buffer_write(to, 0, p, bytes, e);
    free(p);
    return rc;
}

static enum err_code slot_buffers(struct pack *pk, struct buffer *fresh[BUF_OWNED], int slots, struct err *e)
{
    const int kept = slots < pk->slots ? slots : pk->slots;
    for (int i = BUF_LANES; i < BUF_OWNED && slots > 0; i++) {
        const size_t bytes = slot_bytes(&pk->plan, i);
        size_t all;
        if (bytes == 0) continue;
        if (!mul_size(&all, bytes, (size_t)slots)) return err_set(e, ERR_DEVICE_MEM, "%s: too large", buffer_name[i]);
        if (i == BUF_ACTIVE) all += bytes;
        if (i == BUF_TURNS) all += QUEUES_MOST * bytes;
        enum err_code rc = buffer_new(&fresh[i], pk->dev, all, buffer_name[i], e);
        if (!rc && kept > 0 && i >= BUF_WEIGHTS && i < BUF_WEIGHTS + ARENA_COUNT) {
            rc = copy_arena(fresh[i], pk->buf[i], bytes * (size_t)kept, e);
        }
        if (rc) return rc;
    }
    return ERR_OK;
}

enum err_code pack_resize(struct pack *pk, int slots, struct err *e)
{
    assert(slots >= 0);
    struct buffer *fresh[BUF_OWNED] = {0};
    const enum err_code rc = slot_buffers(pk, fresh, slots, e);
    if (rc) {
        for (int i = 0; i < BUF_OWNED; i++) buffer_free(fresh[i]);
        return rc;
    }
    for (int i = BUF_LANES; i < BUF_OWNED; i++) {
        buffer_free(pk->buf[i]);
        pk->buf[i] = fresh[i];
    }
    const size_t n = (size_t)slots + 1, row_tiles = (size_t)pk->plan.batch_pad / 16;
    pk->lane = xreallocarray(pk->lane, n, sizeof *pk->lane);
    for (int i = pk->slots; i < slots; i++) memset(&pk->lane[i], 0, sizeof pk->lane[i]);
    pk->active = xreallocarray(pk->active, n, sizeof *pk->active);
    pk->ring = xreallocarray(pk->ring, n, (size_t)pk->plan.ring_steps * row_tiles * RING_FLOATS * sizeof *pk->ring);
    pk->norms = xreallocarray(pk->norms, n, (size_t)pk->plan.ring_steps * sizeof *pk->norms);
    pk->stats = xreallocarray(pk->stats, n, pk->plan.stats * sizeof *pk->stats);
    pk->slots = slots;
    pk->n_active = pk->n_steps = 0;
    pk->lanes_changed = true;
    if (slots > 0) pack_bind(pk, NULL, NULL);
    return ERR_OK;
}

int pack_slots(const struct pack *pk)
{
    return pk->slots;
}

void pack_set_lane(struct pack *pk, int slot, const struct pack_lane *lane)
{
    assert(slot >= 0 && slot < pk->slots);
    pk->lane[slot] = *lane;
    pk->lanes_changed = true;
}

bool pack_has_arena(const struct pack *pk, enum arena a)
{
    return slot_bytes(&pk->plan, BUF_WEIGHTS + (int)a) > 0;
}

enum err_code pack_read_arena(struct pack *pk, int slot, enum arena a, float *out, struct err *e)
{
    assert(slot >= 0 && slot < pk->slots);
    const size_t bytes = pk->plan.params * sizeof(float);
    return buffer_read(pk->buf[BUF_WEIGHTS + (int)a], (size_t)slot * bytes, out, bytes, e);
}

enum err_code pack_write_arena(struct pack *pk, int slot, enum arena a, const float *in, struct err *e)
{
    assert(slot >= 0 && slot < pk->slots);
    const size_t bytes = pk->plan.params * sizeof(float);
    return buffer_write(pk->buf[BUF_WEIGHTS + (int)a], (size_t)slot * bytes, in, bytes, e);
}

/* Byte offset of row 0 of a view, and its stride in floats. */
static size_t view_at(const struct pack *pk, const struct act_view *v, int *ld)
{
    const struct plan *p = &pk->plan;
    assert(v->slot >= 0 && v->slot < pk->slots && v->layer >= 0 && v->layer < p->n_layers && v->rows <= p->batch_pad);
    const struct plan_layer *l = &p->layer[v->layer];
    *ld = v->what == ACT_IN ? l->ld_in : l->ld_out;
    assert(v->column >= 0 && v->cols > 0 && v->column + v->cols <= *ld);
    const size_t at = v->what == ACT_IN ? l->x : v->what == ACT_OUT ? l->y : v->what == ACT_PRE ? l->pre : l->dy;
    return ((size_t)v->slot * p->acts + at + (size_t)v->column) * sizeof(float);
}

/* The view's rows with what lies between them, in one copy: a copy per row costs its wait each time. out: *n floats.
 * Owns: caller frees *out. */
static enum err_code read_block(float **out, size_t *n, struct pack *pk, const struct act_view *v, size_t at, int ld,
                                struct err *e)
{
    *n = (size_t)(v->rows - 1) * (size_t)ld + (size_t)v->cols;
    *out = xcalloc(*n, sizeof **out);
    return buffer_read(pk->buf[BUF_ACTS], at, *out, *n * sizeof **out, e);
}

enum err_code pack_read_act(struct pack *pk, const struct act_view *v, float *out, struct err *e)
{
    int ld;
    size_t n;
    float *block;
    const size_t at = view_at(pk, v, &ld), cols = (size_t)v->cols;
    const enum err_code rc = read_block(&block, &n, pk, v, at, ld, e);
    for (size_t r = 0; r < (size_t)v->rows; r++) memcpy(out + r * cols, block + r * (size_t)ld, cols * sizeof *out);
    free(block);
    return rc;
}

enum err_code pack_write_act(struct pack *pk, const struct act_view *v, const float *in, struct err *e)
{
    int ld;
    size_t n;
    float *block;
    const size_t at = view_at(pk, v, &ld), cols = (size_t)v->cols;
    enum err_code rc = read_block(&block, &n, pk, v, at, ld, e);
    for (size_t r = 0; r < (size_t)v->rows; r++) memcpy(block + r * (size_t)ld, in + r * cols, cols * sizeof *in);
    if (!rc) rc = buffer_write(pk->buf[BUF_ACTS], at, block, n * sizeof *block, e);
    free(block);
    return rc;
}
