#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include "worker_start.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/proc.h"

enum err_code worker_start(struct conn **conn, pid_t *pid, const char *use, const struct device_info *d, struct err *e)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return err_set(e, ERR_IO, "socketpair: %s", strerror(errno));
    }
    char *path = proc_find_helper("vaetop-worker");
    char *icd = xasprintf("OCL_ICD_VENDORS=%s", d->icd);
    char *word = xstrdup(use);
    char name[] = "vaetop-worker";
    char *argv[] = {name, word, NULL};
    char *env[] = {icd, NULL};
    struct proc_spawn s = {.path = path, .argv = argv, .env_extra = env, .stdin_fd = -1, .stdout_fd = -1,
                           .stderr_fd = STDERR_FILENO, .socket_fd = pair[1], .die_with_parent = true};
    enum err_code rc = proc_spawn(pid, &s, e);
    (void)close(pair[1]);
    free(path);
    free(icd);
    free(word);
    if (rc) {
        (void)close(pair[0]);
        return rc;
    }
    *conn = conn_new(pair[0]);
    return ERR_OK;
}

enum err_code worker_end(struct conn *conn, pid_t pid, bool answered, const struct device_info *d, struct err *e)
{
    int status = 0;
    conn_free(conn);
    /* It has said all, or nothing that can be read; on EOF it ends by itself, unless its driver hangs. */
    if (answered) {
        (void)kill(pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
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
