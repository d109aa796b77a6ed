#include "points.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"
#include "vaetop/data/safetensors.h"
#include "vaetop/store/store.h"

enum { VALUES = 3000, VERSIONS = 3, GROUPS = 6, FILE_BYTES = 20000 };

static const char preset_text[] = "study:\n  trials: 8\nmodel:\n  latent: 2 .. 8\noptimizer:\n  lr: 1e-4 .. 1e-2 log\n"
                                  "train:\n  epochs: 4\n";

static void ack(int n)
{
    char text[32];
    int len = snprintf(text, sizeof text, "ack %d\n", n);
    if (write(STDOUT_FILENO, text, (size_t)len) != len) {
        abort();
    }
}

static int give_up(const struct err *e)
{
    fprintf(stderr, "%s\n", e->text);
    return 1;
}

/* --- a small file */

static void fill(char *bytes, char letter)
{
    memset(bytes, letter, FILE_BYTES);
}

static int work_write(const char *dir)
{
    char bytes[FILE_BYTES];
    char *path = fs_join(dir, "file");
    struct err e;
    fill(bytes, 'n');
    enum err_code rc = fs_write(path, bytes, sizeof bytes, &e);
    rc = rc ? fs_write(path, bytes, sizeof bytes, &e) : rc;
    free(path);
    if (!rc) {
        ack(1);
    }
    return rc ? give_up(&e) : 0;
}

static int version_of_file(const char *dir)
{
    char *path = fs_join(dir, "file"), *bytes = NULL, want[FILE_BYTES];
    size_t n;
    int version = -1;
    if (!fs_read(&bytes, &n, path, 1 << 20, NULL) && n == FILE_BYTES) {
        fill(want, bytes[0]);
        version = memcmp(bytes, want, n) ? -1 : bytes[0] == 'n';
    }
    free(bytes);
    free(path);
    return version;
}

/* --- a checkpoint, three times over */

static enum err_code save(const char *path, int version, struct err *e)
{
    float x[VALUES];
    char text[16];
    const size_t shape[1] = {VALUES};
    for (int i = 0; i < VALUES; i++) {
        x[i] = (float)version;
    }
    snprintf(text, sizeof text, "%d", version);
    struct tensor_writer *w = tensor_writer_new();
    tensor_writer_meta(w, "step", text);
    tensor_writer_add(w, "x", TENSOR_F32, shape, 1, x);
    enum err_code rc = tensor_writer_save(w, path, true, true, e);
    tensor_writer_free(w);
    return rc;
}

static int work_checkpoint(const char *dir)
{
    char *path = fs_join(dir, "0.safetensors");
    struct err e;
    enum err_code rc = ERR_OK;
    for (int v = 1; v <= VERSIONS && !rc; v++) {
        rc = save(path, v, &e);
        rc = rc ? save(path, v, &e) : rc;
        if (!rc) {
            ack(v);
        }
    }
    free(path);
    return rc ? give_up(&e) : 0;
}

/* 0: no file; -1: broken. */
static int version_of(const char *path)
{
    struct tensor_file *t;
    enum err_code rc = tensor_file_open(&t, path, true, NULL);
    if (rc) {
        return rc == ERR_NOTFOUND ? 0 : -1;
    }
    const struct tensor *x = tensor_file_find(t, "x");
    const char *step = tensor_file_meta(t, "step");
    int version = x && step && x->count == VALUES ? atoi(step) : -1;
    for (size_t i = 0; version > 0 && i < VALUES; i++) {
        version = ((const float *)x->data)[i] == (float)version ? version : -1;
    }
    tensor_file_free(t);
    return version;
}

static int version_of_checkpoint(const char *dir)
{
    char *path = fs_join(dir, "0.safetensors");
    int version = version_of(path); /* there is a whole file under this name at every moment */
    free(path);
    return version;
}

/* --- a study */

static void read_preset(struct preset *p)
{
    struct err e;
    if (preset_parse(p, preset_text, strlen(preset_text), "points.yaml", &e) || preset_check(p, &e)) {
        fprintf(stderr, "%s\n", e.text);
        abort();
    }
}

static int work_create(const char *dir)
{
    struct preset p;
    struct err e;
    read_preset(&p);
    enum err_code rc = store_create(dir, "points", &p, "made up", &e);
    rc = rc ? store_create(dir, "points", &p, "made up", &e) : rc;
    preset_release(&p);
    if (!rc) {
        ack(1);
    }
    return rc ? give_up(&e) : 0;
}

static enum err_code new_trial(struct store *s, const struct preset *p, double latent, double lr, struct err *e)
{
    struct point pt;
    int number;
    point_init(&pt, p);
    for (size_t r = 0; r < p->n_ranges; r++) {
        pt.present[r] = true;
        pt.value[r] = p->range[r].kind == RANGE_INT ? latent : lr;
    }
    enum err_code rc = store_trial_new(s, &number, p, &pt, PHASE_QUEUED, e);
    point_release(&pt);
    return rc;
}

static enum err_code epoch(struct store *s, int trial, int at, struct err *e)
{
    struct epoch_row r = {.trial = trial, .epoch = at, .step = 100 * at};
#define X(member, unit, meaning) r.member = trial + 1.0 / at;
    EPOCH_METRIC_LIST(X)
#undef X
    return store_epoch(s, &r, e);
}

static enum err_code group(struct store *s, const struct preset *p, int g, struct err *e)
{
    enum err_code rc = store_begin(s, e);
    if (g == 1) {
        rc = rc ? rc : new_trial(s, p, 3, 1e-3, e);
        rc = rc ? rc : store_fact_set(s, "phase", "running", e);
    } else if (g == 2) {
        rc = rc ? rc : store_trial_phase(s, 0, PHASE_ACTIVE, NAN, NULL, e);
        rc = rc ? rc : store_trial_device(s, 0, "cpu/0", 1, e);
    } else if (g == 3) {
        for (int i = 1; i <= 3; i++) {
            rc = rc ? rc : epoch(s, 0, i, e);
        }
    } else if (g == 4) {
        rc = rc ? rc : new_trial(s, p, 5, 2e-3, e);
        rc = rc ? rc : epoch(s, 0, 4, e);
    } else if (g == 5) {
        rc = rc ? rc : store_trial_phase(s, 0, PHASE_DONE, 0.25, NULL, e);
        rc = rc ? rc : store_trial_phase(s, 1, PHASE_ACTIVE, NAN, NULL, e);
        rc = rc ? rc : epoch(s, 1, 1, e);
    } else {
        rc = rc ? rc : store_trial_phase(s, 1, PHASE_PRUNED, 2.0, "enough", e);
        rc = rc ? rc : store_fact_set(s, "phase", "finished", e);
    }
    if (!rc) {
        return store_commit(s, e);
    }
    store_rollback(s);
    return rc;
}

static int work_store(const char *dir)
{
    struct store *s = NULL;
    struct preset p;
    struct err e;
    read_preset(&p);
    enum err_code rc = store_open(&s, dir, true, &e);
    rc = rc ? store_open(&s, dir, true, &e) : rc;
    for (int g = 1; g <= GROUPS && !rc; g++) {
        rc = group(s, &p, g, &e);
        rc = rc ? group(s, &p, g, &e) : rc;
        if (!rc) {
            ack(g);
        }
    }
    store_close(s);
    preset_release(&p);
    return rc ? give_up(&e) : 0;
}

/* All that the groups write, as text, without times. NULL: it does not open. Owns: caller frees. */
static char *study_text(const char *dir, struct err *e)
{
    struct store *s;
    struct preset p;
    struct trial_row *row = NULL;
    size_t n = 0;
    char *phase = NULL;
    struct sbuf b = {0};
    if (store_open(&s, dir, true, e)) { /* as the engine will: checked whole */
        return NULL;
    }
    enum err_code rc = store_preset(s, &p, e);
    if (rc) {
        store_close(s);
        return NULL;
    }
    rc = store_fact_get(s, "phase", &phase, e);
    rc = rc ? rc : store_trials(s, &p, 0, &row, &n, e);
    sbuf_addf(&b, "%s", phase ? phase : "new");
    for (size_t i = 0; i < n && !rc; i++) {
        struct epoch_row *er = NULL;
        size_t m = 0;
        sbuf_addf(&b, "; %d %s %s %g %g %g", row[i].number, trial_phase_word(row[i].phase), row[i].device,
                  row[i].point.value[0], row[i].point.value[1], row[i].phase == PHASE_ACTIVE ? 0 : row[i].value);
        rc = store_epochs(s, row[i].number, 0, &er, &m, e);
        for (size_t k = 0; k < m; k++) {
            sbuf_addf(&b, " %d:%.17g:%.17g", er[k].epoch, er[k].value, er[k].seconds);
        }
        free(er);
    }
    trial_rows_free(row, n);
    free(phase);
    preset_release(&p);
    store_close(s);
    char *text = sbuf_take(&b);
    if (rc) {
        free(text);
        return NULL;
    }
    return text;
}

/* The texts after 0 .. GROUPS groups, of a run without faults. */
static char *expected[GROUPS + 1];

static void expect_study(void)
{
    const char *dir = temp_dir();
    struct err e;
    points_prepare("store", dir);
    expected[0] = study_text(dir, &e);
    for (int g = 1; g <= GROUPS; g++) {
        struct store *s;
        struct preset p;
        read_preset(&p);
        assert_ok(store_open(&s, dir, true, &e), &e);
        assert_ok(group(s, &p, g, &e), &e);
        store_close(s);
        preset_release(&p);
        expected[g] = study_text(dir, &e);
        assert_non_null(expected[g]);
        assert_string_not_equal(expected[g], expected[g - 1]);
    }
}

static int version_of_study(const char *dir, char *why, size_t cap)
{
    struct err e = {0};
    char *text = study_text(dir, &e);
    if (!expected[0]) {
        expect_study();
    }
    for (int g = 0; text && g <= GROUPS; g++) {
        if (strcmp(text, expected[g]) == 0) {
            free(text);
            return g;
        }
    }
    snprintf(why, cap, "%s", text ? text : e.text);
    free(text);
    return -1;
}

/* --- all of them */

int points_steps(const char *what)
{
    return strcmp(what, "checkpoint") == 0 ? VERSIONS : strcmp(what, "store") == 0 ? GROUPS : 1;
}

int points_work(const char *what, const char *dir)
{
    return strcmp(what, "write") == 0        ? work_write(dir)
           : strcmp(what, "checkpoint") == 0 ? work_checkpoint(dir)
           : strcmp(what, "create") == 0     ? work_create(dir)
                                             : work_store(dir);
}

void points_prepare(const char *what, const char *dir)
{
    struct err e;
    if (strcmp(what, "write") == 0) {
        char bytes[FILE_BYTES], *path = fs_join(dir, "file");
        fill(bytes, 'o');
        assert_ok(fs_write(path, bytes, sizeof bytes, &e), &e);
        free(path);
    } else if (strcmp(what, "store") == 0) {
        struct preset p;
        read_preset(&p);
        assert_ok(store_create(dir, "points", &p, "made up", &e), &e);
        preset_release(&p);
    }
}

/* After an error, not a death, nothing half-written is left. */
static int no_strays(const char *dir, char *why, size_t cap)
{
    DIR *d = opendir(dir);
    int ok = 1;
    for (const struct dirent *f = d ? readdir(d) : NULL; f; f = readdir(d)) {
        if (strstr(f->d_name, ".tmp")) {
            snprintf(why, cap, "%.80s is left", f->d_name);
            ok = 0;
        }
    }
    if (d) {
        closedir(d);
    }
    return ok;
}

int points_holds(const char *what, const char *dir, int acked, int died, char *why, size_t cap)
{
    int version;
    why[0] = '\0';
    if (strcmp(what, "write") == 0) {
        version = version_of_file(dir);
    } else if (strcmp(what, "checkpoint") == 0) {
        version = version_of_checkpoint(dir);
    } else if (strcmp(what, "create") == 0) {
        /* It is made in a folder that gets its name at the end: half a study is no harm, but it must not crash. */
        struct err e;
        char *text = study_text(dir, &e);
        version = text ? 1 : 0;
        free(text);
    } else {
        version = version_of_study(dir, why, cap);
    }
    if (version != acked && version != acked + 1) {
        size_t n = strlen(why);
        snprintf(why + n, cap - n, " state %d after %d acknowledged", version, acked);
        return 0;
    }
    return died || no_strays(dir, why, cap);
}
