/* Order and totals of the view's trials. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/score/ranking.h"
#include "view.h"

/* qsort has no argument for the column; the client has one thread. */
static const struct view *sort_view;
static int sort_column, sort_sign;

static double key_of(const struct view_trial *t)
{
    switch (sort_column) {
    case COL_NUMBER:
        return t->number;
    case COL_STATE:
        return t->phase;
    case COL_EPOCH:
        return t->epochs > 0 && t->share > 0 ? t->share * t->epochs : t->epoch;
    case COL_REC:
        return t->rec;
    case COL_KL:
        return t->kl;
    case COL_ACTIVE:
        return t->active;
    case COL_RATE:
        return t->rate;
    case COL_ETA:
        return t->eta_s;
    default:
        return sort_column >= COL_PARAM ? view_param(sort_view, t, sort_column - COL_PARAM) : t->place;
    }
}

/* Among trials without the value: those that will have one first. */
static int waiting_place(enum trial_phase p)
{
    return p == PHASE_ACTIVE ? 0 : p == PHASE_PAUSED || p == PHASE_HELD ? 1 : p == PHASE_QUEUED || p == PHASE_ENQUEUED ? 2 : 3;
}

static int compare(const void *pa, const void *pb)
{
    const struct view_trial *a = &sort_view->trial[*(const uint32_t *)pa],
                            *b = &sort_view->trial[*(const uint32_t *)pb];
    double x = key_of(a), y = key_of(b);
    if (isnan(x) != isnan(y)) {
        return isnan(x) - isnan(y); /* unknown is last either way */
    }
    if (x < y || x > y) {
        return x < y ? -sort_sign : sort_sign;
    }
    int wa = waiting_place(a->phase), wb = waiting_place(b->phase);
    if (isnan(x) && wa != wb) {
        return wa - wb;
    }
    return a->number < b->number ? -1 : a->number > b->number;
}

static void sort_into(uint32_t *to, const struct view *v, int column, bool invert)
{
    sort_view = v;
    sort_column = column;
    sort_sign = invert ? -1 : 1;
    for (size_t i = 0; i < v->n; i++) {
        to[i] = (uint32_t)i;
    }
    if (v->n > 0) {
        qsort(to, v->n, sizeof *to, compare);
    }
    sort_view = NULL;
}

/* Everybody's place: by value, below it what breaks `require`; of two objectives by the front. */
static void find_places(struct view *v)
{
    enum objective o = objective_of(&v->preset.base);
    struct scored *s = xcalloc(v->n + 1, sizeof *s);
    size_t *order = xcalloc(v->n + 1, sizeof *order);
    for (size_t i = 0; i < v->n; i++) {
        const struct view_trial *t = &v->trial[i];
        bool two = objective_count(o) == 2 && !isnan(t->value);
        s[i] = (struct scored){{two ? t->rec : t->value, two ? t->kl : (double)NAN}, t->violation};
    }
    ranking(order, s, v->n, objective_count(o));
    for (size_t i = 0; i < v->n; i++) {
        struct view_trial *t = &v->trial[order[i]];
        t->place = isnan(t->value) ? (double)NAN : (double)i;
    }
    free(order);
    free(s);
}

void view_sort(struct view *v, int column, bool invert)
{
    sort_into(v->order, v, column, invert);
    v->n_order = v->n_sorted = v->n;
}

/* Time since the study began training, and how long the rest takes at the pace of the finished trials. */
void view_clock(struct view *v)
{
    int64_t first = 0, last = 0;
    double spent = 0, running_rest = 0;
    int done = 0, left = v->planned - (int)v->n;
    for (size_t i = 0; i < v->n; i++) {
        const struct view_trial *t = &v->trial[i];
        bool final = t->complete_us > 0;
        first = t->start_us > 0 && (first == 0 || t->start_us < first) ? t->start_us : first;
        last = t->complete_us > last ? t->complete_us : last;
        if (final && t->phase == PHASE_DONE && t->start_us > 0) {
            spent += (double)(t->complete_us - t->start_us) / 1e6;
            done++;
        }
        left += t->phase == PHASE_QUEUED || t->phase == PHASE_ENQUEUED;
        running_rest += t->eta_s > 0 ? t->eta_s : 0;
    }
    int64_t end = view_running(v) && v->link == LINK_LIVE ? v->now_us : last;
    v->elapsed_s = first > 0 && end > first ? (double)(end - first) / 1e6 : (double)NAN;
    v->eta_s = NAN;
    if (view_running(v) && (done > 0 || left <= 0)) {
        double mean = done > 0 ? spent / done : 0;
        v->eta_s = ((left > 0 ? left * mean : 0) + running_rest) / v->counts[PHASE_ACTIVE];
    }
}

static int by_end(const void *pa, const void *pb)
{
    int64_t a = sort_view->trial[*(const uint32_t *)pa].complete_us,
            b = sort_view->trial[*(const uint32_t *)pb].complete_us;
    return a < b ? -1 : a > b;
}

/* The best value after the 1st, 2nd, ... finished trial. Uses v->ranked as scratch. */
static void total_progress(struct view *v)
{
    const float sign = view_maximised(v) ? -1.0f : 1.0f;
    size_t n = 0;
    float best = INFINITY;
    for (size_t i = 0; i < v->n; i++) {
        if (v->trial[i].complete_us > 0 && isfinite(v->trial[i].value)) {
            v->ranked[n++] = (uint32_t)i;
        }
    }
    v->n_done = 0;
    if (n == 0) {
        return;
    }
    sort_view = v;
    qsort(v->ranked, n, sizeof *v->ranked, by_end);
    sort_view = NULL;
    if (2 * n > v->done_cap) {
        v->done_cap = 4 * n;
        v->done_x = xreallocarray(v->done_x, v->done_cap, sizeof *v->done_x);
        v->done_best = xreallocarray(v->done_best, v->done_cap, sizeof *v->done_best);
    }
    for (size_t i = 0; i < n; i++) {
        float value = (float)v->trial[v->ranked[i]].value;
        for (int k = i > 0 ? 0 : 1; k < 2; k++) { /* along, then down */
            best = k == 1 && value < best ? value : best;
            v->done_x[v->n_done] = (float)(i + 1);
            v->done_best[v->n_done++] = sign * best;
        }
    }
}

void view_total(struct view *v)
{
    total_progress(v);
    memset(v->counts, 0, sizeof v->counts);
    v->best = -1;
    for (size_t i = 0; i < v->n; i++) {
        v->counts[v->trial[i].phase < PHASE_COUNT ? v->trial[i].phase : PHASE_FAILED]++;
    }
    if (v->has_preset) {
        find_places(v);
    }
    sort_into(v->ranked, v, COL_VALUE, false);
    for (size_t i = 0; i < v->n; i++) {
        struct view_trial *t = &v->trial[v->ranked[i]];
        int rank = isnan(t->value) ? 0 : (int)i + 1;
        bool other = t->value < t->value_was || t->value > t->value_was;
        if (other && t->rank > 0 && rank > 0) { /* others that pass by move nobody: only a value of one's own does */
            t->moved = t->rank - rank;
            t->moved_us = v->now_us;
        }
        t->rank = rank;
        t->value_was = t->value;
    }
    if (v->n > 0 && v->trial[v->ranked[0]].rank == 1) {
        v->best = v->trial[v->ranked[0]].number;
    }
    view_clock(v);
}
