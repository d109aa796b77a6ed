/* What all trials say together: importance of every range, and whether going on is worth while. */
#ifndef VAETOP_TUNE_REVIEW_H
#define VAETOP_TUNE_REVIEW_H

#include "history.h"
#include "vaetop/conf/insight.h"

/* finished is the caller's to set. Owns: insight_release(). */
void review(struct insight *out, const struct preset *p, const struct history *h);

#endif
