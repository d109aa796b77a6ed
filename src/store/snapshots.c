/* snapshots.db: pictures of trials. Apart from study.db, because losing them loses nothing that counts. */
#include "store_private.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schema.h"

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/log.h"
#include "vaetop/conf/paths.h"

enum {
    EPOCHS_KEPT = 32,     /* per trial; every second one goes when there are so many */
    MAX_LATENT = 1 << 16, /* of a file that claims more, nothing is allocated */
    ROW_BYTES = 100       /* what SQLite adds to a snapshot, for the limit */
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "arrays are stored as they lie in memory");

#define SHOT_LIST(X)                                                                                                   \
    X(PUT, "INSERT OR REPLACE INTO vaetop_snapshot(number, epoch, bytes, n_points, xy_scale, explained,"               \
           " kl, xy, label, n_images, image_h, image_w, pixels)"                                                       \
           " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")                                                                       \
    X(BYTES, "SELECT coalesce(sum(bytes), 0) FROM vaetop_snapshot")                                                    \
    X(SIZE, "SELECT bytes FROM vaetop_snapshot WHERE number = ? AND epoch = ?")                                        \
    X(EPOCHS, "SELECT id, bytes FROM vaetop_snapshot WHERE number = ? AND epoch <> ? ORDER BY epoch")                  \
    X(OLDEST, "SELECT id, bytes FROM vaetop_snapshot ORDER BY id LIMIT 1")                                             \
    X(DELETE, "DELETE FROM vaetop_snapshot WHERE id = ?")                                                              \
    X(GET, "SELECT epoch, n_points, xy_scale, explained, kl, xy, label, n_images, image_h, image_w, pixels"            \
           " FROM vaetop_snapshot WHERE number = ? AND epoch <= ? ORDER BY epoch DESC LIMIT 1")                        \
    X(GET_BARE, "SELECT epoch, n_points, xy_scale, explained, kl, xy, label, 0, 0, 0, NULL"                            \
                " FROM vaetop_snapshot WHERE number = ? AND epoch <= ? ORDER BY epoch DESC LIMIT 1")                   \
    X(HAS_PIXELS, "SELECT 1 FROM pragma_table_info('vaetop_snapshot') WHERE name = 'pixels'")                          \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                                        \
    X(COMMIT, "COMMIT")                                                                                                \
    X(ROLLBACK, "ROLLBACK")

enum shot_id {
#define X(id, sql) SHOT_##id,
    SHOT_LIST(X)
#undef X
    SHOT_COUNT
};

static const char *const shot_sql[] = {
#define X(id, sql) sql,
    SHOT_LIST(X)
#undef X
};

static struct db_options shot_options(bool network, enum db_mode mode)
{
    struct db_options o = store_db_options(network, mode);
    o.durable = false;
    o.sql = shot_sql;
    o.n_sql = SHOT_COUNT;
    return o;
}

enum err_code shots_create(const char *dir, bool network, struct err *e)
{
    struct db d;
    char *path = fs_join(dir, STUDY_SNAPSHOTS);
    struct db_options o = shot_options(network, DB_CREATE);
    enum err_code code = db_open(&d, path, &o, e);
    if (!code) {
        code = schema_create_snapshots(&d, e);
        db_close(&d);
        if (code) {
            db_remove(path);
        }
    }
    free(path);
    return code;
}

/* A file from before there were images has no columns for them: a writer adds them, a reader does without. */
static enum err_code find_images(struct store *s, struct err *e)
{
    static const char add[] = "BEGIN IMMEDIATE;"
                              "ALTER TABLE vaetop_snapshot ADD COLUMN n_images INTEGER;"
                              "ALTER TABLE vaetop_snapshot ADD COLUMN image_h INTEGER;"
                              "ALTER TABLE vaetop_snapshot ADD COLUMN image_w INTEGER;"
                              "ALTER TABLE vaetop_snapshot ADD COLUMN pixels BLOB; COMMIT;";
    sqlite3_stmt *st;
    bool row;
    enum err_code code = db_bind(&s->shots, &st, SHOT_HAS_PIXELS, e, "");
    code = code ? code : db_step(&s->shots, st, &row, e);
    if (code) {
        return code;
    }
    if (row) {
        db_done(st);
    } else if (s->rw) {
        code = db_exec(&s->shots, add, e);
        row = true;
    }
    s->bare_shots = !row;
    return code;
}

static enum err_code open_file(struct store *s, const char *path, struct err *e)
{
    enum err_code code = s->rw && !fs_exists(path) ? shots_create(s->dir, s->network, e) : ERR_OK;
    struct db_options o = shot_options(s->network, s->rw ? DB_WRITE : DB_READ);
    code = code ? code : db_open(&s->shots, path, &o, e);
    if (!code && ((code = schema_check_snapshots(&s->shots, e)) != ERR_OK || (code = find_images(s, e)) != ERR_OK)) {
        db_close(&s->shots);
    }
    return code;
}

/* Opens on first use. Pictures that somebody deleted, that a kill left half made or that a disk has damaged are no
 * error: the writer starts afresh. */
static enum err_code shots_open(struct store *s, struct err *e)
{
    struct err why;
    if (s->shots.h) {
        return ERR_OK;
    }
    char *path = fs_join(s->dir, STUDY_SNAPSHOTS);
    enum err_code code = open_file(s, path, &why);
    if (code == ERR_DB && s->rw) {
        log_warn("the study's pictures are made anew, those so far are lost: %s", why.text);
        db_remove(path);
        s->shot_bytes = -1;
        code = open_file(s, path, &why);
    }
    if (code && e) {
        *e = why;
    }
    free(path);
    return code;
}

void shots_close(struct store *s)
{
    if (s->shots.h) {
        db_close(&s->shots);
    }
}

/* --- making room */

static enum err_code count_bytes(struct store *s, struct err *e)
{
    sqlite3_stmt *st;
    bool row;
    enum err_code code = db_bind(&s->shots, &st, SHOT_BYTES, e, "");
    code = code ? code : db_step(&s->shots, st, &row, e);
    if (!code && row) {
        s->shot_bytes = sqlite3_column_int64(st, 0);
        db_done(st);
    }
    return code;
}

static enum err_code drop(struct store *s, int64_t id, int64_t bytes, struct err *e)
{
    s->shot_bytes -= bytes;
    return db_run(&s->shots, SHOT_DELETE, e, "l", id);
}

/* With EPOCHS_KEPT others stored, the second, fourth ... of them go; the first epoch stays. */
static enum err_code thin(struct store *s, int number, int epoch, struct err *e)
{
    struct {
        int64_t id, bytes;
    } old[EPOCHS_KEPT];
    int n = 0;
    sqlite3_stmt *st;
    bool row = true;
    enum err_code code = db_bind(&s->shots, &st, SHOT_EPOCHS, e, "ii", number, epoch);
    while (!code && (code = db_step(&s->shots, st, &row, e)) == ERR_OK && row && n < EPOCHS_KEPT) {
        old[n].id = sqlite3_column_int64(st, 0);
        old[n++].bytes = sqlite3_column_int64(st, 1);
    }
    if (!code) {
        db_done(st);
    }
    for (int i = 1; !code && n == EPOCHS_KEPT && i < n; i += 2) {
        code = drop(s, old[i].id, old[i].bytes, e);
    }
    return code;
}

static enum err_code forget_oldest(struct store *s, int64_t need, struct err *e)
{
    enum err_code code = ERR_OK;
    while (!code && s->shot_bytes + need > s->shot_limit) {
        sqlite3_stmt *st;
        bool row;
        code = db_bind(&s->shots, &st, SHOT_OLDEST, e, "");
        code = code ? code : db_step(&s->shots, st, &row, e);
        if (code || !row) {
            break;
        }
        int64_t id = sqlite3_column_int64(st, 0), bytes = sqlite3_column_int64(st, 1);
        db_done(st);
        code = drop(s, id, bytes, e);
    }
    return code;
}

/* --- writing */

static int64_t shot_bytes(const struct snapshot *p)
{
    return (int64_t)p->latent * (int64_t)sizeof *p->kl + (int64_t)p->n_points * (2 * (int64_t)sizeof *p->xy + 1) +
           (int64_t)snapshot_pixels(p) + ROW_BYTES;
}

/* A picture of the same epoch is replaced: its bytes no longer count. */
static enum err_code forget_same(struct store *s, const struct snapshot *p, struct err *e)
{
    sqlite3_stmt *st;
    bool row;
    enum err_code code = db_bind(&s->shots, &st, SHOT_SIZE, e, "ii", p->trial, p->epoch);
    code = code ? code : db_step(&s->shots, st, &row, e);
    if (!code && row) {
        s->shot_bytes -= sqlite3_column_int64(st, 0);
        db_done(st);
    }
    return code;
}

static enum err_code put(struct store *s, const struct snapshot *p, struct err *e)
{
    int64_t bytes = shot_bytes(p);
    enum err_code code = s->shot_bytes < 0 ? count_bytes(s, e) : ERR_OK;
    code = code ? code : thin(s, p->trial, p->epoch, e);
    code = code ? code : forget_same(s, p, e);
    code = code ? code : forget_oldest(s, bytes, e);
    code = code ? code
                : db_run(&s->shots, SHOT_PUT, e, "iiliddbbbiiib", p->trial, p->epoch, bytes, p->n_points,
                         (double)p->xy_scale, (double)p->explained, (const void *)p->kl,
                         (int)((size_t)p->latent * sizeof *p->kl), (const void *)p->xy,
                         (int)((size_t)p->n_points * 2 * sizeof *p->xy), (const void *)p->label, p->n_points,
                         p->n_images, p->image_h, p->image_w, (const void *)p->pixels, (int)snapshot_pixels(p));
    s->shot_bytes += bytes;
    return code;
}

static bool images_ok(const struct snapshot *s)
{
    return s->n_images >= 0 && s->n_images <= SNAPSHOT_IMAGES && s->image_h >= 0 && s->image_h <= SNAPSHOT_SIDE &&
           s->image_w >= 0 && s->image_w <= SNAPSHOT_SIDE;
}

enum err_code store_snapshot(struct store *s, const struct snapshot *snap, struct err *e)
{
    if (!s->rw) {
        return err_set(e, ERR_USAGE, "%s: opened for reading only", s->db.path);
    }
    if (snap->latent < 0 || snap->latent > MAX_LATENT || snap->n_points < 0 || snap->n_points > SNAPSHOT_POINTS) {
        return err_set(e, ERR_USAGE, "trial %d: a snapshot of %d dimensions and %d points", snap->trial, snap->latent,
                       snap->n_points);
    }
    if (!images_ok(snap)) {
        return err_set(e, ERR_USAGE, "trial %d: a snapshot of %d images of %d x %d", snap->trial, snap->n_images,
                       snap->image_h, snap->image_w);
    }
    enum err_code code = shots_open(s, e);
    code = code ? code : db_run(&s->shots, SHOT_BEGIN, e, "");
    if (code) {
        return code;
    }
    code = put(s, snap, e);
    code = code ? code : db_run(&s->shots, SHOT_COMMIT, e, "");
    if (code) {
        struct err second;
        s->shot_bytes = -1; /* counted anew */
        if (!sqlite3_get_autocommit(s->shots.h) && db_run(&s->shots, SHOT_ROLLBACK, &second, "")) {
            shots_close(s);
        }
        if (code == ERR_DB) {
            shots_close(s); /* the next one finds out what is wrong */
        }
    }
    return code;
}

/* --- reading */

/* Owns: caller frees; NULL if the blob has not n elements, or n is 0. */
static void *take_blob(sqlite3_stmt *st, int column, size_t n, size_t size, bool *ok)
{
    const void *p = sqlite3_column_blob(st, column);
    if ((size_t)sqlite3_column_bytes(st, column) != n * size) {
        *ok = false;
        return NULL;
    }
    if (n == 0 || !p) {
        return NULL;
    }
    void *copy = xcalloc(n, size);
    memcpy(copy, p, n * size);
    return copy;
}

static bool take_snapshot(struct snapshot *out, int number, sqlite3_stmt *st)
{
    bool ok = true;
    int points = db_int(st, 1), kl_bytes = sqlite3_column_bytes(st, 4);
    if (points < 0 || points > SNAPSHOT_POINTS || kl_bytes > MAX_LATENT * (int)sizeof(float)) {
        return false;
    }
    out->trial = number;
    out->epoch = db_int(st, 0);
    out->latent = kl_bytes / (int)sizeof(float);
    out->n_points = points;
    out->xy_scale = (float)db_f64(st, 2);
    out->explained = (float)db_f64(st, 3);
    out->kl = take_blob(st, 4, (size_t)out->latent, sizeof *out->kl, &ok);
    out->xy = take_blob(st, 5, 2 * (size_t)points, sizeof *out->xy, &ok);
    out->label = take_blob(st, 6, (size_t)points, sizeof *out->label, &ok);
    out->n_images = db_int(st, 7); /* 0 of a row from before there were images */
    out->image_h = db_int(st, 8);
    out->image_w = db_int(st, 9);
    ok = ok && images_ok(out);
    out->pixels = ok ? take_blob(st, 10, snapshot_pixels(out), 1, &ok) : NULL;
    return ok;
}

enum err_code store_snapshot_get(struct store *s, int number, int epoch, struct snapshot *out, struct err *e)
{
    sqlite3_stmt *st;
    bool row;
    memset(out, 0, sizeof *out);
    enum err_code code = shots_open(s, e);
    code = code ? code : db_bind(&s->shots, &st, s->bare_shots ? SHOT_GET_BARE : SHOT_GET, e, "ii", number, epoch > 0 ? epoch : INT_MAX);
    code = code ? code : db_step(&s->shots, st, &row, e);
    if (code) {
        return code;
    }
    if (!row) {
        return err_set(e, ERR_NOTFOUND, "trial %d: no snapshot yet", number);
    }
    bool ok = take_snapshot(out, number, st);
    db_done(st);
    if (!ok) {
        snapshot_release(out);
        return err_set(e, ERR_DB, "%s: damaged: the snapshot of trial %d has a wrong size", s->shots.path, number);
    }
    return ERR_OK;
}
