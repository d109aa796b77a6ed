/* Benchmarks of one device: what is measured, in rounds that take turns, so that a disturbance strikes all alike. */
#ifndef VAETOP_WORKER_BENCH_JOB_H
#define VAETOP_WORKER_BENCH_JOB_H

#include "vaetop/ipc/messages.h"
#include "vaetop/model/choice.h"
#include "vaetop/model/model.h"

/* One thing that can be timed again and again. */
struct meter {
    /* Does `calls` of it and waits for the end. Errors: CL and others; then it is left out of all later rounds. */
    enum err_code (*run)(void *what, int calls, struct err *e);
    void *what;
    bool settle;     /* wait a while afterwards: threads of its own spin on */
    int calls;       /* per round; 0: found by the first run */
    double *seconds; /* (rounds) of one call; filled by meters_run() */
};
struct quartiles {
    double low, median, high;
};
/* Every meter once per round. Owns: meters_release() frees the seconds. Errors: the first meter's that fails. */
WUR enum err_code meters_run(struct meter *m, size_t n, int rounds, struct err *e);
void meters_release(struct meter *m, size_t n);
struct quartiles meter_quartiles(const struct meter *m, int rounds); /* of the seconds of one call */

struct bench {
    struct conn *conn;
    struct device *dev;
    int rounds;
    struct sbuf note;
    bool tune;
    struct choice choice[CHOICES_MAX]; /* what tuning found fastest, a row a network */
    int n_choices;
    bool clblast; /* measured too: on a CPU it compiles for a minute the first time */
};
/* Sends one row to whoever asked: row with the times of m and the peak of the same rounds. A note is a line of text. */
void bench_send(struct bench *b, struct m_measured *row, const struct meter *m, const struct meter *peak,
                double peak_flops);
void bench_note(struct bench *b, const char *text);

/* --- bench_product.c: the fastest multiply-add, and products of a network's layers. */
struct peak;
/* Owns: peak_free(). Errors: CL, DEVICE_MEM. */
WUR enum err_code peak_new(struct peak **out, struct device *dev, struct err *e);
void peak_free(struct peak *p);
struct meter peak_meter(struct peak *p);
double peak_flops(const struct peak *p); /* of one call */

/* The products of a network's first and last layer: forward, gradient by the weights, gradient by the input. Sends. */
WUR enum err_code bench_products(struct bench *b, struct peak *peak, const char *network, struct err *e);

/* --- bench_blas.c: OpenBLAS, loaded only for this. */
struct blas;
/* Errors: NOTFOUND (it is not installed). Owns: blas_free(). */
WUR enum err_code blas_open(struct blas **out, struct err *e);
void blas_free(struct blas *b);
const char *blas_config(const struct blas *b); /* its release and which processor it was made for */
bool blas_parallel(const struct blas *b);      /* false: it was built for one thread */
void blas_threads(struct blas *b, int n);
enum bench_product { BENCH_NN, BENCH_TN, BENCH_NT }; /* c = a b, a^T b, a b^T; cl/bench.cl */
struct product { /* c (m, n), k products each; row strides in floats */
    enum bench_product kind;
    int m, n, k, lda, ldb, ldc;
};
void blas_product(struct blas *b, const struct product *p, const float *x, const float *y, float *out);

/* --- bench_step.c. "784-400-20:128": the data's width, the encoder's, the latent size and the batch. Errors: USAGE.
 * Owns: config_release(). */
WUR enum err_code bench_plan(struct plan *out, struct config *c, const struct device *dev, const char *name,
                             struct err *e);
/* Training steps of a network alone and in packs. Sends. */
WUR enum err_code bench_network(struct bench *b, struct peak *peak, const char *name, struct err *e);

#endif
