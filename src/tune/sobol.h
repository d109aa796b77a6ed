/* Scrambled Sobol' points: linear-matrix scramble and digital shift drawn from a seed. The first 2^m points put one in
 * every 2^-m interval of each dimension. Dimensions past SOBOL_DIMS get independent uniform numbers.
 * Source: Joe & Kuo 2008; Matousek, J. Complexity 14 (1998). */
#ifndef VAETOP_TUNE_SOBOL_H
#define VAETOP_TUNE_SOBOL_H

#include <stddef.h>
#include <stdint.h>

struct sobol {
    size_t dims;
    uint64_t seed;
    int64_t salt;
    uint32_t *column; /* (min(dims, SOBOL_DIMS), 32): scrambled direction numbers */
    uint32_t *shift;  /* (min(dims, SOBOL_DIMS)) */
};

/* salt tells apart the sequences of one seed: -1 for a study's trials, else a trial's own. */
void sobol_init(struct sobol *s, size_t dims, uint64_t seed, int64_t salt);
/* Without scramble or shift. */
void sobol_init_plain(struct sobol *s, size_t dims);
void sobol_release(struct sobol *s);
/* Point i. Shapes: out (dims), in [0, 1). */
void sobol_point(const struct sobol *s, uint32_t i, double *out);

#endif
