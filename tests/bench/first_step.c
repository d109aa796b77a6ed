#define _DEFAULT_SOURCE /* wait4 */
/* From the start of a worker to its first training steps on the built-in digits, as an engine sees it. Run by hand.
 *
 *   first_step [TIMES]
 *
 * Starts a worker, sends OPEN and ASSIGN and waits for PROGRESS, which comes after the first chunk of four steps. Cold:
 * with an empty cache folder, so kernels are compiled and the whole self-test runs; warm: with what that left. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "../../src/ipc/worker_start.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/ipc/messages.h"
#include "vaetop/ipc/probe.h"

#define TRIAL "model.encoder=64\nmodel.latent=2\ntrain.batch=64\ntrain.epochs=1000\n"

static void must(enum err_code rc, const struct err *e)
{
    if (rc) {
        fprintf(stderr, "first_step: %s\n", e->text);
        exit(1);
    }
}

struct seconds {
    double ready, step, processor; /* the last: of all its threads */
};

static struct seconds start_one(const struct device_info *d, char *folder)
{
    struct seconds out = {0};
    struct conn *c;
    struct err e;
    struct msg_reader r;
    uint16_t type;
    pid_t pid;
    char none[] = "", data[] = "data.source=builtin:digits\n", trial[] = TRIAL;
    char *checkpoint = fs_join(folder, "0.safetensors");
    const int64_t start = clock_mono_ns();
    must(worker_start(&c, &pid, "serve", d, &e), &e);
    (void)send_open(c, &(struct m_open){.platform = d->platform_index, .device = d->device_index, .log_dir = none,
                                        .study_dir = folder, .data = data});
    (void)send_assign(c, &(struct m_assign){.seed = 1, .config = trial, .resume = none, .checkpoint = checkpoint});
    while (out.step == 0 && conn_wait(c, &type, &r, -1) == CONN_FRAME) {
        const double now = (double)(clock_mono_ns() - start) * 1e-9;
        if (type == MESSAGE_READY) out.ready = now;
        if (type == MESSAGE_PROGRESS) out.step = now;
        if (type == MESSAGE_FAULT || type == MESSAGE_REFUSED) break;
    }
    if (out.step == 0) {
        fprintf(stderr, "first_step: the worker gave up; message %d\n", type);
        exit(1);
    }
    (void)kill(pid, SIGKILL);
    struct rusage use;
    (void)wait4(pid, NULL, 0, &use);
    out.processor = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                    (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1e-6;
    conn_free(c);
    free(checkpoint);
    return out;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const char *name, double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_size);
    printf("warm: %s %.0f ms, median of %d (%.0f to %.0f)\n", name, 1e3 * v[n / 2], n, 1e3 * v[0], 1e3 * v[n - 1]);
}

int main(int argc, char **argv)
{
    struct probe p;
    struct err e;
    size_t *chosen, n;
    char folder[] = "/tmp/first_step.XXXXXX";
    const int times = argc > 1 ? atoi(argv[1]) : 9;
    must(probe_devices(&p, &e), &e);
    must(probe_choose(&chosen, &n, &p, NULL, &e), &e);
    if (!mkdtemp(folder) || setenv("XDG_CACHE_HOME", folder, 1) || unsetenv("POCL_CACHE_DIR") || times < 1) return 1;
    const struct device_info *d = &p.device[chosen[0]];
    struct seconds s = start_one(d, folder);
    printf("%s\ncold: ready after %.0f ms, first steps after %.0f ms, %.0f ms of processor time\n", d->name,
           1e3 * s.ready, 1e3 * s.step, 1e3 * s.processor);
    double *ready = xcalloc((size_t)times, sizeof *ready), *step = xcalloc((size_t)times, sizeof *step);
    double *processor = xcalloc((size_t)times, sizeof *processor);
    for (int i = 0; i < times; i++) {
        s = start_one(d, folder);
        ready[i] = s.ready;
        step[i] = s.step;
        processor[i] = s.processor;
    }
    print("ready after", ready, times);
    print("first steps after", step, times);
    print("processor time", processor, times);
    must(fs_remove_tree(folder, &e), &e);
    free(ready);
    free(step);
    free(processor);
    free(chosen);
    probe_release(&p);
    return 0;
}
