/* Host twins of the kernels' random numbers: latent noise, dropout, binarised data and the order of an epoch. */
#include <math.h>

#include "pack_private.h"

double latent_noise(const struct pack_lane *lane, const struct pack_step *s, uint32_t row, uint32_t j)
{
    const struct rng_key key = {{lane->key[0], lane->key[1]}};
    const int eval = s->mode == STEP_EVAL, output = eval ? 0 : (int)(row % 4);
    const uint32_t counter[4] = {j, eval ? row : row / 4, eval ? 0 : s->step_lo, eval ? (uint32_t)RNG_EVAL : s->stream};
    uint32_t w[4];
    rng_philox(w, counter, key);
    const double pi = 3.14159265358979323846;
    const uint32_t *pair = w + output / 2 * 2;
    const double u = ((double)pair[0] + 0.5) / 4294967296.0, v = ((double)pair[1] + 0.5) / 4294967296.0;
    const double radius = sqrt(-2 * log(u));
    return output % 2 ? radius * sin(2 * pi * v) : radius * cos(2 * pi * v);
}

double dropout_factor(const struct pack_lane *lane, const struct pack_step *s, int layer, uint32_t row, uint32_t j)
{
    const struct rng_key key = {{lane->key[0], lane->key[1]}};
    const uint32_t counter[4] = {j, row / 4 | (uint32_t)layer << 16, s->step_lo, RNG_DROPOUT | (s->stream & ~255u)};
    uint32_t w[4];
    rng_philox(w, counter, key);
    return (float)(w[row % 4] >> 8) * 0x1p-24f < lane->dropout ? 0 : (double)lane->kept;
}

void binarize_row(float *x, size_t n, const struct pack_lane *lane, uint32_t draw, uint32_t row)
{
    const struct rng_key own = {{lane->key[0], lane->key[1]}}, fixed = {{lane->data_key[0], lane->data_key[1]}};
    for (size_t j = 0; j < n; j++) {
        const uint32_t counter[4] = {(uint32_t)(j % 16 + j / 64 * 16), row, draw, RNG_BINARIZE};
        uint32_t w[4];
        rng_philox(w, counter, draw ? own : fixed);
        x[j] = (float)(w[j / 16 % 4] >> 8) * 0x1p-24f < x[j] ? 1.0f : 0.0f;
    }
}

void shuffle_key(uint32_t out[4], struct rng_key key, int64_t epoch)
{
    const uint32_t counter[4] = {0, (uint32_t)epoch, (uint32_t)((uint64_t)epoch >> 32), RNG_SHUFFLE};
    rng_philox(out, counter, key);
}

/* Kernel twin: shuffle_at() in cl/prelude.clh. */
uint32_t shuffle_at(const uint32_t key[4], uint32_t n, uint32_t i)
{
    uint32_t bits = 1;
    while (bits < 16 && (UINT32_C(1) << (2 * bits)) < n) bits++;
    const uint32_t mask = (UINT32_C(1) << bits) - 1;
    uint32_t x = i;
    do {
        uint32_t left = x >> bits, right = x & mask;
        for (uint32_t round = 0; round < 8; round++) {
            uint32_t f = (right ^ key[round & 3]) * 0x9E3779B1u + round * 0x7FEB352Du;
            f = (f ^ (f >> 15)) * 0x85EBCA77u;
            f = (f ^ (f >> 13)) * 0xC2B2AE3Du;
            f ^= f >> 16;
            const uint32_t next = left ^ (f & mask);
            left = right;
            right = next;
        }
        x = (left << bits) | right;
    } while (x >= n);
    return x;
}
