/* Weight gradients over the batch, and the optimisers, as PyTorch defines them. */

/* New weight of 16 columns from gradient g. m, v: first and second moment (sgd: m is the velocity; rmsprop: v
 * alone). */
FN float16 updated(float16 w, float16 g, __global float *m, __global float *v, __global const struct lane *lane,
                   __global const struct step *step)
{
    if (lane->optimizer == OPT_ADAM) {
        const float16 m1 = fma((float16)(lane->beta1), vload16(0, m), lane->not_beta1 * g);
        const float16 v1 = fma((float16)(lane->beta2), vload16(0, v), lane->not_beta2 * g * g);
        vstore16(m1, 0, m);
        vstore16(v1, 0, v);
        return fma((float16)(-step->lr_adam), m1 / fma(sqrt(v1), (float16)(step->root_adam), (float16)(lane->eps)), w);
    }
    if (lane->optimizer == OPT_RMSPROP) {
        const float16 v1 = fma((float16)(lane->beta2), vload16(0, v), lane->not_beta2 * g * g);
        vstore16(v1, 0, v);
        return fma((float16)(-step->lr), g / (sqrt(v1) + lane->eps), w);
    }
    const float16 m1 = fma((float16)(lane->momentum), vload16(0, m), g);
    vstore16(m1, 0, m);
    return fma((float16)(-step->lr), m1, w);
}

/* grid (tiles, 1, lanes): all 16 x 16 tiles of all layers' W; `first` and the grid choose a part. A layer's first row
 * of tiles does its bias too. moment1, moment2 (slots, params) · grads (slots, grads): with `done`, the layer's gradient
 * by a GEMM library, laid out as W. */
ONE_ITEM __kernel void update(PACK_ARGS, __global float *acts, __global float *weights, __global float *moment1,
                              __global float *moment2, __global const float *restrict grads, const int first,
                              const int done)
{
    const struct view v = view_of(PACK_VALUES, acts, weights, 0);
    const int tile = first + (int)get_global_id(0);
    __global const struct layer *l = layers;
    for (int i = 1; i < shape->n_layers && layers[i].first_tile <= tile; i++) l = layers + i;
    const int across = l->out_pad / 16, at = tile - l->first_tile;
    const int m0 = at / across * 16, n0 = at % across * 16, rows = shape->batch_pad;
    __global const float *dy = v.acts + l->dy + n0;
    const size_t lane_params = v.slot * shape->params;
    float16 t[16];
    if (done) tile_load(t, grads + v.slot * shape->grads + (size_t)m0 * l->ld_w + n0, l->ld_w);
    else tile_tn(t, v.acts + l->x + m0, l->ld_x, dy, l->ld_y, rows);
    for (int i = 0; i < 16; i++) {
        const size_t p = lane_params + (size_t)l->w + (size_t)(m0 + i) * l->ld_w + n0;
        vstore16(updated(vload16(0, weights + p), t[i], moment1 + p, moment2 + p, v.lane, v.step), 0, weights + p);
    }
    if (m0 == 0) {
        float16 g = (float16)(0.0f);
        for (int r = 0; r < rows; r++) g += vload16(0, dy + (size_t)r * l->ld_y);
        const size_t p = lane_params + (size_t)l->b + n0;
        vstore16(updated(vload16(0, weights + p), g, moment1 + p, moment2 + p, v.lane, v.step), 0, weights + p);
    }
}

/* best (slots, params) = weights of one slot. grid (params / 16). */
ONE_ITEM __kernel void keep_best(__global const float *restrict weights, __global float *restrict best,
                                 const uint slot, const uint params)
{
    const size_t at = (size_t)slot * params + get_global_id(0) * 16;
    vstore16(vload16(0, weights + at), 0, best + at);
}
