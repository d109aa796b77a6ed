#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/proc.h"
#include "vaetop/base/str.h"
#include "vaetop/ipc/messages.h"
#include "vaetop/ipc/probe.h"

#define DEFAULT_VENDORS "/etc/OpenCL/vendors"
#define DEFAULT_TIMEOUT_MS 10000
#define SELF_TEST_MS 300000 /* compiling everything for the first time included */
#define MAX_DEVICES 256 /* of one driver */
#define MAX_DRIVERS 64
#define END_NS INT64_C(1000000000) /* for the last steps of a child that has said all, or closed its socket */

/* One driver's probe. */
struct child {
    char *icd; /* OCL_ICD_VENDORS of the child */
    pid_t pid;
    struct conn *conn; /* NULL: done */
    struct device_info *device;
    size_t n;
    bool said_all;
    char why[768]; /* what went wrong; "" */
};

/* --- which drivers */

static bool ends_in_icd(const char *name)
{
    size_t n = strlen(name);
    return n > 4 && strcmp(name + n - 4, ".icd") == 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The .icd files of a folder by name; an absent folder has none. */
static void icds_in(char ***out, size_t *n, const char *dir)
{
    DIR *d = opendir(dir);
    for (const struct dirent *entry = d ? readdir(d) : NULL; entry && *n < MAX_DRIVERS; entry = readdir(d)) {
        if (ends_in_icd(entry->d_name)) {
            *out = xreallocarray(*out, *n + 1, sizeof **out);
            (*out)[(*n)++] = fs_join(dir, entry->d_name);
        }
    }
    if (d) {
        (void)closedir(d);
    }
    if (*n > 0) {
        qsort(*out, *n, sizeof **out, by_text);
    }
}

/* As ocl-icd reads OCL_ICD_VENDORS: a folder, an .icd file (without a slash: in the default folder), else a library. */
static void icds_find(char ***out, size_t *n, const char *vendors)
{
    *out = NULL;
    *n = 0;
    const char *given = vendors ? vendors : getenv("OCL_ICD_VENDORS");
    if (!given || !given[0]) {
        icds_in(out, n, DEFAULT_VENDORS);
    } else if (fs_is_dir(given)) {
        icds_in(out, n, given);
    } else {
        *out = xcalloc(1, sizeof **out);
        (*out)[0] = ends_in_icd(given) && !strchr(given, '/') ? fs_join(DEFAULT_VENDORS, given) : xstrdup(given);
        *n = 1;
    }
}

/* --- one child */

static const char *file_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* argument: after the use, NULL for none. */
static enum err_code child_start(struct child *c, const char *worker, char *use, char *argument, struct err *e)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return err_set(e, ERR_IO, "socketpair: %s", strerror(errno));
    }
    char *entry = xasprintf("OCL_ICD_VENDORS=%s", c->icd);
    const char *log = getenv("VAETOP_LOG");
    char name[] = "vaetop-worker";
    char *argv[] = {name, use, argument, NULL};
    char *env[] = {entry, NULL};
    struct proc_spawn s = {.path = worker, .argv = argv, .env_extra = env, .stdin_fd = -1, .stdout_fd = pair[1],
                           .stderr_fd = log && strcmp(log, "debug") == 0 ? STDERR_FILENO : -1, .socket_fd = -1,
                           .die_with_parent = true};
    enum err_code rc = proc_spawn(&c->pid, &s, e);
    free(entry);
    (void)close(pair[1]);
    if (rc) {
        (void)close(pair[0]);
        return rc;
    }
    c->conn = conn_new(pair[0]);
    return ERR_OK;
}

/* Waits a moment for the child's own end, then kills it: a driver may hang on its way out, too. Not waited for before,
 * so the pid is still its own. */
static int reap(pid_t pid)
{
    int status = 0;
    int64_t deadline = clock_mono_ns() + END_NS;
    for (;;) {
        pid_t got = waitpid(pid, &status, WNOHANG);
        if (got == pid || (got < 0 && errno != EINTR)) {
            return status;
        }
        if (clock_mono_ns() > deadline) {
            (void)kill(pid, SIGKILL);
        }
        const struct timespec nap = {.tv_nsec = 1000000};
        (void)nanosleep(&nap, NULL);
    }
}

/* Ends the conversation and takes the child's exit status. */
static void child_end(struct child *c)
{
    conn_free(c->conn);
    c->conn = NULL;
    if (c->why[0]) {
        (void)kill(c->pid, SIGKILL);
    }
    int status = reap(c->pid);
    if (c->said_all || c->why[0]) {
        return;
    }
    if (WIFSIGNALED(status)) {
        (void)snprintf(c->why, sizeof c->why, "the driver crashed: %s",
                       strsignal(WTERMSIG(status)));
    } else {
        (void)snprintf(c->why, sizeof c->why, "the driver ended the process without a word");
    }
}

static void copy_text(char *dst, size_t cap, const char *src)
{
    (void)str_clean(dst, cap, src);
}

static void child_found(struct child *c, const struct m_found *m)
{
    if (c->n == MAX_DEVICES) {
        return;
    }
    c->device = xreallocarray(c->device, c->n + 1, sizeof *c->device);
    struct device_info *d = &c->device[c->n++];
    memset(d, 0, sizeof *d);
    d->platform_index = (int)m->platform_index;
    d->device_index = (int)m->device_index;
    d->compute_units = (int)m->compute_units;
    d->memory_bytes = (uint64_t)m->memory_bytes;
    d->max_alloc_bytes = (uint64_t)m->max_alloc_bytes;
    d->local_bytes = (uint64_t)m->local_bytes;
    d->usable = m->usable != 0;
    copy_text(d->platform, sizeof d->platform, m->platform);
    copy_text(d->name, sizeof d->name, m->name);
    copy_text(d->type, sizeof d->type, m->type);
    copy_text(d->cl_version, sizeof d->cl_version, m->cl_version);
    copy_text(d->driver, sizeof d->driver, m->driver);
    copy_text(d->why_not, sizeof d->why_not, m->why_not);
    (void)str_copy(d->icd, sizeof d->icd, c->icd);
}

static void child_frame(struct child *c, uint16_t type, struct msg_reader *r)
{
    struct m_found found;
    struct m_probed probed;
    if (type == MESSAGE_FOUND && read_found(&found, r)) {
        child_found(c, &found);
        free_found(&found);
    } else if (type == MESSAGE_PROBED && read_probed(&probed, r)) {
        copy_text(c->why, sizeof c->why, probed.error);
        free_probed(&probed);
        c->said_all = true;
    } else {
        (void)snprintf(c->why, sizeof c->why, "the probe of the driver sent something else than devices");
    }
}

/* Takes what has come; ends the child when there is no more. */
static void child_read(struct child *c)
{
    uint16_t type;
    struct msg_reader r;
    enum conn_result got;
    while (!c->said_all && !c->why[0]) {
        got = conn_next(c->conn, &type, &r);
        if (got == CONN_NOTHING) {
            return;
        }
        if (got == CONN_BAD && conn_foreign_version(c->conn)) {
            (void)conn_fault(c->why, sizeof c->why, c->conn, "vaetop-worker");
        }
        if (got != CONN_FRAME) {
            break;
        }
        child_frame(c, type, &r);
    }
    child_end(c);
}

static void child_release(struct child *c)
{
    if (c->conn) {
        child_end(c);
    }
    free(c->device);
    free(c->icd);
}

/* --- all of them */

/* Serves the children until all have ended or the time is up. */
static void serve(struct child *child, size_t n, int timeout_ms)
{
    int64_t deadline = clock_mono_ns() + (int64_t)timeout_ms * 1000000;
    for (;;) {
        struct pollfd fds[MAX_DRIVERS];
        struct child *of[MAX_DRIVERS];
        nfds_t open = 0;
        for (size_t i = 0; i < n; i++) {
            if (child[i].conn) {
                of[open] = &child[i];
                fds[open++] = (struct pollfd){.fd = conn_fd(child[i].conn), .events = POLLIN};
            }
        }
        int64_t left = deadline - clock_mono_ns();
        if (open == 0 || left <= 0) {
            break;
        }
        if (poll(fds, open, (int)(left / 1000000) + 1) < 0 && errno != EINTR) {
            break;
        }
        for (nfds_t i = 0; i < open; i++) {
            if (fds[i].revents) {
                child_read(of[i]);
            }
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (child[i].conn) {
            (void)snprintf(child[i].why, sizeof child[i].why, "the driver did not answer in %g s", timeout_ms / 1000.0);
            child_end(&child[i]);
        }
    }
}

/* Moves a child's devices to the list; a driver that broke is listed too, so that it can be seen. */
static void collect(struct probe *out, struct child *c)
{
    size_t rows = c->n + (c->why[0] != 0);
    if (rows == 0) {
        return;
    }
    out->device = xreallocarray(out->device, out->n + rows, sizeof *out->device);
    if (c->n > 0) {
        memcpy(out->device + out->n, c->device, c->n * sizeof *c->device);
    }
    if (c->why[0]) {
        struct device_info *d = &out->device[out->n + rows - 1];
        memset(d, 0, sizeof *d);
        d->platform_index = c->n > 0 ? c->device[c->n - 1].platform_index + 1 : 0;
        (void)str_clean(d->platform, sizeof d->platform, file_of(c->icd));
        (void)str_copy(d->name, sizeof d->name, "(driver)");
        (void)str_copy(d->icd, sizeof d->icd, c->icd);
        (void)str_copy(d->why_not, sizeof d->why_not, c->why); /* the rest does not fit a table */
    }
    out->n += rows;
}

static void advise_empty(struct probe *out, const char *icd)
{
    out->advice = xreallocarray(out->advice, out->n_advice + 1, sizeof *out->advice);
    char *shown = xcalloc(4 * strlen(icd) + 1, 1);
    (void)str_clean(shown, 4 * strlen(icd) + 1, icd);
    out->advice[out->n_advice++] = xasprintf(
        "%s: its driver shows no device; if the hardware is there, install the driver again, else remove that file",
        shown);
    free(shown);
}

enum err_code probe_with(struct probe *out, const struct probe_options *o, struct err *e)
{
    memset(out, 0, sizeof *out);
    char use[] = "probe";
    char **icd;
    size_t n;
    icds_find(&icd, &n, o->vendors);
    char *worker = o->worker ? xstrdup(o->worker) : proc_find_helper("vaetop-worker");
    struct child *child = xcalloc(n + 1, sizeof *child);
    enum err_code rc = ERR_OK;
    for (size_t i = 0; i < n; i++) {
        child[i].icd = icd[i];
        rc = rc ? rc : child_start(&child[i], worker, use, NULL, e);
    }
    if (!rc) {
        serve(child, n, o->timeout_ms > 0 ? o->timeout_ms : DEFAULT_TIMEOUT_MS);
    }
    for (size_t i = 0; i < n; i++) {
        if (!rc) {
            collect(out, &child[i]);
            if (child[i].n == 0 && !child[i].why[0]) {
                advise_empty(out, child[i].icd);
            }
        }
        child_release(&child[i]);
    }
    if (!rc) {
        probe_diagnose(out, o);
    }
    free(child);
    free(worker);
    free(icd);
    return rc;
}

enum err_code probe_devices(struct probe *out, struct err *e)
{
    const struct probe_options o = {0};
    return probe_with(out, &o, e);
}

void probe_release(struct probe *p)
{
    for (size_t i = 0; i < p->n_advice; i++) {
        free(p->advice[i]);
    }
    free(p->advice);
    free(p->device);
    memset(p, 0, sizeof *p);
}

/* --- the self-test */

struct self_test {
    struct child c;
    int64_t start_ns;
};

enum err_code self_test_start(struct self_test **out, const struct device_info *d, struct err *e)
{
    char use[] = "self-test", address[32];
    struct self_test *t = xcalloc(1, sizeof *t);
    char *worker = proc_find_helper("vaetop-worker");
    t->c.icd = xstrdup(d->icd);
    t->start_ns = clock_mono_ns();
    (void)snprintf(address, sizeof address, "%d:%d", d->platform_index, d->device_index);
    enum err_code rc = child_start(&t->c, worker, use, address, e);
    free(worker);
    if (rc) {
        child_release(&t->c);
        free(t);
        return rc;
    }
    *out = t;
    return ERR_OK;
}

int self_test_fd(const struct self_test *t)
{
    return conn_fd(t->c.conn);
}

bool self_test_ended(struct self_test *t)
{
    if (t->c.conn) {
        child_read(&t->c);
    }
    if (t->c.conn && clock_mono_ns() - t->start_ns > (int64_t)SELF_TEST_MS * 1000000) {
        (void)snprintf(t->c.why, sizeof t->c.why, "it did not end in %d s", SELF_TEST_MS / 1000);
        child_end(&t->c);
    }
    return !t->c.conn;
}

enum err_code self_test_result(struct self_test *t, double *seconds, struct err *e)
{
    if (seconds) {
        *seconds = (double)(clock_mono_ns() - t->start_ns) / 1e9;
    }
    if (t->c.conn) {
        (void)snprintf(t->c.why, sizeof t->c.why, "the self-test was given up");
    }
    enum err_code rc = t->c.why[0] ? err_set(e, ERR_NODEVICE, "%s", t->c.why) : ERR_OK;
    child_release(&t->c);
    free(t);
    return rc;
}

enum err_code probe_self_test(const struct device_info *d, double *seconds, struct err *e)
{
    struct self_test *t;
    enum err_code rc = self_test_start(&t, d, e);
    if (rc) {
        return rc;
    }
    serve(&t->c, 1, SELF_TEST_MS);
    return self_test_result(t, seconds, e);
}
