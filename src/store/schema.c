#include "schema.h"

#include <string.h>

#include "vaetop/base/str.h"
#include "vaetop/conf/trial.h"

/* Optuna's tables as its newest release makes them, but for alembic_version: a file without that table opens in every
 * Optuna since 3.0, which then stamps it with its own version. Source: optuna/storages/_rdb/models.py. */
static const char optuna_tables[] =
    "CREATE TABLE studies (study_id INTEGER NOT NULL, study_name VARCHAR(512) NOT NULL, PRIMARY KEY (study_id));"
    "CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);"
    "CREATE TABLE version_info (version_info_id INTEGER NOT NULL, schema_version INTEGER, library_version VARCHAR(256),"
    " PRIMARY KEY (version_info_id), CHECK (version_info_id=1));"
    "CREATE TABLE study_directions (study_direction_id INTEGER NOT NULL, direction VARCHAR(8) NOT NULL,"
    " study_id INTEGER NOT NULL, objective INTEGER NOT NULL, PRIMARY KEY (study_direction_id),"
    " UNIQUE (study_id, objective), FOREIGN KEY(study_id) REFERENCES studies (study_id));"
    "CREATE TABLE study_user_attributes (study_user_attribute_id INTEGER NOT NULL, study_id INTEGER,"
    " \"key\" VARCHAR(512), value_json TEXT, PRIMARY KEY (study_user_attribute_id), UNIQUE (study_id, \"key\"),"
    " FOREIGN KEY(study_id) REFERENCES studies (study_id));"
    "CREATE TABLE study_system_attributes (study_system_attribute_id INTEGER NOT NULL, study_id INTEGER,"
    " \"key\" VARCHAR(512), value_json TEXT, PRIMARY KEY (study_system_attribute_id), UNIQUE (study_id, \"key\"),"
    " FOREIGN KEY(study_id) REFERENCES studies (study_id));"
    "CREATE TABLE trials (trial_id INTEGER NOT NULL, number INTEGER, study_id INTEGER, state VARCHAR(8) NOT NULL,"
    " datetime_start DATETIME, datetime_complete DATETIME, PRIMARY KEY (trial_id),"
    " FOREIGN KEY(study_id) REFERENCES studies (study_id));"
    "CREATE INDEX ix_trials_study_id ON trials (study_id);"
    "CREATE TABLE trial_user_attributes (trial_user_attribute_id INTEGER NOT NULL, trial_id INTEGER,"
    " \"key\" VARCHAR(512), value_json TEXT, PRIMARY KEY (trial_user_attribute_id), UNIQUE (trial_id, \"key\"),"
    " FOREIGN KEY(trial_id) REFERENCES trials (trial_id));"
    "CREATE TABLE trial_system_attributes (trial_system_attribute_id INTEGER NOT NULL, trial_id INTEGER,"
    " \"key\" VARCHAR(512), value_json TEXT, PRIMARY KEY (trial_system_attribute_id), UNIQUE (trial_id, \"key\"),"
    " FOREIGN KEY(trial_id) REFERENCES trials (trial_id));"
    "CREATE TABLE trial_params (param_id INTEGER NOT NULL, trial_id INTEGER, param_name VARCHAR(512),"
    " param_value FLOAT, distribution_json TEXT, PRIMARY KEY (param_id), UNIQUE (trial_id, param_name),"
    " FOREIGN KEY(trial_id) REFERENCES trials (trial_id));"
    "CREATE TABLE trial_values (trial_value_id INTEGER NOT NULL, trial_id INTEGER NOT NULL, objective INTEGER NOT NULL,"
    " value FLOAT, value_type VARCHAR(7) NOT NULL, PRIMARY KEY (trial_value_id), UNIQUE (trial_id, objective),"
    " FOREIGN KEY(trial_id) REFERENCES trials (trial_id));"
    "CREATE TABLE trial_intermediate_values (trial_intermediate_value_id INTEGER NOT NULL, trial_id INTEGER NOT NULL,"
    " step INTEGER NOT NULL, intermediate_value FLOAT, intermediate_value_type VARCHAR(7) NOT NULL,"
    " PRIMARY KEY (trial_intermediate_value_id), UNIQUE (trial_id, step),"
    " FOREIGN KEY(trial_id) REFERENCES trials (trial_id));"
    "CREATE TABLE trial_heartbeats (trial_heartbeat_id INTEGER NOT NULL, trial_id INTEGER NOT NULL,"
    " heartbeat DATETIME NOT NULL, PRIMARY KEY (trial_heartbeat_id), UNIQUE (trial_id),"
    " FOREIGN KEY(trial_id) REFERENCES trials (trial_id));";

/* Ours. vaetop_study has one row. vaetop_trial repeats a trial's newest and best epoch, so that a list of 100,000
 * trials is one scan; vaetop_epoch is clustered by trial. */
static const char our_tables[] =
    "CREATE TABLE vaetop_study (id INTEGER PRIMARY KEY CHECK (id = 1), schema INTEGER NOT NULL,"
    " study_id INTEGER NOT NULL, changed INTEGER NOT NULL, trials INTEGER NOT NULL, value TEXT NOT NULL);"
    "CREATE TABLE vaetop_fact (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE vaetop_trial (number INTEGER PRIMARY KEY, trial_id INTEGER NOT NULL, phase TEXT NOT NULL,"
    " final INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '', device TEXT NOT NULL DEFAULT '',"
    " attempts INTEGER NOT NULL DEFAULT 0, edited INTEGER NOT NULL DEFAULT 0, kept INTEGER NOT NULL DEFAULT 0,"
    " start_us INTEGER NOT NULL DEFAULT 0, complete_us INTEGER NOT NULL DEFAULT 0, step INTEGER NOT NULL DEFAULT 0,"
    " steps INTEGER NOT NULL DEFAULT 0, epochs INTEGER NOT NULL, rate REAL, value REAL, warmup INTEGER NOT NULL,"
    " point BLOB NOT NULL, last_epoch INTEGER, last_step INTEGER"
#define X(member, unit, meaning) ", last_" #member " REAL"
    EPOCH_METRIC_LIST(X)
#undef X
    ", best_epoch INTEGER, best_step INTEGER"
#define X(member, unit, meaning) ", best_" #member " REAL"
    EPOCH_METRIC_LIST(X)
#undef X
    ", changed INTEGER NOT NULL);"
    "CREATE INDEX vaetop_trial_changed ON vaetop_trial (changed);"
    "CREATE INDEX vaetop_trial_open ON vaetop_trial (number) WHERE final = 0;"
    "CREATE TABLE vaetop_epoch (number INTEGER NOT NULL, epoch INTEGER NOT NULL, step INTEGER NOT NULL"
#define X(member, unit, meaning) ", " #member " REAL"
    EPOCH_METRIC_LIST(X)
#undef X
    ", PRIMARY KEY (number, epoch)) WITHOUT ROWID;"
    "CREATE TABLE vaetop_edit (id INTEGER PRIMARY KEY, number INTEGER NOT NULL, knob TEXT NOT NULL,"
    " value TEXT NOT NULL, step INTEGER NOT NULL);"
    "CREATE INDEX vaetop_edit_number ON vaetop_edit (number);"
    "CREATE TABLE vaetop_device (idx INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, state TEXT NOT NULL,"
    " slots_used INTEGER NOT NULL, slots INTEGER NOT NULL, bytes_used INTEGER NOT NULL, bytes_total INTEGER NOT NULL,"
    " busy REAL, worker_pid INTEGER NOT NULL, worker_start INTEGER NOT NULL);"
    "CREATE TABLE vaetop_log (id INTEGER PRIMARY KEY, utc_us INTEGER NOT NULL, trial INTEGER NOT NULL,"
    " text TEXT NOT NULL);";

/* Added after the first release: a writer makes them in a study that lacks them, a reader does without. vaetop_order has
 * the trials in the order in which they ended (epoch 0) or were held at a rung, vaetop_card the devices as the engine last
 * saw them, vaetop_foreign the trials of another study that the sampler started from. */
static const char added_tables[] =
    "CREATE TABLE IF NOT EXISTS vaetop_order (seq INTEGER PRIMARY KEY, number INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, UNIQUE (number, epoch));"
    "CREATE TABLE IF NOT EXISTS vaetop_suggestion (number INTEGER PRIMARY KEY, seed INTEGER NOT NULL,"
    " told INTEGER NOT NULL, fit INTEGER NOT NULL, mean REAL, sd REAL, expected REAL, sampler TEXT NOT NULL,"
    " running TEXT NOT NULL, text TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS vaetop_rerun (number INTEGER PRIMARY KEY, of INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS vaetop_note (number INTEGER NOT NULL, kind TEXT NOT NULL, epoch INTEGER NOT NULL,"
    " text TEXT NOT NULL, PRIMARY KEY (number, kind)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS vaetop_card (idx INTEGER PRIMARY KEY, key TEXT NOT NULL, name TEXT NOT NULL,"
    " type TEXT NOT NULL, use TEXT NOT NULL, note TEXT NOT NULL, first_slice INTEGER NOT NULL,"
    " slices INTEGER NOT NULL, temperature_c REAL, power_w REAL, load REAL);"
    "CREATE TABLE IF NOT EXISTS vaetop_foreign (id INTEGER PRIMARY KEY, phase TEXT NOT NULL, value REAL,"
    " epoch INTEGER NOT NULL, point BLOB NOT NULL, second REAL, violation REAL);";

static const char *const study_names[] = {
    "studies", "study_directions", "study_user_attributes", "study_system_attributes", "version_info", "trials",
    "trial_user_attributes", "trial_system_attributes", "trial_params", "trial_values", "trial_intermediate_values",
    "vaetop_study", "vaetop_fact", "vaetop_trial", "vaetop_epoch", "vaetop_edit", "vaetop_device", "vaetop_log"};

static const char snapshot_tables[] =
    "CREATE TABLE vaetop_snapshot (id INTEGER PRIMARY KEY, number INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " bytes INTEGER NOT NULL, n_points INTEGER NOT NULL, xy_scale REAL, explained REAL, kl BLOB NOT NULL,"
    " xy BLOB NOT NULL, label BLOB NOT NULL, n_images INTEGER, image_h INTEGER, image_w INTEGER, pixels BLOB);"
    "CREATE UNIQUE INDEX vaetop_snapshot_epoch ON vaetop_snapshot (number, epoch);"
    "CREATE INDEX vaetop_snapshot_bytes ON vaetop_snapshot (id, bytes);";

static const char *const snapshot_names[] = {"vaetop_snapshot"};

enum err_code schema_create_study(struct db *d, struct err *e)
{
    enum err_code code = db_exec(d, optuna_tables, e);
    code = code ? code : db_exec(d, our_tables, e);
    return code ? code : db_exec(d, added_tables, e);
}

enum err_code schema_add_tables(struct db *d, struct err *e)
{
    return db_exec(d, added_tables, e);
}

enum err_code schema_has(bool *there, struct db *d, const char *table, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(d->h, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1 AND"
                                      " sql LIKE 'CREATE TABLE %'", -1, &st, NULL);
    rc = rc ? rc : sqlite3_bind_text(st, 1, table, -1, SQLITE_STATIC);
    rc = rc ? rc : sqlite3_step(st);
    *there = rc == SQLITE_ROW && sqlite3_column_int(st, 0) == 1;
    enum err_code code = rc == SQLITE_ROW ? ERR_OK : db_fail(d, rc, "reading the schema", e);
    (void)sqlite3_finalize(st);
    return code;
}

enum err_code schema_create_snapshots(struct db *d, struct err *e)
{
    return db_exec(d, snapshot_tables, e);
}

/* Each name must be a plain table: a view or a virtual table of that name is a trap. */
static enum err_code check_tables(struct db *d, const char *const *name, size_t n, const char *what, struct err *e)
{
    enum err_code code = ERR_OK;
    for (size_t i = 0; !code && i < n; i++) {
        bool there = false;
        code = schema_has(&there, d, name[i], e);
        if (!code && !there) {
            code = err_set(e, ERR_DB, "%s: not %s: table %s is missing", d->path, what, name[i]);
        }
    }
    return code;
}

/* The one number that says whether we understand the rest. 0: not there. */
static enum err_code read_schema(struct db *d, int *schema, struct err *e)
{
    static const char *const name[] = {"vaetop_study"};
    sqlite3_stmt *st = NULL;
    *schema = 0;
    enum err_code code = check_tables(d, name, 1, "a study of vaetop", e);
    if (code) {
        return code;
    }
    int rc = sqlite3_prepare_v2(d->h, "SELECT schema FROM vaetop_study", -1, &st, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(st);
    }
    if (rc == SQLITE_ROW) {
        *schema = db_int(st, 0);
    } else {
        code = rc == SQLITE_DONE ? err_set(e, ERR_DB, "%s: damaged: vaetop_study has no row", d->path)
                                 : db_fail(d, rc, "reading the schema", e);
    }
    (void)sqlite3_finalize(st);
    return code;
}

enum err_code schema_check_study(struct db *d, struct err *e)
{
    int schema;
    enum err_code code = read_schema(d, &schema, e);
    if (code) {
        return code;
    }
    if (schema > STORE_SCHEMA) {
        return err_set(e, ERR_DB, "%s: written by a newer vaetop (schema %d, this one knows %d); use that vaetop",
                       d->path, schema, STORE_SCHEMA);
    }
    if (schema < 1) {
        return err_set(e, ERR_DB, "%s: damaged: schema %d in vaetop_study, expected %d", d->path, schema, STORE_SCHEMA);
    }
    return check_tables(d, study_names, sizeof study_names / sizeof *study_names, "a study of vaetop", e);
}

enum err_code schema_check_snapshots(struct db *d, struct err *e)
{
    return check_tables(d, snapshot_names, 1, "a snapshot file of vaetop", e);
}
