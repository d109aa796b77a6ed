#include "cells.h"

#include <stdint.h>
#include <stdlib.h>

#include "sampler_kinds.h"
#include "vaetop/base/alloc.h"

struct cell_trial {
    bool known, failed;
    size_t cell;
};

struct cell_use {
    bool used; /* the place in the table, not the cell */
    size_t cell;
    int held, failed; /* trials that run or have ended, and those that failed */
};

void cells_init(struct cells *c, const struct preset *p, size_t count)
{
    *c = (struct cells){.p = p, .count = count};
}

void cells_release(struct cells *c)
{
    free(c->trial);
    free(c->use);
    *c = (struct cells){0};
}

/* The cell's place, or the free one where it would go. The table is never full. */
static struct cell_use *place_of(struct cell_use *use, size_t cap, size_t cell)
{
    size_t i = (size_t)((uint64_t)cell * 11400714819323198485u >> 20) & (cap - 1);
    while (use[i].used && use[i].cell != cell) {
        i = (i + 1) & (cap - 1);
    }
    return &use[i];
}

static void grow(struct cells *c)
{
    size_t cap = c->cap_use ? 2 * c->cap_use : 64;
    struct cell_use *use = xcalloc(cap, sizeof *use);
    for (size_t i = 0; i < c->cap_use; i++) {
        if (c->use[i].used) {
            *place_of(use, cap, c->use[i].cell) = c->use[i];
        }
    }
    free(c->use);
    c->use = use;
    c->cap_use = cap;
}

/* by: 1 or -1. */
static void count_in(struct cells *c, const struct cell_trial *t, int by)
{
    if (2 * (c->n_use + 1) > c->cap_use) {
        grow(c);
    }
    struct cell_use *u = place_of(c->use, c->cap_use, t->cell);
    if (!u->used) {
        *u = (struct cell_use){.used = true, .cell = t->cell};
        c->n_use++;
    }
    *(t->failed ? &u->failed : &u->held) += by;
    if (u->held + u->failed == 0 && u->cell < c->low) {
        c->low = u->cell;
    }
}

static struct cell_trial *trial_of(struct cells *c, size_t number)
{
    if (number >= c->n_trials) {
        size_t n = number + 1 > 2 * c->n_trials ? number + 64 : 2 * c->n_trials;
        c->trial = xreallocarray(c->trial, n, sizeof *c->trial);
        for (size_t i = c->n_trials; i < n; i++) {
            c->trial[i] = (struct cell_trial){0};
        }
        c->n_trials = n;
    }
    return &c->trial[number];
}

void cells_observe(struct cells *c, const struct seen *t, const struct point *pt)
{
    if (t->number < 0) {
        return;
    }
    struct cell_trial *x = trial_of(c, (size_t)t->number);
    if (x->known) {
        count_in(c, x, -1);
    }
    *x = (struct cell_trial){.known = t->state != SEEN_FORGOTTEN, .failed = t->state == SEEN_FAILED};
    if (x->known) {
        x->cell = grid_cell(c->p, pt);
        count_in(c, x, 1);
    }
}

static bool given(const struct cells *c, size_t cell)
{
    const struct cell_use *u = c->cap_use > 0 ? place_of(c->use, c->cap_use, cell) : NULL;
    return u && u->used && u->held + u->failed > 0;
}

int cells_next(size_t *cell, struct cells *c)
{
    int least = CELL_TRIES;
    while (c->low < c->count && given(c, c->low)) {
        c->low++;
    }
    *cell = c->low;
    if (c->low < c->count) {
        return 0;
    }
    for (size_t i = 0; i < c->cap_use; i++) {
        const struct cell_use *u = &c->use[i];
        if (u->used && u->held == 0 && u->failed > 0 && u->failed <= least &&
            (u->failed < least || (least < CELL_TRIES && u->cell < *cell))) {
            least = u->failed;
            *cell = u->cell;
        }
    }
    return least;
}

size_t cells_failed(const struct cells *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->cap_use; i++) {
        n += c->use[i].used && c->use[i].held == 0 && c->use[i].failed > 0;
    }
    return n;
}
