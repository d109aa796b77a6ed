/* A program in a terminal of our own: what it sends is counted, what we send are its keys. */
#ifndef VAETOP_TEST_PTY_H
#define VAETOP_TEST_PTY_H

#include <stdint.h>
#include <sys/types.h>

struct pty {
    int fd;
    pid_t pid;
    int64_t start_ns, first_ns, last_ns; /* of the program, of the first and the newest bytes; 0: none yet */
    long bytes;                          /* since it started */
};

/* Starts argv (NULL-terminated, argv[0] a path) on a terminal of w x h, xterm-256color in UTF-8. False: errno. */
int pty_open(struct pty *p, char *const argv[], int w, int h);
/* Reads until nothing has come for quiet_ms, or until most_ms have passed. Returns the bytes that came; -1: the program
 * is gone. */
long pty_read(struct pty *p, int quiet_ms, int most_ms);
/* The next bytes; 0: none within most_ms. */
long pty_wait(struct pty *p, int most_ms);
void pty_resize(struct pty *p, int w, int h); /* the program gets SIGWINCH */
void pty_send(struct pty *p, const char *keys);
/* Hangs up and waits for the program. Returns its wait status. */
int pty_close(struct pty *p);

/* Of a process: CPU time so far, resident memory. 0: unknown. */
double proc_cpu_s(pid_t pid);
long proc_resident_kib(pid_t pid);
int64_t pty_clock_ns(void);

#endif
