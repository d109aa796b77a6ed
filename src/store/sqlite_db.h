/* SQLite for this layer: open a file as if it were hostile, statements prepared once, every refusal one line.
 * Only src/store/ includes this. A struct db is used by one process and never carried over a fork. */
#ifndef VAETOP_STORE_SQLITE_DB_H
#define VAETOP_STORE_SQLITE_DB_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "vaetop/base/err.h"

struct db {
    sqlite3 *h;
    char *path;
    const char *const *sql; /* texts of the cached statements, by id */
    sqlite3_stmt **stmt;    /* prepared on first use */
    size_t n;
};

enum db_mode {
    DB_READ,   /* a reader; also works in a folder it cannot write */
    DB_WRITE,  /* the one writer */
    DB_CREATE  /* the same, and the file must not exist yet; after an error it does not exist either */
};
struct db_options {
    enum db_mode mode;
    bool network;    /* rollback journal instead of WAL: WAL needs shared memory, which such folders lack */
    bool durable;    /* synchronous FULL; else NORMAL (pictures: a power cut may take the last ones) */
    int busy_ms;     /* how long a lock is waited for */
    const char *const *sql;
    size_t n_sql;
};
/* Errors: NOTFOUND (no file), IO (permission, disk), BUSY, DB (damaged, no data base). */
WUR enum err_code db_open(struct db *d, const char *path, const struct db_options *o, struct err *e);
void db_close(struct db *d);
/* Removes a closed data base with the journals beside it. */
void db_remove(const char *path);

/* Turns a result code into the one line a person needs. doing: what was being done. */
enum err_code db_fail(const struct db *d, int rc, const char *doing, struct err *e);

/* Plain statements, no result. */
WUR enum err_code db_exec(struct db *d, const char *sql, struct err *e);

/* A cached statement with its parameters bound, in order: 'i' int, 'l' int64_t, 'd' double (NaN: NULL), 't' text
 * (NULL: NULL; must live until the statement ends), 'b' const void * and int. */
WUR enum err_code db_bind(struct db *d, sqlite3_stmt **out, int id, struct err *e, const char *types, ...);
WUR enum err_code db_vbind(struct db *d, sqlite3_stmt **out, int id, struct err *e, const char *types, va_list *ap);
/* Next row of a bound statement; *row false at the end, when the statement is reset by itself. */
WUR enum err_code db_step(struct db *d, sqlite3_stmt *st, bool *row, struct err *e);
/* Ends a statement before its last row. An unfinished one would hold a reader's view of the file open. */
void db_done(sqlite3_stmt *st);
/* Bind and run to the end. */
WUR enum err_code db_run(struct db *d, int id, struct err *e, const char *types, ...);

/* Columns of foreign files: text is never NULL, NULL reads as NaN, integers are kept within int. */
const char *db_text(sqlite3_stmt *st, int column);
double db_f64(sqlite3_stmt *st, int column);
int db_int(sqlite3_stmt *st, int column);

#endif
