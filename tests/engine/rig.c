#define _GNU_SOURCE /* symlink and environment calls beside prctl */
#include "rig.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/conf/paths.h"
#include "vaetop/ipc/endpoint.h"

#define DEADLINE_NS INT64_C(60000000000)

/* --- the program's environment */

static void link_as(const char *dir, const char *name)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = '\0';
    char *path = fs_join(dir, name);
    assert_int_equal(symlink(self, path), 0);
    free(path);
}

int rig_setup(void **state)
{
    (void)state;
    struct err e;
    const char *home = temp_dir();
    char *libexec = fs_join(home, "libexec");
    char *control = fs_join(home, "control");
    char *run = fs_join(home, "run");
    char *icd = fs_join(home, "fake.icd");
    assert_ok(fs_mkdirs(libexec, &e), &e);
    assert_ok(fs_mkdirs(control, &e), &e);
    assert_ok(fs_write(icd, "libfake.so\n", 11, &e), &e);
    link_as(libexec, "vaetop-worker");
    link_as(libexec, "vaetop-advisor");
    (void)setenv("VAETOP_LIBEXEC", libexec, 1);
    (void)setenv("FAKE_CONTROL", control, 1);
    (void)setenv("VAETOP_RUN_DIR", run, 1);
    (void)setenv("OCL_ICD_VENDORS", icd, 1);
    (void)unsetenv("VAETOP_IDLE_S");
    /* Supervisors leave their parents: they come to us, so that we see whether one is left. */
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    free(libexec);
    free(control);
    free(run);
    free(icd);
    return 0;
}

int rig_teardown(void **state)
{
    (void)state;
    int64_t deadline = clock_mono_ns() + DEADLINE_NS;
    for (;;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        if (pid < 0 && errno == ECHILD) {
            return 0;
        }
        if (clock_mono_ns() > deadline) {
            print_error("a supervisor or engine is still there\n");
            return -1;
        }
        (void)poll(NULL, 0, pid > 0 ? 0 : 5);
    }
}

static char *control_path(const char *name)
{
    return fs_join(getenv("FAKE_CONTROL"), name);
}

void rig_set(const char *name)
{
    struct err e;
    char *path = control_path(name);
    assert_ok(fs_write(path, "1", 1, &e), &e);
    free(path);
}

void rig_clear(const char *name)
{
    char *path = control_path(name);
    assert_int_equal(unlink(path), 0);
    free(path);
}

void rig_clear_all(void)
{
    DIR *d = opendir(getenv("FAKE_CONTROL"));
    assert_non_null(d);
    for (const struct dirent *f = readdir(d); f; f = readdir(d)) {
        if (f->d_name[0] != '.') {
            rig_clear(f->d_name);
        }
    }
    (void)closedir(d);
}

/* --- a study */

void rig_study(struct rig *r, const char *yaml)
{
    struct err e;
    *r = (struct rig){.dir = temp_dir()};
    assert_ok(preset_parse(&r->preset, yaml, strlen(yaml), "test", &e), &e);
    assert_ok(preset_check(&r->preset, &e), &e);
    assert_ok(store_create(r->dir, "test-study", &r->preset, "fake data", &e), &e);
}

void rig_start(struct rig *r)
{
    rig_start_on(r, NULL);
}

void rig_start_on(struct rig *r, const char *device)
{
    struct err e;
    r->finished = r->closed = r->finished_ok = false;
    assert_null(r->client);
    assert_ok(client_start(&r->client, NULL, r->dir, device, &e), &e);
    if (!r->store) {
        assert_ok(store_open(&r->store, r->dir, false, &e), &e);
    }
}

void rig_detach(struct rig *r)
{
    client_free(r->client);
    r->client = NULL;
}

void rig_wait_engine_gone(struct rig *r)
{
    int64_t deadline = clock_mono_ns() + DEADLINE_NS;
    char *path = fs_join(r->dir, STUDY_LOCK);
    int fd = -1;
    while (fs_lock(&fd, path, NULL)) {
        if (clock_mono_ns() > deadline) {
            fail_msg("the engine of %s does not end", r->dir);
        }
        (void)poll(NULL, 0, 5);
    }
    (void)close(fd);
    free(path);
}

void rig_end(struct rig *r)
{
    struct err e;
    if (!r->client && client_connect(&r->client, r->dir, &e)) {
        r->client = NULL;
    }
    if (r->client) {
        client_send(r->client, COMMAND_SHUTDOWN_NOW, -1, NULL);
    }
    rig_detach(r);
    rig_wait_engine_gone(r);
    store_close(r->store);
    preset_release(&r->preset);
    rig_clear_all();
}

void rig_do(struct rig *r, enum command c, int trial, const char *arg)
{
    struct err e;
    char *reply = NULL;
    assert_ok(client_command(r->client, c, trial, arg, &reply, &e), &e);
    assert_true(reply && *reply);
    free(reply);
}

struct sqlite3 *rig_meddle(const struct rig *r)
{
    sqlite3 *db;
    char *path = fs_join(r->dir, "study.db");
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    (void)sqlite3_busy_timeout(db, 60000);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    free(path);
    return db;
}

void rig_meddle_end(struct sqlite3 *db, const char *sql)
{
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* --- waiting */

static void hear(struct rig *r)
{
    struct client_event ev;
    do {
        client_next(r->client, &ev);
        if (ev.kind == CLIENT_FINISHED) {
            r->finished = true;
            r->finished_ok = ev.ok;
            memcpy(r->last, ev.text, sizeof r->last);
        } else if (ev.kind == CLIENT_BANNER) {
            memcpy(r->banner, ev.text, sizeof r->banner);
        } else if (ev.kind == CLIENT_CLOSED) {
            r->closed = true;
        }
    } while (ev.kind != CLIENT_NOTHING && ev.kind != CLIENT_CLOSED);
}

void rig_until(struct rig *r, rig_condition *cond, const void *arg, const char *what)
{
    int64_t deadline = clock_mono_ns() + DEADLINE_NS;
    for (;;) {
        if (r->client) {
            hear(r);
        }
        if (cond(r, arg)) {
            return;
        }
        if (clock_mono_ns() > deadline) {
            char *cmd = fs_join(r->dir, STUDY_LOG);
            char *text = NULL;
            size_t n;
            if (!fs_read(&text, &n, cmd, 1 << 20, NULL)) {
                print_error("%s\n", text);
            }
            free(text);
            free(cmd);
            fail_msg("waited in vain for: %s", what);
        }
        struct pollfd p = {.fd = r->client && !r->closed ? client_fd(r->client) : -1, .events = POLLIN};
        (void)poll(&p, 1, 10);
    }
}

bool rig_trial(struct rig *r, int trial, struct trial_row *out)
{
    struct trial_row *row = NULL;
    size_t n = 0;
    struct err e;
    assert_ok(store_trials(r->store, &r->preset, 0, &row, &n, &e), &e);
    bool there = (size_t)trial < n;
    if (there) {
        *out = row[trial];
        out->point = (struct point){0};
    }
    trial_rows_free(row, n);
    return there;
}

size_t rig_count(struct rig *r, enum trial_phase phase)
{
    struct trial_row *row = NULL;
    size_t n = 0;
    size_t count = 0;
    struct err e;
    assert_ok(store_trials(r->store, &r->preset, 0, &row, &n, &e), &e);
    for (size_t i = 0; i < n; i++) {
        count += row[i].phase == phase;
    }
    trial_rows_free(row, n);
    return count;
}

struct want {
    int trial, epoch;
    enum trial_phase phase;
};

static bool has_phase(struct rig *r, const void *arg)
{
    const struct want *w = arg;
    struct trial_row t;
    return rig_trial(r, w->trial, &t) && t.phase == w->phase;
}

void rig_until_phase(struct rig *r, int trial, enum trial_phase phase)
{
    char what[64];
    (void)snprintf(what, sizeof what, "trial %d %s", trial, trial_phase_word(phase));
    rig_until(r, has_phase, &(struct want){.trial = trial, .phase = phase}, what);
}

static bool has_epoch(struct rig *r, const void *arg)
{
    const struct want *w = arg;
    struct trial_row t;
    return rig_trial(r, w->trial, &t) && t.has_epoch && t.last.epoch >= w->epoch;
}

void rig_until_epoch(struct rig *r, int trial, int epoch)
{
    char what[64];
    (void)snprintf(what, sizeof what, "epoch %d of trial %d", epoch, trial);
    rig_until(r, has_epoch, &(struct want){.trial = trial, .epoch = epoch}, what);
}

void rig_held(struct rig *r, const char *yaml, int trial, int epoch)
{
    char hold[32];
    (void)snprintf(hold, sizeof hold, "hold-%d-%d", trial, epoch);
    rig_study(r, yaml);
    rig_set(hold);
    rig_start(r);
    rig_until_epoch(r, trial, epoch);
}

static bool is_finished(struct rig *r, const void *arg)
{
    (void)arg;
    return r->finished;
}

void rig_until_finished(struct rig *r)
{
    rig_until(r, is_finished, NULL, "the study's end");
}

static bool has_log(struct rig *r, const void *arg)
{
    struct log_row *row = NULL;
    size_t n = 0;
    bool found = false;
    struct err e;
    assert_ok(store_logs(r->store, 0, 1000, &row, &n, &e), &e);
    for (size_t i = 0; i < n; i++) {
        found |= strstr(row[i].text, (const char *)arg) != NULL;
    }
    free(row);
    return found;
}

void rig_until_log(struct rig *r, const char *part)
{
    rig_until(r, has_log, part, part);
}

/* --- looking */

char *rig_fact(struct rig *r, const char *key)
{
    char *value = NULL;
    struct err e;
    assert_ok(store_fact_get(r->store, key, &value, &e), &e);
    return value ? value : xstrdup("");
}

pid_t rig_worker(struct rig *r, int trial)
{
    struct trial_row t;
    struct device_row *row = NULL;
    size_t n = 0;
    struct err e;
    pid_t pid = 0;
    assert_true(rig_trial(r, trial, &t));
    const char *slash = strchr(t.device, '/');
    assert_non_null(slash);
    assert_ok(store_devices(r->store, &row, &n, &e), &e);
    for (size_t i = 0; i < n; i++) {
        pid = row[i].index == atoi(slash + 1) ? row[i].worker.pid : pid;
    }
    free(row);
    assert_true(pid > 0);
    return pid;
}

pid_t rig_engine(struct rig *r)
{
    char *path = fs_join(r->dir, STUDY_LOCK);
    char *text = NULL;
    size_t n;
    struct err e;
    int pid = 0;
    assert_ok(fs_read(&text, &n, path, 4096, &e), &e);
    assert_int_equal(sscanf(text, "process %d", &pid), 1);
    free(text);
    free(path);
    return pid;
}

void rig_check_epochs(struct rig *r, int trial, int n)
{
    struct epoch_row *row = NULL;
    size_t got = 0;
    struct err e;
    assert_ok(store_epochs(r->store, trial, 0, &row, &got, &e), &e);
    assert_int_equal(got, n);
    for (int i = 0; i < n; i++) {
        assert_int_equal(row[i].epoch, i + 1);
        assert_close(row[i].value, rig_value(trial, i + 1), 1e-12, 0);
    }
    free(row);
}

bool rig_has_checkpoint(struct rig *r, int trial)
{
    char *path = path_checkpoint(r->dir, trial);
    bool yes = fs_exists(path);
    free(path);
    return yes;
}
