/* The engine's end of the advisor: suggestions are asked for ahead, so that a free slot never waits for one. */
#include "engine_private.h"

#include <assert.h>
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
#include "vaetop/conf/search_space.h"

#define FAILURES_MOST 5
#define DYING_MS 100
#define WAIT_MOST 4 /* 16 s between two starts of an advisor that someone keeps killing */

#define TOLD_MOST ((size_t)1 << 30) /* a study's trials, told at once: about 150 bytes each */

static void advisor_died(struct engine *en);
static void advisor_read(void *arg, int fd, int revents);

/* What the socket does not take at once goes when it is writable. */
static void listen_to(struct engine *en)
{
    const struct conn *c = en->advisor.conn;
    loop_fd(en->loop, conn_fd(c), conn_queued(c) > 0 ? POLLIN | POLLOUT : POLLIN, advisor_read, en);
}

/* Samplers that need to know what became of the trials. */
static bool learns(const struct engine *en)
{
    return config_choice(&en->preset.base, KNOB_STUDY_SAMPLER) > SAMPLER_GRID;
}

/* A trial outside the space as it is now says nothing about it. */
static void observe(struct engine *en, const struct m_observe *m, const struct point *pt)
{
    struct point inside;
    point_init(&inside, &en->space);
    if (point_move(&inside, &en->space, pt, &en->preset)) {
        (void)send_observe(en->advisor.conn, m, &inside);
        listen_to(en);
    }
    point_release(&inside);
}

/* As it stood when it was held after so many epochs: its curve is there. */
static void tell_held(struct engine *en, const struct run *r, int epoch, const struct point *pt)
{
    struct m_observe m = {.number = r->number, .phase = PHASE_HELD, .edited = r->edited, .epoch = epoch,
                          .expected = r->expected};
    m.value[0] = r->curve[0][epoch - 1];
    m.value[1] = r->curve[1][epoch - 1];
    m.violation = r->curve[2][epoch - 1];
    observe(en, &m, pt);
}

void advisor_tell(struct engine *en, const struct run *r, double value)
{
    struct m_observe m = {.number = r->number, .phase = r->phase, .edited = r->edited, .epoch = r->stored_epoch,
                          .expected = r->expected};
    if (!en->advisor.conn || r->foreign) {
        return;
    }
    if (r->phase == PHASE_HELD) {
        tell_held(en, r, r->stored_epoch, &r->point);
        return;
    }
    const struct outcome *w = run_scored(en, r);
    m.value[0] = en->objectives == 2 ? w->of[0] : isnan(value) ? r->last_value : value;
    m.value[1] = en->objectives == 2 ? w->of[1] : (double)NAN;
    m.violation = w->violation;
    observe(en, &m, &r->point);
}

/* --- an advisor that knows nothing */

/* As it stands in the store; running: as it stood before it ended. */
static void tell_row(struct engine *en, const struct trial_row *t, bool running)
{
    const struct run *r = run_find(en, t->number);
    struct m_observe m = {t->number, running ? PHASE_QUEUED : t->phase, t->edited, t->has_epoch ? t->last.epoch : 0,
                          {t->value, (double)NAN}, 0, r ? r->expected : (double)NAN};
    if (t->has_epoch) {
        struct outcome w = outcome_of(en, trial_scored(t, &en->preset.base));
        m.value[0] = en->objectives == 2 ? w.of[0] : t->value;
        m.value[1] = w.of[1];
        m.violation = w.violation;
    }
    observe(en, &m, &t->point);
}

void advisor_tell_row(struct engine *en, const struct trial_row *t)
{
    if (en->advisor.conn) {
        tell_row(en, t, false);
    }
}

/* As if it had never been: edited and failed says so to the advisor. pt: of the space as it is now. */
static void forget(struct engine *en, int number, const struct point *pt)
{
    struct m_observe m = {.number = number, .phase = PHASE_FAILED, .edited = 1, .expected = (double)NAN};
    (void)send_observe(en->advisor.conn, &m, pt);
    listen_to(en);
}

void advisor_forget(struct engine *en, int number)
{
    struct point any;
    en->advisor.exhausted = false; /* its point can be given out again: answers under way do not know it */
    en->advisor.outdated = en->advisor.asked;
    if (en->advisor.conn) {
        point_init(&any, &en->space);
        forget(en, number, &any);
        point_release(&any);
    }
}

void advisor_taken(struct engine *en, int number)
{
    const struct advisor_link *a = &en->advisor;
    if (number >= a->first && number < a->first + a->asked) {
        advisor_forget(en, number);
    }
}

void advisor_void(struct engine *en)
{
    en->advisor.spoiled = en->advisor.asked > 0;
}

static void ask(struct engine *en)
{
    for (int i = 0; i < en->advisor.asked; i++) {
        (void)send_suggest(en->advisor.conn, &(struct m_suggest){en->advisor.first + i});
    }
    listen_to(en);
}

/* Rows by number, for trials of the order from..to. */
static void tell_ended(struct engine *en, const struct trial_row *row, size_t n, size_t from, size_t to)
{
    for (size_t k = from; k < to; k++) {
        const struct telling *t = &en->order[k];
        if ((size_t)t->number < n && t->epoch > 0) {
            tell_held(en, &en->run[t->number], t->epoch, &row[t->number].point);
        } else if ((size_t)t->number < n) {
            tell_row(en, &row[t->number], false);
        }
    }
}

/* Trials of the study that this one started from: known before any of its own, and by numbers that none of them has. */
static void tell_foreign(struct engine *en)
{
    struct foreign_row *row = NULL;
    struct err e;
    size_t n = 0;
    if (store_foreign(en->store, &en->preset, &row, &n, &e)) {
        log_warn("the sampler begins without the other study's trials: %s", e.text);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const struct m_observe m = {-1 - (int64_t)i, row[i].phase, 0, row[i].epoch,
                                    {row[i].value[0], row[i].value[1]}, row[i].violation, (double)NAN};
        observe(en, &m, &row[i].point);
    }
    store_foreign_free(row, n);
}

/* Trials that have no place among the done: as running. */
static void tell_running(struct engine *en, const struct trial_row *row, const bool *done, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (!done[i] && (!row[i].foreign || row[i].phase == PHASE_ACTIVE)) {
            tell_row(en, &row[i], true);
        }
    }
}

/* A new advisor hears of all trials: first of those that had ended when the open question was asked, in the order in
 * which they ended, and of the others as running; then the question again; then of what has ended since. So its answer
 * is the one that its predecessor would have given. */
static void tell_rows(struct engine *en, const struct trial_row *row, size_t n)
{
    struct advisor_link *a = &en->advisor;
    size_t told = a->asked > 0 ? a->told : en->n_ended;
    size_t most = a->asked > 0 && (size_t)a->first < n ? (size_t)a->first : n;
    bool *done = xcalloc(n + 1, sizeof *done);
    tell_foreign(en);
    for (size_t k = 0; k < told; k++) {
        done[(size_t)en->order[k].number < n ? (size_t)en->order[k].number : n] = true;
    }
    tell_ended(en, row, n, 0, told);
    tell_running(en, row, done, 0, most);
    ask(en);
    for (size_t i = most; i < n; i++) {
        advisor_taken(en, (int)i);
    }
    tell_running(en, row, done, most, n);
    tell_ended(en, row, n, told, en->n_ended);
    free(done);
}

/* False: the store cannot say; try again later. */
static bool tell_all(struct engine *en)
{
    struct trial_row *row = NULL;
    struct err e = {0};
    size_t n = 0;
    bool ok = writer_flush(en) && !store_trials(en->store, &en->preset, 0, &row, &n, &e);
    for (size_t i = 0; ok && i < n; i++) {
        ok = row[i].number == (int)i;
    }
    if (ok) {
        tell_rows(en, row, n);
    } else if (e.code) {
        log_warn("the advisor waits: %s", e.text);
    }
    trial_rows_free(row, n);
    return ok;
}

/* --- its answers */

/* The point is one of the space as it is suggested in. */
static void take_suggestion(struct engine *en, struct m_suggested *m, const struct point *inside)
{
    struct point pt;
    point_init(&pt, &en->preset);
    bool known = point_move(&pt, &en->preset, inside, &en->space);
    assert(known); /* the preset only grows */
    struct run *made = run_new(en, &pt, PHASE_QUEUED);
    point_release(&pt);
    made->expected = m->made.expected;
    m->made.seed = config_i64(&en->preset.base, KNOB_STUDY_SEED);
    m->made.told = (int64_t)en->advisor.told;
    if (config_choice(&en->preset.base, KNOB_STUDY_SAMPLER) != SAMPLER_RANDOM) {
        engine_log(en, made->number, "%s", m->made.text);
    }
    write_suggestion(en, &m->made);
    m->made = (struct suggestion){0};
}

static void on_suggested(struct engine *en, struct msg_reader *r)
{
    struct advisor_link *a = &en->advisor;
    struct m_suggested m = {0};
    struct point pt;
    point_init(&pt, &en->space);
    if (!read_suggested(&m, &pt, r) || a->asked == 0) {
        log_error("the advisor's answer is not a point of this space");
        advisor_died(en);
    } else {
        const bool outdated = a->outdated > 0;
        a->outdated -= outdated;
        a->asked--;
        a->first++;
        a->failures = 0;
        if (m.code == ERR_NOTFOUND && (outdated || a->spoiled)) {
            log_info("asked before a point came free: asked again"); /* by schedule() */
        } else if (m.code == ERR_NOTFOUND) {
            if (!a->exhausted) {
                engine_log(en, -1, "nothing is left to try: %s", m.made.text);
            }
            a->exhausted = true;
        } else if (m.code) {
            struct err e;
            (void)err_set(&e, ERR_USAGE, "no suggestion for trial %lld: %s", (long long)m.made.number, m.made.text);
            engine_fail(en, &e);
        } else if (!a->spoiled && m.made.number == (int64_t)en->n_runs) {
            take_suggestion(en, &m, &pt);
        } else { /* the trials have changed since it was asked; schedule() asks again */
            a->spoiled = true;
            if (m.made.number >= (int64_t)en->n_runs) { /* else advisor_taken() said so */
                forget(en, (int)m.made.number, &pt);
            }
        }
        a->spoiled = a->spoiled && a->asked > 0;
    }
    suggestion_release(&m.made);
    point_release(&pt);
}

/* The stopping rule says that nothing is left to gain: no further trial is begun. */
static void stop_early(struct engine *en, const struct insight *in)
{
    char total[32];
    if (!in->stop || !en->may_stop || en->stage != STAGE_RUNNING || en->total <= (int)en->n_runs) {
        return;
    }
    if (isnan(in->expected)) {
        engine_log(en, -1, "study.stop: no trial of the last %d improved the best; %d of %d trials are enough", in->since,
                   (int)en->n_runs, en->total);
    } else {
        engine_log(en, -1,
                   "study.stop: the last suggestions expected to gain at most %.2g standard deviations and the last %d "
                   "trials gained nothing; %d of %d trials are enough",
                   in->expected, in->since, (int)en->n_runs, en->total);
    }
    en->total = (int)en->n_runs;
    advisor_void(en); /* what was asked for meanwhile */
    (void)snprintf(total, sizeof total, "%d", en->total);
    write_fact(en, knob_info(KNOB_STUDY_TRIALS)->name, total);
}

static void on_reviewed(struct engine *en, struct msg_reader *r)
{
    struct m_reviewed m;
    struct insight in;
    if (!read_reviewed(&m, r)) {
        advisor_died(en);
        return;
    }
    en->advisor.reviewing = false;
    if (insight_parse(&in, m.insight)) {
        en->advisor.reviewed = (size_t)in.finished;
        write_fact(en, FACT_INSIGHT, m.insight);
        stop_early(en, &in);
        insight_release(&in);
    }
    free_reviewed(&m);
    if (en->stage == STAGE_FINISHED) {
        advisor_finish(en);
    }
}

void advisor_review(struct engine *en)
{
    struct advisor_link *a = &en->advisor;
    bool idle = a->asked == 0 || en->stage == STAGE_FINISHED; /* before, no suggestion waits for a review */
    if (a->conn && a->open && !a->reviewing && idle && a->reviewed != en->n_ended) {
        a->reviewing = true;
        (void)send_review(a->conn, &(struct m_review){(int64_t)en->n_ended});
        listen_to(en);
    }
}

void advisor_finish(struct engine *en)
{
    advisor_review(en);
    if (!en->advisor.reviewing) {
        advisor_end(en);
    }
}

static void advisor_read(void *arg, int fd, int revents)
{
    struct engine *en = arg;
    uint16_t type = 0;
    struct msg_reader r;
    enum conn_result got = CONN_NOTHING;
    (void)fd;
    if (revents & POLLOUT) {
        (void)conn_flush(en->advisor.conn); /* its end is read below */
        listen_to(en);
    }
    bool any = false;
    while (en->advisor.conn && (got = conn_next(en->advisor.conn, &type, &r)) == CONN_FRAME) {
        struct m_advising m;
        if (type == MESSAGE_SUGGESTED) {
            on_suggested(en, &r);
            any = true;
        } else if (type == MESSAGE_REVIEWED) {
            on_reviewed(en, &r);
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

/* How the process ended; one that still lives is ended. Its socket closes a moment before it is dead. */
static int reap(struct advisor_link *a)
{
    int status = a->status;
    bool dead = a->pid <= 0;
    for (int i = 0; i < DYING_MS && !dead; i++) {
        dead = waitpid(a->pid, &status, WNOHANG) == a->pid;
        (void)poll(NULL, 0, dead ? 0 : 1);
    }
    if (!dead) {
        (void)kill(a->pid, SIGKILL);
        (void)waitpid(a->pid, NULL, 0);
        status = 0;
    }
    a->pid = 0;
    a->status = 0;
    return status;
}

static void advisor_died(struct engine *en)
{
    struct advisor_link *a = &en->advisor;
    if (a->conn) {
        loop_fd_remove(en->loop, conn_fd(a->conn));
        conn_free(a->conn);
        a->conn = NULL;
    }
    int status = reap(a);
    bool killed = WIFSIGNALED(status) && (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM);
    a->open = false;
    a->reviewing = false;
    a->failures++;
    if (en->stage == STAGE_LEAVING || en->stage == STAGE_FINISHED) {
        return;
    }
    if (killed) { /* by a person, or for want of memory: not its fault, and the study can wait for the next one */
        log_warn("the advisor was killed (signal %d); another one is started", WTERMSIG(status));
    } else if (a->failures >= FAILURES_MOST) {
        struct err e;
        (void)err_set(&e, ERR_IO, "the advisor (vaetop-advisor) ended %d times in a row; see %s/log", a->failures,
                      en->dir);
        engine_fail(en, &e);
        return;
    }
    if (!a->timer) {
        int wait = a->failures - 2 < WAIT_MOST ? a->failures - 2 : WAIT_MOST;
        a->timer = loop_timer(en->loop, a->failures == 1 ? 0 : SECOND_NS << wait, restart, en);
    }
}

void advisor_start(struct engine *en)
{
    struct advisor_link *a = &en->advisor;
    struct err e = {0};
    int fd[2];
    if (a->conn || a->timer || en->stage == STAGE_LEAVING || en->stage == STAGE_FINISHED) {
        return;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0) {
        log_error("socketpair: %s", strerror(errno));
        advisor_died(en);
        return;
    }
    a->conn = conn_new(fd[0]);
    conn_queue_most(a->conn, TOLD_MOST);
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
    preset_format(&yaml, &en->space);
    char *text = sbuf_take(&yaml);
    (void)send_advise(a->conn, &(struct m_advise){text});
    free(text);
    listen_to(en);
    if (!tell_all(en)) {
        advisor_died(en);
    }
}

void advisor_ask(struct engine *en, int n)
{
    struct advisor_link *a = &en->advisor;
    advisor_start(en);
    if (a->asked > 0) {
        return; /* answers come in order and make the next numbers; then more are asked for */
    }
    a->asked = n;
    a->first = (int)en->n_runs;
    a->told = en->n_ended;
    if (a->conn) { /* else the next advisor is asked, and it is this that it is asked */
        ask(en);
    }
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
    if (a->pid > 0 && waitpid(a->pid, &a->status, WNOHANG) == a->pid) {
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
    a->outdated = 0;
    a->reviewing = false;
    if (a->conn) {
        loop_fd_remove(en->loop, conn_fd(a->conn));
        conn_free(a->conn); /* it ends on EOF */
        a->conn = NULL;
    }
}

void advisor_anew(struct engine *en)
{
    advisor_end(en);
    en->advisor.exhausted = false;
    if (en->stage == STAGE_RUNNING || en->stage == STAGE_PAUSED) {
        advisor_start(en);
    }
}
