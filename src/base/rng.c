#include "vaetop/base/rng.h"

#include <assert.h>
#include <math.h>

void rng_philox(uint32_t out[4], const uint32_t counter[4], struct rng_key key)
{
    uint32_t c0 = counter[0];
    uint32_t c1 = counter[1];
    uint32_t c2 = counter[2];
    uint32_t c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ key.k[0];
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ key.k[1];
        c3 = (uint32_t)p0;
        key.k[0] += 0x9E3779B9u;
        key.k[1] += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

struct rng_key rng_key(uint64_t study_seed, int64_t trial)
{
    /* One Philox block mixes both, so that neighbouring seeds and trials have unrelated keys. */
    const uint32_t counter[4] = {(uint32_t)study_seed, (uint32_t)(study_seed >> 32), (uint32_t)(uint64_t)trial,
                                 (uint32_t)((uint64_t)trial >> 32)};
    const struct rng_key mix = {{0x76616574u, 0x6f70u}};
    uint32_t out[4];
    rng_philox(out, counter, mix);
    return (struct rng_key){{out[0], out[1]}};
}

struct rng rng_start(struct rng_key key, enum rng_stream stream, uint64_t step)
{
    return (struct rng){.key = key,
                        .counter = {0, (uint32_t)step, (uint32_t)(step >> 32), (uint32_t)stream},
                        .used = 4};
}

uint32_t rng_u32(struct rng *r)
{
    if (r->used == 4) {
        rng_philox(r->block, r->counter, r->key);
        r->counter[0]++;
        r->used = 0;
    }
    return r->block[r->used++];
}

double rng_uniform(struct rng *r)
{
    uint64_t hi = rng_u32(r);
    uint64_t lo = rng_u32(r);
    return (double)((hi << 32 | lo) >> 11) * 0x1p-53;
}

double rng_normal(struct rng *r)
{
    double u = 1.0 - rng_uniform(r); /* (0, 1]: the logarithm stays finite */
    double v = rng_uniform(r);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586476925 * v);
}

uint32_t rng_below(struct rng *r, uint32_t bound)
{
    uint32_t reject = (uint32_t)(-bound) % bound; /* 2^32 mod bound: draws under it would be favoured */
    uint32_t v;
    assert(bound > 0);
    do {
        v = rng_u32(r);
    } while (v < reject);
    return v % bound;
}
