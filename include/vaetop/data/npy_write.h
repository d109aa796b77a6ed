/* Arrays as NumPy reads them: NPY version 1.0. */
#ifndef VAETOP_DATA_NPY_WRITE_H
#define VAETOP_DATA_NPY_WRITE_H

#include <stddef.h>

#include "vaetop/base/err.h"
#include "vaetop/data/dataset.h"

/* x row-major, of the shape's rank (1 to 4). Durable: as fs_write(). Errors: NOMEM, IO.
 * Source: the description of the format in NumPy's manual. */
WUR enum err_code npy_save(const char *path, enum data_type type, const void *x, const size_t *shape, int rank,
                           struct err *e);

#endif
