#include "vaetop/score/front.h"

#include <math.h>
#include <stdlib.h>

#include "vaetop/base/alloc.h"

struct place {
    double a, b;
    size_t i;
};

static int by_a_then_b(const void *x, const void *y)
{
    const struct place *p = x;
    const struct place *q = y;
    if (p->a != q->a) {
        return p->a < q->a ? -1 : 1;
    }
    if (p->b != q->b) {
        return p->b < q->b ? -1 : 1;
    }
    return p->i < q->i ? -1 : p->i > q->i;
}

static struct place *sorted(const double *value, size_t n)
{
    struct place *at = xcalloc(n + 1, sizeof *at);
    for (size_t i = 0; i < n; i++) {
        at[i] = (struct place){value[2 * i], value[2 * i + 1], i};
    }
    qsort(at, n, sizeof *at, by_a_then_b);
    return at;
}

/* In the order of the first value a point belongs to the first front whose smallest second value it undercuts; those
 * smallest values grow from front to front, so the front is found by halving. Equal points share a front. */
void front_ranks(int *rank, const double *value, size_t n)
{
    struct place *at = sorted(value, n);
    double *least = xcalloc(n + 1, sizeof *least);
    size_t fronts = 0;
    for (size_t i = 0; i < n; i++) {
        size_t lo = 0, hi = fronts;
        if (i > 0 && at[i].a == at[i - 1].a && at[i].b == at[i - 1].b) {
            rank[at[i].i] = rank[at[i - 1].i];
            continue;
        }
        while (lo < hi) {
            size_t mid = (lo + hi) / 2;
            if (least[mid] <= at[i].b) {
                lo = mid + 1;
            } else {
                hi = mid;
            }
        }
        fronts += lo == fronts;
        least[lo] = at[i].b;
        rank[at[i].i] = (int)lo;
    }
    free(least);
    free(at);
}

static void crowd(double *out, const struct place *at, const double *value, const int *rank, size_t n)
{
    double spread[2] = {0, 0};
    for (int k = 0; k < 2; k++) {
        double lo = HUGE_VAL, hi = -HUGE_VAL;
        for (size_t i = 0; i < n; i++) {
            lo = fmin(lo, value[2 * i + (size_t)k]);
            hi = fmax(hi, value[2 * i + (size_t)k]);
        }
        spread[k] = hi > lo ? hi - lo : 1;
    }
    size_t *before = xcalloc(n + 1, sizeof *before); /* by rank: the last one met, plus 1 */
    for (size_t i = 0; i < n; i++) {
        out[at[i].i] = HUGE_VAL;
    }
    size_t *two_before = xcalloc(n + 1, sizeof *two_before);
    for (size_t i = 0; i < n; i++) {
        size_t r = (size_t)rank[at[i].i];
        if (two_before[r] > 0) {
            const struct place *left = &at[two_before[r] - 1];
            const struct place *mid = &at[before[r] - 1];
            out[mid->i] = (at[i].a - left->a) / spread[0] + fabs(at[i].b - left->b) / spread[1];
        }
        two_before[r] = before[r];
        before[r] = i + 1;
    }
    free(before);
    free(two_before);
}

void front_crowding(double *out, const double *value, const int *rank, size_t n)
{
    struct place *at = sorted(value, n);
    crowd(out, at, value, rank, n);
    free(at);
}

/* What front_order() sorts; qsort has no argument for it. */
static const struct standing {
    int rank;
    double lonely;
} *sorting;

static int by_standing(const void *x, const void *y)
{
    size_t i = *(const size_t *)x, j = *(const size_t *)y;
    if (sorting[i].rank != sorting[j].rank) {
        return sorting[i].rank < sorting[j].rank ? -1 : 1;
    }
    if (sorting[i].lonely != sorting[j].lonely) {
        return sorting[i].lonely > sorting[j].lonely ? -1 : 1;
    }
    return i < j ? -1 : i > j;
}

void front_order(size_t *order, int *rank, const double *value, size_t n)
{
    double *finite = xcalloc(2 * n + 1, sizeof *finite), *lonely = xcalloc(n + 1, sizeof *lonely);
    size_t *from = xcalloc(n + 1, sizeof *from), m = 0;
    int *of = xcalloc(n + 1, sizeof *of), worst = -1;
    struct standing *at = xcalloc(n + 1, sizeof *at);
    for (size_t i = 0; i < n; i++) {
        if (isfinite(value[2 * i]) && isfinite(value[2 * i + 1])) {
            finite[2 * m] = value[2 * i];
            finite[2 * m + 1] = value[2 * i + 1];
            from[m++] = i;
        }
    }
    front_ranks(of, finite, m);
    front_crowding(lonely, finite, of, m);
    for (size_t i = 0; i < m; i++) {
        worst = of[i] > worst ? of[i] : worst;
    }
    for (size_t i = 0; i < n; i++) {
        order[i] = i;
        at[i] = (struct standing){worst + 1, 0};
    }
    for (size_t i = 0; i < m; i++) {
        at[from[i]] = (struct standing){of[i], lonely[i]};
    }
    sorting = at;
    if (n > 0) {
        qsort(order, n, sizeof *order, by_standing);
    }
    for (size_t i = 0; rank && i < n; i++) {
        rank[i] = at[i].rank;
    }
    free(finite);
    free(lonely);
    free(from);
    free(of);
    free(at);
}

double front_area(const double *value, size_t n, const double reference[2])
{
    struct place *at = sorted(value, n);
    double area = 0;
    double b = reference[1];
    for (size_t i = 0; i < n && at[i].a < reference[0]; i++) {
        if (at[i].b < b) {
            area += (reference[0] - at[i].a) * (b - at[i].b);
            b = at[i].b;
        }
    }
    free(at);
    return area;
}
