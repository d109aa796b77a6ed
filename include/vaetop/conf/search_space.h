/* Points made by hand, and a search space that changes while its study lives. */
#ifndef VAETOP_CONF_SEARCH_SPACE_H
#define VAETOP_CONF_SEARCH_SPACE_H

#include <stdint.h>

#include "vaetop/base/rng.h"
#include "vaetop/conf/preset.h"

/* A value of the range from u in [0, 1): evenly, on its log scale when it has one, on its steps. */
double range_draw(const struct range *r, double u);
/* A knob's own random numbers: changing the range of one knob leaves the draws of the others alone. */
struct rng knob_rng(uint64_t seed, int64_t number, enum knob k);

/* A point from assignments "knob=value; knob=value": what is not given is that of `from` (NULL: nothing), and what then
 * is still missing is drawn at random for the trial's number; drawn gets the names of those knobs.
 * Errors: USAGE (a knob that is not searched, is not active beside the others, a value outside its range: it names the
 * range). Owns: point_release() when ERR_OK. */
WUR enum err_code point_compose(struct point *out, struct sbuf *drawn, const struct preset *p, const struct point *from,
                                const char *assignments, int number, struct err *e);

/* The point of p that yields this configuration. Errors: USAGE (which knob is outside the space, or fixed to another
 * value). Owns: point_release() when ERR_OK. */
WUR enum err_code point_of_config(struct point *out, const struct preset *p, const struct config *c, struct err *e);

/* A space that was changed: `wide` holds every value any trial may have, `narrow` what is suggested from now on. Both
 * have the same ranges one by one; only bounds and choices differ. Applies "knob=RANGE": narrow takes the range, wide
 * grows to hold it, new choices at the end so that stored indices stay. Errors: USAGE (not searched, another kind, scale,
 * step or condition); then both are as before. *k: the knob. */
WUR enum err_code space_change(struct preset *wide, struct preset *narrow, enum knob *k, const char *assignment,
                               struct err *e);
/* A point of `from` as one of `to`, two such presets. False: it lies outside. to's point is initialised. */
bool point_move(struct point *out, const struct preset *to, const struct point *pt, const struct preset *from);

#endif
