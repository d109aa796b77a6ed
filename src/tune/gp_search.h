/* Where in the space expected improvement is largest: many points at once, then the best of them improved, numbers by
 * their gradient, whole numbers and choices by trying. */
#ifndef VAETOP_TUNE_GP_SEARCH_H
#define VAETOP_TUNE_GP_SEARCH_H

#include "gp.h"
#include "history.h"
#include "vaetop/base/rng.h"

struct gp_search {
    const struct gp *gp;
    const struct history *h; /* its points are not suggested again in discrete spaces */
    double best;             /* what is to be improved upon */
    int budget;              /* evaluations with gradient left */
    struct rng rng;
    uint64_t seed;
    int number;
};

/* out: the point found; returns its ln EI. incumbents: points worth starting near, best first. */
double gp_search(struct gp_search *q, struct point *out, const struct point *const *incumbents, size_t n_incumbents);

/* ln EI of a point. */
double gp_log_ei(const struct gp_search *q, const struct point *pt);

#endif
