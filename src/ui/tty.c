#include "tty.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static struct {
    volatile sig_atomic_t on;
    int fd;
    bool has_modes;
    struct termios modes;
    char bytes[256];
    size_t n;
} guard;

static int pipe_fd[2] = {-1, -1};

static const int passed[] = {SIGWINCH, SIGHUP, SIGTERM, SIGINT, SIGTSTP, SIGCONT, SIGQUIT};
static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
#define COUNT(a) (sizeof(a) / sizeof *(a))
static struct sigaction old_passed[COUNT(passed)], old_crash[COUNT(crashes)], old_pipe;
static bool signals_on;

void tty_restore(void)
{
    if (!guard.on) {
        return;
    }
    guard.on = 0;
    size_t done = 0;
    while (done < guard.n) {
        ssize_t k = write(guard.fd, guard.bytes + done, guard.n - done);
        if (k <= 0 && errno != EINTR) {
            break;
        }
        done += k > 0 ? (size_t)k : 0;
    }
    if (guard.has_modes) {
        (void)tcsetattr(guard.fd, TCSANOW, &guard.modes);
    }
}

static void on_crash(int signo)
{
    tty_restore();
    (void)raise(signo); /* SA_RESETHAND: the default action, with its core and status */
}

void tty_guard(int fd, const char *bytes)
{
    static bool at_exit;
    if (!guard.on) {
        guard.has_modes = tcgetattr(fd, &guard.modes) == 0;
    }
    guard.fd = fd;
    guard.n = strlen(bytes) < sizeof guard.bytes ? strlen(bytes) : sizeof guard.bytes;
    memcpy(guard.bytes, bytes, guard.n);
    guard.on = 1;
    if (!at_exit) {
        at_exit = atexit(tty_restore) == 0;
    }
}

void tty_release(void)
{
    guard.on = 0;
}

static void on_signal(int signo)
{
    int saved = errno;
    unsigned char b = (unsigned char)signo;
    ssize_t n = write(pipe_fd[1], &b, 1); /* a full pipe has news enough */
    (void)n;
    errno = saved;
}

void tty_signals_on(void)
{
    struct sigaction sa;
    if (signals_on || pipe(pipe_fd) != 0) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        (void)fcntl(pipe_fd[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(pipe_fd[i], F_SETFL, O_NONBLOCK);
    }
    memset(&sa, 0, sizeof sa);
    (void)sigemptyset(&sa.sa_mask);
    sa.sa_handler = on_signal;
    for (size_t i = 0; i < COUNT(passed); i++) {
        (void)sigaction(passed[i], &sa, &old_passed[i]);
    }
    sa.sa_handler = on_crash;
    sa.sa_flags = (int)(SA_RESETHAND | SA_NODEFER);
    for (size_t i = 0; i < COUNT(crashes); i++) {
        (void)sigaction(crashes[i], &sa, &old_crash[i]);
    }
    sa.sa_handler = SIG_IGN;
    sa.sa_flags = 0;
    (void)sigaction(SIGPIPE, &sa, &old_pipe);
    signals_on = true;
}

void tty_signals_off(void)
{
    if (!signals_on) {
        return;
    }
    for (size_t i = 0; i < COUNT(passed); i++) {
        (void)sigaction(passed[i], &old_passed[i], NULL);
    }
    for (size_t i = 0; i < COUNT(crashes); i++) {
        (void)sigaction(crashes[i], &old_crash[i], NULL);
    }
    (void)sigaction(SIGPIPE, &old_pipe, NULL);
    (void)close(pipe_fd[0]);
    (void)close(pipe_fd[1]);
    pipe_fd[0] = pipe_fd[1] = -1;
    signals_on = false;
}

int tty_signal_fd(void)
{
    return pipe_fd[0];
}

int tty_signal_next(void)
{
    unsigned char b;
    ssize_t n;
    do {
        n = read(pipe_fd[0], &b, 1);
    } while (n < 0 && errno == EINTR);
    return n == 1 ? b : 0;
}

void tty_stop_job(void)
{
    struct sigaction dfl, mine;
    memset(&dfl, 0, sizeof dfl);
    (void)sigemptyset(&dfl.sa_mask);
    dfl.sa_handler = SIG_DFL;
    (void)sigaction(SIGTSTP, &dfl, &mine);
    /* The group, not only this process: a script that started vaetop must stop too, or the shell never notices. In an
     * orphaned group the kernel drops it, and nothing hangs. */
    (void)kill(0, SIGTSTP);
    (void)sigaction(SIGTSTP, &mine, NULL);
}
