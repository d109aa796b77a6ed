/* Figures beyond an epoch's row, of a lane in training or in use. */
#ifndef VAETOP_TRAIN_MEASURE_H
#define VAETOP_TRAIN_MEASURE_H

#include "train_private.h"

struct nll {
    double mean, error, ess; /* as struct use_figures */
};
/* The first `rows` validation rows, with the weights in force (pack_use_ema()). Replaces what evaluate() left.
 * Errors: CL, NOMEM. */
WUR enum err_code nll_measure(struct trainer *t, int lane, size_t rows, int samples, struct nll *out, struct err *e);

/* What an epoch is scored by where its own row does not have it: nll, or the accuracy of the nearest neighbours in latent
 * means, by study.objective; else NaN. Cost is bounded by what the knob's text says. Replaces what evaluate() left.
 * Errors: CL, NOMEM. */
WUR enum err_code objective_measure(struct trainer *t, int lane, double *out, struct err *e);

#endif
