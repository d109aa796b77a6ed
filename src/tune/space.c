#include "space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/conf/search_space.h"

static void add_ok(struct parent *pa, double v)
{
    pa->ok = xreallocarray(pa->ok, pa->n_ok + 1, sizeof *pa->ok);
    pa->ok[pa->n_ok++] = v;
}

/* Which values of range q make range r active: asked of conf, once for each choice or word. */
static void fill_parent(struct parent *pa, const struct preset *p, size_t r, size_t q)
{
    const struct range *parent = &p->range[q];
    const struct condition *when = &p->range[r].when;
    *pa = (struct parent){.dim = q};
    if (parent->kind != RANGE_CHOICE) {
        for (size_t i = 0; i < when->n_words; i++) {
            double v;
            if (str_to_f64(&v, when->word[i])) {
                add_ok(pa, v);
            }
        }
        return;
    }
    for (size_t i = 0; i < parent->n_choices; i++) {
        struct config c;
        config_copy(&c, &p->base);
        if (!range_apply(&c, parent, (double)i, NULL) && range_active(p, r, &c)) {
            add_ok(pa, (double)i);
        }
        config_release(&c);
    }
}

static void fill_condition(struct dim *d, const struct preset *p, size_t r)
{
    const struct condition *when = &p->range[r].when;
    d->conditional = when->on != KNOB_NONE;
    d->without_parent = range_active(p, r, &p->base);
    for (size_t q = 0; d->conditional && q < p->n_ranges; q++) {
        if (p->range[q].knob == when->on) {
            d->parent = xreallocarray(d->parent, d->n_parents + 1, sizeof *d->parent);
            fill_parent(&d->parent[d->n_parents++], p, r, q);
        }
    }
    if (d->n_parents == 0) {
        d->conditional = !d->without_parent; /* the knob is fixed: always or never */
    }
}

static bool same_condition(const struct dim *a, const struct dim *b)
{
    if (a->conditional != b->conditional || a->n_parents != b->n_parents || a->without_parent != b->without_parent) {
        return false;
    }
    for (size_t i = 0; i < a->n_parents; i++) {
        const struct parent *x = &a->parent[i];
        const struct parent *y = &b->parent[i];
        if (x->dim != y->dim || x->n_ok != y->n_ok ||
            (x->n_ok > 0 && memcmp(x->ok, y->ok, x->n_ok * sizeof *x->ok) != 0)) {
            return false;
        }
    }
    return true;
}

static void fill_scale(struct dim *d, const struct range *r)
{
    double half;
    d->range = r;
    d->choice = r->kind == RANGE_CHOICE;
    d->log = r->log;
    d->count = range_count(r);
    d->step = r->kind == RANGE_INT && r->step == 0 ? 1 : r->step;
    if (d->choice) {
        d->hi = (double)r->n_choices - 1;
        d->step = 1;
        return;
    }
    d->lo = r->lo;
    d->hi = r->hi;
    half = d->step / 2;
    d->L = r->log ? log(r->lo - half) : r->lo - half;
    d->H = r->log ? log(r->hi + half) : r->hi + half;
}

void space_init(struct space *s, const struct preset *p)
{
    *s = (struct space){.p = p, .n = p->n_ranges};
    s->dim = xcalloc(s->n > 0 ? s->n : 1, sizeof *s->dim);
    for (size_t r = 0; r < s->n; r++) {
        struct dim *d = &s->dim[r];
        fill_scale(d, &p->range[r]);
        fill_condition(d, p, r);
        d->group = s->n_groups;
        for (size_t q = 0; q < r; q++) {
            if (same_condition(d, &s->dim[q])) {
                d->group = s->dim[q].group;
                break;
            }
        }
        s->n_groups += d->group == s->n_groups;
    }
}

void space_release(struct space *s)
{
    for (size_t d = 0; d < s->n; d++) {
        for (size_t i = 0; i < s->dim[d].n_parents; i++) {
            free(s->dim[d].parent[i].ok);
        }
        free(s->dim[d].parent);
    }
    free(s->dim);
    *s = (struct space){0};
}

bool dim_active(const struct space *s, size_t d, const bool *present, const double *value)
{
    const struct dim *x = &s->dim[d];
    if (!x->conditional) {
        return true;
    }
    for (size_t i = 0; i < x->n_parents; i++) {
        const struct parent *pa = &x->parent[i];
        if (!present[pa->dim]) {
            continue;
        }
        for (size_t k = 0; k < pa->n_ok; k++) {
            if (pa->ok[k] == value[pa->dim]) {
                return true;
            }
        }
        return false;
    }
    return x->without_parent;
}

static double clip(double v, double lo, double hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

static double on_grid(const struct dim *d, double v)
{
    double steps;
    if (d->step == 0 || d->count <= 1) {
        return clip(v, d->lo, d->hi);
    }
    steps = clip(floor((v - d->lo) / d->step + 0.5), 0, (double)(d->count - 1));
    return range_value(d->range, (size_t)steps);
}

double dim_unscale(const struct dim *d, double x)
{
    return on_grid(d, d->log ? exp(x) : x);
}

double dim_value(const struct dim *d, double u)
{
    return range_draw(d->range, u);
}

double dim_scale(const struct dim *d, double value)
{
    return d->log ? log(value) : value;
}

double dim_unit(const struct dim *d, double value)
{
    if (d->choice) {
        return value;
    }
    return d->H > d->L ? clip((dim_scale(d, value) - d->L) / (d->H - d->L), 0, 1) : 0.5;
}

double dim_from_unit(const struct dim *d, double u)
{
    return d->choice ? u : dim_unscale(d, d->L + u * (d->H - d->L));
}

void space_settle(const struct space *s, struct point *pt, double (*fill)(void *arg, size_t dim), void *arg)
{
    for (size_t d = 0; d < s->n; d++) {
        bool active = dim_active(s, d, pt->present, pt->value);
        if (active && !pt->present[d]) {
            pt->value[d] = fill(arg, d);
        } else if (!active) {
            pt->value[d] = 0;
        }
        pt->present[d] = active;
    }
}

bool point_same(const struct point *a, const struct point *b)
{
    for (size_t d = 0; d < a->n; d++) {
        if (a->present[d] != b->present[d] || (a->present[d] && a->value[d] != b->value[d])) {
            return false;
        }
    }
    return true;
}

static size_t count_from(const struct space *s, size_t d, bool *present, double *value, size_t limit)
{
    size_t total = 0;
    if (d == s->n) {
        return 1;
    }
    present[d] = dim_active(s, d, present, value);
    if (!present[d]) {
        return count_from(s, d + 1, present, value, limit);
    }
    for (size_t i = 0; i < s->dim[d].count && total <= limit; i++) {
        value[d] = range_value(s->dim[d].range, i);
        total += count_from(s, d + 1, present, value, limit - total);
    }
    return total;
}

size_t space_count(const struct space *s, size_t limit)
{
    bool *present = xcalloc(s->n + 1, sizeof *present);
    double *value = xcalloc(s->n + 1, sizeof *value);
    size_t n = 0;
    bool endless = false;
    for (size_t d = 0; d < s->n; d++) {
        endless = endless || s->dim[d].count == 0;
    }
    if (!endless) {
        n = count_from(s, 0, present, value, limit);
    }
    free(present);
    free(value);
    return n > limit ? 0 : n;
}
