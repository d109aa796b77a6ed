/* Pruners: whether a trial's curve is worth going on with. Pure functions of the curves; lower is better. Callers hand
 * in the results of one chunk in trial-number order, and never ask before the KL warm-up of the trial has ended: the
 * value before it says nothing. Two objectives are ranked as front_order() has them, among those compared.
 *
 * Where study.require asks for something, the order is the leaderboard's, with the numbers of the epoch that is looked at:
 * what breaks it comes behind all that keeps it, the less broken the better. A trial that broke it at its end breaks it at
 * every epoch before, so that its values set no standard for those that may keep it.
 * Sources: Li et al., arXiv 1810.05934 (ASHA); Golovin et al., KDD 2017 (median). */
#ifndef VAETOP_SCORE_PRUNER_H
#define VAETOP_SCORE_PRUNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vaetop/conf/preset.h"

/* value[i] after epoch i + 1; NaN where none was measured or none counts. */
struct curve {
    int trial;
    bool complete; /* its last value is final */
    const double *value;
    size_t n;
    const double *second; /* the other objective's; NULL: there is one */
    const double *violation; /* by how much study.require is broken there; NULL: nothing is required */
    double at_end;           /* of a complete trial: by how much its value breaks it */
};

/* A verdict with the numbers it was made from, for the sentence people read. */
struct verdict {
    bool prune;
    int step;         /* epoch looked at */
    double value;     /* of the trial: its best so far, or at the step; NaN with two objectives */
    double threshold; /* what it had to reach; NaN: none */
    int others;       /* trials compared with */
    double percent;   /* percentile rule: the trial must be within the best so many; 0: another rule */
    int patience;     /* patience rule: epochs without a better one; 0: another rule */
    int rung;         /* ASHA; -1 */
    int place, of;    /* place among so many, from 1; 0: not ranked */
    int go_on;        /* so many of the best go on */
    bool broken;      /* it breaks study.require there */
};

struct percentile_rule {
    double percentile; /* 50: median; the trial must be within the best so many per cent */
    int startup;       /* complete trials before anything is pruned */
    int warmup;        /* epochs before anything is pruned */
    int interval;      /* epochs between looks */
    int least_others;  /* complete trials with a value at the step */
};
extern const struct percentile_rule median_rule;
/* At the trial's last epoch: its best so far against the others' values there; of two objectives its last point. A trial
 * of NaN only is pruned. */
struct verdict percentile_verdict(const struct percentile_rule *r, const struct curve *own, const struct curve *other,
                                  size_t n_others);

/* True once the best of the last patience + 1 values is not better by least than the best before; of two objectives,
 * once none of the last is undominated; and study.require is not broken by less either. patience 0: always. */
bool patience_spent(const struct curve *own, size_t patience, double least);
/* The same as a pruner of its own. */
struct verdict patience_verdict(const struct curve *own, size_t patience);

/* Rung k is reached at epoch least * eta^k. */
struct asha_rule {
    int least; /* epochs of the lowest rung: at least the KL warm-up */
    int eta;
    int most;  /* epochs of a whole trial */
};
/* A study's: no rung lies inside the longest KL warm-up. */
struct asha_rule asha_rule_of(const struct preset *p);
int asha_rungs(const struct asha_rule *r);
/* Epochs of rung k; at most `most`. */
int asha_epochs(const struct asha_rule *r, int rung);
/* The highest rung reached after so many epochs; -1: none. */
int asha_rung_at(const struct asha_rule *r, size_t epochs);

/* The stopping kind: at a rung, go on if within the best 1/eta of all that reached it, itself included. Between rungs
 * the verdict is to go on. */
struct verdict asha_stop(const struct asha_rule *r, const struct curve *own, const struct curve *other,
                         size_t n_others);

/* The promotion kind. What waits at a rung, or has been there: its values there. */
struct asha_entry {
    int trial;
    int rung;
    double value[2]; /* [1] is not looked at with one objective; NaN: diverged, never promoted */
    double violation; /* of study.require */
    bool promoted;
    bool gone;       /* counts in its rung but cannot be resumed (failed, pruned, complete) */
};
/* The entry to resume to its next rung: from the highest rung down, the best unpromoted one among its rung's best
 * floor(n / eta). The number of entries: none, begin a new trial. objectives: 1 or 2. */
size_t asha_promote(const struct asha_rule *r, const struct asha_entry *entry, size_t n, int objectives);
/* The best entry of the highest rung that could be resumed, whatever its place; n: none. */
size_t asha_leader(const struct asha_rule *r, const struct asha_entry *entry, size_t n, int objectives);
/* Where an entry stands in its rung. */
struct verdict asha_standing(const struct asha_rule *r, const struct asha_entry *entry, size_t n, size_t of,
                             int objectives);

/* One line: "rung 2 (9 epochs): 13th of 27, the best 9 go on". Owns: into buf. */
const char *verdict_format(char *buf, size_t cap, const struct verdict *v);

#endif
