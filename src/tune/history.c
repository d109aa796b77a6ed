#include "history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "space.h"
#include "vaetop/base/alloc.h"

static void list_release(struct record *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        point_release(&list[i].pt);
    }
    free(list);
}

void history_release(struct history *h)
{
    list_release(h->done, h->n_done);
    list_release(h->running, h->n_running);
    free(h->is_done[0]);
    free(h->is_done[1]);
    *h = (struct history){0};
}

/* Where it is noted whether the trial stands in done: most that are told are new, and a search for each of 100,000 takes
 * long. */
static unsigned char *done_mark(struct history *h, int number)
{
    int side = number < 0;
    size_t i = side ? (size_t)(-1 - (int64_t)number) : (size_t)number, old = h->cap_is_done[side];
    if (i >= old) {
        size_t cap = i + 1 > 2 * old ? i + 64 : 2 * old;
        h->is_done[side] = xreallocarray(h->is_done[side], cap, 1);
        memset(h->is_done[side] + old, 0, cap - old);
        h->cap_is_done[side] = cap;
    }
    return &h->is_done[side][i];
}

static size_t find(const struct record *list, size_t n, int number)
{
    for (size_t i = n; i-- > 0;) {
        if (list[i].seen.number == number) {
            return i;
        }
    }
    return n;
}

static void take_out(struct record *list, size_t *n, size_t i)
{
    point_release(&list[i].pt);
    memmove(&list[i], &list[i + 1], (*n - i - 1) * sizeof *list);
    (*n)--;
}

static void put_in(struct record **list, size_t *n, size_t *cap, size_t at, const struct record *r)
{
    if (*n == *cap) {
        *cap = *cap ? 2 * *cap : 64;
        *list = xreallocarray(*list, *cap, sizeof **list);
    }
    memmove(*list + at + 1, *list + at, (*n - at) * sizeof **list);
    (*list)[at] = *r;
    (*n)++;
}

void history_observe(struct history *h, const struct seen *t, const struct point *pt)
{
    struct record r = {.seen = *t};
    size_t i = find(h->running, h->n_running, t->number);
    if (i < h->n_running) {
        take_out(h->running, &h->n_running, i);
    }
    if (*done_mark(h, t->number)) { /* told again: a value corrected, a trial edited or begun anew */
        take_out(h->done, &h->n_done, find(h->done, h->n_done, t->number));
        *done_mark(h, t->number) = 0;
        h->rewritten++;
    }
    if (t->state == SEEN_LEFT_OUT || t->state == SEEN_FORGOTTEN) {
        return;
    }
    point_copy(&r.pt, pt);
    if (t->state == SEEN_RUNNING) {
        size_t at = h->n_running;
        while (at > 0 && h->running[at - 1].seen.number > t->number) {
            at--;
        }
        put_in(&h->running, &h->n_running, &h->cap_running, at, &r);
    } else {
        put_in(&h->done, &h->n_done, &h->cap_done, h->n_done, &r);
        *done_mark(h, t->number) = 1;
    }
}

bool record_complete(const struct history *h, const struct record *r)
{
    for (int k = 0; k < h->objectives; k++) {
        if (!isfinite(r->seen.value[k])) {
            return false;
        }
    }
    return r->seen.state == SEEN_COMPLETE;
}

size_t history_informative(const struct history *h)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n_done; i++) {
        n += h->done[i].seen.state == SEEN_PRUNED || record_complete(h, &h->done[i]);
    }
    return n;
}

bool history_has(const struct history *h, const struct point *pt)
{
    for (size_t i = 0; i < h->n_done; i++) {
        if (point_same(&h->done[i].pt, pt)) {
            return true;
        }
    }
    for (size_t i = 0; i < h->n_running; i++) {
        if (point_same(&h->running[i].pt, pt)) {
            return true;
        }
    }
    return false;
}
