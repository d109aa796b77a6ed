#include "vaetop/ipc/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/paths.h"
#include "vaetop/ipc/endpoint.h"
#include "vaetop/ipc/messages.h"

#define ANSWER_MS 10000
#define PEEK_MS 1000
#define SECOND_NS INT64_C(1000000000)
#define START_NS (90 * SECOND_NS) /* an engine looks for devices first: up to 10 s for each driver */
#define ROUNDS 3

const char *command_word(enum command c)
{
    static const char *const word[] = {
#define X(id, text, meaning) text,
        COMMAND_LIST(X)
#undef X
    };
    return c < COMMAND_COUNT ? word[c] : "?";
}

/* What was heard while waiting for something else is kept: states as flags, replies in order. */
struct client {
    struct conn *conn;
    int64_t next_id;
    bool committed, banner_new, finished_new, closed, told_closed;
    char banner[512];
    struct m_finished finished;
    struct m_reply *reply;
    size_t n_replies;
    int64_t *waited; /* ids a client_command() gave up on: nobody wants their replies */
    size_t n_waited;
};

void client_free(struct client *c)
{
    if (c) {
        for (size_t i = 0; i < c->n_replies; i++) {
            free_reply(&c->reply[i]);
        }
        free_finished(&c->finished);
        free(c->reply);
        free(c->waited);
        conn_free(c->conn);
        free(c);
    }
}

int client_fd(const struct client *c)
{
    return conn_fd(c->conn);
}

/* --- hearing */

static bool unwanted(struct client *c, int64_t id)
{
    for (size_t i = 0; i < c->n_waited; i++) {
        if (c->waited[i] == id) {
            c->waited[i] = c->waited[--c->n_waited];
            return true;
        }
    }
    return false;
}

static void keep_reply(struct client *c, struct m_reply *m)
{
    if (unwanted(c, m->id)) {
        free_reply(m);
        return;
    }
    c->reply = xreallocarray(c->reply, c->n_replies + 1, sizeof *c->reply);
    c->reply[c->n_replies++] = *m;
}

static bool keep(struct client *c, uint16_t type, struct msg_reader *r)
{
    struct m_committed committed;
    struct m_banner banner;
    struct m_finished finished;
    struct m_reply reply;
    switch (type) {
    case MESSAGE_COMMITTED:
        c->committed = true;
        return read_committed(&committed, r);
    case MESSAGE_BANNER:
        if (!read_banner(&banner, r)) {
            return false;
        }
        (void)str_clean(c->banner, sizeof c->banner, banner.text);
        c->banner_new = true;
        free_banner(&banner);
        return true;
    case MESSAGE_FINISHED:
        if (!read_finished(&finished, r)) {
            return false;
        }
        free_finished(&c->finished);
        c->finished = finished;
        c->finished_new = true;
        return true;
    case MESSAGE_REPLY:
        if (!read_reply(&reply, r)) {
            return false;
        }
        keep_reply(c, &reply);
        return true;
    default:
        return false;
    }
}

/* Takes in what there is; waits for the first frame at most timeout_ms. False: the engine is gone. */
static bool listen_for(struct client *c, int timeout_ms)
{
    uint16_t type = 0;
    struct msg_reader r;
    enum conn_result got = c->closed ? CONN_CLOSED : conn_wait(c->conn, &type, &r, timeout_ms);
    for (; got == CONN_FRAME; got = conn_next(c->conn, &type, &r)) {
        if (!keep(c, type, &r)) {
            got = CONN_BAD;
            break;
        }
    }
    c->closed = c->closed || got != CONN_NOTHING;
    return !c->closed;
}

static void take_reply(struct client *c, struct m_reply *out, size_t i)
{
    *out = c->reply[i];
    c->n_replies--;
    memmove(&c->reply[i], &c->reply[i + 1], (c->n_replies - i) * sizeof *c->reply);
}

void client_next(struct client *c, struct client_event *ev)
{
    struct m_reply reply;
    *ev = (struct client_event){.kind = CLIENT_NOTHING};
    (void)listen_for(c, 0);
    if (c->n_replies > 0) {
        take_reply(c, &reply, 0);
        ev->kind = CLIENT_REPLY;
        ev->ok = reply.code == ERR_OK;
        (void)str_clean(ev->text, sizeof ev->text, reply.text);
        free_reply(&reply);
    } else if (c->banner_new) {
        c->banner_new = false;
        ev->kind = CLIENT_BANNER;
        (void)str_copy(ev->text, sizeof ev->text, c->banner);
    } else if (c->committed) {
        c->committed = false;
        ev->kind = CLIENT_COMMITTED;
    } else if (c->finished_new) {
        c->finished_new = false;
        ev->kind = CLIENT_FINISHED;
        ev->ok = c->finished.code == ERR_OK;
        ev->code = c->finished.code > 0 && c->finished.code <= ERR_CANCELLED ? (enum err_code)c->finished.code : ERR_OK;
        (void)str_clean(ev->text, sizeof ev->text, c->finished.text);
    } else if (c->closed) {
        ev->kind = CLIENT_CLOSED;
    }
}

/* --- saying */

static int64_t send_it(struct client *c, enum command cmd, int trial, const char *arg)
{
    int64_t id = ++c->next_id;
    char *text = xstrdup(arg ? arg : "");
    (void)send_command(c->conn, &(struct m_command){id, cmd, trial, text});
    free(text);
    return id;
}

void client_send(struct client *c, enum command cmd, int trial, const char *arg)
{
    (void)send_it(c, cmd, trial, arg);
}

/* The reply to a command, when it is there. */
static bool find_reply(struct client *c, int64_t id, struct m_reply *out)
{
    for (size_t i = 0; i < c->n_replies; i++) {
        if (c->reply[i].id == id) {
            take_reply(c, out, i);
            return true;
        }
    }
    return false;
}

enum err_code client_command(struct client *c, enum command cmd, int trial, const char *arg, char **reply,
                             struct err *e)
{
    int64_t deadline = clock_mono_ns() + (int64_t)ANSWER_MS * 1000000;
    int64_t id = send_it(c, cmd, trial, arg);
    struct m_reply m;
    while (!find_reply(c, id, &m)) {
        int64_t left = (deadline - clock_mono_ns()) / 1000000;
        bool alive = listen_for(c, left > 0 ? (int)left : 0);
        if (find_reply(c, id, &m)) { /* it may answer and end at once */
            break;
        }
        if (!alive) {
            return err_set(e, ERR_BUSY, "the engine ended before it answered");
        }
        if (left <= 0) {
            c->waited = xreallocarray(c->waited, c->n_waited + 1, sizeof *c->waited);
            c->waited[c->n_waited++] = id;
            return err_set(e, ERR_IO, "the engine does not answer (%d s)", ANSWER_MS / 1000);
        }
    }
    enum err_code rc = ERR_OK;
    if (m.code) {
        rc = err_set(e, m.code > 0 && m.code <= ERR_CANCELLED ? (enum err_code)m.code : ERR_PROTO, "%s", m.text);
    } else if (reply) {
        *reply = m.text;
        m.text = NULL;
    }
    free_reply(&m);
    return rc;
}

/* --- connecting */

static enum err_code greet(struct client *c, const char *study_dir, int patience_ms, struct err *e)
{
    uint16_t type;
    struct msg_reader r;
    struct m_welcome m;
    (void)send_hello(c->conn, &(struct m_hello){getpid()});
    enum conn_result got = conn_wait(c->conn, &type, &r, patience_ms);
    if (got == CONN_FRAME && type == MESSAGE_WELCOME && read_welcome(&m, &r)) {
        (void)str_clean(c->banner, sizeof c->banner, m.banner);
        c->banner_new = c->banner[0] != '\0';
        free_welcome(&m);
        return ERR_OK;
    }
    if (got == CONN_CLOSED) {
        return err_set(e, ERR_NOTFOUND, "%s: its engine is just ending", study_dir);
    }
    if (got == CONN_NOTHING) {
        return err_set(e, ERR_IO, "%s: its engine does not answer (%d s)", study_dir, patience_ms / 1000);
    }
    return err_set(e, ERR_BUSY,
                   "%s: its engine is of another version of vaetop (protocol %u, here %d); stop it with that one", study_dir,
                   conn_foreign_version(c->conn), PROTOCOL_VERSION);
}

static enum err_code connect_within(struct client **out, const char *study_dir, int patience_ms, struct err *e)
{
    int fd;
    enum err_code rc = endpoint_connect(&fd, ENDPOINT_ENGINE, study_dir, e);
    if (rc) {
        return rc;
    }
    struct client *c = xcalloc(1, sizeof *c);
    c->conn = conn_new(fd);
    rc = greet(c, study_dir, patience_ms, e);
    if (rc) {
        client_free(c);
        return rc;
    }
    *out = c;
    return ERR_OK;
}

enum err_code client_connect(struct client **out, const char *study_dir, struct err *e)
{
    return connect_within(out, study_dir, ANSWER_MS, e);
}

void client_peek(char *banner, size_t cap, const char *study_dir)
{
    struct client *c = NULL;
    banner[0] = '\0';
    if (!connect_within(&c, study_dir, PEEK_MS, NULL)) {
        (void)str_copy(banner, cap, c->banner);
        client_free(c);
    }
}

/* --- starting */

/* Of several who start the same study at once one does, and the others find its engine. */
static enum err_code starters_lock(int *fd, const char *study_dir, int64_t deadline, struct err *e)
{
    enum err_code rc = path_run_dir_check(e);
    char *name = rc ? NULL : endpoint_name(study_dir);
    if (!rc && !name) {
        rc = err_set(e, ERR_NOTFOUND, "%s: %s", study_dir, strerror(errno));
    }
    if (rc) {
        return rc;
    }
    char *dir = path_run_dir();
    char *path = xasprintf("%s/start-%s", dir, name);
    rc = fs_lock(fd, path, e);
    while (rc == ERR_BUSY && clock_mono_ns() < deadline) {
        (void)poll(NULL, 0, 20);
        rc = fs_lock(fd, path, e);
    }
    free(path);
    free(dir);
    free(name);
    return rc;
}

enum err_code client_start(struct client **out, bool *fresh, const char *study_dir, const char *device, struct err *e)
{
    int lock = -1;
    bool started = false;
    int64_t deadline = clock_mono_ns() + START_NS;
    if (fresh) {
        *fresh = false;
    }
    enum err_code rc = client_connect(out, study_dir, e);
    if (rc != ERR_NOTFOUND || !fs_is_dir(study_dir)) {
        return rc;
    }
    rc = starters_lock(&lock, study_dir, deadline, e);
    if (rc) {
        return rc;
    }
    rc = client_connect(out, study_dir, e); /* another starter may have done it while we waited */
    for (int round = 0; rc == ERR_NOTFOUND && round < ROUNDS; round++) { /* again: what answered was just ending */
        rc = supervisor_start(&started, study_dir, device, deadline, e);
        const int64_t until = clock_mono_ns() + SECOND_NS;
        if (rc && rc != ERR_NOTFOUND) {
            break;
        }
        while ((rc = client_connect(out, study_dir, e)) == ERR_NOTFOUND && clock_mono_ns() < until) {
            (void)poll(NULL, 0, 20);
        }
    }
    if (fresh) {
        *fresh = !rc && started;
    }
    (void)close(lock);
    return rc;
}
