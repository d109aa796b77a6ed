/* A value for every knob: what one trial is trained with. */
#ifndef VAETOP_CONF_CONFIG_H
#define VAETOP_CONF_CONFIG_H

#include <stdint.h>

#include "vaetop/base/err.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/knob.h"

/* num holds numbers and choice indices, text the KNOB_TEXT ones (never NULL there). Copy only with config_copy(). */
struct config {
    double num[KNOB_COUNT];
    char *text[KNOB_COUNT];
};

void config_init(struct config *c); /* all defaults */
void config_release(struct config *c);
void config_copy(struct config *dst, const struct config *src); /* dst is uninitialised or released */

/* Sets one knob from text as in a preset; one value only. Errors: USAGE (unknown word, out of bounds, not a number). */
WUR enum err_code config_set(struct config *c, enum knob k, const char *text, struct err *e);

double config_f64(const struct config *c, enum knob k);
int64_t config_i64(const struct config *c, enum knob k);
int config_choice(const struct config *c, enum knob k); /* cast to the knob's enum */
const char *config_text(const struct config *c, enum knob k);

/* One knob's value as text. Owns: into buf. cap >= 32 for numbers; texts are cut. */
const char *config_format_value(char *buf, size_t cap, const struct config *c, enum knob k);

/* All knobs as lines "section.knob=value\n", in table order: the form in ASSIGN frames and checkpoints. */
void config_format(struct sbuf *out, const struct config *c);
/* The reverse; knobs not named keep their default. Errors: USAGE with the line. c must be initialised. */
WUR enum err_code config_parse(struct config *c, const char *lines, struct err *e);

/* Rules over several knobs, such as beta_warmup within epochs or momentum without sgd left alone.
 * Errors: USAGE. */
WUR enum err_code config_check(const struct config *c, struct err *e);

/* Finished passes from which on an epoch's value counts: the KL warm-up is over, and the last epoch always is. Of cycles,
 * the first counts as warm-up. */
int config_first_best(const struct config *c);

/* Comma-separated widths of a knob such as model.encoder. Returns the count, 0 if empty; -1 on bad text or over max. */
int config_widths(int *out, int max, const char *text);

/* A shape such as "28x28": false if it is none or has over 2^24 values. */
bool config_shape(size_t *height, size_t *width, const char *text);

/* How many rows data.validation or data.test takes out: a fraction drawn by seed (0.2), or the last ones ("last 2000",
 * for data.test also "2000"). ROWS_FILE: neither, so that it is a path where one may stand; ROWS_BAD: a number that is
 * none of them. */
enum rows_kind { ROWS_FRACTION, ROWS_LAST, ROWS_FILE, ROWS_BAD };
struct rows_out {
    enum rows_kind kind;
    double fraction;
    int64_t last;
};
struct rows_out config_rows(const char *text, bool bare_count);

#endif
