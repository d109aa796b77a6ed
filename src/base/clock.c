#include "vaetop/base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t clock_mono_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_utc_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

const char *clock_format_utc(char *buf, size_t cap, int64_t utc_us)
{
    time_t s = (time_t)(utc_us / 1000000);
    struct tm tm;
    size_t n;
    assert(cap >= 27);
    (void)gmtime_r(&s, &tm);
    n = strftime(buf, cap, "%Y-%m-%d %H:%M:%S", &tm);
    (void)snprintf(buf + n, cap - n, ".%06d", (int)(utc_us % 1000000));
    return buf;
}

/* Days since 1970-01-01 of a Gregorian date. Source: Hinnant, "chrono-compatible low-level date algorithms". */
static int64_t days_from_civil(int64_t y, int m, int d)
{
    int64_t era;
    int64_t year_of_era;
    int64_t day_of_year;
    y -= m <= 2;
    era = (y >= 0 ? y : y - 399) / 400;
    year_of_era = y - era * 400;
    day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

int64_t clock_parse_utc(const char *text)
{
    int y = 0;
    int mo = 0;
    int d = 0;
    int h = 0;
    int mi = 0;
    int s = 0;
    int used = 0;
    int64_t us = 0;
    if (sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d%n", &y, &mo, &d, &h, &mi, &s, &used) != 6 || used == 0 || y < 1970 ||
        mo < 1 || mo > 12 || d < 1 || d > 31 || h < 0 || h > 23 || mi < 0 || mi > 59 || s < 0 || s > 60) {
        return -1;
    }
    text += used;
    if (*text == '.') {
        int64_t unit = 100000;
        for (text++; *text >= '0' && *text <= '9'; text++, unit /= 10) {
            us += (*text - '0') * unit;
        }
    }
    if (*text != '\0') {
        return -1;
    }
    return ((days_from_civil(y, mo, d) * 24 + h) * 60 + mi) * 60000000 + (int64_t)s * 1000000 + us;
}
