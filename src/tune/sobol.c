#include "sobol.h"

#include <stdlib.h>

#include "sobol_numbers.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/rng.h"

#define BITS 32

static size_t own_dims(const struct sobol *s)
{
    return s->dims < SOBOL_DIMS ? s->dims : SOBOL_DIMS;
}

/* v[k] = m_{k+1} / 2^{k+1} in fixed point, by the recurrence of the primitive polynomial. */
static void directions(uint32_t v[BITS], size_t dim)
{
    int degree = 0;
    uint32_t poly;
    if (dim == 0) {
        for (int k = 0; k < BITS; k++) {
            v[k] = (uint32_t)1 << (BITS - 1 - k);
        }
        return;
    }
    poly = sobol_number[dim - 1].poly;
    while (poly >> (degree + 1)) {
        degree++;
    }
    for (int k = 0; k < BITS; k++) {
        if (k < degree) {
            v[k] = (uint32_t)sobol_number[dim - 1].m[k] << (BITS - 1 - k);
            continue;
        }
        v[k] = v[k - degree] ^ (v[k - degree] >> degree);
        for (int i = 1; i < degree; i++) {
            if (poly >> (degree - i) & 1) {
                v[k] ^= v[k - i];
            }
        }
    }
}

/* Lower triangular matrix with ones on the diagonal, times each column: row i of the product mixes the leading i bits.
 */
static void scramble(uint32_t v[BITS], struct rng *rng)
{
    uint32_t row[BITS];
    for (int i = 0; i < BITS; i++) {
        uint32_t diagonal = (uint32_t)1 << (BITS - 1 - i);
        uint32_t left = i == 0 ? 0 : ~(uint32_t)0 << (BITS - i);
        row[i] = (rng_u32(rng) & left) | diagonal;
    }
    for (int k = 0; k < BITS; k++) {
        uint32_t out = 0;
        for (int i = 0; i < BITS; i++) {
            out |= (uint32_t)(__builtin_popcount(row[i] & v[k]) & 1) << (BITS - 1 - i);
        }
        v[k] = out;
    }
}

static void start(struct sobol *s, size_t dims)
{
    *s = (struct sobol){.dims = dims};
    s->column = xcalloc(own_dims(s) * BITS + 1, sizeof *s->column);
    s->shift = xcalloc(own_dims(s) + 1, sizeof *s->shift);
    for (size_t d = 0; d < own_dims(s); d++) {
        directions(s->column + d * BITS, d);
    }
}

void sobol_init_plain(struct sobol *s, size_t dims)
{
    start(s, dims);
}

void sobol_init(struct sobol *s, size_t dims, uint64_t seed, int64_t salt)
{
    start(s, dims);
    s->seed = seed;
    s->salt = salt;
    for (size_t d = 0; d < own_dims(s); d++) {
        struct rng rng = rng_start(rng_key(seed, salt), RNG_SUGGEST, d);
        scramble(s->column + d * BITS, &rng);
        s->shift[d] = rng_u32(&rng);
    }
}

void sobol_release(struct sobol *s)
{
    free(s->column);
    free(s->shift);
    *s = (struct sobol){0};
}

void sobol_point(const struct sobol *s, uint32_t i, double *out)
{
    for (size_t d = 0; d < own_dims(s); d++) {
        uint32_t x = s->shift[d];
        const uint32_t *v = s->column + d * BITS;
        for (uint32_t rest = i; rest; rest &= rest - 1) {
            x ^= v[__builtin_ctz(rest)];
        }
        out[d] = x * 0x1p-32;
    }
    for (size_t d = SOBOL_DIMS; d < s->dims; d++) {
        struct rng rng = rng_start(rng_key(s->seed, s->salt), RNG_SUGGEST, d + ((uint64_t)i + 1) * 65536);
        out[d] = rng_uniform(&rng);
    }
}
