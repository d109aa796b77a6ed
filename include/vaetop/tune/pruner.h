/* Pruners: whether a trial's curve is worth going on with. Pure functions of the curves; lower is better. Callers hand
 * in the results of one chunk in trial-number order, and never ask before the KL warm-up of the trial has ended: the
 * value before it says nothing. Sources: Li et al., arXiv 1810.05934 (ASHA); Golovin et al., KDD 2017 (median). */
#ifndef VAETOP_TUNE_PRUNER_H
#define VAETOP_TUNE_PRUNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* value[i] after epoch i + 1; NaN where none was measured. */
struct curve {
    int trial;
    bool complete; /* its last value is final */
    const double *value;
    size_t n;
};

/* A verdict with the numbers it was made from, for the sentence people read. */
struct verdict {
    bool prune;
    int step;         /* epoch looked at */
    double value;     /* of the trial: its best so far, or at the step */
    double threshold; /* what it had to reach */
    int others;       /* trials compared with */
    int rung;         /* ASHA; -1 */
};

struct percentile_rule {
    double percentile; /* 50: median; the trial must be within the best so many per cent */
    int startup;       /* complete trials before anything is pruned */
    int warmup;        /* epochs before anything is pruned */
    int interval;      /* epochs between looks */
    int least_others;  /* complete trials with a value at the step */
};
extern const struct percentile_rule median_rule;
/* At the trial's last epoch. A trial of NaN only is pruned. */
struct verdict percentile_verdict(const struct percentile_rule *r, const struct curve *own, const struct curve *other,
                                  size_t n_others);

/* True once the best of the last patience + 1 values is not better by least than the best before: only then may
 * another pruner prune. patience 0: always. */
bool patience_spent(const struct curve *own, size_t patience, double least);

/* Rung k is reached at epoch least * eta^k. */
struct asha_rule {
    int least; /* epochs of the lowest rung: at least the KL warm-up */
    int eta;
    int most;  /* epochs of a whole trial */
};
int asha_rungs(const struct asha_rule *r);
/* Epochs of rung k; at most `most`. */
int asha_epochs(const struct asha_rule *r, int rung);
/* The highest rung reached after so many epochs; -1: none. */
int asha_rung_at(const struct asha_rule *r, size_t epochs);

/* The stopping kind: at a rung, go on if within the best 1/eta of all that reached it, itself included. Between rungs
 * the verdict is to go on. */
struct verdict asha_stop(const struct asha_rule *r, const struct curve *own, const struct curve *other,
                         size_t n_others);

/* The promotion kind. What waits at a rung: its value there. */
struct asha_entry {
    int trial;
    int rung;
    double value; /* NaN: diverged, never promoted */
    bool promoted;
    bool gone;    /* counts in its rung but cannot be resumed (failed, pruned, complete) */
};
/* The entry to resume to its next rung: from the highest rung down, the best unpromoted one among its rung's best
 * floor(n / eta). The number of entries: none, begin a new trial. */
size_t asha_promote(const struct asha_rule *r, const struct asha_entry *entry, size_t n);

/* One line: "at epoch 8 its best 105.2 was above the median 98.1 of 12 trials". Owns: into buf. */
const char *verdict_format(char *buf, size_t cap, const struct verdict *v);

#endif
