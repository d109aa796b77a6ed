#include <math.h>

#include "ref.h"

/* Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 3.3: ten rounds, the key raised by
 * the Weyl constants between them. */
void ref_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2])
{
    uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]};
    uint32_t k[2] = {key[0], key[1]};
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * c[0];
        uint64_t b = (uint64_t)0xCD9E8D57u * c[2];
        uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ k[0], (uint32_t)b, (uint32_t)(a >> 32) ^ c[3] ^ k[1],
                            (uint32_t)a};
        for (int i = 0; i < 4; i++) {
            c[i] = next[i];
        }
        k[0] += 0x9E3779B9u;
        k[1] += 0xBB67AE85u;
    }
    for (int i = 0; i < 4; i++) {
        out[i] = c[i];
    }
}

void ref_box_muller(double out[2], uint32_t a, uint32_t b)
{
    double radius = sqrt(-2 * log(((double)a + 0.5) / 4294967296.0));
    double angle = 2 * acos(-1.0) * (((double)b + 0.5) / 4294967296.0);
    out[0] = radius * cos(angle);
    out[1] = radius * sin(angle);
}
