#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/rng.h"
#include "vaetop/base/str.h"
#include "vaetop/data/dataset.h"

/* Rows to take out of n, by a knob's text. */
static enum err_code count_out(size_t *out, const struct rows_out *how, enum knob k, const char *text, size_t n,
                               struct err *e)
{
    char clean[80];
    if (how->kind == ROWS_BAD || how->kind == ROWS_FILE) {
        return err_set(e, ERR_USAGE, "%s: found \"%s\", expected a fraction such as 0.2 or \"last 2000\"",
                       knob_info(k)->full, str_clean(clean, sizeof clean, text));
    }
    if (how->kind == ROWS_LAST) {
        *out = (uint64_t)how->last > SIZE_MAX ? SIZE_MAX : (size_t)how->last;
    } else {
        *out = (size_t)(how->fraction * (double)n + 0.5);
    }
    if (*out == 0 || *out >= n) {
        return err_set(e, ERR_USAGE, "%s: found %s, which holds out %zu of %zu rows, expected 1 to %zu of them",
                       knob_info(k)->full, str_clean(clean, sizeof clean, text), *out, n, n > 0 ? n - 1 : 0);
    }
    return ERR_OK;
}

/* Selection sampling, Knuth vol. 2, 3.4.2, algorithm S: moves n_out of the n rows to `out`; both stay ascending. */
static void take_out(uint32_t *out, size_t n_out, uint32_t *rows, size_t n, struct rng *r)
{
    size_t taken = 0, kept = 0;
    for (size_t i = 0; i < n; i++) {
        const bool take = r ? rng_below(r, (uint32_t)(n - i)) < n_out - taken : i >= n - n_out;
        if (take) {
            out[taken++] = rows[i];
        } else {
            rows[kept++] = rows[i];
        }
    }
}

static enum err_code hold_out(uint32_t **out, size_t *n_out, struct split *s, enum knob k, const struct config *c,
                              struct err *e)
{
    const char *text = config_text(c, k);
    text += strspn(text, " ");
    const struct rows_out how = config_rows(text, k == KNOB_DATA_TEST);
    enum err_code rc = count_out(n_out, &how, k, text, s->n_train, e);
    if (rc) {
        return rc;
    }
    /* A step of its own for test rows: with or without them, the draw of the validation rows is the same stream. */
    struct rng r = rng_start(rng_key((uint64_t)config_i64(c, KNOB_DATA_SEED), -1), RNG_SPLIT, k == KNOB_DATA_TEST);
    *out = xcalloc(*n_out, sizeof **out);
    take_out(*out, *n_out, s->train, s->n_train, how.kind == ROWS_FRACTION ? &r : NULL);
    s->n_train -= *n_out;
    return ERR_OK;
}

enum err_code split_make(struct split *out, const struct config *c, size_t n, struct err *e)
{
    const char *test = config_text(c, KNOB_DATA_TEST);
    enum err_code rc = ERR_OK;
    memset(out, 0, sizeof *out);
    if (n < 2 || n > UINT32_MAX) {
        return err_set(e, ERR_USAGE, "data.count: found %zu rows, expected 2 to %" PRIu32 " to split them", n,
                       UINT32_MAX);
    }
    out->train = xcalloc(n, sizeof *out->train);
    out->n_train = n;
    for (size_t i = 0; i < n; i++) {
        out->train[i] = (uint32_t)i;
    }
    if (*test != '\0' && config_rows(test, true).kind != ROWS_FILE) {
        rc = hold_out(&out->test, &out->n_test, out, KNOB_DATA_TEST, c, e);
    }
    rc = rc ? rc : hold_out(&out->val, &out->n_val, out, KNOB_DATA_VALIDATION, c, e);
    if (rc) {
        split_release(out);
    }
    return rc;
}

void split_release(struct split *s)
{
    free(s->train);
    free(s->val);
    free(s->test);
    memset(s, 0, sizeof *s);
}
