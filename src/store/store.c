#include "store_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "optuna.h"
#include "schema.h"

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/objective.h"
#include "vaetop/conf/paths.h"

/* The library version written beside Optuna's schema number; any release that reads schema 12 will do. */
#define OPTUNA_VERSION "4.9.0"
#define OPTUNA_SCHEMA 12

enum {
    WRITER_WAIT_MS = 1000, /* the engine has other things to do than to wait for a lock */
    READER_WAIT_MS = 5000
};

static const char *const statement[] = {
#define X(id, sql) sql,
    STMT_LIST(X)
#undef X
};

struct db_options store_db_options(bool network, enum db_mode mode)
{
    return (struct db_options){.mode = mode,
                               .network = network,
                               .durable = true,
                               .busy_ms = mode == DB_READ ? READER_WAIT_MS : WRITER_WAIT_MS,
                               .sql = statement,
                               .n_sql = ST_COUNT};
}

bool store_on_network(const char *dir)
{
    const char *name;
    return fs_is_network(dir, &name);
}

/* A word in the study's log, for the person who wonders why it is slower there. */
static enum err_code note_network(struct store *s, const char *dir, struct err *e)
{
    const char *name;
    char text[160];
    if (!fs_is_network(dir, &name)) {
        return ERR_OK;
    }
    (void)snprintf(text, sizeof text, "the study lies on %s: commits take longer, and only this host may open it",
                   name);
    return store_log(s, -1, text, e);
}

/* --- transactions */

static enum err_code begin(struct store *s, struct err *e)
{
    sqlite3_stmt *st;
    bool row;
    enum err_code code = db_run(&s->db, ST_BEGIN_WRITE, e, "");
    if (code) {
        return code;
    }
    code = db_bind(&s->db, &st, ST_CHANGED_GET, e, "");
    code = code ? code : db_step(&s->db, st, &row, e);
    if (code) {
        store_rollback(s);
        return code;
    }
    s->changed = row ? sqlite3_column_int64(st, 0) : 0;
    db_done(st);
    s->in_tx = true;
    s->touched = false;
    return ERR_OK;
}

enum err_code store_begin(struct store *s, struct err *e)
{
    if (!s->rw) {
        return err_set(e, ERR_USAGE, "%s: opened for reading only", s->db.path);
    }
    if (s->in_tx) {
        return err_set(e, ERR_USAGE, "%s: a transaction is open already", s->db.path);
    }
    return begin(s, e);
}

enum err_code store_commit(struct store *s, struct err *e)
{
    if (!s->in_tx) {
        return err_set(e, ERR_USAGE, "%s: no transaction is open", s->db.path);
    }
    enum err_code code = s->touched ? db_run(&s->db, ST_CHANGED_SET, e, "l", s->changed) : ERR_OK;
    code = code ? code : db_run(&s->db, ST_COMMIT, e, "");
    if (code) {
        store_rollback(s);
    }
    s->in_tx = false;
    return code;
}

void store_rollback(struct store *s)
{
    /* A full disk makes SQLite roll back by itself; then there is nothing left to undo. */
    if (s->db.h && !sqlite3_get_autocommit(s->db.h)) {
        struct err ignored;
        if (db_run(&s->db, ST_ROLLBACK, &ignored, "")) {
            (void)sqlite3_exec(s->db.h, "ROLLBACK", NULL, NULL, NULL);
        }
    }
    s->in_tx = false;
}

enum err_code write_enter(struct store *s, bool *own, struct err *e)
{
    *own = false;
    if (!s->in_tx) {
        enum err_code code = store_begin(s, e);
        *own = code == ERR_OK;
        return code;
    }
    if (sqlite3_get_autocommit(s->db.h)) {
        return err_set(e, ERR_IO, "%s: an earlier error undid this transaction; start it again", s->db.path);
    }
    return ERR_OK;
}

enum err_code write_leave(struct store *s, bool own, enum err_code rc, struct err *e)
{
    if (own && rc) {
        store_rollback(s);
        return rc;
    }
    return own ? store_commit(s, e) : rc;
}

int64_t write_touch(struct store *s)
{
    if (!s->touched) {
        s->touched = true;
        s->changed++;
    }
    return s->changed;
}

enum err_code read_enter(struct store *s, bool *own, struct err *e)
{
    *own = false;
    if (!sqlite3_get_autocommit(s->db.h)) {
        return ERR_OK;
    }
    enum err_code code = db_run(&s->db, ST_BEGIN_READ, e, "");
    *own = code == ERR_OK;
    return code;
}

enum err_code read_leave(struct store *s, bool own, enum err_code rc, struct err *e)
{
    struct err second;
    if (!own) {
        return rc;
    }
    enum err_code end = db_run(&s->db, ST_COMMIT, rc ? &second : e, "");
    if (end) {
        store_rollback(s);
    }
    return rc ? rc : end;
}

/* --- creating */

static void make_uuid(char out[37])
{
    unsigned char b[16];
    if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b) {
        abort(); /* 16 bytes always come at once: getrandom(2) */
    }
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); /* version 4, RFC 4122 */
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    static const char hex[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < sizeof b; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            out[at++] = '-';
        }
        out[at++] = hex[b[i] >> 4];
        out[at++] = hex[b[i] & 15];
    }
    out[at] = '\0';
}

enum err_code store_put_attr(struct store *s, const char *key, const char *text, struct err *e)
{
    struct sbuf json = {0};
    optuna_string(&json, text);
    enum err_code code = db_run(&s->db, ST_STUDY_ATTR, e, "ltt", s->study_id, key, json.text);
    sbuf_release(&json);
    return code;
}

static enum err_code put_facts(struct store *s, const struct preset *p, const char *data_note, struct err *e)
{
    struct sbuf yaml = {0};
    char uuid[37];
    make_uuid(uuid);
    preset_format(&yaml, p);
    const char *const fact[][2] = {{"preset", yaml.text ? yaml.text : ""}, {"preset_name", p->name ? p->name : ""},
                                   {"data", data_note ? data_note : ""}, {"uuid", uuid}, {"version", VAETOP_VERSION}};
    enum err_code code = ERR_OK;
    for (size_t i = 0; !code && i < sizeof fact / sizeof *fact; i++) {
        code = store_fact_set(s, fact[i][0], fact[i][1], e);
    }
    code = code ? code : store_put_attr(s, "vaetop_version", VAETOP_VERSION, e);
    code = code ? code : store_put_attr(s, "vaetop_preset", yaml.text ? yaml.text : "", e);
    code = code ? code : store_put_attr(s, "vaetop_data", data_note ? data_note : "", e);
    sbuf_release(&yaml);
    return code;
}

static enum err_code run_text(struct store *s, const char *sql, const char *text, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(s->db.h, sql, -1, &st, NULL);
    rc = rc ? rc : sqlite3_bind_text(st, 1, text, -1, SQLITE_STATIC);
    rc = rc ? rc : sqlite3_step(st);
    enum err_code code = rc == SQLITE_DONE ? ERR_OK : db_fail(&s->db, rc, "creating the study", e);
    (void)sqlite3_finalize(st);
    return code;
}

static enum err_code put_directions(struct store *s, enum objective o, struct err *e)
{
    struct sbuf names = {0};
    const char *direction = objective_maximised(o) ? "MAXIMIZE" : "MINIMIZE";
    enum err_code code = ERR_OK;
    for (int k = 0; k < objective_count(o) && !code; k++) {
        const char *unit = objective_unit(o);
        bool elbo = o == OBJECTIVE_ELBO;
        sbuf_addf(&names, "%s\"%s%s%s%s\"", k > 0 ? ", " : "[", elbo ? "negative ELBO" : objective_name(o, k),
                  *unit ? " (" : "", unit, *unit ? ")" : "");
        code = run_text(s, k == 0 ? "INSERT INTO study_directions(direction, study_id, objective) VALUES(?, 1, 0)"
                                  : "INSERT INTO study_directions(direction, study_id, objective) VALUES(?, 1, 1)",
                        direction, e);
    }
    sbuf_add(&names, "]");
    code = code ? code : run_text(s, "INSERT INTO study_system_attributes(study_id, key, value_json)"
                                     " VALUES(1, 'study:metric_names', ?)", names.text, e);
    sbuf_release(&names);
    return code;
}

static enum err_code fill_study(struct store *s, const char *name, const struct preset *p, const char *data_note,
                                struct err *e)
{
    enum err_code code = schema_create_study(&s->db, e);
    code = code ? code : run_text(s, "INSERT INTO studies(study_id, study_name) VALUES(1, ?)", name, e);
    code = code ? code : put_directions(s, objective_of(&p->base), e);
    code = code ? code : run_text(s, "INSERT INTO version_info(version_info_id, schema_version, library_version)"
                                     " VALUES(1, 12, ?)", OPTUNA_VERSION, e);
    const char *value = knob_choice_name(KNOB_STUDY_VALUE, config_choice(&p->base, KNOB_STUDY_VALUE));
    code = code ? code : run_text(s, "INSERT INTO vaetop_study(id, schema, study_id, changed, trials, value)"
                                     " VALUES(1, 1, 1, 0, 0, ?)",
                                  value ? value : "best", e);
    s->study_id = 1;
    return code ? code : put_facts(s, p, data_note, e);
}

static enum err_code create_study(const char *dir, const char *name, const struct preset *p, const char *data_note,
                                  struct err *e)
{
    struct store s = {.rw = true};
    s.network = store_on_network(dir);
    char *path = fs_join(dir, STUDY_DB);
    struct db_options o = store_db_options(s.network, DB_CREATE);
    enum err_code code = db_open(&s.db, path, &o, e);
    if (!code) {
        code = db_exec(&s.db, "BEGIN IMMEDIATE", e);
        s.in_tx = true;
        code = code ? code : fill_study(&s, name, p, data_note, e);
        code = code ? code : note_network(&s, dir, e);
        code = code ? code : store_commit(&s, e);
        if (code) {
            store_rollback(&s);
        }
        db_close(&s.db);
        if (code) {
            db_remove(path); /* ours since O_EXCL: half a study is worse than none */
        }
    }
    free(path);
    return code;
}

enum err_code store_create(const char *dir, const char *study_name, const struct preset *p, const char *data_note,
                           struct err *e)
{
    _Static_assert(STORE_SCHEMA == 1 && OPTUNA_SCHEMA == 12, "numbers in the INSERTs of fill_study()");
    enum err_code code = create_study(dir, study_name, p, data_note, e);
    if (code) {
        return code;
    }
    code = shots_create(dir, store_on_network(dir), e);
    if (code) {
        char *path = fs_join(dir, STUDY_DB);
        db_remove(path);
        free(path);
    }
    return code;
}

/* --- opening */

static enum err_code read_study(struct store *s, struct err *e)
{
    sqlite3_stmt *st;
    bool row;
    enum err_code code = schema_check_study(&s->db, e);
    code = code ? code : db_bind(&s->db, &st, ST_STUDY_GET, e, "");
    code = code ? code : db_step(&s->db, st, &row, e);
    if (code) {
        return code;
    }
    if (!row) {
        return err_set(e, ERR_DB, "%s: damaged: vaetop_study has no row", s->db.path);
    }
    s->study_id = sqlite3_column_int64(st, 0);
    s->value_last = strcmp(db_text(st, 1), "last") == 0;
    s->changed = sqlite3_column_int64(st, 2);
    db_done(st);
    return ERR_OK;
}

enum err_code store_open(struct store **out, const char *dir, bool rw, struct err *e)
{
    struct store *s = xcalloc(1, sizeof *s);
    *out = NULL;
    s->dir = xstrdup(dir);
    s->rw = rw;
    s->network = store_on_network(dir);
    s->shot_limit = (int64_t)256 << 20;
    s->shot_bytes = -1;
    char *path = fs_join(dir, STUDY_DB);
    struct db_options o = store_db_options(s->network, rw ? DB_WRITE : DB_READ);
    enum err_code code = db_open(&s->db, path, &o, e);
    code = code ? code : read_study(s, e);
    code = code || !rw ? code : schema_add_tables(&s->db, e);
    free(path);
    if (code) {
        store_close(s);
        return code;
    }
    *out = s;
    return ERR_OK;
}

void store_close(struct store *s)
{
    if (!s) {
        return;
    }
    store_rollback(s);
    db_close(&s->db);
    shots_close(s);
    if (s->have_preset) {
        preset_release(&s->preset);
    }
    free(s->dir);
    free(s);
}

/* --- facts */

enum err_code store_fact_set(struct store *s, const char *key, const char *value, struct err *e)
{
    bool own;
    enum err_code code = write_enter(s, &own, e);
    code = code ? code : db_run(&s->db, ST_FACT_SET, e, "tt", key, value);
    return write_leave(s, own, code, e);
}

/* One text of a one-row query. Owns: caller frees *out; NULL when there is no row. */
static enum err_code take_text(struct store *s, sqlite3_stmt *st, char **out, struct err *e)
{
    bool row;
    enum err_code code = db_step(&s->db, st, &row, e);
    *out = NULL;
    if (!code && row) {
        *out = xstrdup(db_text(st, 0));
        db_done(st);
    }
    return code;
}

enum err_code store_fact_get(struct store *s, const char *key, char **value, struct err *e)
{
    sqlite3_stmt *st;
    *value = NULL;
    enum err_code code = db_bind(&s->db, &st, ST_FACT_GET, e, "t", key);
    return code ? code : take_text(s, st, value, e);
}

enum err_code store_name(struct store *s, char **name, struct err *e)
{
    sqlite3_stmt *st;
    *name = NULL;
    enum err_code code = db_bind(&s->db, &st, ST_NAME_GET, e, "l", s->study_id);
    code = code ? code : take_text(s, st, name, e);
    if (!code && !*name) {
        code = err_set(e, ERR_DB, "%s: damaged: the study has no name", s->db.path);
    }
    return code;
}

/* The preset under a key; under "preset" where that is absent. */
static enum err_code preset_fact(struct store *s, const char *key, struct preset *out, struct err *e)
{
    char *yaml = NULL, *name = NULL;
    enum err_code code = store_fact_get(s, key, &yaml, e);
    code = code || yaml ? code : store_fact_get(s, "preset", &yaml, e);
    code = code ? code : store_fact_get(s, "preset_name", &name, e);
    if (!code && !yaml) {
        code = err_set(e, ERR_DB, "%s: damaged: the preset is missing", s->db.path);
    }
    if (!code) {
        code = preset_parse(out, yaml, strlen(yaml), s->db.path, e);
        if (!code && (code = preset_check(out, e)) != ERR_OK) { /* also puts the ranges into their order */
            preset_release(out);
        }
    }
    if (!code && name) {
        free(out->name);
        out->name = name;
        name = NULL;
    }
    free(yaml);
    free(name);
    return code;
}

enum err_code store_preset(struct store *s, struct preset *out, struct err *e)
{
    return preset_fact(s, "preset", out, e);
}

enum err_code store_first_preset(struct store *s, struct preset *out, struct err *e)
{
    return preset_fact(s, "preset_first", out, e);
}

enum err_code store_suggested_space(struct store *s, struct preset *out, struct err *e)
{
    return preset_fact(s, "space", out, e);
}

enum err_code store_preset_cached(struct store *s, const struct preset **out, struct err *e)
{
    if (!s->have_preset) {
        enum err_code code = store_preset(s, &s->preset, e);
        if (code) {
            return code;
        }
        s->have_preset = true;
    }
    *out = &s->preset;
    return ERR_OK;
}

enum err_code store_changed(struct store *s, int64_t *counter, struct err *e)
{
    sqlite3_stmt *st;
    bool row;
    enum err_code code = db_bind(&s->db, &st, ST_CHANGED_GET, e, "");
    code = code ? code : db_step(&s->db, st, &row, e);
    if (!code) {
        *counter = row ? sqlite3_column_int64(st, 0) : 0;
        db_done(st);
    }
    return code;
}
