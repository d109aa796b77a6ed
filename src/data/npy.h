/* The header of an NPY file, versions 1 to 3: magic, version, length, a Python dictionary as text; then the values.
 * Types that need Python to be read (pickled objects, structures, text) are refused.
 * Source: numpy/lib/_format_impl.py and the description of the format in NumPy's manual. */
#ifndef VAETOP_DATA_NPY_H
#define VAETOP_DATA_NPY_H

#include "array.h"

#define NPY_MAGIC "\x93NUMPY"

/* Reads and checks the header at the front of `in`; whether the file can hold what it promises too. labels: expects one
 * value per row, else rows of at least one dimension. Errors: DATA, IO. */
WUR enum err_code npy_read_header(struct array *out, struct input *in, bool labels, struct err *e);

#endif
