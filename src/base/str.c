#include "vaetop/base/str.h"

#include <assert.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"

/* Room for n more bytes and the terminator. */
static void sbuf_grow(struct sbuf *b, size_t n)
{
    size_t want = b->len + n + 1;
    size_t cap = b->cap ? b->cap : 64;
    assert(want > n);
    if (want <= b->cap) {
        return;
    }
    while (cap < want) {
        cap *= 2;
    }
    b->text = xreallocarray(b->text, cap, 1);
    b->cap = cap;
}

void sbuf_add_bytes(struct sbuf *b, const void *p, size_t n)
{
    sbuf_grow(b, n);
    if (n > 0) {
        memcpy(b->text + b->len, p, n);
    }
    b->len += n;
    b->text[b->len] = '\0';
}

void sbuf_add(struct sbuf *b, const char *s)
{
    sbuf_add_bytes(b, s, strlen(s));
}

void sbuf_vaddf(struct sbuf *b, const char *fmt, va_list ap)
{
    va_list again;
    int n;
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    assert(n >= 0);
    sbuf_grow(b, (size_t)n);
    (void)vsnprintf(b->text + b->len, (size_t)n + 1, fmt, ap);
    b->len += (size_t)n;
}

void sbuf_addf(struct sbuf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    sbuf_vaddf(b, fmt, ap);
    va_end(ap);
}

void sbuf_clear(struct sbuf *b)
{
    b->len = 0;
    if (b->text) {
        b->text[0] = '\0';
    }
}

char *sbuf_take(struct sbuf *b)
{
    char *text = b->text ? b->text : xstrdup("");
    *b = (struct sbuf){0};
    return text;
}

void sbuf_release(struct sbuf *b)
{
    free(b->text);
    *b = (struct sbuf){0};
}

bool str_copy(char *dst, size_t cap, const char *src)
{
    size_t n = strlen(src);
    assert(cap > 0);
    if (n >= cap) {
        memcpy(dst, src, cap - 1);
        dst[cap - 1] = '\0';
        return false;
    }
    memcpy(dst, src, n + 1);
    return true;
}

/* True if only blanks follow. */
static bool ends(const char *p)
{
    return p[strspn(p, " \t")] == '\0';
}

bool str_to_i64(int64_t *out, const char *s)
{
    char *end;
    long long v;
    errno = 0;
    v = strtoll(s, &end, 10);
    if (errno || end == s || !ends(end)) {
        return false;
    }
    *out = v;
    return true;
}

bool str_to_f64(double *out, const char *s)
{
    char *end;
    double v;
    const char *p = s + strspn(s, " \t+-");
    if (!((*p >= '0' && *p <= '9') || *p == '.') || strpbrk(p, "xX")) {
        return false; /* "inf", "nan" and hexadecimal are not numbers a person types here */
    }
    v = strtod(s, &end);
    if (end == s || !ends(end) || !isfinite(v)) {
        return false;
    }
    *out = v;
    return true;
}

/* Fewer digits than this do not bring v back. What 15 or fewer bring back is v rounded to 15, without zeros at its end:
 * DBL_DIG; below DBL_MIN that does not hold. */
static int least_digits(double v)
{
    char text[32];
    if (!isfinite(v) || fabs(v) < DBL_MIN) {
        return 1;
    }
    (void)snprintf(text, sizeof text, "%.14e", v);
    if (strtod(text, NULL) != v) {
        return 16;
    }
    const char *first = text + (*text == '-'), *end = strchr(text, 'e');
    while (end[-1] == '0') {
        end--;
    }
    return end - first > 2 ? (int)(end - first) - 1 : 1; /* "d." or "d.ddd" */
}

const char *str_from_f64(char *buf, size_t cap, double v)
{
    assert(cap >= 32);
    for (int digits = least_digits(v); digits <= 17; digits++) {
        (void)snprintf(buf, cap, "%.*g", digits, v);
        if (!isfinite(v) || strtod(buf, NULL) == v) {
            break;
        }
    }
    /* "2e+01" is right but no one writes it: whole numbers of moderate size in full. */
    if (isfinite(v) && v == floor(v) && fabs(v) < 1e7) {
        (void)snprintf(buf, cap, "%.0f", v == 0.0 ? 0.0 : v);
    }
    return buf;
}

bool str_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Damerau-Levenshtein distance (adjacent swaps count one), words of at most 63 bytes. */
static size_t distance(const char *a, const char *b)
{
    size_t la = strlen(a);
    size_t lb = strlen(b);
    size_t row[3][64];
    if (la > 63 || lb > 63) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= lb; j++) {
        row[0][j] = j;
    }
    for (size_t i = 1; i <= la; i++) {
        size_t *now = row[i % 3];
        const size_t *up = row[(i - 1) % 3];
        const size_t *up2 = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t best = up[j - 1] + (a[i - 1] != b[j - 1]);
            if (up[j] + 1 < best) {
                best = up[j] + 1;
            }
            if (now[j - 1] + 1 < best) {
                best = now[j - 1] + 1;
            }
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && up2[j - 2] + 1 < best) {
                best = up2[j - 2] + 1;
            }
            now[j] = best;
        }
    }
    return row[la % 3][lb];
}

const char *str_nearest(const char *word, const char *const *candidate, size_t n)
{
    const char *best = NULL;
    size_t limit = strlen(word) < 6 ? 1 : strlen(word) / 3; /* a short word is near to too many */
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(word, candidate[i]);
        if (d <= limit && d < strlen(candidate[i])) {
            best = candidate[i];
            if (d == 0) {
                break;
            }
            limit = d - 1;
        }
    }
    return best;
}

const char *str_bytes(char *buf, size_t cap, uint64_t bytes)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double v = (double)bytes;
    size_t u = 0;
    while (v >= 1023.95 && u + 1 < sizeof unit / sizeof *unit) {
        v /= 1024;
        u++;
    }
    (void)snprintf(buf, cap, u == 0 ? "%.0f %s" : "%.1f %s", v, unit[u]);
    return buf;
}

const char *str_duration(char *buf, size_t cap, double seconds)
{
    int64_t s;
    if (!(seconds >= 0) || seconds > 1e9) {
        (void)snprintf(buf, cap, "-");
        return buf;
    }
    s = (int64_t)(seconds + 0.5);
    if (s < 3600) {
        (void)snprintf(buf, cap, "%" PRId64 ":%02" PRId64, s / 60, s % 60);
    } else if (s < 172800) {
        (void)snprintf(buf, cap, "%" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600, s / 60 % 60, s % 60);
    } else {
        (void)snprintf(buf, cap, "%" PRId64 "d %" PRId64 "h", s / 86400, s / 3600 % 24);
    }
    return buf;
}

void str_short_exponent(char *s)
{
    char *e = strchr(s, 'e');
    if (!e) {
        return;
    }
    char *from = e + 1, *to = e + 1;
    if (*from == '-') {
        *to++ = *from++;
    } else if (*from == '+') {
        from++;
    }
    while (*from == '0' && from[1] != 0) {
        from++;
    }
    memmove(to, from, strlen(from) + 1);
}

const char *str_fit(char *buf, size_t cap, double v, int width, int decimals)
{
    char t[400];
    if (!isfinite(v)) {
        (void)snprintf(buf, cap, "%s", isnan(v) ? "-" : v > 0 ? "inf" : "-inf");
        return buf;
    }
    for (int d = decimals; d >= 0; d--) {
        if (snprintf(t, sizeof t, "%.*f", d, v) <= width) {
            (void)snprintf(buf, cap, "%s", t);
            return buf;
        }
    }
    for (int d = 3; d >= 0; d--) {
        (void)snprintf(t, sizeof t, "%.*e", d, v);
        str_short_exponent(t);
        if ((int)strlen(t) <= width) {
            break;
        }
    }
    (void)snprintf(buf, cap, "%.*s", width > 0 ? width : 0, t);
    return buf;
}
