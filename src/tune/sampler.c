#include "vaetop/tune/sampler.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cells.h"
#include "gp_suggest.h"
#include "history.h"
#include "review.h"
#include "sampler_kinds.h"
#include "sobol.h"
#include "tpe.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/rng.h"

#define GP_ROWS_MOST 1000 /* beyond, a Gaussian process is slow and TPE has enough to go by */
#define REDRAWS 64
#define SPACE_LISTED 100000 /* a discrete space up to this size is searched for what is left */

struct sampler {
    const struct preset *p;
    enum sampler_kind kind;
    uint64_t seed;
    size_t startup;
    size_t count; /* cells of a grid, or points of a small discrete space */
    struct space space;
    struct history seen;
    struct cells cells; /* of a grid */
    struct sobol sobol;
    struct gp_sampler gp;
    struct suggestion_why why;
};

static bool endless(const struct space *s)
{
    for (size_t d = 0; d < s->n; d++) {
        if (s->dim[d].count == 0) {
            return true;
        }
    }
    return false;
}

enum err_code sampler_new(struct sampler **out, const struct preset *p, struct err *e)
{
    struct sampler *s;
    size_t count = 0;
    enum sampler_kind kind = (enum sampler_kind)config_choice(&p->base, KNOB_STUDY_SAMPLER);
    if (kind == SAMPLER_GRID) {
        enum err_code rc = grid_count(&count, p, e);
        if (rc) {
            return rc;
        }
    }
    s = xcalloc(1, sizeof *s);
    s->p = p;
    s->kind = kind;
    s->count = count;
    s->seed = (uint64_t)config_i64(&p->base, KNOB_STUDY_SEED);
    s->startup = (size_t)config_i64(&p->base, KNOB_STUDY_STARTUP);
    s->seen.objectives = 1;
    space_init(&s->space, p);
    sobol_init(&s->sobol, s->space.n, s->seed, -1);
    gp_sampler_init(&s->gp, &s->space);
    cells_init(&s->cells, p, count);
    if (kind != SAMPLER_GRID && !endless(&s->space)) {
        s->count = space_count(&s->space, SPACE_LISTED);
    }
    *out = s;
    return ERR_OK;
}

void sampler_free(struct sampler *s)
{
    if (s) {
        gp_sampler_release(&s->gp);
        space_release(&s->space);
        history_release(&s->seen);
        cells_release(&s->cells);
        sobol_release(&s->sobol);
        free(s);
    }
}

void sampler_set_objectives(struct sampler *s, int n)
{
    s->seen.objectives = n;
}

size_t sampler_count(const struct sampler *s)
{
    return s->kind == SAMPLER_GRID ? s->count : 0;
}

void sampler_observe(struct sampler *s, const struct seen *t, const struct point *pt)
{
    history_observe(&s->seen, t, pt);
    if (s->kind == SAMPLER_GRID) {
        cells_observe(&s->cells, t, pt);
    }
}

const struct suggestion_why *sampler_why(const struct sampler *s)
{
    return &s->why;
}

void sampler_running(struct sbuf *out, const struct sampler *s)
{
    for (size_t i = 0; i < s->seen.n_running; i++) {
        sbuf_addf(out, "%s%d", i > 0 ? " " : "", s->seen.running[i].seen.number);
    }
}

void sampler_review(struct insight *out, const struct sampler *s)
{
    review(out, s->p, &s->seen);
}

static void from_sobol(const struct sampler *s, uint32_t i, struct point *out)
{
    double *u = xcalloc(s->space.n + 1, sizeof *u);
    sobol_point(&s->sobol, i, u);
    for (size_t d = 0; d < s->space.n; d++) {
        out->present[d] = dim_active(&s->space, d, out->present, out->value);
        out->value[d] = out->present[d] ? dim_value(&s->space.dim[d], u[d]) : 0;
    }
    free(u);
}

static void explain(struct sampler *s, enum sampler_kind used, const char *text, const char *why)
{
    s->why = (struct suggestion_why){.used = used, .expected = NAN, .mean = NAN, .sd = NAN};
    s->why.finished = (int)s->seen.n_done;
    s->why.running = (int)s->seen.n_running;
    (void)snprintf(s->why.text, sizeof s->why.text, "%s%s", text, why);
}

static void suggest_tpe(struct sampler *s, int number, struct point *out, const char *why)
{
    char text[120];
    double ratio = tpe_suggest(&(struct tpe){&s->space, &s->seen, tpe_defaults}, s->seed, number, out);
    (void)snprintf(text, sizeof text, "tpe: %.3g times likelier among the best %zu than among the rest", exp(ratio),
                   tpe_below(s->seen.n_done, tpe_defaults.fraction));
    explain(s, SAMPLER_TPE, text, why);
}

static void suggest_gp(struct sampler *s, int number, struct point *out, const char *why)
{
    struct gp_outlook look;
    char text[120], value[48] = "";
    gp_suggest(&s->gp, &s->seen, s->seed, number, out, &look);
    if (isfinite(look.mean)) {
        (void)snprintf(value, sizeof value, "predicts %.5g +- %.2g, ", look.mean, look.sd);
    }
    (void)snprintf(text, sizeof text, "gp: %sexpects to gain %.2g sd", value, look.expected);
    explain(s, SAMPLER_GP, text, why);
    s->why.fit = s->gp.fits;
    s->why.expected = look.expected;
    s->why.mean = look.mean;
    s->why.sd = look.sd;
}

/* What auto does, and why. Depends on the space and the count of trials only. */
static enum sampler_kind pick(const struct sampler *s, const char **why)
{
    size_t numbers = 0;
    if (s->kind != SAMPLER_AUTO) {
        *why = "";
        return s->kind;
    }
    for (size_t d = 0; d < s->space.n; d++) {
        numbers += !s->space.dim[d].choice;
    }
    if (numbers == 0) {
        *why = "; auto took tpe: there are choices only";
        return SAMPLER_TPE;
    }
    if (s->seen.n_done > GP_ROWS_MOST) {
        *why = "; auto took tpe: there are many trials";
        return SAMPLER_TPE;
    }
    *why = "; auto took gp: trials are few and dear";
    return SAMPLER_GP;
}

static void suggest_model(struct sampler *s, int number, struct point *out)
{
    const char *why = "";
    size_t n = history_informative(&s->seen);
    enum sampler_kind kind = pick(s, &why);
    if (kind == SAMPLER_SOBOL || n < s->startup) {
        char text[120] = "sobol: spread evenly over the space";
        if (kind != SAMPLER_SOBOL) {
            (void)snprintf(text, sizeof text, "sobol: first trials are spread evenly, %zu of %zu finished", n,
                           s->startup);
        }
        from_sobol(s, (uint32_t)number, out);
        explain(s, SAMPLER_SOBOL, text, "");
    } else if (kind == SAMPLER_GP && gp_sampler_catch_up(&s->gp, &s->seen, s->startup)) {
        suggest_gp(s, number, out, why);
    } else {
        suggest_tpe(s, number, out, kind == SAMPLER_GP ? "; gp needs two trials with all their epochs" : why);
    }
}

/* Any point not given out yet: other draws first, then the first one in the order of the grid. */
static bool another(struct sampler *s, int number, struct point *out)
{
    for (int i = 1; i <= REDRAWS; i++) {
        random_suggest(&s->space, s->seed, ((int64_t)number << 16) + i, out);
        if (!history_has(&s->seen, out)) {
            return true;
        }
    }
    for (size_t i = 0; i < s->count; i++) {
        grid_suggest(s->p, i, out);
        if (!history_has(&s->seen, out)) {
            return true;
        }
    }
    return s->count == 0; /* too large to list: a repetition is unlikely and harmless */
}

static enum err_code suggest_cell(struct sampler *s, struct point *out, struct err *e)
{
    char text[120], again[80] = "";
    size_t cell, failed;
    int tries = cells_next(&cell, &s->cells);
    if (tries == CELL_TRIES) {
        failed = cells_failed(&s->cells);
        return err_set(e, ERR_NOTFOUND, failed > 0 ? "the grid has %zu cells, all of them given out; %zu failed %d times"
                                                   : "the grid has %zu cells, all of them given out",
                       s->count, failed, CELL_TRIES);
    }
    if (tries > 0) {
        (void)snprintf(again, sizeof again, " once more, for it failed: try %d of %d", tries + 1, CELL_TRIES);
    }
    (void)snprintf(text, sizeof text, "grid: cell %zu of %zu%s", cell + 1, s->count, again);
    explain(s, SAMPLER_GRID, text, "");
    grid_suggest(s->p, cell, out);
    return ERR_OK;
}

enum err_code sampler_suggest(struct sampler *s, int number, struct point *out, struct err *e)
{
    if (number < 0) {
        return err_set(e, ERR_NOTFOUND, "trial %d: numbers count from 0", number);
    }
    if (s->kind == SAMPLER_GRID) {
        return suggest_cell(s, out, e);
    }
    if (s->kind == SAMPLER_RANDOM) {
        random_suggest(&s->space, s->seed, number, out);
        explain(s, SAMPLER_RANDOM, "random: drawn uniformly", "");
    } else {
        suggest_model(s, number, out);
    }
    if (!endless(&s->space) && history_has(&s->seen, out) && !another(s, number, out)) {
        return err_set(e, ERR_NOTFOUND, "all %zu points of the space have been given out", s->count);
    }
    return ERR_OK;
}
