/* A space that changes while its study lives: what is suggested may shrink, what trials may hold only grows. */
#include "vaetop/conf/search_space.h"

#include <stdlib.h>
#include <string.h>

#include "range_text.h"
#include "text.h"
#include "vaetop/base/alloc.h"

static size_t ranges_of(const struct preset *p, enum knob k, size_t *first)
{
    size_t n = 0;
    for (size_t r = p->n_ranges; r-- > 0;) {
        if (p->range[r].knob == k) {
            *first = r;
            n++;
        }
    }
    return n;
}

static size_t choice_at(const struct range *r, const char *word)
{
    size_t i = 0;
    while (i < r->n_choices && strcmp(r->choice[i], word) != 0) {
        i++;
    }
    return i;
}

static enum err_code refuse(const struct range *now, const char *why, struct err *e)
{
    struct sbuf range = {0};
    range_format(&range, now);
    enum err_code rc = err_set(e, ERR_USAGE, "%s: %s; it is %s in this study", knob_info(now->knob)->full, why, range.text);
    sbuf_release(&range);
    return rc;
}

static bool whole_steps(double from, double to, double step)
{
    double n = (to - from) / step;
    double off = n - (double)(long long)(n + (n < 0 ? -0.5 : 0.5));
    return off < 1e-6 && off > -1e-6;
}

/* Only bounds and choices may differ. */
static enum err_code check_kind(const struct range *now, const struct range *want, struct err *e)
{
    if (!condition_same(&now->when, &want->when)) {
        return refuse(now, "its condition stays", e);
    }
    if (want->kind != now->kind) {
        return refuse(now, now->kind == RANGE_CHOICE ? "choices stay choices" : "a range of numbers stays one", e);
    }
    if (now->kind == RANGE_CHOICE) {
        return ERR_OK;
    }
    bool same_step = !(want->step < now->step) && !(want->step > now->step);
    if (want->log != now->log || !same_step) {
        return refuse(now, "scale and step stay", e);
    }
    if (now->step > 0 && !whole_steps(now->lo, want->lo, now->step)) {
        return refuse(now, "its bounds stay on its steps", e);
    }
    return ERR_OK;
}

static void grow(struct range *wide, const struct range *want)
{
    wide->lo = want->lo < wide->lo ? want->lo : wide->lo;
    wide->hi = want->hi > wide->hi ? want->hi : wide->hi;
    for (size_t i = 0; i < want->n_choices; i++) {
        if (choice_at(wide, want->choice[i]) == wide->n_choices) {
            wide->choice = xreallocarray(wide->choice, wide->n_choices + 1, sizeof *wide->choice);
            wide->choice[wide->n_choices++] = xstrdup(want->choice[i]);
        }
    }
}

static enum knob knob_of(const char *assignment)
{
    char *name = xstrndup(assignment, strcspn(assignment, "= "));
    enum knob k = knob_find(name);
    free(name);
    return k;
}

/* want: narrow with the new ranges of k; first_want, first: where they stand. */
static enum err_code exchange(struct preset *wide, struct preset *narrow, struct preset *want, size_t first_want,
                              size_t first, size_t n, struct err *e)
{
    enum err_code rc = ERR_OK;
    for (size_t i = 0; !rc && i < n; i++) {
        rc = check_kind(&wide->range[first + i], &want->range[first_want + i], e);
    }
    for (size_t i = 0; !rc && i < n; i++) {
        grow(&wide->range[first + i], &want->range[first_want + i]);
        range_release(&narrow->range[first + i]);
        range_copy(&narrow->range[first + i], &want->range[first_want + i]);
    }
    rc = rc ? rc : preset_check(wide, e);
    return rc ? rc : preset_check(narrow, e);
}

enum err_code space_change(struct preset *wide, struct preset *narrow, enum knob *k, const char *assignment,
                           struct err *e)
{
    struct preset want, w, s;
    size_t first = 0, first_want = 0;
    *k = knob_of(assignment);
    preset_copy(&want, narrow);
    enum err_code rc = preset_set(&want, assignment, e);
    size_t n = rc ? 0 : ranges_of(wide, *k, &first), n_want = rc ? 0 : ranges_of(&want, *k, &first_want);
    char value[96];
    if (!rc && n == 0) {
        rc = err_set(e, ERR_USAGE, "%s is not searched: it is %s in every trial of this study; a new study that searches it "
                     "starts from these trials: vaetop run PRESET --name NEW --set %s=RANGE --warm-start STUDY",
                     knob_info(*k)->full, config_format_value(value, sizeof value, &wide->base, *k), knob_info(*k)->full);
    } else if (!rc && n != n_want) {
        rc = refuse(&wide->range[first], n_want == 0 ? "a range was expected, of two values at least"
                                                     : "as many ranges, with their conditions, were expected", e);
    }
    if (!rc) {
        preset_copy(&w, wide);
        preset_copy(&s, narrow);
        rc = exchange(&w, &s, &want, first_want, first, n, e);
        preset_release(rc ? &w : wide);
        preset_release(rc ? &s : narrow);
        if (!rc) {
            *wide = w;
            *narrow = s;
        }
    }
    preset_release(&want);
    return rc;
}

bool point_move(struct point *out, const struct preset *to, const struct point *pt, const struct preset *from)
{
    for (size_t r = 0; r < pt->n; r++) {
        const struct range *t = &to->range[r], *f = &from->range[r];
        out->present[r] = pt->present[r];
        out->value[r] = pt->present[r] ? pt->value[r] : 0;
        if (!pt->present[r]) {
            continue;
        }
        if (t->kind == RANGE_CHOICE) {
            size_t i = pt->value[r] >= 0 && pt->value[r] < (double)f->n_choices ? choice_at(t, f->choice[(size_t)pt->value[r]])
                                                                                : t->n_choices;
            out->value[r] = (double)i;
            if (i == t->n_choices) {
                return false;
            }
        } else if (!(pt->value[r] >= t->lo && pt->value[r] <= t->hi)) {
            return false;
        }
    }
    return true;
}
