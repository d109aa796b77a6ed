#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "fuzz.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/store/store.h"

/* A study with some trials, made once; each input changes a copy: bytes of the file, or values of single columns. */
static char *dir;
static char *base;
static size_t base_len;
static struct column {
    char *table, *name;
} *column;
static size_t n_columns;

static const char yaml[] = "study:\n  trials: 8\nmodel:\n  depth: 1 .. 3\n  latent: 2 | 8\nloss:\n"
                           "  beta_schedule: constant | linear\n  beta_warmup: 1 .. 4 if beta_schedule = linear\n"
                           "optimizer:\n  lr: 1e-4 .. 1e-2 log\n";

static void remove_dir(void)
{
    struct err e;
    (void)fs_remove_tree(dir, &e);
}

static void add_trial(struct store *s, const struct preset *p, int i)
{
    struct point pt;
    struct err e;
    int number;
    point_init(&pt, p);
    for (size_t r = 0; r < p->n_ranges; r++) {
        pt.present[r] = p->range[r].when.on == KNOB_NONE;
        pt.value[r] = p->range[r].kind == RANGE_CHOICE ? 0 : p->range[r].lo;
    }
    MUST(store_trial_new(s, &number, p, &pt, PHASE_QUEUED, &e) == ERR_OK);
    MUST(store_trial_phase(s, number, PHASE_ACTIVE, NAN, NULL, &e) == ERR_OK);
    for (int epoch = 1; epoch <= 2; epoch++) {
        const struct epoch_row row = {.trial = number, .epoch = epoch, .step = 10 * epoch, .value = 100.0 + i};
        MUST(store_epoch(s, &row, &e) == ERR_OK);
    }
    MUST(store_edit(s, number, KNOB_OPTIMIZER_LR, "0.01", 5, &e) == ERR_OK);
    if (i > 0) {
        const enum trial_phase end = i == 1 ? PHASE_DONE : PHASE_DIVERGED;
        MUST(store_trial_phase(s, number, end, i == 1 ? 101 : NAN, "why", &e) == ERR_OK);
    }
    point_release(&pt);
}

static void list_columns(const char *path)
{
    sqlite3 *h;
    sqlite3_stmt *st;
    MUST(sqlite3_open(path, &h) == SQLITE_OK);
    MUST(sqlite3_prepare_v2(h, "SELECT m.name, t.name FROM sqlite_master m, pragma_table_info(m.name) t"
                               " WHERE m.type = 'table' ORDER BY 1, t.cid", -1, &st, NULL) == SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW) {
        column = xreallocarray(column, n_columns + 1, sizeof *column);
        column[n_columns++] = (struct column){xstrdup((const char *)sqlite3_column_text(st, 0)),
                                              xstrdup((const char *)sqlite3_column_text(st, 1))};
    }
    (void)sqlite3_finalize(st);
    (void)sqlite3_close(h);
    MUST(n_columns > 20);
}

static void make_base(void)
{
    struct preset p;
    struct store *s;
    struct err e;
    const char *tmp = getenv("TMPDIR");
    dir = xasprintf("%s/vaetop-fuzz-XXXXXX", tmp ? tmp : "/tmp");
    MUST(mkdtemp(dir) != NULL);
    (void)atexit(remove_dir);
    MUST(preset_parse(&p, yaml, sizeof yaml - 1, "base.yaml", &e) == ERR_OK && preset_check(&p, &e) == ERR_OK);
    MUST(store_create(dir, "base", &p, "data", &e) == ERR_OK && store_open(&s, dir, true, &e) == ERR_OK);
    for (int i = 0; i < 3; i++) {
        add_trial(s, &p, i);
    }
    const struct device_row d = {.name = "device", .type = "cpu", .state = "ready", .slots = 2};
    MUST(store_device(s, &d, &e) == ERR_OK && store_log(s, 1, "a line", &e) == ERR_OK);
    store_close(s);
    preset_release(&p);
    char *path = fs_join(dir, "study.db");
    list_columns(path);
    MUST(fs_read(&base, &base_len, path, 1u << 24, &e) == ERR_OK);
    free(path);
}

/* {offset of 3 bytes, value}... */
static void change_bytes(const char *path, const uint8_t *data, size_t size)
{
    char *copy = xcalloc(base_len, 1);
    memcpy(copy, base, base_len);
    for (; size >= 4; data += 4, size -= 4) {
        copy[((size_t)data[0] << 16 | (size_t)data[1] << 8 | data[2]) % base_len] = (char)data[3];
    }
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    MUST(fd >= 0 && fs_write_all(fd, copy, base_len) == 0);
    (void)close(fd);
    free(copy);
}

static int bind(sqlite3_stmt *st, const uint8_t *value, size_t n)
{
    static const int64_t ints[] = {0, 1, -1, INT32_MAX, INT64_MAX, INT64_MIN, (int64_t)1 << 40, 255};
    static const double reals[] = {0.5, -0.0, 1e308, -1e308, INFINITY, 1e-320, 2147483648.0, NAN};
    const uint8_t kind = n > 0 ? value[0] : 0;
    switch (kind % 5) {
    case 0:
        return sqlite3_bind_null(st, 1);
    case 1:
        return sqlite3_bind_int64(st, 1, ints[kind / 5 % 8]);
    case 2:
        return sqlite3_bind_double(st, 1, reals[kind / 5 % 8]);
    case 3:
        return sqlite3_bind_text(st, 1, (const char *)value + 1, (int)n - 1, SQLITE_TRANSIENT);
    default:
        return sqlite3_bind_blob(st, 1, value + 1, (int)n - 1, SQLITE_TRANSIENT);
    }
}

/* {column, row, length, value}...: the values of one row of a table, past every check of the schema. */
static void change_values(const char *path, const uint8_t *data, size_t size)
{
    sqlite3 *h;
    MUST(sqlite3_open(path, &h) == SQLITE_OK);
    (void)sqlite3_exec(h, "PRAGMA synchronous = OFF; PRAGMA ignore_check_constraints = ON; BEGIN", NULL, NULL, NULL);
    while (size >= 3) {
        const struct column *c = &column[data[0] % n_columns];
        const size_t n = data[2] < size - 3 ? data[2] : size - 3;
        char *sql = sqlite3_mprintf("UPDATE OR IGNORE \"%w\" SET \"%w\" = ?1 WHERE (SELECT count(*) FROM \"%w\") < 2"
                                    " OR \"%w\" = (SELECT \"%w\" FROM \"%w\" LIMIT 1 OFFSET %d)",
                                    c->table, c->name, c->table, c->name, c->name, c->table, data[1] % 8);
        sqlite3_stmt *st;
        MUST(sql != NULL);
        if (sqlite3_prepare_v2(h, sql, -1, &st, NULL) == SQLITE_OK) {
            (void)bind(st, data + 3, n);
            (void)sqlite3_step(st); /* NOT NULL may refuse it */
            (void)sqlite3_finalize(st);
        }
        sqlite3_free(sql);
        data += 3 + n;
        size -= 3 + n;
    }
    (void)sqlite3_exec(h, "COMMIT", NULL, NULL, NULL);
    (void)sqlite3_close(h);
}

static void read_trial(struct store *s, const struct trial_row *t, const struct preset *p)
{
    struct epoch_row *epochs;
    struct edit_row *edits;
    struct snapshot snap;
    struct config c;
    struct err e;
    size_t n;
    enum err_code rc = store_epochs(s, t->number, 0, &epochs, &n, &e);
    fuzz_check_error(rc, &e);
    if (rc == ERR_OK) {
        free(epochs);
    }
    rc = store_edits(s, t->number, &edits, &n, &e);
    fuzz_check_error(rc, &e);
    if (rc == ERR_OK) {
        for (size_t i = 0; i < n; i++) {
            MUST(edits[i].knob >= 0 && edits[i].knob < KNOB_COUNT);
        }
        free(edits);
    }
    rc = store_snapshot_get(s, t->number, 0, &snap, &e);
    fuzz_check_error(rc, &e);
    if (rc == ERR_OK) {
        snapshot_release(&snap);
    }
    MUST(t->point.n == p->n_ranges && t->phase >= 0 && t->phase < PHASE_COUNT);
    rc = preset_apply(&c, p, &t->point, &e);
    fuzz_check_error(rc, &e);
    if (rc == ERR_OK) {
        config_release(&c);
    }
}

static void read_rest(struct store *s)
{
    struct device_row *devices;
    struct log_row *logs;
    struct err e;
    char *text = NULL;
    size_t n;
    int64_t counter;
    fuzz_check_error(store_changed(s, &counter, &e), &e);
    enum err_code rc = store_name(s, &text, &e);
    fuzz_check_error(rc, &e);
    free(rc ? NULL : text);
    rc = store_fact_get(s, "data", &text, &e);
    fuzz_check_error(rc, &e);
    free(rc ? NULL : text);
    rc = store_devices(s, &devices, &n, &e);
    fuzz_check_error(rc, &e);
    free(rc ? NULL : devices);
    rc = store_logs(s, 0, 100, &logs, &n, &e);
    fuzz_check_error(rc, &e);
    free(rc ? NULL : logs);
}

static void read_study(bool rw)
{
    struct store *s;
    struct preset p;
    struct trial_row *rows;
    struct err e;
    size_t n;
    enum err_code rc = store_open(&s, dir, rw, &e);
    fuzz_check_error(rc, &e);
    if (rc) {
        return;
    }
    read_rest(s);
    rc = store_preset(s, &p, &e);
    fuzz_check_error(rc, &e);
    if (rc == ERR_OK) {
        rc = store_trials(s, &p, 0, &rows, &n, &e);
        fuzz_check_error(rc, &e);
        for (size_t i = 0; rc == ERR_OK && i < n; i++) {
            read_trial(s, &rows[i], &p);
        }
        if (rc == ERR_OK) {
            trial_rows_free(rows, n);
        }
        preset_release(&p);
    }
    store_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const beside[] = {"study.db-wal", "study.db-shm", "study.db-journal"};
    if (!dir) {
        make_base();
    }
    if (size == 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        char *path = fs_join(dir, beside[i]);
        (void)unlink(path);
        free(path);
    }
    char *path = fs_join(dir, "study.db");
    const bool values = data[0] % 4 != 0;
    change_bytes(path, values ? NULL : data + 1, values ? 0 : size - 1);
    if (values) {
        change_values(path, data + 1, size - 1);
    }
    free(path);
    read_study(false);
    read_study(true);
    return 0;
}
