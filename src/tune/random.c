/* Uniform draws. Each knob has numbers of its own, so that changing one range leaves the others' draws alone. */
#include <math.h>
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

static double clip(double v, double lo, double hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* u in [0, 1) to a value: uniform in the box widened by half a step on both sides, the logarithm taken after that,
 * then rounded to the grid and clipped, so that every grid value has a whole step of the box. */
static double draw(const struct range *r, double u)
{
    double half = r->step / 2;
    double v, steps;
    if (r->kind == RANGE_CHOICE) {
        return floor(u * (double)r->n_choices);
    }
    if (r->log) {
        double lo = log(r->lo - half);
        double hi = log(r->hi + half);
        v = exp(lo + u * (hi - lo));
    } else {
        v = r->lo - half + u * (r->hi - r->lo + r->step);
    }
    if (r->step == 0) {
        return clip(v, r->lo, r->hi);
    }
    steps = clip(floor((v - r->lo) / r->step + 0.5), 0, (double)(range_count(r) - 1));
    return range_value(r, (size_t)steps);
}

enum err_code random_suggest(const struct preset *p, int number, struct point *out, struct err *e)
{
    struct rng_key key = rng_key((uint64_t)config_i64(&p->base, KNOB_STUDY_SEED), number);
    struct config so_far;
    enum err_code rc = ERR_OK;
    config_copy(&so_far, &p->base);
    for (size_t r = 0; !rc && r < p->n_ranges; r++) {
        struct rng rng = rng_start(key, RNG_SUGGEST, knob_step(p->range[r].knob));
        out->present[r] = range_active(p, r, &so_far);
        out->value[r] = 0;
        if (out->present[r]) {
            out->value[r] = draw(&p->range[r], rng_uniform(&rng));
            rc = range_apply(&so_far, &p->range[r], out->value[r], e);
        }
    }
    config_release(&so_far);
    return rc;
}
