/* Uniform draws. Each knob has numbers of its own, so that changing one range leaves the others' draws alone. */
#include <stdint.h>

#include "sampler_kinds.h"
#include "vaetop/base/rng.h"

/* FNV-1a of "section.knob": a knob keeps its numbers whatever else the table or the space holds. */
static uint64_t knob_step(enum knob k)
{
    uint64_t h = 14695981039346656037u;
    for (const char *p = knob_info(k)->full; *p; p++) {
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    }
    return h;
}

void random_suggest(const struct space *s, uint64_t seed, int64_t number, struct point *out)
{
    struct rng_key key = rng_key(seed, number);
    for (size_t d = 0; d < s->n; d++) {
        struct rng rng = rng_start(key, RNG_SUGGEST, knob_step(s->dim[d].range->knob));
        out->present[d] = dim_active(s, d, out->present, out->value);
        out->value[d] = out->present[d] ? dim_value(&s->dim[d], rng_uniform(&rng)) : 0;
    }
}
