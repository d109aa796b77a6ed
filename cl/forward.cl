/* Hidden layers, forward. */

/* One tile of a layer: rows from r0, columns from n0. y = activation(x W + b), zero in padding columns. done: the
 * product is in y already. */
FN void forward_tile(const struct view *v, int layer, int done, int r0, int n0)
{
    float16 t[16];
    __global const struct layer *l = v->layers + layer;
    __global float *y = v->acts + l->y + (size_t)r0 * l->ld_y + n0;
    if (done) tile_load(t, y, l->ld_y);
    else tile_nn(t, v->acts + l->x + (size_t)r0 * l->ld_x, l->ld_x, v->weights + l->w + n0, l->ld_w, l->in_pad);
    const float16 bias = vload16(0, v->weights + l->b + n0);
    const int activation = v->lane->activation;
    if (activation == ACT_RELU) {
        for (int i = 0; i < 16; i++) vstore16(activate(t[i] + bias, ACT_RELU), 0, y + (size_t)i * l->ld_y);
        return;
    }
    __global float *pre = v->acts + l->pre + (size_t)r0 * l->ld_y + n0;
    for (int i = 0; i < 16; i++) {
        const float16 x = t[i] + bias;
        float16 value = activate(x, activation);
        if (activation == ACT_SOFTPLUS) value = below(value, n0, v->lane->width[layer]);
        if (keeps_input(activation)) vstore16(x, 0, pre + (size_t)i * l->ld_y);
        vstore16(value, 0, y + (size_t)i * l->ld_y);
    }
}

/* grid (out_pad / 16, row_tiles, lanes). */
ONE_ITEM __kernel void forward(PACK_ARGS, __global float *acts, __global const float *restrict weights,
                               const int layer, const int done)
{
    const struct view v = view_of(PACK_VALUES, acts, weights, 0);
    forward_tile(&v, layer, done, (int)get_global_id(1) * 16, (int)get_global_id(0) * 16);
}
