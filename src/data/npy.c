#include "npy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "vaetop/base/str.h"

#define MAX_HEADER 10000 /* bytes, as numpy itself allows */

/* The dictionary's text and how far it is read. */
struct reader {
    const struct input *in;
    const char *text;
    size_t len, at;
    uint64_t begin; /* offset of text in the file */
    struct err *e;
};

static void skip_blanks(struct reader *r)
{
    while (r->at < r->len && strchr(" \t\r\n", r->text[r->at]) && r->text[r->at] != '\0') {
        r->at++;
    }
}

/* The text at the reader, short and safe to print. */
static enum err_code unexpected(const struct reader *at, const char *expected)
{
    char found[24], clean[96];
    struct reader copy = *at, *r = &copy;
    skip_blanks(r);
    (void)snprintf(found, sizeof found, "%.*s", (int)(r->len - r->at < 20 ? r->len - r->at : 20), r->text + r->at);
    for (size_t n = strlen(found); n > 0 && strchr(" \n", found[n - 1]); n--) { /* the header's padding */
        found[n - 1] = '\0';
    }
    return input_bad(r->in, r->begin + r->at, r->e, "found %s in the NPY header, expected %s",
                     *found ? str_clean(clean, sizeof clean, found) : "its end", expected);
}

static bool accept(struct reader *r, const char *word)
{
    const size_t n = strlen(word);
    skip_blanks(r);
    if (r->len - r->at < n || memcmp(r->text + r->at, word, n) != 0) {
        return false;
    }
    r->at += n;
    return true;
}

/* 'text' or "text", without escapes: neither keys nor types have any. */
static enum err_code read_string(struct reader *r, char *out, size_t cap, const char *expected)
{
    skip_blanks(r);
    const char quote = r->at < r->len ? r->text[r->at] : '\0';
    if (quote != '\'' && quote != '"') {
        return unexpected(r, expected);
    }
    const char *begin = r->text + r->at + 1;
    const char *end = memchr(begin, quote, r->len - r->at - 1);
    if (!end || (size_t)(end - begin) >= cap || memchr(begin, '\0', (size_t)(end - begin))) {
        return unexpected(r, expected);
    }
    memcpy(out, begin, (size_t)(end - begin));
    out[end - begin] = '\0';
    r->at += (size_t)(end - begin) + 2;
    return ERR_OK;
}

static enum err_code read_size(struct reader *r, size_t *out)
{
    skip_blanks(r);
    size_t v = 0, digits = 0;
    while (r->at < r->len && r->text[r->at] >= '0' && r->text[r->at] <= '9') {
        if (v > (SIZE_MAX - 9) / 10) {
            return unexpected(r, "a size below 2^64");
        }
        v = 10 * v + (size_t)(r->text[r->at++] - '0');
        digits++;
    }
    if (digits == 0) {
        return unexpected(r, "a size such as 28");
    }
    if (v == 0) {
        r->at -= digits;
        return unexpected(r, "a size of at least 1");
    }
    (void)accept(r, "L"); /* Python 2 */
    *out = v;
    return ERR_OK;
}

static enum err_code read_shape(struct reader *r, struct array *a)
{
    if (!accept(r, "(")) {
        return unexpected(r, "a shape such as (60000, 784)");
    }
    while (!accept(r, ")")) {
        if (a->rank == ARRAY_MAX_RANK) {
            return unexpected(r, "at most 8 dimensions");
        }
        enum err_code rc = read_size(r, &a->shape[a->rank]);
        if (rc) {
            return rc;
        }
        a->rank++;
        if (!accept(r, ",")) {
            return accept(r, ")") ? ERR_OK : unexpected(r, "a comma or the end of the shape");
        }
    }
    return ERR_OK;
}

static enum err_code read_descr(struct reader *r, struct array *a)
{
    static const struct {
        const char *name;
        enum element type;
    } types[] = {{"b1", ELEMENT_BOOL}, {"u1", ELEMENT_U8},  {"i1", ELEMENT_I8},  {"u2", ELEMENT_U16},
                 {"i2", ELEMENT_I16},  {"u4", ELEMENT_U32}, {"i4", ELEMENT_I32}, {"u8", ELEMENT_U64},
                 {"i8", ELEMENT_I64},  {"f2", ELEMENT_F16}, {"f4", ELEMENT_F32}, {"f8", ELEMENT_F64}};
    static const char expected[] = "a type such as '<f4' or '|u1': save plain numbers, "
                                   "np.save(FILE, x.astype(np.float32))";
    char text[32];
    const struct reader before = *r;
    enum err_code rc = read_string(r, text, sizeof text, expected);
    if (rc) {
        return rc;
    }
    const bool order = *text != '\0' && strchr("<>|=", *text);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        /* '=' is the writer's own order, which a file must not depend on. */
        if (strcmp(text + order, types[i].name) == 0 && *text != '=' &&
            (*text == '<' || *text == '>' || element_size(types[i].type) == 1)) {
            a->type = types[i].type;
            a->big_endian = *text == '>';
            return ERR_OK;
        }
    }
    return unexpected(&before, expected);
}

static enum err_code read_entry(struct reader *r, struct array *a, unsigned *seen)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    static const char expected[] = "one of the keys 'descr', 'fortran_order' and 'shape', each once";
    char key[32];
    const struct reader before = *r;
    enum err_code rc = read_string(r, key, sizeof key, expected);
    unsigned k = 0;
    while (!rc && k < 3 && strcmp(key, keys[k]) != 0) {
        k++;
    }
    if (rc) {
        return rc;
    }
    if (k == 3 || *seen & 1u << k) {
        return unexpected(&before, expected);
    }
    *seen |= 1u << k;
    if (!accept(r, ":")) {
        return unexpected(r, "a colon");
    }
    if (k == 0) {
        return read_descr(r, a);
    }
    if (k == 2) {
        return read_shape(r, a);
    }
    a->fortran = accept(r, "True");
    return a->fortran || accept(r, "False") ? ERR_OK : unexpected(r, "True or False");
}

static enum err_code read_dictionary(struct reader *r, struct array *a)
{
    unsigned seen = 0;
    if (!accept(r, "{")) {
        return unexpected(r, "a dictionary in braces");
    }
    while (!accept(r, "}")) {
        enum err_code rc = read_entry(r, a, &seen);
        if (rc) {
            return rc;
        }
        if (!accept(r, ",")) {
            if (!accept(r, "}")) {
                return unexpected(r, "a comma or the end of the dictionary");
            }
            break;
        }
    }
    skip_blanks(r);
    if (r->at < r->len) {
        return unexpected(r, "nothing but blanks behind the dictionary");
    }
    return seen == 7 ? ERR_OK : unexpected(r, "the keys 'descr', 'fortran_order' and 'shape'");
}

/* Magic and version; *len gets the length of the text. */
static enum err_code read_front(size_t *len, struct input *in, struct err *e)
{
    uint8_t m[8], raw[4];
    enum err_code rc = input_read(in, m, sizeof m, "the NPY header", e);
    if (rc) {
        return rc;
    }
    if (memcmp(m, NPY_MAGIC, 6) != 0) {
        return input_bad(in, 0, e, "found bytes %02x %02x %02x %02x, expected an NPY file", m[0], m[1], m[2], m[3]);
    }
    if (m[6] < 1 || m[6] > 3 || m[7] != 0) {
        return input_bad(in, 6, e, "found NPY version %u.%u, expected 1.0, 2.0 or 3.0", m[6], m[7]);
    }
    const size_t width = m[6] == 1 ? 2 : 4;
    rc = input_read(in, raw, width, "the NPY header", e);
    *len = 0;
    for (size_t i = width; !rc && i > 0; i--) {
        *len = *len << 8 | raw[i - 1];
    }
    if (!rc && *len > MAX_HEADER) {
        rc = input_bad(in, 8, e, "found an NPY header of %zu bytes, expected at most %d", *len, MAX_HEADER);
    }
    return rc;
}

enum err_code npy_read_header(struct array *out, struct input *in, bool labels, struct err *e)
{
    char text[MAX_HEADER];
    struct reader r = {.in = in, .text = text, .e = e};
    memset(out, 0, sizeof *out);
    enum err_code rc = read_front(&r.len, in, e);
    r.begin = in->pos;
    rc = rc ? rc : input_read(in, text, r.len, "the NPY header", e);
    rc = rc ? rc : read_dictionary(&r, out);
    if (rc) {
        return rc;
    }
    if (out->rank < (labels ? 1 : 2)) {
        return input_bad(in, r.begin, e, "found %d dimensions, expected %s", out->rank,
                         labels ? "1 as labels have" : "at least 2, rows first: x.reshape(n, -1) makes them");
    }
    out->begin = in->pos;
    return array_derive(out, in, r.begin, labels, e);
}
