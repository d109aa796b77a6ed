#define _GNU_SOURCE /* pipe2 */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/proc.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/paths.h"
#include "vaetop/ipc/client.h"
#include "vaetop/ipc/endpoint.h"

#define DEVICE_MOST 480
#define END_NS INT64_C(120000000000) /* an engine that came up meanwhile writes its checkpoints */

/* One line; "" when the other side ended without one. False: it is silent. */
static bool read_answer(int fd, char *line, size_t cap, int64_t deadline)
{
    size_t n = 0;
    line[0] = '\0';
    while (n + 1 < cap) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        const int64_t left = (deadline - clock_mono_ns()) / 1000000;
        if (left <= 0) {
            return false;
        }
        if (poll(&p, 1, (int)left) <= 0) {
            continue;
        }
        const ssize_t got = read(fd, line + n, 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            n = 0;
            break;
        }
        if (line[n] == '\n') {
            break;
        }
        n++;
    }
    line[n] = '\0';
    return true;
}

static enum err_code silent(const char *study_dir, struct err *e)
{
    return err_set(e, ERR_IO, "%s: the engine does not start or end; see %s/%s", study_dir, study_dir, STUDY_LOG);
}

/* Errors: NOTFOUND (no supervisor on this host), IO. */
static enum err_code call(char *line, size_t cap, const char *study_dir, const char *word, const char *device,
                          int64_t deadline, struct err *e)
{
    int fd;
    enum err_code rc = endpoint_connect(&fd, ENDPOINT_SUPERVISOR, study_dir, e);
    if (rc) {
        return rc;
    }
    char *text = xasprintf("%s%s%s\n", word, device ? " " : "", device ? device : "");
    (void)send(fd, text, strlen(text), MSG_NOSIGNAL); /* one that is ending does not hear it, and answers nothing */
    if (!read_answer(fd, line, cap, deadline)) {
        rc = silent(study_dir, e);
    }
    free(text);
    (void)close(fd);
    return rc;
}

/* Starts a supervisor and waits until its engine answers. */
static enum err_code spawn(char *line, size_t cap, const char *study_dir, const char *device, int64_t deadline,
                           struct err *e)
{
    int fd[2];
    char self[] = "vaetop";
    char use[] = "__supervise";
    char *where = realpath(study_dir, NULL);
    char *what = xstrdup(device ? device : "");
    char *argv[] = {self, use, where, what, NULL};
    pid_t pid = 0;
    if (!where || pipe2(fd, O_CLOEXEC) != 0) {
        free(where);
        free(what);
        return err_set(e, ERR_IO, "%s: %s", study_dir, strerror(errno));
    }
    struct proc_spawn s = {.path = "/proc/self/exe", .argv = argv, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1,
                           .socket_fd = fd[1], .new_session = true};
    enum err_code rc = proc_spawn(&pid, &s, e);
    (void)close(fd[1]);
    if (!rc) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) { /* it goes on in a child of its own */
        }
        if (!read_answer(fd[0], line, cap, deadline)) {
            rc = silent(study_dir, e);
        } else if (!*line) {
            (void)str_copy(line, cap, "died");
        }
    }
    (void)close(fd[0]);
    free(where);
    free(what);
    return rc;
}

enum err_code supervisor_start(bool *fresh, const char *study_dir, const char *device, int64_t deadline_ns,
                               struct err *e)
{
    char line[900] = "";
    if (device && (strlen(device) > DEVICE_MOST || strchr(device, '\n'))) {
        return err_set(e, ERR_USAGE, "device: a line of up to %d bytes was expected", DEVICE_MOST);
    }
    enum err_code rc = call(line, sizeof line, study_dir, SUPERVISOR_START, device, deadline_ns, e);
    if (rc == ERR_NOTFOUND) {
        rc = spawn(line, sizeof line, study_dir, device, deadline_ns, e);
    }
    if (rc) {
        return rc;
    }
    *fresh = strcmp(line, SUPERVISOR_STARTED) == 0;
    if (*fresh || strcmp(line, SUPERVISOR_RAN) == 0) {
        return ERR_OK;
    }
    if (!*line) {
        return err_set(e, ERR_NOTFOUND, "%s: its supervisor is just ending", study_dir);
    }
    char *text = line;
    const long code = strtol(line, &text, 10);
    if (code <= 0 || code > ERR_CANCELLED) {
        return silent(study_dir, e);
    }
    return err_set(e, (enum err_code)code, "%s", *text == ' ' ? text + 1 : text);
}

enum err_code client_stop_waiting(const char *study_dir, struct err *e)
{
    char line[900];
    enum err_code rc = call(line, sizeof line, study_dir, SUPERVISOR_END, NULL, clock_mono_ns() + END_NS, e);
    if (!rc && strcmp(line, SUPERVISOR_ENDED) != 0) {
        rc = err_set(e, ERR_NOTFOUND, "%s: its supervisor has just ended", study_dir);
    }
    return rc;
}
