/* A product-kernel density over some dimensions of the space: truncated normals, masses of grid cells, categories.
 * Kernels are the observations with a wide prior last. Source: shared notes 3.1; Bergstra et al. 2011; Optuna 5.0's
 * bandwidth rule. */
#ifndef VAETOP_TUNE_PARZEN_H
#define VAETOP_TUNE_PARZEN_H

#include <stddef.h>

#include "space.h"
#include "vaetop/base/rng.h"

struct parzen {
    const struct space *space;
    size_t n_dims, n; /* n kernels, the prior last */
    const size_t *dim;
    double *log_weight; /* (n), normalised */
    double *mu, *sigma; /* (n_dims, n) in the dimension's scale; categories: mu the index, the prior's unused */
    double *log_norm;   /* (n_dims, n): -ln of sigma and of the mass within the bounds; categories: unused */
};

/* value: (n_obs, n_dims) observed values. weight: (n_obs + 1), the prior's last, need not be normalised. */
void parzen_init(struct parzen *pz, const struct space *s, const size_t *dim, size_t n_dims, const double *value,
                 size_t n_obs, const double *weight);
void parzen_release(struct parzen *pz);

/* ln p(x) of a point of the n_dims values. */
double parzen_log_density(const struct parzen *pz, const double *x);
/* The same of m points. Shapes: x (m, n_dims), out (m). */
void parzen_log_densities(double *out, const struct parzen *pz, const double *x, size_t m);
void parzen_draw(const struct parzen *pz, struct rng *rng, double *x);

/* Weights by age, oldest first: the last 25 count fully, the others from 1/n up. Shapes: out (n). */
void parzen_age_weights(double *out, size_t n);

#endif
