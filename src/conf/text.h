/* Inside conf: short, clean pieces of foreign text for messages, and the values behind config_set(). */
#ifndef VAETOP_CONF_TEXT_H
#define VAETOP_CONF_TEXT_H

#include <stddef.h>

#include "vaetop/base/err.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/knob.h"

/* A cleaned copy cut to fit a message; returns buf. */
#define SHOWN_CAP 80
static inline const char *show(char buf[static SHOWN_CAP], const char *text)
{
    return str_clean(buf, SHOWN_CAP, text);
}

/* A number within the bounds of a numeric knob. Errors: USAGE. */
WUR enum err_code value_number(double *out, enum knob k, const char *text, struct err *e);

/* Checks a value of any knob and gives its one spelling ("1e-3" is "0.001"). Owns: caller frees *out. Errors: USAGE. */
WUR enum err_code value_canonical(char **out, enum knob k, const char *text, struct err *e);

/* The error for a name that is no knob, with the nearest or the right section; always ERR_USAGE. */
enum err_code unknown_knob(const char *name, struct err *e);

/* The sections in the table's order; returns how many. */
#define SECTIONS_MAX 8
size_t knob_sections(const char *out[static SECTIONS_MAX]);

#endif
