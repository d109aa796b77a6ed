/* Two minimised objectives: who dominates whom, and how much room a front covers. */
#ifndef VAETOP_SCORE_FRONT_H
#define VAETOP_SCORE_FRONT_H

#include <stdbool.h>
#include <stddef.h>

/* Rank of every point: 0 undominated, 1 undominated once those are gone, and so on. Shapes: value (n, 2), rank (n). */
void front_ranks(int *rank, const double *value, size_t n);
/* Distance to the neighbours of equal rank along the front, infinite at its ends: more is lonelier. */
void front_crowding(double *out, const double *value, const int *rank, size_t n);
/* Best first: by rank, then by loneliness, then by index; points that are not finite come last, one rank below the worst.
 * Shapes: order (n), rank (n) or NULL. */
void front_order(size_t *order, int *rank, const double *value, size_t n);
/* Area dominated by the points and bounded by the reference. */
double front_area(const double *value, size_t n, const double reference[2]);

#endif
