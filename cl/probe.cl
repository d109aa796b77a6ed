/* Small windows into what other kernels compute inside, for known-answer tests. */

/* out (n, 4) = Philox of counters (n, 4). grid (n). */
ONE_ITEM __kernel void probe_philox(__global const uint *restrict counter, __global uint *restrict out, const uint key0,
                                    const uint key1)
{
    const size_t at = get_global_id(0) * 4;
    uint16 c[4];
    for (int i = 0; i < 4; i++) c[i] = (uint16)(counter[at + i]);
    philox(c, key0, key1);
    out[at] = c[0].s0;
    out[at + 1] = c[1].s1;
    out[at + 2] = c[2].s2;
    out[at + 3] = c[3].sf;
}

/* out (n) = noise of dimension j in rows 0 .. n - 1. grid (n). */
ONE_ITEM __kernel void probe_normals(__global const struct lane *restrict lane,
                                     __global const struct step *restrict step, __global float *restrict out,
                                     const int j)
{
    const int row = (int)get_global_id(0);
    float16 noise[4];
    if (step->mode == STEP_EVAL) noise[row % 4] = noise_eval(lane, (uint)row, j);
    else noise_train(noise, lane, step, row / 4, j);
    out[row] = noise[row % 4].s0;
}

/* out (n) = order of n rows. grid (n). */
ONE_ITEM __kernel void probe_order(__global const uint *restrict key, __global uint *restrict out, const uint n)
{
    out[get_global_id(0)] = shuffle_at(key, n, (uint)get_global_id(0));
}
