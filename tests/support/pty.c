#include "pty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

int64_t pty_clock_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void run_child(const char *name, char *const argv[], int w, int h)
{
    struct winsize ws = {.ws_row = (unsigned short)h, .ws_col = (unsigned short)w};
    (void)setsid();
    int fd = open(name, O_RDWR); /* becomes the controlling terminal */
    (void)ioctl(fd, TIOCSWINSZ, &ws);
    for (int i = 0; i < 3; i++) {
        (void)dup2(fd, i);
    }
    for (int i = 3; i < 64; i++) {
        (void)close(i);
    }
    (void)setenv("TERM", "xterm-256color", 1);
    (void)setenv("LC_ALL", "C.UTF-8", 1);
    (void)unsetenv("NO_COLOR");
    (void)unsetenv("LINES");
    (void)unsetenv("COLUMNS");
    (void)execv(argv[0], argv);
    _exit(127);
}

int pty_open(struct pty *p, char *const argv[], int w, int h)
{
    *p = (struct pty){.fd = posix_openpt(O_RDWR | O_NOCTTY)};
    if (p->fd < 0 || grantpt(p->fd) != 0 || unlockpt(p->fd) != 0) {
        return 0;
    }
    char name[128];
    (void)snprintf(name, sizeof name, "%s", ptsname(p->fd));
    p->start_ns = pty_clock_ns();
    p->pid = fork();
    if (p->pid == 0) {
        run_child(name, argv, w, h);
    }
    return p->pid > 0;
}

long pty_wait(struct pty *p, int most_ms)
{
    char buf[65536];
    struct pollfd f = {p->fd, POLLIN, 0};
    int n;
    do {
        n = poll(&f, 1, most_ms);
    } while (n < 0 && errno == EINTR);
    if (n <= 0) {
        return 0;
    }
    ssize_t k = read(p->fd, buf, sizeof buf);
    if (k <= 0) {
        return -1;
    }
    p->last_ns = pty_clock_ns();
    p->first_ns = p->first_ns ? p->first_ns : p->last_ns;
    p->bytes += k;
    return k;
}

long pty_read(struct pty *p, int quiet_ms, int most_ms)
{
    long got = 0;
    int64_t end = pty_clock_ns() + most_ms * INT64_C(1000000);
    for (;;) {
        int64_t now = pty_clock_ns();
        int left = now < end ? (int)((end - now) / 1000000) + 1 : 0;
        long n = pty_wait(p, left < quiet_ms ? left : quiet_ms);
        if (n <= 0) {
            return n < 0 && got == 0 ? -1 : got;
        }
        got += n;
    }
}

void pty_resize(struct pty *p, int w, int h)
{
    struct winsize ws = {.ws_row = (unsigned short)h, .ws_col = (unsigned short)w};
    (void)ioctl(p->fd, TIOCSWINSZ, &ws);
}

void pty_send(struct pty *p, const char *keys)
{
    ssize_t n = write(p->fd, keys, strlen(keys));
    (void)n;
}

int pty_close(struct pty *p)
{
    int status = 0;
    (void)close(p->fd);
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

double proc_cpu_s(pid_t pid)
{
    char path[64], text[1024];
    unsigned long user = 0, system = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    if (!f) {
        return 0;
    }
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    (void)fclose(f);
    const char *after = strrchr(text, ')');
    if (!after || sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2) {
        return 0;
    }
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

long proc_resident_kib(pid_t pid)
{
    char path[64], line[256];
    long kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        (void)sscanf(line, "VmRSS: %ld", &kib);
    }
    if (f) {
        (void)fclose(f);
    }
    return kib;
}
