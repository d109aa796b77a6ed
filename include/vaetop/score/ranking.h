/* The order of a leaderboard: what keeps study.require first, by value, or front by front and in each by the sum of both
 * (of rec and kl: -ELBO); then what breaks it, the less the better; what has no value last. Equals by index. */
#ifndef VAETOP_SCORE_RANKING_H
#define VAETOP_SCORE_RANKING_H

#include <stddef.h>

#include "vaetop/conf/objective.h"

struct scored {
    double value[2]; /* objective_values(); NaN: none */
    double violation;
};
/* Best first. Shapes: order (n), s (n). */
void ranking(size_t *order, const struct scored *s, size_t n, int objectives);

#endif
