#include "array.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "vaetop/base/alloc.h"

#define MAX_DIM ((uint64_t)1 << 24) /* values per row: a network over more would not fit anywhere */
#define CHUNK ((size_t)1 << 16)     /* bytes converted at a time */

size_t element_size(enum element t)
{
    static const size_t size[] = {
        [ELEMENT_BOOL] = 1, [ELEMENT_U8] = 1,  [ELEMENT_I8] = 1,  [ELEMENT_U16] = 2, [ELEMENT_I16] = 2,
        [ELEMENT_U32] = 4,  [ELEMENT_I32] = 4, [ELEMENT_U64] = 8, [ELEMENT_I64] = 8, [ELEMENT_F16] = 2,
        [ELEMENT_F32] = 4,  [ELEMENT_F64] = 8};
    return size[t];
}

/* Images: (n, h, w), or with one channel in front or behind. */
static void find_sides(struct array *a)
{
    a->height = 1;
    a->width = a->dim;
    if (a->rank == 3 || (a->rank == 4 && a->shape[3] == 1)) {
        a->height = a->shape[1];
        a->width = a->shape[2];
    } else if (a->rank == 4 && a->shape[1] == 1) {
        a->height = a->shape[2];
        a->width = a->shape[3];
    }
}

enum err_code array_derive(struct array *a, const struct input *in, uint64_t at, bool labels, struct err *e)
{
    uint64_t dim = 1, bytes;
    bool fits = true;
    for (int i = 1; i < a->rank; i++) {
        fits = fits && mul_u64(&dim, dim, a->shape[i]);
    }
    if (fits && dim > MAX_DIM) {
        return input_bad(in, at, e, "found %" PRIu64 " values per row, expected at most %" PRIu64, dim, MAX_DIM);
    }
    if (!fits || !mul_u64(&bytes, dim, a->shape[0]) || !mul_u64(&bytes, bytes, element_size(a->type))) {
        return input_bad(in, at, e, "found sizes whose product is over 2^64, expected those of the data");
    }
    if (labels && dim != 1) {
        return input_bad(in, at, e, "found %" PRIu64 " values per row, expected 1 as labels have", dim);
    }
    a->n = a->shape[0];
    a->dim = (size_t)dim;
    a->bytes = bytes;
    find_sides(a);
    return input_expect(in, a->bytes, e);
}

static double from_half(uint32_t h)
{
    const int exponent = (int)(h >> 10 & 31);
    const double mantissa = (double)(h & 1023);
    const double v = exponent == 0    ? ldexp(mantissa, -24)
                     : exponent == 31 ? (mantissa > 0 ? (double)NAN : (double)INFINITY)
                                      : ldexp(1024 + mantissa, exponent - 25);
    return h >> 15 ? -v : v;
}

static double decode(enum element t, uint64_t bits)
{
    float f;
    double d;
    const uint32_t low = (uint32_t)bits;
    switch (t) {
    case ELEMENT_BOOL:
        return bits != 0;
    case ELEMENT_I8:
        return (double)(int8_t)bits;
    case ELEMENT_I16:
        return (double)(int16_t)bits;
    case ELEMENT_I32:
        return (double)(int32_t)bits;
    case ELEMENT_I64:
        return (double)(int64_t)bits;
    case ELEMENT_F16:
        return from_half(low);
    case ELEMENT_F32:
        memcpy(&f, &low, sizeof f);
        return (double)f;
    case ELEMENT_F64:
        memcpy(&d, &bits, sizeof d);
        return d;
    default: /* unsigned */
        return (double)bits;
    }
}

static double value_at(const struct array *a, const uint8_t *p)
{
    const size_t size = element_size(a->type);
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++) {
        bits = bits << 8 | p[a->big_endian ? i : size - 1 - i];
    }
    return decode(a->type, bits);
}

/* Where value number s of a file in Fortran order goes: row and place within it. */
static void place_of(const struct array *a, uint64_t s, size_t *row, size_t *col)
{
    size_t place = 0, stride = a->dim;
    *row = (size_t)(s % a->n);
    s /= a->n;
    for (int i = 1; i < a->rank; i++) {
        stride /= a->shape[i];
        place += (size_t)(s % a->shape[i]) * stride;
        s /= a->shape[i];
    }
    *col = place;
}

uint64_t array_offset(const struct array *a, size_t row, size_t col)
{
    uint64_t s = 0, run = 1;
    if (!a->fortran) {
        return a->begin + ((uint64_t)row * a->dim + col) * element_size(a->type);
    }
    size_t stride = a->dim;
    for (int i = 1; i < a->rank; i++) { /* the reverse of place_of() */
        stride /= a->shape[i];
        s += col / stride * run;
        col %= stride;
        run *= a->shape[i];
    }
    return a->begin + (s * a->n + row) * element_size(a->type);
}

struct target {
    uint8_t *bytes; /* either this */
    float *floats;  /* or that */
    size_t rows;
};

static void put(const struct target *t, size_t at, double v)
{
    if (t->bytes) {
        t->bytes[at] = (uint8_t)v;
    } else {
        t->floats[at] = (float)v;
    }
}

/* `count` values of the file from number `first` on. */
static void convert(const struct target *t, const struct array *a, uint64_t first, const uint8_t *raw, size_t count)
{
    const size_t size = element_size(a->type);
    const double one = t->bytes && a->type == ELEMENT_BOOL ? 255 : 1;
    size_t row, col;
    for (size_t i = 0; i < count; i++) {
        const double v = one * value_at(a, raw + i * size);
        if (!a->fortran) {
            put(t, (size_t)first + i, v);
            continue;
        }
        place_of(a, first + i, &row, &col);
        if (row < t->rows) {
            put(t, row * a->dim + col, v);
        }
    }
}

/* Values that lie in the file as they do in memory go there at once. */
static void *direct(const struct target *t, const struct array *a)
{
    if (a->fortran) {
        return NULL;
    }
    if (t->bytes) {
        return a->type == ELEMENT_U8 ? t->bytes : NULL;
    }
    const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    return a->type == ELEMENT_F32 && a->big_endian != little ? t->floats : NULL;
}

static enum err_code read_values(const struct target *t, const struct array *a, struct input *in, struct err *e)
{
    const size_t size = element_size(a->type);
    const uint64_t total = (uint64_t)(a->fortran ? a->n : t->rows) * a->dim;
    uint8_t raw[CHUNK];
    enum err_code rc = ERR_OK;
    if (direct(t, a)) {
        rc = input_read(in, direct(t, a), (size_t)total * size, "values", e);
    } else {
        for (uint64_t first = 0; first < total && !rc;) {
            const size_t room = CHUNK / size;
            const size_t count = total - first < room ? (size_t)(total - first) : room;
            rc = input_read(in, raw, count * size, "values", e);
            if (!rc) {
                convert(t, a, first, raw, count);
            }
            first += count;
        }
    }
    /* With data.count the rest stays unread: unpacking it would cost every worker's start. */
    return rc || t->rows < a->n ? rc : input_end(in, e);
}

enum err_code array_read_bytes(uint8_t *out, size_t rows, const struct array *a, struct input *in, struct err *e)
{
    return read_values(&(struct target){.bytes = out, .rows = rows}, a, in, e);
}

enum err_code array_read_floats(float *out, size_t rows, const struct array *a, struct input *in, struct err *e)
{
    return read_values(&(struct target){.floats = out, .rows = rows}, a, in, e);
}
