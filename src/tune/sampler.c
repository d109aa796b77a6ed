#include "vaetop/tune/sampler.h"

#include <stdlib.h>

#include "sampler_kinds.h"
#include "vaetop/base/alloc.h"

struct sampler {
    const struct preset *p;
    enum sampler_kind kind;
    size_t count;
};

enum err_code sampler_new(struct sampler **out, const struct preset *p, struct err *e)
{
    struct sampler *s;
    size_t count = 0;
    enum sampler_kind kind = (enum sampler_kind)config_choice(&p->base, KNOB_STUDY_SAMPLER);
    if (kind == SAMPLER_GRID) {
        enum err_code rc = grid_count(&count, p, e);
        if (rc) {
            return rc;
        }
    }
    s = xcalloc(1, sizeof *s);
    *s = (struct sampler){p, kind, count};
    *out = s;
    return ERR_OK;
}

void sampler_free(struct sampler *s)
{
    free(s);
}

size_t sampler_count(const struct sampler *s)
{
    return s->count;
}

enum err_code sampler_suggest(struct sampler *s, int number, struct point *out, struct err *e)
{
    if (number < 0) {
        return err_set(e, ERR_NOTFOUND, "trial %d: numbers count from 0", number);
    }
    if (s->kind == SAMPLER_RANDOM) {
        return random_suggest(s->p, number, out, e);
    }
    if ((size_t)number >= s->count) {
        return err_set(e, ERR_NOTFOUND, "trial %d: the grid has %zu cells, all of them given out", number, s->count);
    }
    return grid_suggest(s->p, (size_t)number, out, e);
}
