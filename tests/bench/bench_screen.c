/* What the screen costs; run by screen.sh.
 *   bench_screen make DIR N [EPOCHS PRESET]   a study of N finished trials of one epoch, or so many, by a preset's file
 *   bench_screen WxH SECONDS PROGRAM ... first byte, first frame, keys, bytes, CPU and memory of a client */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pty.h"

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/rng.h"
#include "vaetop/store/store.h"

static const char preset_text[] = "study:\n  trials: 200000\nmodel:\n  width: 64 .. 512 log\n  latent: 2 .. 32 log\n"
                                  "optimizer:\n  kind: adam | sgd\n  lr: 1e-5 .. 1e-1 log\n";

static enum err_code add_trial(struct store *s, const struct preset *p, struct rng *r, int i, int epochs, struct err *e)
{
    struct point pt;
    int number = -1;
    point_init(&pt, p);
    for (size_t k = 0; k < p->n_ranges; k++) {
        const struct range *g = &p->range[k];
        double u = rng_uniform(r);
        double x = g->kind == RANGE_CHOICE ? floor(u * (double)g->n_choices) : g->lo * pow(g->hi / g->lo, u);
        pt.present[k] = true;
        pt.value[k] = g->kind == RANGE_INT ? floor(x) : x;
    }
    double value = 95 + 30 * rng_uniform(r);
    struct epoch_row row = {.trial = i, .epoch = 1, .step = 100, .value = value, .val_rec = value - 20, .val_kl = 20,
                            .train_loss = value - 2, .lr = 1e-3, .beta = 1, .active_units = 4, .images_per_s = 50000,
                            .seconds = 1};
    enum err_code rc = store_trial_new(s, &number, p, &pt, PHASE_QUEUED, e);
    rc = rc ? rc : store_trial_phase(s, number, PHASE_ACTIVE, NAN, "", e);
    for (; !rc && row.epoch <= epochs; row.epoch++, row.step += 100) {
        rc = store_epoch(s, &row, e);
    }
    rc = rc ? rc : store_trial_phase(s, number, PHASE_DONE, value, "", e);
    point_release(&pt);
    return rc;
}

static enum err_code make(const char *dir, int n, int epochs, const char *preset, struct err *e)
{
    struct preset p;
    struct store *s = NULL;
    struct rng r = rng_start(rng_key(1, -1), RNG_SAMPLE, 0);
    char *text = NULL;
    size_t len = 0;
    enum err_code rc = preset ? fs_read(&text, &len, preset, 1 << 16, e) : ERR_OK;
    rc = rc ? rc : preset_parse(&p, text ? text : preset_text, text ? len : sizeof preset_text - 1, "bench", e);
    free(text);
    if (rc) {
        return rc;
    }
    rc = preset_check(&p, e);
    rc = rc ? rc : fs_mkdirs(dir, e);
    rc = rc ? rc : store_create(dir, "bench", &p, "builtin:digits", e);
    rc = rc ? rc : store_open(&s, dir, true, e);
    for (int i = 0; i < n && !rc; i++) {
        rc = i % 1000 == 0 ? store_begin(s, e) : ERR_OK;
        rc = rc ? rc : add_trial(s, &p, &r, i, epochs, e);
        if (!rc && (i % 1000 == 999 || i + 1 == n)) {
            rc = store_commit(s, e);
        }
    }
    rc = rc ? rc : store_fact_set(s, "phase", "finished", e);
    store_close(s);
    preset_release(&p);
    return rc;
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* From a key to the first byte that answers it. */
static void measure_keys(struct pty *p)
{
    enum { KEYS = 200 };
    double ms[KEYS];
    for (int i = 0; i < KEYS; i++) {
        (void)pty_read(p, 20, 100);
        int64_t sent = pty_clock_ns();
        pty_send(p, i / 5 % 2 ? "k" : "j");
        (void)pty_wait(p, 2000);
        ms[i] = (double)(pty_clock_ns() - sent) * 1e-6;
    }
    qsort(ms, KEYS, sizeof *ms, by_time);
    (void)printf("  key to paint        %6.1f ms median, %6.1f ms at the 99th percentile\n", ms[KEYS / 2],
                 ms[KEYS * 99 / 100]);
}

static int measure(int w, int h, double seconds, char *const argv[])
{
    struct pty p;
    if (!pty_open(&p, argv, w, h)) {
        perror(argv[0]);
        return 1;
    }
    (void)pty_wait(&p, 30000);
    (void)printf("  first byte          %6.1f ms\n", (double)(p.first_ns - p.start_ns) * 1e-6);
    (void)pty_read(&p, 400, 10000);
    (void)printf("  first frame         %6.1f ms, %ld bytes\n", (double)(p.last_ns - p.start_ns) * 1e-6, p.bytes);
    measure_keys(&p);
    double cpu = proc_cpu_s(p.pid);
    long before = p.bytes;
    int64_t from = pty_clock_ns();
    while ((double)(pty_clock_ns() - from) * 1e-9 < seconds && pty_read(&p, 1000, 1000) >= 0) {
    }
    double took = (double)(pty_clock_ns() - from) * 1e-9;
    (void)printf("  left alone          %6.0f bytes/s, %.2f %% of a CPU, %.1f MiB resident\n",
                 (double)(p.bytes - before) / took, 100 * (proc_cpu_s(p.pid) - cpu) / took,
                 (double)proc_resident_kib(p.pid) / 1024);
    (void)pty_close(&p);
    return 0;
}

int main(int argc, char **argv)
{
    int w = 0, h = 0;
    if ((argc == 4 || argc == 6) && strcmp(argv[1], "make") == 0) {
        struct err e;
        enum err_code rc = make(argv[2], atoi(argv[3]), argc == 6 ? atoi(argv[4]) : 1, argc == 6 ? argv[5] : NULL, &e);
        if (rc) {
            (void)fprintf(stderr, "%s\n", e.text);
        }
        return rc != ERR_OK;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 4 || sscanf(argv[1], "%dx%d", &w, &h) != 2) {
        (void)fprintf(stderr, "usage: bench_screen make DIR N [EPOCHS PRESET] | bench_screen WxH SECONDS PROGRAM ...\n");
        return 2;
    }
    return measure(w, h, atof(argv[2]), argv + 3);
}
