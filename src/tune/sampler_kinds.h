/* Inside tune: the ways to choose a point. p has passed preset_check(), so its ranges stand in drawing order. */
#ifndef VAETOP_TUNE_SAMPLER_KINDS_H
#define VAETOP_TUNE_SAMPLER_KINDS_H

#include "space.h"

void random_suggest(const struct space *s, uint64_t seed, int64_t number, struct point *out);

/* Cells of the Cartesian product. Errors: USAGE (a range without end, or more cells than can be counted). */
WUR enum err_code grid_count(size_t *out, const struct preset *p, struct err *e);
/* The point of cell 0 .. count - 1, and the cell of a point of the space; the last range varies fastest. */
void grid_suggest(const struct preset *p, size_t cell, struct point *out);
size_t grid_cell(const struct preset *p, const struct point *pt);

#endif
