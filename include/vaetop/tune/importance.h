/* Which parameters decide a trial's value (PED-ANOVA), and whether going on is worth while. Pure functions.
 * Source: Watanabe et al., arXiv 2304.10255; conditional parameters: arXiv 2601.20800. */
#ifndef VAETOP_TUNE_IMPORTANCE_H
#define VAETOP_TUNE_IMPORTANCE_H

#include "vaetop/tune/sampler.h"

/* Share of each range in what tells the best tenth of trials from all; shares sum to 1, all 0 with fewer than 2 trials.
 * pt, value: (n) complete trials. Shapes: out (p->n_ranges). */
void importance(double *out, const struct preset *p, const struct point *const *pt, const double *value, size_t n);

/* The same, for one range, before the shares: 0 where its values are alike in the best and in all. */
double importance_of(const struct preset *p, size_t range, const struct point *const *pt, const double *value,
                     size_t n);

#endif
