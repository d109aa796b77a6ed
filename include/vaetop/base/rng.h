/* Philox4x32-10, the one random generator: stateless, keyed, the same bits on host and device.
 * Key: (study seed, trial), mixed by rng_key(); counter: (element, step, stream). All randomness of a study comes
 * from here, so nothing needs to be stored but the seed.
 * Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011. */
#ifndef VAETOP_BASE_RNG_H
#define VAETOP_BASE_RNG_H

#include <stdint.h>

/* What a stream of numbers is for; part of the counter, so that no two uses ever share numbers. Stored studies
 * depend on the values: append, never renumber. cl/prelude.clh repeats the ones that kernels use. */
enum rng_stream {
    RNG_INIT = 1,      /* weight initialisation */
    RNG_SHUFFLE = 2,   /* order of the training set in an epoch */
    RNG_LATENT = 3,    /* eps of the reparameterisation, training */
    RNG_EVAL = 4,      /* eps of the reparameterisation, evaluation */
    RNG_SPLIT = 5,     /* training and validation split */
    RNG_SUGGEST = 6,   /* samplers */
    RNG_DIGITS = 7,    /* the built-in digits */
    RNG_SAMPLE = 8,    /* samples from the prior */
    RNG_BINARIZE = 9,  /* grey values to zeros and ones */
    RNG_DROPOUT = 10   /* hidden units left out of a step */
};

struct rng_key {
    uint32_t k[2];
};

/* Key of one trial of one study. trial -1 is the study's own (splits, suggestions). */
struct rng_key rng_key(uint64_t study_seed, int64_t trial);

/* out = Philox4x32-10(counter, key). */
void rng_philox(uint32_t out[4], const uint32_t counter[4], struct rng_key key);

/* A sequential reader over one stream, for host code. */
struct rng {
    struct rng_key key;
    uint32_t counter[4];
    uint32_t block[4];
    int used; /* words of block already handed out */
};
struct rng rng_start(struct rng_key key, enum rng_stream stream, uint64_t step);
uint32_t rng_u32(struct rng *r);
double rng_uniform(struct rng *r);                 /* [0, 1), 53 bits */
double rng_normal(struct rng *r);                  /* N(0, 1), Box-Muller */
uint32_t rng_below(struct rng *r, uint32_t bound); /* 0 .. bound-1, unbiased; bound > 0 */

#endif
