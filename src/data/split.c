#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/rng.h"
#include "vaetop/base/str.h"
#include "vaetop/data/dataset.h"

static enum err_code bad_text(const char *text, struct err *e)
{
    char clean[80];
    return err_set(e, ERR_USAGE, "data.validation: found \"%s\", expected a fraction such as 0.2 or \"last 2000\"",
                   str_clean(clean, sizeof clean, text));
}

/* Rows to hold out, and whether they are the last ones. */
static enum err_code parse(size_t *n_val, bool *last, const char *text, size_t n, struct err *e)
{
    double fraction;
    int64_t count;
    while (*text == ' ') {
        text++;
    }
    *last = str_starts(text, "last ");
    if (*last) {
        if (!str_to_i64(&count, text + strlen("last ")) || count < 1) {
            return bad_text(text, e);
        }
        *n_val = (uint64_t)count > SIZE_MAX ? SIZE_MAX : (size_t)count;
    } else {
        if (!str_to_f64(&fraction, text) || !(fraction > 0.0 && fraction < 1.0)) {
            return bad_text(text, e);
        }
        *n_val = (size_t)(fraction * (double)n + 0.5);
    }
    if (*n_val == 0 || *n_val >= n) {
        return err_set(e, ERR_USAGE,
                       "data.validation: found %s, which holds out %zu of %zu images, expected 1 to %zu of them", text,
                       *n_val, n, n > 0 ? n - 1 : 0);
    }
    return ERR_OK;
}

enum err_code split_make(struct split *out, const struct config *c, size_t n, struct err *e)
{
    const char *text = config_text(c, KNOB_DATA_VALIDATION);
    size_t n_val = 0;
    bool last;
    memset(out, 0, sizeof *out);
    if (n < 2 || n > UINT32_MAX) {
        return err_set(e, ERR_USAGE, "data.count: found %zu images, expected 2 to %" PRIu32 " to split them", n,
                       UINT32_MAX);
    }
    enum err_code rc = parse(&n_val, &last, text, n, e);
    if (rc) {
        return rc;
    }
    out->train = xcalloc(n - n_val, sizeof *out->train);
    out->val = xcalloc(n_val, sizeof *out->val);
    struct rng r = rng_start(rng_key((uint64_t)config_i64(c, KNOB_DATA_SEED), -1), RNG_SPLIT, 0);
    for (size_t i = 0; i < n; i++) {
        /* Selection sampling, Knuth vol. 2, 3.4.2, algorithm S: exact counts, both lists ascending. */
        size_t wanted = n_val - out->n_val;
        bool take = last ? i >= n - n_val : rng_below(&r, (uint32_t)(n - i)) < wanted;
        if (take) {
            out->val[out->n_val++] = (uint32_t)i;
        } else {
            out->train[out->n_train++] = (uint32_t)i;
        }
    }
    return ERR_OK;
}

void split_release(struct split *s)
{
    free(s->train);
    free(s->val);
    memset(s, 0, sizeof *s);
}
