/* Suggestions by a Gaussian process: fits at counts of finished trials that grow by a tenth, one row more in between,
 * running trials believed to come out as the model expects, and the point of largest expected improvement. */
#ifndef VAETOP_TUNE_GP_SUGGEST_H
#define VAETOP_TUNE_GP_SUGGEST_H

#include "gp.h"
#include "history.h"

struct gp_sampler {
    const struct space *space;
    struct gp gp;
    size_t rows;     /* finished records in the model, before believers */
    size_t next_fit; /* count of records at which the next fit is due */
    int fits;
    unsigned rewritten; /* history's, when the model was begun */
};

void gp_sampler_init(struct gp_sampler *m, const struct space *s);
void gp_sampler_release(struct gp_sampler *m);

/* Brings the model to the history's finished records. startup: informative records before the first fit. False: fewer.
 */
bool gp_sampler_catch_up(struct gp_sampler *m, const struct history *h, size_t startup);

/* What the model thinks of the point it chose. */
struct gp_outlook {
    double expected; /* improvement, in standard deviations of the warped values */
    double mean, sd; /* of the value itself; NaN with two objectives */
};
/* catch_up() said true. */
void gp_suggest(struct gp_sampler *m, const struct history *h, uint64_t seed, int number, struct point *out,
                struct gp_outlook *look);

#endif
