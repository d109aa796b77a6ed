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

/* c (m, n) = a b, a^T b or a b^T by training's tiles; kind: enum bench_product. grid (n / 16, m / 16). */
ONE_ITEM __kernel void product(__global const float *restrict a, __global const float *restrict b,
                               __global float *restrict c, const int kind, const int lda, const int ldb, const int ldc,
                               const int k_end)
{
    const size_t m0 = get_global_id(1) * 16, n0 = get_global_id(0) * 16;
    float16 t[16];
    if (kind == 0) tile_nn(t, a + m0 * lda, lda, b + n0, ldb, k_end);
    else if (kind == 1) tile_tn(t, a + m0, lda, b + n0, ldb, k_end);
    else tile_nt(t, a + m0 * lda, lda, b + n0 * ldb, ldb, k_end);
    for (int i = 0; i < 16; i++) vstore16(t[i], 0, c + (m0 + i) * ldc + n0);
}
