#include "warp.h"

#include <math.h>
#include <stdlib.h>

#include "normal.h"
#include "vaetop/base/alloc.h"

#define FAILED_BELOW 0.5 /* standard deviations under the worst value */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Finite values in order. Owns: caller frees. */
static double *sorted(const double *value, size_t n, size_t *m)
{
    double *s = xcalloc(n + 1, sizeof *s);
    *m = 0;
    for (size_t i = 0; i < n; i++) {
        if (isfinite(value[i])) {
            s[(*m)++] = value[i];
        }
    }
    qsort(s, *m, sizeof *s, by_size);
    return s;
}

/* Values worse than the median become what a normal tail would have, from the better half's spread. */
static void half_rank(double *out, const double *value, size_t n)
{
    size_t m;
    double *s = sorted(value, n, &m);
    double median = m % 2 ? s[m / 2] : (s[m / 2 - 1] + s[m / 2]) / 2;
    double spread = 0;
    size_t better = 0;
    for (size_t i = 0; i < m && s[i] <= median; i++) {
        spread += (s[i] - median) * (s[i] - median);
        better++;
    }
    spread = sqrt(spread / (double)better);
    for (size_t i = 0; i < n; i++) {
        out[i] = value[i];
        if (isfinite(value[i]) && value[i] > median && spread > 0) {
            size_t lo = 0, hi = m;
            while (lo < hi) {
                size_t mid = (lo + hi) / 2;
                if (s[mid] < value[i]) {
                    lo = mid + 1;
                } else {
                    hi = mid;
                }
            }
            double share = ((double)lo + .5) / (double)m; /* of values that are not worse */
            double z = normal_from_log_cdf(log(share));
            double steep = median + spread * (z > 0 ? z : 0);
            out[i] = steep < value[i] ? steep : value[i];
        }
    }
    free(s);
}

static void standardise(double *y, size_t n)
{
    double mean = 0, var = 0, m = 0;
    for (size_t i = 0; i < n; i++) {
        if (isfinite(y[i])) {
            mean += y[i];
            m++;
        }
    }
    mean /= m;
    for (size_t i = 0; i < n; i++) {
        var += isfinite(y[i]) ? (y[i] - mean) * (y[i] - mean) : 0;
    }
    var = sqrt(var / m);
    for (size_t i = 0; i < n; i++) {
        y[i] = (y[i] - mean) / (var > 1e-10 ? var : 1);
    }
}

void warp_column(double *out, const double *value, size_t n)
{
    double lo = HUGE_VAL, hi = -HUGE_VAL, worst = 0;
    half_rank(out, value, n);
    for (size_t i = 0; i < n; i++) {
        if (isfinite(out[i])) {
            lo = out[i] < lo ? out[i] : lo;
            hi = out[i] > hi ? out[i] : hi;
        }
    }
    for (size_t i = 0; i < n; i++) {
        double u = hi > lo ? (out[i] - lo) / (hi - lo) : 0;
        out[i] = 0.5 - log1p(0.5 * u) / 0.40546510810816438198; /* ln 1.5 */
    }
    standardise(out, n);
    for (size_t i = 0; i < n; i++) {
        worst = isfinite(out[i]) && out[i] < worst ? out[i] : worst;
    }
    for (size_t i = 0; i < n; i++) {
        out[i] = isfinite(out[i]) ? out[i] : worst - FAILED_BELOW;
    }
}

static void scale_objectives(double *lo, double *hi, const struct history *h, size_t n, size_t k)
{
    *lo = HUGE_VAL;
    *hi = -HUGE_VAL;
    for (size_t i = 0; i < n; i++) {
        if (record_complete(h, &h->done[i])) {
            *lo = fmin(*lo, h->done[i].seen.value[k]);
            *hi = fmax(*hi, h->done[i].seen.value[k]);
        }
    }
}

static double scalar(const struct history *h, const struct record *r, const double lo[2], const double hi[2],
                     double weight)
{
    double w[2] = {weight, 1 - weight}, most = -HUGE_VAL, sum = 0;
    if (h->objectives == 1) {
        return r->seen.value[0];
    }
    for (int k = 0; k < 2; k++) {
        double u = w[k] * (r->seen.value[k] - lo[k]) / (hi[k] > lo[k] ? hi[k] - lo[k] : 1);
        most = fmax(most, u);
        sum += u;
    }
    return most + 0.05 * sum;
}

void warp_values(double *out, const struct history *h, size_t n, double weight)
{
    double lo[2], hi[2], median = 0;
    double *value = xcalloc(n, sizeof *value);
    double *s;
    size_t m;
    for (size_t k = 0; k < (size_t)h->objectives; k++) {
        scale_objectives(&lo[k], &hi[k], h, n, k);
    }
    for (size_t i = 0; i < n; i++) {
        const struct record *r = &h->done[i];
        value[i] = record_complete(h, r) && r->seen.violation <= 0 ? scalar(h, r, lo, hi, weight) : (double)NAN;
    }
    s = sorted(value, n, &m);
    median = m > 0 ? s[m / 2] : 0;
    free(s);
    for (size_t i = 0; i < n; i++) { /* pruned for being bad: its early value, but nothing better than the middle */
        const struct record *r = &h->done[i];
        if (r->seen.state == SEEN_PRUNED && r->seen.violation <= 0 && isfinite(r->seen.value[0]) && m > 0) {
            value[i] = h->objectives == 1 ? fmax(r->seen.value[0], median) : median;
        }
    }
    if (m == 0) { /* nothing keeps `require` yet: the less it is broken the better */
        for (size_t i = 0; i < n; i++) {
            const struct record *r = &h->done[i];
            value[i] = record_complete(h, r) ? r->seen.violation : (double)NAN;
        }
    }
    warp_column(out, value, n);
    free(value);
}

static int best_first(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return x[0] > y[0] ? -1 : x[0] < y[0];
}

void unwarp_init(struct unwarp *u, const struct history *h, const double *y, size_t n)
{
    *u = (struct unwarp){.pair = xcalloc(n + 1, sizeof *u->pair)};
    for (size_t i = 0; i < n; i++) {
        if (record_complete(h, &h->done[i]) && h->done[i].seen.violation <= 0) {
            u->pair[u->n][0] = y[i];
            u->pair[u->n++][1] = h->done[i].seen.value[0];
        }
    }
    qsort(u->pair, u->n, sizeof *u->pair, best_first);
}

void unwarp_release(struct unwarp *u)
{
    free(u->pair);
}

double unwarp_value(const struct unwarp *u, double warped)
{
    size_t a = 0, b;
    while (a < u->n && u->pair[a][0] >= warped) {
        a++;
    }
    if (a == 0) { /* better than the best */
        b = u->n / 4;
        b += b == 0;
    } else { /* between a - 1 and a; worse than the worst: as the last two */
        a = a < u->n ? a - 1 : u->n >= 2 ? u->n - 2 : 0;
        b = a + 1;
    }
    if (b >= u->n || !(u->pair[a][0] > u->pair[b][0])) {
        return u->n > 0 && a < u->n && b < u->n ? u->pair[a][1] : (double)NAN;
    }
    double slope = (u->pair[b][1] - u->pair[a][1]) / (u->pair[b][0] - u->pair[a][0]);
    return u->pair[a][1] + slope * (warped - u->pair[a][0]);
}
