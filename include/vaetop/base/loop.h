/* A single-threaded poll(2) loop: file descriptors, timers, signals through a self-pipe.
 * Callbacks run one at a time from loop_run(); they may add and remove anything, themselves included. */
#ifndef VAETOP_BASE_LOOP_H
#define VAETOP_BASE_LOOP_H

#include <stdint.h>

struct loop;

/* events and revents are poll(2)'s POLLIN, POLLOUT; POLLHUP and POLLERR are always reported. */
typedef void loop_fd_fn(void *arg, int fd, int revents);
typedef void loop_timer_fn(void *arg);
typedef void loop_signal_fn(void *arg, int signo);

struct loop *loop_new(void);
void loop_free(struct loop *l);

/* One watcher per fd; watching again changes events and callback. The fd is not owned. */
void loop_fd(struct loop *l, int fd, int events, loop_fd_fn *fn, void *arg);
void loop_fd_remove(struct loop *l, int fd);

/* Runs fn once after delay_ns (monotonic). Returns an id > 0 for loop_timer_cancel(); 0 is never an id. */
int loop_timer(struct loop *l, int64_t delay_ns, loop_timer_fn *fn, void *arg);
void loop_timer_cancel(struct loop *l, int id);

/* Delivers signo to fn from the loop, not from the handler. One loop per process may do so. */
void loop_signal(struct loop *l, int signo, loop_signal_fn *fn, void *arg);

/* Runs until loop_stop(), or until nothing is left to wait for. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

#endif
