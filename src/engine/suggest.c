/* The engine's end of the advisor: suggestions are asked for ahead, so that a free slot never waits for one. */
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

#define FAILURES_MOST 5

static void advisor_died(struct engine *en);

/* Samplers that need to know what became of the trials. */
static bool learns(const struct engine *en)
{
    return config_choice(&en->preset.base, KNOB_STUDY_SAMPLER) > SAMPLER_GRID;
}

void advisor_tell(struct engine *en, const struct run *r, double value)
{
    struct m_observe m = {.number = r->number, .phase = r->phase, .edited = r->edited, .epoch = r->stored_epoch};
    if (!en->advisor.conn || !learns(en) || r->foreign) {
        return;
    }
    m.value[0] = isnan(value) ? r->last_value : value;
    m.value[1] = (double)NAN;
    (void)send_observe(en->advisor.conn, &m, &r->point);
}

static int by_end(const void *a, const void *b)
{
    const struct trial_row *x = a;
    const struct trial_row *y = b;
    if (x->complete_us != y->complete_us) {
        return x->complete_us < y->complete_us ? -1 : 1;
    }
    return x->number < y->number ? -1 : x->number > y->number;
}

/* A new advisor knows nothing: the finished trials come from the store, in the order in which they finished, the
 * others from the table. */
static void tell_all(struct engine *en)
{
    struct trial_row *row = NULL;
    struct err e;
    size_t n = 0;
    if (!learns(en)) {
        return;
    }
    (void)writer_flush(en);
    if (store_trials(en->store, &en->preset, 0, &row, &n, &e)) {
        log_warn("the sampler begins without the finished trials: %s", e.text);
    }
    if (n > 0) {
        qsort(row, n, sizeof *row, by_end);
    }
    for (size_t i = 0; i < n; i++) {
        const struct trial_row *t = &row[i];
        enum trial_state s = trial_phase_state(t->phase);
        struct m_observe m = {t->number, t->phase, t->edited, t->has_epoch ? t->last.epoch : 0, {t->value, (double)NAN},
                              0};
        if (s != TRIAL_RUNNING && s != TRIAL_WAITING) {
            (void)send_observe(en->advisor.conn, &m, &t->point);
        }
    }
    trial_rows_free(row, n);
    for (size_t i = en->first_open; i < en->n_runs; i++) {
        if (!run_final(&en->run[i])) {
            advisor_tell(en, &en->run[i], (double)NAN);
        }
    }
}

static void on_suggested(struct engine *en, struct msg_reader *r)
{
    struct m_suggested m = {0};
    struct point pt;
    point_init(&pt, &en->preset);
    if (!read_suggested(&m, &pt, r)) {
        log_error("the advisor's answer is not a point of this space");
        advisor_died(en);
    } else {
        en->advisor.asked -= en->advisor.asked > 0;
        en->advisor.failures = 0;
        if (m.code == ERR_NOTFOUND) {
            en->advisor.exhausted = true;
        } else if (m.code) {
            struct err e;
            (void)err_set(&e, ERR_USAGE, "no suggestion for trial %lld: %s", (long long)m.number, m.text);
            engine_fail(en, &e);
        } else if (m.number == (int64_t)en->n_runs) {
            const struct run *made = run_new(en, &pt);
            if (learns(en)) {
                engine_log(en, made->number, "%s", m.text);
            }
        } /* else the trials have changed since it was asked; schedule() asks again */
    }
    free(m.text);
    point_release(&pt);
}

static void advisor_read(void *arg, int fd, int revents)
{
    struct engine *en = arg;
    uint16_t type = 0;
    struct msg_reader r;
    enum conn_result got = CONN_NOTHING;
    (void)fd;
    (void)revents;
    bool any = false;
    while (en->advisor.conn && (got = conn_next(en->advisor.conn, &type, &r)) == CONN_FRAME) {
        struct m_advising m;
        if (type == MESSAGE_SUGGESTED) {
            on_suggested(en, &r);
            any = true;
        } else if (type == MESSAGE_ADVISING && read_advising(&m, &r)) {
            en->advisor.open = true;
            if (m.code) {
                struct err e;
                (void)err_set(&e, ERR_USAGE, "%s", m.text);
                engine_fail(en, &e);
            }
            free_advising(&m);
            any = true;
        } else {
            got = CONN_BAD;
            break;
        }
    }
    if (en->advisor.conn && got != CONN_NOTHING) {
        advisor_died(en);
    }
    if (any) {
        if (en->advisor.asked == 0) {
            (void)writer_flush(en); /* a trial may start once its row is committed: at once */
        }
        schedule(en);
    }
}

static void restart(void *arg)
{
    struct engine *en = arg;
    en->advisor.timer = 0;
    advisor_start(en);
    schedule(en);
}

static void advisor_died(struct engine *en)
{
    struct advisor_link *a = &en->advisor;
    if (a->conn) {
        loop_fd_remove(en->loop, conn_fd(a->conn));
        conn_free(a->conn);
        a->conn = NULL;
    }
    if (a->pid > 0) {
        (void)kill(a->pid, SIGKILL);
        (void)waitpid(a->pid, NULL, 0);
        a->pid = 0;
    }
    a->open = false;
    a->asked = 0;
    a->failures++;
    if (a->failures >= FAILURES_MOST) {
        struct err e;
        (void)err_set(&e, ERR_IO, "the advisor (vaetop-advisor) ended %d times in a row; see %s/log", a->failures,
                      en->dir);
        engine_fail(en, &e);
        return;
    }
    if (!a->timer && en->stage != STAGE_LEAVING) {
        a->timer = loop_timer(en->loop, a->failures == 1 ? 0 : SECOND_NS << (a->failures - 2), restart, en);
    }
}

void advisor_start(struct engine *en)
{
    struct advisor_link *a = &en->advisor;
    struct err e = {0};
    int fd[2];
    if (a->conn || a->timer || a->exhausted || (int64_t)en->n_runs >= en->total) {
        return;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0) {
        log_error("socketpair: %s", strerror(errno));
        advisor_died(en);
        return;
    }
    a->conn = conn_new(fd[0]);
    char *path = proc_find_helper("vaetop-advisor");
    char name[] = "vaetop-advisor";
    char *argv[] = {name, NULL};
    struct proc_spawn s = {.path = path, .argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = STDERR_FILENO,
                           .socket_fd = fd[1], .die_with_parent = true};
    enum err_code rc = proc_spawn(&a->pid, &s, &e);
    (void)close(fd[1]);
    free(path);
    if (rc) {
        log_error("%s", e.text);
        a->pid = 0;
        advisor_died(en);
        return;
    }
    struct sbuf yaml = {0};
    preset_format(&yaml, &en->preset);
    char *text = sbuf_take(&yaml);
    (void)send_advise(a->conn, &(struct m_advise){text});
    free(text);
    tell_all(en);
    loop_fd(en->loop, conn_fd(a->conn), POLLIN, advisor_read, en);
}

void advisor_ask(struct engine *en, int n)
{
    struct advisor_link *a = &en->advisor;
    advisor_start(en);
    if (!a->conn || a->asked > 0) {
        return; /* answers come in order and make the next numbers; then more are asked for */
    }
    for (int i = 0; i < n; i++) {
        (void)send_suggest(a->conn, &(struct m_suggest){(int64_t)en->n_runs + i});
    }
    a->asked = n;
}

/* How many trials should wait for a slot. What learns waits for results rather than being asked far ahead. */
int advisor_ahead(const struct engine *en)
{
    int free_slots = en->slots - (int)runs_active(en);
    return learns(en) ? (free_slots > 0 ? free_slots : 0) + 1 : en->slots;
}

void advisor_reap(struct engine *en)
{
    struct advisor_link *a = &en->advisor;
    int status;
    if (a->pid > 0 && waitpid(a->pid, &status, WNOHANG) == a->pid) {
        a->pid = 0; /* its socket's end tells the rest */
    }
}

void advisor_end(struct engine *en)
{
    struct advisor_link *a = &en->advisor;
    loop_timer_cancel(en->loop, a->timer);
    a->timer = 0;
    a->open = false;
    a->asked = 0;
    if (a->conn) {
        loop_fd_remove(en->loop, conn_fd(a->conn));
        conn_free(a->conn); /* it ends on EOF */
        a->conn = NULL;
    }
}
