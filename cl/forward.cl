/* Hidden layers, forward. */

/* y (16, 16) = activation(t + b). Activations are zero at zero, so padding stays zero. */
FN void forward_store(const float16 *t, __global float *y, int ld, __global const float *b, int activation)
{
    const float16 bias = vload16(0, b);
    for (int i = 0; i < 16; i++) {
        float16 v = t[i] + bias;
        if (activation == ACT_TANH) v = tanh(v);
        else v = v < (float16)(0.0f) ? (float16)(0.0f) : v; /* lets NaN through, as PyTorch */
        vstore16(v, 0, y + (size_t)i * ld);
    }
}

/* One tile of layer l: rows from r0, columns from n0. done: the product is in y already. */
FN void forward_tile(__global float *acts, __global const float *weights, __global const struct layer *l,
                         int activation, int done, int r0, int n0)
{
    float16 t[16];
    __global float *y = acts + l->y + (size_t)r0 * l->ld_y + n0;
    if (done) tile_load(t, y, l->ld_y);
    else tile_nn(t, acts + l->x + (size_t)r0 * l->ld_x, l->ld_x, weights + l->w + n0, l->ld_w, l->in_pad);
    forward_store(t, y, l->ld_y, weights + l->b + n0, activation);
}

/* grid (out_pad / 16, row_tiles, lanes); acts (slots, acts), weights (slots, params). */
ONE_ITEM __kernel void forward(PACK_ARGS, __global float *acts, __global const float *restrict weights, const int layer,
                               const int done)
{
    PACK_INDEX;
    (void)step;
    forward_tile(acts + slot * shape->acts, weights + slot * shape->params, layers + layer, lane->activation, done,
                 (int)get_global_id(1) * 16, (int)get_global_id(0) * 16);
}
