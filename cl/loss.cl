/* The last layer: Bernoulli likelihood from logits and its gradient. */

/* Logits = t + b for 16 rows and 16 columns from n0; dy = (sigmoid(logit) - x) scale, zero in padding and beyond the
 * true rows. Returns per column the sum over rows of max(l, 0) - l x + log(1 + e^-|l|). The logarithms of 16 rows are
 * one logarithm of their product, which is at most 2^16. */
FN float16 loss_store(const float16 *t, __global float *acts, __global const float *weights,
                          __global const struct shape *restrict shape, __global const struct layer *restrict layers,
                          __global const struct step *restrict step, int r0, int n0)
{
    __global const struct layer *l = layers + shape->n_layers - 1;
    const float16 bias = vload16(0, weights + l->b + n0), scale = (float16)(step->scale);
    float16 sum = (float16)(0.0f), product = (float16)(1.0f);
    for (int i = 0; i < 16; i++) {
        const bool real = r0 + i < step->rows;
        const float16 v = t[i] + bias;
        const float16 x = vload16(0, acts + layers[0].x + (size_t)(r0 + i) * layers[0].ld_x + n0);
        const float16 e = exp(-fabs(v));
        const float16 inverse = 1.0f / (1.0f + e);
        const float16 sigmoid = v < (float16)(0.0f) ? e * inverse : inverse;
        if (real) {
            sum += fma(-v, x, fmax(v, (float16)(0.0f)));
            product *= 1.0f + e;
        }
        const float16 d = below((sigmoid - x) * scale, n0, shape->data);
        vstore16(real ? d : (float16)(0.0f), 0, acts + l->dy + (size_t)(r0 + i) * l->ld_y + n0);
    }
    return below(sum + log(product), n0, shape->data);
}

FN float16 loss_tile(__global float *acts, __global const float *weights, __global const struct shape *restrict shape,
                         __global const struct layer *restrict layers, __global const struct step *restrict step, int done,
                         int r0, int n0)
{
    float16 t[16];
    __global const struct layer *l = layers + shape->n_layers - 1;
    if (done) tile_load(t, acts + l->dy + (size_t)r0 * l->ld_y + n0, l->ld_y);
    else tile_nn(t, acts + l->x + (size_t)r0 * l->ld_x, l->ld_x, weights + l->w + n0, l->ld_w, l->in_pad);
    return loss_store(t, acts, weights, shape, layers, step, r0, n0);
}

/* grid (loss_tiles, row_tiles, lanes); parts (slots, parts): loss sums (row_tiles, loss_tiles) first. done: the product is
 * in dy already. */
ONE_ITEM __kernel void loss(PACK_ARGS, __global float *acts, __global const float *restrict weights,
                            __global float *restrict parts, const int done)
{
    PACK_INDEX;
    (void)lane;
    const int tile = (int)get_global_id(0), row_tile = (int)get_global_id(1);
    const float16 sum = loss_tile(acts + slot * shape->acts, weights + slot * shape->params, shape, layers, step, done,
                                  row_tile * 16, tile * 16);
    parts[slot * shape->parts + (size_t)row_tile * shape->loss_tiles + tile] = sum16(sum);
}

/* ring (active, n_steps, row_tiles, 2): reconstruction and KL of 16 rows, from the tiles' sums. grid (1, row_tiles,
 * lanes). */
ONE_ITEM __kernel void sums(PACK_ARGS, __global const float *restrict parts, __global float *restrict ring)
{
    PACK_INDEX;
    (void)lane;
    (void)step;
    const int row_tile = (int)get_global_id(1);
    __global const float *rec = parts + slot * shape->parts + (size_t)row_tile * shape->loss_tiles;
    __global const float *kl = parts + slot * shape->parts + (size_t)shape->row_tiles * shape->loss_tiles +
                               (size_t)row_tile * shape->latent_tiles;
    float rec_sum = 0.0f, kl_sum = 0.0f;
    for (int i = 0; i < shape->loss_tiles; i++) rec_sum += rec[i];
    for (int i = 0; i < shape->latent_tiles; i++) kl_sum += kl[i];
    vstore2((float2)(rec_sum, kl_sum), place * (size_t)shape->row_tiles + row_tile, ring);
}
