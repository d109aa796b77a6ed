#include "sqlite_db.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"

enum {
    MAX_VALUE_BYTES = 64 << 20,    /* longest text or blob accepted from a file */
    QUICK_CHECK_BYTES = 16 << 20,  /* a writer checks files up to this size whole: some 20 ms */
    WAL_KEPT_BYTES = 64 << 20      /* the WAL file is cut back to this after a checkpoint */
};

/* --- errors */

/* errno behind an I/O error. A failed COMMIT reports none by itself; the file it wrote to knows. */
static int system_error(const struct db *d)
{
    sqlite3_file *journal = NULL;
    int sys = d->h ? sqlite3_system_errno(d->h) : 0;
    if (sys || !d->h) {
        return sys;
    }
    if (sqlite3_file_control(d->h, "main", SQLITE_FCNTL_JOURNAL_POINTER, &journal) == SQLITE_OK && journal &&
        journal->pMethods) {
        (void)journal->pMethods->xFileControl(journal, SQLITE_FCNTL_LAST_ERRNO, &sys);
    }
    if (!sys) {
        (void)sqlite3_file_control(d->h, "main", SQLITE_FCNTL_LAST_ERRNO, &sys);
    }
    return sys;
}

static bool is_disk_full(int rc, int sys)
{
    return (rc & 0xff) == SQLITE_FULL ||
           ((rc & 0xff) == SQLITE_IOERR && (sys == ENOSPC || sys == EDQUOT || sys == EFBIG));
}

enum err_code db_fail(const struct db *d, int rc, const char *doing, struct err *e)
{
    char path[300], text[300];
    (void)str_clean(path, sizeof path, d->path ? d->path : "");
    (void)str_clean(text, sizeof text, d->h ? sqlite3_errmsg(d->h) : sqlite3_errstr(rc));
    int sys = (rc & 0xff) == SQLITE_IOERR ? system_error(d) : 0;
    if (is_disk_full(rc, sys)) {
        return err_set(e, ERR_FULL,
                       "%s: the disk is full or a quota is used up (%s); free space: what was stored is safe", path,
                       doing);
    }
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(e, ERR_BUSY, "%s: locked by another program (%s); close what writes to it", path, doing);
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return err_set(e, ERR_IO, "%s: the file or its folder cannot be written (%s: %s); check their permissions",
                       path, doing, text);
    case SQLITE_NOTADB:
        return err_set(e, ERR_DB, "%s: not an SQLite data base, or its first page is damaged; restore a copy", path);
    case SQLITE_CORRUPT:
        return err_set(e, ERR_DB, "%s: damaged (%s); restore a copy, or save what is left with sqlite3 .recover", path,
                       text);
    case SQLITE_IOERR:
        return err_set(e, ERR_IO, "%s: %s (%s)", path, sys ? strerror(sys) : text, doing);
    case SQLITE_NOMEM:
        return err_set(e, ERR_NOMEM, "%s: out of memory (%s)", path, doing);
    default:
        return err_set(e, ERR_DB, "%s: %s (%s)", path, text, doing);
    }
}

/* --- opening */

/* The file as a URI that promises SQLite nobody writes: the only way into a WAL file in a folder without write
 * permission and without a running writer. */
static char *immutable_uri(const char *path)
{
    struct sbuf b = {0};
    sbuf_add(&b, "file:");
    for (const char *c = path; *c; c++) {
        if (strchr("%?#", *c)) {
            sbuf_addf(&b, "%%%02x", (unsigned)(unsigned char)*c);
        } else {
            sbuf_add_bytes(&b, c, 1);
        }
    }
    sbuf_add(&b, "?immutable=1");
    return sbuf_take(&b);
}

static bool has_wal(const char *path)
{
    char *wal = xasprintf("%s-wal", path);
    struct stat st;
    bool yes = stat(wal, &st) == 0 && st.st_size > 0;
    free(wal);
    return yes;
}

/* A file's schema is foreign text: nothing in it may run code of its own. */
static void harden(sqlite3 *h)
{
    (void)sqlite3_db_config(h, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    (void)sqlite3_db_config(h, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
    (void)sqlite3_db_config(h, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, (int *)NULL);
    (void)sqlite3_db_config(h, SQLITE_DBCONFIG_ENABLE_VIEW, 0, (int *)NULL);
    (void)sqlite3_limit(h, SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES);
    (void)sqlite3_limit(h, SQLITE_LIMIT_WORKER_THREADS, 0);
}

static int query_int(sqlite3 *h, const char *sql, int64_t *out)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(h, sql, -1, &st, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(st);
        if (rc == SQLITE_ROW) {
            *out = sqlite3_column_int64(st, 0);
            rc = SQLITE_OK;
        } else if (rc == SQLITE_DONE) {
            rc = SQLITE_CORRUPT;
        }
    }
    int end = sqlite3_finalize(st);
    return rc ? rc : end;
}

static int open_handle(struct db *d, const char *name, int flags, const struct db_options *o)
{
    int rc = sqlite3_open_v2(name, &d->h, flags | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc) {
        return rc;
    }
    harden(d->h);
    (void)sqlite3_busy_timeout(d->h, o->busy_ms);
    /* A reader goes through a study once and then reads what is new: a cache would only hold memory. */
    rc = sqlite3_exec(d->h,
                      o->mode == DB_READ ? "PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-2000;"
                                         : "PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16000;",
                      NULL, NULL, NULL);
    int64_t ignored;
    return rc ? rc : query_int(d->h, "SELECT count(*) FROM sqlite_schema", &ignored);
}

static void close_handle(struct db *d)
{
    (void)sqlite3_close(d->h);
    d->h = NULL;
}

static enum err_code set_journal(struct db *d, const struct db_options *o, struct err *e)
{
    const char *sql = o->network ? "PRAGMA journal_mode=DELETE" : "PRAGMA journal_mode=WAL";
    int rc = sqlite3_exec(d->h, sql, NULL, NULL, NULL);
    if (rc == SQLITE_OK) {
        char text[120];
        (void)sqlite3_snprintf((int)sizeof text, text, "PRAGMA synchronous=%s; PRAGMA journal_size_limit=%d;",
                               o->durable ? "FULL" : "NORMAL", (int)WAL_KEPT_BYTES);
        rc = sqlite3_exec(d->h, text, NULL, NULL, NULL);
    }
    return rc ? db_fail(d, rc, "opening for writing", e) : ERR_OK;
}

/* Whole for small files, else only that no page is missing at the end. */
static enum err_code check_pages(struct db *d, struct err *e)
{
    int64_t pages = 0, page_bytes = 0;
    int rc = query_int(d->h, "PRAGMA page_count", &pages);
    rc = rc ? rc : query_int(d->h, "PRAGMA page_size", &page_bytes);
    if (rc || page_bytes <= 0) {
        return db_fail(d, rc ? rc : SQLITE_CORRUPT, "opening", e);
    }
    struct stat file; /* of now: another connection may just have moved its log into the file */
    if (!has_wal(d->path) && stat(d->path, &file) == 0 && pages > file.st_size / page_bytes) {
        return err_set(e, ERR_DB, "%s: cut off: %lld bytes, its header says %lld; restore a copy", d->path,
                       (long long)file.st_size, (long long)(pages * page_bytes));
    }
    if (pages > QUICK_CHECK_BYTES / page_bytes) {
        return ERR_OK;
    }
    sqlite3_stmt *st = NULL;
    rc = sqlite3_prepare_v2(d->h, "PRAGMA quick_check(1)", -1, &st, NULL);
    enum err_code code = ERR_OK;
    if (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW && strcmp(db_text(st, 0), "ok") != 0) {
        char text[200];
        (void)str_clean(text, sizeof text, db_text(st, 0));
        code = err_set(e, ERR_DB, "%s: damaged (%s); restore a copy, or save what is left with sqlite3 .recover",
                       d->path, text);
    }
    int end = sqlite3_finalize(st);
    rc = rc ? rc : end;
    return code ? code : rc ? db_fail(d, rc, "checking", e) : ERR_OK;
}

/* A new file is ours alone. The descriptor is closed before SQLite opens the file: closing one later would drop
 * SQLite's locks on it. */
static enum err_code create_file(const char *path, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
    }
    (void)close(fd);
    return ERR_OK;
}

static enum err_code open_existing(struct db *d, const struct db_options *o, struct err *e)
{
    struct stat st;
    if (stat(d->path, &st) != 0) {
        return err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, "%s: %s", d->path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return err_set(e, ERR_DB, "%s: not a file", d->path);
    }
    if (st.st_size == 0 && o->mode != DB_CREATE && !has_wal(d->path)) {
        return err_set(e, ERR_DB, "%s: empty; restore a copy", d->path);
    }
    bool rw = o->mode != DB_READ;
    int rc = open_handle(d, d->path, rw ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY, o);
    int base = rc & 0xff;
    if (!rw && (base == SQLITE_CANTOPEN || base == SQLITE_READONLY) && !has_wal(d->path)) {
        char *uri = immutable_uri(d->path);
        close_handle(d);
        rc = open_handle(d, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, o);
        free(uri);
    }
    if (rc) {
        return db_fail(d, rc, "opening", e);
    }
    if (rw && sqlite3_db_readonly(d->h, "main") == 1) {
        return err_set(e, ERR_IO, "%s: no permission to write; check the file's owner and mode", d->path);
    }
    enum err_code code = rw ? set_journal(d, o, e) : ERR_OK;
    if (!code && o->mode == DB_WRITE) {
        code = check_pages(d, e);
    }
    return code;
}

enum err_code db_open(struct db *d, const char *path, const struct db_options *o, struct err *e)
{
    *d = (struct db){.path = xstrdup(path), .sql = o->sql, .n = o->n_sql};
    d->stmt = xcalloc(o->n_sql, sizeof(sqlite3_stmt *));
    enum err_code code = o->mode == DB_CREATE ? create_file(path, e) : ERR_OK;
    bool ours = o->mode == DB_CREATE && !code;
    if (!code) {
        code = open_existing(d, o, e);
    }
    if (code) {
        db_close(d);
        if (ours) {
            db_remove(path);
        }
    }
    return code;
}

void db_remove(const char *path)
{
    static const char *const tail[] = {"", "-journal", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof tail / sizeof *tail; i++) {
        char *name = xasprintf("%s%s", path, tail[i]);
        (void)unlink(name);
        free(name);
    }
}

void db_close(struct db *d)
{
    for (size_t i = 0; d->stmt && i < d->n; i++) {
        (void)sqlite3_finalize(d->stmt[i]);
    }
    close_handle(d);
    free(d->stmt);
    free(d->path);
    *d = (struct db){0};
}

/* --- statements */

enum err_code db_exec(struct db *d, const char *sql, struct err *e)
{
    int rc = sqlite3_exec(d->h, sql, NULL, NULL, NULL);
    if (rc) {
        char doing[40];
        (void)str_copy(doing, sizeof doing, sql);
        return db_fail(d, rc, doing, e);
    }
    return ERR_OK;
}

static int bind_next(sqlite3_stmt *st, int at, char type, va_list *ap)
{
    switch (type) {
    case 'i':
        return sqlite3_bind_int(st, at, va_arg(*ap, int));
    case 'l':
        return sqlite3_bind_int64(st, at, va_arg(*ap, int64_t));
    case 'd': {
        double v = va_arg(*ap, double);
        return isnan(v) ? sqlite3_bind_null(st, at) : sqlite3_bind_double(st, at, v);
    }
    case 't':
        return sqlite3_bind_text(st, at, va_arg(*ap, const char *), -1, SQLITE_STATIC);
    case 'b': {
        const void *p = va_arg(*ap, const void *);
        int n = va_arg(*ap, int);
        return n > 0 ? sqlite3_bind_blob(st, at, p, n, SQLITE_STATIC) : sqlite3_bind_zeroblob(st, at, 0);
    }
    default:
        return SQLITE_MISUSE;
    }
}

enum err_code db_vbind(struct db *d, sqlite3_stmt **out, int id, struct err *e, const char *types, va_list *ap)
{
    sqlite3_stmt **slot = &d->stmt[id];
    *out = NULL;
    if (!*slot) {
        int rc = sqlite3_prepare_v3(d->h, d->sql[id], -1, SQLITE_PREPARE_PERSISTENT, slot, NULL);
        if (rc) {
            return db_fail(d, rc, "preparing a statement", e);
        }
    }
    db_done(*slot);
    for (int i = 0; types[i]; i++) {
        int rc = bind_next(*slot, i + 1, types[i], ap);
        if (rc) {
            return db_fail(d, rc, "binding a value", e);
        }
    }
    *out = *slot;
    return ERR_OK;
}

enum err_code db_bind(struct db *d, sqlite3_stmt **out, int id, struct err *e, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    enum err_code code = db_vbind(d, out, id, e, types, &ap);
    va_end(ap);
    return code;
}

enum err_code db_step(struct db *d, sqlite3_stmt *st, bool *row, struct err *e)
{
    int rc = sqlite3_step(st);
    *row = rc == SQLITE_ROW;
    if (*row) {
        return ERR_OK;
    }
    const char *doing = sqlite3_stmt_readonly(st) && sqlite3_sql(st)[0] == 'S' ? "reading" : "writing";
    enum err_code code = rc == SQLITE_DONE ? ERR_OK : db_fail(d, rc, doing, e);
    db_done(st);
    return code;
}

void db_done(sqlite3_stmt *st)
{
    if (st) {
        (void)sqlite3_reset(st);
    }
}

enum err_code db_run(struct db *d, int id, struct err *e, const char *types, ...)
{
    sqlite3_stmt *st;
    va_list ap;
    va_start(ap, types);
    enum err_code code = db_vbind(d, &st, id, e, types, &ap);
    va_end(ap);
    bool row = true;
    while (!code && row) {
        code = db_step(d, st, &row, e);
    }
    return code;
}

const char *db_text(sqlite3_stmt *st, int column)
{
    const unsigned char *t = sqlite3_column_text(st, column);
    return t ? (const char *)t : "";
}

double db_f64(sqlite3_stmt *st, int column)
{
    return sqlite3_column_type(st, column) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(st, column);
}

int db_int(sqlite3_stmt *st, int column)
{
    int64_t v = sqlite3_column_int64(st, column);
    return v > INT_MAX ? INT_MAX : v < INT_MIN ? INT_MIN : (int)v;
}
