/* Hidden layers, forward. */

/* y of one tile from what its activation sees: rows from r0, columns from n0, zero in padding columns. Keeps that where the
 * way back needs it and no norm has it. */
PART void activate_tile(const struct view *v, int layer, const float16 *x, int r0, int n0)
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
    ROLLED for (int i = 0; i < 16; i++) {
        float16 value = activate(x[i], activation);
        if (activation == ACT_SOFTPLUS) value = below(value, n0, v->lane->width[layer]);
        if (drop && i % 4 == 0) dropout_factors(factor, v, layer, (r0 + i) / 4, n0);
        if (drop) value *= factor[i % 4];
        if (keep) vstore16(x[i], 0, pre + (size_t)i * l->ld_y);
        vstore16(value, 0, y + (size_t)i * l->ld_y);
    }
}

/* What follows the product t of 16 rows from r0 and 16 columns from n0: y = dropout(activation(t + b)); with a norm
 * only what it takes, for norm_rows(). */
FN void forward_tile(const struct view *v, int layer, float16 *t, int r0, int n0)
{
    __global const struct layer *l = v->layers + layer;
    const float16 bias = vload16(0, v->weights + l->b + n0);
    for (int i = 0; i < 16; i++) t[i] += bias;
    if (l->gain == 0) {
        activate_tile(v, layer, t, r0, n0);
        return;
    }
    __global float *pre = v->acts + l->pre + (size_t)r0 * l->ld_y + n0;
    for (int i = 0; i < 16; i++) vstore16(t[i], 0, pre + (size_t)i * l->ld_y);
}

/* One strip of a layer. done: the product is in y already. */
PART void forward_strip(const struct view *v, int layer, int done, int r0, struct strip s)
{
    float16 t[16 * WIDE_MOST];
    __global const struct layer *l = v->layers + layer;
    const int n0 = 16 * s.first;
    if (done) strip_load(t, s.wide, v->acts + l->y + (size_t)r0 * l->ld_y + n0, l->ld_y);
    else strip_nn(t, s.wide, v->acts + l->x + (size_t)r0 * l->ld_x, l->ld_x, v->weights + l->w + n0, l->ld_w,
                  l->in_pad);
    ROLLED for (int n = 0; n < s.wide; n++) forward_tile(v, layer, t + 16 * n, r0, n0 + 16 * n);
}

/* grid (strips, row_tiles, lanes). */
ONE_ITEM __kernel void forward(PACK_ARGS, __global float *acts, __global const float *restrict weights,
                               const int layer, const int done)
{
    const struct view v = view_of(PACK_VALUES, acts, weights, 0);
    const struct strip s = strip_at((int)get_global_id(0), layers[layer].out_pad / 16, shape->wide);
    forward_strip(&v, layer, done, (int)get_global_id(1) * 16, s);
}
