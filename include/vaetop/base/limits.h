/* Resource limits (`ulimit`) of this process, which whatever it starts inherits. */
#ifndef VAETOP_BASE_LIMITS_H
#define VAETOP_BASE_LIMITS_H

#include <stddef.h>

#define LIMITS_TEXT 256 /* bytes that hold what limits_low() says */

/* Raises the soft limits on open files and stack, whose low defaults are nobody's wish, as far as the hard ones allow.
 * Others a person sets on purpose: they stay. */
void limits_raise(void);

/* The limits so low that they may be why something does not run: "9 open files (ulimit -n)", comma-separated; "" when
 * there is none. Returns out. */
const char *limits_low(char *out, size_t cap);

#endif
