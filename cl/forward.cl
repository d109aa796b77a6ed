/* Hidden layers, forward. */

/* One tile of a layer: rows from r0, columns from n0. y = activation(x W + b). Activations are zero at zero, so padding
 * stays zero. done: the product is in y already. */
FN void forward_tile(const struct view *v, int layer, int done, int r0, int n0)
{
    float16 t[16];
    __global const struct layer *l = v->layers + layer;
    __global float *y = v->acts + l->y + (size_t)r0 * l->ld_y + n0;
    if (done) tile_load(t, y, l->ld_y);
    else tile_nn(t, v->acts + l->x + (size_t)r0 * l->ld_x, l->ld_x, v->weights + l->w + n0, l->ld_w, l->in_pad);
    const float16 bias = vload16(0, v->weights + l->b + n0);
    const int activation = v->lane->activation;
    for (int i = 0; i < 16; i++) {
        float16 x = t[i] + bias;
        if (activation == ACT_TANH) x = tanh(x);
        else x = x < (float16)(0.0f) ? (float16)(0.0f) : x; /* lets NaN through, as PyTorch */
        vstore16(x, 0, y + (size_t)i * l->ld_y);
    }
}

/* grid (out_pad / 16, row_tiles, lanes). */
ONE_ITEM __kernel void forward(PACK_ARGS, __global float *acts, __global const float *restrict weights,
                               const int layer, const int done)
{
    const struct view v = view_of(PACK_VALUES, acts, weights, 0);
    forward_tile(&v, layer, done, (int)get_global_id(1) * 16, (int)get_global_id(0) * 16);
}
