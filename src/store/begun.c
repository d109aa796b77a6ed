/* A study that was begun in Optuna: its trials become those of a new study here, under their numbers. */
#include <stdlib.h>
#include <string.h>

#include "optuna.h"
#include "store_private.h"

#include "vaetop/base/str.h"

/* What belongs to a trial; trial_id comes first. */
static const struct {
    const char *table, *columns, *marks;
} part[] = {{"trial_values", "objective, value, value_type", "?, ?, ?"},
            {"trial_intermediate_values", "step, intermediate_value, intermediate_value_type", "?, ?, ?"},
            {"trial_user_attributes", "key, value_json", "?, ?"},
            {"trial_system_attributes", "key, value_json", "?, ?"}};

struct begun {
    struct store *to;
    struct db from;
    const struct preset *p;
    int64_t study;
    int trials, placed; /* placed: values that lie in our space */
};

static enum err_code prepare(const struct begun *b, sqlite3_stmt **out, const char *sql, struct err *e)
{
    int rc = sqlite3_prepare_v2(b->from.h, sql, -1, out, NULL);
    rc = rc || sqlite3_bind_parameter_count(*out) == 0 ? rc : sqlite3_bind_int64(*out, 1, b->study);
    return rc ? db_fail(&b->from, rc, "reading Optuna's tables", e) : ERR_OK;
}

/* Every row of select goes into insert; edit() may change what is bound. */
static enum err_code copy_rows(struct begun *b, const char *select, const char *insert,
                               void (*edit)(struct begun *b, sqlite3_stmt *in, sqlite3_stmt *out), int *rows, struct err *e)
{
    sqlite3_stmt *in = NULL, *out = NULL;
    enum err_code code = prepare(b, &in, select, e);
    int rc = code ? SQLITE_OK : sqlite3_prepare_v2(b->to->db.h, insert, -1, &out, NULL);
    while (!code && !rc && (rc = sqlite3_step(in)) == SQLITE_ROW) {
        for (int c = 0; c < sqlite3_column_count(in); c++) {
            (void)sqlite3_bind_value(out, c + 1, sqlite3_column_value(in, c));
        }
        if (edit) {
            edit(b, in, out);
        }
        (void)sqlite3_step(out);
        rc = sqlite3_reset(out);
        if (rc) {
            code = db_fail(&b->to->db, rc, "taking a trial of Optuna's over", e);
        }
        *rows += 1;
    }
    if (!code && rc != SQLITE_DONE) {
        code = db_fail(&b->from, rc, "reading Optuna's tables", e);
    }
    (void)sqlite3_finalize(in);
    (void)sqlite3_finalize(out);
    return code;
}

/* In our space: with our distribution, since Optuna refuses a study where a list of choices changes. */
static void edit_param(struct begun *b, sqlite3_stmt *in, sqlite3_stmt *out)
{
    size_t range;
    double value;
    struct sbuf json = {0};
    if (!optuna_find_range(b->p, db_text(in, 1), db_f64(in, 2), db_text(in, 3), &range, &value)) {
        return;
    }
    optuna_distribution(&json, b->p, range);
    (void)sqlite3_bind_double(out, 3, optuna_internal(b->p, range, value));
    (void)sqlite3_bind_text(out, 4, json.text, (int)json.len, SQLITE_TRANSIENT);
    sbuf_release(&json);
    b->placed++;
}

static enum err_code copy_parts(struct begun *b, struct err *e)
{
    enum err_code code = ERR_OK;
    int rows = 0;
    for (size_t i = 0; !code && i < sizeof part / sizeof *part; i++) {
        struct sbuf select = {0}, insert = {0};
        sbuf_addf(&select, "SELECT x.trial_id, %s FROM %s x JOIN trials t ON t.trial_id = x.trial_id WHERE t.study_id = ?",
                  part[i].columns, part[i].table);
        sbuf_addf(&insert, "INSERT INTO %s(trial_id, %s) VALUES(?, %s)", part[i].table, part[i].columns, part[i].marks);
        code = copy_rows(b, select.text, insert.text, NULL, &rows, e);
        sbuf_release(&select);
        sbuf_release(&insert);
    }
    return code;
}

/* The one study of the file, whose values are to be as good in the same direction as ours. */
static enum err_code find_study(struct begun *b, struct err *e)
{
    static const char directions[] =
        "SELECT group_concat(direction) FROM (SELECT direction FROM study_directions WHERE study_id = ? ORDER BY objective)";
    sqlite3_stmt *st = NULL, *ours = NULL;
    int n = 0;
    enum err_code code = prepare(b, &st, "SELECT study_id FROM studies", e);
    for (; !code && sqlite3_step(st) == SQLITE_ROW; n++) {
        b->study = sqlite3_column_int64(st, 0);
    }
    (void)sqlite3_finalize(st);
    st = NULL;
    if (!code && n != 1) {
        return err_set(e, ERR_USAGE, "%s: holds %d studies; a file with one is wanted", b->from.path, n);
    }
    code = code ? code : prepare(b, &st, directions, e);
    int rc = code ? SQLITE_OK : sqlite3_prepare_v2(b->to->db.h, directions, -1, &ours, NULL);
    rc = code || rc ? rc : sqlite3_bind_int64(ours, 1, b->to->study_id);
    if (rc) {
        code = db_fail(&b->to->db, rc, "reading the study", e);
    }
    if (!code && (sqlite3_step(st) != SQLITE_ROW || sqlite3_step(ours) != SQLITE_ROW ||
                  strcmp(db_text(st, 0), db_text(ours, 0)) != 0)) {
        char theirs[60];
        code = err_set(e, ERR_USAGE, "%s: its direction is %s, study.objective asks for %s", b->from.path,
                       str_clean(theirs, sizeof theirs, db_text(st, 0)), db_text(ours, 0));
    }
    (void)sqlite3_finalize(st);
    (void)sqlite3_finalize(ours);
    return code;
}

static enum err_code take_over(struct begun *b, struct err *e)
{
    int rows = 0;
    enum err_code code = find_study(b, e);
    code = code ? code : copy_rows(b, "SELECT trial_id, number, state, datetime_start, datetime_complete FROM trials"
                                      " WHERE study_id = ? ORDER BY trial_id",
                                   "INSERT INTO trials(trial_id, number, state, datetime_start, datetime_complete,"
                                   " study_id) VALUES(?, ?, ?, ?, ?, 1)", NULL, &b->trials, e);
    code = code ? code : copy_rows(b, "SELECT x.trial_id, param_name, param_value, distribution_json FROM trial_params x"
                                      " JOIN trials t ON t.trial_id = x.trial_id WHERE t.study_id = ? ORDER BY param_id",
                                   "INSERT INTO trial_params(trial_id, param_name, param_value, distribution_json)"
                                   " VALUES(?, ?, ?, ?)", edit_param, &rows, e);
    code = code ? code : copy_parts(b, e);
    /* What runs there ends there; here nobody would ever end it. */
    code = code ? code : db_exec(&b->to->db, "UPDATE trials SET state = 'FAIL', datetime_complete = datetime_start"
                                             " WHERE state = 'RUNNING'", e);
    if (!code && b->placed == 0) {
        code = err_set(e, ERR_USAGE, "%s: none of its %d trials has a value in this space; parameters are named as here, like %s",
                       b->from.path, b->trials, b->p->n_ranges > 0 ? knob_info(b->p->range[0].knob)->full : "model.latent");
    }
    return code;
}

enum err_code store_begun(struct store *s, const char *path, const struct preset *p, int *trials, struct err *e)
{
    struct begun b = {.to = s, .p = p};
    struct db_options o = store_db_options(false, DB_READ);
    enum err_code code = db_open(&b.from, path, &o, e);
    if (code) {
        return code;
    }
    code = store_begin(s, e);
    if (!code) {
        code = db_exec(&b.from, "BEGIN", e); /* one state of it */
        code = code ? code : take_over(&b, e);
        if (code) {
            store_rollback(s);
        } else {
            code = store_commit(s, e);
        }
    }
    db_close(&b.from);
    *trials = b.trials;
    return code;
}
