/* The chain plan's first launch: 16 rows through the whole network and back. Rows meet only in the weight gradients, so
 * nothing here waits for another work-group: one launch instead of one per layer. */

/* Sums over the rows: of loss_tile() and of the KL. */
FN float2 chain_forward(const struct view *v, int r0, struct latent_out out)
{
    float16 rec = (float16)(0.0f);
    float kl = 0.0f;
    for (int n = 0; n < v->shape->n_layers; n++) {
        const int columns = v->layers[n].out_pad;
        if (n == v->shape->heads) {
            for (int j = 0; j < v->shape->latent_pad; j += 16) kl += latent_tile(v, 0, r0, j, out);
        } else if (n == v->shape->n_layers - 1) {
            for (int j = 0; j < columns; j += 16) rec += loss_tile(v, 0, r0, j);
        } else {
            for (int j = 0; j < columns; j += 16) forward_tile(v, n, 0, r0, j);
            if (v->layers[n].gain) norm_rows(v, n, r0);
        }
    }
    return (float2)(sum16(rec), kl);
}

FN void chain_backward(const struct view *v, int r0)
{
    for (int n = v->shape->n_layers - 1; n > 0; n--) {
        if (n == v->shape->heads + 1) {
            for (int j = 0; j < v->shape->latent_pad; j += 16) back_latent_tile(v, 0, r0, j, 0);
        } else {
            for (int j = 0; j < v->layers[n].in_pad; j += 16) back_tile(v, n, 0, r0, j);
            if (v->layers[n - 1].gain) back_norm_rows(v, n - 1, r0);
        }
    }
}

/* grid (1, row_tiles, lanes); ring (active, n_steps, row_tiles, 4). */
ONE_ITEM __kernel void row_chain(PACK_ARGS, __global float *acts, __global const float *restrict weights,
                                 __global const uchar *restrict data, __global const uint *restrict order,
                                 __global float *restrict ring, __global float *restrict stats,
                                 __global float *restrict means)
{
    const struct view v = view_of(PACK_VALUES, acts, weights, order);
    const int row_tile = (int)get_global_id(1), r0 = row_tile * 16;
    gather_rows(&v, data, r0);
    const float2 total = chain_forward(&v, r0, latent_places(&v, stats, means, r0));
    vstore4(ring_entry(&v, total.x, total.y, r0), v.place * (size_t)shape->row_tiles + row_tile, ring);
    if (v.step->mode != STEP_EVAL) chain_backward(&v, r0);
}
