/* The asking side of the advisor's protocol: start one, open a preset, get points. */
#ifndef VAETOP_IPC_ADVICE_H
#define VAETOP_IPC_ADVICE_H

#include <stddef.h>

#include "vaetop/base/err.h"
#include "vaetop/conf/preset.h"

/* Blocking use for `run --dry-run`: starts an advisor, asks for the points of trials first .. first + n - 1.
 * points: n initialised points; *got says how many there are (a grid may end). Errors: IO, USAGE. */
WUR enum err_code advice_once(struct point *points, size_t n, size_t *got, const struct preset *p, int first, struct err *e);

#endif
