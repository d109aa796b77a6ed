/* The small tables of a study: devices, log lines, edits. */
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

static void fill_device(struct device_row *d, sqlite3_stmt *st)
{
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
}

/* Room for one more of *n elements of `size` bytes. */
static void *grow(void *rows, size_t n, size_t *cap, size_t size)
{
    if (n == *cap) {
        *cap = *cap ? 2 * *cap : 16;
        return xreallocarray(rows, *cap, size);
    }
    return rows;
}

enum err_code store_devices(struct store *s, struct device_row **out, size_t *n, struct err *e)
{
    sqlite3_stmt *st;
    bool row = true;
    size_t cap = 0;
    *out = NULL;
    *n = 0;
    enum err_code code = db_bind(&s->db, &st, ST_DEVICES, e, "");
    while (!code && (code = db_step(&s->db, st, &row, e)) == ERR_OK && row) {
        *out = grow(*out, *n, &cap, sizeof **out);
        fill_device(&(*out)[(*n)++], st);
    }
    if (code) {
        free(*out);
        *out = NULL;
        *n = 0;
    }
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

enum err_code store_logs(struct store *s, int64_t after_id, size_t most, struct log_row **out, size_t *n, struct err *e)
{
    sqlite3_stmt *st;
    bool row = true;
    size_t cap = 0;
    *out = NULL;
    *n = 0;
    enum err_code code = db_bind(&s->db, &st, ST_LOGS, e, "ll", after_id,
                                 (int64_t)(most < LOG_LINES_KEPT ? most : LOG_LINES_KEPT));
    while (!code && (code = db_step(&s->db, st, &row, e)) == ERR_OK && row) {
        *out = grow(*out, *n, &cap, sizeof **out);
        struct log_row *r = &(*out)[(*n)++];
        *r = (struct log_row){
            .id = sqlite3_column_int64(st, 0), .utc_us = sqlite3_column_int64(st, 1), .trial = db_int(st, 2)};
        (void)str_clean(r->text, sizeof r->text, db_text(st, 3));
    }
    if (code) {
        free(*out);
        *out = NULL;
        *n = 0;
        return code;
    }
    reverse(*out, *n);
    return ERR_OK;
}

/* --- edits */

enum err_code store_edits(struct store *s, int number, struct edit_row **out, size_t *n, struct err *e)
{
    sqlite3_stmt *st;
    bool row = true;
    size_t cap = 0;
    *out = NULL;
    *n = 0;
    enum err_code code = db_bind(&s->db, &st, ST_EDITS, e, "i", number);
    while (!code && (code = db_step(&s->db, st, &row, e)) == ERR_OK && row) {
        enum knob k = knob_find(db_text(st, 0));
        if (k == KNOB_NONE) {
            continue; /* of a newer vaetop: shown there */
        }
        *out = grow(*out, *n, &cap, sizeof **out);
        struct edit_row *r = &(*out)[(*n)++];
        *r = (struct edit_row){.knob = k, .step = sqlite3_column_int64(st, 2)};
        (void)str_clean(r->value, sizeof r->value, db_text(st, 1));
    }
    if (code) {
        free(*out);
        *out = NULL;
        *n = 0;
    }
    return code;
}
