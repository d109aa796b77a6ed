/* Uniform draws. Each knob has numbers of its own, so that changing one range leaves the others' draws alone. */
#include <stdint.h>

#include "sampler_kinds.h"
#include "vaetop/base/rng.h"
#include "vaetop/conf/search_space.h"

void random_suggest(const struct space *s, uint64_t seed, int64_t number, struct point *out)
{
    for (size_t d = 0; d < s->n; d++) {
        struct rng rng = knob_rng(seed, number, s->dim[d].range->knob);
        out->present[d] = dim_active(s, d, out->present, out->value);
        out->value[d] = out->present[d] ? dim_value(&s->dim[d], rng_uniform(&rng)) : 0;
    }
}
