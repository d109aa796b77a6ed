/* A study as a whole, for the Study screen and `show --study`: what was searched, where the trials fell, what was best,
 * which knobs decide, what comes next. Filled from rows of the store; no model is computed here, the advisor's words
 * are read from the store. */
#ifndef VAETOP_UI_OVERVIEW_H
#define VAETOP_UI_OVERVIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "vaetop/base/err.h"
#include "vaetop/conf/insight.h"
#include "vaetop/conf/preset.h"
#include "vaetop/conf/trial.h"
#include "vaetop/store/store.h"

#define OVERVIEW_BINS 24

/* A searched knob, all its ranges together. */
struct overview_knob {
    enum knob knob;
    bool choice, log, whole;
    double lo, hi;        /* least and greatest value of all its ranges; choice: 0 .. n - 1 */
    const char **word;    /* (n_words) choice: the words of all its ranges. Texts belong to the preset */
    size_t n_words;
    char range[64];       /* as in a preset, without its conditions; "..." behind it when there are several */
    int bins;             /* of the histogram; choice: one a word as long as there are enough */
    int all[OVERVIEW_BINS], good[OVERVIEW_BINS]; /* trials that ended there, and the best tenth of them */
    double best;          /* the best trial's value; NaN: it does not have the knob */
    double share[2];      /* importance for each objective; NaN unknown */
};

struct overview_trial {
    enum trial_phase phase;
    bool counts;       /* ended with a value of its own */
    bool good;         /* among the best tenth of those */
    bool front;        /* no other trial is better in rec and kl */
    double value, rec, kl; /* NaN unknown */
};

struct overview {
    struct preset preset;
    struct overview_knob *knob; /* (n_knobs) in the order of the preset */
    size_t n_knobs;
    size_t *order; /* (n_knobs) indices, the most important knob first; as in the preset while that is unknown */
    struct overview_trial *trial; /* (n) by number */
    double *at;                   /* (n, n_knobs) values; choice: index into word; NaN absent */
    size_t n, cap;
    size_t n_counts, n_ended;
    int best;              /* number; -1 none */
    int *front;            /* (n_front) numbers by rec, ascending */
    size_t n_front;
    float *best_x, *best_y; /* (n_best) best value up to each trial, by number, as steps */
    size_t n_best;
    double value_lo, value_hi; /* of the trials that count, without outliers; lo > hi: none */
    struct insight insight; /* objectives 0: none yet */
    struct suggestion next; /* of the oldest trial that waits for a slot; text NULL: none waits */
    char stop[8];           /* study.stop as it is in force now: "never", "no_gain" */
};

void overview_init(struct overview *o, const struct preset *p);
void overview_release(struct overview *o);
/* A new or changed trial. */
void overview_put(struct overview *o, const struct trial_row *t);
/* After trials changed: histograms, front, best. */
void overview_total(struct overview *o);
/* What the advisor says of all trials; taken over. One of another space is dropped. */
void overview_insight(struct overview *o, struct insight *in);
/* The same from the store, and the trial that comes next. */
WUR enum err_code overview_load(struct overview *o, struct store *s, struct err *e);

/* Where a value lies in the knob's range, in its own (log) scale: 0 .. 1. */
double overview_place(const struct overview_knob *k, double value);
double overview_at(const struct overview *o, int trial, size_t knob);
/* A value as a person reads it. cap >= 32. */
const char *overview_text(char *buf, size_t cap, const struct overview_knob *k, double value);
/* "#24 lr 0.0031  latent 16" of the trial that comes next, or why none does. Returns buf. */
const char *overview_next(char *buf, size_t cap, const struct overview *o);
/* "left to gain: at most 0.031 standard deviations a trial; ..." or why it cannot be said. Returns buf. */
const char *overview_left(char *buf, size_t cap, const struct overview *o);

#endif
