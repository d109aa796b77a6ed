/* What a trial is worth: study.objective and study.require, in one place for all roles.
 *
 * Everything is minimised: an accuracy counts with its sign changed, and is turned back where people or Optuna see it. */
#ifndef VAETOP_CONF_OBJECTIVE_H
#define VAETOP_CONF_OBJECTIVE_H

#include <stdbool.h>

#include "vaetop/conf/config.h"
#include "vaetop/conf/preset.h"
#include "vaetop/conf/trial.h"

/* Cost of scoring an epoch by nll or knn; rows are the first ones of their part. */
enum { NLL_ROWS = 512, NLL_SAMPLES = 16, KNN_KNOWN = 5000, KNN_ASKED = 2000, KNN_NEIGHBOURS = 5 };

enum objective objective_of(const struct config *study);
int objective_count(enum objective o); /* 1 or 2 */
/* Larger is better: shown and stored for Optuna with its own sign. */
bool objective_maximised(enum objective o);
/* "-ELBO", "NLL", ...; the k-th of two: "rec", "kl". */
const char *objective_name(enum objective o, int k);
const char *objective_unit(enum objective o); /* "nats", "" */

/* epoch_row.value of an epoch: rec and kl are its validation's, measured is objective_measure()'s. With two objectives
 * -ELBO, which chooses the epoch that scores. */
double objective_epoch_value(enum objective o, double rec, double kl, double measured);
/* The values that are minimised, of a scored epoch; out[1] is NaN with one objective. */
void objective_values(double out[2], enum objective o, const struct epoch_row *row);
/* Whether a new epoch takes the place of the one that scores best so far (epoch 0: none). Until the KL warm-up is over
 * (first_best: config_first_best()) the newest stands for it. */
bool objective_better(int first_best, int epoch, double value, const struct epoch_row *row);
/* One line for who searches what the objective cannot judge, such as beta under elbo; "" when there is nothing to say.
 * Owns: into buf. */
const char *objective_advice(char *buf, size_t cap, const struct preset *p);
/* As people see it, and back. */
double objective_shown(enum objective o, double value);

/* study.require: "kl <= 20", several separated by commas. */
enum required { REQUIRED_REC, REQUIRED_KL, REQUIRED_ACTIVE };
struct requirement {
    enum required of;
    bool at_most; /* else at least */
    double bound;
};
#define REQUIRE_MAX 4
/* n: how many. Errors: USAGE. */
WUR enum err_code require_parse(struct requirement out[REQUIRE_MAX], size_t *n, const char *text, struct err *e);
/* By how much an epoch breaks the study's requirements, each as a share of its bound (of 1 for bounds below), summed; 0:
 * all are kept. */
double require_violation(const struct config *study, const struct epoch_row *row);

#endif
