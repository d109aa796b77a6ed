/* What clients read of trials. A file may be foreign: every number is checked before it is used as an index, and
 * trials that another program added or took over are shown by Optuna's state. */
#include "rows.h"
#include "store_private.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "optuna.h"

#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/objective.h"

/* Columns of TRIAL_COLUMNS. */
enum {
    COL_NUMBER,
    COL_PHASE,
    COL_FINAL,
    COL_REASON,
    COL_DEVICE,
    COL_ATTEMPTS,
    COL_EDITED,
    COL_KEPT,
    COL_START,
    COL_COMPLETE,
    COL_STEP,
    COL_STEPS,
    COL_EPOCHS,
    COL_RATE,
    COL_VALUE,
    COL_POINT,
    COL_CHANGED,
    COL_LAST
};

#define X(member, unit, meaning) +1
enum { METRICS = 0 EPOCH_METRIC_LIST(X), COL_BEST = COL_LAST + 2 + METRICS };
#undef X

/* --- epochs */

/* Epoch, step and metrics from `column` on. */
static void epoch_fields(struct epoch_row *out, sqlite3_stmt *st, int column)
{
    out->epoch = db_int(st, column++);
    out->step = sqlite3_column_int64(st, column++);
#define X(member, unit, meaning) out->member = db_f64(st, column++);
    EPOCH_METRIC_LIST(X)
#undef X
}

void epoch_from_row(struct epoch_row *out, sqlite3_stmt *st, int column)
{
    out->trial = db_int(st, column);
    epoch_fields(out, st, column + 1);
}

/* NaN is stored as NULL. */
static void bind_f64(sqlite3_stmt *st, int at, double v)
{
    if (isnan(v)) {
        (void)sqlite3_bind_null(st, at);
    } else {
        (void)sqlite3_bind_double(st, at, v);
    }
}

int epoch_bind(sqlite3_stmt *st, int first, const struct epoch_row *row)
{
    (void)sqlite3_bind_int(st, first++, row->epoch);
    (void)sqlite3_bind_int64(st, first++, row->step);
#define X(member, unit, meaning) bind_f64(st, first++, row->member);
    EPOCH_METRIC_LIST(X)
#undef X
    return first;
}

static bool read_epoch(void *row, sqlite3_stmt *st)
{
    epoch_from_row(row, st, 0);
    return true;
}

enum err_code store_epochs(struct store *s, int number, int after_epoch, struct epoch_row **out, size_t *n,
                           struct err *e)
{
    static const struct row_kind kind = {.size = sizeof **out, .read = read_epoch};
    struct row_list list;
    enum err_code code = rows_read(&list, &s->db, &kind, ST_EPOCHS, e, "ii", number, after_epoch);
    *out = list.row;
    *n = list.n;
    return code;
}

/* --- points */

static bool value_fits(const struct range *r, double v)
{
    return isfinite(v) && (r->kind != RANGE_CHOICE || (v >= 0 && v < (double)r->n_choices));
}

/* Packed by point_pack(): one double a range, NaN where absent. False if it is for another space. */
bool point_unpack(struct point *out, const struct preset *p, const void *bytes, int n_bytes)
{
    if (n_bytes < 0 || (size_t)n_bytes != p->n_ranges * sizeof(double)) {
        return false;
    }
    for (size_t r = 0; r < p->n_ranges; r++) {
        double v;
        memcpy(&v, (const char *)bytes + r * sizeof v, sizeof v);
        out->present[r] = value_fits(&p->range[r], v);
        out->value[r] = out->present[r] ? v : 0;
    }
    return true;
}

static enum err_code point_from_params(struct store *s, struct point *out, const struct preset *p, int64_t trial_id,
                                       struct err *e)
{
    sqlite3_stmt *st;
    bool row = true;
    enum err_code code = db_bind(&s->db, &st, ST_PARAMS, e, "l", trial_id);
    while (!code && (code = db_step(&s->db, st, &row, e)) == ERR_OK && row) {
        size_t r;
        double v;
        if (optuna_find_range(p, db_text(st, 0), db_f64(st, 1), db_text(st, 2), &r, &v)) {
            out->present[r] = true;
            out->value[r] = v;
        }
    }
    return code;
}

enum err_code store_trial_point(struct store *s, int number, const struct preset *p, struct point *out, struct err *e)
{
    sqlite3_stmt *st;
    bool row;
    enum err_code code = db_bind(&s->db, &st, ST_TRIAL_FIND, e, "i", number);
    code = code ? code : db_step(&s->db, st, &row, e);
    if (code) {
        return code;
    }
    point_init(out, p);
    if (!row || !point_unpack(out, p, sqlite3_column_blob(st, 5), sqlite3_column_bytes(st, 5))) {
        point_release(out);
        code = err_set(e, ERR_DB, "%s: damaged: the values of trial %d do not fit the preset", s->db.path, number);
    }
    db_done(st);
    return code;
}

/* --- rows */

struct rows {
    struct trial_row *row;
    size_t n, cap;
};

static struct trial_row *rows_add(struct rows *v, const struct preset *p)
{
    if (v->n == v->cap) {
        v->cap = v->cap ? 2 * v->cap : 16;
        v->row = xreallocarray(v->row, v->cap, sizeof *v->row);
    }
    struct trial_row *t = &v->row[v->n++];
    memset(t, 0, sizeof *t);
    point_init(&t->point, p);
    return t;
}

void trial_rows_free(struct trial_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        point_release(&rows[i].point);
    }
    free(rows);
}

static enum trial_phase phase_of_state(const char *state)
{
    return strcmp(state, "COMPLETE") == 0  ? PHASE_DONE
           : strcmp(state, "PRUNED") == 0  ? PHASE_PRUNED
           : strcmp(state, "FAIL") == 0    ? PHASE_FAILED
           : strcmp(state, "WAITING") == 0 ? PHASE_ENQUEUED
                                           : PHASE_ACTIVE;
}

const struct epoch_row *trial_scored(const struct trial_row *t, const struct config *study)
{
    bool last = config_choice(study, KNOB_STUDY_VALUE) == VALUE_LAST || trial_phase_state(t->phase) == TRIAL_PRUNED;
    return last || t->best.epoch <= 0 ? &t->last : &t->best;
}

/* What the trial stands at while it is not final. */
static double value_so_far(const struct store *s, const struct trial_row *t)
{
    if (!t->has_epoch) {
        return (double)NAN;
    }
    return s->value_last ? t->last.value : t->best.value;
}

static enum err_code fill_row(struct store *s, struct trial_row *t, sqlite3_stmt *st, const struct preset *p,
                              struct err *e)
{
    int phase = trial_phase_from_word(db_text(st, COL_PHASE));
    int64_t number = sqlite3_column_int64(st, COL_NUMBER);
    if (phase < 0 || number < 0 || number > INT_MAX) {
        return err_set(e, ERR_DB, "%s: damaged: trial %lld has an unknown phase", s->db.path, (long long)number);
    }
    t->number = (int)number;
    t->phase = (enum trial_phase)phase;
    (void)str_clean(t->reason, sizeof t->reason, db_text(st, COL_REASON));
    (void)str_clean(t->device, sizeof t->device, db_text(st, COL_DEVICE));
    t->attempts = db_int(st, COL_ATTEMPTS);
    t->edited = sqlite3_column_int(st, COL_EDITED) != 0;
    t->kept = sqlite3_column_int(st, COL_KEPT) != 0;
    t->start_us = sqlite3_column_int64(st, COL_START);
    t->complete_us = sqlite3_column_int64(st, COL_COMPLETE);
    t->step = sqlite3_column_int64(st, COL_STEP);
    t->steps = sqlite3_column_int64(st, COL_STEPS);
    t->epochs = db_int(st, COL_EPOCHS);
    t->images_per_s = db_f64(st, COL_RATE);
    t->changed = sqlite3_column_int64(st, COL_CHANGED);
    t->has_epoch = sqlite3_column_type(st, COL_LAST) != SQLITE_NULL;
    epoch_fields(&t->last, st, COL_LAST);
    epoch_fields(&t->best, st, COL_BEST);
    t->last.trial = t->best.trial = t->number;
    t->value = sqlite3_column_int(st, COL_FINAL) ? db_f64(st, COL_VALUE) : value_so_far(s, t);
    if (!point_unpack(&t->point, p, sqlite3_column_blob(st, COL_POINT), sqlite3_column_bytes(st, COL_POINT))) {
        return err_set(e, ERR_DB, "%s: damaged: the values of trial %d do not fit the preset", s->db.path, t->number);
    }
    return ERR_OK;
}

static enum err_code add_rows(struct store *s, struct rows *v, sqlite3_stmt *st, const struct preset *p, struct err *e)
{
    enum err_code code = ERR_OK;
    bool row = true;
    while (!code && (code = db_step(&s->db, st, &row, e)) == ERR_OK && row) {
        code = fill_row(s, rows_add(v, p), st, p, e);
        if (code) {
            db_done(st);
        }
    }
    return code;
}

/* --- what Optuna did */

struct override {
    int number;
    enum trial_phase phase;
    double value;
    int64_t complete_us;
};

/* Trials not finished by us whose Optuna state is another one: claimed from the queue or finished there. The list is as
 * short as the trials in work. */
static enum err_code find_overrides(struct store *s, const struct preset *p, struct override **out, size_t *n,
                                    struct err *e)
{
    enum objective o = objective_of(&p->base);
    sqlite3_stmt *st;
    bool row = true;
    size_t cap = 0;
    *out = NULL;
    *n = 0;
    enum err_code code = db_bind(&s->db, &st, ST_TRIALS_OPEN, e, "");
    while (!code && (code = db_step(&s->db, st, &row, e)) == ERR_OK && row) {
        int phase = trial_phase_from_word(db_text(st, 1));
        const char *state = db_text(st, 2);
        if (phase < 0 || strcmp(trial_state_name(trial_phase_state((enum trial_phase)phase)), state) == 0) {
            continue;
        }
        if (*n == cap) {
            cap = cap ? 2 * cap : 8;
            *out = xreallocarray(*out, cap, sizeof **out);
        }
        int64_t end = clock_parse_utc(db_text(st, 3));
        (*out)[(*n)++] = (struct override){.number = db_int(st, 0),
                                           .phase = phase_of_state(state),
                                           .value = objective_shown(o, db_f64(st, 4)),
                                           .complete_us = end < 0 ? 0 : end};
    }
    return code;
}

static enum err_code apply_override(struct store *s, struct rows *v, const struct override *o, const struct preset *p,
                                    struct err *e)
{
    struct trial_row *t = NULL;
    for (size_t i = 0; !t && i < v->n; i++) {
        t = v->row[i].number == o->number ? &v->row[i] : NULL;
    }
    if (!t) {
        sqlite3_stmt *st;
        enum err_code code = db_bind(&s->db, &st, ST_TRIAL_ONE, e, "i", o->number);
        code = code ? code : add_rows(s, v, st, p, e);
        if (code || v->n == 0) {
            return code;
        }
        t = &v->row[v->n - 1];
    }
    t->foreign = true;
    t->phase = o->phase;
    t->complete_us = o->complete_us;
    t->value = o->phase == PHASE_ACTIVE ? t->value : o->value;
    return ERR_OK;
}

static enum err_code add_overrides(struct store *s, struct rows *v, const struct preset *p, struct err *e)
{
    struct override *o;
    size_t n;
    enum err_code code = find_overrides(s, p, &o, &n, e);
    for (size_t i = 0; !code && i < n; i++) {
        code = apply_override(s, v, &o[i], p, e);
    }
    free(o);
    return code;
}

/* Numbers are dense: the newest trial's number says how many there are. */
static enum err_code count_foreign(struct store *s, int64_t *n, struct err *e)
{
    sqlite3_stmt *st;
    bool row;
    int64_t all = 0;
    enum err_code code = db_bind(&s->db, &st, ST_TRIAL_LAST_NUMBER, e, "l", s->study_id);
    code = code ? code : db_step(&s->db, st, &row, e);
    if (!code && row) {
        const int64_t last = sqlite3_column_int64(st, 0);
        all = last >= 0 && last < INT32_MAX ? last + 1 : INT32_MAX; /* another program's number, or damage */
        db_done(st);
    }
    code = code ? code : db_bind(&s->db, &st, ST_TRIALS_COUNT, e, "");
    code = code ? code : db_step(&s->db, st, &row, e);
    if (!code && row) {
        const int64_t ours = sqlite3_column_int64(st, 0);
        *n = ours >= 0 && ours <= INT32_MAX ? all - ours : all;
        db_done(st);
    }
    return code;
}

static void fill_foreign(struct trial_row *t, enum objective o, sqlite3_stmt *st)
{
    int64_t start = clock_parse_utc(db_text(st, 3)), end = clock_parse_utc(db_text(st, 4));
    t->number = db_int(st, 0);
    t->phase = phase_of_state(db_text(st, 2));
    t->foreign = true;
    t->value = objective_shown(o, db_f64(st, 5));
    t->start_us = start < 0 ? 0 : start;
    t->complete_us = end < 0 ? 0 : end;
    t->images_per_s = (double)NAN;
}

static enum err_code add_foreign(struct store *s, struct rows *v, const struct preset *p, struct err *e)
{
    sqlite3_stmt *st;
    bool row = true;
    int64_t n = 0;
    enum err_code code = count_foreign(s, &n, e);
    if (code || n <= 0) {
        return code;
    }
    code = db_bind(&s->db, &st, ST_TRIALS_FOREIGN, e, "l", s->study_id);
    while (!code && (code = db_step(&s->db, st, &row, e)) == ERR_OK && row) {
        struct trial_row *t = rows_add(v, p);
        fill_foreign(t, objective_of(&p->base), st);
        t->changed = s->seen;
        code = point_from_params(s, &t->point, p, sqlite3_column_int64(st, 1), e);
        if (code) {
            db_done(st);
        }
    }
    return code;
}

/* --- the call */

static int by_number(const void *a, const void *b)
{
    const struct trial_row *x = a, *y = b;
    return (x->number > y->number) - (x->number < y->number);
}

static enum err_code collect(struct store *s, struct rows *v, const struct preset *p, int64_t since, struct err *e)
{
    sqlite3_stmt *st;
    enum err_code code = store_changed(s, &s->seen, e);
    code = code ? code
           : since > 0 ? db_bind(&s->db, &st, ST_TRIALS_SINCE, e, "l", since)
                       : db_bind(&s->db, &st, ST_TRIALS_ALL, e, "");
    code = code ? code : add_rows(s, v, st, p, e);
    code = code ? code : add_overrides(s, v, p, e);
    return code ? code : add_foreign(s, v, p, e);
}

enum err_code store_trials(struct store *s, const struct preset *p, int64_t since, struct trial_row **out, size_t *n,
                           struct err *e)
{
    bool own;
    struct rows v = {0};
    *out = NULL;
    *n = 0;
    enum err_code code = read_enter(s, &own, e);
    code = code ? code : collect(s, &v, p, since, e);
    code = read_leave(s, own, code, e);
    if (code) {
        trial_rows_free(v.row, v.n);
        return code;
    }
    if (v.n > 1) {
        qsort(v.row, v.n, sizeof *v.row, by_number);
    }
    *out = v.row;
    *n = v.n;
    return ERR_OK;
}
