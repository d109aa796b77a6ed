/* Worker processes: one per slice of a device. Started when the device's lock is held, watched through their socket and
 * SIGCHLD, restarted with back-off; what they held goes back to the queue. */
#include "engine_private.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/log.h"
#include "vaetop/base/str.h"

#define BACKOFF_MOST_S 30
#define STARTS_MOST 3 /* of a worker that never got ready, before the study is given up */
#define QUIET_LEAST_S 60  /* VAETOP_QUIET_S in tests */
#define QUIET_FIRST_S 600 /* a driver may compile for long before the first step; then ten times VAETOP_QUIET_S */
#define DEATHS_MOST 2
#define FAILED_IN_ROW_MOST 5 /* then it is the driver */
#define DYING_NS (2 * SECOND_NS)

static void slice_start(struct slice *s);

/* A CPU is cut into slices with their share of its threads; anything else is one. */
static int parts_of(const struct engine *en, const struct card *c, int units)
{
    if (c->use == CARD_UNUSABLE) {
        return 0;
    }
    return strcmp(c->info.type, "cpu") != 0 ? 1 : units < en->slots ? units : en->slots;
}

/* For every device that could be used: one that is off now may be switched on. */
enum err_code slices_make(struct engine *en)
{
    size_t n = 0;
    for (size_t i = 0; i < en->n_cards; i++) {
        struct card *c = &en->card[i];
        const struct device_info *d = &c->info;
        bool cpu = strcmp(d->type, "cpu") == 0;
        int units = d->compute_units > 0 ? d->compute_units : 1, parts = parts_of(en, c, units);
        c->first = (int)n;
        c->slices = parts;
        en->slice = xreallocarray(en->slice, n + (size_t)parts + 1, sizeof *en->slice);
        for (int j = 0; j < parts; j++, n++) {
            struct slice *s = &en->slice[n];
            *s = (struct slice){.en = en, .index = (int)n, .card = (int)i, .busy = (double)NAN};
            s->threads = cpu ? units / parts + (j < units % parts) : 0;
            (void)snprintf(s->label, sizeof s->label, "%.16s/%zu", d->type, n);
            (void)str_copy(s->name, sizeof s->name, d->name);
            (void)str_copy(s->type, sizeof s->type, d->type);
        }
        card_row(c);
    }
    write_cards_drop(en, (int)en->n_cards);
    en->n_slices = n;
    slices_share(en);
    return ERR_OK;
}

void slices_share(struct engine *en)
{
    int n = 0;
    for (size_t i = 0; i < en->n_slices; i++) {
        n += card_runs(&en->card[en->slice[i].card]);
    }
    for (size_t i = 0; i < en->n_slices; i++) {
        struct slice *s = &en->slice[i];
        int most = card_runs(&en->card[s->card]) ? (en->slots + n - 1) / n : 0;
        if (s->most != most) {
            s->most = most;
            slice_row(s);
        }
    }
}

void slice_row(struct slice *s)
{
    static const char *const word[] = {"off", "starting", "ready", "lost"};
    struct device_row row = {.index = s->index, .slots_used = s->n_runs, .slots = s->most, .bytes_used = s->bytes_used,
                             .bytes_total = s->bytes_total, .busy = s->state == SLICE_READY ? s->busy : (double)NAN,
                             .worker = s->pid > 0 ? s->id : (struct proc_id){0}};
    (void)str_copy(row.name, sizeof row.name, s->name);
    (void)str_copy(row.type, sizeof row.type, s->type);
    (void)str_copy(row.state, sizeof row.state, word[s->state]);
    write_slice(s->en, &row);
}

/* --- starting */

static enum err_code spawn(struct slice *s, int socket_fd, struct err *e)
{
    const struct device_info *d = &s->en->card[s->card].info;
    char *path = proc_find_helper("vaetop-worker");
    char *icd = xasprintf("OCL_ICD_VENDORS=%s", d->icd);
    char *threads = xasprintf("POCL_MAX_PTHREAD_COUNT=%d", s->threads);
    char *newer = xasprintf("POCL_CPU_MAX_CU_COUNT=%d", s->threads); /* its name from PoCL 4 on */
    char name[] = "vaetop-worker";
    char use[] = "serve";
    char *argv[] = {name, use, NULL};
    char *env[4] = {icd};
    if (s->threads > 0) {
        env[1] = threads;
        env[2] = newer;
    }
    struct proc_spawn p = {.path = path, .argv = argv, .env_extra = env, .stdin_fd = -1, .stdout_fd = -1,
                           .stderr_fd = STDERR_FILENO, .socket_fd = socket_fd, .die_with_parent = true};
    enum err_code rc = proc_spawn(&s->pid, &p, e);
    free(path);
    free(icd);
    free(threads);
    free(newer);
    return rc;
}

static void restart(void *arg)
{
    struct slice *s = arg;
    s->timer = 0;
    slice_start(s);
}

static void retry_later(struct slice *s)
{
    int64_t wait_s = s->failures <= 1 ? 0 : (int64_t)1 << (s->failures < 8 ? s->failures - 2 : 6);
    s->timer = loop_timer(s->en->loop, (wait_s < BACKOFF_MOST_S ? wait_s : BACKOFF_MOST_S) * SECOND_NS, restart, s);
}

static void send_open_message(struct slice *s)
{
    struct engine *en = s->en;
    const struct device_info *d = &en->card[s->card].info;
    struct sbuf text = {0};
    config_format(&text, &en->preset.base);
    char *data = sbuf_take(&text);
    (void)send_open(s->conn, &(struct m_open){d->platform_index, d->device_index, en->dir, en->dir, data, en->card[s->card].slices});
    free(data);
}

/* How often this system has killed for want of memory; 0 where it does not say. */
static int64_t oom_kills(void)
{
    char line[128];
    long long n = 0;
    FILE *f = fopen("/proc/vmstat", "re");
    while (f && fgets(line, sizeof line, f)) {
        if (str_starts(line, "oom_kill ")) {
            n = atoll(line + 9);
        }
    }
    if (f) {
        (void)fclose(f);
    }
    return n;
}

static void slice_start(struct slice *s)
{
    struct engine *en = s->en;
    struct err e = {0};
    int fd[2];
    if (!card_runs(&en->card[s->card]) && !s->conn && s->state != SLICE_OFF) {
        s->state = SLICE_OFF;
        slice_row(s);
    }
    if (!card_runs(&en->card[s->card]) || s->conn || s->pid > 0 || s->timer || en->stage == STAGE_LEAVING || en->stage == STAGE_FINISHED) {
        return;
    }
    s->child_dead = s->eof = s->killed_by_us = s->was_ready = s->progressed = s->quitting = s->heard = false;
    s->fault[0] = '\0';
    s->fault_code = ERR_OK;
    s->silent_s = s->longest_silence_s = s->quit_s = 0;
    enum err_code rc = ERR_OK;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0) {
        rc = err_set(&e, ERR_IO, "socketpair: %s", strerror(errno));
    }
    if (!rc) {
        s->conn = conn_new(fd[0]);
        rc = spawn(s, fd[1], &e);
        (void)close(fd[1]);
    }
    if (rc) {
        conn_free(s->conn);
        s->conn = NULL;
        s->pid = 0;
        s->failures++;
        engine_log(en, -1, "worker %d does not start: %s", s->index, e.text);
        if (s->failures >= STARTS_MOST) {
            engine_fail(en, &e);
        } else {
            retry_later(s);
        }
        return;
    }
    s->oom_at_start = oom_kills();
    if (!proc_identify(&s->id, s->pid)) {
        s->id = (struct proc_id){s->pid, 0};
    }
    s->state = SLICE_STARTING;
    loop_fd(en->loop, conn_fd(s->conn), POLLIN, slice_read, s);
    send_open_message(s);
    slice_row(s);
}

void slices_start(struct engine *en)
{
    for (size_t i = 0; i < en->n_slices; i++) {
        if (en->card[en->slice[i].card].lock_fd >= 0) {
            slice_start(&en->slice[i]);
        }
    }
}

/* --- ending */

void slice_quit(struct slice *s, bool checkpoint)
{
    if (!s->conn) { /* no restart */
        loop_timer_cancel(s->en->loop, s->timer);
        s->timer = 0;
        s->state = SLICE_OFF;
    } else if (!s->quitting) {
        s->quitting = true;
        (void)send_quit(s->conn, &(struct m_quit){checkpoint});
    }
}

void slices_quit(struct engine *en, bool checkpoint)
{
    for (size_t i = 0; i < en->n_slices; i++) {
        slice_quit(&en->slice[i], checkpoint);
    }
}

void slices_kill(struct engine *en)
{
    for (size_t i = 0; i < en->n_slices; i++) {
        if (en->slice[i].pid > 0) {
            en->slice[i].quitting = true;
            (void)kill(en->slice[i].pid, SIGKILL);
        }
    }
}

void slices_hold(struct engine *en)
{
    for (size_t i = 0; i < en->n_slices; i++) {
        if (en->slice[i].conn && en->slice[i].state == SLICE_READY && !en->slice[i].quitting) {
            (void)send_hold(en->slice[i].conn, &(struct m_hold){writer_holds(en)});
        }
    }
}

const struct slice *slices_lost(const struct engine *en)
{
    for (size_t i = 0; i < en->n_slices; i++) {
        const struct slice *s = &en->slice[i];
        if (!s->was_ready && s->worked && s->failures >= STARTS_MOST && card_runs(&en->card[s->card])) {
            return s;
        }
    }
    return NULL;
}

bool slices_gone(const struct engine *en)
{
    for (size_t i = 0; i < en->n_slices; i++) {
        if (en->slice[i].conn || en->slice[i].pid > 0) {
            return false;
        }
    }
    return true;
}

/* --- dying */

struct death {
    const char *how;
    bool from_outside; /* SIGKILL and the like, not by us and not for want of memory: no word about the trial */
    bool alone;        /* the worker held one trial only */
};

/* True when this trial has now killed its worker too often: alone on it, with no newer checkpoint in between. */
static bool guilty(struct slice *s, struct run *r, const struct death *d)
{
    if (s->quitting || d->from_outside || !d->alone || r->checkpoint_step > 0) {
        return false;
    }
    return ++r->deaths >= DEATHS_MOST;
}

/* Takes one trial back. Suspects of a crash get a worker of their own each next time, which finds the guilty one. */
static void orphan(struct slice *s, struct run *r, const struct death *d)
{
    struct engine *en = s->en;
    bool failed = guilty(s, r, d);
    forget_half_written(en, r, s->id.pid);
    enum wish wish = r->resume_after ? WISH_NONE : r->wish;
    take_back(en, r);
    r->resume_after = false;
    if (failed && !r->verdict) {
        char reason[160];
        (void)snprintf(reason, sizeof reason, "its worker died on it %d times: %.100s", r->deaths, d->how);
        engine_log(en, r->number, "failed: %s", reason);
        run_phase(en, r, PHASE_FAILED, (double)NAN, reason);
        retain(en, r);
        en->failed_in_row++;
    } else if (wish == WISH_STOP && !r->verdict) {
        run_phase(en, r, PHASE_STOPPED, r->last_value, "");
        retain(en, r);
    } else if (wish == WISH_PAUSE && !r->verdict) {
        run_phase(en, r, PHASE_PAUSED, (double)NAN, NULL);
    } else {
        r->alone = r->alone || (!s->quitting && !d->from_outside);
        prune_requeue(en, r);
    }
}

static void slice_died(struct slice *s, const char *how, bool from_outside)
{
    struct engine *en = s->en;
    struct death d = {how, from_outside, s->n_runs == 1};
    if (!s->quitting) {
        engine_log(en, -1, "worker %d (%.60s) ended: %.100s; trials to go on from their checkpoints: %d", s->index,
                   s->name, how, s->n_runs);
    }
    for (size_t i = en->first_open; i < en->n_runs; i++) {
        if (en->run[i].slice == s->index) {
            orphan(s, &en->run[i], &d);
        }
    }
    s->failures = s->progressed ? 1 : s->failures + 1;
    s->state = SLICE_LOST;
    s->busy = (double)NAN;
    s->bytes_used = 0;
    card_readings(&en->card[s->card], (double)NAN, (double)NAN, (double)NAN);
    if (en->failed_in_row >= FAILED_IN_ROW_MOST) {
        struct err e;
        (void)err_set(&e, ERR_NODEVICE, "%d trials in a row killed their worker on %s: %s", en->failed_in_row, s->name,
                      how);
        engine_fail(en, &e);
    }
}

/* What the exit status says. Returns whether it was somebody outside. */
static bool cause_of_death(const struct slice *s, char *how, size_t cap)
{
    int st = s->wait_status;
    int signo = WIFSIGNALED(st) ? WTERMSIG(st) : 0;
    if (s->killed_by_us) {
        (void)snprintf(how, cap, "it had said nothing for %d s and was ended", s->silent_s);
    } else if (s->fault[0]) {
        (void)snprintf(how, cap, "%s", s->fault);
    } else if (signo == SIGKILL && oom_kills() > s->oom_at_start) {
        (void)snprintf(how, cap, "the system ran out of memory and killed it");
    } else if (signo) {
        (void)snprintf(how, cap, "signal %d (%s)", signo, strsignal(signo));
        return signo == SIGKILL || signo == SIGTERM || signo == SIGHUP || signo == SIGINT;
    } else {
        (void)snprintf(how, cap, "exit status %d", WEXITSTATUS(st));
    }
    return false;
}

/* The worker is dead and all it said is read. */
static void bury(struct slice *s)
{
    struct engine *en = s->en;
    char how[sizeof s->fault];
    bool outside = cause_of_death(s, how, sizeof how);
    loop_timer_cancel(en->loop, s->timer);
    s->timer = 0;
    loop_fd_remove(en->loop, conn_fd(s->conn));
    conn_free(s->conn);
    s->conn = NULL;
    s->pid = 0;
    bool was_ready = s->was_ready;
    slice_died(s, how, outside);
    bool hopeless = s->fault_code == ERR_DATA || s->fault_code == ERR_USAGE; /* another try reads the same bytes */
    if (s->quitting || en->stage == STAGE_LEAVING || en->stage == STAGE_FINISHED) {
        s->state = SLICE_OFF;
    } else if (!was_ready && (hopeless || (!outside && s->failures >= STARTS_MOST && !s->worked))) {
        struct err e;
        enum err_code code = s->fault_code ? s->fault_code : ERR_NODEVICE;
        if (hopeless || !card_give_up(&en->card[s->card], how)) {
            (void)err_set(&e, code, "worker for %s: %s", s->name, how);
            engine_fail(en, &e);
        }
    } else {
        retry_later(s);
    }
    slice_row(s);
    schedule(en);
    engine_check_end(en);
}

static void still_there(void *arg)
{
    struct slice *s = arg;
    s->timer = 0;
    if (s->pid > 0 && !s->child_dead) {
        (void)kill(s->pid, SIGKILL); /* its socket is closed or broken: nothing good can come */
    }
}

/* Reads what there is; buries the worker once it is dead and its socket is empty. */
static void pump(struct slice *s)
{
    uint16_t type = 0;
    struct msg_reader r;
    enum conn_result got;
    while ((got = conn_next(s->conn, &type, &r)) == CONN_FRAME) {
        s->silent_s = 0;
        if (!slice_message(s, type, &r)) {
            got = CONN_BAD;
            break;
        }
    }
    if (got == CONN_BAD && !s->eof) {
        (void)conn_fault(s->fault, sizeof s->fault, s->conn, "vaetop-worker");
        (void)kill(s->pid, SIGKILL);
    }
    if (got != CONN_NOTHING && !s->eof) {
        s->eof = true;
        loop_fd_remove(s->en->loop, conn_fd(s->conn));
        s->timer = s->timer ? s->timer : loop_timer(s->en->loop, DYING_NS, still_there, s);
    }
}

void slice_read(void *arg, int fd, int revents)
{
    struct slice *s = arg;
    (void)fd;
    if (revents & POLLOUT) {
        (void)conn_flush(s->conn);
    }
    pump(s);
    if (s->eof) {
        slices_reap(s->en);
        return;
    }
    loop_fd(s->en->loop, conn_fd(s->conn), conn_queued(s->conn) > 0 ? POLLIN | POLLOUT : POLLIN, slice_read, s);
    schedule(s->en);
}

void slices_reap(struct engine *en)
{
    for (size_t i = 0; i < en->n_slices; i++) {
        struct slice *s = &en->slice[i];
        if (s->pid > 0 && !s->child_dead && waitpid(s->pid, &s->wait_status, WNOHANG) == s->pid) {
            s->child_dead = true;
        }
        if (s->child_dead && s->conn) {
            if (!s->eof) {
                pump(s); /* what it said before */
            }
            bury(s);
            s->child_dead = false;
        }
    }
}

/* How long a worker with something to do may say nothing. */
static int quiet_limit(const struct slice *s)
{
    const char *text = getenv("VAETOP_QUIET_S");
    int64_t n;
    int least = text && str_to_i64(&n, text) && n > 0 && n <= QUIET_LEAST_S ? (int)n : QUIET_LEAST_S;
    int most = 20 * s->longest_silence_s;
    if (!s->heard) {
        return least * (QUIET_FIRST_S / QUIET_LEAST_S);
    }
    return least < QUIET_LEAST_S || most < least ? least : most;
}

void slice_tick(struct slice *s)
{
    if (s->conn && s->quitting && ++s->quit_s > CHECKPOINT_S) {
        (void)kill(s->pid, SIGKILL); /* its trials go on from the checkpoints they have */
    }
    if (!s->conn || s->eof || s->quitting) {
        return;
    }
    if (conn_queued(s->conn) > 0) {
        loop_fd(s->en->loop, conn_fd(s->conn), POLLIN | POLLOUT, slice_read, s);
    }
    if (s->was_ready && s->n_runs == 0) {
        s->silent_s = 0;
        return;
    }
    s->silent_s++; /* counted in our own seconds: time in which we were stopped, too, is nobody's silence */
    if (s->heard && s->silent_s > s->longest_silence_s && s->silent_s < QUIET_LEAST_S) {
        s->longest_silence_s = s->silent_s;
    }
    if (s->silent_s > quiet_limit(s)) {
        s->killed_by_us = true;
        (void)kill(s->pid, SIGKILL);
    }
}
