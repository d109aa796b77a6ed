/* What `vaetop bench` measures beside training steps: how fast the device multiplies and adds, and products alone. */

#if DEVICE_CPU
typedef float16 peak_t;
#else
typedef float peak_t;
#endif

/* out (global size): sums of 16 chains of `rounds` multiply-adds each, in registers only. x > 1 > y: nothing that a
 * compiler could know beforehand. grid (any). */
__kernel void peak(__global float *restrict out, const int rounds, const float x, const float y)
{
#define M(i) peak_t c##i = (peak_t)(x * (float)i + (float)get_global_id(0));
    EACH16(M)
#undef M
    const peak_t a = (peak_t)(x), b = (peak_t)(y);
    for (int n = 0; n < rounds; n++) {
#define M(i) c##i = fma(c##i, a, b);
        EACH16(M)
#undef M
    }
    peak_t sum = (peak_t)(0.0f);
#define M(i) sum += c##i;
    EACH16(M)
#undef M
#if DEVICE_CPU
    out[get_global_id(0)] = sum16(sum);
#else
    out[get_global_id(0)] = sum;
#endif
}

/* c (m, n) = a b, a^T b or a b^T by training's strips; kind: enum bench_product. grid (m / 16, strips of n / 16,
 * how often: always the same numbers to the same place). */
ONE_ITEM __kernel void product(__global const float *restrict a, __global const float *restrict b,
                               __global float *restrict c, const int kind, const int lda, const int ldb, const int ldc,
                               const int k_end, const int tiles, const int wide)
{
    const size_t m0 = get_global_id(0) * 16;
    const struct strip s = strip_at((int)get_global_id(1), tiles, wide);
    const size_t n0 = 16 * (size_t)s.first;
    float16 t[16 * WIDE_MOST];
    if (kind == 0) strip_nn(t, s.wide, a + m0 * lda, lda, b + n0, ldb, k_end);
    else if (kind == 1) strip_tn(t, s.wide, a + m0, lda, b + n0, ldb, k_end);
    else {
        for (int n = 0; n < s.wide; n++) tile_nt(t + 16 * n, a + m0 * lda, lda, b + (n0 + 16 * n) * ldb, ldb, k_end);
    }
    for (int n = 0; n < s.wide; n++) {
        for (int i = 0; i < 16; i++) vstore16(t[16 * n + i], n, c + (m0 + i) * ldc + n0);
    }
}
