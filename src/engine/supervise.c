/* The supervisor: out of reach of the terminal, with nothing that could crash. It restarts an engine that died of
 * anything but its own decision, which the engine tells through the pipe ("end", or "CODE TEXT" when it refused). */
#include "vaetop/engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "callers.h"
#include "owner.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/log.h"
#include "vaetop/base/proc.h"
#include "vaetop/conf/paths.h"

#define BACKOFF_MOST_S 30
#define STEP_MS 1000
#define HEALTHY_NS INT64_C(60000000000) /* an engine that lived this long starts the back-off anew */
#define STARTS_MOST 3                   /* of an engine that never answered */
#define REFUSALS_MOST 20                /* in a row, or starts without an answer, after one that ran: some ten minutes */

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

/* One line of the engine's: passes its answer on to whoever waits for it. */
static void heard(struct outcome *o, const char *line, const char *device, struct callers *c)
{
    o->answered = true;
    o->decided = strcmp(line, "ok") != 0;
    o->refused = strtol(line, NULL, 10);
    if (!o->decided) {
        o->ran = true;
        if (!c->end) {
            callers_engine_answers(c, device);
        }
    } else if (!o->ran) {
        callers_engine_refused(c, device, line);
    }
}

/* To the engine's end. Who calls while it runs finds it by himself; who calls it off has it write its checkpoints. */
static void listen_to_engine(struct outcome *o, int fd, const char *device, struct callers *c)
{
    char line[1024], part[256];
    size_t n = 0;
    bool called_off = false;
    for (;;) {
        const bool ready = callers_wait(c, fd, -1);
        if (c->end && !called_off) {
            called_off = true;
            (void)kill((pid_t)engine_pid, SIGTERM);
        }
        if (o->ran && !o->decided && !called_off) {
            callers_engine_answers(c, NULL);
        }
        const ssize_t got = ready ? read(fd, part, sizeof part) : 1;
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return;
        }
        for (ssize_t i = 0; ready && i < got; i++) {
            if (part[i] == '\n') {
                line[n] = '\0';
                heard(o, line, device, c);
                n = 0;
            } else if (n < sizeof line - 1) {
                line[n++] = part[i];
            }
        }
    }
}

static enum err_code run_once(struct outcome *o, const char *dir, const char *device, struct callers *c, struct err *e)
{
    int fd[2];
    char self[] = "vaetop";
    char use[] = "__engine";
    char *where = xstrdup(dir);
    char *what = xstrdup(device);
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
        listen_to_engine(o, fd[0], device, c);
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

/* Until the time is over, a signal comes or somebody calls. */
static void nap(struct callers *c, int seconds)
{
    int64_t left_ms;
    const int64_t until = clock_mono_ns() + seconds * INT64_C(1000000000);
    while (!end_signal && !c->end && !callers_want_engine(c) &&
           (left_ms = (until - clock_mono_ns()) / 1000000) > 0) {
        (void)callers_wait(c, -1, left_ms < STEP_MS ? (int)left_ms : STEP_MS); /* a signal may come just before it */
    }
}

static void give_up(struct callers *c, enum err_code code, const char *text)
{
    char *line = xasprintf("%d %s", (int)code, text);
    log_error("%s", text);
    callers_engine_refused(c, NULL, line);
    free(line);
}

/* An engine that follows one that ran: a device that is gone, a disk that is full or a folder that cannot be reached may
 * come back, as they would have under the one before; another command (fsck) has the study for a moment only. */
static bool may_pass(const struct outcome *o)
{
    return o->refused == ERR_NODEVICE || o->refused == ERR_IO || o->refused == ERR_FULL || o->refused == ERR_BUSY;
}

static void log_death(const struct outcome *o)
{
    if (o->decided) {
        log_error("the engine could not start; it is tried again");
    } else if (WIFSIGNALED(o->status)) {
        log_error("the engine died of signal %d (%s)", WTERMSIG(o->status), strsignal(WTERMSIG(o->status)));
    } else {
        log_error("the engine died with exit status %d", WEXITSTATUS(o->status));
    }
}

static int keep_running(const char *dir, struct callers *c)
{
    char *device = xstrdup(""); /* until an engine ran on it and the study remembers it, or who asked heard why not */
    int failures = 0, refusals = 0, unanswered = 0, status = 1;
    bool ever_answered = false, ever_ran = false;
    while (!end_signal && !c->end) {
        struct outcome o;
        struct err e = {0};
        const int64_t start = clock_mono_ns();
        if (callers_device(c)) {
            free(device);
            device = xstrdup(callers_device(c));
        }
        callers_tried(c, device);
        if (run_once(&o, dir, device, c, &e)) {
            give_up(c, e.code, e.text);
            break;
        }
        ever_answered = ever_answered || o.answered;
        ever_ran = ever_ran || o.ran;
        refusals = o.ran ? 0 : refusals + 1;
        unanswered = o.answered ? 0 : unanswered + 1;
        if (o.answered) {
            device[0] = '\0';
        }
        status = WIFEXITED(o.status) ? WEXITSTATUS(o.status) : 1;
        if (end_signal || c->end || (o.decided && !(ever_ran && may_pass(&o) && refusals < REFUSALS_MOST))) {
            break;
        }
        failures = clock_mono_ns() - start > HEALTHY_NS ? 1 : failures + 1;
        log_death(&o);
        if (unanswered >= STARTS_MOST) {
            char *text = xasprintf("the engine dies at its start; see %s/%s", dir, STUDY_LOG);
            give_up(c, ERR_IO, text);
            free(text);
            if (!ever_answered || unanswered >= REFUSALS_MOST) {
                break;
            }
        }
        nap(c, failures > 5 ? BACKOFF_MOST_S : 1 << (failures - 1));
    }
    if (c->end) {
        give_up(c, ERR_CANCELLED, "the study was stopped meanwhile");
    }
    free(device);
    return status;
}

/* One supervisor has a study. */
static enum err_code take(int *lock, struct callers *c, const char *dir, struct err *e)
{
    char *own = fs_join(dir, STUDY_SUPERVISOR), holder[200];
    enum err_code rc = owner_lock(lock, own, e);
    rc = rc ? rc : callers_listen(c, dir, e);
    if (rc == ERR_BUSY) {
        rc = err_set(e, rc, "%s: in use by a supervisor (%s)", dir, fs_line(holder, sizeof holder, own));
    }
    free(own);
    return rc;
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
    struct callers c;
    int lock = -1, status;
    callers_init(&c, ready_fd, device ? device : "");
    if (take(&lock, &c, study_dir, &e)) {
        give_up(&c, e.code, e.text);
        status = err_exit_status(e.code);
    } else {
        status = keep_running(study_dir, &c);
    }
    if (lock >= 0) {
        (void)close(lock);
    }
    callers_ended(&c);
    callers_close(&c);
    return status;
}
