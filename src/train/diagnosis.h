/* What an epoch's figures say about a trial that goes wrong: pure functions of them. */
#ifndef VAETOP_TRAIN_DIAGNOSIS_H
#define VAETOP_TRAIN_DIAGNOSIS_H

#include <stdbool.h>

#include "vaetop/conf/trial.h"

#define DIAGNOSIS_CAP 200

enum diagnosis { DIAGNOSIS_COLLAPSE, DIAGNOSIS_EXPLODING_KL, DIAGNOSIS_OVERFITTING, DIAGNOSIS_COUNT };

struct symptoms {
    const struct epoch_row *row; /* (n) epochs so far, the last one just finished; n >= 1 */
    int n;
    const double *dim_kl;        /* (latent) of the last one, validation means */
    int latent, active_units;
    double baseline;             /* reconstruction of the mean image, nats; NaN: unknown */
    bool warmed_up;              /* beta has its full weight: an idle latent space is no longer a matter of time */
};

/* True, and says what is seen and what to do. */
bool diagnose(enum diagnosis what, char text[DIAGNOSIS_CAP], const struct symptoms *s);

#endif
