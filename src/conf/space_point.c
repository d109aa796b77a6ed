/* Points from texts and from configurations. */
#include "vaetop/conf/search_space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "vaetop/base/alloc.h"

#define GRID_SLACK 1e-9 /* of a step: 0.1 + 0.2 is on a grid of tenths */

double range_draw(const struct range *r, double u)
{
    size_t n = range_count(r);
    double half = r->step / 2, lo, hi, x;
    if (r->kind == RANGE_CHOICE) {
        return fmin(floor(u * (double)n), (double)n - 1);
    }
    lo = r->log ? log(r->lo - half) : r->lo - half;
    hi = r->log ? log(r->hi + half) : r->hi + half;
    x = lo + u * (hi - lo);
    x = r->log ? exp(x) : x;
    if (n > 1) {
        return range_value(r, (size_t)fmin(fmax(floor((x - r->lo) / r->step + 0.5), 0), (double)n - 1));
    }
    return fmin(fmax(x, r->lo), r->hi);
}

struct rng knob_rng(uint64_t seed, int64_t number, enum knob k)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a of "section.knob": the same whatever else the table holds */
    for (const char *p = knob_info(k)->full; *p; p++) {
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    }
    return rng_start(rng_key(seed, number), RNG_SUGGEST, h);
}

static bool searched(const struct preset *p, enum knob k)
{
    for (size_t r = 0; r < p->n_ranges; r++) {
        if (p->range[r].knob == k) {
            return true;
        }
    }
    return false;
}

static bool same_value(const struct config *a, const struct config *b, enum knob k)
{
    if (knob_info(k)->type == KNOB_TEXT) {
        return strcmp(config_text(a, k), config_text(b, k)) == 0;
    }
    return !(a->num[k] < b->num[k]) && !(a->num[k] > b->num[k]);
}

/* The value of the range that gives the knob the setting it has in c. */
static bool range_holds(double *value, const struct range *r, const struct config *c)
{
    if (r->kind == RANGE_CHOICE) {
        struct config probe;
        bool found = false;
        config_init(&probe);
        for (size_t i = 0; i < r->n_choices && !found; i++) {
            found = !config_set(&probe, r->knob, r->choice[i], NULL) && same_value(&probe, c, r->knob);
            *value = (double)i;
        }
        config_release(&probe);
        return found;
    }
    double x = c->num[r->knob];
    size_t n = range_count(r);
    *value = x;
    if (!(x >= r->lo && x <= r->hi)) {
        return false;
    }
    if (n > 1) {
        double at = (x - r->lo) / r->step, nearest = floor(at + 0.5);
        *value = range_value(r, (size_t)nearest);
        return fabs(at - nearest) <= GRID_SLACK * (1 + fabs(at));
    }
    return true;
}

static enum err_code outside(const struct config *c, const struct range *r, struct err *e)
{
    struct sbuf range = {0};
    char value[96];
    range_format(&range, r);
    enum err_code rc = err_set(e, ERR_USAGE, "%s: %s is outside %s; `vaetop space` extends a range",
                               knob_info(r->knob)->full, config_format_value(value, sizeof value, c, r->knob), range.text);
    sbuf_release(&range);
    return rc;
}

/* --- by hand */

struct given {
    struct config value;
    bool has[KNOB_COUNT], used[KNOB_COUNT];
};

static enum err_code take_assignment(struct given *g, const struct preset *p, const char *text, struct err *e)
{
    char name[80], shown[80], value[96];
    const char *equals = strchr(text, '=');
    size_t n = equals ? (size_t)(equals - text) : 0;
    while (n > 0 && text[n - 1] == ' ') {
        n--;
    }
    if (n == 0 || n >= sizeof name) {
        return err_set(e, ERR_USAGE, "%s: section.knob=VALUE expected", str_clean(shown, sizeof shown, text));
    }
    memcpy(name, text, n);
    name[n] = '\0';
    enum knob k = knob_find(name);
    if (k == KNOB_NONE) {
        return unknown_knob(name, e);
    }
    if (!searched(p, k)) {
        return err_set(e, ERR_USAGE, "%s is not searched: it is %s in every trial of this study", knob_info(k)->full,
                       config_format_value(value, sizeof value, &p->base, k));
    }
    enum err_code rc = config_set(&g->value, k, equals + 1, e);
    g->has[k] = g->has[k] || !rc;
    return rc;
}

static enum err_code take_assignments(struct given *g, const struct preset *p, const char *assignments, struct err *e)
{
    enum err_code rc = ERR_OK;
    for (const char *at = assignments; !rc && *at;) {
        at += strspn(at, "; ");
        size_t len = strcspn(at, ";");
        char *one = xstrndup(at, len);
        if (one[strspn(one, " ")]) {
            rc = take_assignment(g, p, one, e);
        }
        free(one);
        at += len;
    }
    return rc;
}

/* The value of range r, which is active beside what is set already. */
static enum err_code choose(double *value, struct sbuf *drawn, struct given *g, const struct preset *p, size_t r,
                            const struct point *from, int number, struct err *e)
{
    const struct range *range = &p->range[r];
    g->used[range->knob] = true;
    if (g->has[range->knob]) {
        return range_holds(value, range, &g->value) ? ERR_OK : outside(&g->value, range, e);
    }
    if (from && from->present[r]) {
        *value = from->value[r];
        return ERR_OK;
    }
    struct rng rng = knob_rng((uint64_t)config_i64(&p->base, KNOB_STUDY_SEED), number, range->knob);
    *value = range_draw(range, rng_uniform(&rng));
    sbuf_addf(drawn, "%s%s", drawn->len > 0 ? " " : "", knob_info(range->knob)->name);
    return ERR_OK;
}

static enum err_code unused(const struct given *g, const struct preset *p, struct err *e)
{
    for (size_t r = 0; r < p->n_ranges; r++) {
        enum knob k = p->range[r].knob;
        if (g->has[k] && !g->used[k]) {
            struct sbuf range = {0};
            range_format(&range, &p->range[r]);
            enum err_code rc = err_set(e, ERR_USAGE, "%s is not searched beside these settings: %s", knob_info(k)->full,
                                       range.text);
            sbuf_release(&range);
            return rc;
        }
    }
    return ERR_OK;
}

enum err_code point_compose(struct point *out, struct sbuf *drawn, const struct preset *p, const struct point *from,
                            const char *assignments, int number, struct err *e)
{
    struct given g = {.has = {false}};
    struct config so_far;
    config_copy(&g.value, &p->base);
    config_copy(&so_far, &p->base);
    point_init(out, p);
    enum err_code rc = take_assignments(&g, p, assignments, e);
    for (size_t r = 0; !rc && r < p->n_ranges; r++) {
        out->present[r] = range_active(p, r, &so_far);
        if (out->present[r]) {
            rc = choose(&out->value[r], drawn, &g, p, r, from, number, e);
            rc = rc ? rc : range_apply(&so_far, &p->range[r], out->value[r], e);
        }
    }
    rc = rc ? rc : unused(&g, p, e);
    rc = rc ? rc : config_check(&so_far, e);
    config_release(&g.value);
    config_release(&so_far);
    if (rc) {
        point_release(out);
    }
    return rc;
}

/* --- from a configuration */

static enum err_code differs(const struct preset *p, const struct config *c, enum knob k, struct err *e)
{
    char here[96], there[96];
    return err_set(e, ERR_USAGE, "%s is %s there and %s here", knob_info(k)->full,
                   config_format_value(there, sizeof there, c, k), config_format_value(here, sizeof here, &p->base, k));
}

/* The knobs that have no active range in this point have the preset's value; those of `study` are no trial's. */
static enum err_code check_fixed(const struct preset *p, const struct config *c, const bool *set, struct err *e)
{
    for (int k = 0; k < KNOB_COUNT; k++) {
        bool own = strncmp(knob_info((enum knob)k)->full, "study.", 6) == 0;
        if (!own && !set[k] && !same_value(c, &p->base, (enum knob)k)) {
            return differs(p, c, (enum knob)k, e);
        }
    }
    return ERR_OK;
}

enum err_code point_of_config(struct point *out, const struct preset *p, const struct config *c, struct err *e)
{
    struct config so_far;
    bool set[KNOB_COUNT] = {false};
    for (size_t r = 0; r < p->n_ranges; r++) {
        set[p->range[r].knob] = true;
    }
    enum err_code rc = check_fixed(p, c, set, e);
    if (rc) {
        return rc;
    }
    memset(set, 0, sizeof set);
    config_copy(&so_far, &p->base);
    point_init(out, p);
    for (size_t r = 0; !rc && r < p->n_ranges; r++) {
        const struct range *range = &p->range[r];
        out->present[r] = range_active(p, r, &so_far);
        if (out->present[r]) {
            set[range->knob] = true;
            rc = range_holds(&out->value[r], range, c) ? range_apply(&so_far, range, out->value[r], e)
                                                       : outside(c, range, e);
        }
    }
    rc = rc ? rc : check_fixed(p, c, set, e);
    config_release(&so_far);
    if (rc) {
        point_release(out);
    }
    return rc;
}
