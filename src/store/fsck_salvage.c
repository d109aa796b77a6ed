/* What can be read of a damaged study.db goes into a new one. */
#include "vaetop/store/fsck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"
#include "store_private.h"

#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/paths.h"

static const char *const tables[] = {
    "studies", "study_directions", "study_user_attributes", "study_system_attributes", "version_info", "trials",
    "trial_user_attributes", "trial_system_attributes", "trial_params", "trial_values", "trial_intermediate_values",
    "vaetop_study", "vaetop_fact", "vaetop_trial", "vaetop_epoch", "vaetop_edit", "vaetop_log", "vaetop_order",
    "vaetop_suggestion", "vaetop_note", "vaetop_foreign", "vaetop_rerun"};

/* A failed trial for each number that is missing. */
#define FILL(id)                                                                                                       \
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < (SELECT max(number) FROM trials))"       \
    " INSERT OR IGNORE INTO trials(trial_id, number, study_id, state, datetime_start, datetime_complete)"              \
    " SELECT " id ", i, 1, 'FAIL', strftime('%Y-%m-%d %H:%M:%f000', 'now'), strftime('%Y-%m-%d %H:%M:%f000', 'now')"   \
    " FROM n WHERE i NOT IN (SELECT number FROM trials) AND (SELECT count(*) FROM trials) > 0;"

/* Afterwards: nothing without its trial, no number missing, no unfinished trial with a gap, a name and an identity of
 * its own. */
static const char mend[] =
    "DELETE FROM vaetop_trial WHERE trial_id NOT IN (SELECT trial_id FROM trials);"
    "DELETE FROM trials WHERE trial_id NOT IN (SELECT min(trial_id) FROM trials GROUP BY number);"
    "INSERT OR IGNORE INTO vaetop_study(id, schema, study_id, changed, trials, value)"
    " SELECT 1, 1, 1, ifnull(max(changed), 0), count(*), 'best' FROM vaetop_trial;"
    "INSERT OR IGNORE INTO studies(study_id, study_name) VALUES(1, 'salvaged');"
    "INSERT OR IGNORE INTO study_directions(direction, study_id, objective) VALUES('MINIMIZE', 1, 0);"
    "INSERT OR IGNORE INTO version_info(version_info_id, schema_version, library_version) VALUES(1, 12, '4.9.0');"
    /* our half of a trial is lost: Optuna's half stays, as a failed one when it had not ended */
    "UPDATE trials SET state = 'FAIL' WHERE state IN ('RUNNING', 'WAITING') AND trial_id NOT IN"
    " (SELECT trial_id FROM vaetop_trial);"
    FILL("i + 1") /* as vaetop numbers them */
    FILL("-1 - i") /* else first: the newest trial has the greatest number and the greatest id */
    "DELETE FROM vaetop_epoch WHERE number NOT IN (SELECT number FROM vaetop_trial);"
    "DELETE FROM vaetop_epoch WHERE number IN (SELECT v.number FROM vaetop_trial v WHERE final = 0 AND"
    " (SELECT count(*) FROM vaetop_epoch e WHERE e.number = v.number) <> ifnull(v.last_epoch, 0));"
    "UPDATE vaetop_trial SET last_epoch = NULL, best_epoch = NULL WHERE final = 0 AND number NOT IN"
    " (SELECT number FROM vaetop_epoch);"
    "DELETE FROM trial_intermediate_values WHERE trial_id IN"
    " (SELECT trial_id FROM vaetop_trial WHERE last_epoch IS NULL);"
    "DELETE FROM vaetop_order WHERE number NOT IN (SELECT number FROM trials);"
    "DELETE FROM vaetop_order WHERE epoch > 0 AND number NOT IN (SELECT number FROM vaetop_epoch);"
    "DELETE FROM vaetop_rerun WHERE number NOT IN (SELECT number FROM vaetop_trial);"
    "DELETE FROM vaetop_note WHERE number NOT IN (SELECT number FROM vaetop_trial);"
    "DELETE FROM vaetop_suggestion WHERE number NOT IN (SELECT number FROM vaetop_trial);"
    "DELETE FROM trial_values WHERE trial_id NOT IN (SELECT trial_id FROM trials);"
    "DELETE FROM trial_params WHERE trial_id NOT IN (SELECT trial_id FROM trials);"
    "UPDATE vaetop_study SET trials = (SELECT count(*) FROM vaetop_trial);"
    "UPDATE vaetop_fact SET value = lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' ||"
    " substr(hex(randomblob(2)), 2) || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"
    " WHERE key = 'uuid';"
    "DELETE FROM vaetop_fact WHERE key IN ('engine', 'boot', 'error');"
    "UPDATE vaetop_fact SET value = 'stopped' WHERE key = 'phase' AND value = 'running';";

static char *insert_of(struct db *to, const char *table, struct sbuf *columns)
{
    struct sbuf marks = {0}, sql = {0};
    sqlite3_stmt *st = NULL;
    (void)sqlite3_prepare_v2(to->h, "SELECT name FROM pragma_table_info(?)", -1, &st, NULL);
    (void)sqlite3_bind_text(st, 1, table, -1, SQLITE_STATIC);
    while (sqlite3_step(st) == SQLITE_ROW) {
        sbuf_addf(columns, "%s\"%s\"", columns->len ? ", " : "", db_text(st, 0));
        sbuf_add(&marks, marks.len ? ", ?" : "?");
    }
    (void)sqlite3_finalize(st);
    sbuf_addf(&sql, "INSERT OR IGNORE INTO %s(%s) VALUES(%s)", table, columns->text, marks.text);
    sbuf_release(&marks);
    return sbuf_take(&sql);
}

/* One pass over a table, until its end or a page that cannot be read. True at the end. */
static bool copy_rows(struct db *from, struct db *to, const char *select, const char *insert, int64_t *rows)
{
    sqlite3_stmt *in = NULL, *out = NULL;
    int rc = sqlite3_prepare_v2(from->h, select, -1, &in, NULL);
    rc = rc ? rc : sqlite3_prepare_v2(to->h, insert, -1, &out, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(in)) == SQLITE_ROW) {
        for (int c = 0; c < sqlite3_column_count(in); c++) {
            (void)sqlite3_bind_value(out, c + 1, sqlite3_column_value(in, c));
        }
        if (sqlite3_step(out) == SQLITE_DONE) {
            *rows += sqlite3_changes(to->h);
        }
        rc = sqlite3_reset(out) == SQLITE_OK ? SQLITE_OK : SQLITE_OK; /* a row that does not fit is left out */
    }
    (void)sqlite3_finalize(in);
    (void)sqlite3_finalize(out);
    return rc == SQLITE_DONE;
}

/* From both ends: what lies behind a broken page comes with the second pass. */
static void copy_table(struct db *from, struct db *to, const char *table, int64_t *rows)
{
    struct sbuf columns = {0}, select = {0};
    const char *order = strcmp(table, "vaetop_epoch") == 0  ? "number DESC, epoch DESC"
                        : strcmp(table, "vaetop_fact") == 0 ? "key DESC"
                                                            : "rowid DESC";
    char *insert = insert_of(to, table, &columns);
    sbuf_addf(&select, "SELECT %s FROM %s NOT INDEXED", columns.text, table);
    if (!copy_rows(from, to, select.text, insert, rows)) {
        sbuf_addf(&select, " ORDER BY %s", order);
        (void)copy_rows(from, to, select.text, insert, rows);
    }
    sbuf_release(&columns);
    sbuf_release(&select);
    free(insert);
}

/* The preset is also a file; without it nothing of a study can be used. */
static enum err_code mend_preset(struct db *to, const char *dir, struct err *e)
{
    char *path = fs_join(dir, STUDY_PRESET), *text = NULL;
    size_t n;
    sqlite3_stmt *st = NULL;
    enum err_code rc = ERR_OK;
    if (!fs_read(&text, &n, path, (size_t)1 << 20, NULL)) {
        int bad = sqlite3_prepare_v2(to->h, "INSERT OR IGNORE INTO vaetop_fact(key, value) VALUES('preset', ?)", -1,
                                     &st, NULL);
        bad = bad ? bad : sqlite3_bind_text(st, 1, text, (int)n, SQLITE_STATIC);
        bad = bad ? bad : sqlite3_step(st);
        rc = bad == SQLITE_DONE ? ERR_OK : db_fail(to, bad, "salvaging", e);
        (void)sqlite3_finalize(st);
    }
    free(path);
    free(text);
    return rc;
}

static enum err_code set_name(struct db *to, const char *name, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(to->h, "UPDATE studies SET study_name = ?", -1, &st, NULL);
    rc = rc ? rc : sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    rc = rc ? rc : sqlite3_step(st);
    enum err_code code = rc == SQLITE_DONE ? ERR_OK : db_fail(to, rc, "salvaging", e);
    (void)sqlite3_finalize(st);
    return code;
}

/* Without a look at the first page's count or the schema's rows: each may be what is damaged. */
static enum err_code open_damaged(struct db *d, const char *path, struct err *e)
{
    struct db_options o = store_db_options(false, DB_READ);
    enum err_code rc = db_open(d, path, &o, e);
    if (rc) {
        err_prefix(e, "nothing can be read");
    }
    return rc;
}

enum err_code store_salvage(const char *dir, const char *to_dir, const char *name, int64_t *rows, struct err *e)
{
    char *from_path = fs_join(dir, STUDY_DB), *to_path = fs_join(to_dir, STUDY_DB);
    struct db from, to = {0};
    struct db_options o = store_db_options(store_on_network(to_dir), DB_CREATE);
    *rows = 0;
    enum err_code rc = open_damaged(&from, from_path, e);
    if (!rc) {
        rc = db_open(&to, to_path, &o, e);
        rc = rc ? rc : db_exec(&to, "BEGIN IMMEDIATE", e);
        rc = rc ? rc : schema_create_study(&to, e);
        for (size_t i = 0; !rc && i < sizeof tables / sizeof *tables; i++) {
            copy_table(&from, &to, tables[i], rows);
        }
        rc = rc ? rc : mend_preset(&to, dir, e);
        rc = rc ? rc : db_exec(&to, mend, e);
        rc = rc ? rc : set_name(&to, name, e);
        rc = rc ? rc : db_exec(&to, "COMMIT", e);
        db_close(&from);
        if (to.h) {
            db_close(&to);
        }
    }
    free(from_path);
    free(to_path);
    return rc;
}
