#include "tensor_header.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"

#define HEADER_AT 8 /* the JSON begins behind its own length */

struct parser {
    const struct input *in;
    uint8_t *s;
    size_t at, n;
    struct tensor_header *out;
    struct err *e;
};

size_t tensor_type_size(enum tensor_type type)
{
    static const size_t size[] = {
#define X(t, name, bytes) [t] = bytes,
        TENSOR_TYPES(X)
#undef X
    };
    return size[type];
}

int tensor_utf8_length(const uint8_t *s, uint64_t n)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    int len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    if (len <= 1) {
        return len;
    }
    uint32_t c = s[0] & (0xffu >> (len + 1));
    for (int i = 1; i < len; i++) {
        if ((uint64_t)i >= n || (s[i] & 0xc0) != 0x80) {
            return 0;
        }
        c = c << 6 | (s[i] & 0x3fu);
    }
    return c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : len;
}

static enum err_code bad_at(const struct parser *p, size_t at, const char *expected)
{
    uint64_t offset = HEADER_AT + at;
    if (at >= p->n) {
        return input_bad(p->in, offset, p->e, "found the end of the header, expected %s", expected);
    }
    if (p->s[at] > 0x20 && p->s[at] < 0x7f) {
        return input_bad(p->in, offset, p->e, "found '%c' in the header, expected %s", p->s[at], expected);
    }
    return input_bad(p->in, offset, p->e, "found byte 0x%02x in the header, expected %s", p->s[at], expected);
}

static enum err_code bad_text(const struct parser *p, size_t at, const char *text, const char *expected)
{
    char clean[80];
    return input_bad(p->in, HEADER_AT + at, p->e, "found \"%s\" in the header, expected %s",
                     str_clean(clean, sizeof clean, text), expected);
}

static void skip_blanks(struct parser *p)
{
    while (p->at < p->n && (p->s[p->at] == ' ' || p->s[p->at] == '\t' || p->s[p->at] == '\n' || p->s[p->at] == '\r')) {
        p->at++;
    }
}

/* True if the next character is c, which is taken then. */
static bool take(struct parser *p, char c)
{
    skip_blanks(p);
    if (p->at < p->n && p->s[p->at] == (uint8_t)c) {
        p->at++;
        return true;
    }
    return false;
}

static enum err_code want(struct parser *p, char c, const char *expected)
{
    return take(p, c) ? ERR_OK : bad_at(p, p->at, expected);
}

/* Four hexadecimal digits behind \u; -1 if there are none. */
static int32_t hex4(const struct parser *p, size_t at)
{
    int32_t v = 0;
    for (size_t i = at; i < at + 4; i++) {
        int c = i < p->n ? p->s[i] : 0;
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return -1;
        }
        v = v * 16 + digit;
    }
    return v;
}

static size_t put_utf8(uint8_t *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (uint8_t)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        to[i] = (uint8_t)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    to[0] = (uint8_t)((0xf00u >> len) | c);
    return len;
}

/* One escape at p->at (behind the backslash) into to; 0 if it is wrong. Text with a NUL in it has no form in C. */
static size_t take_escape(struct parser *p, uint8_t *to)
{
    static const char from[] = "\"\\/bfnrt";
    static const char into[] = "\"\\/\b\f\n\r\t";
    int c = p->at < p->n ? p->s[p->at] : 0;
    const char *simple = c ? strchr(from, c) : NULL;
    if (simple) {
        p->at++;
        to[0] = (uint8_t)into[simple - from];
        return 1;
    }
    int32_t u = c == 'u' ? hex4(p, p->at + 1) : -1;
    if (u <= 0 || (u >= 0xdc00 && u < 0xe000)) {
        return 0;
    }
    p->at += 5;
    if (u >= 0xd800 && u < 0xdc00) {
        bool pair = p->at + 1 < p->n && p->s[p->at] == '\\' && p->s[p->at + 1] == 'u';
        int32_t low = pair ? hex4(p, p->at + 2) : -1;
        if (low < 0xdc00 || low >= 0xe000) {
            return 0;
        }
        p->at += 6;
        return put_utf8(to, 0x10000u + ((uint32_t)(u - 0xd800) << 10) + (uint32_t)(low - 0xdc00));
    }
    return put_utf8(to, (uint32_t)u);
}

/* A string, decoded in place: an escape is never shorter than what it stands for. */
static enum err_code take_string(struct parser *p, const char **out, size_t max, const char *expected)
{
    enum err_code rc = want(p, '"', expected);
    size_t start = p->at, to = p->at;
    if (rc) {
        return rc;
    }
    while (p->at < p->n && p->s[p->at] != '"') {
        if (p->s[p->at] == '\\') {
            size_t at = p->at++;
            size_t len = take_escape(p, p->s + to);
            if (len == 0) {
                return bad_at(p, at, "a JSON escape that is no NUL");
            }
            to += len;
            continue;
        }
        int len = tensor_utf8_length(p->s + p->at, p->n - p->at);
        if (len == 0 || p->s[p->at] < 0x20) {
            return bad_at(p, p->at, "text in UTF-8");
        }
        memmove(p->s + to, p->s + p->at, (size_t)len);
        to += (size_t)len;
        p->at += (size_t)len;
    }
    if (p->at >= p->n) {
        return bad_at(p, p->at, "the end of a text");
    }
    p->at++;
    p->s[to] = 0;
    *out = (const char *)p->s + start;
    return to - start <= max ? ERR_OK : bad_text(p, start, *out, "a shorter name, at most 512 bytes");
}

static enum err_code take_number(struct parser *p, uint64_t *out)
{
    skip_blanks(p);
    size_t start = p->at;
    uint64_t v = 0;
    while (p->at < p->n && p->s[p->at] >= '0' && p->s[p->at] <= '9') {
        v = v * 10 + (uint64_t)(p->s[p->at] - '0');
        p->at++;
        if (p->at - start > 16 || v > (UINT64_C(1) << 53)) {
            return bad_at(p, start, "a whole number of at most 2^53");
        }
    }
    if (p->at == start || (p->s[start] == '0' && p->at - start > 1)) {
        return bad_at(p, start, "a whole number");
    }
    *out = v;
    return ERR_OK;
}

/* "[1, 2, 3]" of at most max numbers. */
static enum err_code take_numbers(struct parser *p, uint64_t *out, int max, int *count)
{
    enum err_code rc = want(p, '[', "'['");
    *count = 0;
    if (rc || take(p, ']')) {
        return rc;
    }
    do {
        if (*count == max) {
            return bad_at(p, p->at, max == 2 ? "']' behind two offsets" : "']' behind at most 8 dimensions");
        }
        rc = take_number(p, &out[*count]);
        if (rc) {
            return rc;
        }
        ++*count;
    } while (take(p, ','));
    return want(p, ']', "',' or ']'");
}

static enum err_code take_type(struct parser *p, enum tensor_type *out)
{
    static const char *const names[TENSOR_TYPE_COUNT] = {
#define X(t, name, bytes) [t] = name,
        TENSOR_TYPES(X)
#undef X
    };
    const char *name;
    size_t at = p->at;
    enum err_code rc = take_string(p, &name, SIZE_MAX, "the name of a type");
    if (rc) {
        return rc;
    }
    for (int i = 0; i < TENSOR_TYPE_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum tensor_type)i;
            return ERR_OK;
        }
    }
    return bad_text(p, at, name, "a type that is read: F32, F64, U8, U32, I64");
}

/* One of dtype, shape, data_offsets; seen collects a bit for each. */
static enum err_code take_field(struct parser *p, struct header_entry *t, unsigned *seen)
{
    static const char *const field[] = {"dtype", "shape", "data_offsets"};
    const char *name;
    uint64_t number[TENSOR_MAX_RANK];
    int count;
    size_t at = p->at;
    enum err_code rc = take_string(p, &name, SIZE_MAX, "\"dtype\", \"shape\" or \"data_offsets\"");
    unsigned which = 0;
    if (rc) {
        return rc;
    }
    while (which < 3 && strcmp(name, field[which]) != 0) {
        which++;
    }
    if (which == 3 || (*seen & 1u << which)) {
        return bad_text(p, at, name, "dtype, shape and data_offsets, once each");
    }
    *seen |= 1u << which;
    rc = want(p, ':', "':'");
    if (rc || which == 0) {
        return rc ? rc : take_type(p, &t->tensor.type);
    }
    at = p->at;
    rc = take_numbers(p, number, which == 1 ? TENSOR_MAX_RANK : 2, &count);
    if (rc) {
        return rc;
    }
    if (which == 1) {
        t->tensor.rank = count;
        for (int i = 0; i < count; i++) {
            t->tensor.shape[i] = (size_t)number[i];
        }
    } else if (count != 2) {
        return bad_at(p, at, "two offsets");
    } else {
        t->begin = number[0];
        t->end = number[1];
    }
    return ERR_OK;
}

/* The shape's bytes must be what the offsets span. */
static enum err_code check_size(const struct parser *p, struct header_entry *t)
{
    uint64_t bytes = tensor_type_size(t->tensor.type);
    size_t count = 1;
    bool fits = true;
    for (int i = 0; i < t->tensor.rank && fits; i++) {
        fits = mul_u64(&bytes, bytes, t->tensor.shape[i]) && mul_size(&count, count, t->tensor.shape[i]);
    }
    t->tensor.count = count;
    if (fits && t->begin <= t->end && t->end - t->begin == bytes) {
        return ERR_OK;
    }
    char name[80], size[32] = "more than 2^64";
    if (fits) {
        (void)snprintf(size, sizeof size, "%" PRIu64, bytes);
    }
    return input_bad(p->in, t->at, p->e,
                     "found data_offsets [%" PRIu64 ", %" PRIu64
                     "] for tensor \"%s\", expected them %s bytes apart as its shape says",
                     t->begin, t->end, str_clean(name, sizeof name, t->tensor.name), size);
}

static enum err_code take_tensor(struct parser *p, const char *name, size_t at)
{
    struct tensor_header *h = p->out;
    struct header_entry t = {.tensor.name = name, .at = HEADER_AT + at};
    unsigned seen = 0;
    enum err_code rc = want(p, '{', "'{' of a tensor");
    if (rc) {
        return rc;
    }
    do {
        rc = take_field(p, &t, &seen);
        if (rc) {
            return rc;
        }
    } while (take(p, ','));
    rc = want(p, '}', "',' or '}'");
    if (rc) {
        return rc;
    }
    if (seen != 7) {
        return bad_at(p, p->at - 1, "dtype, shape and data_offsets, once each");
    }
    if (h->n_entries == TENSOR_MAX_COUNT) {
        return input_bad(p->in, t.at, p->e, "found more tensors, expected at most %d", TENSOR_MAX_COUNT);
    }
    if (h->n_entries == h->entry_cap) {
        h->entry_cap = h->entry_cap ? 2 * h->entry_cap : 16;
        h->entry = xreallocarray(h->entry, h->entry_cap, sizeof *h->entry);
    }
    rc = check_size(p, &t);
    h->entry[h->n_entries++] = t;
    return rc;
}

static enum err_code take_metadata(struct parser *p)
{
    struct tensor_header *h = p->out;
    enum err_code rc = want(p, '{', "'{' of the metadata");
    if (rc || take(p, '}')) {
        return rc;
    }
    do {
        const char *key, *value;
        rc = take_string(p, &key, SIZE_MAX, "a key of the metadata");
        rc = rc ? rc : want(p, ':', "':'");
        rc = rc ? rc : take_string(p, &value, SIZE_MAX, "a text as value of the metadata");
        if (rc) {
            return rc;
        }
        if (h->n_meta == TENSOR_MAX_COUNT) {
            return bad_at(p, p->at, "fewer keys in the metadata");
        }
        if (h->n_meta == h->meta_cap) {
            h->meta_cap = h->meta_cap ? 2 * h->meta_cap : 16;
            h->meta = xreallocarray(h->meta, h->meta_cap, 2 * sizeof *h->meta);
        }
        h->meta[2 * h->n_meta] = key;
        h->meta[2 * h->n_meta + 1] = value;
        h->n_meta++;
    } while (take(p, ','));
    return want(p, '}', "',' or '}'");
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts a list of n texts and complains of the first that is there twice. */
static enum err_code refuse_twice(const struct parser *p, const char **text, size_t n)
{
    qsort(text, n, sizeof *text, compare_texts);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(text[i - 1], text[i]) == 0) {
            const char *later = text[i] > text[i - 1] ? text[i] : text[i - 1];
            return bad_text(p, (size_t)((const uint8_t *)later - p->s), later, "every name once");
        }
    }
    return ERR_OK;
}

static enum err_code check_names(const struct parser *p)
{
    const struct tensor_header *h = p->out;
    size_t most = h->n_entries > h->n_meta ? h->n_entries : h->n_meta;
    if (most == 0) {
        return ERR_OK;
    }
    const char **text = xcalloc(most, sizeof *text);
    for (size_t i = 0; i < h->n_entries; i++) {
        text[i] = h->entry[i].tensor.name;
    }
    enum err_code rc = refuse_twice(p, text, h->n_entries);
    if (!rc) {
        for (size_t i = 0; i < h->n_meta; i++) {
            text[i] = h->meta[2 * i];
        }
        rc = refuse_twice(p, text, h->n_meta);
    }
    free(text);
    return rc;
}

enum err_code tensor_header_parse(struct tensor_header *out, const struct input *in, char *text, size_t n,
                                  struct err *e)
{
    struct parser p = {.in = in, .s = (uint8_t *)text, .n = n, .out = out, .e = e};
    bool metadata = false;
    memset(out, 0, sizeof *out);
    if (n == 0 || text[0] != '{') {
        return bad_at(&p, 0, "'{' of a safetensors header");
    }
    p.at = 1;
    if (!take(&p, '}')) {
        enum err_code rc;
        do {
            const char *name;
            skip_blanks(&p);
            size_t at = p.at;
            rc = take_string(&p, &name, TENSOR_MAX_NAME, "the name of a tensor");
            rc = rc ? rc : want(&p, ':', "':'");
            if (!rc && strcmp(name, "__metadata__") == 0) {
                rc = metadata ? bad_text(&p, at, name, "every name once") : take_metadata(&p);
                metadata = true;
            } else if (!rc) {
                rc = take_tensor(&p, name, at);
            }
            if (rc) {
                return rc;
            }
        } while (take(&p, ','));
        rc = want(&p, '}', "',' or '}'");
        if (rc) {
            return rc;
        }
    }
    skip_blanks(&p);
    return p.at == p.n ? check_names(&p) : bad_at(&p, p.at, "nothing behind the header but blanks");
}

void tensor_header_release(struct tensor_header *h)
{
    free(h->entry);
    free(h->meta);
    memset(h, 0, sizeof *h);
}
