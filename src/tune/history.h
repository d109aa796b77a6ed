/* What the samplers know of the trials. Finished ones stand in the order told, which the fits follow; running ones in
 * trial-number order. */
#ifndef VAETOP_TUNE_HISTORY_H
#define VAETOP_TUNE_HISTORY_H

#include "vaetop/tune/sampler.h"

struct record {
    struct seen seen;
    struct point pt;
};

struct history {
    int objectives;
    struct record *done; /* COMPLETE, PRUNED, FAILED */
    size_t n_done, cap_done;
    unsigned char *is_done[2]; /* by trial number: stands it in done? [1]: of the numbers -1, -2, ... (another study's) */
    size_t cap_is_done[2];
    struct record *running;
    size_t n_running, cap_running;
    unsigned rewritten; /* counts changes of finished records: what was fitted before no longer holds */
};

void history_release(struct history *h);
void history_observe(struct history *h, const struct seen *t, const struct point *pt);

/* A usable result of its own: complete, finite. */
bool record_complete(const struct history *h, const struct record *r);
/* Completes and prunes: what a start-up phase counts. */
size_t history_informative(const struct history *h);
/* Was this very point given out before? */
bool history_has(const struct history *h, const struct point *pt);

#endif
