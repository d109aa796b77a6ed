/* What the files of this layer share: the open study and its statements. */
#ifndef VAETOP_STORE_STORE_PRIVATE_H
#define VAETOP_STORE_STORE_PRIVATE_H

#include "sqlite_db.h"

#include "vaetop/store/store.h"

/* Every epoch metric as ", m", ", prefix_m", ", ?" and ", prefix_m = ?". */
#define X_NAME(member, unit, meaning) ", " #member
#define X_LAST(member, unit, meaning) ", last_" #member
#define X_BEST(member, unit, meaning) ", best_" #member
#define X_MARK(member, unit, meaning) ", ?"
#define X_SET_LAST(member, unit, meaning) ", last_" #member " = ?"
#define X_SET_BEST(member, unit, meaning) ", best_" #member " = ?"

#define EPOCH_COLUMNS "number, epoch, step" EPOCH_METRIC_LIST(X_NAME)
#define TRIAL_COLUMNS                                                                                                  \
    "number, phase, final, reason, device, attempts, edited, kept, start_us, complete_us, step, steps, epochs, rate,"  \
    " value, point, changed, last_epoch, last_step" EPOCH_METRIC_LIST(X_LAST)                                          \
    ", best_epoch, best_step" EPOCH_METRIC_LIST(X_BEST)

/* Statements prepared once. X(ID, SQL) */
#define STMT_LIST(X)                                                                                                   \
    X(BEGIN_WRITE, "BEGIN IMMEDIATE")                                                                                  \
    X(BEGIN_READ, "BEGIN")                                                                                             \
    X(COMMIT, "COMMIT")                                                                                                \
    X(ROLLBACK, "ROLLBACK")                                                                                            \
    X(CHANGED_GET, "SELECT changed FROM vaetop_study")                                                                 \
    X(CHANGED_SET, "UPDATE vaetop_study SET changed = ?")                                                              \
    X(STUDY_GET, "SELECT study_id, value, changed FROM vaetop_study")                                                  \
    X(NAME_GET, "SELECT study_name FROM studies WHERE study_id = ?")                                                   \
    X(FACT_SET, "INSERT INTO vaetop_fact(key, value) VALUES(?, ?)"                                                     \
                " ON CONFLICT(key) DO UPDATE SET value=excluded.value")                                                \
    X(FACT_GET, "SELECT value FROM vaetop_fact WHERE key = ?")                                                         \
    X(STUDY_ATTR, "INSERT INTO study_user_attributes(study_id, key, value_json) VALUES(?, ?, ?)"                       \
                  " ON CONFLICT(study_id, key) DO UPDATE SET value_json=excluded.value_json")                          \
    X(TRIAL_ATTR, "INSERT INTO trial_user_attributes(trial_id, key, value_json) VALUES(?, ?, ?)"                       \
                  " ON CONFLICT(trial_id, key) DO UPDATE SET value_json=excluded.value_json")                          \
    X(TRIAL_SYSTEM_ATTR, "INSERT INTO trial_system_attributes(trial_id, key, value_json) VALUES(?, ?, ?)")             \
    X(TRIAL_LAST_NUMBER, "SELECT number FROM trials WHERE study_id = ? ORDER BY trial_id DESC LIMIT 1")                \
    X(TRIAL_INSERT, "INSERT INTO trials(number, study_id, state, datetime_start) VALUES(?, ?, ?, ?)")                  \
    X(TRIAL_OURS_INSERT, "INSERT INTO vaetop_trial(number, trial_id, phase, epochs, warmup, point, changed)"           \
                         " VALUES(?, ?, ?, ?, ?, ?, ?)")                                                               \
    X(TRIAL_PARAM, "INSERT INTO trial_params(trial_id, param_name, param_value, distribution_json)"                    \
                   " VALUES(?, ?, ?, ?)")                                                                              \
    X(TRIAL_FIND, "SELECT v.trial_id, phase, final, start_us, warmup, point, last_epoch, last_value, best_epoch,"      \
                  " best_value, t.state FROM vaetop_trial v JOIN trials t ON t.trial_id = v.trial_id"                  \
                  " WHERE v.number = ?")                                                                               \
    X(TRIAL_CLAIM, "UPDATE trials SET state = 'RUNNING', datetime_start = ? WHERE trial_id = ?")                       \
    X(TRIAL_START, "UPDATE trials SET datetime_start = ? WHERE trial_id = ?")                                          \
    X(TRIAL_PHASE, "UPDATE vaetop_trial SET phase = ?, reason = ?, start_us = ?, rate = NULL, changed = ?"             \
                   " WHERE number = ?")                                                                                \
    X(TRIAL_END, "UPDATE trials SET state = ?, datetime_complete = ? WHERE trial_id = ?")                              \
    X(TRIAL_VALUE, "INSERT INTO trial_values(trial_id, objective, value, value_type) VALUES(?, ?, ?, 'FINITE')")       \
    X(TRIAL_OURS_END, "UPDATE vaetop_trial SET final = 1, complete_us = ?, value = ? WHERE number = ?")                \
    X(TRIAL_DEVICE, "UPDATE vaetop_trial SET device = ?, attempts = ?, changed = ? WHERE number = ?")                  \
    X(TRIAL_PROGRESS, "UPDATE vaetop_trial SET step = ?, steps = ?, epochs = ?, rate = ?, changed = ?"                 \
                      " WHERE number = ?")                                                                             \
    X(TRIAL_EDITED, "UPDATE vaetop_trial SET edited = 1, changed = ? WHERE number = ?")                                \
    X(TRIAL_KEPT, "UPDATE vaetop_trial SET kept = ?, changed = ? WHERE number = ?")                                    \
    X(EPOCH_PUT, "INSERT OR REPLACE INTO vaetop_epoch(" EPOCH_COLUMNS ")"                                              \
                 " VALUES(?, ?, ?" EPOCH_METRIC_LIST(X_MARK) ")")                                                      \
    X(EPOCH_OPTUNA, "INSERT INTO trial_intermediate_values(trial_id, step, intermediate_value,"                        \
                    " intermediate_value_type) VALUES(?, ?, ?, ?) ON CONFLICT(trial_id, step) DO UPDATE SET"           \
                    " intermediate_value = excluded.intermediate_value,"                                               \
                    " intermediate_value_type = excluded.intermediate_value_type")                                     \
    X(EPOCH_LAST, "SELECT " EPOCH_COLUMNS " FROM vaetop_epoch WHERE number = ? ORDER BY epoch DESC LIMIT 1")           \
    X(EPOCH_BEST, "SELECT " EPOCH_COLUMNS " FROM vaetop_epoch WHERE number = ? AND epoch >= ? AND value < 9e999"       \
                  " AND value > -9e999 ORDER BY value, epoch LIMIT 1")                                                 \
    X(EPOCH_GET, "SELECT " EPOCH_COLUMNS " FROM vaetop_epoch WHERE number = ? AND epoch = ?")                          \
    X(EPOCHS, "SELECT " EPOCH_COLUMNS " FROM vaetop_epoch WHERE number = ? AND epoch > ? ORDER BY epoch")              \
    X(TRIAL_SET_LAST, "UPDATE vaetop_trial SET changed = ?, step = ?, last_epoch = ?, last_step = ?"                   \
                      EPOCH_METRIC_LIST(X_SET_LAST) " WHERE number = ?")                                               \
    X(TRIAL_SET_BEST, "UPDATE vaetop_trial SET best_epoch = ?, best_step = ?" EPOCH_METRIC_LIST(X_SET_BEST)            \
                      " WHERE number = ?")                                                                             \
    X(TRIALS_ALL, "SELECT " TRIAL_COLUMNS " FROM vaetop_trial ORDER BY number")                                        \
    X(TRIALS_SINCE, "SELECT " TRIAL_COLUMNS " FROM vaetop_trial WHERE changed > ?")                                    \
    X(TRIAL_ONE, "SELECT " TRIAL_COLUMNS " FROM vaetop_trial WHERE number = ?")                                        \
    X(TRIALS_OPEN, "SELECT v.number, v.phase, t.state, t.datetime_complete, x.value FROM vaetop_trial v"               \
                   " JOIN trials t ON t.trial_id = v.trial_id"                                                         \
                   " LEFT JOIN trial_values x ON x.trial_id = v.trial_id AND x.objective = 0 WHERE v.final = 0")       \
    X(TRIALS_COUNT, "SELECT trials FROM vaetop_study")                                                                 \
    X(TRIALS_ADD, "UPDATE vaetop_study SET trials = trials + 1")                                                       \
    X(TRIALS_FOREIGN, "SELECT t.number, t.trial_id, t.state, t.datetime_start, t.datetime_complete, x.value"           \
                      " FROM trials t LEFT JOIN trial_values x ON x.trial_id = t.trial_id AND x.objective = 0"         \
                      " WHERE t.study_id = ? AND t.number NOT IN (SELECT number FROM vaetop_trial)")                   \
    X(PARAMS, "SELECT param_name, param_value, distribution_json FROM trial_params WHERE trial_id = ?"                 \
              " ORDER BY param_id")                                                                                    \
    X(TRIAL_TOUCH, "UPDATE vaetop_trial SET changed = ? WHERE number = ?")                                             \
    X(RERUN_PUT, "INSERT OR REPLACE INTO vaetop_rerun(number, of) VALUES(?, ?)")                                       \
    X(RERUNS, "SELECT number, of FROM vaetop_rerun ORDER BY number")                                                   \
    X(NOTE_PUT, "INSERT OR REPLACE INTO vaetop_note(number, kind, epoch, text) VALUES(?, ?, ?, ?)")                    \
    X(NOTES, "SELECT number, epoch, kind, text FROM vaetop_note WHERE number = ? ORDER BY epoch, kind")                \
    X(EDIT_PUT, "INSERT INTO vaetop_edit(number, knob, value, step) VALUES(?, ?, ?, ?)")                               \
    X(EDITS, "SELECT knob, value, step FROM vaetop_edit WHERE number = ? ORDER BY step, id")                           \
    X(DEVICE_PUT, "INSERT OR REPLACE INTO vaetop_device(idx, name, type, state, slots_used, slots, bytes_used,"        \
                  " bytes_total, busy, worker_pid, worker_start) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")             \
    X(DEVICES, "SELECT idx, name, type, state, slots_used, slots, bytes_used, bytes_total, busy, worker_pid,"          \
               " worker_start FROM vaetop_device ORDER BY idx")                                                        \
    X(PARAM_ROWS, "SELECT p.param_id, p.param_value, p.distribution_json, v.point FROM trial_params p LEFT JOIN"        \
                  " vaetop_trial v ON v.trial_id = p.trial_id WHERE p.param_name = ? AND p.param_id > ?"               \
                  " ORDER BY p.param_id LIMIT 1")                                                                      \
    X(PARAM_SET, "UPDATE trial_params SET param_value = ?, distribution_json = ? WHERE param_id = ?")                  \
    X(FOREIGN_ADD, "INSERT INTO vaetop_foreign(phase, value, epoch, point, second, violation)"                         \
                   " VALUES(?, ?, ?, ?, ?, ?)")                                                                        \
    X(FOREIGN, "SELECT * FROM vaetop_foreign ORDER BY id") /* a study begun earlier lacks the last two columns */      \
    X(CARD_PUT, "INSERT OR REPLACE INTO vaetop_card(idx, key, name, type, use, note, first_slice, slices,"              \
                " temperature_c, power_w, load) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")                              \
    X(CARDS_DROP, "DELETE FROM vaetop_card WHERE idx >= ?")                                                            \
    X(CARDS, "SELECT idx, key, name, type, use, note, first_slice, slices, temperature_c, power_w, load"               \
             " FROM vaetop_card ORDER BY idx")                                                                         \
    X(LOG_PUT, "INSERT INTO vaetop_log(utc_us, trial, text) VALUES(?, ?, ?)")                                          \
    X(LOG_TRIM, "DELETE FROM vaetop_log WHERE id <= ?")                                                                \
    X(DATA_VERSION, "PRAGMA data_version")                                                                             \
    X(WAITING_GET, "SELECT t.trial_id, a.value_json FROM trials t LEFT JOIN trial_system_attributes a ON"               \
                   " a.trial_id = t.trial_id AND a.key = 'fixed_params' WHERE t.study_id = ? AND t.number = ? AND"     \
                   " t.state = 'WAITING' AND t.number NOT IN (SELECT number FROM vaetop_trial)")                       \
    X(WAITING_TAKE, "UPDATE trials SET state = 'RUNNING', datetime_start = ? WHERE trial_id = ? AND state = 'WAITING'") \
    X(ORDER_ADD, "INSERT OR IGNORE INTO vaetop_order(number, epoch) VALUES(?, ?)")                                    \
    X(ORDER, "SELECT number, epoch FROM vaetop_order ORDER BY seq")                                                    \
    X(SUGGESTION_PUT, "INSERT OR REPLACE INTO vaetop_suggestion(number, seed, told, fit, mean, sd, expected, sampler,"  \
                      " running, text) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")                                          \
    X(SUGGESTIONS, "SELECT number, seed, told, fit, mean, sd, expected, sampler, running, text"                        \
                   " FROM vaetop_suggestion WHERE number BETWEEN ? AND ? ORDER BY number")                             \
    X(LOGS, "SELECT id, utc_us, trial, text FROM vaetop_log WHERE id > ? ORDER BY id DESC LIMIT ?")

enum stmt_id {
#define X(id, sql) ST_##id,
    STMT_LIST(X)
#undef X
    ST_COUNT
};

struct store {
    struct db db;
    char *dir;
    bool rw, network;
    int64_t study_id;
    bool value_last;     /* study.value: last */
    bool in_tx;          /* between store_begin and its end */
    bool touched;        /* the change counter was raised in this transaction */
    int64_t changed;     /* counter that rows written now carry */
    int64_t seen;        /* counter at the last store_trials() */
    bool have_preset;
    struct preset preset; /* parsed when first needed */
    struct db shots;      /* snapshots.db, opened when first needed; h NULL until then */
    bool bare_shots;      /* reader: snapshots.db is from before there were images */
    int64_t shot_bytes;   /* writer: sum of all snapshots */
    int64_t shot_limit;   /* bytes all snapshots of the study may take */
};

/* A writing call outside store_begin() is a transaction of its own. Every writer has the shape
 *   enum err_code rc = write_enter(s, &own, e); if (!rc) rc = ...; return write_leave(s, own, rc, e); */
WUR enum err_code write_enter(struct store *s, bool *own, struct err *e);
WUR enum err_code write_leave(struct store *s, bool own, enum err_code rc, struct err *e);
/* Raises the change counter once per transaction and returns it. */
int64_t write_touch(struct store *s);

/* A reading call of several statements sees one state of the file. */
WUR enum err_code read_enter(struct store *s, bool *own, struct err *e);
WUR enum err_code read_leave(struct store *s, bool own, enum err_code rc, struct err *e);

/* The preset, parsed once and kept. Owns: the store. */
WUR enum err_code store_preset_cached(struct store *s, const struct preset **out, struct err *e);

/* Reads an epoch row whose first column (number) is `column`. */
void epoch_from_row(struct epoch_row *out, sqlite3_stmt *st, int column);
/* Binds `first`, `first + 1`: epoch, step, then the metrics; returns the next free index. */
int epoch_bind(sqlite3_stmt *st, int first, const struct epoch_row *row);

/* Packed as in vaetop_trial.point: a double a range, NaN where absent. Owns: caller frees. */
double *point_pack(const struct point *pt);
bool point_unpack(struct point *out, const struct preset *p, const void *bytes, int n_bytes);
WUR enum err_code store_put_attr(struct store *s, const char *key, const char *text, struct err *e);

bool store_on_network(const char *dir);
/* Opens study.db or snapshots.db of a folder. */
struct db_options store_db_options(bool network, enum db_mode mode);
void shots_close(struct store *s);
WUR enum err_code shots_create(const char *dir, bool network, struct err *e);

#endif
