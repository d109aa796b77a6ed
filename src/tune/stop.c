#include "vaetop/tune/stop.h"

#include <math.h>

const struct stop_rule stop_default = {.least = 20, .window = 8, .expected = 0.01, .stagnant = 30};

struct stop_verdict stop_look(const struct stop_rule *r, const struct gain *g, size_t n)
{
    struct stop_verdict v = {.expected = (double)NAN};
    double best = HUGE_VAL;
    bool modelled = n >= r->window;
    for (size_t i = 0; i < n; i++) {
        v.since++;
        if (g[i].value < best) {
            best = g[i].value;
            v.since = 0;
        }
        if (i + r->window >= n) {
            modelled = modelled && !isnan(g[i].expected);
            v.expected = isnan(v.expected) || g[i].expected > v.expected ? g[i].expected : v.expected;
        }
    }
    if (modelled) {
        v.stop = n >= r->least && v.expected < r->expected && v.since >= r->window;
    } else {
        v.expected = (double)NAN;
        v.stop = n >= r->least && v.since >= r->stagnant;
    }
    return v;
}
