#include "vaetop/score/ranking.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "vaetop/base/alloc.h"
#include "vaetop/score/front.h"

/* What qsort compares; it has no argument for it. key: what decides within a group. */
static const struct entry {
    int group; /* 0: has a value and keeps what is required; 1: breaks it; 2: no value */
    int front;
    double key;
} *sorting;

static int compare(const void *x, const void *y)
{
    size_t i = *(const size_t *)x, j = *(const size_t *)y;
    const struct entry *a = &sorting[i], *b = &sorting[j];
    if (a->group != b->group) {
        return a->group - b->group;
    }
    if (a->front != b->front) {
        return a->front - b->front;
    }
    if (a->key != b->key) {
        return a->key < b->key ? -1 : 1;
    }
    return i < j ? -1 : i > j;
}

/* Fronts of those that keep what is required. */
static void find_fronts(struct entry *e, const struct scored *s, size_t n)
{
    double *pair = xcalloc(2 * n + 1, sizeof *pair);
    size_t *from = xcalloc(n + 1, sizeof *from), m = 0;
    int *rank = xcalloc(n + 1, sizeof *rank);
    for (size_t i = 0; i < n; i++) {
        if (e[i].group == 0) {
            pair[2 * m] = s[i].value[0];
            pair[2 * m + 1] = s[i].value[1];
            from[m++] = i;
        }
    }
    front_ranks(rank, pair, m);
    for (size_t i = 0; i < m; i++) {
        e[from[i]].front = rank[i];
    }
    free(rank);
    free(from);
    free(pair);
}

void ranking(size_t *order, const struct scored *s, size_t n, int objectives)
{
    struct entry *e = xcalloc(n + 1, sizeof *e);
    for (size_t i = 0; i < n; i++) {
        bool valued = isfinite(s[i].value[0]) && (objectives == 1 || isfinite(s[i].value[1]));
        order[i] = i;
        e[i].group = !valued ? 2 : s[i].violation > 0 ? 1 : 0;
        e[i].key = !valued ? 0 : s[i].violation > 0 ? s[i].violation : s[i].value[0] + (objectives == 2 ? s[i].value[1] : 0);
    }
    if (objectives == 2) {
        find_fronts(e, s, n);
    }
    sorting = e;
    if (n > 0) {
        qsort(order, n, sizeof *order, compare);
    }
    free(e);
}
