/* Trials' values made fit for a Gaussian process: larger is better, mean 0, variance 1, the bad tail drawn in, failures
 * below the worst. Source: shared notes 3.3 (half-rank and log warping). */
#ifndef VAETOP_TUNE_WARP_H
#define VAETOP_TUNE_WARP_H

#include "history.h"

/* weight: of the two objectives (augmented Chebyshev), ignored with one. The first n finished records; at least one of
 * them complete. Shapes: out (n). Source of the scalarisation: Knowles, ParEGO, IEEE TEC 10 (2006). */
void warp_values(double *out, const struct history *h, size_t n, double weight);

/* One column, smaller is better; NaN marks a failure. Shapes: out, value (n). */
void warp_column(double *out, const double *value, size_t n);

/* The way back, with one objective: from a warped value to the one that would have become it, by the line through the
 * nearest trials; beyond the best, the line from the best to the middle of the better half goes on.
 * Shapes: y (n), of warp_values(). */
struct unwarp {
    double (*pair)[2]; /* (n) warped, value: best first */
    size_t n;
};
void unwarp_init(struct unwarp *u, const struct history *h, const double *y, size_t n);
void unwarp_release(struct unwarp *u);
/* NaN with fewer than two different values. */
double unwarp_value(const struct unwarp *u, double warped);

#endif
