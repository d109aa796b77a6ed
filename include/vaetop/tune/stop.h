/* Whether going on is worth while: what the model still expects to gain, and how long nothing has been gained. */
#ifndef VAETOP_TUNE_STOP_H
#define VAETOP_TUNE_STOP_H

#include <stdbool.h>
#include <stddef.h>

/* Of the i-th trial that ended its value, and of the i-th suggestion among them what it expected. */
struct gain {
    double value;    /* minimised; NaN: none */
    double expected; /* improvement, in standard deviations; NaN: no model made it */
};

struct stop_rule {
    size_t least;    /* finished trials before a study may end */
    size_t window;   /* so many suggestions in a row expected next to nothing, and none of them improved the best */
    double expected; /* next to nothing */
    size_t stagnant; /* without a model: so many trials in a row that did not improve the best */
};
extern const struct stop_rule stop_default;

struct stop_verdict {
    bool stop;
    double expected; /* the largest of the window, NaN without a model: what is left to be gained */
    size_t since;    /* trials since the best */
};
struct stop_verdict stop_look(const struct stop_rule *r, const struct gain *g, size_t n);

#endif
