/* Weight gradients over the batch, and the optimisers, as PyTorch defines them. */

/* What the optimiser keeps of 16 weights: first and second moment, and the mean gradient of centred rmsprop. sgd: m is
 * the velocity; rmsprop: m is the momentum's buffer, v the mean square. */
struct moments {
    __global float *m, *v, *c;
};

FN float16 updated_rmsprop(float16 w, float16 g, struct moments at, __global const struct lane *lane, float lr)
{
    const float16 v = fma((float16)(lane->beta2), vload16(0, at.v), lane->not_beta2 * g * g);
    float16 spread = v;
    vstore16(v, 0, at.v);
    if (lane->centered) {
        const float16 c = fma((float16)(lane->beta2), vload16(0, at.c), lane->not_beta2 * g);
        vstore16(c, 0, at.c);
        spread = fmax(fma(-c, c, v), (float16)(0.0f)); /* rounding may leave it just below */
    }
    float16 step = g / (sqrt(spread) + lane->eps);
    if (lane->momentum > 0.0f) {
        step = fma((float16)(lane->momentum), vload16(0, at.m), step);
        vstore16(step, 0, at.m);
    }
    return fma((float16)(-lr), step, w);
}

/* New weight of 16 columns from gradient g. */
FN float16 updated(float16 w, float16 g, struct moments at, __global const struct lane *lane,
                   __global const struct step *step, float decay)
{
    const int kind = lane->optimizer;
    if (decay > 0.0f) {
        if (kind == OPT_ADAMW) w = fma((float16)(-step->lr * decay), w, w);
        else g = fma((float16)(decay), w, g);
    }
    if (kind == OPT_ADAM || kind == OPT_ADAMW) {
        const float16 m = fma((float16)(lane->beta1), vload16(0, at.m), lane->not_beta1 * g);
        const float16 v = fma((float16)(lane->beta2), vload16(0, at.v), lane->not_beta2 * g * g);
        vstore16(m, 0, at.m);
        vstore16(v, 0, at.v);
        return fma((float16)(-step->lr_adam), m / fma(sqrt(v), (float16)(step->root_adam), (float16)(lane->eps)), w);
    }
    if (kind == OPT_RMSPROP) return updated_rmsprop(w, g, at, lane, step->lr);
    const float16 m = fma((float16)(lane->momentum), vload16(0, at.m), g);
    vstore16(m, 0, at.m);
    return fma((float16)(-step->lr), lane->nesterov ? fma((float16)(lane->momentum), m, g) : m, w);
}

/* The learned deviation, a weight of its own, from the squared errors of all rows. ring: of this step. */
FN void update_sigma(const struct view *v, __global float *weight, struct moments at, __global const float *ring)
{
    const float raw = *weight, count = (float)v->step->rows * (float)v->shape->data;
    float squares = 0.0f;
    for (int i = 0; i < v->shape->row_tiles; i++) squares += ring[4 * i + 2];
    const float slope = 1.0f / (1.0f + exp(SIGMA_FLOOR - raw));
    const float g = fma(-squares, exp(-2.0f * log_sigma(v)), count) * v->step->scale * slope;
    const float16 column = below((float16)(g), 0, 1);
    vstore16(updated(vload16(0, weight), column, at, v->lane, v->step, 0.0f), 0, weight);
}

/* grid (tiles, 1, lanes): all 16 x 16 tiles of all layers' W; `first` and the grid choose a part. A layer's first row
 * of tiles does its bias too. moment1 to moment3 (slots, params) · grads (slots, grads): with `done`, the layer's gradient
 * by a GEMM library, laid out as W. */
ONE_ITEM __kernel void update(PACK_ARGS, __global float *acts, __global float *weights, __global float *moment1,
                              __global float *moment2, __global float *moment3, __global const float *restrict grads,
                              __global const float *restrict ring, const int first, const int done)
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
        const struct moments at_p = {moment1 + p, moment2 + p, moment3 + p};
        vstore16(updated(vload16(0, weights + p), t[i], at_p, v.lane, v.step, v.lane->weight_decay), 0, weights + p);
    }
    if (m0 == 0) {
        float16 g = (float16)(0.0f);
        for (int r = 0; r < rows; r++) g += vload16(0, dy + (size_t)r * l->ld_y);
        const size_t p = lane_params + (size_t)l->b + n0;
        const struct moments at_p = {moment1 + p, moment2 + p, moment3 + p};
        vstore16(updated(vload16(0, weights + p), g, at_p, v.lane, v.step, v.lane->bias_decay), 0, weights + p);
    }
    if (tile == 0 && shape->likelihood == LIKE_GAUSS_LEARNED) {
        const size_t p = lane_params + (size_t)shape->sigma;
        const struct moments at_p = {moment1 + p, moment2 + p, moment3 + p};
        update_sigma(&v, weights + p, at_p, ring + v.place * (size_t)shape->row_tiles * 4);
    }
}

/* best (slots, params) = weights of one slot. grid (params / 16). */
ONE_ITEM __kernel void keep_best(__global const float *restrict weights, __global float *restrict best,
                                 const uint slot, const uint params)
{
    const size_t at = (size_t)slot * params + get_global_id(0) * 16;
    vstore16(vload16(0, weights + at), 0, best + at);
}
