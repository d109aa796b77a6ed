/* The small tables of a study: devices, log lines, edits. */
#include "rows.h"
#include "store_private.h"

#include <math.h>
#include <stdlib.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/str.h"

enum { LOG_LINES_KEPT = 10000 };

/* --- devices */

enum err_code store_device(struct store *s, const struct device_row *d, struct err *e)
{
    bool own;
    enum err_code code = write_enter(s, &own, e);
    code = code ? code
                : db_run(&s->db, ST_DEVICE_PUT, e, "itttiilldll", d->index, d->name, d->type, d->state, d->slots_used,
                         d->slots, (int64_t)d->bytes_used, (int64_t)d->bytes_total, d->busy, (int64_t)d->worker.pid,
                         (int64_t)d->worker.start_ticks);
    return write_leave(s, own, code, e);
}

static bool read_device(void *row, sqlite3_stmt *st)
{
    struct device_row *d = row;
    *d = (struct device_row){
        .index = db_int(st, 0),
        .slots_used = db_int(st, 4),
        .slots = db_int(st, 5),
        .bytes_used = (uint64_t)sqlite3_column_int64(st, 6),
        .bytes_total = (uint64_t)sqlite3_column_int64(st, 7),
        .busy = db_f64(st, 8),
        .worker = {.pid = (pid_t)db_int(st, 9), .start_ticks = (uint64_t)sqlite3_column_int64(st, 10)}};
    (void)str_clean(d->name, sizeof d->name, db_text(st, 1));
    (void)str_clean(d->type, sizeof d->type, db_text(st, 2));
    (void)str_clean(d->state, sizeof d->state, db_text(st, 3));
    return true;
}

enum err_code store_devices(struct store *s, struct device_row **out, size_t *n, struct err *e)
{
    static const struct row_kind kind = {.size = sizeof **out, .read = read_device};
    struct row_list list;
    enum err_code code = rows_read(&list, &s->db, &kind, ST_DEVICES, e, "");
    *out = list.row;
    *n = list.n;
    return code;
}

/* --- log */

enum err_code store_log(struct store *s, int trial, const char *text, struct err *e)
{
    bool own;
    char clean[sizeof((struct log_row *)NULL)->text];
    (void)str_clean(clean, sizeof clean, text);
    enum err_code code = write_enter(s, &own, e);
    code = code ? code : db_run(&s->db, ST_LOG_PUT, e, "lit", clock_utc_us(), trial, clean);
    int64_t id = code ? 0 : sqlite3_last_insert_rowid(s->db.h);
    if (!code && id > LOG_LINES_KEPT) {
        code = db_run(&s->db, ST_LOG_TRIM, e, "l", id - LOG_LINES_KEPT);
    }
    return write_leave(s, own, code, e);
}

static void reverse(struct log_row *rows, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        struct log_row t = rows[i];
        rows[i] = rows[n - 1 - i];
        rows[n - 1 - i] = t;
    }
}

static bool read_log(void *row, sqlite3_stmt *st)
{
    struct log_row *r = row;
    *r = (struct log_row){
        .id = sqlite3_column_int64(st, 0), .utc_us = sqlite3_column_int64(st, 1), .trial = db_int(st, 2)};
    (void)str_clean(r->text, sizeof r->text, db_text(st, 3));
    return true;
}

enum err_code store_logs(struct store *s, int64_t after_id, size_t most, struct log_row **out, size_t *n, struct err *e)
{
    static const struct row_kind kind = {.size = sizeof **out, .read = read_log};
    struct row_list list;
    enum err_code code = rows_read(&list, &s->db, &kind, ST_LOGS, e, "ll", after_id,
                                   (int64_t)(most < LOG_LINES_KEPT ? most : LOG_LINES_KEPT));
    *out = list.row;
    *n = list.n;
    reverse(*out, *n);
    return code;
}

/* --- edits */

/* An edit of a newer vaetop's knob is shown there. */
static bool read_edit(void *row, sqlite3_stmt *st)
{
    struct edit_row *r = row;
    *r = (struct edit_row){.knob = knob_find(db_text(st, 0)), .step = sqlite3_column_int64(st, 2)};
    (void)str_clean(r->value, sizeof r->value, db_text(st, 1));
    return r->knob != KNOB_NONE;
}

enum err_code store_edits(struct store *s, int number, struct edit_row **out, size_t *n, struct err *e)
{
    static const struct row_kind kind = {.size = sizeof **out, .read = read_edit};
    struct row_list list;
    enum err_code code = rows_read(&list, &s->db, &kind, ST_EDITS, e, "i", number);
    *out = list.row;
    *n = list.n;
    return code;
}
