/* The chain plan's first launch: 16 rows through the whole network and back. Rows meet only in the weight gradients, so
 * nothing here waits for another work-group: one launch instead of one per layer. */

FN float2 chain_forward(__global float *acts, __global const float *weights, __global const struct shape *restrict shape,
                            __global const struct layer *restrict layers, __global const struct lane *restrict lane,
                            __global const struct step *restrict step, __global const uint *restrict order, int r0,
                            struct latent_out out)
{
    float2 total = (float2)(0.0f);
    float16 rec = (float16)(0.0f);
    for (int n = 0; n < shape->n_layers; n++) {
        __global const struct layer *l = layers + n;
        if (n == shape->heads) {
            for (int j = 0; j < shape->latent_pad; j += 16)
                total.y += latent_tile(acts, weights, shape, l, lane, step, order, 0, r0, j, out);
        } else if (n == shape->n_layers - 1) {
            for (int j = 0; j < l->out_pad; j += 16) rec += loss_tile(acts, weights, shape, layers, step, 0, r0, j);
        } else {
            for (int j = 0; j < l->out_pad; j += 16) forward_tile(acts, weights, l, lane->activation, 0, r0, j);
        }
    }
    total.x = sum16(rec);
    return total;
}

FN void chain_backward(__global float *acts, __global const float *weights, __global const struct shape *restrict shape,
                           __global const struct layer *restrict layers, __global const struct lane *restrict lane,
                           __global const struct step *restrict step, int r0)
{
    for (int n = shape->n_layers - 1; n > 0; n--) {
        if (n == shape->heads + 1) {
            for (int j = 0; j < shape->latent_pad; j += 16) back_latent_tile(acts, weights, shape, layers, step, 0, r0, j);
        } else {
            for (int j = 0; j < layers[n].in_pad; j += 16)
                back_tile(acts, weights, layers + n, lane->activation, 0, r0, j);
        }
    }
}

/* grid (1, row_tiles, lanes); ring (active, n_steps, row_tiles, 2). */
ONE_ITEM __kernel void row_chain(PACK_ARGS, __global float *acts, __global const float *restrict weights,
                                 __global const uchar *restrict data, __global const uint *restrict order,
                                 __global float *restrict ring, __global float *restrict stats,
                                 __global float *restrict means)
{
    PACK_INDEX;
    const int row_tile = (int)get_global_id(1), r0 = row_tile * 16;
    __global float *a = acts + slot * shape->acts;
    __global const float *w = weights + slot * shape->params;
    gather_rows(a, shape, layers, step, data, order, r0);
    const float2 total = chain_forward(a, w, shape, layers, lane, step, order, r0,
                                       latent_places(stats, means, shape, place, slot, r0));
    vstore2(total, place * (size_t)shape->row_tiles + row_tile, ring);
    if (step->mode != STEP_EVAL) chain_backward(a, w, shape, layers, lane, step, r0);
}
