/* The header of an IDX file: two zero bytes, type, rank, big-endian sizes; then the values, row-major, big-endian.
 * Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits", section on file formats. */
#ifndef VAETOP_DATA_IDX_H
#define VAETOP_DATA_IDX_H

#include "array.h"

/* Reads and checks the header at the front of `in`; whether the file can hold what it promises too. labels: expects one
 * byte per row, else rows of 8-bit or float images or vectors. Errors: DATA, IO. */
WUR enum err_code idx_read_header(struct array *out, struct input *in, bool labels, struct err *e);

#endif
