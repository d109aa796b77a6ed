/* The fastest multiply-add, and products alone by everyone who can make them. */
#include <stdio.h>
#include <stdlib.h>

#include "bench_job.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/rng.h"

/* --- peak */

#define PEAK_ROUNDS 200000
#define GPU_LOCAL 256

struct peak {
    struct device *dev;
    struct launch *launch;
    struct buffer *out;
    size_t global, local, width; /* work-items; floats in one's register */
};

enum err_code peak_new(struct peak **out, struct device *dev, struct err *e)
{
    struct peak *p = xcalloc(1, sizeof *p);
    const size_t units = (size_t)device_info(dev)->compute_units;
    const bool cpu = device_is_cpu(dev);
    p->dev = dev;
    p->local = cpu ? 1 : GPU_LOCAL;
    p->global = cpu ? units : units * 8 * GPU_LOCAL;
    p->width = cpu ? 16 : 1;
    enum err_code rc = launch_new(&p->launch, dev, "peak", e);
    rc = rc ? rc : buffer_new(&p->out, dev, p->global * sizeof(float), "peak", e);
    if (rc) {
        peak_free(p);
        return rc;
    }
    launch_buffer(p->launch, 0, p->out);
    launch_int(p->launch, 1, PEAK_ROUNDS);
    launch_float(p->launch, 2, 1.0001f);
    launch_float(p->launch, 3, 0.9999f);
    *out = p;
    return ERR_OK;
}

void peak_free(struct peak *p)
{
    if (p) {
        launch_free(p->launch);
        buffer_free(p->out);
        free(p);
    }
}

static enum err_code peak_run(void *what, int calls, struct err *e)
{
    struct peak *p = what;
    enum err_code rc = ERR_OK;
    for (int i = 0; i < calls && !rc; i++) {
        rc = launch_run(p->launch, (const size_t[]){p->global, 1, 1}, (const size_t[]){p->local, 1, 1}, e);
    }
    return rc ? rc : device_finish(p->dev, e);
}

struct meter peak_meter(struct peak *p)
{
    return (struct meter){.run = peak_run, .what = p};
}

double peak_flops(const struct peak *p)
{
    return 2.0 * 16 * PEAK_ROUNDS * (double)p->global * (double)p->width;
}

/* --- products */

enum { BY_TILES, BY_CLBLAST, BY_BLAS_1, BY_BLAS_ALL, BY_COUNT };

/* One product, its operands on the device and on the host. */
struct operands {
    struct device *dev;
    struct product p;
    struct launch *launch;
    struct buffer *a, *b, *c;
    float *x, *y, *z;
};
/* One way to make it. */
struct maker {
    struct operands *o;
    struct blas *blas; /* NULL: on the device */
    int threads;
};

/* Training has many products in a launch, so waking the device's threads for each is no part of one. */
#define PRODUCTS_A_LAUNCH 16

static enum err_code run_tiles(void *what, int calls, struct err *e)
{
    const struct operands *o = ((struct maker *)what)->o;
    const int tiles = o->p.n / 16, wide = device_is_cpu(o->dev) ? 3 : 1;
    const size_t local[3] = {1, 1, 1};
    enum err_code rc = ERR_OK;
    for (int i = 0; i < calls && !rc; i += PRODUCTS_A_LAUNCH) {
        const size_t n = (size_t)(calls - i < PRODUCTS_A_LAUNCH ? calls - i : PRODUCTS_A_LAUNCH);
        rc = launch_run(o->launch, (size_t[]){(size_t)o->p.m / 16, (size_t)((tiles + wide - 1) / wide), n}, local, e);
    }
    return rc ? rc : device_finish(o->dev, e);
}

static enum err_code run_clblast(void *what, int calls, struct err *e)
{
    const struct operands *o = ((struct maker *)what)->o;
    const struct gemm g = {.trans_a = o->p.kind == BENCH_TN, .trans_b = o->p.kind == BENCH_NT, .m = (size_t)o->p.m,
                           .n = (size_t)o->p.n, .k = (size_t)o->p.k, .a = o->a, .b = o->b, .c = o->c,
                           .lda = (size_t)o->p.lda, .ldb = (size_t)o->p.ldb, .ldc = (size_t)o->p.ldc};
    enum err_code rc = ERR_OK;
    for (int i = 0; i < calls && !rc; i++) rc = device_gemm(o->dev, &g, e);
    return rc ? rc : device_finish(o->dev, e);
}

static enum err_code run_blas(void *what, int calls, struct err *e)
{
    const struct maker *m = what;
    (void)e;
    blas_threads(m->blas, m->threads);
    for (int i = 0; i < calls; i++) blas_product(m->blas, &m->o->p, m->o->x, m->o->y, m->o->z);
    return ERR_OK;
}

static enum err_code operand(float **host, struct buffer **out, struct device *dev, size_t floats, struct err *e)
{
    struct rng r = rng_start(rng_key(1, 1), RNG_INIT, floats);
    *host = xcalloc(floats, sizeof **host);
    for (size_t i = 0; i < floats; i++) (*host)[i] = (float)rng_uniform(&r) - 0.5f;
    const enum err_code rc = buffer_new(out, dev, floats * sizeof(float), "operand", e);
    return rc ? rc : buffer_write(*out, 0, *host, floats * sizeof(float), e);
}

static void operands_release(struct operands *o)
{
    launch_free(o->launch);
    buffer_free(o->a);
    buffer_free(o->b);
    buffer_free(o->c);
    free(o->x);
    free(o->y);
    free(o->z);
}

/* Row strides as training has them. */
static int odd_stride(int n)
{
    return 16 * ((n / 16) | 1);
}

static enum err_code operands_new(struct operands *o, struct device *dev, int kind, int m, int n, int k, struct err *e)
{
    const int a_cols = kind == BENCH_TN ? m : k, b_cols = kind == BENCH_NT ? k : n;
    o->dev = dev;
    o->p = (struct product){kind, m, n, k, odd_stride(a_cols), odd_stride(b_cols), odd_stride(n)};
    const size_t a_rows = (size_t)(kind == BENCH_TN ? k : m), b_rows = (size_t)(kind == BENCH_NT ? n : k);
    enum err_code rc = launch_new(&o->launch, dev, "product", e);
    rc = rc ? rc : operand(&o->x, &o->a, dev, a_rows * (size_t)o->p.lda, e);
    rc = rc ? rc : operand(&o->y, &o->b, dev, b_rows * (size_t)o->p.ldb, e);
    rc = rc ? rc : operand(&o->z, &o->c, dev, (size_t)m * (size_t)o->p.ldc, e);
    if (rc) {
        return rc;
    }
    launch_buffer(o->launch, 0, o->a);
    launch_buffer(o->launch, 1, o->b);
    launch_buffer(o->launch, 2, o->c);
    const int word[] = {kind, o->p.lda, o->p.ldb, o->p.ldc, k, n / 16, device_is_cpu(dev) ? 3 : 1};
    for (int i = 0; i < 7; i++) launch_int(o->launch, 3 + i, word[i]);
    return ERR_OK;
}

/* One product by all who can make it, in turns with the peak. */
static enum err_code bench_one(struct bench *b, struct peak *peak, struct blas *blas, struct operands *o, struct err *e)
{
    static const char *const kind_name[] = {"nn", "tn", "nt"};
    const int threads = device_info(b->dev)->compute_units;
    struct maker maker[BY_COUNT] = {{o, NULL, 0}, {o, NULL, 0}, {o, blas, 1}, {o, blas, threads}};
    struct meter m[1 + BY_COUNT] = {peak_meter(peak), {.run = run_tiles, .what = &maker[BY_TILES]}};
    const char *by[1 + BY_COUNT] = {"peak", "tiles"};
    int cores[1 + BY_COUNT] = {threads, threads};
    size_t n = 2;
    if (b->clblast) {
        m[n] = (struct meter){.run = run_clblast, .what = &maker[BY_CLBLAST]};
        cores[n] = threads;
        by[n++] = "clblast";
    }
    const int last = blas && threads > 1 && blas_parallel(blas) ? BY_BLAS_ALL : BY_BLAS_1;
    for (int way = BY_BLAS_1; blas && way <= last; way++) {
        m[n] = (struct meter){.run = run_blas, .what = &maker[way], .settle = true};
        cores[n] = maker[way].threads;
        by[n++] = "openblas";
    }
    const enum err_code rc = meters_run(m, n, b->rounds, e);
    for (size_t i = 1; i < n && !rc; i++) {
        char name[32], maker_name[32];
        (void)snprintf(name, sizeof name, "%s", kind_name[o->p.kind]);
        (void)snprintf(maker_name, sizeof maker_name, "%s", by[i]);
        struct m_measured row = {.section = (char[]){"gemm"}, .name = name, .by = maker_name, .threads = cores[i],
                                 .m = o->p.m, .n = o->p.n, .k = o->p.k, .lanes = 1,
                                 .flops = 2.0 * o->p.m * o->p.n * o->p.k};
        bench_send(b, &row, &m[i], &m[0], peak_flops(peak));
    }
    meters_release(m, n);
    return rc;
}

static enum err_code bench_layers(struct bench *b, struct peak *peak, const struct plan *p, struct err *e)
{
    const struct plan_layer *first = &p->layer[0], *last = &p->layer[p->n_layers - 1];
    const struct product all[] = {
        {.kind = BENCH_NN, .m = p->batch_pad, .n = first->out_pad, .k = first->in_pad},
        {.kind = BENCH_NN, .m = p->batch_pad, .n = last->out_pad, .k = last->in_pad},
        {.kind = BENCH_TN, .m = first->in_pad, .n = first->out_pad, .k = p->batch_pad},
        {.kind = BENCH_NT, .m = p->batch_pad, .n = last->in_pad, .k = last->out_pad},
    };
    struct blas *blas = NULL;
    enum err_code rc = ERR_OK;
    struct err why;
    if (device_is_cpu(b->dev)) bench_note(b, blas_open(&blas, &why) ? why.text : blas_config(blas));
    for (size_t i = 0; i < sizeof all / sizeof *all && !rc; i++) {
        struct operands o = {0};
        rc = operands_new(&o, b->dev, all[i].kind, all[i].m, all[i].n, all[i].k, e);
        rc = rc ? rc : bench_one(b, peak, blas, &o, e);
        operands_release(&o);
    }
    blas_free(blas);
    return rc;
}

enum err_code bench_products(struct bench *b, struct peak *peak, const char *network, struct err *e)
{
    struct config c;
    struct plan p;
    config_init(&c);
    enum err_code rc = bench_plan(&p, &c, b->dev, network, e);
    rc = rc ? rc : bench_layers(b, peak, &p, e);
    config_release(&c);
    return rc;
}
