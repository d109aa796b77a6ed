/* What the engine writes about a trial. Each call checks first and writes then, so that a refused call (USAGE,
 * NOTFOUND) has changed nothing. */
#include "store_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "optuna.h"

#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/objective.h"

enum { UTC_TEXT = 32 };

/* What the writing calls need to know of a trial. */
struct known {
    int64_t id; /* Optuna's trial_id */
    enum trial_phase phase;
    bool final;
    int64_t start_us;
    int warmup;
    int last_epoch, best_epoch; /* -1: none yet */
    double last_value, best_value;
    bool taken; /* Optuna's state is not the one that goes with our phase: another program has it */
};

static int epoch_number(sqlite3_stmt *st, int column)
{
    return sqlite3_column_type(st, column) == SQLITE_NULL ? -1 : db_int(st, column);
}

static enum err_code find(struct store *s, int number, struct known *k, struct err *e)
{
    sqlite3_stmt *st;
    bool row;
    enum err_code code = db_bind(&s->db, &st, ST_TRIAL_FIND, e, "i", number);
    code = code ? code : db_step(&s->db, st, &row, e);
    if (code) {
        return code;
    }
    if (!row) {
        return err_set(e, ERR_NOTFOUND, "trial %d: no such trial in %s", number, s->db.path);
    }
    int phase = trial_phase_from_word(db_text(st, 1));
    *k = (struct known){.id = sqlite3_column_int64(st, 0),
                        .phase = phase < 0 ? PHASE_FAILED : (enum trial_phase)phase,
                        .final = sqlite3_column_int(st, 2) != 0,
                        .start_us = sqlite3_column_int64(st, 3),
                        .warmup = db_int(st, 4),
                        .last_epoch = epoch_number(st, 6),
                        .last_value = db_f64(st, 7),
                        .best_epoch = epoch_number(st, 8),
                        .best_value = db_f64(st, 9)};
    k->taken = strcmp(db_text(st, 10), trial_state_name(trial_phase_state(k->phase))) != 0;
    db_done(st);
    if (phase < 0) {
        return err_set(e, ERR_DB, "%s: damaged: trial %d has an unknown phase", s->db.path, number);
    }
    return ERR_OK;
}

static enum err_code find_open(struct store *s, int number, struct known *k, struct err *e)
{
    enum err_code code = find(s, number, k, e);
    if (!code && k->final) {
        code = err_set(e, ERR_USAGE, "trial %d: %s already; a finished trial never changes", number,
                       trial_phase_word(k->phase));
    }
    if (!code && k->taken) {
        code = err_set(e, ERR_USAGE, "trial %d: another program, such as Optuna, has taken or finished it", number);
    }
    return code;
}

static enum err_code put_attr(struct store *s, int64_t id, const char *key, const char *text, struct err *e)
{
    struct sbuf json = {0};
    optuna_string(&json, text);
    enum err_code code = db_run(&s->db, ST_TRIAL_ATTR, e, "ltt", id, key, json.text);
    sbuf_release(&json);
    return code;
}

/* JSON has no NaN: what is unknown is left out. */
static enum err_code put_attr_f64(struct store *s, int64_t id, const char *key, double v, struct err *e)
{
    if (!isfinite(v)) {
        return ERR_OK;
    }
    struct sbuf json = {0};
    optuna_f64(&json, v);
    enum err_code code = db_run(&s->db, ST_TRIAL_ATTR, e, "ltt", id, key, json.text);
    sbuf_release(&json);
    return code;
}

/* --- a new trial */

static enum err_code put_params(struct store *s, int64_t id, const struct preset *p, const struct point *pt,
                                struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t r = 0; !code && r < p->n_ranges; r++) {
        if (!pt->present[r]) {
            continue;
        }
        struct sbuf json = {0};
        optuna_distribution(&json, p, r);
        code = db_run(&s->db, ST_TRIAL_PARAM, e, "ltdt", id, knob_info(p->range[r].knob)->full,
                      optuna_internal(p, r, pt->value[r]), json.text);
        sbuf_release(&json);
    }
    return code;
}

/* Optuna's ask() gives a waiting trial these values. */
static enum err_code put_fixed(struct store *s, int64_t id, const struct preset *p, const struct point *pt,
                               struct err *e)
{
    struct sbuf json = {0};
    sbuf_add(&json, "{");
    for (size_t r = 0; r < p->n_ranges; r++) {
        if (pt->present[r]) {
            sbuf_addf(&json, "%s\"%s\": ", json.len > 1 ? ", " : "", knob_info(p->range[r].knob)->full);
            optuna_external(&json, p, r, pt->value[r]);
        }
    }
    sbuf_add(&json, "}");
    enum err_code code = db_run(&s->db, ST_TRIAL_SYSTEM_ATTR, e, "ltt", id, "fixed_params", json.text);
    sbuf_release(&json);
    return code;
}

static enum err_code next_number(struct store *s, int *number, struct err *e)
{
    sqlite3_stmt *st;
    bool row;
    enum err_code code = db_bind(&s->db, &st, ST_TRIAL_LAST_NUMBER, e, "l", s->study_id);
    code = code ? code : db_step(&s->db, st, &row, e);
    if (code) {
        return code;
    }
    *number = row ? db_int(st, 0) + 1 : 0;
    db_done(st);
    return ERR_OK;
}

/* Absent values are NaN: see point_read(). */
double *point_pack(const struct point *pt)
{
    double *v = xcalloc(pt->n ? pt->n : 1, sizeof *v);
    for (size_t r = 0; r < pt->n; r++) {
        v[r] = pt->present[r] ? pt->value[r] : (double)NAN;
    }
    return v;
}

/* Our half of a trial whose Optuna half has this id. */
static enum err_code insert_ours(struct store *s, int number, int64_t id, const struct preset *p,
                                 const struct point *pt, enum trial_phase phase, struct err *e)
{
    struct config c;
    enum err_code code = preset_apply(&c, p, pt, e);
    if (code) {
        err_prefix(e, "trial %d", number);
        return code;
    }
    double *packed = point_pack(pt);
    code = db_run(&s->db, ST_TRIAL_OURS_INSERT, e, "iltiibl", number, id, trial_phase_word(phase),
                  (int)config_i64(&c, KNOB_TRAIN_EPOCHS), config_first_best(&c), (const void *)packed,
                  (int)(pt->n * sizeof *packed), write_touch(s));
    free(packed);
    code = code ? code : db_run(&s->db, ST_TRIALS_ADD, e, "");
    code = code ? code : phase == PHASE_ENQUEUED ? put_fixed(s, id, p, pt, e) : put_params(s, id, p, pt, e);
    code = code ? code : put_attr(s, id, "phase", trial_phase_word(phase), e);
    config_release(&c);
    return code;
}

static enum err_code insert_trial(struct store *s, int number, const struct preset *p, const struct point *pt,
                                  enum trial_phase phase, struct err *e)
{
    char now[UTC_TEXT];
    enum err_code code =
        db_run(&s->db, ST_TRIAL_INSERT, e, "iltt", number, s->study_id, trial_state_name(trial_phase_state(phase)),
               phase == PHASE_ENQUEUED ? NULL : clock_format_utc(now, sizeof now, clock_utc_us()));
    int64_t id = sqlite3_last_insert_rowid(s->db.h);
    return code ? code : insert_ours(s, number, id, p, pt, phase, e);
}

enum err_code store_trial_new(struct store *s, int *number, const struct preset *p, const struct point *pt,
                              enum trial_phase phase, struct err *e)
{
    if (phase != PHASE_QUEUED && phase != PHASE_ENQUEUED) {
        return err_set(e, ERR_USAGE, "a new trial is queued or waiting, not %s", trial_phase_word(phase));
    }
    if (pt->n != p->n_ranges) {
        return err_set(e, ERR_USAGE, "a trial of %zu values in a space of %zu", pt->n, p->n_ranges);
    }
    bool own;
    enum err_code code = write_enter(s, &own, e);
    code = code ? code : next_number(s, number, e);
    code = code ? code : insert_trial(s, *number, p, pt, phase, e);
    return write_leave(s, own, code, e);
}

/* --- trials that another program enqueued */

enum err_code store_foreign_version(struct store *s, int64_t *version, struct err *e)
{
    sqlite3_stmt *st;
    bool row;
    enum err_code code = db_bind(&s->db, &st, ST_DATA_VERSION, e, "");
    code = code ? code : db_step(&s->db, st, &row, e);
    if (!code) {
        *version = row ? sqlite3_column_int64(st, 0) : 0;
        db_done(st);
    }
    return code;
}

/* *json may be NULL. Owns: caller frees it. */
static enum err_code find_waiting(struct store *s, int number, int64_t *id, char **json, struct err *e)
{
    sqlite3_stmt *st;
    bool row;
    *json = NULL;
    enum err_code code = db_bind(&s->db, &st, ST_WAITING_GET, e, "li", s->study_id, number);
    code = code ? code : db_step(&s->db, st, &row, e);
    if (code) {
        return code;
    }
    if (!row) {
        return err_set(e, ERR_NOTFOUND, "trial %d: does not wait for anybody", number);
    }
    *id = sqlite3_column_int64(st, 0);
    *json = sqlite3_column_type(st, 1) == SQLITE_NULL ? NULL : xstrdup(db_text(st, 1));
    db_done(st);
    return ERR_OK;
}

enum err_code store_waiting(struct store *s, int number, const struct preset *p, struct point *out, struct err *e)
{
    int64_t id;
    char *json;
    enum err_code code = find_waiting(s, number, &id, &json, e);
    code = code ? code : optuna_fixed(out, p, json, e);
    free(json);
    return code;
}

enum err_code store_adopt(struct store *s, int number, const struct preset *p, const struct point *pt, struct err *e)
{
    bool own;
    int64_t id = 0;
    char *json = NULL, now[UTC_TEXT];
    enum err_code code = write_enter(s, &own, e);
    code = code ? code : find_waiting(s, number, &id, &json, e);
    code = code ? code
                : db_run(&s->db, ST_WAITING_TAKE, e, "tl", clock_format_utc(now, sizeof now, clock_utc_us()), id);
    code = code ? code : insert_ours(s, number, id, p, pt, PHASE_QUEUED, e);
    free(json);
    return write_leave(s, own, code, e);
}

/* --- phases */

/* The values of a waiting trial become its parameters when it starts. */
static enum err_code claim(struct store *s, int number, const struct known *k, const char *now, struct err *e)
{
    const struct preset *p;
    struct point pt;
    enum err_code code = store_preset_cached(s, &p, e);
    code = code ? code : store_trial_point(s, number, p, &pt, e);
    if (code) {
        return code;
    }
    code = db_run(&s->db, ST_TRIAL_CLAIM, e, "tl", now, k->id);
    code = code ? code : put_params(s, k->id, p, &pt, e);
    point_release(&pt);
    return code;
}

/* The epoch that gives the value; *found stays false without one. */
static enum err_code scored_epoch(struct store *s, int number, const struct known *k, bool last, struct epoch_row *out,
                                  bool *found, struct err *e)
{
    int epoch = last || s->value_last || k->best_epoch < 0 ? k->last_epoch : k->best_epoch;
    sqlite3_stmt *st;
    enum err_code code = db_bind(&s->db, &st, ST_EPOCH_GET, e, "ii", number, epoch);
    code = code ? code : db_step(&s->db, st, found, e);
    if (!code && *found) {
        epoch_from_row(out, st, 0);
        db_done(st);
    }
    return code;
}

/* Optuna's values, in the direction of each; and reconstruction and KL of the epoch that gave them, for people who look
 * with optuna-dashboard. */
static enum err_code put_values(struct store *s, int number, const struct known *k, bool last, double value,
                                struct err *e)
{
    const struct preset *p;
    struct epoch_row row;
    bool found = false;
    enum err_code code = store_preset_cached(s, &p, e);
    code = code ? code : scored_epoch(s, number, k, last, &row, &found, e);
    if (code) {
        return code;
    }
    enum objective o = objective_of(&p->base);
    double v[2] = {value, (double)NAN};
    if (found && objective_count(o) == 2 && isfinite(value)) {
        objective_values(v, o, &row);
    }
    for (int i = 0; i < objective_count(o) && !code && isfinite(v[i]); i++) {
        code = db_run(&s->db, ST_TRIAL_VALUE, e, "lid", k->id, i, objective_shown(o, v[i]));
    }
    code = code || !found ? code : put_attr_f64(s, k->id, "rec", row.val_rec, e);
    return code || !found ? code : put_attr_f64(s, k->id, "kl", row.val_kl, e);
}

static enum err_code finish(struct store *s, int number, const struct known *k, enum trial_phase phase, double value,
                            struct err *e)
{
    char now[UTC_TEXT];
    int64_t now_us = clock_utc_us();
    enum trial_state state = trial_phase_state(phase);
    double kept = state == TRIAL_FAIL ? (double)NAN : value;
    if (state == TRIAL_PRUNED && !isfinite(kept)) {
        kept = k->last_value;
    }
    kept = isfinite(kept) ? kept : (double)NAN;
    enum err_code code = put_values(s, number, k, state == TRIAL_PRUNED, kept, e);
    code = code ? code : db_run(&s->db, ST_TRIAL_END, e, "ttl", trial_state_name(state),
                                clock_format_utc(now, sizeof now, now_us), k->id);
    code = code ? code : db_run(&s->db, ST_TRIAL_OURS_END, e, "ldi", now_us, kept, number);
    return code ? code : db_run(&s->db, ST_ORDER_ADD, e, "ii", number, 0);
}

static enum err_code check_step(const struct known *k, int number, enum trial_phase phase, double value, struct err *e)
{
    if (phase == PHASE_ENQUEUED && k->phase != PHASE_ENQUEUED) {
        return err_set(e, ERR_USAGE, "trial %d: started already, cannot wait again", number);
    }
    if (trial_phase_state(phase) == TRIAL_COMPLETE && !isfinite(value)) {
        return err_set(e, ERR_USAGE, "trial %d: %s needs a finite value", number, trial_phase_word(phase));
    }
    return ERR_OK;
}

static enum err_code put_phase(struct store *s, int number, const struct known *k, enum trial_phase phase,
                               const char *reason, struct err *e)
{
    char now[UTC_TEXT], clean[160];
    int64_t now_us = clock_utc_us(), start_us = k->start_us;
    enum err_code code = ERR_OK;
    (void)clock_format_utc(now, sizeof now, now_us);
    (void)str_clean(clean, sizeof clean, reason ? reason : "");
    if (k->phase == PHASE_ENQUEUED && phase != PHASE_ENQUEUED) {
        code = claim(s, number, k, now, e);
    }
    if (!code && start_us == 0 && phase == PHASE_ACTIVE) {
        start_us = now_us; /* Optuna's duration is that of the training, not of the wait for a slot */
        code = db_run(&s->db, ST_TRIAL_START, e, "tl", now, k->id);
    }
    code = code ? code
                : db_run(&s->db, ST_TRIAL_PHASE, e, "ttlli", trial_phase_word(phase), clean, start_us, write_touch(s),
                         number);
    code = code ? code : put_attr(s, k->id, "phase", trial_phase_word(phase), e);
    return code || !*clean ? code : put_attr(s, k->id, "reason", clean, e);
}

enum err_code store_trial_phase(struct store *s, int number, enum trial_phase phase, double value, const char *reason,
                                struct err *e)
{
    bool own;
    struct known k;
    enum trial_state state = trial_phase_state(phase);
    enum err_code code = write_enter(s, &own, e);
    code = code ? code : find_open(s, number, &k, e);
    code = code ? code : check_step(&k, number, phase, value, e);
    code = code ? code : put_phase(s, number, &k, phase, reason, e);
    if (!code && state != TRIAL_RUNNING && state != TRIAL_WAITING) {
        code = finish(s, number, &k, phase, value, e);
    } else if (!code && phase == PHASE_HELD) {
        code = db_run(&s->db, ST_ORDER_ADD, e, "ii", number, k.last_epoch);
    }
    return write_leave(s, own, code, e);
}

/* --- while it runs */

enum err_code store_trial_device(struct store *s, int number, const char *device, int attempts, struct err *e)
{
    bool own;
    struct known k;
    char clean[64];
    (void)str_clean(clean, sizeof clean, device ? device : "");
    enum err_code code = write_enter(s, &own, e);
    code = code ? code : find_open(s, number, &k, e);
    code = code ? code : db_run(&s->db, ST_TRIAL_DEVICE, e, "tili", clean, attempts, write_touch(s), number);
    if (!code && *clean) {
        code = put_attr(s, k.id, "device", clean, e); /* stays when the trial leaves: where it ran last */
    }
    return write_leave(s, own, code, e);
}

enum err_code store_progress(struct store *s, int number, int64_t step, int64_t steps, int epochs, double images_per_s,
                             struct err *e)
{
    bool own;
    struct known k;
    enum err_code code = write_enter(s, &own, e);
    code = code ? code : find_open(s, number, &k, e);
    code = code ? code
                : db_run(&s->db, ST_TRIAL_PROGRESS, e, "llidli", step, steps, epochs, images_per_s, write_touch(s),
                         number);
    return write_leave(s, own, code, e);
}

static enum err_code set_last(struct store *s, const struct epoch_row *row, struct err *e)
{
    sqlite3_stmt *st;
    bool more;
    enum err_code code = db_bind(&s->db, &st, ST_TRIAL_SET_LAST, e, "ll", write_touch(s), row->step);
    if (code) {
        return code;
    }
    int at = epoch_bind(st, 3, row);
    (void)sqlite3_bind_int(st, at, row->trial);
    return db_step(&s->db, st, &more, e);
}

static enum err_code set_best(struct store *s, const struct epoch_row *row, struct err *e)
{
    sqlite3_stmt *st;
    bool more;
    enum err_code code = db_bind(&s->db, &st, ST_TRIAL_SET_BEST, e, "");
    if (code) {
        return code;
    }
    int at = epoch_bind(st, 1, row);
    (void)sqlite3_bind_int(st, at, row->trial);
    return db_step(&s->db, st, &more, e);
}

static enum err_code query_epoch(struct store *s, sqlite3_stmt *st, struct epoch_row *out, bool *found, struct err *e)
{
    enum err_code code = db_step(&s->db, st, found, e);
    if (!code && *found) {
        epoch_from_row(out, st, 0);
        db_done(st);
    }
    return code;
}

/* A row sent again after a crash may replace the best one: look at all of them. */
static enum err_code choose_again(struct store *s, int number, const struct known *k, struct err *e)
{
    sqlite3_stmt *st;
    struct epoch_row last = {0}, best = {0};
    bool found = false;
    enum err_code code = db_bind(&s->db, &st, ST_EPOCH_LAST, e, "i", number);
    code = code ? code : query_epoch(s, st, &last, &found, e);
    code = code ? code : set_last(s, &last, e);
    code = code ? code : db_bind(&s->db, &st, ST_EPOCH_BEST, e, "ii", number, k->warmup);
    code = code ? code : query_epoch(s, st, &best, &found, e);
    return code ? code : set_best(s, found ? &best : &last, e);
}

static enum err_code put_epoch(struct store *s, const struct known *k, const struct epoch_row *row, struct err *e)
{
    sqlite3_stmt *st;
    bool more;
    enum err_code code = db_bind(&s->db, &st, ST_EPOCH_PUT, e, "i", row->trial);
    if (code) {
        return code;
    }
    (void)epoch_bind(st, 2, row);
    code = db_step(&s->db, st, &more, e);
    const struct preset *p;
    code = code ? code : store_preset_cached(s, &p, e);
    double value = (double)NAN; /* the type column says what it was */
    if (!code && isfinite(row->value)) {
        value = objective_shown(objective_of(&p->base), row->value);
    }
    code = code ? code
                : db_run(&s->db, ST_EPOCH_OPTUNA, e, "lidt", k->id, row->epoch, value, optuna_value_type(row->value));
    if (code || row->epoch <= k->last_epoch) {
        return code ? code : choose_again(s, row->trial, k, e);
    }
    code = set_last(s, row, e);
    return code || !objective_better(k->warmup, k->best_epoch, k->best_value, row) ? code : set_best(s, row, e);
}

enum err_code store_epoch(struct store *s, const struct epoch_row *row, struct err *e)
{
    bool own;
    struct known k;
    if (row->epoch < 0) {
        return err_set(e, ERR_USAGE, "trial %d: epoch %d", row->trial, row->epoch);
    }
    enum err_code code = write_enter(s, &own, e);
    code = code ? code : find_open(s, row->trial, &k, e);
    code = code ? code : put_epoch(s, &k, row, e);
    return write_leave(s, own, code, e);
}

enum err_code store_edit(struct store *s, int number, enum knob k, const char *value, int64_t step, struct err *e)
{
    bool own;
    struct known trial;
    if (k < 0 || k >= KNOB_COUNT) {
        return err_set(e, ERR_USAGE, "trial %d: edit of an unknown knob", number);
    }
    enum err_code code = write_enter(s, &own, e);
    code = code ? code : find_open(s, number, &trial, e);
    code = code ? code : db_run(&s->db, ST_EDIT_PUT, e, "ittl", number, knob_info(k)->full, value, step);
    code = code ? code : db_run(&s->db, ST_TRIAL_EDITED, e, "li", write_touch(s), number);
    code = code ? code : db_run(&s->db, ST_TRIAL_ATTR, e, "ltt", trial.id, "edited", "true");
    return write_leave(s, own, code, e);
}

enum err_code store_trial_kept(struct store *s, int number, bool kept, struct err *e)
{
    bool own;
    struct known k;
    enum err_code code = write_enter(s, &own, e);
    code = code ? code : find(s, number, &k, e);
    code = code ? code : db_run(&s->db, ST_TRIAL_KEPT, e, "ili", (int)kept, write_touch(s), number);
    return write_leave(s, own, code, e);
}
