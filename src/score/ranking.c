#include "vaetop/score/ranking.h"

#include <math.h>
#include <stdlib.h>

#include "vaetop/base/alloc.h"
#include "vaetop/score/front.h"

/* What qsort compares; it has no argument for it. */
static const struct scored *sorting;

/* 0: has a value and keeps what is required; 1: breaks it; 2: no value. */
static int group(const struct scored *s)
{
    return !isfinite(s->value[0]) ? 2 : s->violation > 0 ? 1 : 0;
}

static int compare(const void *x, const void *y)
{
    size_t i = *(const size_t *)x, j = *(const size_t *)y;
    const struct scored *a = &sorting[i], *b = &sorting[j];
    int ga = group(a), gb = group(b);
    if (ga != gb) {
        return ga - gb;
    }
    double va = ga == 0 ? a->value[0] : a->violation, vb = ga == 0 ? b->value[0] : b->violation;
    if (ga < 2 && va != vb) {
        return va < vb ? -1 : 1;
    }
    return i < j ? -1 : i > j;
}

void ranking(size_t *order, const struct scored *s, size_t n, int objectives)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        order[i] = i;
    }
    sorting = s;
    if (n > 0) {
        qsort(order, n, sizeof *order, compare);
    }
    while (kept < n && group(&s[order[kept]]) == 0) {
        kept++;
    }
    if (objectives == 2 && kept > 0) {
        double *pair = xcalloc(2 * kept, sizeof *pair);
        size_t *to = xcalloc(kept, sizeof *to), *from = xcalloc(kept, sizeof *from);
        for (size_t i = 0; i < kept; i++) {
            from[i] = order[i];
            pair[2 * i] = s[order[i]].value[0];
            pair[2 * i + 1] = s[order[i]].value[1];
        }
        front_order(to, NULL, pair, kept);
        for (size_t i = 0; i < kept; i++) {
            order[i] = from[to[i]];
        }
        free(pair);
        free(to);
        free(from);
    }
}
