#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include "vaetop/ipc/advice.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/proc.h"
#include "vaetop/ipc/messages.h"

#define ANSWER_MS 30000

static enum err_code start(struct conn **conn, pid_t *pid, struct err *e)
{
    int fd[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0) {
        return err_set(e, ERR_IO, "socketpair: %s", strerror(errno));
    }
    char *path = proc_find_helper("vaetop-advisor");
    char name[] = "vaetop-advisor";
    char *argv[] = {name, NULL};
    struct proc_spawn s = {.path = path, .argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = STDERR_FILENO,
                           .socket_fd = fd[1], .die_with_parent = true};
    enum err_code rc = proc_spawn(pid, &s, e);
    (void)close(fd[1]);
    free(path);
    if (rc) {
        (void)close(fd[0]);
        return rc;
    }
    *conn = conn_new(fd[0]);
    return ERR_OK;
}

static enum err_code open_preset(struct conn *conn, const struct preset *p, struct err *e)
{
    uint16_t type;
    struct msg_reader r;
    struct m_advising m;
    struct sbuf yaml = {0};
    preset_format(&yaml, p);
    char *text = sbuf_take(&yaml);
    (void)send_advise(conn, &(struct m_advise){text});
    free(text);
    if (conn_wait(conn, &type, &r, ANSWER_MS) != CONN_FRAME || type != MESSAGE_ADVISING || !read_advising(&m, &r)) {
        return err_set(e, ERR_IO, "the advisor (vaetop-advisor) does not answer");
    }
    enum err_code rc = m.code ? err_set(e, ERR_USAGE, "%s", m.text) : ERR_OK;
    free_advising(&m);
    return rc;
}

static enum err_code one_point(struct conn *conn, struct point *pt, int number, struct err *e)
{
    uint16_t type;
    struct msg_reader r;
    struct m_suggested m;
    (void)send_suggest(conn, &(struct m_suggest){number});
    if (conn_wait(conn, &type, &r, ANSWER_MS) != CONN_FRAME || type != MESSAGE_SUGGESTED ||
        !read_suggested(&m, pt, &r)) {
        return err_set(e, ERR_IO, "the advisor (vaetop-advisor) gave no point for trial %d", number);
    }
    enum err_code rc = ERR_OK;
    if (m.code) {
        rc = err_set(e, m.code == ERR_NOTFOUND ? ERR_NOTFOUND : ERR_USAGE, "%s", m.made.text);
    }
    suggestion_release(&m.made);
    return rc;
}

enum err_code advice_once(struct point *points, size_t n, size_t *got, const struct preset *p, int first, struct err *e)
{
    struct conn *conn = NULL;
    pid_t pid = 0;
    *got = 0;
    enum err_code rc = start(&conn, &pid, e);
    if (rc) {
        return rc;
    }
    rc = open_preset(conn, p, e);
    while (!rc && *got < n) {
        rc = one_point(conn, &points[*got], first + (int)*got, e);
        *got += rc == ERR_OK;
    }
    conn_free(conn); /* it ends on EOF */
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return rc == ERR_NOTFOUND ? ERR_OK : rc; /* a grid has an end */
}
