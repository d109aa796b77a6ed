/* What the header of a binary array says, and its values as the host's bytes or floats, whatever their type, byte order
 * and storage order in the file are. */
#ifndef VAETOP_DATA_ARRAY_H
#define VAETOP_DATA_ARRAY_H

#include "input.h"

#define ARRAY_MAX_RANK 8

enum element {
    ELEMENT_BOOL,
    ELEMENT_U8,
    ELEMENT_I8,
    ELEMENT_U16,
    ELEMENT_I16,
    ELEMENT_U32,
    ELEMENT_I32,
    ELEMENT_U64,
    ELEMENT_I64,
    ELEMENT_F16,
    ELEMENT_F32,
    ELEMENT_F64
};
size_t element_size(enum element t);

struct array {
    enum element type;
    bool big_endian, fortran; /* fortran: the first index runs fastest */
    int rank;
    size_t shape[ARRAY_MAX_RANK]; /* none is 0 */
    uint64_t begin;               /* offset of the first value */
    /* array_derive() fills these from the rest: */
    size_t n, dim;        /* rows and values per row */
    size_t height, width; /* of images; height 1: vectors */
    uint64_t bytes;       /* of all values */
};

/* Sizes of rows from the shape, checked, also against the size of the file. labels: one value per row. `at` is where
 * the shape stands in the file. Errors: DATA. */
WUR enum err_code array_derive(struct array *a, const struct input *in, uint64_t at, bool labels, struct err *e);

/* The first `rows` rows, row-major. `in` stands at the first value; all is read and checked for its end if rows is all
 * of them. Bytes: of BOOL (true becomes 255) and U8 only. Errors: DATA, IO. */
WUR enum err_code array_read_bytes(uint8_t *out, size_t rows, const struct array *a, struct input *in, struct err *e);
WUR enum err_code array_read_floats(float *out, size_t rows, const struct array *a, struct input *in, struct err *e);

/* Where the file has value `col` of row `row`. */
uint64_t array_offset(const struct array *a, size_t row, size_t col);

#endif
