/* The heads: mean and log-variance, the latent sample, KL(q(z|x) || N(0, I)), and the way back through them. */

/* What evaluation wants besides: dims (3, latent_pad) sums over these 16 rows of KL, mu and mu^2; means (MEAN_ROWS,
 * latent_pad) of the first rows. */
struct latent_out {
    __global float *dims, *means;
};

/* Epilogue of 16 rows and 16 dimensions from j0. mu, logvar: products without bias. Writes mu | logvar, z and
 * sigma * noise; returns the sum of KL over the true rows. */
FN float latent_store(const float16 *mu_t, const float16 *logvar_t, __global float *acts,
                          __global const float *weights, __global const struct shape *restrict shape,
                          __global const struct layer *restrict l, __global const struct lane *restrict lane,
                          __global const struct step *restrict step, __global const uint *restrict order, int r0, int j0,
                          struct latent_out out)
{
    const int lp = shape->latent_pad, eval = step->mode == STEP_EVAL;
    const float16 mu_bias = vload16(0, weights + l->b + j0), logvar_bias = vload16(0, weights + l->b + lp + j0);
    float16 noise[4], kl_sum = (float16)(0.0f), mu_sum = (float16)(0.0f), mu2_sum = (float16)(0.0f);
    for (int i = 0; i < 16; i++) {
        const int r = r0 + i, real = r < step->rows;
        const float16 mu = mu_t[i] + mu_bias, logvar = logvar_t[i] + logvar_bias;
        float16 e;
        if (eval) {
            e = real ? noise_eval(lane, row_at(shape, step, order, r), j0) : (float16)(0.0f);
        } else {
            if (i % 4 == 0) noise_train(noise, lane, step, r / 4, j0);
            e = noise[i % 4];
        }
        const float16 shift = below(exp(0.5f * logvar) * e, j0, lane->latent);
        __global float *y = acts + l->y + (size_t)r * l->ld_y + j0;
        vstore16(mu, 0, y);
        vstore16(logvar, 0, y + lp);
        vstore16(shift, 0, acts + shape->noise + (size_t)r * shape->ld_z + j0);
        vstore16(mu + shift, 0, acts + shape->z + (size_t)r * shape->ld_z + j0);
        if (!real) continue;
        kl_sum += 0.5f * fma(mu, mu, exp_rest(logvar));
        if (eval) {
            mu_sum += mu;
            mu2_sum = fma(mu, mu, mu2_sum);
            if (step->first + r < MEAN_ROWS) vstore16(mu, 0, out.means + (size_t)(step->first + r) * lp + j0);
        }
    }
    if (eval) {
        vstore16(kl_sum, 0, out.dims + j0);
        vstore16(mu_sum, 0, out.dims + lp + j0);
        vstore16(mu2_sum, 0, out.dims + 2 * lp + j0);
    }
    return sum16(kl_sum);
}

FN float latent_tile(__global float *acts, __global const float *weights, __global const struct shape *restrict shape,
                         __global const struct layer *restrict l, __global const struct lane *restrict lane,
                         __global const struct step *restrict step, __global const uint *restrict order, int done, int r0,
                         int j0, struct latent_out out)
{
    float16 mu[16], logvar[16];
    __global float *y = acts + l->y + (size_t)r0 * l->ld_y + j0;
    if (done) {
        tile_load(mu, y, l->ld_y);
        tile_load(logvar, y + shape->latent_pad, l->ld_y);
    } else {
        __global const float *x = acts + l->x + (size_t)r0 * l->ld_x;
        tile_nn(mu, x, l->ld_x, weights + l->w + j0, l->ld_w, l->in_pad);
        tile_nn(logvar, x, l->ld_x, weights + l->w + shape->latent_pad + j0, l->ld_w, l->in_pad);
    }
    return latent_store(mu, logvar, acts, weights, shape, l, lane, step, order, r0, j0, out);
}

/* Where the 16 rows r0 of step `place` have their per-dimension sums, and a slot its means. */
FN struct latent_out latent_places(__global float *stats, __global float *means,
                                       __global const struct shape *restrict shape, size_t place, size_t slot, int r0)
{
    struct latent_out out;
    out.dims = stats + (place * (size_t)shape->row_tiles + (size_t)(r0 / 16)) * 3 * (size_t)shape->latent_pad;
    out.means = means + slot * MEAN_ROWS * (size_t)shape->latent_pad;
    return out;
}

/* grid (latent_tiles, row_tiles, lanes); parts (slots, parts): KL sums (row_tiles, latent_tiles) behind the losses'. */
ONE_ITEM __kernel void latent(PACK_ARGS, __global float *acts, __global const float *restrict weights,
                              __global const uint *restrict order, __global float *restrict parts,
                              __global float *restrict stats, __global float *restrict means, const int done)
{
    PACK_INDEX;
    const int tile = (int)get_global_id(0), row_tile = (int)get_global_id(1);
    const struct latent_out out = latent_places(stats, means, shape, place, slot, row_tile * 16);
    const float kl = latent_tile(acts + slot * shape->acts, weights + slot * shape->params, shape, layers + shape->heads,
                                 lane, step, order, done, row_tile * 16, tile * 16, out);
    __global float *part = parts + slot * shape->parts + (size_t)shape->row_tiles * shape->loss_tiles;
    part[row_tile * shape->latent_tiles + tile] = kl;
}

/* dmu | dlogvar (16, 16 each) from t = gradient by z. Zero beyond the true rows. */
FN void back_latent_tile(__global float *acts, __global const float *weights, __global const struct shape *restrict shape,
                             __global const struct layer *restrict layers, __global const struct step *restrict step,
                             int done, int r0, int j0)
{
    float16 t[16];
    __global const struct layer *heads = layers + shape->heads, *next = heads + 1;
    if (done) tile_load(t, acts + shape->dz + (size_t)r0 * shape->ld_z + j0, shape->ld_z);
    else tile_nt(t, acts + next->dy + (size_t)r0 * next->ld_y, next->ld_y, weights + next->w + (size_t)j0 * next->ld_w,
                 next->ld_w, next->out_pad);
    const float16 kl_scale = (float16)(step->beta * step->scale);
    for (int i = 0; i < 16; i++) {
        const size_t r = (size_t)(r0 + i);
        __global const float *y = acts + heads->y + r * heads->ld_y + j0;
        __global float *dy = acts + heads->dy + r * heads->ld_y + j0;
        const float16 mu = vload16(0, y), logvar = vload16(0, y + shape->latent_pad);
        const float16 shift = vload16(0, acts + shape->noise + r * shape->ld_z + j0);
        const float16 dmu = fma(kl_scale, mu, t[i]);
        const float16 dlogvar = 0.5f * fma(kl_scale, exp_rest(logvar) + logvar, t[i] * shift);
        const bool real = r0 + i < step->rows;
        vstore16(real ? dmu : (float16)(0.0f), 0, dy);
        vstore16(real ? dlogvar : (float16)(0.0f), 0, dy + shape->latent_pad);
    }
}

/* grid (latent_tiles, row_tiles, lanes). done: the gradient by z is in acts already. */
ONE_ITEM __kernel void back_latent(PACK_ARGS, __global float *acts, __global const float *restrict weights, const int done)
{
    PACK_INDEX;
    (void)lane;
    back_latent_tile(acts + slot * shape->acts, weights + slot * shape->params, shape, layers, step, done,
                     (int)get_global_id(1) * 16, (int)get_global_id(0) * 16);
}
