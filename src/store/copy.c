/* A copy of the study that carries Optuna's mark of its schema, for tools that look for the mark before they read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_private.h"

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"

/* The newest mark that Optuna 3.0 and 3.1 accept; later releases bring a file with it up to date by their own command. */
static const char stamp[] =
    "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL,"
    " CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));"
    "DELETE FROM alembic_version; INSERT INTO alembic_version VALUES('v3.0.0.d');";

/* One state of the file, also while it is written to; the copy keeps no write-ahead log. */
static enum err_code copy_into(struct store *s, const char *path, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(s->db.h, "VACUUM INTO ?", -1, &st, NULL);
    rc = rc ? rc : sqlite3_bind_text(st, 1, path, -1, SQLITE_STATIC);
    rc = rc ? rc : sqlite3_step(st);
    enum err_code code = rc == SQLITE_DONE ? ERR_OK : db_fail(&s->db, rc, "copying", e);
    (void)sqlite3_finalize(st);
    return code;
}

static enum err_code stamp_file(const char *path, struct err *e)
{
    struct db d;
    struct db_options o = store_db_options(true, DB_WRITE); /* as on a network: one file, no log beside it */
    enum err_code code = db_open(&d, path, &o, e);
    if (!code) {
        code = db_exec(&d, stamp, e);
        db_close(&d);
    }
    return code;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

enum err_code store_copy(struct store *s, const char *path, struct err *e)
{
    if (same_file(path, s->db.path)) {
        return err_set(e, ERR_USAGE, "%s: the study itself; a copy goes into another file", path);
    }
    char *temporary = xasprintf("%s.tmp.%ld", path, (long)getpid());
    enum err_code code = fs_write(temporary, "", 0, e); /* SQLite takes an empty file for a new one, with its mode */
    code = code ? code : copy_into(s, temporary, e);
    code = code ? code : stamp_file(temporary, e);
    if (!code) {
        db_remove(path); /* with what an older copy has beside it */
        if (rename(temporary, path) != 0) {
            code = err_set(e, fs_errno_code(errno), "%s: %s", path, strerror(errno));
        }
    }
    if (code) {
        db_remove(temporary);
    }
    free(temporary);
    return code;
}
