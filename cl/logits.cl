/* The last layer without a loss: what the decoder says of each value, for the use of a trained model. */

/* grid (data_pad / 16, row_tiles, lanes). Logits = x W + b, where training leaves its gradient by them. */
ONE_ITEM __kernel void logits(PACK_ARGS, __global float *acts, __global const float *restrict weights)
{
    const struct view v = view_of(PACK_VALUES, acts, weights, 0);
    __global const struct layer *l = layers + shape->n_layers - 1;
    const int r0 = (int)get_global_id(1) * 16, n0 = (int)get_global_id(0) * 16;
    float16 t[16];
    strip_nn(t, 1, v.acts + l->x + (size_t)r0 * l->ld_x, l->ld_x, v.weights + l->w + n0, l->ld_w, l->in_pad);
    const float16 bias = vload16(0, v.weights + l->b + n0);
    for (int i = 0; i < 16; i++) vstore16(t[i] + bias, 0, v.acts + l->dy + (size_t)(r0 + i) * l->ld_y + n0);
}
