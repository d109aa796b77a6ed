/* How Optuna writes things: distributions, values, attributes. Source: optuna/distributions.py, storages/_rdb. */
#ifndef VAETOP_STORE_OPTUNA_H
#define VAETOP_STORE_OPTUNA_H

#include <stdbool.h>
#include <stddef.h>

#include "vaetop/base/str.h"
#include "vaetop/conf/preset.h"

/* JSON text of a foreign string: cleaned, quoted. */
void optuna_string(struct sbuf *out, const char *text);
/* JSON number that reads back as the same double and as a float in Python; v finite. */
void optuna_f64(struct sbuf *out, double v);

/* The distribution of a range: the same bytes for every trial. The ranges of one knob with choices share one
 * distribution, all their choices in order, because Optuna refuses a study where a choice list changes. */
void optuna_distribution(struct sbuf *out, const struct preset *p, size_t range);
/* A value of the range as Optuna's internal number (index into that shared list), and as JSON (fixed_params). */
double optuna_internal(const struct preset *p, size_t range, double value);
void optuna_external(struct sbuf *out, const struct preset *p, size_t range, double value);

/* The reverse, for rows another program wrote: the range of the knob that has this value. False: none does. */
bool optuna_find_range(const struct preset *p, const char *param, double internal, const char *distribution_json,
                       size_t *range, double *value);

/* FINITE, INF_POS, INF_NEG or NAN. */
/* "fixed_params" of an enqueued trial: {name: value as people write it}. out: as store_waiting(). NULL json: none given.
 * Errors: USAGE. */
WUR enum err_code optuna_fixed(struct point *out, const struct preset *p, const char *json, struct err *e);

const char *optuna_value_type(double v);

#endif
