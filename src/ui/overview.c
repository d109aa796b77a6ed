#include "vaetop/ui/overview.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/objective.h"

#define GOOD_SHARE 0.1 /* of the trials that count: the share importance is about */

/* --- the space */

static struct overview_knob *knob_of(const struct overview *o, enum knob k)
{
    for (size_t i = 0; i < o->n_knobs; i++) {
        if (o->knob[i].knob == k) {
            return &o->knob[i];
        }
    }
    return NULL;
}

static size_t word_index(const struct overview_knob *k, const char *word)
{
    size_t i = 0;
    while (i < k->n_words && strcmp(k->word[i], word) != 0) {
        i++;
    }
    return i;
}

static void add_words(struct overview_knob *k, const struct range *r)
{
    for (size_t i = 0; i < r->n_choices; i++) {
        if (word_index(k, r->choice[i]) == k->n_words) {
            k->word = xreallocarray(k->word, k->n_words + 1, sizeof *k->word);
            k->word[k->n_words++] = r->choice[i];
        }
    }
    k->hi = (double)k->n_words - 1;
}

static void set_text(struct overview_knob *k, const struct range *r, bool several)
{
    struct sbuf text = {0};
    range_format(&text, r);
    char *cut = strstr(text.text, " if ");
    if (cut) {
        *cut = '\0';
    }
    (void)snprintf(k->range, sizeof k->range, "%.50s%s", text.text, several ? " ..." : "");
    sbuf_release(&text);
}

static void add_range(struct overview *o, const struct range *r)
{
    struct overview_knob *k = knob_of(o, r->knob);
    if (k) {
        k->lo = r->lo < k->lo ? r->lo : k->lo;
        k->hi = r->hi > k->hi ? r->hi : k->hi;
        k->log = k->log && r->log;
        set_text(k, r, true);
    } else {
        o->knob = xreallocarray(o->knob, o->n_knobs + 1, sizeof *o->knob);
        k = &o->knob[o->n_knobs++];
        *k = (struct overview_knob){.knob = r->knob, .choice = r->kind == RANGE_CHOICE, .log = r->log,
                                    .whole = r->kind == RANGE_INT, .lo = r->lo, .hi = r->hi};
        set_text(k, r, false);
    }
    if (r->kind == RANGE_CHOICE) {
        add_words(k, r);
    }
}

static void size_bins(struct overview_knob *k)
{
    double n = k->choice ? (double)k->n_words : k->whole ? k->hi - k->lo + 1 : OVERVIEW_BINS;
    k->bins = n < OVERVIEW_BINS ? (int)n : OVERVIEW_BINS;
    k->bins = k->bins < 1 ? 1 : k->bins;
    k->best = k->share[0] = k->share[1] = (double)NAN;
}

void overview_init(struct overview *o, const struct preset *p)
{
    *o = (struct overview){.best = -1, .value_lo = 1};
    preset_copy(&o->preset, p);
    for (size_t r = 0; r < o->preset.n_ranges; r++) {
        add_range(o, &o->preset.range[r]);
    }
    o->order = xcalloc(o->n_knobs + 1, sizeof *o->order);
    for (size_t i = 0; i < o->n_knobs; i++) {
        size_bins(&o->knob[i]);
        o->order[i] = i;
    }
    (void)str_copy(o->stop, sizeof o->stop, "never");
}

void overview_release(struct overview *o)
{
    for (size_t i = 0; i < o->n_knobs; i++) {
        free(o->knob[i].word);
    }
    free(o->knob);
    free(o->trial);
    free(o->at);
    free(o->order);
    free(o->front);
    free(o->best_x);
    free(o->best_y);
    insight_release(&o->insight);
    suggestion_release(&o->next);
    preset_release(&o->preset);
    *o = (struct overview){.best = -1};
}

double overview_place(const struct overview_knob *k, double value)
{
    if (k->choice) {
        return (value + 0.5) / (k->n_words > 0 ? (double)k->n_words : 1);
    }
    double lo = k->log ? log(k->lo) : k->lo, hi = k->log ? log(k->hi) : k->hi, x = k->log ? log(value) : value;
    return hi > lo ? fmin(fmax((x - lo) / (hi - lo), 0), 1) : 0.5;
}

double overview_at(const struct overview *o, int trial, size_t knob)
{
    return o->at[(size_t)trial * o->n_knobs + knob];
}

const char *overview_text(char *buf, size_t cap, const struct overview_knob *k, double value)
{
    if (isnan(value)) {
        (void)str_copy(buf, cap, "-");
    } else if (k->choice) {
        (void)str_copy(buf, cap, value >= 0 && value < (double)k->n_words ? k->word[(size_t)value] : "?");
    } else if (k->whole) {
        (void)snprintf(buf, cap, "%.0f", value);
    } else {
        (void)(k->log ? num_power : num_short)(buf, cap, value);
    }
    return buf;
}

/* --- trials */

static void grow(struct overview *o, size_t want)
{
    size_t knobs = o->n_knobs > 0 ? o->n_knobs : 1;
    if (want > o->cap) {
        o->cap = o->cap ? o->cap : 64;
        while (o->cap < want) {
            o->cap *= 2;
        }
        o->trial = xreallocarray(o->trial, o->cap, sizeof *o->trial);
        o->at = xreallocarray(o->at, o->cap * knobs, sizeof *o->at);
    }
    for (; o->n < want; o->n++) {
        o->trial[o->n] = (struct overview_trial){.phase = PHASE_QUEUED, .value = NAN, .rec = NAN, .kl = NAN};
        for (size_t i = 0; i < knobs; i++) {
            o->at[o->n * knobs + i] = (double)NAN;
        }
    }
}

static void put_point(const struct overview *o, double *at, const struct point *pt)
{
    for (size_t r = 0; r < o->preset.n_ranges && r < pt->n; r++) {
        const struct range *range = &o->preset.range[r];
        struct overview_knob *k = knob_of(o, range->knob);
        if (pt->present[r]) {
            at[k - o->knob] = range->kind == RANGE_CHOICE ? (double)word_index(k, range->choice[(size_t)pt->value[r]])
                                                          : pt->value[r];
        }
    }
}

void overview_put(struct overview *o, const struct trial_row *t)
{
    bool last = config_choice(&o->preset.base, KNOB_STUDY_VALUE) == VALUE_LAST;
    const struct epoch_row *at = last || t->best.epoch <= 0 ? &t->last : &t->best;
    if (t->number < 0 || t->number > 10000000) {
        return;
    }
    grow(o, (size_t)t->number + 1);
    o->trial[t->number] = (struct overview_trial){.phase = t->phase,
                                                  .counts = t->phase == PHASE_DONE && isfinite(t->value),
                                                  .value = t->value,
                                                  .rec = t->has_epoch ? at->val_rec : (double)NAN,
                                                  .kl = t->has_epoch ? at->val_kl : (double)NAN};
    put_point(o, &o->at[(size_t)t->number * o->n_knobs], &t->point);
}

/* --- all together */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value that the best tenth reach, and the span that shows the trials: from the best to where the bulk ends. */
static double cut_of(struct overview *o)
{
    double *v = xcalloc(o->n + 1, sizeof *v), cut = -HUGE_VAL;
    size_t n = 0;
    for (size_t i = 0; i < o->n; i++) {
        if (o->trial[i].counts) {
            v[n++] = o->trial[i].value;
        }
    }
    qsort(v, n, sizeof *v, by_value);
    o->value_lo = 1;
    o->value_hi = 0;
    if (n > 0) {
        size_t k = (size_t)ceil(GOOD_SHARE * (double)n - 1e-9);
        double reach = 4 * (v[(n - 1) * 3 / 4] - v[0]);
        cut = v[k - 1];
        o->value_lo = v[0];
        o->value_hi = v[n - 1] < v[0] + reach || reach <= 0 ? v[n - 1] : v[0] + reach;
    }
    free(v);
    return cut;
}

struct place {
    double rec, kl;
    int number;
};

static int by_rec(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;
    if (x->rec != y->rec) {
        return x->rec < y->rec ? -1 : 1;
    }
    return x->kl < y->kl ? -1 : x->kl > y->kl;
}

/* In the order of rec, whoever has less kl than all before. */
static void find_front(struct overview *o)
{
    struct place *at = xcalloc(o->n + 1, sizeof *at);
    size_t n = 0;
    double least = HUGE_VAL;
    for (size_t i = 0; i < o->n; i++) {
        struct overview_trial *t = &o->trial[i];
        t->front = false;
        if (t->counts && isfinite(t->rec) && isfinite(t->kl)) {
            at[n++] = (struct place){t->rec, t->kl, (int)i};
        }
    }
    qsort(at, n, sizeof *at, by_rec);
    o->front = xreallocarray(o->front, o->n + 1, sizeof *o->front);
    o->n_front = 0;
    for (size_t i = 0; i < n; i++) {
        if (at[i].kl < least) {
            least = at[i].kl;
            o->trial[at[i].number].front = true;
            o->front[o->n_front++] = at[i].number;
        }
    }
    free(at);
}

/* The best value up to each trial that counts, by number. */
static void find_best(struct overview *o)
{
    o->best_x = xreallocarray(o->best_x, 2 * o->n + 2, sizeof *o->best_x);
    o->best_y = xreallocarray(o->best_y, 2 * o->n + 2, sizeof *o->best_y);
    const enum objective objective = objective_of(&o->preset.base);
    o->n_best = 0;
    float best = 0;
    for (size_t i = 0; i < o->n; i++) {
        const struct overview_trial *t = &o->trial[i];
        bool better = t->counts && (o->n_best == 0 || (float)t->value < best);
        if (!t->counts) {
            continue;
        }
        if (better && o->n_best > 0) { /* a step down, not a slope */
            o->best_x[o->n_best] = (float)i;
            o->best_y[o->n_best++] = (float)objective_shown(objective, (double)best);
        }
        best = better ? (float)t->value : best;
        o->best_x[o->n_best] = (float)i;
        o->best_y[o->n_best++] = (float)objective_shown(objective, (double)best);
    }
}

static void fill_histogram(const struct overview *o, size_t knob)
{
    struct overview_knob *k = &o->knob[knob];
    memset(k->all, 0, sizeof k->all);
    memset(k->good, 0, sizeof k->good);
    for (size_t i = 0; i < o->n; i++) {
        double x = o->at[i * o->n_knobs + knob];
        if (!o->trial[i].counts || isnan(x)) {
            continue;
        }
        int bin = (int)(overview_place(k, x) * k->bins);
        bin = bin >= k->bins ? k->bins - 1 : bin;
        k->all[bin]++;
        k->good[bin] += o->trial[i].good;
    }
    k->best = o->best >= 0 ? overview_at(o, o->best, knob) : (double)NAN;
}

static bool has_ended(enum trial_phase p)
{
    enum trial_state s = trial_phase_state(p);
    return s != TRIAL_RUNNING && s != TRIAL_WAITING;
}

void overview_total(struct overview *o)
{
    double cut = cut_of(o);
    o->best = -1;
    o->n_counts = o->n_ended = 0;
    for (size_t i = 0; i < o->n; i++) {
        struct overview_trial *t = &o->trial[i];
        t->good = t->counts && t->value <= cut;
        o->n_counts += t->counts;
        o->n_ended += has_ended(t->phase);
        if (t->counts && (o->best < 0 || t->value < o->trial[o->best].value)) {
            o->best = (int)i;
        }
    }
    find_front(o);
    find_best(o);
    for (size_t i = 0; i < o->n_knobs; i++) {
        fill_histogram(o, i);
    }
}

/* --- the advisor's words */

static void put_shares(struct overview *o)
{
    const struct insight *in = &o->insight;
    for (size_t i = 0; i < o->n_knobs; i++) {
        for (size_t k = 0; k < 2; k++) {
            o->knob[i].share[k] = k < in->objectives && in->complete >= 2 ? 0 : (double)NAN;
        }
    }
    for (size_t k = 0; k < in->objectives; k++) {
        for (size_t r = 0; r < in->n_ranges; r++) {
            struct overview_knob *knob = knob_of(o, o->preset.range[r].knob);
            knob->share[k] += in->share[k * in->n_ranges + r];
        }
    }
}

void overview_insight(struct overview *o, struct insight *in)
{
    insight_release(&o->insight);
    o->insight = *in;
    *in = (struct insight){0};
    if (o->insight.n_ranges != o->preset.n_ranges) {
        insight_release(&o->insight);
    }
    put_shares(o);
    for (size_t i = 0; i < o->n_knobs; i++) { /* by the first objective; equal ones as in the preset */
        size_t at = i;
        for (; at > 0 && o->knob[o->order[at - 1]].share[0] < o->knob[i].share[0]; at--) {
            o->order[at] = o->order[at - 1];
        }
        o->order[at] = i;
    }
}

static enum err_code load_next(struct overview *o, struct store *s, struct err *e)
{
    struct suggestion *made = NULL;
    size_t n = 0, i = 0;
    suggestion_release(&o->next);
    while (i < o->n && o->trial[i].phase != PHASE_QUEUED) {
        i++;
    }
    if (i == o->n) {
        return ERR_OK;
    }
    enum err_code rc = store_suggestions(s, (int)i, (int)i, &made, &n, e);
    if (!rc && n == 1) {
        o->next = made[0];
        made[0] = (struct suggestion){0};
    }
    store_suggestions_free(made, n);
    return rc;
}

enum err_code overview_load(struct overview *o, struct store *s, struct err *e)
{
    struct insight in;
    char *stop = NULL;
    enum err_code rc = store_insight(s, &in, e);
    if (!rc) {
        overview_insight(o, &in);
    }
    rc = rc == ERR_NOTFOUND ? ERR_OK : rc;
    rc = rc ? rc : store_fact_get(s, "stop", &stop, e);
    if (!rc) {
        const char *knob = knob_choice_name(KNOB_STUDY_STOP, config_choice(&o->preset.base, KNOB_STUDY_STOP));
        (void)str_copy(o->stop, sizeof o->stop, stop && strcmp(stop, "never") == 0 ? "never" : knob);
    }
    free(stop);
    return rc ? rc : load_next(o, s, e);
}

const char *overview_next(char *buf, size_t cap, const struct overview *o)
{
    if (!o->next.text) {
        (void)snprintf(buf, cap, "no trial waits for a slot");
        return buf;
    }
    int len = snprintf(buf, cap, "#%d", (int)o->next.number);
    for (size_t i = 0; i < o->n_knobs; i++) {
        char x[32];
        double v = overview_at(o, (int)o->next.number, i);
        if (!isnan(v) && len > 0 && (size_t)len < cap) {
            len += snprintf(buf + len, cap - (size_t)len, "  %s %s", knob_info(o->knob[i].knob)->name,
                            overview_text(x, sizeof x, &o->knob[i], v));
        }
    }
    return buf;
}

const char *overview_left(char *buf, size_t cap, const struct overview *o)
{
    const struct insight *in = &o->insight;
    char gain[64] = "no model says";
    if (in->objectives == 0) {
        (void)snprintf(buf, cap, "left to gain: not known yet, the advisor says it while the study runs");
        return buf;
    }
    if (!isnan(in->expected)) {
        (void)snprintf(gain, sizeof gain, "at most %.2g sd a trial", in->expected);
    }
    (void)snprintf(buf, cap, "left to gain: %s; %d since the best: %s (study.stop: %s)", gain, in->since,
                   in->stop ? "it is enough" : "go on", o->stop);
    return buf;
}
