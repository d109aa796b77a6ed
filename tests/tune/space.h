/* A checked preset and its sampler, from text. */
#ifndef VAETOP_TEST_SPACE_H
#define VAETOP_TEST_SPACE_H

#include "vaetop/tune/sampler.h"

struct drawn {
    struct preset p;
    struct sampler *s;
    struct point pt; /* what space_draw() found last */
};

void space_open(struct drawn *x, const char *yaml);
void space_close(struct drawn *x);
void space_draw(struct drawn *x, int number);

/* Index of the i-th range of a knob. */
size_t space_range(const struct drawn *x, enum knob k, size_t i);

/* Fails unless Pearson's statistic of the counts against the shares lies under limit. */
void assert_fits(const int *count, const double *share, size_t n, double limit, const char *what);

#endif
