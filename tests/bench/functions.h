/* Functions to judge a sampler by: minimised, optimum known. Sources: Surjanovic & Bingham's collection; the
 * conditional tree is ours. */
#ifndef VAETOP_BENCH_FUNCTIONS_H
#define VAETOP_BENCH_FUNCTIONS_H

#include "vaetop/conf/preset.h"

struct function {
    const char *name;
    void (*space)(struct preset *p);
    double (*value)(const struct point *pt);
    double least;
};

extern const struct function bench_function[];
extern const int bench_functions;

#endif
