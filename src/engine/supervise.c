/* The supervisor: out of reach of the terminal, with nothing that could crash. It restarts an engine that died of
 * anything but its own decision, which the engine tells through the pipe ("end", or "CODE TEXT" when it refused). */
#include "vaetop/engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "turn.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/log.h"
#include "vaetop/base/proc.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/paths.h"

#define BACKOFF_MOST_S 30
#define CALL_MS 50
#define HEALTHY_NS INT64_C(60000000000) /* an engine that lived this long starts the back-off anew */
#define STARTS_MOST 3                   /* of an engine that never answered */
#define REFUSALS_MOST 20                /* of one after one that ran: some ten minutes */

static volatile sig_atomic_t end_signal;
static volatile sig_atomic_t engine_pid;

static void on_end_signal(int signo)
{
    end_signal = signo;
    if (engine_pid > 0) {
        (void)kill((pid_t)engine_pid, signo); /* it writes checkpoints and ends; then so do we */
    }
}

static void set_signals(void)
{
    struct sigaction sa;
    memset(&sa, 0, sizeof sa);
    sa.sa_handler = on_end_signal; /* no SA_RESTART: a nap ends */
    (void)sigaction(SIGTERM, &sa, NULL);
    (void)sigaction(SIGINT, &sa, NULL);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGTSTP, SIG_IGN);
}

struct outcome {
    bool answered, decided;
    bool ran;      /* it opened the study */
    long refused;  /* why it did not: enum err_code; 0: it did not say so */
    int status; /* of waitpid() */
};

/* One line of the engine's: passes the first answer on to whoever started us. */
static void heard(struct outcome *o, const char *line, int *ready_fd)
{
    o->answered = true;
    o->decided = strcmp(line, "ok") != 0;
    o->ran = o->ran || !o->decided;
    o->refused = strtol(line, NULL, 10);
    if (*ready_fd >= 0) {
        char *text = xasprintf("%s\n", line);
        (void)fs_write_all(*ready_fd, text, strlen(text));
        free(text);
        (void)close(*ready_fd);
        *ready_fd = -1;
    }
}

static void listen_to_engine(struct outcome *o, int fd, int *ready_fd)
{
    char line[1024];
    size_t n = 0;
    for (;;) {
        char c;
        ssize_t got = read(fd, &c, 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return;
        }
        if (c == '\n') {
            line[n] = '\0';
            heard(o, line, ready_fd);
            n = 0;
        } else if (n < sizeof line - 1) {
            line[n++] = c;
        }
    }
}

static enum err_code run_once(struct outcome *o, const char *dir, const char *device, int *ready_fd, struct err *e)
{
    int fd[2];
    char self[] = "vaetop";
    char use[] = "__engine";
    char *where = xstrdup(dir);
    char *what = xstrdup(device ? device : "");
    char *argv[] = {self, use, where, what, NULL};
    pid_t pid = 0;
    enum err_code rc = ERR_OK;
    *o = (struct outcome){0};
    if (pipe(fd) != 0) {
        rc = err_set(e, ERR_IO, "pipe: %s", strerror(errno));
        goto out;
    }
    (void)fcntl(fd[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(fd[1], F_SETFD, FD_CLOEXEC);
    struct proc_spawn s = {.path = "/proc/self/exe", .argv = argv, .stdin_fd = -1, .stdout_fd = -1,
                           .stderr_fd = STDERR_FILENO, .socket_fd = fd[1]};
    rc = proc_spawn(&pid, &s, e);
    (void)close(fd[1]);
    if (!rc) {
        engine_pid = pid;
        if (end_signal) {
            (void)kill(pid, end_signal); /* it came in between */
        }
        listen_to_engine(o, fd[0], ready_fd);
        while (waitpid(pid, &o->status, 0) < 0 && errno == EINTR) {
        }
        engine_pid = 0;
    }
    (void)close(fd[0]);
out:
    free(where);
    free(what);
    return rc;
}

/* Until the time is over, or somebody wants the engine now. *device, owned: where, or NULL. False: it shall end. */
static bool nap(const char *dir, int seconds, char **device)
{
    const int64_t until = clock_mono_ns() + seconds * INT64_C(1000000000);
    free(*device);
    *device = NULL; /* the study remembers it */
    while (!end_signal && clock_mono_ns() < until) {
        switch (turn_called(dir, device)) {
        case TURN_END:
            log_info("told to end while no engine runs");
            return false;
        case TURN_START:
            return true;
        case TURN_NOBODY:
            break;
        }
        (void)poll(NULL, 0, CALL_MS); /* a signal ends it early */
    }
    return true;
}

static void answer(int ready_fd, const char *line)
{
    if (ready_fd >= 0) {
        (void)fs_write_all(ready_fd, line, strlen(line));
        (void)close(ready_fd);
    }
}

static void give_up(int ready_fd, enum err_code code, const char *text)
{
    char *line = xasprintf("%d %s\n", (int)code, text);
    log_error("%s", text);
    answer(ready_fd, line);
    free(line);
}

/* An engine that follows one that ran: a device that is gone, a disk that is full or a folder that cannot be reached may
 * come back, as they would have under the one before; another command (fsck) has the study for a moment only. */
static bool may_pass(const struct outcome *o)
{
    return o->refused == ERR_NODEVICE || o->refused == ERR_IO || o->refused == ERR_FULL || o->refused == ERR_BUSY;
}

static int keep_running(const char *dir, const char *first_device, int ready_fd)
{
    char *device = first_device ? xstrdup(first_device) : NULL;
    int failures = 0, status = 1;
    bool ever_answered = false;
    bool ever_ran = false;
    int refusals = 0;
    for (;;) {
        struct outcome o;
        struct err e = {0};
        int64_t start = clock_mono_ns();
        if (run_once(&o, dir, device, &ready_fd, &e)) {
            give_up(ready_fd, e.code, e.text);
            break;
        }
        ever_answered = ever_answered || o.answered;
        ever_ran = ever_ran || o.ran;
        refusals = o.ran ? 0 : refusals + 1;
        if (end_signal || (o.decided && !(ever_ran && may_pass(&o) && refusals < REFUSALS_MOST))) {
            status = WIFEXITED(o.status) ? WEXITSTATUS(o.status) : 1;
            break;
        }
        failures = clock_mono_ns() - start > HEALTHY_NS ? 1 : failures + 1;
        if (o.decided) {
            log_error("the engine could not start; it is tried again");
        } else if (WIFSIGNALED(o.status)) {
            log_error("the engine died of signal %d (%s)", WTERMSIG(o.status), strsignal(WTERMSIG(o.status)));
        } else {
            log_error("the engine died with exit status %d", WEXITSTATUS(o.status));
        }
        if (!ever_answered && failures >= STARTS_MOST) {
            char *text = xasprintf("the engine dies at its start; see %s/%s", dir, STUDY_LOG);
            give_up(ready_fd, ERR_IO, text);
            free(text);
            break;
        }
        if (!nap(dir, failures > 5 ? BACKOFF_MOST_S : 1 << (failures - 1), &device)) {
            status = 0;
            break;
        }
    }
    free(device);
    return status;
}

int engine_supervise(const char *study_dir, const char *device, int ready_fd)
{
    /* Once more away from whoever started us: no child of theirs, so nothing they have to wait for. No exec follows,
     * but nothing is open and no thread runs at this point. */
    pid_t pid = fork();
    if (pid != 0) {
        _exit(pid < 0 ? 1 : 0);
    }
    (void)umask(077);
    (void)fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
    if (chdir("/") != 0) {
        log_warn("the supervisor keeps its folder busy");
    }
    char *log = fs_join(study_dir, STUDY_LOG);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    free(log);
    if (fd >= 0) {
        (void)dup2(fd, STDOUT_FILENO);
        (void)dup2(fd, STDERR_FILENO);
        if (fd > STDERR_FILENO) {
            (void)close(fd);
        }
    }
    log_open(STDERR_FILENO, "supervisor", LOG_INFO);
    set_signals();
    struct err e = {0};
    int turn;
    bool served;
    if (turn_take(&turn, &served, study_dir, device, &e)) {
        give_up(ready_fd, e.code, e.text);
        return err_exit_status(e.code);
    }
    if (served) {
        answer(ready_fd, "ok\n");
        return 0;
    }
    int status = keep_running(study_dir, device, ready_fd);
    (void)close(turn);
    return status;
}
