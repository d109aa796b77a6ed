/* Inside tune: the ways to choose a point. p has passed preset_check(), so its ranges stand in drawing order. */
#ifndef VAETOP_TUNE_SAMPLER_KINDS_H
#define VAETOP_TUNE_SAMPLER_KINDS_H

#include "vaetop/conf/preset.h"

/* Errors: USAGE (cannot happen with a checked preset). */
WUR enum err_code random_suggest(const struct preset *p, int number, struct point *out, struct err *e);

/* Cells of the Cartesian product. Errors: USAGE (a range without end, or more cells than can be counted). */
WUR enum err_code grid_count(size_t *out, const struct preset *p, struct err *e);
/* Cell of 0 .. count - 1; the last range varies fastest. */
WUR enum err_code grid_suggest(const struct preset *p, size_t cell, struct point *out, struct err *e);

#endif
