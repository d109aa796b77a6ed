/* Which cells of a grid have been given out, and what became of them. Only cells that were are held, so a grid of a
 * million cells costs what its trials cost. */
#ifndef VAETOP_TUNE_CELLS_H
#define VAETOP_TUNE_CELLS_H

#include "vaetop/tune/sampler.h"

#define CELL_TRIES 3 /* how often a cell whose trials fail is given out, all in all */

struct cell_trial;
struct cell_use;

struct cells {
    const struct preset *p;
    size_t count;             /* cells of the grid */
    struct cell_trial *trial; /* by number */
    size_t n_trials;
    struct cell_use *use;     /* hashed by cell */
    size_t n_use, cap_use;
    size_t low;               /* every cell below has been given out */
};

/* Borrowed: p must outlive it. */
void cells_init(struct cells *c, const struct preset *p, size_t count);
void cells_release(struct cells *c);
/* pt lies in the space; of a forgotten trial it is not looked at. Another study's trials claim nothing. */
void cells_observe(struct cells *c, const struct seen *t, const struct point *pt);
/* The first cell never given out; then, of those whose trials all failed, the first of the least often tried. Returns how
 * often it was tried; CELL_TRIES: none is left. */
int cells_next(size_t *cell, struct cells *c);
/* Cells whose trials have all failed. */
size_t cells_failed(const struct cells *c);

#endif
