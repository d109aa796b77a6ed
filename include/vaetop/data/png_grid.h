/* Grey images side by side in one PNG file. */
#ifndef VAETOP_DATA_PNG_GRID_H
#define VAETOP_DATA_PNG_GRID_H

#include <stddef.h>

#include "vaetop/base/err.h"

/* Images of height x width values from 0 (black) to 1 (white), row by row. Small images are enlarged by a whole factor to
 * at least 56 pixels, rows that are no images (height 1) become strips of 8; images stand 2 pixels apart, and every
 * `group` rows 8 pixels (0: no groups). columns 0: about as wide as high. */
struct png_grid {
    size_t n, height, width, columns, group;
};
/* The value of an image that is not there: the grey of the gaps. */
#define PNG_GRID_BLANK (72.0f / 255.0f)
/* x (n, height, width); beyond 0 .. 1 is cut, NaN is black. Durable: as fs_write(). Errors: USAGE (more than 2^28
 * pixels), NOMEM, IO. */
WUR enum err_code png_grid_save(const char *path, const float *x, const struct png_grid *g, struct err *e);

#endif
