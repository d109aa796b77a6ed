/* Weight gradients over the batch, and the optimisers, as PyTorch defines them. */

/* What the optimiser keeps of 16 weights: first and second moment, and the mean gradient of centred rmsprop. sgd: m is
 * the velocity; rmsprop: m is the momentum's buffer, v the mean square. */
struct moments {
    __global float *m, *v, *c;
};

PART float16 updated_rmsprop(float16 w, float16 g, struct moments at, __global const struct lane *lane, float lr)
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

/* Adam's constants of a step, and what it makes of 16 weights. */
struct adam {
    float16 beta1, not_beta1, beta2, not_beta2, root, eps, minus_lr;
};
FN struct adam adam_of(const struct view *v)
{
    struct adam a;
    a.beta1 = (float16)(v->lane->beta1);
    a.not_beta1 = (float16)(v->lane->not_beta1);
    a.beta2 = (float16)(v->lane->beta2);
    a.not_beta2 = (float16)(v->lane->not_beta2);
    a.root = (float16)(v->step->root_adam);
    a.eps = (float16)(v->lane->eps);
    a.minus_lr = (float16)(-v->step->lr_adam);
    return a;
}
FN float16 updated_adam(float16 w, float16 g, struct moments at, const struct adam *a)
{
    const float16 m = fma(a->beta1, vload16(0, at.m), a->not_beta1 * g);
    const float16 v = fma(a->beta2, vload16(0, at.v), a->not_beta2 * g * g);
    vstore16(m, 0, at.m);
    vstore16(v, 0, at.v);
    return fma(a->minus_lr, m / fma(sqrt(v), a->root, a->eps), w);
}

/* New weight of 16 columns from gradient g. */
FN float16 updated(const struct view *view, float16 w, float16 g, struct moments at, float decay)
{
    __global const struct lane *lane = view->lane;
    __global const struct step *step = view->step;
    const int kind = lane->optimizer;
    if (decay > 0.0f) {
        if (kind == OPT_ADAMW) w = fma((float16)(-step->lr * decay), w, w);
        else g = fma((float16)(decay), w, g);
    }
    if (kind == OPT_ADAM || kind == OPT_ADAMW) {
        const struct adam a = adam_of(view);
        return updated_adam(w, g, at, &a);
    }
    if (kind == OPT_RMSPROP) return updated_rmsprop(w, g, at, lane, step->lr);
    const float16 m = fma((float16)(lane->momentum), vload16(0, at.m), g);
    vstore16(m, 0, at.m);
    return fma((float16)(-step->lr), lane->nesterov ? fma((float16)(lane->momentum), m, g) : m, w);
}

/* Gradient by the learned deviation's weight, in the first column, from the squared errors of all rows. ring: of this
 * step. */
PART float16 sigma_gradient(const struct view *v, __global const float *ring)
{
    const float raw = v->weights[v->shape->sigma], count = (float)v->step->rows * (float)v->shape->data;
    float squares = 0.0f;
    for (int i = 0; i < v->shape->row_tiles; i++) squares += ring[4 * i + 2];
    const float slope = 1.0f / (1.0f + exp(SIGMA_FLOOR - raw));
    const float g = fma(-squares, exp(-2.0f * log_sigma(v)), count) * v->step->scale * slope;
    return below((float16)(g), 0, 1);
}

/* One strip of a layer's W: 16 rows from m0, columns from n0; tile: the first of its tiles among all. */
struct place {
    __global const struct layer *l;
    int m0, n0, wide, tile;
};
FN struct place place_of(const struct view *v, int strip)
{
    struct place p;
    p.l = v->layers;
    for (int i = 1; i < v->shape->n_layers && v->layers[i].first_strip <= strip; i++) p.l = v->layers + i;
    const int across = p.l->out_pad / 16, strips = strips_of(across, v->shape->wide), at = strip - p.l->first_strip;
    const struct strip s = strip_at(at % strips, across, v->shape->wide);
    p.m0 = at / strips * 16;
    p.n0 = s.first * 16;
    p.wide = s.wide;
    p.tile = p.l->first_tile + at / strips * across + s.first;
    return p;
}

FN void weight_gradient(float16 *t, const struct view *v, struct place p)
{
    strip_tn(t, p.wide, v->acts + p.l->x + p.m0, p.l->ld_x, v->acts + p.l->dy + p.n0, p.l->ld_y, v->shape->batch_pad);
}

PART float16 bias_gradient(const struct view *v, struct place p, int n)
{
    __global const float *dy = v->acts + p.l->dy + p.n0 + 16 * n;
    float16 g = (float16)(0.0f);
    for (int r = 0; r < v->shape->batch_pad; r++) g += vload16(0, dy + (size_t)r * p.l->ld_y);
    return g;
}

/* Of layer norm's gain (0) or shift (1), from the sums of 16 rows each. */
PART float16 norm_gradient(const struct view *v, struct place p, int n, int which)
{
    __global const float *sums = v->acts + p.l->dgain + which * p.l->out_pad + p.n0 + 16 * n;
    float16 g = (float16)(0.0f);
    for (int i = 0; i < v->shape->row_tiles; i++) g += vload16(0, sums + (size_t)i * 2 * p.l->out_pad);
    return g;
}

/* Where the gradient's length counts: all gradients, laid out as the weights, and each tile's squares. grid (strips, 1,
 * lanes). done: those of W are there. */
ONE_ITEM __kernel void gradients(PACK_ARGS, __global float *acts, __global const float *restrict weights,
                                 __global float *restrict grads, __global const float *restrict ring,
                                 __global float *restrict parts, const int done)
{
    const struct view v = view_of(PACK_VALUES, acts, weights, 0);
    const int strip = (int)get_global_id(0);
    const struct place p = place_of(&v, strip);
    __global float *g = grads + v.slot * shape->grads, *w = g + p.l->w + (size_t)p.m0 * p.l->ld_w + p.n0;
    __global float *part = parts + v.slot * shape->parts + shape->norms + p.tile;
    float16 t[16 * WIDE_MOST];
    if (done) strip_load(t, p.wide, w, p.l->ld_w);
    else weight_gradient(t, &v, p);
    ROLLED for (int n = 0; n < p.wide; n++) {
        float16 squares = (float16)(0.0f);
        ROLLED for (int i = 0; i < 16; i++) {
            squares = fma(t[16 * n + i], t[16 * n + i], squares);
            vstore16(t[16 * n + i], n, w + (size_t)i * p.l->ld_w);
        }
        if (p.m0 == 0) {
            const float16 b = bias_gradient(&v, p, n);
            squares = fma(b, b, squares);
            vstore16(b, n, g + p.l->b + p.n0);
        }
        for (int i = 0; i < 2 && p.m0 == 0 && p.l->gain; i++) {
            const float16 b = norm_gradient(&v, p, n, i);
            squares = fma(b, b, squares);
            vstore16(b, n, g + p.l->gain + i * p.l->out_pad + p.n0);
        }
        if (p.tile + n == 0 && shape->likelihood == LIKE_GAUSS_LEARNED) {
            const float16 s = sigma_gradient(&v, ring + v.place * (size_t)shape->row_tiles * 4);
            squares = fma(s, s, squares);
            vstore16(s, 0, g + shape->sigma);
        }
        part[n] = sum16(squares);
    }
}

/* The gradient's length to norms (active, n_steps), and behind the tiles' squares the factor on it; -1: no step. grid
 * (1, 1, lanes). */
ONE_ITEM __kernel void norm(PACK_ARGS, __global float *restrict parts, __global float *restrict norms)
{
    const struct view v = view_of(PACK_VALUES, 0, 0, 0);
    __global float *squares = parts + v.slot * shape->parts + shape->norms;
    float sum = 0.0f;
    for (int i = 0; i < shape->tiles; i++) sum += squares[i];
    const float length = sqrt(sum), clip = v.lane->clip, skip = v.lane->skip;
    float factor = clip > 0.0f ? fmin(1.0f, clip / (length + 1e-6f)) : 1.0f;
    if (!isfinite(length)) factor = length; /* whoever does not skip it shall see it */
    if (skip > 0.0f && !(length <= skip)) factor = -1.0f;
    norms[v.place] = length;
    squares[shape->tiles] = factor;
}

/* 16 weights by their gradient; decay: how much they decay. */
struct arenas {
    __global float *weights, *m, *v, *c, *ema;
};
FN void update_16(const struct view *v, struct arenas a, size_t at, float16 g, float decay)
{
    const struct moments moments = {a.m + at, a.v + at, a.c + at};
    const float16 w = updated(v, vload16(0, a.weights + at), g, moments, decay);
    vstore16(w, 0, a.weights + at);
    if (v->lane->ema == 0.0f) return;
    const float keep = v->step->ema;
    vstore16(fma((float16)(keep), vload16(0, a.ema + at), (1.0f - keep) * w), 0, a.ema + at);
}

/* update_16() for a strip of W where there is Adam and nothing else: most trials, and nothing to ask on the way. */
FN bool plain_adam(const struct view *v)
{
    const bool adam = v->lane->optimizer == OPT_ADAM || v->lane->optimizer == OPT_ADAMW;
    return adam && v->lane->weight_decay == 0.0f && v->lane->ema == 0.0f;
}
PART void adam_strip(const struct view *v, struct arenas a, size_t first, int ld, int wide, const float16 *t)
{
    const struct adam adam = adam_of(v);
    ROLLED for (int i = 0; i < 16; i++) {
        ROLLED for (int n = 0; n < wide; n++) {
            const size_t at = first + (size_t)i * ld + 16 * n;
            const struct moments moments = {a.m + at, a.v + at, 0};
            FETCH_TO_WRITE(a.m + at + 3 * (size_t)ld);
            FETCH_TO_WRITE(a.v + at + 3 * (size_t)ld);
            FETCH_TO_WRITE(a.weights + at + 3 * (size_t)ld);
            vstore16(updated_adam(vload16(0, a.weights + at), t[16 * n + i], moments, &adam), 0, a.weights + at);
        }
    }
}

/* The deviation among the weights. */
FN void update_sigma(const struct view *v, struct arenas a, size_t at, float16 g)
{
    if (v->shape->likelihood == LIKE_GAUSS_LEARNED) update_16(v, a, at, g, 0.0f);
    else if (v->shape->likelihood == LIKE_GAUSS_OPTIMAL && v->lane->ema > 0.0f) a.ema[at] = a.weights[at];
}

/* A strip's weights by its gradients t, and where it is a layer's first row their bias and norm. grads: all gradients,
 * which count `factor` times; 0: t is the gradient itself. */
PART void update_strip(const struct view *v, struct arenas a, struct place p, const float16 *t,
                       __global const float *grads, float factor)
{
    const size_t lane_params = v->slot * v->shape->params, row = (size_t)p.m0 * p.l->ld_w + p.n0;
    const size_t first = lane_params + (size_t)p.l->w + row;
    if (!grads && plain_adam(v)) adam_strip(v, a, first, p.l->ld_w, p.wide, t);
    else ROLLED for (int i = 0; i < 16; i++) {
        ROLLED for (int n = 0; n < p.wide; n++) {
            const float16 g = grads ? t[16 * n + i] * factor : t[16 * n + i];
            update_16(v, a, first + (size_t)i * p.l->ld_w + 16 * n, g, v->lane->weight_decay);
        }
    }
    ROLLED for (int n = 0; n < p.wide && p.m0 == 0; n++) {
        const float16 g = grads ? vload16(n, grads + p.l->b + p.n0) * factor : bias_gradient(v, p, n);
        update_16(v, a, lane_params + (size_t)p.l->b + p.n0 + 16 * n, g, v->lane->bias_decay);
    }
    ROLLED for (int n = 0; n < 2 * p.wide && p.m0 == 0 && p.l->gain; n++) {
        const size_t at = (size_t)p.l->gain + (size_t)(n % 2 * p.l->out_pad + p.n0 + n / 2 * 16);
        const float16 g = grads ? vload16(0, grads + at) * factor : norm_gradient(v, p, n / 2, n % 2);
        update_16(v, a, lane_params + at, g, v->lane->bias_decay);
    }
}

/* Strips first .. end - 1 by gradients found on the way, with the first the deviation. ring: of all steps. */
PART void update_strips(const struct view *v, struct arenas a, __global const float *ring, int first, int end)
{
    ROLLED for (int strip = first; strip < end; strip++) {
        float16 t[16 * WIDE_MOST];
        const struct place p = place_of(v, strip);
        weight_gradient(t, v, p);
        update_strip(v, a, p, t, 0, 1.0f);
    }
    if (first == 0 && v->shape->likelihood == LIKE_GAUSS_LEARNED) {
        const float16 s = sigma_gradient(v, ring + v->place * (size_t)v->shape->row_tiles * 4);
        update_sigma(v, a, v->slot * v->shape->params + (size_t)v->shape->sigma, s);
    }
}

/* grid (strips, 1, lanes): all strips of all layers' W; `first` and the grid choose a part. moment1 to moment3, ema
 * (slots, params) · grads (slots, grads): with `done`, the layer's gradient by a GEMM library, laid out as W; where the
 * gradient's length counts, all gradients. */
ONE_ITEM __kernel void update(PACK_ARGS, __global float *acts, __global float *weights, __global float *moment1,
                              __global float *moment2, __global float *moment3, __global float *ema,
                              __global const float *restrict grads, __global const float *restrict ring,
                              __global const float *restrict parts, const int first, const int done)
{
    const struct view v = view_of(PACK_VALUES, acts, weights, 0);
    const struct arenas arenas = {weights, moment1, moment2, moment3, ema};
    const int strip = first + (int)get_global_id(0);
    const bool by_norm = v.lane->clip > 0.0f || v.lane->skip > 0.0f;
    const struct place p = place_of(&v, strip);
    const size_t row = (size_t)p.m0 * p.l->ld_w + p.n0;
    __global const float *g = grads + v.slot * shape->grads;
    const float factor = by_norm ? parts[v.slot * shape->parts + shape->norms + shape->tiles] : 1.0f;
    float16 t[16 * WIDE_MOST];
    if (factor < 0.0f) return;
    if (by_norm) strip_load(t, p.wide, g + p.l->w + row, p.l->ld_w);
    else if (done) strip_load(t, p.wide, g + row, p.l->ld_w);
    else weight_gradient(t, &v, p);
    update_strip(&v, arenas, p, t, by_norm ? g : 0, factor);
    if (strip == 0 && shape->likelihood >= LIKE_GAUSS_LEARNED) {
        float16 s = (float16)(0.0f);
        if (by_norm) s = vload16(0, g + shape->sigma) * factor;
        else if (shape->likelihood == LIKE_GAUSS_LEARNED) {
            s = sigma_gradient(&v, ring + v.place * (size_t)shape->row_tiles * 4);
        }
        update_sigma(&v, arenas, v.slot * shape->params + (size_t)shape->sigma, s);
    }
}

/* best (slots, params) = weights of one slot. grid (params / 16). */
ONE_ITEM __kernel void keep_best(__global const float *restrict weights, __global float *restrict best,
                                 const uint slot, const uint params)
{
    const size_t at = (size_t)slot * params + get_global_id(0) * 16;
    vstore16(vload16(0, weights + at), 0, best + at);
}
