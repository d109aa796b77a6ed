/* The invariants of a study's data bases. */
#include "vaetop/store/fsck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"
#include "store_private.h"

#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/paths.h"

/* Which state goes with a phase, as an SQL table. */
#define X(id, letter, word, state, meaning) " UNION ALL SELECT '" word "', '" #state "'"
#define PHASES "(SELECT '' AS phase, '' AS state" TRIAL_PHASE_LIST(X) ")"
static const char phases[] = PHASES;
#undef X

/* Each query gives (trial or -1, text) for what is wrong. */
static const struct check {
    enum fsck_kind kind;
    const char *sql;
} checks[] = {
    {FSCK_DUPLICATED, "SELECT number, 'its number is there ' || count(*) || ' times' FROM trials"
                      " WHERE study_id = (SELECT study_id FROM vaetop_study) GROUP BY number HAVING count(*) > 1"},
    {FSCK_LOST, "SELECT -1, (max(number) + 1 - count(DISTINCT number)) || ' trials are missing below number '"
                " || max(number) FROM trials WHERE study_id = (SELECT study_id FROM vaetop_study)"
                " HAVING max(number) + 1 > count(DISTINCT number)"},
    {FSCK_LOST, "SELECT -1, (s.trials - n) || ' of our ' || s.trials || ' trials are missing' FROM vaetop_study s,"
                " (SELECT count(*) AS n FROM vaetop_trial) WHERE n < s.trials"},
    {FSCK_LOST, "SELECT v.number, 'its row in trials is missing' FROM vaetop_trial v LEFT JOIN trials t"
                " ON t.trial_id = v.trial_id WHERE t.trial_id IS NULL"},
    {FSCK_DUPLICATED, "SELECT min(number), count(*) || ' trials share one row of trials' FROM vaetop_trial"
                      " GROUP BY trial_id HAVING count(*) > 1"},
    {FSCK_CORRUPTED, "SELECT v.number, 'phase ' || v.phase || ' and state ' || t.state || ' do not go together'"
                     " FROM vaetop_trial v JOIN trials t ON t.trial_id = v.trial_id LEFT JOIN @ p ON p.phase = v.phase"
                     " WHERE p.state IS NULL OR (v.final AND p.state <> t.state)"
                     " OR v.final <> (p.state IN ('COMPLETE', 'PRUNED', 'FAIL'))"},
    {FSCK_LOST, "SELECT v.number, 'done, but without a value' FROM vaetop_trial v JOIN trials t"
                " ON t.trial_id = v.trial_id WHERE v.phase = 'done' AND (v.value IS NULL OR NOT EXISTS"
                " (SELECT 1 FROM trial_values w WHERE w.trial_id = v.trial_id))"},
    {FSCK_CORRUPTED, "SELECT v.number, 'its value is ' || v.value || ' here and ' || w.value || ' in trial_values'"
                     " FROM vaetop_trial v JOIN trial_values w ON w.trial_id = v.trial_id"
                     " WHERE v.final AND w.objective = 0 AND abs(v.value) <> abs(w.value) AND NOT EXISTS"
                     " (SELECT 1 FROM study_directions WHERE objective = 1)"}, /* of two, ours is their sum's scoring */
    {FSCK_LOST, "SELECT v.number, (v.last_epoch - count(e.epoch)) || ' of ' || v.last_epoch || ' epochs are missing'"
                " FROM vaetop_trial v LEFT JOIN vaetop_epoch e ON e.number = v.number AND e.epoch BETWEEN 1 AND"
                " v.last_epoch WHERE v.last_epoch IS NOT NULL GROUP BY v.number HAVING count(e.epoch) < v.last_epoch"},
    {FSCK_CORRUPTED, "SELECT e.number, 'epoch ' || e.epoch || ' lies outside 1 .. ' || ifnull(v.last_epoch, 0)"
                     " FROM vaetop_epoch e LEFT JOIN vaetop_trial v ON v.number = e.number"
                     " WHERE v.number IS NULL OR e.epoch < 1 OR e.epoch > ifnull(v.last_epoch, 0)"},
    {FSCK_DUPLICATED, "SELECT v.number, count(*) || ' intermediate values for ' || v.last_epoch || ' epochs'"
                      " FROM vaetop_trial v JOIN trial_intermediate_values i ON i.trial_id = v.trial_id"
                      " GROUP BY v.number HAVING count(*) > ifnull(v.last_epoch, 0)"},
    {FSCK_CORRUPTED, "SELECT -1, count(*) || ' values belong to no trial' FROM trial_values"
                     " WHERE trial_id NOT IN (SELECT trial_id FROM trials) HAVING count(*) > 0"},
    {FSCK_CORRUPTED, "SELECT -1, count(*) || ' parameters belong to no trial' FROM trial_params"
                     " WHERE trial_id NOT IN (SELECT trial_id FROM trials) HAVING count(*) > 0"},
};

const char *fsck_word(enum fsck_kind kind)
{
    static const char *const word[FSCK_KINDS] = {"lost", "duplicated", "corrupted", "stray"};
    return word[kind];
}

struct teller {
    fsck_fn *fn;
    void *arg;
    const char *file;
};

static void tell(const struct teller *t, enum fsck_kind kind, int trial, const char *text)
{
    char clean[300], line[360];
    (void)snprintf(line, sizeof line, "%s: %s", t->file, str_clean(clean, sizeof clean, text));
    t->fn(t->arg, kind, trial, line);
}

/* Runs one query; '@' in it stands for the table of phases. A refusal of SQLite's is itself a finding. */
static void run_check(struct db *d, const struct teller *t, const struct check *c)
{
    struct sbuf sql = {0};
    const char *at = strchr(c->sql, '@');
    sbuf_add_bytes(&sql, c->sql, at ? (size_t)(at - c->sql) : strlen(c->sql));
    if (at) {
        sbuf_addf(&sql, "%s%s", phases, at + 1);
    }
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(d->h, sql.text, -1, &st, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        tell(t, c->kind, db_int(st, 0), db_text(st, 1));
        rc = SQLITE_OK;
    }
    if (rc != SQLITE_DONE) {
        tell(t, FSCK_CORRUPTED, -1, sqlite3_errmsg(d->h));
    }
    (void)sqlite3_finalize(st);
    sbuf_release(&sql);
}

/* True when every page and index is right. */
static bool check_whole(struct db *d, const struct teller *t)
{
    sqlite3_stmt *st = NULL;
    bool whole = true;
    int rc = sqlite3_prepare_v2(d->h, "PRAGMA integrity_check(20)", -1, &st, NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        if (strcmp(db_text(st, 0), "ok") != 0) {
            whole = false;
            tell(t, FSCK_CORRUPTED, -1, db_text(st, 0));
        }
        rc = SQLITE_OK;
    }
    if (rc != SQLITE_DONE) {
        whole = false;
        tell(t, FSCK_CORRUPTED, -1, sqlite3_errmsg(d->h));
    }
    (void)sqlite3_finalize(st);
    return whole;
}

/* Opens for reading. Damage is told and *open stays false. */
static enum err_code open_file(struct db *d, bool *open, const char *path, const struct teller *t, struct err *e)
{
    struct db_options o = store_db_options(false, DB_READ);
    enum err_code rc = db_open(d, path, &o, e);
    *open = rc == ERR_OK;
    if (rc == ERR_DB) {
        tell(t, FSCK_CORRUPTED, -1, e->text);
        rc = ERR_OK;
    }
    return rc;
}

static enum err_code check_study(const char *path, const struct teller *t, struct err *e)
{
    struct db d;
    bool open;
    enum err_code rc = open_file(&d, &open, path, t, e);
    if (!open) {
        return rc;
    }
    if (sqlite3_exec(d.h, "BEGIN", NULL, NULL, NULL) != SQLITE_OK) { /* one state of a study that runs on */
        rc = db_fail(&d, sqlite3_errcode(d.h), "checking", e);
    } else {
        struct err why;
        (void)check_whole(&d, t); /* what is damaged is told; the rest is looked at all the same */
        if (schema_check_study(&d, &why)) {
            tell(t, FSCK_CORRUPTED, -1, why.text);
        } else {
            for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
                run_check(&d, t, &checks[i]);
            }
        }
    }
    db_close(&d);
    return rc;
}

static enum err_code check_snapshots(const char *path, const struct teller *t, struct err *e)
{
    struct db d;
    struct err why;
    bool open;
    if (!fs_exists(path)) {
        return ERR_OK; /* somebody made room */
    }
    enum err_code rc = open_file(&d, &open, path, t, e);
    if (!open) {
        return rc;
    }
    if (check_whole(&d, t) && schema_check_snapshots(&d, &why)) {
        tell(t, FSCK_CORRUPTED, -1, why.text);
    }
    db_close(&d);
    return rc;
}

enum err_code store_fsck(const char *dir, fsck_fn *fn, void *arg, struct err *e)
{
    char *study = fs_join(dir, STUDY_DB), *shots = fs_join(dir, STUDY_SNAPSHOTS);
    struct teller t = {fn, arg, STUDY_DB};
    enum err_code rc = check_study(study, &t, e);
    t.file = STUDY_SNAPSHOTS;
    rc = rc ? rc : check_snapshots(shots, &t, e);
    free(study);
    free(shots);
    return rc;
}
