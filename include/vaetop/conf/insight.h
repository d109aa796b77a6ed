/* What the advisor makes of a study, in the words that engine, store and screens share: why a trial got its point, and
 * what all finished trials say together. */
#ifndef VAETOP_CONF_INSIGHT_H
#define VAETOP_CONF_INSIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/str.h"

/* What samplers learn of, in its order: a trial ended (epoch 0), or was held at a rung after so many epochs and counts
 * with its value there until it is told of again. */
struct telling {
    int number, epoch;
};

/* One suggestion: why it was made, and all that is needed to make it again. A suggestion is a function of the seed, the
 * trial's number, the first `told` tellings, and the trials that were running. Owns: the
 * texts; suggestion_release(). */
struct suggestion {
    int64_t number, seed;
    int64_t told;    /* tellings there had been when it was asked for */
    int64_t fit;     /* fits of the surrogate there had been; 0: none */
    double mean, sd; /* the value the model predicts there, and how sure it is; NaN without a model */
    double expected; /* improvement expected there, in standard deviations of the warped values; NaN without a model */
    char *sampler;   /* which one it really was: auto and the first trials use others */
    char *running;   /* numbers of the trials that were running: "3 4 7" */
    char *text;      /* one line for people */
};
void suggestion_release(struct suggestion *s);

/* What all finished trials say together. Owns: share; insight_release(). */
struct insight {
    int finished;    /* tellings there had been when it was made: without rungs, trials that had ended */
    int complete;    /* of them, those with a value of their own: what the shares are made from */
    int since;       /* trials that have ended since the best */
    bool stop;       /* the stopping rule: going on is not worth while */
    double expected; /* the most that one of the last suggestions expected to gain; NaN without a model */
    size_t objectives, n_ranges;
    double *share;   /* (objectives, n_ranges): importance of each range; all 0 with too few trials */
};
void insight_release(struct insight *s);
void insight_format(struct sbuf *out, const struct insight *s);
/* False: not such a text. */
bool insight_parse(struct insight *out, const char *text);

#endif
