#include "vaetop/conf/preset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "range_text.h"
#include "text.h"
#include "vaetop/base/alloc.h"

void point_init(struct point *p, const struct preset *ps)
{
    size_t n = ps->n_ranges > 0 ? ps->n_ranges : 1;
    p->n = ps->n_ranges;
    p->present = xcalloc(n, sizeof *p->present);
    p->value = xcalloc(n, sizeof *p->value);
}

void point_release(struct point *p)
{
    free(p->present);
    free(p->value);
    *p = (struct point){0};
}

void point_copy(struct point *dst, const struct point *src)
{
    size_t n = src->n > 0 ? src->n : 1;
    dst->n = src->n;
    dst->present = xcalloc(n, sizeof *dst->present);
    dst->value = xcalloc(n, sizeof *dst->value);
    if (src->n > 0) {
        memcpy(dst->present, src->present, src->n * sizeof *dst->present);
        memcpy(dst->value, src->value, src->n * sizeof *dst->value);
    }
}

void preset_release(struct preset *p)
{
    free(p->name);
    free(p->lesson);
    config_release(&p->base);
    for (int k = 0; k < KNOB_COUNT; k++) {
        free(p->origin[k]);
    }
    for (size_t r = 0; r < p->n_ranges; r++) {
        range_release(&p->range[r]);
    }
    free(p->range);
    *p = (struct preset){0};
}

void preset_copy(struct preset *dst, const struct preset *src)
{
    *dst = *src;
    dst->name = xstrdup(src->name);
    dst->lesson = xstrdup(src->lesson);
    config_copy(&dst->base, &src->base);
    for (int k = 0; k < KNOB_COUNT; k++) {
        dst->origin[k] = src->origin[k] ? xstrdup(src->origin[k]) : NULL;
    }
    dst->range = src->n_ranges > 0 ? xcalloc(src->n_ranges, sizeof *dst->range) : NULL;
    for (size_t r = 0; r < src->n_ranges; r++) {
        range_copy(&dst->range[r], &src->range[r]);
    }
}

/* Takes the ranges of k out and puts the new ones in, all in the order of the table. */
static void replace_ranges(struct preset *p, enum knob k, struct entry *x, size_t n)
{
    struct range *merged = xcalloc(p->n_ranges + n + 1, sizeof *merged);
    size_t to = 0;
    for (int now = 0; now < KNOB_COUNT; now++) {
        for (size_t r = 0; now != (int)k && r < p->n_ranges; r++) {
            if (p->range[r].knob == (enum knob)now) {
                merged[to++] = p->range[r];
            }
        }
        for (size_t i = 0; now == (int)k && i < n; i++) {
            if (!x[i].value) {
                merged[to++] = x[i].range;
                x[i].range = (struct range){.when.on = KNOB_NONE};
            }
        }
    }
    for (size_t r = 0; r < p->n_ranges; r++) {
        if (p->range[r].knob == k) {
            range_release(&p->range[r]);
        }
    }
    free(p->range);
    p->range = merged;
    p->n_ranges = to;
}

void preset_put(struct preset *p, enum knob k, struct entry *x, size_t n, const char *origin)
{
    const char *value = n == 1 && x[0].value ? x[0].value : knob_info(k)->default_text;
    enum err_code rc = config_set(&p->base, k, value, NULL);
    assert(rc == ERR_OK); /* entry_read() has checked it */
    (void)rc;
    replace_ranges(p, k, x, n);
    for (size_t i = 0; i < n; i++) {
        entry_release(&x[i]);
    }
    p->given[k] = true;
    free(p->origin[k]);
    p->origin[k] = xstrdup(origin);
}

/* Reads VALUE of an assignment, its items separated by ';'; a free text is one item. */
static enum err_code set_value(struct preset *p, enum knob k, const char *value, const char *origin, struct err *e)
{
    struct entry list[ENTRIES_MAX];
    size_t n = 0, at = 0, which = 0;
    bool whole = !knob_info(k)->range_allowed;
    enum err_code rc = ERR_OK;
    for (const char *s = value; !rc;) {
        size_t len = whole ? strlen(s) : strcspn(s, ";");
        char *item = xstrndup(s, len);
        rc = n == ENTRIES_MAX ? err_set(e, ERR_USAGE, "%s: more than %d items", knob_info(k)->full, ENTRIES_MAX)
                              : entry_read(&list[n], k, item, false, &at, e);
        free(item);
        n += !rc;
        if (s[len] == '\0') {
            break;
        }
        s += len + 1;
    }
    if (!rc) {
        rc = entries_check(k, list, n, &which, e);
    }
    if (!rc) {
        preset_put(p, k, list, n, origin);
        return ERR_OK;
    }
    while (n > 0) {
        entry_release(&list[--n]);
    }
    return rc;
}

/* The option's own text names the knob already. */
static void drop_prefix(char *text, enum knob k)
{
    size_t n = k != KNOB_NONE ? strlen(knob_info(k)->full) : 0;
    if (n > 0 && strncmp(text, knob_info(k)->full, n) == 0 && text[n] == ':' && text[n + 1] == ' ') {
        memmove(text, text + n + 2, strlen(text + n + 2) + 1);
    }
}

enum err_code preset_set(struct preset *p, const char *assignment, struct err *e)
{
    char shown[SHOWN_CAP];
    char *origin = xasprintf("--set %s", show(shown, assignment));
    const char *equals = strchr(assignment, '=');
    size_t len = equals ? (size_t)(equals - assignment) : 0;
    char *name;
    enum knob k;
    enum err_code rc;
    while (len > 0 && (assignment[len - 1] == ' ' || assignment[len - 1] == '\t')) {
        len--;
    }
    name = xstrndup(assignment, len);
    k = knob_find(name);
    if (len == 0) {
        rc = err_set(e, ERR_USAGE, "section.knob=VALUE expected");
    } else if (k == KNOB_NONE) {
        rc = unknown_knob(name, e);
    } else {
        rc = set_value(p, k, equals + 1, origin, e);
    }
    if (rc && e) {
        drop_prefix(e->text, k);
        err_prefix(e, "%s", origin);
    }
    free(name);
    free(origin);
    return rc;
}

/* Settings that say how far and how wide a study goes, not what a trial yields. */
static bool scope_only(enum knob k)
{
    return k == KNOB_STUDY_NAME || k == KNOB_STUDY_TRIALS || k == KNOB_STUDY_SLOTS || k == KNOB_STUDY_KEEP ||
           k == KNOB_STUDY_TIMEOUT;
}

/* The i-th range of a knob, NULL past the last. */
static const struct range *range_of(const struct preset *p, enum knob k, size_t i)
{
    for (size_t r = 0; r < p->n_ranges; r++) {
        if (p->range[r].knob == k && i-- == 0) {
            return &p->range[r];
        }
    }
    return NULL;
}

static bool knob_same(const struct preset *a, const struct preset *b, enum knob k)
{
    for (size_t i = 0;; i++) {
        const struct range *x = range_of(a, k, i);
        const struct range *y = range_of(b, k, i);
        if (!x && !y) {
            break;
        }
        if (!x || !y || !range_same(x, y)) {
            return false;
        }
    }
    if (knob_info(k)->type == KNOB_TEXT) {
        return strcmp(config_text(&a->base, k), config_text(&b->base, k)) == 0;
    }
    return a->base.num[k] == b->base.num[k];
}

enum knob preset_difference(const struct preset *a, const struct preset *b)
{
    for (int k = 0; k < KNOB_COUNT; k++) {
        if (!scope_only((enum knob)k) && !knob_same(a, b, (enum knob)k)) {
            return (enum knob)k;
        }
    }
    return KNOB_NONE;
}

enum err_code preset_apply(struct config *out, const struct preset *p, const struct point *pt, struct err *e)
{
    enum err_code rc = ERR_OK;
    assert(pt->n == p->n_ranges);
    config_copy(out, &p->base);
    for (size_t r = 0; !rc && r < p->n_ranges; r++) {
        if (pt->present[r]) {
            rc = range_apply(out, &p->range[r], pt->value[r], e);
        }
    }
    if (rc) {
        config_release(out);
    }
    return rc;
}

bool point_in_space(const struct preset *p, const struct point *pt)
{
    struct config c;
    if (preset_apply(&c, p, pt, NULL)) {
        return false;
    }
    bool in = true;
    for (size_t r = 0; r < p->n_ranges && in; r++) {
        in = range_active(p, r, &c) == pt->present[r];
    }
    config_release(&c);
    return in;
}
