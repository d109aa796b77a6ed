#include "csv.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"

#define BUFFER ((size_t)1 << 18)

struct csv {
    struct input *in;
    size_t at, len;
    bool eof;
    char delimiter;
    size_t line, column;
    size_t field_len;
    char field[CSV_MAX_FIELD + 1];
    uint8_t buffer[BUFFER];
};

enum { END = -1, BROKEN = -2 };

enum err_code csv_bad(const struct input *in, size_t line, size_t column, struct err *e, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(e, ERR_DATA, "%s: line %zu, column %zu: %s", in->shown, line, column, text);
}

/* Separators of the record at `from`, outside of quotes; a run of blanks is one, and none at an end. *end: behind its
 * line end. */
static size_t count_separators(const struct csv *c, size_t from, char separator, size_t *end)
{
    size_t n = 0, at = from;
    bool quoted = false, run = true;
    for (; at < c->len; at++) {
        const char b = (char)c->buffer[at];
        if (b == '"') {
            quoted = !quoted;
        }
        if (!quoted && (b == '\n' || b == '\r')) {
            break;
        }
        if (!quoted && b == separator) {
            n += separator != ' ' || !run;
            run = true;
        } else {
            run = false;
        }
    }
    if (separator == ' ' && run && n > 0) {
        n--; /* at the end */
    }
    while (at < c->len && (c->buffer[at] == '\n' || c->buffer[at] == '\r')) {
        at++;
    }
    *end = at;
    return n;
}

/* The separator that stands as often in the second record as in the first; of several, the rarer in numbers. */
static char find_delimiter(const struct csv *c)
{
    static const char candidates[] = "\t;,| ";
    size_t begin = c->at, second, end;
    while (begin < c->len && strchr(" \r\n", c->buffer[begin]) && c->buffer[begin] != '\0') {
        begin++;
    }
    for (const char *s = candidates; *s; s++) {
        const size_t n = count_separators(c, begin, *s, &second);
        const size_t m = count_separators(c, second, *s, &end);
        const bool whole = end < c->len || c->eof;
        if (n > 0 && (n == m || second == c->len || !whole)) {
            return *s;
        }
    }
    for (const char *s = candidates; *s != ' '; s++) { /* one of the two is broken: its line says so later */
        if (count_separators(c, begin, *s, &second) > 0) {
            return *s;
        }
    }
    return ',';
}

static enum err_code fill(struct csv *c, struct err *e)
{
    c->at = 0;
    c->len = 0;
    while (c->len < BUFFER && !c->eof) {
        size_t got;
        enum err_code rc = input_some(c->in, c->buffer + c->len, BUFFER - c->len, &got, e);
        if (rc) {
            return rc;
        }
        c->len += got;
        c->eof = got == 0;
    }
    return ERR_OK;
}

enum err_code csv_new(struct csv **out, struct input *in, struct err *e)
{
    struct csv *c = xcalloc(1, sizeof *c);
    c->in = in;
    c->line = 1;
    enum err_code rc = fill(c, e);
    if (rc) {
        free(c);
        return rc;
    }
    if (c->len >= 3 && memcmp(c->buffer, "\xef\xbb\xbf", 3) == 0) { /* UTF-8's mark of Windows programs */
        c->at = 3;
    }
    c->delimiter = find_delimiter(c);
    *out = c;
    return ERR_OK;
}

void csv_free(struct csv *c)
{
    free(c);
}

/* The next byte, which stays; END; or BROKEN, then *rc says why. */
static int peek(struct csv *c, enum err_code *rc, struct err *e)
{
    if (c->at == c->len) {
        *rc = c->eof ? ERR_OK : fill(c, e);
        if (*rc || c->len == 0 || c->at == c->len) {
            return *rc ? BROKEN : END;
        }
    }
    return c->buffer[c->at];
}

/* A line end has been seen: takes it, "\r\n" as one. */
static enum err_code take_line_end(struct csv *c, struct err *e)
{
    enum err_code rc = ERR_OK;
    const bool cr = c->buffer[c->at++] == '\r';
    if (cr && peek(c, &rc, e) == '\n') {
        c->at++;
    }
    c->line++;
    return rc;
}

static enum err_code add(struct csv *c, int byte, struct err *e)
{
    if (byte == 0) {
        return csv_bad(c->in, c->line, c->column, e,
                       "found a zero byte, expected text: save the table as UTF-8 and not as UTF-16");
    }
    if (c->field_len == CSV_MAX_FIELD) {
        return csv_bad(c->in, c->line, c->column, e,
                       "found a field of more than %d bytes, expected a number or a label: is a quote left open?",
                       CSV_MAX_FIELD);
    }
    c->field[c->field_len++] = (char)byte;
    return ERR_OK;
}

static bool ends_field(const struct csv *c, int b)
{
    return b < 0 || b == c->delimiter || b == '\n' || b == '\r';
}

static bool only_blanks(const struct csv *c)
{
    size_t n = 0;
    while (n < c->field_len && c->field[n] == ' ') {
        n++;
    }
    return n == c->field_len;
}

/* Behind an opening quote, up to the field's end. */
static enum err_code read_quoted(struct csv *c, struct err *e)
{
    const size_t line = c->line;
    enum err_code rc = ERR_OK;
    c->field_len = 0;
    while (!rc) {
        const int b = peek(c, &rc, e);
        if (b == BROKEN) {
            return rc;
        }
        if (b == END) {
            return csv_bad(c->in, line, c->column, e, "found a quote that is never closed, expected its partner");
        }
        c->at++;
        c->line += b == '\n';
        if (b == '"') {
            const int next = peek(c, &rc, e);
            if (next != '"') {
                break;
            }
            c->at++;
        }
        rc = rc ? rc : add(c, b, e);
    }
    while (!rc && c->delimiter != ' ' && peek(c, &rc, e) == ' ') {
        c->at++;
    }
    const int b = rc ? END : peek(c, &rc, e);
    if (!rc && !ends_field(c, b)) {
        return csv_bad(c->in, c->line, c->column, e,
                       "found byte 0x%02x behind a closing quote, expected the end of the field", (unsigned)b);
    }
    return rc;
}

/* The plain bytes of a field that lie in the buffer, at once: what a large table mostly is. */
static void take_plain(struct csv *c)
{
    const size_t room = CSV_MAX_FIELD - c->field_len;
    const size_t most = c->len - c->at < room ? c->len - c->at : room;
    const uint8_t *from = c->buffer + c->at;
    size_t n = 0;
    while (n < most && from[n] > ' ' && from[n] != '"' && from[n] != (uint8_t)c->delimiter) {
        n++;
    }
    memcpy(c->field + c->field_len, from, n);
    c->field_len += n;
    c->at += n;
}

static enum err_code read_field(struct csv *c, struct err *e)
{
    enum err_code rc = ERR_OK;
    c->field_len = 0;
    while (!rc) {
        take_plain(c);
        const int b = peek(c, &rc, e);
        if (rc || ends_field(c, b)) {
            break;
        }
        c->at++;
        if (b == '"' && only_blanks(c)) {
            return read_quoted(c, e);
        }
        rc = add(c, b, e);
    }
    return rc;
}

/* Blank lines before a record, and blanks where they separate. */
static enum err_code skip(struct csv *c, bool lines, struct err *e)
{
    enum err_code rc = ERR_OK;
    for (;;) {
        const int b = peek(c, &rc, e);
        if (b == ' ' && c->delimiter == ' ') {
            c->at++;
        } else if (lines && (b == '\n' || b == '\r')) {
            rc = take_line_end(c, e);
        } else {
            return rc;
        }
        if (rc) {
            return rc;
        }
    }
}

enum err_code csv_next(struct csv *c, struct csv_field *out, struct err *e)
{
    enum err_code rc = skip(c, c->column == 0, e);
    int b = rc ? END : peek(c, &rc, e);
    if (rc) {
        return rc;
    }
    if (c->column == 0 && b == END) {
        *out = (struct csv_field){.text = "", .line = c->line, .column = 1, .end = CSV_FILE};
        return input_end(c->in, e);
    }
    c->column++;
    *out = (struct csv_field){.text = c->field, .line = c->line, .column = c->column};
    rc = read_field(c, e);
    rc = rc || c->delimiter != ' ' ? rc : skip(c, false, e);
    if (rc) {
        return rc;
    }
    c->field[c->field_len] = '\0';
    out->len = c->field_len;
    b = peek(c, &rc, e);
    if (b >= 0 && b != '\n' && b != '\r') { /* the delimiter; skip() has taken it if it is a blank */
        c->at += c->delimiter != ' ';
        out->end = CSV_FIELD;
        return rc;
    }
    out->end = CSV_RECORD;
    c->column = 0;
    return rc || b < 0 ? rc : take_line_end(c, e);
}

/* In the "C" locale, whatever the process runs in: "0.5" is a half in Berlin, too. */
static double slow_number(const char *text)
{
    locale_t c = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    locale_t before = uselocale(c);
    const double v = strtod(text, NULL);
    (void)uselocale(before);
    if (c != (locale_t)0) {
        freelocale(c);
    }
    return v;
}

/* strspn() for one or two characters takes a third of a table's time. */
static const char *behind_blanks(const char *p)
{
    while (*p == ' ' || *p == '\t') {
        p++;
    }
    return p;
}

/* Digits with at most one point. Returns the count of digits; mantissa and power: the value is mantissa * 10^power. */
static int read_digits(const char **text, uint64_t *mantissa, int *power)
{
    int digits = 0;
    bool point = false;
    *mantissa = 0;
    *power = 0;
    for (const char *p = *text;; p++) {
        if (*p == '.' && !point) {
            point = true;
        } else if (*p >= '0' && *p <= '9') {
            if (*mantissa < UINT64_MAX / 10 - 1) {
                *mantissa = 10 * *mantissa + (uint64_t)(*p - '0');
                *power -= point;
            } else {
                *power += !point;
                *mantissa |= UINT64_C(1) << 63; /* no longer exact: the caller takes the slow way */
            }
            digits++;
        } else {
            *text = p;
            return digits;
        }
    }
}

bool csv_number(double *out, const char *text)
{
    static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    uint64_t mantissa;
    int power;
    text = behind_blanks(text);
    const char *p = text;
    const bool minus = *p == '-';
    p += *p == '-' || *p == '+';
    if (read_digits(&p, &mantissa, &power) == 0) {
        return false;
    }
    if (*p == 'e' || *p == 'E') {
        int exponent = 0;
        const bool down = p[1] == '-';
        p += 1 + (p[1] == '-' || p[1] == '+');
        if (*p < '0' || *p > '9') {
            return false;
        }
        for (; *p >= '0' && *p <= '9'; p++) {
            exponent = exponent < 10000 ? 10 * exponent + (*p - '0') : exponent;
        }
        power += down ? -exponent : exponent;
    }
    if (*behind_blanks(p) != '\0') {
        return false;
    }
    if (mantissa <= UINT64_C(1) << 53 && power >= -22 && power <= 22) { /* one rounding: exact */
        const double v = power < 0 ? (double)mantissa / ten[-power] : (double)mantissa * ten[power];
        *out = minus ? -v : v;
    } else {
        *out = slow_number(text);
    }
    return true;
}
