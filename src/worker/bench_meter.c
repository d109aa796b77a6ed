/* Timing in rounds that take turns. */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "bench_job.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"

/* How long one meter's turn lasts, about. */
#define TURN_SECONDS 0.03
/* OpenBLAS's threads spin for 2^26 clock ticks before they sleep. */
#define SETTLE_NS 50000000

static enum err_code timed(double *seconds, struct meter *m, int calls, struct err *e)
{
    const int64_t start = clock_mono_ns();
    const enum err_code rc = m->run(m->what, calls, e);
    *seconds = (double)(clock_mono_ns() - start) * 1e-9 / calls;
    if (m->settle) {
        (void)nanosleep(&(struct timespec){.tv_nsec = SETTLE_NS}, NULL);
    }
    return rc;
}

/* Once for what is only done once, such as compiling, then more and more until a turn is long enough. */
static enum err_code calibrate(struct meter *m, struct err *e)
{
    double each = 0;
    enum err_code rc = timed(&each, m, 1, e);
    int calls = 1;
    do {
        rc = rc ? rc : timed(&each, m, calls, e);
        const double want = TURN_SECONDS / fmax(each, 1e-7);
        if (want <= calls || calls >= 1 << 20) break;
        calls = (int)fmin(want + 1, 8.0 * calls);
    } while (!rc);
    m->calls = calls;
    return rc;
}

enum err_code meters_run(struct meter *m, size_t n, int rounds, struct err *e)
{
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < n; i++) {
        m[i].seconds = xcalloc((size_t)rounds, sizeof *m[i].seconds);
        if (!rc && m[i].calls == 0) rc = calibrate(&m[i], e);
    }
    for (int r = 0; r < rounds; r++) {
        for (size_t i = 0; i < n && !rc; i++) rc = timed(&m[i].seconds[r], &m[i], m[i].calls, e);
    }
    return rc;
}

void meters_release(struct meter *m, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(m[i].seconds);
        m[i].seconds = NULL;
    }
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the two nearest where it falls between. */
static double quantile(const double *sorted, int n, double q)
{
    const double at = q * (n - 1);
    const int below = (int)at;
    const int above = below + 1 < n ? below + 1 : below;
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
}

struct quartiles meter_quartiles(const struct meter *m, int rounds)
{
    double *sorted = xcalloc((size_t)rounds, sizeof *sorted);
    for (int i = 0; i < rounds; i++) sorted[i] = m->seconds[i];
    qsort(sorted, (size_t)rounds, sizeof *sorted, by_size);
    const struct quartiles out = {quantile(sorted, rounds, 0.25), quantile(sorted, rounds, 0.5),
                                  quantile(sorted, rounds, 0.75)};
    free(sorted);
    return out;
}
