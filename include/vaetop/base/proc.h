/* Processes: spawn with exec only, identity that survives pid reuse. */
#ifndef VAETOP_BASE_PROC_H
#define VAETOP_BASE_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "vaetop/base/err.h"

/* A process is named by pid and start time (field 22 of /proc/PID/stat, clock ticks since boot): pids are reused. */
struct proc_id {
    pid_t pid;
    uint64_t start_ticks;
};
struct proc_id proc_self(void);
bool proc_identify(struct proc_id *out, pid_t pid); /* false: no such process */
bool proc_alive(struct proc_id id);

/* SIGKILL if it is still that process; waits up to 2 s until it is gone. True when gone. */
bool proc_kill(struct proc_id id);

struct proc_spawn {
    const char *path;        /* executable */
    char *const *argv;       /* NULL-terminated */
    char *const *env_extra;  /* "K=V" entries put over the environment, NULL-terminated; may be NULL */
    int stdin_fd, stdout_fd, stderr_fd; /* -1: /dev/null; others are dup'ed, not closed */
    int socket_fd;           /* becomes fd 3 in the child; -1: none */
    bool new_session;        /* setsid */
    bool die_with_parent;    /* PR_SET_PDEATHSIG SIGKILL */
};
/* fork and exec; exec errors are reported here, not by a dead child. Errors: IO. */
WUR enum err_code proc_spawn(pid_t *pid, const struct proc_spawn *s, struct err *e);

/* Path of a program of ours: beside this executable (build tree), else ../libexec/vaetop/NAME (installed), or the
 * folder in VAETOP_LIBEXEC. Owns: caller frees. */
char *proc_find_helper(const char *name);

#endif
