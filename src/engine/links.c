/* Clients of the engine: each a bounded queue; one that does not read is let go, and nobody waits for it. */
#include "engine_private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/log.h"
#include "vaetop/base/str.h"
#include "vaetop/ipc/endpoint.h"

#define CLIENTS_MOST 64
#define HELLO_S 10
#define QUEUE_SMALL ((size_t)64 << 10)

size_t links_count(const struct engine *en)
{
    size_t n = 0;
    for (const struct client_link *l = en->client; l; l = l->next) {
        n++;
    }
    return n;
}

static void link_close(struct client_link *l)
{
    struct engine *en = l->en;
    struct client_link **at = &en->client;
    while (*at != l) {
        at = &(*at)->next;
    }
    *at = l->next;
    loop_fd_remove(en->loop, conn_fd(l->conn));
    conn_free(l->conn);
    free(l);
}

void links_close(struct engine *en)
{
    while (en->client) {
        (void)conn_drain(en->client->conn, 200); /* the last word: FINISHED */
        link_close(en->client);
    }
}

void links_tick(struct engine *en)
{
    for (struct client_link *l = en->client, *next; l; l = next) {
        next = l->next;
        if (!l->welcome && ++l->silent_s > HELLO_S) {
            link_close(l);
        }
    }
}

/* --- saying */

static void tell_committed(struct client_link *l)
{
    int64_t counter = 0;
    l->owes_commit = conn_queued(l->conn) > QUEUE_SMALL;
    if (!l->owes_commit && !store_changed(l->en->store, &counter, NULL)) {
        (void)send_committed(l->conn, &(struct m_committed){counter});
    }
}

static void tell_banner(struct client_link *l)
{
    (void)send_banner(l->conn, &(struct m_banner){l->en->banner});
}

static void tell_finished(struct client_link *l)
{
    char text[sizeof l->en->fatal.text];
    (void)str_copy(text, sizeof text, l->en->fatal.code ? l->en->fatal.text : "");
    (void)send_finished(l->conn, &(struct m_finished){l->en->fatal.code, text});
}

static void tell_all(struct engine *en, void (*tell)(struct client_link *))
{
    for (struct client_link *l = en->client; l; l = l->next) {
        if (l->welcome) {
            tell(l);
        }
    }
}

void links_committed(struct engine *en)
{
    tell_all(en, tell_committed);
}

void links_banner(struct engine *en)
{
    tell_all(en, tell_banner);
}

void links_finished(struct engine *en)
{
    tell_all(en, tell_finished);
}

/* --- hearing */

static void on_hello(struct client_link *l)
{
    l->welcome = true;
    l->en->had_client = true;
    (void)send_welcome(l->conn, &(struct m_welcome){getpid(), l->en->banner});
    tell_committed(l);
    if (l->en->told_finished) {
        tell_finished(l);
    }
}

static void on_command(struct client_link *l, const struct m_command *m)
{
    struct err e = {0};
    char reply[512] = "";
    l->en->quiet_s = 0; /* who only looks, as `show` does, keeps nobody up */
    enum err_code rc = command_do(l->en, m, reply, sizeof reply, &e);
    char text[sizeof e.text];
    (void)str_clean(text, sizeof text, rc ? e.text : reply);
    (void)send_reply(l->conn, &(struct m_reply){m->id, rc, text});
}

static bool obey(struct client_link *l, uint16_t type, struct msg_reader *r)
{
    struct m_hello hello;
    struct m_command command;
    if (type == MESSAGE_HELLO && read_hello(&hello, r)) {
        on_hello(l);
        return true;
    }
    if (type == MESSAGE_COMMAND && l->welcome && read_command(&command, r)) {
        on_command(l, &command);
        free_command(&command);
        return true;
    }
    return false;
}

static void link_ready(void *arg, int fd, int revents)
{
    struct client_link *l = arg;
    struct engine *en = l->en;
    uint16_t type = 0;
    struct msg_reader r;
    enum conn_result got;
    (void)revents;
    bool ok = true, here = conn_flush(l->conn);
    while (ok && (got = conn_next(l->conn, &type, &r)) != CONN_NOTHING) { /* its last word, though it left at once */
        ok = got == CONN_FRAME && obey(l, type, &r) && conn_queued(l->conn) < QUEUE_SMALL * 16;
    }
    if (!ok || !here) {
        link_close(l);
        engine_check_end(en);
        return;
    }
    if (l->owes_commit && conn_queued(l->conn) == 0) {
        tell_committed(l);
    }
    loop_fd(en->loop, fd, conn_queued(l->conn) > 0 ? POLLIN | POLLOUT : POLLIN, link_ready, l);
    schedule(en);
    engine_check_end(en);
}

/* Without a descriptor left, a connection would stay in the queue and wake us for ever: one is kept aside to take it
 * and turn it away. */
static void turn_away(struct engine *en)
{
    int again;
    (void)close(en->spare_fd);
    int fd = endpoint_accept(en->listen_fd, &again);
    if (fd >= 0) {
        (void)close(fd);
    }
    en->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    log_warn("no file descriptor left: a client was turned away");
}

void links_accept(void *arg, int fd, int revents)
{
    struct engine *en = arg;
    int again = 1;
    (void)revents;
    while (again) {
        int c = endpoint_accept(fd, &again);
        if (c < 0) {
            if (errno == EMFILE || errno == ENFILE) {
                turn_away(en);
            }
            continue;
        }
        if (links_count(en) >= CLIENTS_MOST) {
            (void)close(c);
            continue;
        }
        struct client_link *l = xcalloc(1, sizeof *l);
        l->en = en;
        l->conn = conn_new(c);
        l->next = en->client;
        en->client = l;
        loop_fd(en->loop, c, POLLIN, link_ready, l);
    }
}
