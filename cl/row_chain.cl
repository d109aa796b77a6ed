/* The chain plan's first launch: some rows through the whole network and back. Rows meet only in the weight gradients,
 * so nothing here waits for another work-group: one launch instead of one per layer. Rows that share a work-group take
 * each strip of weights in turn, while it is near. */

#define CHAIN_MOST 8 /* row tiles of one work-group; as in model/launches.c */

/* Row tiles first .. first + n - 1. */
struct rows {
    int first, n;
};

/* Sums over the rows of each tile: of loss_tile() and of the KL. */
struct chain_sums {
    float16 rec[CHAIN_MOST];
    float kl[CHAIN_MOST];
};

PART void chain_layer(const struct view *v, int layer, struct rows rows)
{
    const int tiles = v->layers[layer].out_pad / 16, strips = strips_of(tiles, v->shape->wide);
    for (int n = 0; n < strips; n++) {
        const struct strip s = strip_at(n, tiles, v->shape->wide);
        for (int r = 0; r < rows.n; r++) forward_strip(v, layer, 0, (rows.first + r) * 16, s);
    }
    for (int r = 0; r < rows.n && v->layers[layer].gain; r++) norm_rows(v, layer, (rows.first + r) * 16);
}

FN void chain_heads(const struct view *v, __global float *stats, __global float *means, struct rows rows,
                    struct chain_sums *sums)
{
    for (int r = 0; r < rows.n; r++) sums->kl[r] = 0.0f;
    for (int j = 0; j < v->shape->latent_pad; j += 16) {
        for (int r = 0; r < rows.n; r++) {
            const int r0 = (rows.first + r) * 16;
            sums->kl[r] += latent_tile(v, 0, r0, j, latent_places(v, stats, means, r0));
        }
    }
}

FN void chain_loss(const struct view *v, struct rows rows, struct chain_sums *sums)
{
    const int tiles = v->shape->loss_tiles, strips = strips_of(tiles, v->shape->wide);
    float16 t[16 * WIDE_MOST];
    for (int r = 0; r < rows.n; r++) sums->rec[r] = (float16)(0.0f);
    for (int n = 0; n < strips; n++) {
        const struct strip s = strip_at(n, tiles, v->shape->wide);
        for (int r = 0; r < rows.n; r++) {
            const int r0 = (rows.first + r) * 16;
            loss_products(t, v, 0, r0, s);
            for (int i = 0; i < s.wide; i++) sums->rec[r] += loss_tile(v, t + 16 * i, r0, 16 * (s.first + i));
        }
    }
}

FN void chain_backward(const struct view *v, struct rows rows)
{
    for (int n = v->shape->n_layers - 1; n > 0; n--) {
        const bool latent = n == v->shape->heads + 1;
        const int columns = latent ? v->shape->latent_pad : v->layers[n].in_pad;
        for (int j = 0; j < columns; j += 16) {
            for (int r = 0; r < rows.n; r++) {
                const int r0 = (rows.first + r) * 16;
                if (latent) back_latent_tile(v, 0, r0, j, 0);
                else back_tile(v, n, 0, r0, j);
            }
        }
        for (int r = 0; r < rows.n && !latent && v->layers[n - 1].gain; r++) {
            back_norm_rows(v, n - 1, (rows.first + r) * 16);
        }
    }
}

/* A step for these rows, but for the weights; ring (active, n_steps, row_tiles, 4). */
FN void chain_rows(const struct view *v, __global const uchar *data, __global float *ring, __global float *stats,
                   __global float *means, struct rows rows)
{
    struct chain_sums sums;
    for (int r = 0; r < rows.n; r++) gather_rows(v, data, (rows.first + r) * 16);
    for (int n = 0; n < v->shape->heads; n++) chain_layer(v, n, rows);
    chain_heads(v, stats, means, rows, &sums);
    for (int n = v->shape->heads + 1; n < v->shape->n_layers - 1; n++) chain_layer(v, n, rows);
    chain_loss(v, rows, &sums);
    for (int r = 0; r < rows.n; r++) {
        const int tile = rows.first + r;
        const float4 entry = ring_entry(v, sum16(sums.rec[r]), sums.kl[r], tile * 16);
        vstore4(entry, v->place * (size_t)v->shape->row_tiles + tile, ring);
    }
    if (v->step->mode != STEP_EVAL) chain_backward(v, rows);
}

/* grid (1, row_tiles / each, lanes), each row tiles to a work-group. */
ONE_ITEM __kernel void row_chain(PACK_ARGS, __global float *acts, __global const float *restrict weights,
                                 __global const uchar *restrict data, __global const uint *restrict order,
                                 __global float *restrict ring, __global float *restrict stats,
                                 __global float *restrict means, const int each)
{
    const struct view v = view_of(PACK_VALUES, acts, weights, order);
    struct rows rows;
    rows.first = (int)get_global_id(1) * each;
    rows.n = min(each, shape->row_tiles - rows.first);
    chain_rows(&v, data, ring, stats, means, rows);
}
