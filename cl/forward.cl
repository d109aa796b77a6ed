/* Hidden layers, forward. */

/* y of one tile from what its activation sees: rows from r0, columns from n0, zero in padding columns. Keeps that where the
 * way back needs it and no norm has it. */
FN void activate_tile(const struct view *v, int layer, const float16 *x, int r0, int n0)
{
    __global const struct layer *l = v->layers + layer;
    __global float *y = v->acts + l->y + (size_t)r0 * l->ld_y + n0;
    const int activation = v->lane->activation, drop = drops(v);
    if (activation == ACT_RELU && !drop) {
        for (int i = 0; i < 16; i++) vstore16(activate(x[i], ACT_RELU), 0, y + (size_t)i * l->ld_y);
        return;
    }
    __global float *pre = v->acts + l->pre + (size_t)r0 * l->ld_y + n0;
    const bool keep = l->gain == 0 && (keeps_input(activation) || drop);
    float16 factor[4];
    for (int i = 0; i < 16; i++) {
        float16 value = activate(x[i], activation);
        if (activation == ACT_SOFTPLUS) value = below(value, n0, v->lane->width[layer]);
        if (drop && i % 4 == 0) dropout_factors(factor, v, layer, (r0 + i) / 4, n0);
        if (drop) value *= factor[i % 4];
        if (keep) vstore16(x[i], 0, pre + (size_t)i * l->ld_y);
        vstore16(value, 0, y + (size_t)i * l->ld_y);
    }
}

/* One tile of a layer: y = dropout(activation(x W + b)); with a norm only what it takes, for norm_rows(). done: the product
 * is in y already. */
FN void forward_tile(const struct view *v, int layer, int done, int r0, int n0)
{
    float16 t[16];
    __global const struct layer *l = v->layers + layer;
    if (done) tile_load(t, v->acts + l->y + (size_t)r0 * l->ld_y + n0, l->ld_y);
    else tile_nn(t, v->acts + l->x + (size_t)r0 * l->ld_x, l->ld_x, v->weights + l->w + n0, l->ld_w, l->in_pad);
    const float16 bias = vload16(0, v->weights + l->b + n0);
    for (int i = 0; i < 16; i++) t[i] += bias;
    if (l->gain == 0) {
        activate_tile(v, layer, t, r0, n0);
        return;
    }
    __global float *pre = v->acts + l->pre + (size_t)r0 * l->ld_y + n0;
    for (int i = 0; i < 16; i++) vstore16(t[i], 0, pre + (size_t)i * l->ld_y);
}

/* grid (out_pad / 16, row_tiles, lanes). */
ONE_ITEM __kernel void forward(PACK_ARGS, __global float *acts, __global const float *restrict weights,
                               const int layer, const int done)
{
    const struct view v = view_of(PACK_VALUES, acts, weights, 0);
    forward_tile(&v, layer, done, (int)get_global_id(1) * 16, (int)get_global_id(0) * 16);
}
