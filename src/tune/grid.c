/* The full Cartesian product, a conditional range multiplying only where it is active. Cells are numbered, not
 * listed: cell n is found by counting, so a grid of a million cells costs nothing to hold. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sampler_kinds.h"
#include "vaetop/base/alloc.h"

#define VISITS_MAX 1000000 /* nodes of the tree of conditions; a sensible space has a few hundred */

struct walk {
    const struct preset *p;
    struct config so_far;
    size_t visits;
    bool too_large;
};

/* True if a later range's condition asks for this knob: only then do its values lead to different subtrees. */
static bool asked_later(const struct preset *p, size_t range)
{
    for (size_t r = range + 1; r < p->n_ranges; r++) {
        if (p->range[r].when.on == p->range[range].knob) {
            return true;
        }
    }
    return false;
}

/* True if a condition names value i of the range; all unnamed values have equal subtrees. */
static bool named(const struct walk *w, size_t range, const struct config *with)
{
    for (size_t r = range + 1; r < w->p->n_ranges; r++) {
        if (w->p->range[r].when.on == w->p->range[range].knob && range_active(w->p, r, with)) {
            return true;
        }
    }
    return false;
}

static void put(struct walk *w, size_t range, size_t i)
{
    const struct range *r = &w->p->range[range];
    enum err_code rc = range_apply(&w->so_far, r, range_value(r, i), NULL);
    assert(rc == ERR_OK);
    (void)rc;
}

static void unput(struct walk *w, size_t range)
{
    enum knob k = w->p->range[range].knob;
    w->so_far.num[k] = w->p->base.num[k];
    if (w->p->base.text[k]) {
        free(w->so_far.text[k]);
        w->so_far.text[k] = xstrdup(w->p->base.text[k]);
    }
}

static size_t count_from(struct walk *w, size_t range);

/* Cells below value i of an active range. *unnamed caches the count of all values no condition names; 0: unknown. */
static size_t count_below(struct walk *w, size_t range, size_t i, size_t *unnamed)
{
    size_t n;
    bool is_named;
    put(w, range, i);
    is_named = named(w, range, &w->so_far);
    if (!is_named && *unnamed > 0) {
        n = *unnamed;
    } else {
        n = count_from(w, range + 1);
    }
    if (!is_named) {
        *unnamed = n;
    }
    unput(w, range);
    return n;
}

static size_t count_from(struct walk *w, size_t range)
{
    size_t n, total = 0, unnamed = 0;
    if (++w->visits > VISITS_MAX) {
        w->too_large = true;
    }
    if (w->too_large || range == w->p->n_ranges) {
        return 1;
    }
    if (!range_active(w->p, range, &w->so_far)) {
        return count_from(w, range + 1);
    }
    n = range_count(&w->p->range[range]);
    if (!asked_later(w->p, range)) {
        size_t rest = count_from(w, range + 1);
        w->too_large = w->too_large || !mul_size(&total, n, rest);
        return w->too_large ? 1 : total;
    }
    for (size_t i = 0; i < n && !w->too_large; i++) {
        size_t below = count_below(w, range, i, &unnamed);
        if (total + below < total) {
            w->too_large = true;
        }
        total += below;
    }
    return total;
}

static struct walk walk_start(const struct preset *p)
{
    struct walk w = {.p = p};
    config_copy(&w.so_far, &p->base);
    return w;
}

enum err_code grid_count(size_t *out, const struct preset *p, struct err *e)
{
    struct walk w;
    for (size_t r = 0; r < p->n_ranges; r++) {
        if (range_count(&p->range[r]) == 0) {
            return err_set(e, ERR_USAGE, "%s: a grid needs a step or choices here", knob_info(p->range[r].knob)->full);
        }
    }
    w = walk_start(p);
    *out = count_from(&w, 0);
    config_release(&w.so_far);
    if (w.too_large) {
        return err_set(e, ERR_USAGE,
                       "study.sampler: grid has too many cells to count; use fewer choices or sampler: random");
    }
    return ERR_OK;
}

/* Goes down to the cell, taking off the cells of the values passed over. */
static void descend(struct walk *w, size_t cell, struct point *out)
{
    for (size_t r = 0; r < w->p->n_ranges; r++) {
        size_t unnamed = 0, i = 0;
        out->present[r] = range_active(w->p, r, &w->so_far);
        out->value[r] = 0;
        if (!out->present[r]) {
            continue;
        }
        if (!asked_later(w->p, r)) {
            size_t rest;
            w->visits = 0;
            rest = count_from(w, r + 1);
            i = cell / rest;
            cell %= rest;
        } else {
            for (;; i++) {
                size_t below;
                w->visits = 0;
                below = count_below(w, r, i, &unnamed);
                if (cell < below) {
                    break;
                }
                cell -= below;
            }
        }
        out->value[r] = range_value(&w->p->range[r], i);
        put(w, r, i);
    }
}

void grid_suggest(const struct preset *p, size_t cell, struct point *out)
{
    struct walk w = walk_start(p);
    descend(&w, cell, out);
    config_release(&w.so_far);
}

/* Which of the range's values it is. */
static size_t index_of(const struct range *r, double value)
{
    size_t n = range_count(r);
    double at = r->kind == RANGE_CHOICE ? value : n > 1 ? round((value - r->lo) / r->step) : 0;
    return at < (double)n ? (size_t)at : n - 1;
}

size_t grid_cell(const struct preset *p, const struct point *pt)
{
    struct walk w = walk_start(p);
    size_t cell = 0;
    for (size_t r = 0; r < p->n_ranges; r++) {
        size_t unnamed = 0, i = pt->present[r] ? index_of(&p->range[r], pt->value[r]) : 0;
        if (!pt->present[r]) {
            continue;
        }
        if (!asked_later(p, r)) {
            w.visits = 0;
            cell += i > 0 ? i * count_from(&w, r + 1) : 0;
        }
        for (size_t k = 0; k < i && asked_later(p, r); k++) {
            w.visits = 0;
            cell += count_below(&w, r, k, &unnamed);
        }
        put(&w, r, i);
    }
    config_release(&w.so_far);
    return cell;
}
