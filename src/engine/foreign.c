/* What another program (Optuna) does to the study while it runs: its trials are counted, those it ends are told to the
 * advisor, those it enqueues are taken by us. The file says cheaply whether anyone else has written. */
#include "engine_private.h"

#include <math.h>
#include <stdlib.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/log.h"
#include "vaetop/base/rng.h"

/* What a person enqueued and another program's trial pushed off its number. */
struct pushed {
    struct point *pt;
    size_t n;
};

/* Numbers from here on were never stored, and another program has taken them: suggestions are asked for again, what a
 * person enqueued gets another number. */
static void drop_unstored(struct engine *en, size_t from, struct pushed *p)
{
    for (size_t i = from; i < en->n_runs; i++) {
        struct run *r = &en->run[i];
        writer_forget(en, r->number);
        advisor_forget(en, r->number);
        if (r->phase == PHASE_ENQUEUED) {
            p->pt = xreallocarray(p->pt, p->n + 1, sizeof *p->pt);
            point_copy(&p->pt[p->n++], &r->point);
        }
        point_release(&r->point);
    }
    en->n_runs = from;
    en->first_open = en->first_open < from ? en->first_open : from;
    advisor_void(en);
}

static void put_back(struct engine *en, struct pushed *p)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct run *r = run_new(en, &p->pt[i], PHASE_ENQUEUED);
        engine_log(en, r->number, "enqueued by hand; its number has changed");
        point_release(&p->pt[i]);
    }
    free(p->pt);
}

static bool has_ended(enum trial_phase p)
{
    enum trial_state s = trial_phase_state(p);
    return s != TRIAL_RUNNING && s != TRIAL_WAITING;
}

static bool in_order(const struct engine *en, int number)
{
    for (size_t i = en->n_ended; i-- > 0;) {
        if (en->order[i].number == number && en->order[i].epoch == 0) {
            return true;
        }
    }
    return false;
}

/* A trial that is another program's, as it stands now. */
static void take_in(struct engine *en, const struct trial_row *t, struct pushed *p)
{
    struct run *r = run_find(en, t->number);
    if (r && !r->stored && !r->foreign) {
        drop_unstored(en, (size_t)t->number, p);
        r = NULL;
    }
    if (!r && t->number != (int)en->n_runs) {
        log_warn("trial %d of another program does not follow on trial %zu", t->number, en->n_runs);
        return;
    }
    r = r ? r : run_add_foreign(en);
    if (r->slice >= 0) {
        return; /* ours in training: what it becomes, the store will refuse */
    }
    bool ended_before = r->foreign && has_ended(r->phase);
    if (!r->foreign) {
        point_release(&r->point);
        r->foreign = true;
    }
    r->phase = t->phase;
    r->value = t->value;
    if (!ended_before && (has_ended(t->phase) ? !in_order(en, t->number) : t->phase == PHASE_ACTIVE)) {
        if (has_ended(t->phase)) {
            run_ended(en, t->number, 0);
            write_ended(en, t->number);
        }
        advisor_tell_row(en, t);
    }
}

void foreign_take_in(struct engine *en)
{
    struct trial_row *row = NULL;
    struct pushed pushed = {0};
    struct err e;
    size_t n = 0;
    if (store_trials(en->store, &en->preset, INT64_MAX, &row, &n, &e)) {
        log_warn("what another program wrote: %s", e.text);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (row[i].foreign) {
            take_in(en, &row[i], &pushed);
        }
    }
    trial_rows_free(row, n);
    put_back(en, &pushed);
    foreign_count(en);
    while (en->first_open < en->n_runs && run_final(&en->run[en->first_open])) {
        en->first_open++;
    }
    links_committed(en);
}

void foreign_count(struct engine *en)
{
    en->n_waiting = 0;
    for (size_t i = 0; i < en->n_runs; i++) {
        en->n_waiting += en->run[i].foreign && en->run[i].phase == PHASE_ENQUEUED && !en->run[i].refused;
    }
}

void foreign_look(struct engine *en)
{
    struct err e;
    int64_t version = en->foreign_version;
    if (store_foreign_version(en->store, &version, &e)) {
        return; /* the next commit says what is wrong with the store */
    }
    if (version != en->foreign_version) {
        en->foreign_version = version;
        foreign_take_in(en);
    }
}

/* --- its waiting trials */

/* A value for a knob that was not given one, drawn as the random sampler would. */
static double draw(const struct range *r, struct rng *rng)
{
    double u = rng_uniform(rng);
    size_t n = range_count(r);
    if (n > 0 && !(r->log && r->kind == RANGE_INT)) {
        size_t i = (size_t)(u * (double)n);
        return range_value(r, i < n ? i : n - 1);
    }
    double v = r->log ? r->lo * pow(r->hi / r->lo, u) : r->lo + u * (r->hi - r->lo);
    return r->kind == RANGE_INT ? round(v) : v;
}

/* Was the range's knob given a value that only another of its ranges admits? */
static bool given_elsewhere(const struct preset *p, const struct point *pt, size_t range)
{
    for (size_t r = 0; r < p->n_ranges; r++) {
        if (p->range[r].knob == p->range[range].knob && pt->present[r]) {
            return true;
        }
    }
    return false;
}

/* The trial as it will run: what conditions switch off is cleared, what they switch on and was not given is drawn. */
static enum err_code complete(struct engine *en, struct point *pt, int number, struct err *e)
{
    const struct preset *p = &en->preset;
    struct rng rng = rng_start(rng_key((uint64_t)config_i64(&p->base, KNOB_STUDY_SEED), number), RNG_SUGGEST, 0);
    struct config so_far;
    struct point given;
    enum err_code rc = ERR_OK;
    config_copy(&so_far, &p->base);
    point_copy(&given, pt);
    for (size_t r = 0; !rc && r < p->n_ranges; r++) {
        bool active = range_active(p, r, &so_far);
        if (active && !given.present[r]) {
            if (given_elsewhere(p, &given, r)) {
                rc = err_set(e, ERR_USAGE, "%s: its value is outside the range that applies",
                             knob_info(p->range[r].knob)->full);
            }
            pt->value[r] = draw(&p->range[r], &rng);
        }
        pt->present[r] = active;
        pt->value[r] = active ? pt->value[r] : 0;
        rc = rc || !active ? rc : range_apply(&so_far, &p->range[r], pt->value[r], e);
    }
    point_release(&given);
    config_release(&so_far);
    return rc;
}

static bool adopt(struct engine *en, struct run *r)
{
    struct point pt;
    struct err e;
    point_init(&pt, &en->preset);
    enum err_code rc = store_waiting(en->store, r->number, &en->preset, &pt, &e);
    rc = rc ? rc : complete(en, &pt, r->number, &e);
    rc = rc ? rc : store_adopt(en->store, r->number, &en->preset, &pt, &e);
    if (rc) {
        point_release(&pt);
        r->refused = rc == ERR_USAGE || rc == ERR_NOTFOUND;
        if (rc == ERR_USAGE) {
            engine_log(en, r->number, "enqueued by another program, left to it: %s", e.text);
        } else if (rc != ERR_NOTFOUND) {
            log_warn("trial %d: not taken yet: %s", r->number, e.text);
        }
        return false;
    }
    run_take(en, r, &pt);
    point_release(&pt);
    engine_log(en, r->number, "taken: another program had enqueued it");
    advisor_tell(en, r, (double)NAN);
    return true;
}

void foreign_adopt(struct engine *en, int most)
{
    int taken = 0;
    for (size_t i = 0; i < en->n_runs && en->n_waiting > 0 && taken < most; i++) {
        struct run *r = &en->run[i];
        if (r->foreign && r->phase == PHASE_ENQUEUED && !r->refused) {
            taken += adopt(en, r);
            en->n_waiting--;
        }
    }
    if (taken > 0) {
        links_committed(en);
    }
}
