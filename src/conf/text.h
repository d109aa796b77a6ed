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

#endif
