/* The search space ready for arithmetic: every range as one dimension with bounds in its own (log) scale, every
 * condition as a table, so that a point's activity is known without touching texts. One dimension per range of the
 * preset. */
#ifndef VAETOP_TUNE_SPACE_H
#define VAETOP_TUNE_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vaetop/conf/preset.h"

/* Where a dimension's condition looks: at one range of the knob it names. */
struct parent {
    size_t dim;
    size_t n_ok;
    double *ok; /* the values (choice: indices) that make the child active */
};

struct dim {
    const struct range *range;
    bool choice, log;
    double lo, hi;   /* inclusive bounds of the value; choice: 0 .. n - 1 */
    double step;     /* 0: continuous */
    double L, H;     /* widened by half a step, then the logarithm if log; choice: unused */
    size_t count;    /* values; 0: continuous */
    bool conditional;
    bool without_parent; /* active when no range of the named knob is */
    size_t n_parents;
    struct parent *parent;
    size_t group; /* dimensions with the same condition always occur together */
};

struct space {
    const struct preset *p;
    size_t n;
    struct dim *dim;
    size_t n_groups;
};

void space_init(struct space *s, const struct preset *p);
void space_release(struct space *s);

/* Is dimension d active, given the dimensions before it? */
bool dim_active(const struct space *s, size_t d, const bool *present, const double *value);

/* Value of u in [0, 1): uniform in the widened box, put on the grid, clipped. Choice: floor(u n). */
double dim_value(const struct dim *d, double u);
/* The value's place in the scale of L and H, and the nearest allowed value of such a place. */
double dim_scale(const struct dim *d, double value);
double dim_unscale(const struct dim *d, double x);
/* scale mapped to [0, 1]; choice: the index itself. */
double dim_unit(const struct dim *d, double value);
double dim_from_unit(const struct dim *d, double u);

/* Activity made consistent: dimensions that their condition switches off are cleared; one that is switched on and not
 * present is filled by fill(). */
void space_settle(const struct space *s, struct point *pt, double (*fill)(void *arg, size_t dim), void *arg);

/* True if both have the same dimensions present with the same values. */
bool point_same(const struct point *a, const struct point *b);
/* Points of the space if every dimension is discrete and there are at most limit; 0: more, or without end. */
size_t space_count(const struct space *s, size_t limit);

#endif
