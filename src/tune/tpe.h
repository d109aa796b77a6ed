/* Tree-structured Parzen estimator: a density of the good trials, one of the rest, and of many draws from the first the
 * one that the second finds least likely. Source: Bergstra et al. 2011, Watanabe 2304.11127. */
#ifndef VAETOP_TUNE_TPE_H
#define VAETOP_TUNE_TPE_H

#include "history.h"
#include "space.h"

/* How many of n trials count as good: a fraction, at most 25. */
size_t tpe_below(size_t n, double fraction);

struct tpe_options {
    double fraction;  /* of trials that count as good */
    bool ei_weights;  /* good ones weighted by how much they undercut the rest; else by age */
    bool age_weights; /* the rest weighted by age; else alike */
    size_t candidates; /* draws for each dimension, as long as the kernels are few */
};
extern const struct tpe_options tpe_defaults;

struct tpe {
    const struct space *space;
    const struct history *seen;
    struct tpe_options options;
};
/* Returns the chosen candidate's ln l - ln g, summed over the groups of dimensions. */
double tpe_suggest(const struct tpe *t, uint64_t seed, int number, struct point *out);

/* Records of done (and then running) that have the group's dimensions, split. Owns: caller frees good and rest. */
struct tpe_split {
    const struct record **good, **rest;
    size_t n_good, n_rest;
    bool by_value;      /* every good one is complete and keeps `require` */
    double rest_best;   /* best value among the rest, NaN if none is complete */
};
void tpe_split(struct tpe_split *out, const struct space *s, const struct history *h, size_t group, double fraction);
void tpe_split_release(struct tpe_split *sp);

#endif
