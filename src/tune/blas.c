#include "vaetop/tune/blas.h"

#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* True if it is set only now. What a person has set stays. */
static bool set(const char *name, const char *value)
{
    return !getenv(name) && setenv(name, value, 1) == 0;
}

void blas_settle(char **argv)
{
    /* Its other threads would take the cores from the trials. */
    bool anew = set("OPENBLAS_NUM_THREADS", "1");
#if defined(__x86_64__)
    /* A release older than the processor takes it for one of 2004, with kernels several times slower. */
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        anew = set("OPENBLAS_CORETYPE", "HASWELL") || anew;
    }
#endif
    if (anew) {
        (void)execv("/proc/self/exe", argv);
    }
}
