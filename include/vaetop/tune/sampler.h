/* Samplers: which point of the space the next trial gets. Pure: numbers in, numbers out; a suggestion is a function of
 * seed, trial number and (for the Bayesian ones) the finished trials seen. Source: shared notes on samplers, 3.0. */
#ifndef VAETOP_TUNE_SAMPLER_H
#define VAETOP_TUNE_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/err.h"
#include "vaetop/conf/preset.h"

struct sampler;
/* Borrowed: p must outlive it. Kind and seed are the preset's. Errors: USAGE (grid over a range without end). */
WUR enum err_code sampler_new(struct sampler **out, const struct preset *p, struct err *e);
void sampler_free(struct sampler *s);

/* Cells of a grid; 0: no end. */
size_t sampler_count(const struct sampler *s);

/* The point of trial `number`. out is initialised for the preset. Errors: NOTFOUND (a grid has no such cell). */
WUR enum err_code sampler_suggest(struct sampler *s, int number, struct point *out, struct err *e);

#endif
