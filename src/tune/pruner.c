#include "vaetop/tune/pruner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "vaetop/base/alloc.h"

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

struct verdict percentile_verdict(const struct percentile_rule *r, const struct curve *own, const struct curve *other,
                                  size_t n_others)
{
    struct verdict v = {.step = (int)own->n, .value = best_of(own, 0, own->n), .threshold = (double)NAN, .rung = -1};
    double *at = xcalloc(n_others + 1, sizeof *at);
    int complete = 0;
    for (size_t i = 0; i < n_others; i++) {
        if (other[i].complete && other[i].trial != own->trial) {
            complete++;
            if (own->n > 0 && own->n <= other[i].n && !isnan(other[i].value[own->n - 1])) {
                at[v.others++] = other[i].value[own->n - 1];
            }
        }
    }
    if (own->n > 0 && complete >= r->startup && v.step > r->warmup && (v.step - r->warmup - 1) % r->interval == 0) {
        if (isnan(v.value)) {
            v.prune = true;
        } else if (v.others >= r->least_others && v.others > 0) {
            qsort(at, (size_t)v.others, sizeof *at, by_size);
            v.threshold = quantile(at, (size_t)v.others, r->percentile / 100);
            v.prune = v.value > v.threshold;
        }
    }
    free(at);
    return v;
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
    return isnan(last) || (!isnan(before) && before + least < last);
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
    size_t n = 0;
    double *at;
    if (rung < 0 || (size_t)asha_epochs(r, rung) != own->n) {
        v.rung = -1;
        return v;
    }
    v.value = own->value[own->n - 1];
    if (isnan(v.value)) {
        v.prune = true;
        return v;
    }
    at = xcalloc(n_others + 1, sizeof *at);
    at[n++] = v.value;
    for (size_t i = 0; i < n_others; i++) {
        if (other[i].trial != own->trial && other[i].n >= own->n && !isnan(other[i].value[own->n - 1])) {
            at[n++] = other[i].value[own->n - 1];
        }
    }
    v.others = (int)n - 1;
    qsort(at, n, sizeof *at, by_size);
    v.threshold = at[n / (size_t)r->eta > 0 ? n / (size_t)r->eta - 1 : 0];
    v.prune = v.value > v.threshold;
    free(at);
    return v;
}

/* Entries of the rung that beat this one; of equals the lower trial number counts as better. */
static size_t better_than(const struct asha_entry *entry, size_t n, const struct asha_entry *x)
{
    size_t better = 0;
    for (size_t i = 0; i < n; i++) {
        if (entry[i].rung == x->rung && !isnan(entry[i].value)) {
            better += entry[i].value < x->value || (entry[i].value == x->value && entry[i].trial < x->trial);
        }
    }
    return better;
}

size_t asha_promote(const struct asha_rule *r, const struct asha_entry *entry, size_t n)
{
    for (int rung = asha_rungs(r) - 1; rung >= 0; rung--) {
        size_t at_rung = 0, found = n, found_rank = n;
        for (size_t i = 0; i < n; i++) {
            at_rung += entry[i].rung == rung;
        }
        for (size_t i = 0; i < n && at_rung / (size_t)r->eta > 0; i++) {
            if (entry[i].rung == rung && !entry[i].promoted && !entry[i].gone && !isnan(entry[i].value)) {
                size_t rank = better_than(entry, n, &entry[i]);
                if (rank < at_rung / (size_t)r->eta && rank < found_rank) {
                    found = i;
                    found_rank = rank;
                }
            }
        }
        if (found < n) {
            return found;
        }
    }
    return n;
}

const char *verdict_format(char *buf, size_t cap, const struct verdict *v)
{
    if (isnan(v->value)) {
        (void)snprintf(buf, cap, "no finite value after epoch %d", v->step);
    } else if (v->rung >= 0) {
        (void)snprintf(buf, cap, "rung %d, epoch %d: %.6g is %s %.6g, the bar of %d trials", v->rung, v->step, v->value,
                       v->prune ? "above" : "within", v->threshold, v->others + 1);
    } else if (isnan(v->threshold)) {
        (void)snprintf(buf, cap, "epoch %d: too few trials to compare with", v->step);
    } else {
        (void)snprintf(buf, cap, "epoch %d: best %.6g is %s %.6g, the bar of %d trials", v->step, v->value,
                       v->prune ? "above" : "within", v->threshold, v->others);
    }
    return buf;
}
