#include "vaetop/score/pruner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "vaetop/base/alloc.h"
#include "vaetop/score/front.h"

const struct percentile_rule median_rule = {
    .percentile = 50, .startup = 5, .warmup = 0, .interval = 1, .least_others = 1};

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* With linear interpolation between neighbours. v is sorted. */
static double quantile(const double *v, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t i = (size_t)at;
    return i + 1 < n ? v[i] + (at - (double)i) * (v[i + 1] - v[i]) : v[n - 1];
}

/* The epoch of the least value among from + 1 .. to; 0: none. */
static size_t best_epoch(const struct curve *c, size_t from, size_t to)
{
    size_t best = 0;
    for (size_t i = from; i < to && i < c->n; i++) {
        if (!isnan(c->value[i]) && (best == 0 || c->value[i] < c->value[best - 1])) {
            best = i + 1;
        }
    }
    return best;
}

static double best_of(const struct curve *c, size_t from, size_t to)
{
    size_t epoch = best_epoch(c, from, to);
    return epoch > 0 ? c->value[epoch - 1] : (double)NAN;
}

/* study.require is broken by less after epoch `from` than before. */
static bool nears_what_is_required(const struct curve *c, size_t from)
{
    double before = HUGE_VAL, since = HUGE_VAL;
    for (size_t i = 0; c->violation && i < c->n; i++) {
        double *at = i < from ? &before : &since;
        *at = fmin(*at, c->violation[i]); /* what is NaN is passed over */
    }
    return since < before;
}

static bool measured(const struct curve *c, size_t step)
{
    return step > 0 && step <= c->n && !isnan(c->value[step - 1]) && !(c->second && isnan(c->second[step - 1]));
}

static double violation_at(const struct curve *c, size_t step)
{
    return c->violation ? fmax(c->violation[step - 1], c->at_end) : 0;
}

/* Values of the trial and of those it is compared with at an epoch; the trial is the first. */
struct field {
    size_t n;
    double *pair; /* (n, 2) */
    double *broken;
};

static void field_add(struct field *f, const struct curve *c, size_t step)
{
    f->pair[2 * f->n] = c->value[step - 1];
    f->pair[2 * f->n + 1] = c->second ? c->second[step - 1] : 0;
    f->broken[f->n++] = violation_at(c, step);
}

/* The trial's last point, then the others' at its epoch. Owns: field_release(). */
static void gather(struct field *f, const struct curve *own, const struct curve *other, size_t n_others, bool complete)
{
    *f = (struct field){0, xcalloc(2 * (n_others + 1), sizeof *f->pair), xcalloc(n_others + 1, sizeof *f->broken)};
    field_add(f, own, own->n);
    for (size_t i = 0; i < n_others; i++) {
        const struct curve *c = &other[i];
        if (c->trial != own->trial && (c->complete || !complete) && measured(c, own->n)) {
            field_add(f, c, own->n);
        }
    }
}

static void field_release(struct field *f)
{
    free(f->pair);
    free(f->broken);
}

static bool any_broken(const struct field *f)
{
    bool any = false;
    for (size_t i = 0; i < f->n && !any; i++) {
        any = f->broken[i] > 0;
    }
    return any;
}

/* The trial's place from 1; of equals none is worse where there is one objective. */
static int own_place(const struct field *f, bool two)
{
    double *kept = xcalloc(2 * f->n, sizeof *kept);
    size_t *order = xcalloc(f->n, sizeof *order), m = 0, place = 1;
    for (size_t i = 0; i < f->n; i++) {
        bool before = f->broken[0] > 0 ? f->broken[i] < f->broken[0] : !(f->broken[i] > 0) && f->pair[2 * i] < f->pair[0];
        place += before;
        if (!(f->broken[i] > 0)) {
            kept[2 * m] = f->pair[2 * i];
            kept[2 * m + 1] = f->pair[2 * i + 1];
            m++;
        }
    }
    if (two && !(f->broken[0] > 0)) {
        front_order(order, NULL, kept, m);
        for (place = 1; order[place - 1] != 0; place++) {
        }
    }
    free(order);
    free(kept);
    return (int)place;
}

/* Compares places instead of values. */
static void judge_place(struct verdict *v, const struct percentile_rule *r, const struct field *f, bool two)
{
    v->value = (double)NAN;
    v->place = own_place(f, two);
    v->of = (int)f->n;
    v->go_on = (int)ceil(r->percentile / 100 * (double)f->n);
    v->prune = v->place > v->go_on;
}

static void judge(struct verdict *v, const struct percentile_rule *r, const struct field *f)
{
    size_t n = f->n - 1;
    double *at = xcalloc(n, sizeof *at);
    for (size_t i = 0; i < n; i++) {
        at[i] = f->pair[2 * (i + 1)];
    }
    qsort(at, n, sizeof *at, by_size);
    v->threshold = quantile(at, n, r->percentile / 100);
    v->prune = v->value > v->threshold;
    free(at);
}

struct verdict percentile_verdict(const struct percentile_rule *r, const struct curve *own, const struct curve *other,
                                  size_t n_others)
{
    struct verdict v = {.step = (int)own->n, .value = best_of(own, 0, own->n), .threshold = (double)NAN, .rung = -1,
                        .percent = r->percentile};
    int complete = 0;
    for (size_t i = 0; i < n_others; i++) {
        complete += other[i].complete && other[i].trial != own->trial;
    }
    if (own->n == 0 || complete < r->startup || v.step <= r->warmup || (v.step - r->warmup - 1) % r->interval != 0) {
        return v;
    }
    struct field f;
    gather(&f, own, other, n_others, true);
    if (!own->second && !isnan(v.value)) { /* the epoch that is best so far is what it would be scored by */
        f.pair[0] = v.value;
        f.broken[0] = violation_at(own, best_epoch(own, 0, own->n));
    }
    v.others = (int)f.n - 1;
    v.broken = f.broken[0] > 0;
    if (isnan(v.value)) {
        v.prune = true;
    } else if (v.others < r->least_others || v.others == 0 || (own->second && !measured(own, own->n))) {
        v.prune = false;
    } else if (own->second || any_broken(&f)) {
        judge_place(&v, r, &f, own->second != NULL);
    } else {
        judge(&v, r, &f);
    }
    field_release(&f);
    return v;
}

/* Nothing before epoch `from` is at least as good in both objectives as epoch i. */
static bool undominated(const struct curve *c, size_t i, size_t from)
{
    bool alone = true;
    for (size_t j = 0; j < from && alone; j++) {
        alone = !measured(c, j + 1) || c->value[j] > c->value[i] || c->second[j] > c->second[i];
    }
    return alone;
}

/* None of the last `window` epochs is better than the best before them. */
static bool stalled(const struct curve *own, size_t window, double least)
{
    double before, last;
    if (own->n <= window) {
        return false;
    }
    if (nears_what_is_required(own, own->n - window)) {
        return false;
    }
    before = best_of(own, 0, own->n - window);
    last = best_of(own, own->n - window, own->n);
    if (own->second && !isnan(before)) {
        bool better = false;
        for (size_t i = own->n - window; i < own->n && !better; i++) {
            better = measured(own, i + 1) && undominated(own, i, own->n - window);
        }
        return !better;
    }
    return isnan(last) || (!isnan(before) && before + least < last);
}

bool patience_spent(const struct curve *own, size_t patience, double least)
{
    return patience == 0 || stalled(own, patience + 1, least);
}

struct verdict patience_verdict(const struct curve *own, size_t patience)
{
    return (struct verdict){.prune = stalled(own, patience, 0), .step = (int)own->n, .rung = -1,
                            .value = best_of(own, 0, own->n), .threshold = (double)NAN, .patience = (int)patience};
}

struct asha_rule asha_rule_of(const struct preset *p)
{
    struct asha_rule r = {.least = (int)config_i64(&p->base, KNOB_STUDY_PRUNER_MIN_EPOCHS),
                          .eta = (int)config_i64(&p->base, KNOB_STUDY_PRUNER_ETA)};
    int warmup;
    preset_epochs(p, &r.most, &warmup);
    r.least = r.least > warmup ? r.least : warmup;
    return r;
}

int asha_epochs(const struct asha_rule *r, int rung)
{
    int64_t epochs = r->least > 0 ? r->least : 1;
    for (int k = 0; k < rung && epochs < r->most; k++) {
        epochs *= r->eta;
    }
    return epochs < r->most ? (int)epochs : r->most;
}

int asha_rungs(const struct asha_rule *r)
{
    int n = 0;
    while (asha_epochs(r, n) < r->most) {
        n++;
    }
    return n;
}

int asha_rung_at(const struct asha_rule *r, size_t epochs)
{
    int rung = -1;
    while (rung + 1 < asha_rungs(r) && (size_t)asha_epochs(r, rung + 1) <= epochs) {
        rung++;
    }
    return rung;
}

struct verdict asha_stop(const struct asha_rule *r, const struct curve *own, const struct curve *other, size_t n_others)
{
    int rung = asha_rung_at(r, own->n);
    struct verdict v = {.step = (int)own->n, .value = (double)NAN, .threshold = (double)NAN, .rung = rung};
    if (rung < 0 || (size_t)asha_epochs(r, rung) != own->n) {
        v.rung = -1;
        return v;
    }
    if (!measured(own, own->n)) {
        v.prune = true;
        return v;
    }
    struct field f;
    gather(&f, own, other, n_others, false);
    v.value = own->second ? (double)NAN : own->value[own->n - 1];
    v.others = (int)f.n - 1;
    v.of = (int)f.n;
    v.broken = f.broken[0] > 0;
    v.place = own_place(&f, own->second != NULL);
    v.go_on = (int)f.n / r->eta > 0 ? (int)f.n / r->eta : 1;
    v.prune = v.place > v.go_on;
    field_release(&f);
    return v;
}

/* What sort_rung() sorts; qsort has no argument for it. */
static const struct asha_entry *sorting;

/* What is not finite last; before it what breaks the requirement; of equals the lower trial number is better. */
static int by_value(const void *x, const void *y)
{
    const struct asha_entry *a = &sorting[*(const size_t *)x];
    const struct asha_entry *b = &sorting[*(const size_t *)y];
    if (isnan(a->value[0]) != isnan(b->value[0])) {
        return isnan(a->value[0]) ? 1 : -1;
    }
    if (a->violation < b->violation || a->violation > b->violation) {
        return a->violation < b->violation ? -1 : 1;
    }
    if (a->value[0] < b->value[0] || a->value[0] > b->value[0]) {
        return a->value[0] < b->value[0] ? -1 : 1;
    }
    return (a->trial > b->trial) - (a->trial < b->trial);
}

/* Front by front, those that keep the requirement; they stand in the order of the first objective, which makes ties settle
 * by it and then by number. */
static void sort_fronts(size_t *order, const struct asha_entry *entry, size_t n)
{
    double *pair = xcalloc(2 * n + 1, sizeof *pair);
    size_t *to = xcalloc(n + 1, sizeof *to), *from = xcalloc(n + 1, sizeof *from), m = 0;
    for (; m < n && !isnan(entry[order[m]].value[0]) && !(entry[order[m]].violation > 0); m++) {
        from[m] = order[m];
        pair[2 * m] = entry[order[m]].value[0];
        pair[2 * m + 1] = entry[order[m]].value[1];
    }
    front_order(to, NULL, pair, m);
    for (size_t i = 0; i < m; i++) {
        order[i] = from[to[i]];
    }
    free(pair);
    free(to);
    free(from);
}

/* Indexes of a rung's entries, best first. Returns how many. */
static size_t sort_rung(size_t *order, const struct asha_entry *entry, size_t n, int rung, int objectives)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        if (entry[i].rung == rung) {
            order[m++] = i;
        }
    }
    sorting = entry;
    if (m > 0) {
        qsort(order, m, sizeof *order, by_value);
    }
    if (objectives == 2) {
        sort_fronts(order, entry, m);
    }
    return m;
}

static bool resumable(const struct asha_entry *x, int objectives)
{
    return !x->promoted && !x->gone && !isnan(x->value[0]) && !(objectives == 2 && isnan(x->value[1]));
}

/* The best resumable entry of the highest rung that has one, among the best 1/eta or among all. */
static size_t pick(const struct asha_rule *r, const struct asha_entry *entry, size_t n, int objectives, bool all)
{
    size_t *order = xcalloc(n + 1, sizeof *order), found = n;
    for (int rung = asha_rungs(r) - 1; rung >= 0 && found == n; rung--) {
        size_t m = sort_rung(order, entry, n, rung, objectives);
        size_t best = all ? m : m / (size_t)r->eta;
        for (size_t i = 0; i < best && found == n; i++) {
            found = resumable(&entry[order[i]], objectives) ? order[i] : n;
        }
    }
    free(order);
    return found;
}

size_t asha_promote(const struct asha_rule *r, const struct asha_entry *entry, size_t n, int objectives)
{
    return pick(r, entry, n, objectives, false);
}

size_t asha_leader(const struct asha_rule *r, const struct asha_entry *entry, size_t n, int objectives)
{
    return pick(r, entry, n, objectives, true);
}

struct verdict asha_standing(const struct asha_rule *r, const struct asha_entry *entry, size_t n, size_t of,
                             int objectives)
{
    const struct asha_entry *x = &entry[of];
    size_t *order = xcalloc(n + 1, sizeof *order);
    size_t m = sort_rung(order, entry, n, x->rung, objectives), at = 0;
    while (order[at] != of) {
        at++;
    }
    free(order);
    return (struct verdict){.step = asha_epochs(r, x->rung), .value = x->value[0], .threshold = (double)NAN,
                            .others = (int)m - 1, .rung = x->rung, .place = (int)at + 1, .of = (int)m,
                            .go_on = (int)m / r->eta, .prune = at >= m / (size_t)r->eta, .broken = x->violation > 0};
}

static const char *ordinal(int n)
{
    if (n % 100 >= 11 && n % 100 <= 13) {
        return "th";
    }
    return n % 10 == 1 ? "st" : n % 10 == 2 ? "nd" : n % 10 == 3 ? "rd" : "th";
}

const char *verdict_format(char *buf, size_t cap, const struct verdict *v)
{
    char where[64];
    if (v->rung >= 0) {
        (void)snprintf(where, sizeof where, "rung %d (%d epoch%s)", v->rung, v->step, v->step == 1 ? "" : "s");
    } else {
        (void)snprintf(where, sizeof where, "epoch %d", v->step);
    }
    if (v->patience > 0) {
        (void)snprintf(buf, cap, "%s: none better than %.6g for %d epochs", where, v->value, v->patience);
    } else if (v->place > 0) {
        (void)snprintf(buf, cap, "%s: %d%s of %d, the best %d go%s on%s", where, v->place, ordinal(v->place), v->of,
                       v->go_on, v->go_on == 1 ? "es" : "", v->broken ? "; it breaks study.require" : "");
    } else if (isnan(v->value)) {
        (void)snprintf(buf, cap, "no finite value after epoch %d", v->step);
    } else if (isnan(v->threshold)) {
        (void)snprintf(buf, cap, "epoch %d: too few trials to compare with", v->step);
    } else {
        char bar[48] = "the median";
        if (v->percent != 50) {
            (void)snprintf(bar, sizeof bar, "the best %.4g %%", v->percent);
        }
        (void)snprintf(buf, cap, "%s: best %.6g is %s %.6g, %s of %d trials", where, v->value,
                       v->prune ? "above" : "within", v->threshold, bar, v->others);
    }
    return buf;
}
