/* The table of trials and what their states mean; no worker and no socket here. */
#include "engine_private.h"

#include <errno.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/log.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/objective.h"
#include "vaetop/conf/paths.h"

#define AGAIN_MOST 2 /* a grid's failed trials leave room for others, up to so many times study.trials */

static bool grid(const struct engine *en)
{
    return config_choice(&en->preset.base, KNOB_STUDY_SAMPLER) == SAMPLER_GRID;
}

static bool ended(enum trial_phase phase)
{
    enum trial_state s = trial_phase_state(phase);
    return s != TRIAL_RUNNING && s != TRIAL_WAITING;
}

bool run_final(const struct run *r)
{
    return r->foreign || ended(r->phase);
}

struct run *run_find(struct engine *en, int64_t number)
{
    return number >= 0 && number < (int64_t)en->n_runs ? &en->run[number] : NULL;
}

static struct run *add(struct engine *en)
{
    if (en->n_runs == en->run_cap) {
        en->run_cap = en->run_cap ? 2 * en->run_cap : 64;
        en->run = xreallocarray(en->run, en->run_cap, sizeof *en->run);
    }
    struct run *r = &en->run[en->n_runs];
    *r = (struct run){.number = (int)en->n_runs, .phase = PHASE_QUEUED, .slice = -1, .last_value = NAN, .value = NAN,
                      .images_per_s = NAN, .expected = NAN};
    en->n_runs++;
    advisor_taken(en, r->number);
    return r;
}

static int first_best(const struct engine *en, const struct run *r)
{
    struct config c;
    if (preset_apply(&c, &en->preset, &r->point, NULL)) {
        return 1; /* it cannot run, and assign() says why */
    }
    int first = config_first_best(&c);
    config_release(&c);
    return first;
}

struct run *run_new(struct engine *en, const struct point *pt, enum trial_phase phase)
{
    struct run *r = add(en);
    r->phase = phase;
    point_copy(&r->point, pt);
    r->first_best = first_best(en, r);
    write_trial(en, r);
    advisor_tell(en, r, NAN);
    return r;
}

struct run *run_add_foreign(struct engine *en)
{
    struct run *r = add(en);
    r->foreign = r->stored = true;
    return r;
}

void run_take(struct engine *en, struct run *r, const struct point *pt)
{
    r->foreign = false;
    r->phase = PHASE_QUEUED;
    point_copy(&r->point, pt);
    r->first_best = first_best(en, r);
    en->first_open = en->first_open < (size_t)r->number ? en->first_open : (size_t)r->number;
}

void run_ended(struct engine *en, int number, int epoch)
{
    for (size_t i = 0; epoch > 0 && i < en->n_ended; i++) {
        if (en->order[i].number == number && en->order[i].epoch == epoch) {
            return; /* held again, after a crash or a pause */
        }
    }
    if (en->n_ended == en->order_cap) {
        en->order_cap = en->order_cap ? 2 * en->order_cap : 64;
        en->order = xreallocarray(en->order, en->order_cap, sizeof *en->order);
    }
    en->order[en->n_ended++] = (struct telling){number, epoch};
    const struct run *r = &en->run[number];
    if (epoch == 0 && !r->foreign && trial_phase_state(r->phase) == TRIAL_FAIL) {
        en->n_failed++;
        if (grid(en)) { /* its cell may be tried again */
            en->advisor.exhausted = false;
            en->advisor.outdated = en->advisor.asked;
        }
    }
}

void run_phase(struct engine *en, struct run *r, enum trial_phase phase, double value, const char *reason)
{
    r->phase = phase;
    write_phase(en, r, value, reason);
    if (!run_final(r)) {
        return;
    }
    r->value = value;
    run_ended(en, r->number, 0);
    advisor_tell(en, r, value);
    point_release(&r->point);
    r->point = (struct point){0};
    while (en->first_open < en->n_runs && run_final(&en->run[en->first_open])) {
        en->first_open++;
    }
}

void run_unsaved(struct engine *en, struct run *r, enum err_code code, const char *text)
{
    bool any = code != ERR_OK;
    if (r->unsaved == code) {
        return;
    }
    r->unsaved = code;
    for (size_t i = en->first_open; i < en->n_runs && !any; i++) {
        any = en->run[i].unsaved != ERR_OK;
    }
    if (code) {
        (void)snprintf(en->checkpoint_banner, sizeof en->checkpoint_banner,
                       "trial %d: its checkpoint is not written, tried again by itself%s: %.380s", r->number,
                       code == ERR_FULL ? "; no trial starts until then" : "", text);
    } else if (!any) {
        en->checkpoint_banner[0] = '\0';
    }
    engine_banner(en);
}

bool runs_lack_room(const struct engine *en)
{
    for (size_t i = en->first_open; i < en->n_runs; i++) {
        if (en->run[i].unsaved == ERR_FULL) {
            return true;
        }
    }
    return false;
}

size_t runs_queued(const struct engine *en)
{
    size_t n = 0;
    for (size_t i = en->first_open; i < en->n_runs; i++) {
        const struct run *r = &en->run[i];
        n += !r->foreign && (r->phase == PHASE_QUEUED || r->phase == PHASE_ENQUEUED);
    }
    return n;
}

size_t runs_begun(const struct engine *en)
{
    size_t n = 0;
    for (size_t i = en->first_open; i < en->n_runs; i++) {
        n += en->run[i].phase == PHASE_QUEUED && en->run[i].attempts > 0;
    }
    return n;
}

size_t runs_active(const struct engine *en)
{
    size_t n = 0;
    for (size_t i = en->first_open; i < en->n_runs; i++) {
        n += en->run[i].slice >= 0;
    }
    return n;
}

int runs_most(const struct engine *en)
{
    int64_t again = (int64_t)en->total * AGAIN_MOST;
    again = !grid(en) ? 0 : en->n_failed < again ? en->n_failed : again;
    return en->total + again < INT32_MAX ? (int)(en->total + again) : INT32_MAX;
}

bool runs_all_final(struct engine *en)
{
    return en->n_waiting == 0 && en->first_open == en->n_runs &&
           (en->advisor.exhausted || (int64_t)en->n_runs >= runs_most(en));
}

/* --- weights of finished trials */

static bool unlink_if_there(const char *path)
{
    return unlink(path) == 0 || errno == ENOENT;
}

void forget_weights(struct engine *en, struct run *r)
{
    char *path = path_checkpoint(en->dir, r->number);
    char *previous = xasprintf("%s.prev", path);
    if (!unlink_if_there(path) || !unlink_if_there(previous)) {
        log_warn("%s: cannot remove: %s", path, strerror(errno));
    }
    free(path);
    free(previous);
}

/* The worker died in the middle of a checkpoint; tensor_writer_save() names its file so. */
void forget_half_written(struct engine *en, const struct run *r, pid_t worker)
{
    char *path = path_checkpoint(en->dir, r->number);
    char *half = xasprintf("%s.tmp.%ld", path, (long)worker);
    (void)unlink_if_there(half);
    free(half);
    free(path);
}

/* A finished trial is never resumed: the checkpoint before its last only takes room. */
static void forget_previous(struct engine *en, const struct run *r)
{
    char *path = path_checkpoint(en->dir, r->number);
    char *previous = xasprintf("%s.prev", path);
    if (!unlink_if_there(previous)) {
        log_warn("%s: cannot remove: %s", previous, strerror(errno));
    }
    free(path);
    free(previous);
}

/* The epoch that gives the value: as trial_scored() has it. */
const struct outcome *run_scored(const struct engine *en, const struct run *r)
{
    bool last = config_choice(&en->preset.base, KNOB_STUDY_VALUE) == VALUE_LAST ||
                trial_phase_state(r->phase) == TRIAL_PRUNED;
    return last ? &r->last : &r->best;
}

struct outcome outcome_of(const struct engine *en, const struct epoch_row *row)
{
    struct outcome w = {.epoch = row->epoch, .value = row->value,
                        .violation = require_violation(&en->preset.base, row)};
    objective_values(w.of, objective_of(&en->preset.base), row);
    return w;
}

void run_epoch(struct engine *en, struct run *r, const struct epoch_row *row)
{
    r->stored_epoch = row->epoch;
    r->last_value = row->value;
    r->last = outcome_of(en, row);
    if (objective_better(r->first_best, r->best.epoch, r->best.value, row)) {
        r->best = r->last;
    }
}

static bool worse(const struct engine *en, const struct run *a, const struct run *b)
{
    double va = run_scored(en, a)->violation, vb = run_scored(en, b)->violation;
    if ((va > 0 || vb > 0) && va != vb) {
        return va > vb;
    }
    if (isnan(a->value) || isnan(b->value)) {
        return isnan(a->value) && !isnan(b->value);
    }
    return a->value > b->value || (!(a->value < b->value) && a->number > b->number);
}

static void keep(struct engine *en, struct run *r)
{
    if (en->n_kept == en->cap_kept) {
        en->cap_kept = en->cap_kept ? 2 * en->cap_kept : 32;
        en->kept = xreallocarray(en->kept, en->cap_kept, sizeof *en->kept);
    }
    en->kept[en->n_kept++] = r->number;
}

/* Takes the worst trial off the list. Never with an empty list. */
static struct run *drop_worst(struct engine *en)
{
    size_t at = 0;
    for (size_t i = 1; i < en->n_kept; i++) {
        at = worse(en, run_find(en, en->kept[i]), run_find(en, en->kept[at])) ? i : at;
    }
    struct run *worst = run_find(en, en->kept[at]);
    en->kept[at] = en->kept[--en->n_kept];
    return worst;
}

void retain(struct engine *en, struct run *r)
{
    char *path = path_checkpoint(en->dir, r->number);
    bool worth = trial_phase_state(r->phase) != TRIAL_FAIL && !isnan(r->value);
    bool before = r->kept;
    r->kept = worth && fs_exists(path);
    free(path);
    if (r->kept) {
        if (!before) {
            keep(en, r);
        }
        write_kept(en, r->number, true);
        forget_previous(en, r);
    } else {
        forget_weights(en, r);
    }
    while (en->n_kept > (size_t)en->keep) {
        struct run *worst = drop_worst(en);
        worst->kept = false;
        write_kept(en, worst->number, false); /* the file goes once that is stored */
    }
}

/* --- from the store */

static void load_one(struct engine *en, struct trial_row *t)
{
    struct run *r = add(en);
    r->stored = true;
    r->phase = t->phase;
    r->attempts = t->attempts;
    r->edited = t->edited;
    r->foreign = t->foreign;
    r->kept = t->kept;
    r->step = t->step;
    r->steps = t->steps;
    r->epochs = t->epochs;
    if (t->has_epoch) {
        r->stored_epoch = t->last.epoch;
        r->last_value = t->last.value;
        r->last = outcome_of(en, &t->last);
        r->best = t->best.epoch > 0 ? outcome_of(en, &t->best) : r->last;
    }
    r->point = t->point; /* borrowed for a moment */
    r->first_best = r->foreign ? 1 : first_best(en, r);
    r->point = (struct point){0};
    r->value = t->value;
    if (!run_final(r)) {
        r->value = NAN;
        point_copy(&r->point, &t->point);
    }
    if (!r->foreign) {
        prune_load_curve(en, r);
    }
}

/* A crash may have come between removing a file and the store's word of it. */
static void load_kept(struct engine *en)
{
    en->n_kept = 0;
    for (size_t i = 0; i < en->n_runs; i++) {
        struct run *r = &en->run[i];
        char *path = run_final(r) && r->kept ? path_checkpoint(en->dir, r->number) : NULL;
        if (path && fs_exists(path)) {
            keep(en, r);
        } else if (path) {
            r->kept = false;
            write_kept(en, r->number, false);
        }
        free(path);
    }
}

/* Removes checkpoints of finished trials that are not kept, and half-written ones: what a crash left. */
static void sweep_checkpoints(struct engine *en)
{
    char *dir = fs_join(en->dir, STUDY_CHECKPOINTS);
    DIR *d = opendir(dir);
    for (const struct dirent *f = d ? readdir(d) : NULL; f; f = readdir(d)) {
        char digits[16] = "";
        size_t n = strspn(f->d_name, "0123456789");
        int64_t number;
        if (n == 0 || n >= sizeof digits) {
            continue;
        }
        memcpy(digits, f->d_name, n);
        struct run *r = str_to_i64(&number, digits) ? run_find(en, number) : NULL;
        bool half_written = strstr(f->d_name, ".tmp") != NULL;
        if (half_written || !r || (run_final(r) && !r->kept)) {
            char *path = fs_join(dir, f->d_name);
            (void)unlink_if_there(path);
            free(path);
        }
    }
    if (d) {
        (void)closedir(d);
    }
    free(dir);
}

static int by_end(const void *a, const void *b)
{
    const struct trial_row *const *x = a;
    const struct trial_row *const *y = b;
    if ((*x)->complete_us != (*y)->complete_us) {
        return (*x)->complete_us < (*y)->complete_us ? -1 : 1;
    }
    return (*x)->number < (*y)->number ? -1 : (*x)->number > (*y)->number;
}

/* The order in which trials ended, as stored; those without a place (of another program, or of an older vaetop) get
 * theirs behind, by their time. */
static enum err_code load_order(struct engine *en, const struct trial_row *row, size_t n, struct err *e)
{
    struct telling *order = NULL;
    size_t n_order = 0, late = 0;
    enum err_code rc = store_order(en->store, &order, &n_order, e);
    if (rc) {
        return rc;
    }
    bool *placed = xcalloc(n + 1, sizeof *placed);
    const struct trial_row **rest = xcalloc(n + 1, sizeof *rest);
    for (size_t i = 0; i < n_order; i++) {
        size_t at = order[i].number >= 0 ? (size_t)order[i].number : n;
        if (at < n && order[i].epoch > 0 && order[i].epoch <= en->run[at].n_curve) {
            run_ended(en, order[i].number, order[i].epoch);
        } else if (at < n && order[i].epoch == 0 && !placed[at] && ended(row[at].phase)) {
            placed[at] = true;
            run_ended(en, order[i].number, 0);
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (!placed[i] && ended(row[i].phase)) {
            rest[late++] = &row[i];
        }
    }
    qsort(rest, late, sizeof *rest, by_end);
    for (size_t i = 0; i < late; i++) {
        run_ended(en, rest[i]->number, 0);
        write_ended(en, rest[i]->number);
    }
    free(rest);
    free(placed);
    free(order);
    return ERR_OK;
}

/* What each suggestion expected. */
static enum err_code load_expected(struct engine *en, struct err *e)
{
    struct suggestion *made = NULL;
    size_t n = 0;
    enum err_code rc = store_suggestions(en->store, 0, INT32_MAX, &made, &n, e);
    for (size_t i = 0; i < n; i++) {
        struct run *r = run_find(en, made[i].number);
        if (r) {
            r->expected = made[i].expected;
        }
    }
    store_suggestions_free(made, n);
    return rc;
}

enum err_code runs_load(struct engine *en, struct err *e)
{
    struct trial_row *row;
    size_t n;
    enum err_code rc = store_trials(en->store, &en->preset, -1, &row, &n, e);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; !rc && i < n; i++) {
        if (row[i].number != (int)i) {
            rc = err_set(e, ERR_DB, "%s: trial %d is missing", en->dir, (int)i);
        } else {
            load_one(en, &row[i]);
        }
    }
    foreign_count(en);
    rc = rc ? rc : load_order(en, row, n, e);
    rc = rc ? rc : load_expected(en, e);
    for (size_t i = 0; !rc && i < n; i++) {
        if (!run_final(&en->run[i])) {
            prune_load(en, &en->run[i], row[i].reason);
        }
    }
    trial_rows_free(row, n);
    while (en->first_open < en->n_runs && run_final(&en->run[en->first_open])) {
        en->first_open++;
    }
    if (!rc) {
        sweep_checkpoints(en);
        load_kept(en);
    }
    return rc;
}

void runs_release(struct engine *en)
{
    for (size_t i = 0; i < en->n_runs; i++) {
        struct run *r = &en->run[i];
        if (!run_final(r)) {
            point_release(&r->point);
        }
        free(r->verdict);
        free(r->curve[0]);
        free(r->curve[1]);
        free(r->curve[2]);
    }
    free(en->run);
    free(en->order);
    free(en->kept);
}
