#include "review.h"

#include <math.h>
#include <stdlib.h>

#include "vaetop/base/alloc.h"
#include "vaetop/tune/importance.h"
#include "vaetop/tune/stop.h"

static void shares(struct insight *out, const struct preset *p, const struct history *h)
{
    const struct point **pt = xcalloc(h->n_done + 1, sizeof *pt);
    double *value = xcalloc(h->n_done + 1, sizeof *value);
    for (size_t k = 0; k < out->objectives; k++) {
        size_t n = 0;
        for (size_t i = 0; i < h->n_done; i++) {
            if (record_complete(h, &h->done[i])) {
                pt[n] = &h->done[i].pt;
                value[n++] = h->done[i].seen.value[k];
            }
        }
        out->complete = (int)n;
        importance(out->share + k * p->n_ranges, p, pt, value, n);
    }
    free(pt);
    free(value);
}

/* The front of two objectives as the trials ended; true when the newcomer belongs to it. */
struct growing {
    const double **value;
    size_t n;
};

static bool enters(struct growing *g, const double *value)
{
    size_t kept = 0;
    for (size_t i = 0; i < g->n; i++) {
        if (g->value[i][0] <= value[0] && g->value[i][1] <= value[1]) {
            return false;
        }
    }
    for (size_t i = 0; i < g->n; i++) {
        if (value[0] > g->value[i][0] || value[1] > g->value[i][1]) {
            g->value[kept++] = g->value[i];
        }
    }
    g->value[kept++] = value;
    g->n = kept;
    return true;
}

/* One number that falls whenever a trial improved on those before: its value, or with two objectives minus the count of
 * trials that entered the front. What breaks `require` improves nothing. */
static double progress(const struct history *h, const struct record *r, struct growing *front, size_t *entered)
{
    if (!record_complete(h, r) || r->seen.violation > 0) {
        return (double)NAN;
    }
    if (h->objectives == 1) {
        return r->seen.value[0];
    }
    if (!enters(front, r->seen.value)) {
        return (double)NAN;
    }
    ++*entered;
    return -(double)*entered;
}

static int by_number(const void *a, const void *b)
{
    const struct record *const *x = a;
    const struct record *const *y = b;
    return ((*x)->seen.number > (*y)->seen.number) - ((*x)->seen.number < (*y)->seen.number);
}

/* What was expected, in the order in which the suggestions were made: an early trial may end late. */
static void expectations(struct gain *g, const struct history *h)
{
    const struct record **r = xcalloc(h->n_done + 1, sizeof *r);
    size_t n = 0;
    for (size_t i = 0; i < h->n_done; i++) {
        if (h->done[i].seen.number >= 0) {
            r[n++] = &h->done[i];
        }
    }
    qsort(r, n, sizeof *r, by_number);
    for (size_t i = 0; i < n; i++) {
        g[i].expected = r[i]->seen.expected;
    }
    free(r);
}

void review(struct insight *out, const struct preset *p, const struct history *h)
{
    struct gain *g = xcalloc(h->n_done + 1, sizeof *g);
    struct growing front = {.value = xcalloc(h->n_done + 1, sizeof *front.value)};
    size_t entered = 0;
    *out = (struct insight){.objectives = (size_t)h->objectives, .n_ranges = p->n_ranges};
    out->share = xcalloc(out->objectives * out->n_ranges + 1, sizeof *out->share);
    shares(out, p, h);
    size_t n = 0;
    for (size_t i = 0; i < h->n_done; i++) {
        if (h->done[i].seen.number >= 0) { /* another study's trials gained nothing here */
            g[n++].value = progress(h, &h->done[i], &front, &entered);
        }
    }
    expectations(g, h);
    struct stop_verdict v = stop_look(&stop_default, g, n);
    out->since = (int)v.since;
    out->stop = v.stop;
    out->expected = v.expected;
    free(front.value);
    free(g);
}
