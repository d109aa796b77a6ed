#include "tpe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "parzen.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/rng.h"
#include "vaetop/score/front.h"

#define GOOD_MOST 25
#define PAIRS_MOST 16384 /* candidates times kernels: what a suggestion costs */
#define REST_MOST 200 /* kernels of the rest; beyond, the newest half and an even choice of the older stand for all */

const struct tpe_options tpe_defaults = {0.15, true, true, 24};

size_t tpe_below(size_t n, double fraction)
{
    size_t k = (size_t)ceil(fraction * (double)n - 1e-9);
    return k < GOOD_MOST ? k : GOOD_MOST;
}

enum quality { Q_VALUE, Q_PRUNED, Q_BROKEN, Q_FAILED };

struct entry {
    const struct record *r;
    enum quality quality;
    double first, second; /* smaller is better */
};

static int by_quality(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;
    if (x->quality != y->quality) {
        return x->quality < y->quality ? -1 : 1;
    }
    if (x->first != y->first) {
        return x->first < y->first ? -1 : 1;
    }
    if (x->second != y->second) {
        return x->second < y->second ? -1 : 1;
    }
    return x->r->seen.number < y->r->seen.number ? -1 : 1;
}

static int by_number(const void *a, const void *b)
{
    const struct record *x = *(const struct record *const *)a;
    const struct record *y = *(const struct record *const *)b;
    return x->seen.number < y->seen.number ? -1 : x->seen.number > y->seen.number;
}

static struct entry judge(const struct history *h, const struct record *r)
{
    struct entry x = {r, Q_FAILED, 0, 0};
    bool complete = record_complete(h, r);
    if (r->seen.state == SEEN_FAILED || (r->seen.state == SEEN_COMPLETE && !complete)) {
        return x;
    }
    if (r->seen.violation > 0) {
        x.quality = Q_BROKEN;
        x.first = r->seen.violation;
    } else if (complete) {
        x.quality = Q_VALUE;
        x.first = r->seen.value[0];
    } else {
        x.quality = Q_PRUNED;
        x.first = isnan(r->seen.value[0]) ? 1 : -(double)r->seen.step; /* no report: last */
        x.second = isnan(r->seen.value[0]) ? HUGE_VAL : r->seen.value[0];
    }
    return x;
}

/* Two objectives: the rank of the front stands for the value, crowding breaks ties. */
static void judge_fronts(struct entry *x, size_t n)
{
    double *value = xcalloc(2 * n + 1, sizeof *value);
    int *rank = xcalloc(n + 1, sizeof *rank);
    double *crowd = xcalloc(n + 1, sizeof *crowd);
    size_t *at = xcalloc(n + 1, sizeof *at);
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        if (x[i].quality == Q_VALUE) {
            at[m] = i;
            value[2 * m] = x[i].r->seen.value[0];
            value[2 * m + 1] = x[i].r->seen.value[1];
            m++;
        }
    }
    front_ranks(rank, value, m);
    front_crowding(crowd, value, rank, m);
    for (size_t k = 0; k < m; k++) {
        x[at[k]].first = rank[k];
        x[at[k]].second = -crowd[k];
    }
    free(value);
    free(rank);
    free(crowd);
    free(at);
}

static bool has_group(const struct space *s, const struct record *r, size_t group)
{
    for (size_t d = 0; d < s->n; d++) {
        if (s->dim[d].group == group) {
            return r->pt.present[d];
        }
    }
    return false;
}

/* Indices of the k best entries, best first. Shapes: top (k). Returns how many. */
static size_t select_best(size_t *top, size_t k, const struct entry *x, size_t n)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = m;
        while (at > 0 && by_quality(&x[i], &x[top[at - 1]]) < 0) {
            at--;
        }
        if (at < k) {
            m += m < k;
            memmove(&top[at + 1], &top[at], (m - at - 1) * sizeof *top);
            top[at] = i;
        }
    }
    return m;
}

/* Finished trials nearly stand in the order of their numbers: few moves, or else a sort. */
static void sort_by_number(const struct record **r, size_t n)
{
    size_t moves = 8 * n + 64;
    for (size_t i = 1; i < n; i++) {
        const struct record *x = r[i];
        size_t at = i;
        for (; at > 0 && r[at - 1]->seen.number > x->seen.number && moves > 0; at--, moves--) {
            r[at] = r[at - 1];
        }
        r[at] = x;
    }
    if (moves == 0) {
        qsort(r, n, sizeof(const struct record *), by_number);
    }
}

static size_t judge_group(struct entry *x, size_t *allowed, const struct space *s, const struct history *h,
                          size_t group)
{
    size_t n = 0;
    *allowed = 0;
    for (size_t i = 0; i < h->n_done; i++) {
        if (has_group(s, &h->done[i], group)) {
            x[n] = judge(h, &h->done[i]);
            *allowed += x[n].quality != Q_FAILED;
            n++;
        }
    }
    if (h->objectives == 2) {
        judge_fronts(x, n);
    }
    return n;
}

void tpe_split(struct tpe_split *out, const struct space *s, const struct history *h, size_t group, double fraction)
{
    struct entry *x = xcalloc(h->n_done + 1, sizeof *x);
    size_t allowed, n = judge_group(x, &allowed, s, h, group);
    *out = (struct tpe_split){.by_value = h->objectives == 1, .rest_best = (double)NAN};
    out->n_good = tpe_below(n, fraction);
    out->n_good = out->n_good < allowed ? out->n_good : allowed;
    size_t top[GOOD_MOST + 1];
    size_t chosen = select_best(top, out->n_good + 1, x, n);
    out->good = xcalloc(n + 1, sizeof *out->good);
    out->rest = xcalloc(n + h->n_running + 1, sizeof *out->rest);
    if (chosen > out->n_good && x[top[out->n_good]].quality == Q_VALUE) {
        out->rest_best = x[top[out->n_good]].r->seen.value[0];
    }
    for (size_t i = 0; i < out->n_good; i++) {
        struct entry *good = &x[top[i]];
        out->good[i] = good->r;
        out->by_value = out->by_value && good->quality == Q_VALUE;
        good->r = NULL; /* taken */
    }
    for (size_t i = 0; i < n; i++) {
        if (x[i].r) {
            out->rest[out->n_rest++] = x[i].r;
        }
    }
    for (size_t i = 0; i < h->n_running; i++) {
        if (has_group(s, &h->running[i], group)) {
            out->rest[out->n_rest++] = &h->running[i];
        }
    }
    sort_by_number(out->good, out->n_good);
    sort_by_number(out->rest, out->n_rest);
    free(x);
}

void tpe_split_release(struct tpe_split *sp)
{
    free(sp->good);
    free(sp->rest);
    *sp = (struct tpe_split){0};
}

static void good_weights(double *w, const struct tpe_split *sp, const struct tpe_options *o)
{
    double sum = 0;
    bool ei = o->ei_weights && sp->by_value && isfinite(sp->rest_best);
    parzen_age_weights(w, sp->n_good);
    for (size_t i = 0; i < sp->n_good; i++) {
        if (ei) {
            w[i] = fmax(1e-12, sp->rest_best - sp->good[i]->seen.value[0]);
        }
        sum += w[i];
    }
    w[sp->n_good] = ei && sp->n_good > 0 ? sum / (double)sp->n_good : 1;
}

static void rest_weights(double *w, size_t n, const struct tpe_options *o)
{
    parzen_age_weights(w, n);
    for (size_t i = 0; i < n && !o->age_weights; i++) {
        w[i] = 1;
    }
    w[n] = 1;
}

/* The newest half of REST_MOST and an even choice among the older; weights follow their records. */
static size_t thin_out(const struct record **r, double *w, size_t n)
{
    size_t half = REST_MOST / 2, old = n - half;
    double prior = w[n];
    if (n <= REST_MOST) {
        return n;
    }
    for (size_t i = 0; i < half; i++) {
        size_t from = i * old / half;
        r[i] = r[from];
        w[i] = w[from] * (double)old / (double)half;
    }
    for (size_t i = 0; i < half; i++) {
        r[half + i] = r[old + i];
        w[half + i] = w[old + i];
    }
    w[REST_MOST] = prior;
    return REST_MOST;
}

static void density(struct parzen *out, const struct space *s, const size_t *dim, size_t n_dims,
                    const struct record *const *r, size_t n, const double *w)
{
    double *value = xcalloc(n * n_dims + 1, sizeof *value);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n_dims; j++) {
            value[i * n_dims + j] = r[i]->pt.value[dim[j]];
        }
    }
    parzen_init(out, s, dim, n_dims, value, n, w);
    free(value);
}

/* Draws candidates from good and takes the one that the rest finds least likely. Shapes: out (n_dims). */
static double draw_best(double *out, const struct parzen *good, const struct parzen *rest, size_t n, struct rng *rng)
{
    size_t dims = good->n_dims, best = 0;
    double *x = xcalloc(n * (dims + 1), sizeof *x);
    double *l = xcalloc(2 * n, sizeof *l);
    double *g = l + n;
    double ratio;
    for (size_t c = 0; c < n; c++) {
        parzen_draw(good, rng, x + c * dims);
    }
    parzen_log_densities(l, good, x, n);
    parzen_log_densities(g, rest, x, n);
    for (size_t c = 1; c < n; c++) {
        best = l[c] - g[c] > l[best] - g[best] ? c : best;
    }
    ratio = l[best] - g[best];
    memcpy(out, x + best * dims, dims * sizeof *out);
    free(x);
    free(l);
    return ratio;
}

/* A group of choices only, upon which others depend, is drawn by its good density as it is: the best ratio would take
 * the same branch until its trials fill the good share, and the others would never show what they can do. */
static size_t candidates_for(const struct tpe *t, const size_t *dim, size_t n_dims, size_t kernels)
{
    size_t n = t->options.candidates * n_dims, most = PAIRS_MOST / kernels;
    bool choices = t->space->n_groups > 1;
    for (size_t j = 0; j < n_dims; j++) {
        choices = choices && t->space->dim[dim[j]].choice;
    }
    return choices ? 1 : n < most ? n : most;
}

/* Draws the dimensions of one group together. */
static double suggest_group(const struct tpe *t, size_t group, struct rng *rng, struct point *out)
{
    const struct space *s = t->space;
    struct tpe_split sp;
    struct parzen good, rest;
    size_t *dim = xcalloc(s->n + 1, sizeof *dim);
    double *x = xcalloc(s->n + 1, sizeof *x);
    double ratio;
    size_t n_dims = 0;
    for (size_t d = 0; d < s->n; d++) {
        if (s->dim[d].group == group) {
            dim[n_dims++] = d;
        }
    }
    tpe_split(&sp, s, t->seen, group, t->options.fraction);
    double *w = xcalloc(sp.n_good + sp.n_rest + 2, sizeof *w);
    good_weights(w, &sp, &t->options);
    density(&good, s, dim, n_dims, sp.good, sp.n_good, w);
    rest_weights(w, sp.n_rest, &t->options);
    sp.n_rest = thin_out(sp.rest, w, sp.n_rest);
    density(&rest, s, dim, n_dims, sp.rest, sp.n_rest, w);
    ratio = draw_best(x, &good, &rest, candidates_for(t, dim, n_dims, good.n + rest.n), rng);
    for (size_t j = 0; j < n_dims; j++) {
        out->value[dim[j]] = x[j];
    }
    parzen_release(&good);
    parzen_release(&rest);
    tpe_split_release(&sp);
    free(w);
    free(x);
    free(dim);
    return ratio;
}

double tpe_suggest(const struct tpe *t, uint64_t seed, int number, struct point *out)
{
    const struct space *s = t->space;
    struct rng rng = rng_start(rng_key(seed, number), RNG_SUGGEST, 0);
    bool *done = xcalloc(s->n_groups + 1, sizeof *done);
    double ratio = 0;
    memset(out->present, 0, s->n * sizeof *out->present);
    memset(out->value, 0, s->n * sizeof *out->value);
    for (size_t d = 0; d < s->n; d++) {
        size_t g = s->dim[d].group;
        if (dim_active(s, d, out->present, out->value)) {
            if (!done[g]) {
                ratio += suggest_group(t, g, &rng, out);
                done[g] = true;
            }
            out->present[d] = true;
        }
    }
    free(done);
    return ratio;
}
