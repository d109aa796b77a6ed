/* The chain plan where lanes are many: one work-item takes its lane through all steps, and finds its weights where it
 * left them, in the cache. Nobody waits for anybody, so there is one launch for many steps. The same functions as in
 * row_chain and update, hence the same bits. */

/* Steps k .. k + n_steps - 1. grid (1, 1, lanes). Not where the gradient's length counts. */
ONE_ITEM __kernel void whole_lane(PACK_ARGS, __global float *acts, __global float *weights, __global float *moment1,
                                  __global float *moment2, __global float *moment3, __global float *ema,
                                  __global const uchar *restrict data, __global const uint *restrict order,
                                  __global float *ring, __global float *restrict stats, __global float *restrict means,
                                  const int n_steps, const int strips)
{
    const struct arenas arenas = {weights, moment1, moment2, moment3, ema};
    for (int i = 0; i < n_steps; i++) {
        const struct view v = view_of(shape, layers, lanes, steps, active, k + i, acts, weights, order);
        for (int first = 0; first < shape->row_tiles; first += CHAIN_MOST) {
            struct rows rows;
            rows.first = first;
            rows.n = min(CHAIN_MOST, shape->row_tiles - first);
            chain_rows(&v, data, ring, stats, means, rows);
        }
        update_strips(&v, arenas, ring, 0, strips);
    }
}
