/* Pieces of JSON that several reports share. */
#ifndef VAETOP_CLI_REPORT_H
#define VAETOP_CLI_REPORT_H

#include <jansson.h>

#include "study.h"

/* null where it is not finite. */
json_t *report_number(double v);
/* The searched knobs that this trial has, by full name. */
json_t *report_params(const struct study *s, const struct trial_row *t);
/* Indented, to path or stdout; takes o. Errors: IO, DATA. */
WUR enum err_code report_write(json_t *o, const char *path, struct err *e);

#endif
