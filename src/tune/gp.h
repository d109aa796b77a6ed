/* A Gaussian process over the search space: Matern-5/2, one length scale per dimension, in double.
 *
 * A point becomes a row of features whose squared Euclidean distance, weighted by dimension, is the kernel's distance:
 * numbers their place in [0, 1]; choices one-hot, so that two different ones are 1 apart; a conditional number sits on
 * an arc of the unit circle around the origin, where "inactive" lies: both inactive are 0 apart, one alone is 1. Being
 * Euclidean keeps the kernel positive definite. Source: Rasmussen & Williams 2006, ch. 2 and 5; Swersky et al. 2013. */
#ifndef VAETOP_TUNE_GP_H
#define VAETOP_TUNE_GP_H

#include <stdbool.h>
#include <stddef.h>

#include "space.h"

#define GP_NOISE_LEAST 1e-6

/* Inverse squared length scales by dimension, variance of the signal and of the noise. */
struct gp_theta {
    double *lambda; /* (dims) */
    double scale, noise;
};

struct gp {
    const struct space *space;
    size_t n_features;
    size_t *first; /* (dims + 1): where a dimension's features begin */
    struct gp_theta theta;
    size_t n, cap;
    double *x;       /* (n, n_features) */
    double *y;       /* (n) larger is better */
    double *chol;    /* lower triangle, rows of cap: K + noise I = L L' */
    double *alpha;   /* (n) (K + noise I)^-1 y */
};

void gp_init(struct gp *g, const struct space *s);
void gp_release(struct gp *g);
/* Forgets the rows. theta stays. */
void gp_clear(struct gp *g);

/* Shapes: out (n_features). */
void gp_features(double *out, const struct gp *g, const struct point *pt);
/* d features / d place in [0, 1] of a number. Shapes: out (n_features of that dimension). */
void gp_features_slope(double *out, const struct gp *g, size_t dim, double u);

/* One more row at the end, by one triangular solve. Call gp_values() before the next prediction. */
void gp_append(struct gp *g, const double *features);
/* Takes rows off the end. */
void gp_truncate(struct gp *g, size_t n);
/* New values for all rows. Shapes: y (n). */
void gp_values(struct gp *g, const double *y);
/* Factorises all rows for the present theta. False if not positive definite even so. */
bool gp_factorise(struct gp *g);

/* Posterior of the noiseless function. */
void gp_predict(const struct gp *g, const double *features, double *mean, double *variance);
/* Shapes: features (m, n_features), mean, variance (m). */
void gp_predict_many(const struct gp *g, const double *features, size_t m, double *mean, double *variance);
/* Also their derivatives by each feature. Shapes: dmean, dvariance (n_features). */
void gp_predict_slope(const struct gp *g, const double *features, double *mean, double *variance, double *dmean,
                      double *dvariance);
/* The largest posterior mean among the first n rows. */
double gp_best(const struct gp *g, size_t n);

/* Minus the logarithm of posterior density of theta given x and y, up to a constant; HUGE_VAL if not positive definite.
 * t: (dims + 2) ln lambda, ln scale, ln(noise - GP_NOISE_LEAST); slope (dims + 2) or NULL. g's rows and values are
 * used, its factor is not touched. */
double gp_loss(const struct gp *g, const double *t, double *slope);
/* Moves theta to the best found in at most `evaluations` per start, and factorises. Starts: the present theta, and
 * unit length scales too if `afresh`. */
void gp_fit(struct gp *g, int evaluations, bool afresh);

/* Matern-5/2 of a squared distance, and its derivative. */
double gp_matern(double r2);
double gp_matern_slope(double r2);

#endif
