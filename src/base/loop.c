#include "vaetop/base/loop.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"

/* Linux has signals 1 to 64; NSIG hides behind extensions. */
#define SIGNALS 65

struct watch {
    int fd, events;
    loop_fd_fn *fn; /* NULL: removed, swept after the round */
    void *arg;
};
struct timer {
    int id; /* 0: free */
    int64_t due_ns;
    loop_timer_fn *fn;
    void *arg;
};
struct loop {
    struct watch *watch;
    size_t n_watches, watch_cap;
    struct timer *timer;
    size_t n_timers;
    int next_id;
    bool stopping;
    int signal_pipe[2];
    struct {
        loop_signal_fn *fn;
        void *arg;
    } on_signal[SIGNALS];
};

/* Signals arrive at one loop per process; the handler only writes a byte. */
static int signal_write_fd = -1;

static void on_signal(int signo)
{
    int saved = errno;
    unsigned char byte = (unsigned char)signo;
    if (write(signal_write_fd, &byte, 1) < 0) {
        /* A full pipe already holds a wake-up. */
    }
    errno = saved;
}

struct loop *loop_new(void)
{
    struct loop *l = xcalloc(1, sizeof *l);
    l->signal_pipe[0] = l->signal_pipe[1] = -1;
    l->next_id = 1;
    return l;
}

void loop_free(struct loop *l)
{
    if (!l) {
        return;
    }
    for (int s = 1; s < SIGNALS; s++) {
        if (l->on_signal[s].fn) {
            (void)signal(s, SIG_DFL);
        }
    }
    if (l->signal_pipe[0] >= 0) {
        (void)close(l->signal_pipe[0]);
        (void)close(l->signal_pipe[1]);
        signal_write_fd = -1;
    }
    free(l->watch);
    free(l->timer);
    free(l);
}

static struct watch *find_watch(struct loop *l, int fd)
{
    for (size_t i = 0; i < l->n_watches; i++) {
        if (l->watch[i].fd == fd && l->watch[i].fn) {
            return &l->watch[i];
        }
    }
    return NULL;
}

void loop_fd(struct loop *l, int fd, int events, loop_fd_fn *fn, void *arg)
{
    struct watch *w = find_watch(l, fd);
    if (!w) {
        if (l->n_watches == l->watch_cap) {
            l->watch_cap = l->watch_cap ? l->watch_cap * 2 : 16;
            l->watch = xreallocarray(l->watch, l->watch_cap, sizeof *l->watch);
        }
        w = &l->watch[l->n_watches++];
    }
    *w = (struct watch){fd, events, fn, arg};
}

void loop_fd_remove(struct loop *l, int fd)
{
    struct watch *w = find_watch(l, fd);
    if (w) {
        w->fn = NULL;
    }
}

int loop_timer(struct loop *l, int64_t delay_ns, loop_timer_fn *fn, void *arg)
{
    struct timer *t = NULL;
    for (size_t i = 0; i < l->n_timers && !t; i++) {
        t = l->timer[i].id == 0 ? &l->timer[i] : NULL;
    }
    if (!t) {
        l->timer = xreallocarray(l->timer, l->n_timers + 1, sizeof *l->timer);
        t = &l->timer[l->n_timers++];
    }
    *t = (struct timer){l->next_id++, clock_mono_ns() + delay_ns, fn, arg};
    return t->id;
}

void loop_timer_cancel(struct loop *l, int id)
{
    for (size_t i = 0; i < l->n_timers; i++) {
        if (id > 0 && l->timer[i].id == id) {
            l->timer[i].id = 0;
        }
    }
}

/* The timer due first, or NULL. */
static struct timer *first_timer(struct loop *l)
{
    struct timer *best = NULL;
    for (size_t i = 0; i < l->n_timers; i++) {
        struct timer *t = &l->timer[i];
        if (t->id > 0 && (!best || t->due_ns < best->due_ns || (t->due_ns == best->due_ns && t->id < best->id))) {
            best = t;
        }
    }
    return best;
}

static void signal_ready(void *arg, int fd, int revents)
{
    struct loop *l = arg;
    unsigned char byte[64];
    bool seen[256] = {false};
    ssize_t n = read(fd, byte, sizeof byte);
    (void)revents;
    for (ssize_t i = 0; i < n; i++) {
        if (!seen[byte[i]] && byte[i] < SIGNALS && l->on_signal[byte[i]].fn) {
            seen[byte[i]] = true;
            l->on_signal[byte[i]].fn(l->on_signal[byte[i]].arg, byte[i]);
        }
    }
}

void loop_signal(struct loop *l, int signo, loop_signal_fn *fn, void *arg)
{
    struct sigaction sa;
    assert(signo > 0 && signo < SIGNALS);
    if (l->signal_pipe[0] < 0) {
        if (pipe(l->signal_pipe) != 0) {
            abort();
        }
        for (int i = 0; i < 2; i++) {
            (void)fcntl(l->signal_pipe[i], F_SETFD, FD_CLOEXEC);
            (void)fcntl(l->signal_pipe[i], F_SETFL, O_NONBLOCK);
        }
        signal_write_fd = l->signal_pipe[1];
        loop_fd(l, l->signal_pipe[0], POLLIN, signal_ready, l);
    }
    l->on_signal[signo].fn = fn;
    l->on_signal[signo].arg = arg;
    memset(&sa, 0, sizeof sa);
    sa.sa_handler = on_signal;
    sa.sa_flags = SA_RESTART;
    (void)sigaction(signo, &sa, NULL);
}

/* Runs every timer that is due now; timers set by them wait for the next round. */
static void run_timers(struct loop *l)
{
    int64_t now = clock_mono_ns();
    int newest = l->next_id;
    struct timer *t;
    while (!l->stopping && (t = first_timer(l)) != NULL && t->due_ns <= now && t->id < newest) {
        struct timer due = *t;
        t->id = 0;
        due.fn(due.arg);
    }
}

static int wait_ms(struct loop *l)
{
    const struct timer *t = first_timer(l);
    int64_t left;
    if (!t) {
        return -1;
    }
    left = t->due_ns - clock_mono_ns();
    if (left <= 0) {
        return 0;
    }
    left = (left + 999999) / 1000000;
    return left > 60000 ? 60000 : (int)left;
}

static void sweep(struct loop *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->n_watches; i++) {
        if (l->watch[i].fn) {
            l->watch[kept++] = l->watch[i];
        }
    }
    l->n_watches = kept;
}

/* One poll over a copy of the watches: callbacks may change the list. */
static void poll_once(struct loop *l)
{
    size_t n = l->n_watches;
    struct pollfd *p = xcalloc(n > 0 ? n : 1, sizeof *p);
    for (size_t i = 0; i < n; i++) {
        p[i] = (struct pollfd){.fd = l->watch[i].fd, .events = (short)l->watch[i].events};
    }
    if (poll(p, n, wait_ms(l)) > 0) {
        for (size_t i = 0; i < n && !l->stopping; i++) {
            struct watch *w = p[i].revents ? find_watch(l, p[i].fd) : NULL;
            if (w) {
                w->fn(w->arg, p[i].fd, p[i].revents);
            }
        }
    }
    free(p);
}

void loop_run(struct loop *l)
{
    l->stopping = false;
    while (!l->stopping) {
        bool idle;
        sweep(l);
        idle = l->n_watches == (l->signal_pipe[0] >= 0 ? 1u : 0u) && !first_timer(l);
        if (idle) {
            break;
        }
        poll_once(l);
        run_timers(l);
    }
}

void loop_stop(struct loop *l)
{
    l->stopping = true;
}
