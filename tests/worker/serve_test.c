/* The worker from the engine's side of its socket, training for real on the machine's CPU device. */
#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include "check.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/proc.h"
#include "vaetop/ipc/messages.h"
#include "vaetop/ipc/probe.h"

int serve_tests(void);

#define DEADLINE_MS 120000
#define EPOCHS_MOST 2048
#define LONG_RUN "train.epochs=1500\n" /* far longer than a command takes to arrive */
#define DATA "data.count=300\nmodel.width=16\nmodel.latent=3\ntrain.batch=32\n"

/* What one trial was heard to do. */
struct heard {
    double value[EPOCHS_MOST]; /* [epoch] */
    int epochs, snapshots, checkpoints;
    int64_t checkpoint_step, edited_step;
    double lr[EPOCHS_MOST];
    bool done, left, refused, edited, edit_ok, unsaved;
    int64_t unsaved_code;
    double done_value;
    int64_t left_why, refused_code;
    char text[256];
};
struct worker {
    pid_t pid;
    struct conn *conn;
    const char *dir;
    struct heard trial[4];
    int until; /* of the next assignment */
    bool ready, fault, closed;
    char fault_text[256];
};

static struct device_info device; /* the CPU, as found by the probe */

static int find_device(void **state)
{
    (void)state;
    struct err e;
    struct probe p;
    size_t *index = NULL;
    size_t n;
    char *worker = xasprintf("%s/vaetop-worker", getenv("VAETOP_BUILD"));
    assert_ok(probe_with(&p, &(struct probe_options){.worker = worker}, &e), &e);
    assert_ok(probe_choose(&index, &n, &p, "cpu", &e), &e);
    device = p.device[index[0]];
    free(index);
    free(worker);
    probe_release(&p);
    return 0;
}

static int threads = 1; /* of the next worker */

static void spawn(struct worker *w)
{
    int fd[2];
    struct err e;
    char *few = xasprintf("POCL_MAX_PTHREAD_COUNT=%d", threads);
    char *newer = xasprintf("POCL_CPU_MAX_CU_COUNT=%d", threads);
    char *icd = xasprintf("OCL_ICD_VENDORS=%s", device.icd);
    char *argv[] = {xstrdup("vaetop-worker"), xstrdup("serve"), NULL};
    char *env[] = {icd, few, newer, NULL};
    *w = (struct worker){.dir = temp_dir()};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    struct proc_spawn s = {.path = "/proc/self/exe", .argv = argv, .env_extra = env, .stdin_fd = -1, .stdout_fd = -1,
                           .stderr_fd = -1, .socket_fd = fd[1], .die_with_parent = true};
    assert_ok(proc_spawn(&w->pid, &s, &e), &e);
    (void)close(fd[1]);
    w->conn = conn_new(fd[0]);
    free(argv[0]);
    free(argv[1]);
    free(icd);
    free(few);
    free(newer);
}

static int wait_status(struct worker *w)
{
    int status = -1;
    while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

/* --- hearing */

static struct heard *of(struct worker *w, int64_t trial)
{
    assert_in_range(trial, 0, 3);
    return &w->trial[trial];
}

static void hear(struct worker *w, uint16_t type, struct msg_reader *r)
{
    struct epoch_row row;
    struct snapshot snap;
    switch (type) {
    case MESSAGE_READY: {
        struct m_ready m;
        assert_true(read_ready(&m, r));
        /* Its share of two. Some drivers name what is free at the time, so the worker's own figure differs a little. */
        assert_in_range(m.bytes_total, device.memory_bytes / 8 * 3, device.memory_bytes / 8 * 5);
        w->ready = true;
        assert_string_equal(m.type, "cpu");
        free_ready(&m);
        break;
    }
    case MESSAGE_FAULT: {
        struct m_fault m;
        assert_true(read_fault(&m, r));
        w->fault = true;
        (void)str_copy(w->fault_text, sizeof w->fault_text, m.text);
        free_fault(&m);
        break;
    }
    case MESSAGE_EPOCH: {
        assert_true(read_epoch(&row, r));
        assert_in_range(row.epoch, 1, EPOCHS_MOST - 1);
        struct heard *h = of(w, row.trial);
        h->value[row.epoch] = row.value;
        h->lr[row.epoch] = row.lr;
        h->epochs = row.epoch;
        break;
    }
    case MESSAGE_SNAPSHOT:
        assert_true(read_snapshot(&snap, r));
        assert_int_equal(snap.latent, 3);
        assert_int_equal(snap.n_points, 60);
        of(w, snap.trial)->snapshots++;
        snapshot_release(&snap);
        break;
    case MESSAGE_CHECKPOINTED: {
        struct m_checkpointed m;
        assert_true(read_checkpointed(&m, r));
        of(w, m.trial)->checkpoints++;
        of(w, m.trial)->checkpoint_step = m.step;
        break;
    }
    case MESSAGE_UNSAVED: {
        struct m_unsaved m;
        assert_true(read_unsaved(&m, r));
        of(w, m.trial)->unsaved = true;
        of(w, m.trial)->unsaved_code = m.code;
        free_unsaved(&m);
        break;
    }
    case MESSAGE_LEFT: {
        struct m_left m;
        assert_true(read_left(&m, r));
        assert_int_equal(m.checkpointed, m.why != LEFT_QUIT); /* end() asks for none */
        assert_string_equal(m.text, "");
        of(w, m.trial)->left = true;
        of(w, m.trial)->left_why = m.why;
        free_left(&m);
        break;
    }
    case MESSAGE_DONE: {
        struct m_done m;
        assert_true(read_done(&m, r));
        of(w, m.trial)->done = true;
        of(w, m.trial)->done_value = m.value;
        break;
    }
    case MESSAGE_REFUSED: {
        struct m_refused m;
        assert_true(read_refused(&m, r));
        struct heard *h = of(w, m.trial);
        h->refused = true;
        h->refused_code = m.code;
        (void)str_copy(h->text, sizeof h->text, m.text);
        free_refused(&m);
        break;
    }
    case MESSAGE_EDITED: {
        struct m_edited m;
        assert_true(read_edited(&m, r));
        struct heard *h = of(w, m.trial);
        h->edited = true;
        h->edit_ok = m.ok != 0;
        h->edited_step = m.at_step;
        free_edited(&m);
        break;
    }
    case MESSAGE_LOGLINE: {
        struct m_logline m;
        assert_true(read_logline(&m, r));
        (void)str_copy(of(w, m.trial)->text, sizeof w->trial[0].text, m.text);
        free_logline(&m);
        break;
    }
    default:
        assert_true(type == MESSAGE_PROGRESS || type == MESSAGE_STATUS || type == MESSAGE_NOTE);
    }
}

/* Listens until *what is true, or until the worker closes when what is NULL. */
static void until(struct worker *w, const bool *what)
{
    int64_t deadline = clock_mono_ns() + (int64_t)DEADLINE_MS * 1000000;
    while (!w->closed && (!what || !*what)) {
        uint16_t type;
        struct msg_reader r;
        enum conn_result got = conn_wait(w->conn, &type, &r, 1000);
        if (got == CONN_FRAME) {
            hear(w, type, &r);
        } else if (got != CONN_NOTHING) {
            w->closed = true;
        }
        if (clock_mono_ns() > deadline) {
            fail_msg("the worker does not say what is waited for");
        }
    }
    if (what) {
        assert_true(*what);
    }
}

/* Until trial has finished that many epochs. */
static void until_epoch(struct worker *w, int trial, int epoch)
{
    while (w->trial[trial].epochs < epoch) {
        uint16_t type;
        struct msg_reader r;
        assert_int_equal(conn_wait(w->conn, &type, &r, DEADLINE_MS), CONN_FRAME);
        hear(w, type, &r);
    }
}

/* --- saying */

static void open_worker(struct worker *w, const char *data)
{
    spawn(w);
    char *dir = xstrdup(w->dir);
    char *text = xstrdup(data);
    assert_true(send_open(w->conn, &(struct m_open){device.platform_index, device.device_index, dir, dir, text, 2}));
    free(dir);
    free(text);
}

static void assign(struct worker *w, int trial, const char *more, bool resume, int stored)
{
    char *config = xasprintf("%s%s", DATA, more);
    char *path = xasprintf("%s/%d.safetensors", w->dir, trial);
    char none[] = "";
    w->trial[trial].left = w->trial[trial].done = false;
    assert_true(send_assign(w->conn, &(struct m_assign){trial, 7, config, resume ? path : none, stored, path, w->until}));
    free(config);
    free(path);
}

static void end(struct worker *w)
{
    assert_true(send_quit(w->conn, &(struct m_quit){0}));
    until(w, NULL);
    int status = wait_status(w);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    conn_free(w->conn);
}

/* --- tests */

static void trials_train_side_by_side_as_they_do_alone(void **state)
{
    (void)state;
    struct worker both;
    struct worker alone;
    static const char *const config[] = {"train.epochs=4\noptimizer.lr=0.002\n", "train.epochs=4\noptimizer.lr=0.01\nmodel.latent=3\n",
                                         "train.epochs=3\nmodel.width=40\n"};
    open_worker(&both, DATA);
    for (int i = 0; i < 3; i++) { /* the first two share a pack */
        assign(&both, i, config[i], false, 0);
    }
    for (int i = 0; i < 3; i++) {
        until(&both, &both.trial[i].done);
        assert_int_equal(both.trial[i].epochs, i < 2 ? 4 : 3);
        assert_in_range(both.trial[i].snapshots, 1, 4);
        assert_true(both.trial[i].checkpoints >= 1);
        open_worker(&alone, DATA);
        assign(&alone, i, config[i], false, 0);
        until(&alone, &alone.trial[i].done);
        for (int k = 1; k <= alone.trial[i].epochs; k++) {
            assert_true(both.trial[i].value[k] == alone.trial[i].value[k]);
            assert_true(isfinite(alone.trial[i].value[k]));
        }
        assert_true(both.trial[i].done_value == alone.trial[i].done_value);
        end(&alone);
    }
    end(&both);
}

static void a_paused_trial_goes_on_to_the_same_bits_with_other_threads(void **state)
{
    (void)state;
    struct worker w;
    struct worker whole;
    struct worker next;
    threads = 2;
    open_worker(&whole, DATA);
    assign(&whole, 0, LONG_RUN, false, 0);
    until(&whole, &whole.trial[0].done);
    end(&whole);

    threads = 1;
    open_worker(&w, DATA);
    assign(&w, 0, LONG_RUN, false, 0);
    until_epoch(&w, 0, 3);
    assert_true(send_pause(w.conn, &(struct m_pause){0}));
    until(&w, &w.trial[0].left);
    assert_int_equal(w.trial[0].left_why, LEFT_PAUSED);
    assert_true(w.trial[0].checkpoint_step > 0);
    end(&w);

    int seen = w.trial[0].epochs;
    threads = 3;
    open_worker(&next, DATA);
    threads = 1;
    next.dir = w.dir;
    assign(&next, 0, LONG_RUN, true, 2); /* the store lacks what came after epoch 2: it is said again */
    until(&next, &next.trial[0].done);
    for (int k = 3; k <= 1500; k++) {
        assert_true(next.trial[0].value[k] == whole.trial[0].value[k]);
    }
    for (int k = 1; k <= seen; k++) {
        assert_true(w.trial[0].value[k] == whole.trial[0].value[k]);
    }
    assert_true(next.trial[0].done_value == whole.trial[0].done_value);
    end(&next);
}

/* Not a step further, however often it is sent on; results of one chunk come in the trials' order. */
static void a_trial_rests_at_its_rung_and_goes_on_to_the_same_bits(void **state)
{
    (void)state;
    struct worker whole;
    struct worker w;
    open_worker(&whole, DATA);
    assign(&whole, 2, "train.epochs=9\n", false, 0);
    until(&whole, &whole.trial[2].done);
    end(&whole);

    open_worker(&w, DATA);
    static const int rung[] = {1, 3, 9}; /* the last is the whole trial: done, not held */
    for (int i = 0; i < 3; i++) {
        w.until = rung[i];
        assign(&w, 2, "train.epochs=9\n", i > 0, i > 0 ? rung[i - 1] : 0);
        until(&w, i < 2 ? &w.trial[2].left : &w.trial[2].done);
        assert_int_equal(w.trial[2].epochs, rung[i]);
        assert_int_equal(w.trial[2].checkpoint_step, rung[i] * 8);
        assert_true(i == 2 || w.trial[2].left_why == LEFT_PAUSED);
    }
    w.until = 3;
    w.trial[2].epochs = 0;
    assign(&w, 2, "train.epochs=12\n", true, 9); /* sent to where it has been: it leaves at once */
    until(&w, &w.trial[2].left);
    assert_int_equal(w.trial[2].epochs, 0);
    for (int k = 1; k <= 9; k++) {
        assert_true(w.trial[2].value[k] == whole.trial[2].value[k]);
    }
    end(&w);
}

static void a_stop_comes_now_or_after_the_epoch(void **state)
{
    (void)state;
    struct worker w;
    open_worker(&w, DATA);
    assign(&w, 0, LONG_RUN, false, 0);
    assign(&w, 1, LONG_RUN "model.width=48\n", false, 0);
    until_epoch(&w, 0, 1);
    until_epoch(&w, 1, 1);
    assert_true(send_stop(w.conn, &(struct m_stop){0, 0}));
    assert_true(send_stop(w.conn, &(struct m_stop){1, 1}));
    until(&w, &w.trial[0].left);
    until(&w, &w.trial[1].left);
    assert_int_equal(w.trial[0].left_why, LEFT_STOPPED);
    assert_int_equal(w.trial[1].left_why, LEFT_STOPPED);
    assert_int_equal(w.trial[1].checkpoint_step, w.trial[1].epochs * 8); /* 240 images in batches of 32 */
    end(&w);
}

static void an_edit_is_answered_with_its_step(void **state)
{
    (void)state;
    struct worker w;
    char lr[] = "0.0001";
    char bad[] = "-1";
    open_worker(&w, DATA);
    assign(&w, 0, LONG_RUN "optimizer.lr=0.01\n", false, 0);
    until_epoch(&w, 0, 2);
    assert_true(send_edit(w.conn, &(struct m_edit){0, KNOB_OPTIMIZER_LR, lr, 0}));
    until(&w, &w.trial[0].edited);
    assert_true(w.trial[0].edit_ok);
    assert_true(w.trial[0].edited_step >= 16);
    until_epoch(&w, 0, w.trial[0].epochs + 2);
    assert_close(w.trial[0].lr[w.trial[0].epochs], 0.0001, 1e-9, 0);
    w.trial[0].edited = false;
    assert_true(send_edit(w.conn, &(struct m_edit){0, KNOB_OPTIMIZER_LR, bad, 0}));
    until(&w, &w.trial[0].edited);
    assert_false(w.trial[0].edit_ok);
    end(&w);
}

static void held_trials_wait_in_memory_and_answer(void **state)
{
    (void)state;
    struct worker w;
    char lr[] = "0.0001";
    open_worker(&w, DATA);
    assign(&w, 0, LONG_RUN, false, 0);
    until_epoch(&w, 0, 2);
    assert_true(send_hold(w.conn, &(struct m_hold){1}));
    assert_true(send_edit(w.conn, &(struct m_edit){0, KNOB_OPTIMIZER_LR, lr, 0}));
    until(&w, &w.trial[0].edited); /* so the one before it was obeyed too */
    int then = w.trial[0].epochs;
    for (int words = 0; words < 3; words++) { /* it says that it lives, for the watchdog */
        uint16_t type;
        struct msg_reader r;
        assert_int_equal(conn_wait(w.conn, &type, &r, DEADLINE_MS), CONN_FRAME);
        hear(&w, type, &r);
        assert_int_equal(w.trial[0].epochs, then);
    }
    assert_true(send_hold(w.conn, &(struct m_hold){0}));
    until_epoch(&w, 0, then + 2);
    end(&w);
}

static void a_checkpoint_that_cannot_be_written_is_told_and_tried_again(void **state)
{
    (void)state;
    struct worker w;
    struct err e;
    open_worker(&w, DATA);
    char *folder = xasprintf("%s/later", w.dir);
    w.dir = folder;
    assign(&w, 0, "train.epochs=2\n", false, 0);
    until(&w, &w.trial[0].unsaved);
    assert_int_equal(w.trial[0].unsaved_code, ERR_IO);
    assert_false(w.trial[0].done);
    assert_int_equal(w.trial[0].checkpoints, 0);
    assert_ok(fs_mkdirs(folder, &e), &e);
    until(&w, &w.trial[0].done);
    assert_int_equal(w.trial[0].checkpoints, 1);
    end(&w);
    free(folder);
}

static void what_cannot_be_trained_is_refused_with_a_reason(void **state)
{
    (void)state;
    struct worker w;
    open_worker(&w, DATA);
    assign(&w, 0, "model.encoder=12,many\n", false, 0);
    until(&w, &w.trial[0].refused);
    assert_int_equal(w.trial[0].refused_code, ERR_USAGE);
    assert_true(w.trial[0].text[0] != '\0');
    assign(&w, 1, "train.epochs=1\n", false, 0);
    until(&w, &w.trial[1].done); /* it goes on with the next */
    end(&w);
}

static void a_broken_checkpoint_gives_way_to_the_one_before_or_the_beginning(void **state)
{
    (void)state;
    struct err e;
    struct worker w;
    struct worker fresh;
    open_worker(&fresh, DATA);
    assign(&fresh, 0, "train.epochs=3\n", false, 0);
    until(&fresh, &fresh.trial[0].done);
    end(&fresh);

    open_worker(&w, DATA);
    char *path = xasprintf("%s/0.safetensors", w.dir);
    char *previous = xasprintf("%s.prev", path);
    assert_ok(fs_write(path, "not a checkpoint", 16, &e), &e);
    assert_ok(fs_write(previous, "nor is this", 11, &e), &e);
    assign(&w, 0, "train.epochs=3\n", true, 0);
    until(&w, &w.trial[0].done);
    assert_string_equal(w.trial[0].text, "starts again from its beginning");
    for (int k = 1; k <= 3; k++) {
        assert_true(w.trial[0].value[k] == fresh.trial[0].value[k]);
    }
    end(&w);
    free(path);
    free(previous);
}

static void a_data_set_that_is_not_there_is_a_fault_and_the_end(void **state)
{
    (void)state;
    struct worker w;
    open_worker(&w, "data.source=/nonexistent/images-idx3-ubyte\n");
    until(&w, NULL);
    assert_false(w.ready);
    assert_true(w.fault);
    assert_has(w.fault_text, "/nonexistent/images-idx3-ubyte");
    int status = wait_status(&w);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    conn_free(w.conn);
}

static void without_its_engine_it_ends_at_once(void **state)
{
    (void)state;
    struct worker w;
    open_worker(&w, DATA);
    assign(&w, 0, "train.epochs=1000000\n", false, 0);
    until_epoch(&w, 0, 1);
    conn_free(w.conn);
    int status = wait_status(&w);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void nonsense_from_the_engine_ends_it(void **state)
{
    (void)state;
    struct worker w;
    open_worker(&w, DATA);
    until(&w, &w.ready);
    assert_true(conn_send(w.conn, MESSAGE_READY, NULL));
    until(&w, NULL);
    assert_true(w.fault);
    (void)wait_status(&w);
    conn_free(w.conn);
}

int serve_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trials_train_side_by_side_as_they_do_alone),
        cmocka_unit_test(a_paused_trial_goes_on_to_the_same_bits_with_other_threads),
        cmocka_unit_test(a_trial_rests_at_its_rung_and_goes_on_to_the_same_bits),
        cmocka_unit_test(a_stop_comes_now_or_after_the_epoch),
        cmocka_unit_test(an_edit_is_answered_with_its_step),
        cmocka_unit_test(held_trials_wait_in_memory_and_answer),
        cmocka_unit_test(a_checkpoint_that_cannot_be_written_is_told_and_tried_again),
        cmocka_unit_test(what_cannot_be_trained_is_refused_with_a_reason),
        cmocka_unit_test(a_broken_checkpoint_gives_way_to_the_one_before_or_the_beginning),
        cmocka_unit_test(a_data_set_that_is_not_there_is_a_fault_and_the_end),
        cmocka_unit_test(without_its_engine_it_ends_at_once),
        cmocka_unit_test(nonsense_from_the_engine_ends_it),
    };
    return cmocka_run_group_tests_name("worker serve", tests, find_device, NULL);
}
