/* What only a whole batch can tell: the KL's weight by dimension under a capacity or free bits, and the deviation at
 * which a Gaussian likelihood is largest. Rows meet here, so there is no chain with these. */

/* Smallest variance: e^(2 floor). */
#define LEAST_VARIANCE 6.1442124e-6f
#define SIGMA_MEMORY 0.99f

/* Weights (latent_pad) of the KL by dimension, from its sums (row_tiles, latent_pad) before them. Returns the weighted
 * term, batch mean. */
PART float kl_weights(const struct view *v, __global float *dims)
{
    const int lp = v->shape->latent_pad, tiles = v->shape->row_tiles, latent = v->lane->latent;
    const float mean = v->step->scale, least = v->lane->free_bits;
    __global float *weights = dims + (size_t)tiles * lp;
    float total = 0.0f, held = 0.0f;
    for (int j = 0; j < lp; j += 16) {
        float16 kl = (float16)(0.0f);
        for (int i = 0; i < tiles; i++) kl += vload16(0, dims + (size_t)i * lp + j);
        kl *= mean;
        total += sum16(below(kl, j, latent));
        held += sum16(below(fmax(kl, (float16)(least)), j, latent));
        vstore16(kl < (float16)(least) ? (float16)(0.0f) : (float16)(v->step->beta), 0, weights + j);
    }
    if (v->lane->capacity_weight == 0.0f) return v->step->beta * held;
    const float away = total - v->step->capacity, pull = v->lane->capacity_weight * sign(away);
    for (int j = 0; j < lp; j += 16) vstore16((float16)(pull), 0, weights + j);
    return v->lane->capacity_weight * fabs(away);
}

/* One over the variance to *inverse, nats to the ring, and the moving mean that evaluation uses to *moving. */
PART void best_sigma(const struct view *v, __global float *ring, __global float *inverse, __global float *moving)
{
    float squares = 0.0f;
    for (int i = 0; i < v->shape->row_tiles; i++) squares += ring[4 * i + 2];
    const float count = (float)v->step->rows * (float)v->shape->data;
    const float variance = fmax(squares / count, LEAST_VARIANCE), g = 0.5f * log(variance);
    for (int i = 0; i < v->shape->row_tiles; i++) {
        ring[4 * i] = gauss_nats(v, ring[4 * i + 2], rows_below(v, 16 * i), g);
    }
    const bool first = v->step->step_lo == 0 && v->step->stream >> 8 == 0;
    const float kept = first ? variance : fma(SIGMA_MEMORY, exp(2.0f * *moving), (1.0f - SIGMA_MEMORY) * variance);
    *inverse = 1.0f / variance;
    *moving = 0.5f * log(kept);
}

/* grid (1, 1, lanes). */
ONE_ITEM __kernel void batch(PACK_ARGS, __global float *weights, __global float *parts, __global float *ring)
{
    const struct view v = view_of(PACK_VALUES, 0, weights, 0);
    __global float *dims = parts + v.slot * shape->parts + shape->kl_dims;
    __global float *entry = ring + v.place * (size_t)shape->row_tiles * 4;
    if (shape->likelihood == LIKE_GAUSS_OPTIMAL) {
        best_sigma(&v, entry, dims + (size_t)(shape->row_tiles + 1) * shape->latent_pad,
                   weights + v.slot * shape->params + shape->sigma);
    }
    if (controls_kl(&v)) entry[3] = kl_weights(&v, dims);
    else entry[3] = 0.0f;
}

/* The last layer's dy, made with a deviation of 1, by the one found since. grid (loss_tiles, row_tiles, lanes). */
ONE_ITEM __kernel void rescale(PACK_ARGS, __global float *acts, __global const float *restrict parts)
{
    const struct view v = view_of(PACK_VALUES, acts, acts, 0);
    __global const struct layer *l = layers + shape->n_layers - 1;
    const int n0 = (int)get_global_id(0) * 16, r0 = (int)get_global_id(1) * 16;
    const float inverse = parts[v.slot * shape->parts + shape->kl_dims +
                                (size_t)(shape->row_tiles + 1) * shape->latent_pad];
    ROLLED for (int i = 0; i < 16; i++) {
        __global float *dy = v.acts + l->dy + (size_t)(r0 + i) * l->ld_y + n0;
        vstore16(vload16(0, dy) * inverse, 0, dy);
    }
}
