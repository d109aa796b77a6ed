/* Gradients by the inputs of layers, through the activation before them. */

/* One tile: rows from r0, inputs from n0 of a layer; writes dy of the layer before, before its activation. done: the
 * product is there. */
PART void back_tile(const struct view *v, int layer, int done, int r0, int n0)
{
    float16 t[16];
    __global const struct layer *l = v->layers + layer, *before = l - 1;
    __global float *dx = v->acts + before->dy + (size_t)r0 * before->ld_y + n0;
    __global const float *x = v->acts + l->x + (size_t)r0 * l->ld_x + n0;
    if (done) strip_load(t, 1, dx, before->ld_y);
    else tile_nt(t, v->acts + l->dy + (size_t)r0 * l->ld_y, l->ld_y, v->weights + l->w + (size_t)n0 * l->ld_w, l->ld_w,
                 l->out_pad);
    const int activation = v->lane->activation, drop = drops(v);
    if (activation == ACT_RELU) { /* what dropout took is not above zero either */
        const float scale = drop ? v->lane->kept : 1.0f;
        ROLLED for (int i = 0; i < 16; i++) {
            const float16 y = vload16(0, x + (size_t)i * l->ld_x);
            vstore16(y > (float16)(0.0f) ? t[i] * scale : (float16)(0.0f), 0, dx + (size_t)i * before->ld_y);
        }
        return;
    }
    const bool kept = keeps_input(activation) || drop || before->gain;
    __global const float *pre = kept ? v->acts + before->pre + (size_t)r0 * before->ld_y + n0 : x;
    float16 gain = (float16)(1.0f), shift = (float16)(0.0f), factor[4];
    if (before->gain) {
        gain = vload16(0, v->weights + before->gain + n0);
        shift = vload16(0, v->weights + before->gain + before->out_pad + n0);
    }
    ROLLED for (int i = 0; i < 16; i++) {
        float16 y = vload16(0, x + (size_t)i * l->ld_x), in = vload16(0, pre + (size_t)i * l->ld_x);
        if (before->gain) in = fma(gain, in, shift);
        if (drop) y = activate(in, activation);
        float16 d = t[i] * slope(y, in, activation);
        if (drop && i % 4 == 0) dropout_factors(factor, v, layer - 1, (r0 + i) / 4, n0);
        if (drop) d *= factor[i % 4];
        vstore16(d, 0, dx + (size_t)i * before->ld_y);
    }
}

/* grid (in_pad / 16, row_tiles, lanes). */
ONE_ITEM __kernel void backward(PACK_ARGS, __global float *acts, __global const float *restrict weights,
                                const int layer, const int done)
{
    const struct view v = view_of(PACK_VALUES, acts, weights, 0);
    back_tile(&v, layer, done, (int)get_global_id(1) * 16, (int)get_global_id(0) * 16);
}
