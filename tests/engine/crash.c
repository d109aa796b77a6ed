/* Killing what can be killed: no trial is lost, none is doubled, every curve is whole. */
#include "rig.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/proc.h"
#include "vaetop/conf/paths.h"

int crash_tests(void);

#define STUDY(trials, slots, epochs) \
    "study:\n  trials: " #trials "\n  slots: " #slots "\ntrain:\n  epochs: " #epochs \
    "\noptimizer:\n  lr: 1e-4 .. 1e-2 log\n"

static void all_done(struct rig *r, int trials, int epochs)
{
    for (int i = 0; i < trials; i++) {
        struct trial_row t;
        assert_true(rig_trial(r, i, &t));
        assert_int_equal(t.phase, PHASE_DONE);
        rig_check_epochs(r, i, epochs);
    }
}

struct again {
    int trial, attempts;
};

static bool started_again(struct rig *r, const void *arg)
{
    const struct again *a = arg;
    struct trial_row t;
    return rig_trial(r, a->trial, &t) && t.attempts >= a->attempts && t.phase == PHASE_ACTIVE;
}

static void a_killed_workers_trials_go_on_from_their_checkpoints(void **state)
{
    (void)state;
    struct rig r;
    struct trial_row t;
    rig_study(&r, STUDY(4, 2, 6));
    rig_set("hold-0-3");
    rig_set("hold-1-2");
    rig_start(&r);
    rig_until_epoch(&r, 0, 3);
    rig_until_epoch(&r, 1, 2);
    for (int kills = 0; kills < 3; kills++) {
        pid_t old = rig_worker(&r, 0);
        assert_int_equal(kill(old, SIGKILL), 0);
        rig_until(&r, started_again, &(struct again){0, kills + 2}, "trial 0 started again");
        assert_true(rig_worker(&r, 0) != old);
    }
    rig_clear_all();
    rig_until_finished(&r);
    all_done(&r, 4, 6);
    assert_true(rig_trial(&r, 1, &t));
    assert_int_equal(t.attempts, 1); /* of another worker: it was left alone */
    rig_end(&r);
}

static void epochs_after_the_checkpoint_are_trained_again_without_doubles(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, STUDY(1, 1, 5));
    rig_set("nosave-0");
    rig_set("hold-0-4");
    rig_start(&r);
    rig_until_epoch(&r, 0, 4);
    assert_false(rig_has_checkpoint(&r, 0));
    assert_int_equal(kill(rig_worker(&r, 0), SIGKILL), 0);
    rig_until(&r, started_again, &(struct again){0, 2}, "trial 0 started again");
    rig_clear_all();
    rig_until_finished(&r);
    all_done(&r, 1, 5);
    rig_end(&r);
}

static bool engine_is_another(struct rig *r, const void *arg)
{
    struct client *c;
    if (client_connect(&c, r->dir, NULL)) {
        return false;
    }
    client_free(c);
    return rig_engine(r) != *(const pid_t *)arg;
}

static bool is_closed(struct rig *r, const void *arg)
{
    (void)arg;
    return r->closed;
}

static void a_killed_engine_comes_back_and_goes_on(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, STUDY(4, 2, 6));
    rig_set("hold-0-3");
    rig_set("hold-1-2");
    rig_start(&r);
    rig_until_epoch(&r, 0, 3);
    rig_until_epoch(&r, 1, 2);
    struct proc_id worker;
    assert_true(proc_identify(&worker, rig_worker(&r, 0)));
    pid_t old = rig_engine(&r);
    assert_int_equal(kill(old, SIGKILL), 0);
    rig_until(&r, is_closed, NULL, "the client hears of it");
    rig_detach(&r);
    rig_until(&r, engine_is_another, &old, "another engine");
    assert_false(proc_alive(worker));
    rig_start(&r);
    rig_clear_all();
    rig_until_finished(&r);
    all_done(&r, 4, 6);
    rig_end(&r);
}

static void a_poisonous_trial_fails_and_the_others_finish(void **state)
{
    (void)state;
    struct rig r;
    struct trial_row t;
    rig_study(&r, STUDY(5, 4, 3));
    rig_set("nosave-1");
    rig_set("die-1-2");
    rig_start(&r);
    rig_until_finished(&r);
    assert_true(rig_trial(&r, 1, &t));
    assert_int_equal(t.phase, PHASE_FAILED);
    assert_has(t.reason, "its worker died on it 2 times: signal 6");
    for (int i = 0; i < 5; i++) {
        if (i != 1) {
            assert_true(rig_trial(&r, i, &t));
            assert_int_equal(t.phase, PHASE_DONE);
            rig_check_epochs(&r, i, 3);
        }
    }
    rig_end(&r);
}

static void a_worker_that_cannot_open_its_device_ends_the_study_with_a_reason(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, STUDY(3, 2, 3));
    rig_set("broken");
    rig_start(&r);
    rig_until_finished(&r);
    assert_false(r.finished_ok);
    assert_has(r.last, "the device is not there");
    rig_wait_engine_gone(&r);
    char *error = rig_fact(&r, "error");
    assert_has(error, "the device is not there");
    free(error);
    rig_detach(&r);
    rig_clear_all();
    rig_start(&r); /* mended: it runs */
    rig_until_finished(&r);
    all_done(&r, 3, 3);
    rig_end(&r);
}

static void workers_killed_from_outside_before_they_are_ready_end_nothing(void **state)
{
    (void)state;
    struct rig r;
    char name[] = "slain-0";
    rig_study(&r, STUDY(2, 1, 2));
    for (int i = 1; i <= 4; i++) { /* one more than a device that fails by itself gets */
        name[6] = (char)('0' + i);
        rig_set(name);
    }
    rig_start(&r);
    rig_until_finished(&r);
    all_done(&r, 2, 2);
    rig_end(&r);
}

static bool says_lost(struct rig *r, const void *arg)
{
    struct device_row *row = NULL;
    size_t n = 0, lost = 0;
    struct err e;
    (void)arg;
    assert_ok(store_devices(r->store, &row, &n, &e), &e);
    for (size_t i = 0; i < n; i++) {
        lost += strcmp(row[i].state, "lost") == 0;
    }
    free(row);
    return lost > 0 && strstr(r->banner, "is lost, tried again by itself: the device is not there");
}

static bool says_nothing(struct rig *r, const void *arg)
{
    (void)arg;
    return r->banner[0] == '\0';
}

static void a_device_that_vanishes_is_tried_until_it_is_back(void **state)
{
    (void)state;
    struct rig r;
    rig_held(&r, STUDY(2, 1, 3), 0, 2);
    pid_t worker = rig_worker(&r, 0);
    rig_set("broken");
    assert_int_equal(kill(worker, SIGKILL), 0);
    rig_until(&r, says_lost, NULL, "the device to be called lost");
    rig_clear("broken");
    rig_until(&r, says_nothing, NULL, "the banner to go");
    rig_clear_all();
    rig_until_finished(&r);
    assert_true(r.finished_ok);
    all_done(&r, 2, 3);
    rig_end(&r);
}

static bool log_file_has(struct rig *r, const void *arg)
{
    char *path = fs_join(r->dir, "log"), *text = NULL;
    size_t n;
    bool yes = !fs_read(&text, &n, path, 1 << 20, NULL) && strstr(text, arg);
    free(text);
    free(path);
    return yes;
}

/* The device is gone, or its probe was killed, at the moment when the engine is brought back. */
static void a_killed_engine_comes_back_when_its_device_does(void **state)
{
    (void)state;
    struct rig r;
    rig_held(&r, STUDY(2, 1, 3), 0, 2);
    pid_t old = rig_engine(&r);
    rig_set("gone");
    assert_int_equal(kill(old, SIGKILL), 0);
    rig_detach(&r);
    rig_until(&r, log_file_has, "it is tried again", "a start that is refused");
    rig_clear_all();
    rig_until(&r, engine_is_another, &old, "another engine");
    rig_start(&r);
    rig_until_finished(&r);
    all_done(&r, 2, 3);
    rig_end(&r);
}

static void a_terminated_engine_saves_all_and_the_study_goes_on_when_run_again(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, STUDY(2, 2, 4));
    rig_set("hold-0-2");
    rig_set("nosave-0");
    rig_start(&r);
    rig_until_epoch(&r, 0, 2);
    assert_int_equal(kill(rig_engine(&r), SIGTERM), 0);
    rig_until(&r, is_closed, NULL, "the engine's end");
    rig_detach(&r);
    rig_wait_engine_gone(&r);
    assert_true(rig_has_checkpoint(&r, 0));
    struct err e;
    struct client *c;
    assert_err(client_connect(&c, r.dir, &e), ERR_NOTFOUND, &e);
    rig_clear_all();
    rig_start(&r);
    rig_until_finished(&r);
    all_done(&r, 2, 4);
    rig_end(&r);
}

/* Starts this program with two arguments; its fd 3 is `fd`. */
static pid_t start_self(const char *use, const char *dir, const char *device, int fd)
{
    char *argv[] = {xstrdup("vaetop"), xstrdup(use), xstrdup(dir), device ? xstrdup(device) : NULL, NULL};
    struct proc_spawn s = {.path = "/proc/self/exe", .argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1,
                           .socket_fd = fd};
    struct err e;
    pid_t pid = 0;
    assert_ok(proc_spawn(&pid, &s, &e), &e);
    for (int i = 0; i < 4; i++) {
        free(argv[i]);
    }
    return pid;
}

static void a_second_engine_is_refused_and_told_by_whom(void **state)
{
    (void)state;
    struct rig r;
    int fd[2];
    char line[1024];
    rig_study(&r, STUDY(1, 1, 2));
    rig_set("hold-0-1");
    rig_start(&r);
    pid_t first = rig_engine(&r);
    assert_int_equal(pipe(fd), 0);
    pid_t second = start_self("__engine", r.dir, "", fd[1]);
    (void)close(fd[1]);
    size_t n = 0;
    ssize_t got;
    while ((got = read(fd[0], line + n, sizeof line - 1 - n)) > 0) {
        n += (size_t)got;
    }
    line[n] = '\0';
    (void)close(fd[0]);
    int status;
    assert_int_equal(waitpid(second, &status, 0), second);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), err_exit_status(ERR_BUSY));
    char *who = xasprintf("in use by an engine (process %d", (int)first);
    assert_has(line, who);
    free(who);
    rig_end(&r);
}

/* `fsck` has the study when the engine is brought back, longer than an engine waits. */
static void a_killed_engine_comes_back_after_another_command(void **state)
{
    (void)state;
    struct rig r;
    struct err e;
    int lock = -1;
    rig_held(&r, STUDY(2, 1, 3), 0, 2);
    pid_t old = rig_engine(&r);
    char *path = fs_join(r.dir, STUDY_LOCK);
    rig_detach(&r);
    assert_int_equal(kill(old, SIGKILL), 0);
    for (int tries = 0; lock < 0; tries++) {
        assert_true(tries < 1000);
        if (fs_lock(&lock, path, &e)) {
            (void)poll(NULL, 0, 1);
        }
    }
    rig_until(&r, log_file_has, "in use by an engine", "a start that finds the study taken");
    (void)close(lock);
    rig_clear_all();
    rig_until(&r, engine_is_another, &old, "another engine");
    rig_start(&r);
    rig_until_finished(&r);
    all_done(&r, 2, 3);
    free(path);
    rig_end(&r);
}

static bool device_is_zero(struct rig *r, const void *arg)
{
    (void)arg;
    char *device = rig_fact(r, "device");
    const bool yes = device && strcmp(device, "0") == 0;
    free(device);
    return yes;
}

static pid_t supervisor_of(struct rig *r)
{
    char *path = fs_join(r->dir, STUDY_SUPERVISOR), line[200];
    int pid = 0;
    assert_int_equal(sscanf(fs_line(line, sizeof line, path), "process %d", &pid), 1);
    free(path);
    return pid;
}

/* While it waits to bring its engine back, for half a minute after the fifth death, a client wants the engine: it brings
 * it now, where it is asked to, and stays the only one. */
static void a_supervisor_is_called_by_who_comes_meanwhile(void **state)
{
    (void)state;
    struct rig r;
    struct err e;
    rig_held(&r, STUDY(2, 1, 3), 0, 2);
    const pid_t first = supervisor_of(&r);
    for (int i = 0; i < 7; i++) {
        bool fresh = false;
        rig_detach(&r);
        assert_int_equal(kill(rig_engine(&r), SIGKILL), 0);
        if (i == 6) {
            assert_err(client_start(&r.client, NULL, r.dir, "no-such-device", &e), ERR_NODEVICE, &e);
            r.client = NULL;
        }
        const int64_t start = clock_mono_ns();
        assert_ok(client_start(&r.client, &fresh, r.dir, i == 5 ? "0" : NULL, &e), &e);
        assert_true(fresh);
        assert_true(i < 5 || clock_mono_ns() - start < INT64_C(15000000000)); /* not by itself, after 16 or 30 s */
        assert_int_equal(supervisor_of(&r), first);
    }
    rig_until(&r, device_is_zero, NULL, "the device asked for, and not the one that was refused");
    rig_clear_all();
    rig_until_finished(&r);
    all_done(&r, 2, 3);
    rig_end(&r);
}

static void a_supervisor_that_waits_can_be_told_to_end(void **state)
{
    (void)state;
    struct rig r;
    struct err e;
    rig_study(&r, STUDY(2, 1, 3));
    rig_set("hold-0-2");
    assert_err(client_stop_waiting(r.dir, &e), ERR_NOTFOUND, &e);
    rig_start(&r);
    rig_until_epoch(&r, 0, 2);
    rig_detach(&r);
    assert_int_equal(kill(rig_engine(&r), SIGKILL), 0);
    assert_ok(client_stop_waiting(r.dir, &e), &e);
    char *path = fs_join(r.dir, STUDY_SUPERVISOR);
    int lock = -1;
    assert_ok(fs_lock(&lock, path, &e), &e); /* it has gone, and its engine with it */
    rig_wait_engine_gone(&r);
    assert_err(client_stop_waiting(r.dir, &e), ERR_NOTFOUND, &e);
    (void)close(lock);
    free(path);
    rig_clear_all();
    rig_start(&r);
    rig_until_finished(&r);
    all_done(&r, 2, 3);
    rig_end(&r);
}

static void of_many_starters_one_starts_the_engine(void **state)
{
    (void)state;
    struct rig r;
    struct err e;
    pid_t pid[6];
    rig_study(&r, STUDY(1, 1, 2));
    rig_set("hold-0-1");
    for (int i = 0; i < 6; i++) {
        pid[i] = start_self("__start", r.dir, NULL, -1);
    }
    for (int i = 0; i < 6; i++) {
        int status = -1;
        while (waitpid(pid[i], &status, 0) < 0 && errno == EINTR) {
        }
        assert_int_equal(status, 0);
    }
    rig_start(&r);
    struct log_row *row;
    size_t n;
    size_t starts = 0;
    rig_until_epoch(&r, 0, 1);
    assert_ok(store_logs(r.store, 0, 1000, &row, &n, &e), &e);
    for (size_t i = 0; i < n; i++) {
        starts += strstr(row[i].text, "engine started") != NULL;
    }
    free(row);
    assert_int_equal(starts, 1);
    rig_end(&r);
}

int crash_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_workers_trials_go_on_from_their_checkpoints),
        cmocka_unit_test(epochs_after_the_checkpoint_are_trained_again_without_doubles),
        cmocka_unit_test(a_killed_engine_comes_back_and_goes_on),
        cmocka_unit_test(a_poisonous_trial_fails_and_the_others_finish),
        cmocka_unit_test(a_worker_that_cannot_open_its_device_ends_the_study_with_a_reason),
        cmocka_unit_test(workers_killed_from_outside_before_they_are_ready_end_nothing),
        cmocka_unit_test(a_device_that_vanishes_is_tried_until_it_is_back),
        cmocka_unit_test(a_killed_engine_comes_back_when_its_device_does),
        cmocka_unit_test(a_killed_engine_comes_back_after_another_command),
        cmocka_unit_test(a_supervisor_is_called_by_who_comes_meanwhile),
        cmocka_unit_test(a_supervisor_that_waits_can_be_told_to_end),
        cmocka_unit_test(a_terminated_engine_saves_all_and_the_study_goes_on_when_run_again),
        cmocka_unit_test(a_second_engine_is_refused_and_told_by_whom),
        cmocka_unit_test(of_many_starters_one_starts_the_engine),
    };
    return cmocka_run_group_tests_name("engine crash", tests, rig_setup, rig_teardown);
}
