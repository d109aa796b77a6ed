#define _GNU_SOURCE /* pipe2, close_range */
#include "vaetop/base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"

extern char **environ;

bool proc_identify(struct proc_id *out, pid_t pid)
{
    char path[64];
    char text[1024];
    const char *p;
    ssize_t n;
    char state = 0;
    uint64_t start = 0;
    int fd;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    n = read(fd, text, sizeof text - 1);
    (void)close(fd);
    if (n <= 0) {
        return false;
    }
    text[n] = '\0';
    p = strrchr(text, ')'); /* the command name before it may hold anything */
    if (!p || sscanf(p + 1,
                     " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %" SCNu64,
                     &state, &start) != 2) {
        return false;
    }
    if (state == 'Z' || state == 'X') {
        return false; /* dead, only not waited for */
    }
    *out = (struct proc_id){pid, start};
    return true;
}

struct proc_id proc_self(void)
{
    struct proc_id id = {getpid(), 0};
    (void)proc_identify(&id, getpid());
    return id;
}

bool proc_alive(struct proc_id id)
{
    struct proc_id now;
    return id.pid > 0 && proc_identify(&now, id.pid) && now.start_ticks == id.start_ticks;
}

bool proc_kill(struct proc_id id)
{
    int64_t deadline = clock_mono_ns() + 2000000000;
    if (!proc_alive(id)) {
        return true;
    }
    (void)kill(id.pid, SIGKILL);
    while (clock_mono_ns() < deadline) {
        const struct timespec nap = {0, 2000000};
        (void)waitpid(id.pid, NULL, WNOHANG); /* reaps it if it is our child */
        if (!proc_alive(id)) {
            return true;
        }
        (void)nanosleep(&nap, NULL);
    }
    return false;
}

/* In the child: fd becomes `want` and survives exec. */
static void place(int fd, int want)
{
    if (fd == want) {
        (void)fcntl(fd, F_SETFD, 0);
    } else if (dup2(fd, want) < 0) {
        _exit(126);
    }
}

static _Noreturn void give_up(int report_fd, int error, int status)
{
    (void)fs_write_all(report_fd, &error, sizeof error);
    _exit(status);
}

/* In the child: fd out of the way, so that placing another cannot overwrite it. */
static int aside(int fd, int report_fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 4);
    if (copy < 0) {
        give_up(report_fd, errno, 126);
    }
    return copy;
}

/* In the child, after fork: signals, descriptors, session, exec. Reports errno through report_fd. */
static _Noreturn void child(const struct proc_spawn *s, char **env, int report_fd, pid_t parent)
{
    int fd[4] = {s->stdin_fd, s->stdout_fd, s->stderr_fd, s->socket_fd};
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (int sig = 1; sig < NSIG; sig++) {
        (void)signal(sig, SIG_DFL);
    }
    if (s->new_session) {
        (void)setsid();
    }
    if (s->die_with_parent) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(0); /* it died in between */
        }
    }
    report_fd = aside(report_fd, report_fd);
    for (int i = 0; i < 4; i++) {
        if (fd[i] < 0 && i < 3) {
            fd[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
        }
        if (fd[i] < 0 && i < 3) {
            give_up(report_fd, errno, 126);
        }
        fd[i] = fd[i] >= 0 ? aside(fd[i], report_fd) : -1;
    }
    for (int i = 0; i < 4; i++) {
        if (fd[i] >= 0) {
            place(fd[i], i);
        }
    }
    (void)close_range(4, ~0u, CLOSE_RANGE_CLOEXEC); /* what others left open to us ends here */
    (void)execve(s->path, s->argv, env);
    give_up(report_fd, errno, 127);
}

/* The environment with the extra entries over it. Owns: caller frees the array only. */
static char **merge_environment(char *const *extra)
{
    size_t n = 0;
    size_t m = 0;
    size_t k = 0;
    char **env;
    while (environ[n]) {
        n++;
    }
    while (extra && extra[m]) {
        m++;
    }
    env = xcalloc(n + m + 1, sizeof *env);
    for (size_t i = 0; i < n; i++) {
        size_t name = strcspn(environ[i], "=");
        bool hidden = false;
        for (size_t j = 0; j < m && !hidden; j++) {
            hidden = strncmp(extra[j], environ[i], name + 1) == 0;
        }
        if (!hidden) {
            env[k++] = environ[i];
        }
    }
    for (size_t j = 0; j < m; j++) {
        env[k++] = extra[j];
    }
    return env;
}

enum err_code proc_spawn(pid_t *pid, const struct proc_spawn *s, struct err *e)
{
    int report[2];
    int error = 0;
    ssize_t n;
    pid_t parent = getpid();
    pid_t p;
    char **env;
    if (pipe2(report, O_CLOEXEC) != 0) {
        return err_set(e, ERR_IO, "%s: %s", s->path, strerror(errno));
    }
    env = merge_environment(s->env_extra);
    p = fork();
    if (p == 0) {
        child(s, env, report[1], parent);
    }
    error = p < 0 ? errno : 0;
    free(env);
    (void)close(report[1]);
    if (p > 0) {
        do {
            n = read(report[0], &error, sizeof error);
        } while (n < 0 && errno == EINTR);
        if (n > 0) {
            (void)waitpid(p, NULL, 0);
        }
    }
    (void)close(report[0]);
    if (error) {
        return err_set(e, ERR_IO, "%s: cannot start: %s", s->path, strerror(error));
    }
    *pid = p;
    return ERR_OK;
}

char *proc_find_helper(const char *name)
{
    const char *wish = getenv("VAETOP_LIBEXEC");
    char self[PATH_MAX];
    ssize_t n;
    char *slash;
    char *path;
    if (wish && *wish) {
        return fs_join(wish, name);
    }
    n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = '\0';
    slash = strrchr(self, '/');
    if (slash) {
        *slash = '\0';
        path = fs_join(self, name);
        if (access(path, X_OK) == 0) {
            return path;
        }
        free(path);
        path = xasprintf("%s/../libexec/vaetop/%s", self, name);
        if (access(path, X_OK) == 0) {
            return path;
        }
        free(path);
    }
    return xasprintf("%s/%s", VAETOP_LIBEXECDIR, name);
}
