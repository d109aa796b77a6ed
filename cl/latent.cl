/* The heads: mean and log-variance, the latent sample, KL(q(z|x) || N(0, I)), and the way back through them. */

/* What evaluation wants besides: dims (3, latent_pad) sums over these 16 rows of KL, mu and mu^2; means (MEAN_ROWS,
 * latent_pad) of the first rows. */
struct latent_out {
    __global float *dims, *means;
    __global float *kl; /* (latent_pad): where a batch's KL by dimension is wanted in training, else 0 */
};

/* The log-variance is cut to these, where its gradient is 0: beyond them e^s overflows, or a latent is a point. */
#define LOGVAR_LEAST (-12.0f)
#define LOGVAR_MOST 6.0f
FN float16 cut_logvar(float16 s) /* lets NaN through */
{
    const float16 least = (float16)(LOGVAR_LEAST), most = (float16)(LOGVAR_MOST);
    return s < least ? least : s > most ? most : s;
}

FN bool controls_kl(const struct view *v)
{
    return v->lane->capacity_weight > 0.0f || v->lane->free_bits > 0.0f;
}

/* Where 16 rows have their per-dimension sums in stats, and a slot its means. */
FN struct latent_out latent_places(const struct view *v, __global float *stats, __global float *means, int r0)
{
    const size_t lp = (size_t)v->shape->latent_pad;
    struct latent_out out;
    out.dims = stats + (v->place * (size_t)v->shape->row_tiles + (size_t)(r0 / 16)) * 3 * lp;
    out.means = means + v->slot * MEAN_ROWS * lp;
    out.kl = 0;
    return out;
}

/* Epilogue of 16 rows and 16 dimensions from j0. mu, logvar: products without bias. Writes mu | logvar, z and
 * sigma * noise; returns the sum of KL over the true rows. */
FN float latent_store(const struct view *v, const float16 *mu_t, const float16 *logvar_t, int r0, int j0,
                      struct latent_out out)
{
    __global const struct layer *l = v->layers + v->shape->heads;
    const int lp = v->shape->latent_pad, ld_z = v->shape->ld_z, eval = v->step->mode == STEP_EVAL;
    const float16 mu_bias = vload16(0, v->weights + l->b + j0), logvar_bias = vload16(0, v->weights + l->b + lp + j0);
    float16 noise[4], kl_sum = (float16)(0.0f), mu_sum = (float16)(0.0f), mu2_sum = (float16)(0.0f);
    ROLLED for (int i = 0; i < 16; i++) {
        const int r = r0 + i, real = r < v->step->rows;
        const float16 mu = mu_t[i] + mu_bias, logvar = cut_logvar(logvar_t[i] + logvar_bias);
        float16 e;
        if (eval) {
            e = real ? noise_eval(v->lane, row_at(v, r), j0) : (float16)(0.0f);
        } else {
            if (i % 4 == 0) noise_train(noise, v->lane, v->step, r / 4, j0);
            e = noise[i % 4];
        }
        const float16 shift = below(exp(0.5f * logvar) * e, j0, v->lane->latent);
        __global float *y = v->acts + l->y + (size_t)r * l->ld_y + j0;
        vstore16(mu, 0, y);
        vstore16(logvar, 0, y + lp);
        vstore16(shift, 0, v->acts + v->shape->noise + (size_t)r * ld_z + j0);
        vstore16(mu + shift, 0, v->acts + v->shape->z + (size_t)r * ld_z + j0);
        if (!real) continue;
        kl_sum += 0.5f * fma(mu, mu, exp_rest(logvar));
        if (eval) {
            mu_sum += mu;
            mu2_sum = fma(mu, mu, mu2_sum);
            if (v->step->first + r < MEAN_ROWS) vstore16(mu, 0, out.means + (size_t)(v->step->first + r) * lp + j0);
        }
    }
    if (eval) {
        vstore16(kl_sum, 0, out.dims + j0);
        vstore16(mu_sum, 0, out.dims + lp + j0);
        vstore16(mu2_sum, 0, out.dims + 2 * lp + j0);
    } else if (out.kl) {
        vstore16(kl_sum, 0, out.kl + j0);
    }
    return sum16(kl_sum);
}

/* Both heads of 16 rows and 16 dimensions. done: the products are in y already. */
PART float latent_tile(const struct view *v, int done, int r0, int j0, struct latent_out out)
{
    float16 t[32]; /* mu, logvar */
    __global const struct layer *l = v->layers + v->shape->heads;
    __global const float *y = v->acts + l->y + (size_t)r0 * l->ld_y + j0, *w = v->weights + l->w + j0;
    const int lp = v->shape->latent_pad;
    if (done) {
        strip_load(t, 1, y, l->ld_y);
        strip_load(t + 16, 1, y + lp, l->ld_y);
    } else {
        pair_nn(t, v->acts + l->x + (size_t)r0 * l->ld_x, l->ld_x, w, w + lp, l->ld_w, l->in_pad);
    }
    return latent_store(v, t, t + 16, r0, j0, out);
}

/* grid (latent_tiles, row_tiles, lanes); parts (slots, parts): KL sums (row_tiles, latent_tiles) behind the losses'. */
ONE_ITEM __kernel void latent(PACK_ARGS, __global float *acts, __global const float *restrict weights,
                              __global const uint *restrict order, __global float *restrict parts,
                              __global float *restrict stats, __global float *restrict means, const int done)
{
    const struct view v = view_of(PACK_VALUES, acts, weights, order);
    const int tile = (int)get_global_id(0), row_tile = (int)get_global_id(1);
    struct latent_out out = latent_places(&v, stats, means, row_tile * 16);
    if (controls_kl(&v)) out.kl = parts + v.slot * shape->parts + shape->kl_dims + row_tile * shape->latent_pad;
    const float kl = latent_tile(&v, done, row_tile * 16, tile * 16, out);
    __global float *part = parts + v.slot * shape->parts + (size_t)shape->row_tiles * shape->loss_tiles;
    part[row_tile * shape->latent_tiles + tile] = kl;
}

/* dmu | dlogvar (16, 16 each) from the gradient by z. Zero beyond the true rows. done: that gradient is there.
 * kl_weights (latent_pad): of the KL by dimension; 0: beta. */
PART void back_latent_tile(const struct view *v, int done, int r0, int j0, __global const float *kl_weights)
{
    float16 t[16];
    __global const struct shape *s = v->shape;
    __global const struct layer *heads = v->layers + s->heads, *next = heads + 1;
    if (done) strip_load(t, 1, v->acts + s->dz + (size_t)r0 * s->ld_z + j0, s->ld_z);
    else tile_nt(t, v->acts + next->dy + (size_t)r0 * next->ld_y, next->ld_y,
                 v->weights + next->w + (size_t)j0 * next->ld_w, next->ld_w, next->out_pad);
    const float16 kl_scale = kl_weights ? vload16(0, kl_weights + j0) * v->step->scale
                                        : (float16)(v->step->beta * v->step->scale);
    ROLLED for (int i = 0; i < 16; i++) {
        const size_t r = (size_t)(r0 + i);
        __global const float *y = v->acts + heads->y + r * heads->ld_y + j0;
        __global float *dy = v->acts + heads->dy + r * heads->ld_y + j0;
        const float16 mu = vload16(0, y), logvar = vload16(0, y + s->latent_pad);
        const float16 shift = vload16(0, v->acts + s->noise + r * s->ld_z + j0);
        const float16 dmu = fma(kl_scale, mu, t[i]);
        const float16 inside = 0.5f * fma(kl_scale, exp_rest(logvar) + logvar, t[i] * shift);
        const float16 dlogvar = logvar == (float16)(LOGVAR_LEAST) || logvar == (float16)(LOGVAR_MOST) ? (float16)(0.0f) : inside;
        const bool real = r0 + i < v->step->rows;
        vstore16(real ? dmu : (float16)(0.0f), 0, dy);
        vstore16(real ? dlogvar : (float16)(0.0f), 0, dy + s->latent_pad);
    }
}

/* grid (latent_tiles, row_tiles, lanes). */
ONE_ITEM __kernel void back_latent(PACK_ARGS, __global float *acts, __global const float *restrict weights,
                                   __global const float *restrict parts, const int done)
{
    const struct view v = view_of(PACK_VALUES, acts, weights, 0);
    const size_t at = v.slot * shape->parts + shape->kl_dims + (size_t)shape->row_tiles * shape->latent_pad;
    back_latent_tile(&v, done, (int)get_global_id(1) * 16, (int)get_global_id(0) * 16,
                     controls_kl(&v) ? parts + at : 0);
}
