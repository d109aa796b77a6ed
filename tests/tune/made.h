/* Spaces built by hand, with any bounds, and access to the layer's inside. */
#ifndef VAETOP_TEST_MADE_H
#define VAETOP_TEST_MADE_H

#include "vaetop/conf/preset.h"

/* Ranges are added in order; each takes the next knob that may be searched. */
void made_init(struct preset *p);
void made_float(struct preset *p, double lo, double hi, bool log);
void made_int(struct preset *p, double lo, double hi, bool log);
void made_choice(struct preset *p, const char *words); /* "a b c" */
/* The last range is active only where the choice range `on` has this word. */
void made_when(struct preset *p, size_t on, const char *word);

#endif
