/* What an epoch's figures say about a trial that goes wrong: pure functions of them. */
#ifndef VAETOP_TRAIN_DIAGNOSIS_H
#define VAETOP_TRAIN_DIAGNOSIS_H

#include <stdbool.h>

#include "vaetop/conf/trial.h"

/* X(ID, word it is stored under) */
#define DIAGNOSIS_LIST(X)                       \
    X(COLLAPSE, "collapse")                     \
    X(EXPLODING_KL, "exploding KL")             \
    X(EXPLODING_GRADIENT, "exploding gradient") \
    X(OVERFITTING, "overfitting")               \
    X(STUCK_UNITS, "stuck units")               \
    X(SHORT_STEPS, "short steps")               \
    X(LONG_STEPS, "long steps")                 \
    X(CUT_LOGVAR, "cut log-variance")           \
    X(DATA_SCALE, "data scale")
enum diagnosis {
#define X(id, word) DIAGNOSIS_##id,
    DIAGNOSIS_LIST(X)
#undef X
    DIAGNOSIS_COUNT
};
const char *diagnosis_word(enum diagnosis d);

/* What the last step of an epoch did to the weight matrices: length of its update by length of the matrix, of the one
 * that it moved least, as if at the full learning rate, and of the one that it moved most. NaN: not looked at. */
struct moved {
    double least, most;
    char least_tensor[24], most_tensor[24];
};

struct symptoms {
    const struct epoch_row *row; /* (n) epochs so far, the last one just finished; n >= 1 */
    int n;
    const double *dim_kl;        /* (latent) of the last one, validation means */
    int latent, active_units;
    double baseline;             /* reconstruction of the mean image, nats; NaN: unknown */
    int warm_from;               /* epoch from which beta has its full weight: idle latents are no longer a matter of time */
    double stuck;                /* largest share of a hidden layer's units that give the same for every row; NaN: unknown */
    char stuck_layer[24];        /* that layer */
    int telling;                 /* its other units */
    double cut;                  /* share of log-variances that lie on a bound; NaN: unknown */
    double mu, logvar;           /* largest |mean| and log-variance seen; NaN: unknown */
    double norm_before, norm[2]; /* length of the gradient that 19 of 20 steps stayed below: of the epochs before the last
                                  * two, of these two; NaN: unknown */
    struct moved moved[2];       /* of the last two epochs */
    bool bernoulli;
    double data_most, data_deviation; /* of the training rows: largest value, root of the mean square; NaN: unknown */
};

/* True, and says what is seen and what to do. */
bool diagnose(enum diagnosis what, char text[TRIAL_NOTE_CAP], const struct symptoms *s);

#endif
