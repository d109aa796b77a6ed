/* Samplers: which point of the space the next trial gets. Pure: numbers in, numbers out; a suggestion is a function of
 * seed, trial number and the trials observed so far, in the order in which they finished. Budgets count evaluations,
 * never time, so that a study can be replayed. Sources: Bergstra et al., NeurIPS 2011 and ICML 2013 (TPE); Watanabe,
 * arXiv 2304.11127 (its constants); Snoek et al., NeurIPS 2012 (GP); Ament et al., arXiv 2310.20708 (logEI). */
#ifndef VAETOP_TUNE_SAMPLER_H
#define VAETOP_TUNE_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/err.h"
#include "vaetop/conf/insight.h"
#include "vaetop/conf/preset.h"

#define OBJECTIVES_MAX 2

enum seen_state {
    SEEN_RUNNING,  /* given out and not finished: queued, training or paused */
    SEEN_COMPLETE,
    SEEN_PRUNED,   /* value is its last one, NaN if it reported none */
    SEEN_FAILED,   /* diverged or refused for want of memory: worse than every value */
    SEEN_LEFT_OUT, /* says nothing about the space: edited. It has been tried, though: a grid does not try it again */
    SEEN_FORGOTTEN /* as if its number had never been told: not taken, or edited and failed; pt is not looked at */
};

/* What is known of one trial. Values are minimised; a value that is not finite counts as failed. */
struct seen {
    int number; /* below 0: of another study */
    enum seen_state state;
    double value[OBJECTIVES_MAX];
    int64_t step;     /* PRUNED: the last step that reported */
    double violation; /* by how much `require` is broken, summed; 0: kept */
    double expected;  /* improvement its suggestion expected, as in suggestion_why; NaN: no model made it */
};

/* What the last suggestion was made from, and why: kept with the trial, enough to make it again. */
struct suggestion_why {
    enum sampler_kind used; /* what auto and the first trials really used */
    int fit;                /* how many fits of the surrogate there had been */
    int finished;           /* trials finished when it was made: the first so many in the order told */
    int running;            /* trials counted as running */
    double expected;        /* improvement the model expects there, in standard deviations of the warped values;
                             * NaN without a model */
    double mean, sd;        /* the value it predicts there; NaN without a model, and with two objectives */
    char text[200];         /* one line for people */
};

struct sampler;

/* Borrowed: p must outlive it. Kind and seed are the preset's. Errors: USAGE (grid over a range without end). */
WUR enum err_code sampler_new(struct sampler **out, const struct preset *p, struct err *e);
void sampler_free(struct sampler *s);

/* Values that count, 1 (default) or 2. Before the first observation. */
void sampler_set_objectives(struct sampler *s, int n);

/* Cells of a grid; 0: no end. */
size_t sampler_count(const struct sampler *s);

/* Tells what became of a trial; replaces what was told of its number before. The order in which trials finish is part
 * of the history: results that arrive together are told in trial-number order. pt belongs to the caller. */
void sampler_observe(struct sampler *s, const struct seen *t, const struct point *pt);

/* The point of trial `number`. out is initialised for the preset. A discrete space gives no point twice while it is
 * running or has ended; a grid gives a cell whose trials all failed again, up to CELL_TRIES times in all, once it has no
 * other. Errors: NOTFOUND (nothing is left to give). */
WUR enum err_code sampler_suggest(struct sampler *s, int number, struct point *out, struct err *e);

/* Numbers of the trials told as running, ascending: "3 4 7". */
void sampler_running(struct sbuf *out, const struct sampler *s);

/* What all trials told so far say together. finished is the caller's to set. Owns: insight_release(). */
void sampler_review(struct insight *out, const struct sampler *s);

/* Of the last suggestion. */
const struct suggestion_why *sampler_why(const struct sampler *s);

#endif
