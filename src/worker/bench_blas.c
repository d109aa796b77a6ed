/* OpenBLAS on the host, for comparison. Loaded when it is asked for: no other worker has it in its memory. */
#include "bench_job.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"

#define LIBRARY "libopenblas.so.0"

/* CBLAS as its header declares it: enums are ints. */
enum { ROW_MAJOR = 101, AS_IT_IS = 111, TRANSPOSED = 112 };
typedef void sgemm_fn(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a, int lda,
                      const float *b, int ldb, float beta, float *c, int ldc);
typedef void threads_fn(int n);
typedef int parallel_fn(void);
typedef char *config_fn(void);

struct blas {
    void *library;
    sgemm_fn *sgemm;
    threads_fn *threads;
    parallel_fn *parallel;
    config_fn *config;
};

/* A function's address, without the cast that ISO C forbids. */
static bool find(void *function, void *library, const char *name)
{
    void *at = dlsym(library, name);
    memcpy(function, &at, sizeof at);
    return at != NULL;
}

/* A release that is older than the processor takes it for one of 2004: what the processor can do is told it instead. */
static void name_processor(void)
{
#if defined(__x86_64__)
    const char *kind = __builtin_cpu_supports("avx512dq") ? "SKYLAKEX" : __builtin_cpu_supports("avx2") ? "HASWELL" : NULL;
    if (kind) (void)setenv("OPENBLAS_CORETYPE", kind, 0);
#endif
}

enum err_code blas_open(struct blas **out, struct err *e)
{
    *out = NULL;
    name_processor();
    struct blas b = {.library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL)};
    if (!b.library) {
        return err_set(e, ERR_NOTFOUND, "%s", dlerror());
    }
    if (!find(&b.sgemm, b.library, "cblas_sgemm") || !find(&b.threads, b.library, "openblas_set_num_threads") ||
        !find(&b.parallel, b.library, "openblas_get_parallel") || !find(&b.config, b.library, "openblas_get_config")) {
        (void)dlclose(b.library);
        return err_set(e, ERR_NOTFOUND, "%s lacks cblas_sgemm or functions of OpenBLAS", LIBRARY);
    }
    *out = xcalloc(1, sizeof **out);
    **out = b;
    return ERR_OK;
}

void blas_free(struct blas *b)
{
    free(b); /* the library stays: its threads may still run */
}

const char *blas_config(const struct blas *b)
{
    return b->config();
}

bool blas_parallel(const struct blas *b)
{
    return b->parallel() != 0;
}

void blas_threads(struct blas *b, int n)
{
    b->threads(n);
}

void blas_product(struct blas *b, const struct product *p, const float *x, const float *y, float *out)
{
    b->sgemm(ROW_MAJOR, p->kind == BENCH_TN ? TRANSPOSED : AS_IT_IS, p->kind == BENCH_NT ? TRANSPOSED : AS_IT_IS, p->m,
             p->n, p->k, 1.0f, x, p->lda, y, p->ldb, 0.0f, out, p->ldc);
}
