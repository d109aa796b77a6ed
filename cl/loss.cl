/* The last layer: the likelihoods and their gradients. */

#define SIGMA_FLOOR (-6.0f)
#define HALF_LOG_2PI 0.91893853f

/* The optimal deviation of a training batch is known only when all its rows are. */
FN bool sigma_unknown(const struct view *v)
{
    return v->shape->likelihood == LIKE_GAUSS_OPTIMAL && v->step->mode != STEP_EVAL;
}

/* Logarithm of the deviation; sigma_floored() in model/. */
FN float log_sigma(const struct view *v)
{
    if (v->shape->likelihood == LIKE_GAUSS_FIXED) return v->lane->log_sigma;
    const float raw = v->weights[v->shape->sigma], above = raw - SIGMA_FLOOR;
    if (v->shape->likelihood == LIKE_GAUSS_OPTIMAL) return raw;
    return fmax(above, 0.0f) + log(1.0f + exp(-fabs(above))) + SIGMA_FLOOR;
}

/* Gaussian, from products t: dy = (mean - x) / sigma^2 scale, with sigma 1 while it is unknown. Returns per column the
 * sum over rows of squared errors. */
PART float16 gauss_tile(const struct view *v, const float16 *t, int r0, int n0)
{
    __global const struct layer *l = v->layers + v->shape->n_layers - 1;
    __global const float *x_row = v->acts + v->layers[0].x + (size_t)r0 * v->layers[0].ld_x + n0;
    __global float *dy = v->acts + l->dy + (size_t)r0 * l->ld_y + n0;
    const float precision = sigma_unknown(v) ? 1.0f : exp(-2.0f * log_sigma(v));
    const float16 bias = vload16(0, v->weights + l->b + n0), scale = (float16)(v->step->scale * precision);
    float16 sum = (float16)(0.0f);
    for (int i = 0; i < 16; i++) {
        const bool real = r0 + i < v->step->rows;
        const float16 x = vload16(0, x_row + (size_t)i * v->layers[0].ld_x);
        const float16 d = below(t[i] + bias - x, n0, v->shape->data);
        if (real) sum = fma(d, d, sum);
        vstore16(real ? d * scale : (float16)(0.0f), 0, dy + (size_t)i * l->ld_y);
    }
    return sum;
}

FN int rows_below(const struct view *v, int r0)
{
    return clamp(v->step->rows - r0, 0, 16);
}

/* Nats of `rows` rows from their squared errors. */
FN float gauss_nats(const struct view *v, float squares, int rows, float g)
{
    return fma(0.5f * exp(-2.0f * g), squares, (float)rows * (float)v->shape->data * (g + HALF_LOG_2PI));
}

/* What the ring keeps of 16 rows, from the sum over loss_tile() and of the KL. */
FN float4 ring_entry(const struct view *v, float rec, float kl, int r0)
{
    if (v->shape->likelihood == LIKE_BERNOULLI) return (float4)(rec, kl, 0.0f, 0.0f);
    if (sigma_unknown(v)) return (float4)(0.0f, kl, rec, 0.0f);
    return (float4)(gauss_nats(v, rec, rows_below(v, r0), log_sigma(v)), kl, rec, 0.0f);
}

/* Logits = t + b for 16 rows and 16 columns from n0; dy = (sigmoid(logit) - x) scale, zero in padding and beyond the
 * true rows. Returns per column the sum over rows of max(l, 0) - l x + log(1 + e^-|l|). The logarithms of 16 rows are
 * one logarithm of their product, which is at most 2^16. Other likelihoods: gauss_tile(). */
PART float16 loss_tile(const struct view *v, const float16 *t, int r0, int n0)
{
    if (v->shape->likelihood != LIKE_BERNOULLI) return gauss_tile(v, t, r0, n0);
    __global const struct layer *l = v->layers + v->shape->n_layers - 1;
    __global const float *x_row = v->acts + v->layers[0].x + (size_t)r0 * v->layers[0].ld_x + n0;
    __global float *dy = v->acts + l->dy + (size_t)r0 * l->ld_y + n0;
    const float16 bias = vload16(0, v->weights + l->b + n0), scale = (float16)(v->step->scale);
    float16 sum = (float16)(0.0f), product = (float16)(1.0f);
    for (int i = 0; i < 16; i++) {
        const bool real = r0 + i < v->step->rows;
        const float16 logit = t[i] + bias;
        const float16 x = vload16(0, x_row + (size_t)i * v->layers[0].ld_x);
        const float16 e = exp(-fabs(logit));
        const float16 inverse = 1.0f / (1.0f + e);
        const float16 sigmoid = logit < (float16)(0.0f) ? e * inverse : inverse;
        if (real) {
            sum += fma(-logit, x, fmax(logit, (float16)(0.0f)));
            product *= 1.0f + e;
        }
        const float16 d = below((sigmoid - x) * scale, n0, v->shape->data);
        vstore16(real ? d : (float16)(0.0f), 0, dy + (size_t)i * l->ld_y);
    }
    return below(sum + log(product), n0, v->shape->data);
}

/* One strip's products. done: they are in dy already. */
PART void loss_products(float16 *t, const struct view *v, int done, int r0, struct strip s)
{
    __global const struct layer *l = v->layers + v->shape->n_layers - 1;
    const int n0 = 16 * s.first;
    if (done) strip_load(t, s.wide, v->acts + l->dy + (size_t)r0 * l->ld_y + n0, l->ld_y);
    else strip_nn(t, s.wide, v->acts + l->x + (size_t)r0 * l->ld_x, l->ld_x, v->weights + l->w + n0, l->ld_w,
                  l->in_pad);
}

/* grid (strips, row_tiles, lanes); parts (slots, parts): loss sums (row_tiles, loss_tiles) first. */
ONE_ITEM __kernel void loss(PACK_ARGS, __global float *acts, __global const float *restrict weights,
                            __global float *restrict parts, const int done)
{
    const struct view v = view_of(PACK_VALUES, acts, weights, 0);
    const struct strip s = strip_at((int)get_global_id(0), shape->loss_tiles, shape->wide);
    const int row_tile = (int)get_global_id(1);
    float16 t[16 * WIDE_MOST];
    loss_products(t, &v, done, row_tile * 16, s);
    __global float *part = parts + v.slot * shape->parts + (size_t)row_tile * shape->loss_tiles + s.first;
    for (int n = 0; n < s.wide; n++) part[n] = sum16(loss_tile(&v, t + 16 * n, row_tile * 16, 16 * (s.first + n)));
}

/* ring (active, n_steps, row_tiles, 4): reconstruction, KL and squared errors of 16 rows, from the tiles' sums. grid (1,
 * row_tiles, lanes). */
ONE_ITEM __kernel void sums(PACK_ARGS, __global const float *restrict weights, __global const float *restrict parts,
                            __global float *restrict ring)
{
    const struct view v = view_of(PACK_VALUES, 0, weights, 0);
    const size_t row_tile = get_global_id(1);
    __global const float *rec = parts + v.slot * shape->parts + row_tile * shape->loss_tiles;
    __global const float *kl = parts + v.slot * shape->parts + (size_t)shape->row_tiles * shape->loss_tiles +
                               row_tile * shape->latent_tiles;
    float rec_sum = 0.0f, kl_sum = 0.0f;
    for (int i = 0; i < shape->loss_tiles; i++) rec_sum += rec[i];
    for (int i = 0; i < shape->latent_tiles; i++) kl_sum += kl[i];
    vstore4(ring_entry(&v, rec_sum, kl_sum, (int)row_tile * 16), v.place * (size_t)shape->row_tiles + row_tile, ring);
}
