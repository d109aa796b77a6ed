#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include "vaetop/ipc/use_client.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/proc.h"

#define DIMS_MAX 65536

static enum err_code start(struct conn **conn, pid_t *pid, const struct device_info *d, struct err *e)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return err_set(e, ERR_IO, "socketpair: %s", strerror(errno));
    }
    char *path = proc_find_helper("vaetop-worker");
    char *icd = xasprintf("OCL_ICD_VENDORS=%s", d->icd);
    char name[] = "vaetop-worker", use[] = "use";
    char *argv[] = {name, use, NULL};
    char *env[] = {icd, NULL};
    struct proc_spawn s = {.path = path, .argv = argv, .env_extra = env, .stdin_fd = -1, .stdout_fd = -1,
                           .stderr_fd = STDERR_FILENO, .socket_fd = pair[1], .die_with_parent = true};
    enum err_code rc = proc_spawn(pid, &s, e);
    (void)close(pair[1]);
    free(path);
    free(icd);
    if (rc) {
        (void)close(pair[0]);
        return rc;
    }
    *conn = conn_new(pair[0]);
    return ERR_OK;
}

static bool take_dim(struct use_answer *out, struct msg_reader *r)
{
    struct m_used_dim m;
    if (out->n_dims == DIMS_MAX || !read_used_dim(&m, r)) {
        return false;
    }
    out->dim_kl = xreallocarray(out->dim_kl, out->n_dims + 1, sizeof *out->dim_kl);
    out->dim_kl[out->n_dims++] = m.kl;
    free_used_dim(&m);
    return true;
}

/* True when USED has come. */
static bool converse(struct use_answer *out, struct conn *c, const struct m_use *request)
{
    uint16_t type;
    struct msg_reader r;
    if (!send_use(c, request)) {
        return false;
    }
    while (conn_wait(c, &type, &r, -1) == CONN_FRAME) {
        if (type == MESSAGE_USED) {
            return read_used(&out->used, &r);
        }
        if (type != MESSAGE_USED_DIM || !take_dim(out, &r)) {
            return false;
        }
    }
    return false;
}

static enum err_code verdict(const struct use_answer *a, bool answered, int status, const struct device_info *d,
                             struct err *e)
{
    if (answered && a->used.code) {
        return err_set(e, (enum err_code)a->used.code, "%s", a->used.text);
    }
    if (answered) {
        return ERR_OK;
    }
    if (WIFSIGNALED(status)) {
        return err_set(e, ERR_NODEVICE, "%s: its worker died of %s; another device: --device, vaetop devices --self-test "
                                        "tells more", d->name, strsignal(WTERMSIG(status)));
    }
    return err_set(e, ERR_NODEVICE, "%s: its worker ended without an answer; VAETOP_LOG=debug tells more", d->name);
}

enum err_code use_ask(struct use_answer *out, const struct device_info *d, struct m_use *request, struct err *e)
{
    struct conn *c = NULL;
    pid_t pid = 0;
    int status = 0;
    *out = (struct use_answer){0};
    request->platform = d->platform_index;
    request->device = d->device_index;
    enum err_code rc = start(&c, &pid, d, e);
    if (rc) {
        return rc;
    }
    bool answered = converse(out, c, request);
    conn_free(c);
    /* It has said all, or nothing that can be read; on EOF it ends by itself, unless its driver hangs. */
    if (answered) {
        (void)kill(pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    rc = verdict(out, answered, status, d, e);
    if (rc) {
        use_answer_release(out);
    }
    return rc;
}

void use_answer_release(struct use_answer *a)
{
    free_used(&a->used);
    free(a->dim_kl);
    *a = (struct use_answer){0};
}
