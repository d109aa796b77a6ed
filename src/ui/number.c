#include "number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "vaetop/base/str.h"

const char *num_short(char *buf, size_t cap, double v)
{
    double a = fabs(v);
    if (!isfinite(v)) {
        return str_fit(buf, cap, v, 6, 0);
    }
    if (v == 0 || (a >= 0.01 && a < 1e5)) {
        (void)snprintf(buf, cap, a >= 1000 ? "%.0f" : "%.3g", v);
        return buf;
    }
    return num_power(buf, cap, v);
}

const char *num_power(char *buf, size_t cap, double v)
{
    (void)snprintf(buf, cap, "%.1e", v);
    str_short_exponent(buf);
    return buf;
}

const char *num_si(char *buf, size_t cap, double v)
{
    static const char unit[] = {0, 'k', 'M', 'G', 'T'};
    size_t u = 0;
    if (!isfinite(v)) {
        return str_fit(buf, cap, v, 5, 0);
    }
    while (fabs(v) >= 999.5 && u + 1 < sizeof unit) {
        v /= 1000;
        u++;
    }
    if (fabs(v) >= 999.5) {
        return str_fit(buf, cap, v * 1e12, 5, 0);
    }
    (void)snprintf(buf, cap, u == 0 || fabs(v) >= 99.95 ? "%.0f%c" : "%.1f%c", v, unit[u]);
    return buf;
}

const char *num_eta(char *buf, size_t cap, double seconds)
{
    if (!(seconds >= 0) || seconds >= 86400.0 * 1000) {
        (void)snprintf(buf, cap, "-");
        return buf;
    }
    long s = lround(seconds);
    if (s < 3600) {
        (void)snprintf(buf, cap, "%ld:%02ld", s / 60, s % 60);
    } else if (s < 100 * 3600) {
        (void)snprintf(buf, cap, "%ldh%02ldm", s / 3600, s / 60 % 60);
    } else {
        (void)snprintf(buf, cap, "%ldd%02ldh", s / 86400, s / 3600 % 24);
    }
    return buf;
}

static double nice_step(double raw)
{
    double p = pow(10, floor(log10(raw)));
    double f = raw / p;
    return p * (f <= 1.0000001 ? 1 : f <= 2.0000001 ? 2 : f <= 5.0000001 ? 5 : 10);
}

void ticks_linear(struct ticks *t, double lo, double hi, int most)
{
    *t = (struct ticks){0};
    most = most < 1 ? 1 : most > TICKS_MAX ? TICKS_MAX : most;
    if (!isfinite(lo) || !isfinite(hi) || !(hi > lo)) {
        return;
    }
    double step = nice_step((hi / most - lo / most));
    if (!isfinite(step) || !(step > 0) || fabs(lo / step) > 1e15 || fabs(hi / step) > 1e15) {
        return;
    }
    t->step = step;
    double first = ceil(lo / step - 1e-9);
    for (int i = 0; i < most + 1 && t->n < TICKS_MAX; i++) {
        double v = (first + i) * step;
        if (v > hi + step * 1e-9) {
            break;
        }
        t->v[t->n++] = v + 0.0; /* + 0.0 turns -0 into 0 */
    }
}

void ticks_log(struct ticks *t, double lo, double hi, int most)
{
    if (!(lo > 0) || !(hi > lo) || hi / lo < 30) {
        ticks_linear(t, lo, hi, most);
        return;
    }
    *t = (struct ticks){0};
    most = most < 1 ? 1 : most > TICKS_MAX ? TICKS_MAX : most;
    int first = (int)ceil(log10(lo) - 1e-9), last = (int)floor(log10(hi) + 1e-9);
    int every = (last - first) / most + 1;
    for (int d = first; d <= last && t->n < TICKS_MAX; d += every) {
        t->v[t->n++] = pow(10, d);
    }
}

const char *tick_label(char *buf, size_t cap, const struct ticks *t, double v)
{
    int decimals = t->step > 0 && t->step < 1 ? (int)ceil(-log10(t->step) - 1e-9) : 0;
    if (t->step <= 0 && v >= 0.001 && v < 1e5) {
        (void)snprintf(buf, cap, "%g", v);
    } else if (t->step > 0 && fabs(v) < 1e6 && decimals <= 4) {
        (void)snprintf(buf, cap, "%.*f", decimals, v);
    } else {
        (void)snprintf(buf, cap, v == 0 ? "0" : t->step <= 0 ? "%.0e" : "%.1e", v);
        str_short_exponent(buf);
    }
    return buf;
}
