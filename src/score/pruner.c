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

static double best_of(const struct curve *c, size_t from, size_t to)
{
    double best = (double)NAN;
    for (size_t i = from; i < to && i < c->n; i++) {
        if (!isnan(c->value[i]) && !(c->value[i] >= best)) {
            best = c->value[i];
        }
    }
    return best;
}

/* Places from 1, best first. Shapes: place (n), pair (n, 2). */
static void places(int *place, const double *pair, size_t n)
{
    size_t *order = xcalloc(n + 1, sizeof *order);
    front_order(order, NULL, pair, n);
    for (size_t i = 0; i < n; i++) {
        place[order[i]] = (int)i + 1;
    }
    free(order);
}

static bool measured(const struct curve *c, size_t step)
{
    return step > 0 && step <= c->n && !isnan(c->value[step - 1]) && !(c->second && isnan(c->second[step - 1]));
}

/* The trial's last point, then the others' at its epoch. pair: room for n_others + 1. Returns how many. */
static size_t gather(double *pair, const struct curve *own, const struct curve *other, size_t n_others, bool complete)
{
    size_t n = 0;
    for (size_t i = 0; i <= n_others; i++) {
        const struct curve *c = i > 0 ? &other[i - 1] : own;
        if (i == 0 || (c->trial != own->trial && (c->complete || !complete) && measured(c, own->n))) {
            pair[2 * n] = c->value[own->n - 1];
            pair[2 * n + 1] = c->second ? c->second[own->n - 1] : 0;
            n++;
        }
    }
    return n;
}

/* Compares places instead of values. */
static void judge_pair(struct verdict *v, const struct percentile_rule *r, const double *pair, size_t n)
{
    int *place = xcalloc(n, sizeof *place);
    places(place, pair, n);
    v->value = (double)NAN;
    v->place = place[0];
    v->of = (int)n;
    v->go_on = (int)ceil(r->percentile / 100 * (double)n);
    v->prune = v->place > v->go_on;
    free(place);
}

static void judge(struct verdict *v, const struct percentile_rule *r, const double *pair, size_t n)
{
    double *at = xcalloc(n, sizeof *at);
    for (size_t i = 0; i < n; i++) {
        at[i] = pair[2 * i];
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
    double *pair = xcalloc(2 * (n_others + 1), sizeof *pair);
    size_t n = gather(pair, own, other, n_others, true);
    v.others = (int)n - 1;
    if (isnan(v.value)) {
        v.prune = true;
    } else if (v.others >= r->least_others && v.others > 0 && measured(own, own->n) && own->second) {
        judge_pair(&v, r, pair, n);
    } else if (v.others >= r->least_others && v.others > 0) {
        judge(&v, r, pair + 2, n - 1);
    }
    free(pair);
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

bool patience_spent(const struct curve *own, size_t patience, double least)
{
    double before, last;
    size_t window = patience + 1;
    if (patience == 0) {
        return true;
    }
    if (own->n <= window) {
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

struct verdict patience_verdict(const struct curve *own, size_t patience)
{
    return (struct verdict){.prune = patience_spent(own, patience - 1, 0), .step = (int)own->n, .rung = -1,
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
    double *pair = xcalloc(2 * (n_others + 1), sizeof *pair);
    size_t n = gather(pair, own, other, n_others, false);
    int *place = xcalloc(n, sizeof *place);
    int better = 0;
    for (size_t i = 1; i < n; i++) {
        better += pair[2 * i] < own->value[own->n - 1];
    }
    places(place, pair, n);
    v.value = own->second ? (double)NAN : own->value[own->n - 1];
    v.others = (int)n - 1;
    v.of = (int)n;
    v.place = own->second ? place[0] : better + 1; /* of equals none is worse */
    v.go_on = (int)n / r->eta > 0 ? (int)n / r->eta : 1;
    v.prune = v.place > v.go_on;
    free(place);
    free(pair);
    return v;
}

/* What sort_rung() sorts; qsort has no argument for it. */
static const struct asha_entry *sorting;

/* What is not finite last; of equals the lower trial number is better. */
static int by_value(const void *x, const void *y)
{
    const struct asha_entry *a = &sorting[*(const size_t *)x];
    const struct asha_entry *b = &sorting[*(const size_t *)y];
    if (isnan(a->value[0]) != isnan(b->value[0])) {
        return isnan(a->value[0]) ? 1 : -1;
    }
    if (a->value[0] < b->value[0] || a->value[0] > b->value[0]) {
        return a->value[0] < b->value[0] ? -1 : 1;
    }
    return (a->trial > b->trial) - (a->trial < b->trial);
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
    if (objectives == 2) { /* in the order of the first, which makes ties settle by it and then by number */
        double *pair = xcalloc(2 * m + 1, sizeof *pair);
        size_t *to = xcalloc(m + 1, sizeof *to), *from = xcalloc(m + 1, sizeof *from);
        for (size_t i = 0; i < m; i++) {
            from[i] = order[i];
            pair[2 * i] = entry[order[i]].value[0];
            pair[2 * i + 1] = entry[order[i]].value[1];
        }
        front_order(to, NULL, pair, m);
        for (size_t i = 0; i < m; i++) {
            order[i] = from[to[i]];
        }
        free(pair);
        free(to);
        free(from);
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
                            .go_on = (int)m / r->eta, .prune = at >= m / (size_t)r->eta};
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
        (void)snprintf(buf, cap, "%s: %d%s of %d, the best %d go%s on", where, v->place, ordinal(v->place), v->of,
                       v->go_on, v->go_on == 1 ? "es" : "");
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
