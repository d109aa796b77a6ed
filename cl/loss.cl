/* The last layer: Bernoulli likelihood from logits and its gradient. */

/* Logits = x W + b for 16 rows and 16 columns from n0; dy = (sigmoid(logit) - x) scale, zero in padding and beyond the
 * true rows. Returns per column the sum over rows of max(l, 0) - l x + log(1 + e^-|l|). The logarithms of 16 rows are
 * one logarithm of their product, which is at most 2^16. done: the product is in dy already. */
FN float16 loss_tile(const struct view *v, int done, int r0, int n0)
{
    float16 t[16];
    __global const struct layer *l = v->layers + v->shape->n_layers - 1;
    __global const float *x_row = v->acts + v->layers[0].x + (size_t)r0 * v->layers[0].ld_x + n0;
    __global float *dy = v->acts + l->dy + (size_t)r0 * l->ld_y + n0;
    if (done) tile_load(t, dy, l->ld_y);
    else tile_nn(t, v->acts + l->x + (size_t)r0 * l->ld_x, l->ld_x, v->weights + l->w + n0, l->ld_w, l->in_pad);
    const float16 bias = vload16(0, v->weights + l->b + n0), scale = (float16)(v->step->scale);
    float16 sum = (float16)(0.0f), product = (float16)(1.0f);
    for (int i = 0; i < 16; i++) {
        const bool real = r0 + i < v->step->rows;
        const float16 logit = t[i] + bias;
        const float16 x = vload16(0, x_row + (size_t)i * v->layers[0].ld_x);
        const float16 e = exp(-fabs(logit));
        const float16 inverse = 1.0f / (1.0f + e);
        const float16 sigmoid = logit < (float16)(0.0f) ? e * inverse : inverse;
        if (real) {
            sum += fma(-logit, x, fmax(logit, (float16)(0.0f)));
            product *= 1.0f + e;
        }
        const float16 d = below((sigmoid - x) * scale, n0, v->shape->data);
        vstore16(real ? d : (float16)(0.0f), 0, dy + (size_t)i * l->ld_y);
    }
    return below(sum + log(product), n0, v->shape->data);
}

/* grid (loss_tiles, row_tiles, lanes); parts (slots, parts): loss sums (row_tiles, loss_tiles) first. */
ONE_ITEM __kernel void loss(PACK_ARGS, __global float *acts, __global const float *restrict weights,
                            __global float *restrict parts, const int done)
{
    const struct view v = view_of(PACK_VALUES, acts, weights, 0);
    const int tile = (int)get_global_id(0), row_tile = (int)get_global_id(1);
    const float16 sum = loss_tile(&v, done, row_tile * 16, tile * 16);
    parts[v.slot * shape->parts + (size_t)row_tile * shape->loss_tiles + tile] = sum16(sum);
}

/* ring (active, n_steps, row_tiles, 2): reconstruction and KL of 16 rows, from the tiles' sums. grid (1, row_tiles,
 * lanes). */
ONE_ITEM __kernel void sums(PACK_ARGS, __global const float *restrict parts, __global float *restrict ring)
{
    const struct view v = view_of(PACK_VALUES, 0, 0, 0);
    const size_t row_tile = get_global_id(1);
    __global const float *rec = parts + v.slot * shape->parts + row_tile * shape->loss_tiles;
    __global const float *kl = parts + v.slot * shape->parts + (size_t)shape->row_tiles * shape->loss_tiles +
                               row_tile * shape->latent_tiles;
    float rec_sum = 0.0f, kl_sum = 0.0f;
    for (int i = 0; i < shape->loss_tiles; i++) rec_sum += rec[i];
    for (int i = 0; i < shape->latent_tiles; i++) kl_sum += kl[i];
    vstore2((float2)(rec_sum, kl_sum), v.place * (size_t)shape->row_tiles + row_tile, ring);
}
