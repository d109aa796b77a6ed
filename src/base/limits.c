#include "vaetop/base/limits.h"

#include <inttypes.h>
#include <sys/resource.h>

#include "vaetop/base/str.h"

#define KIB UINT64_C(1024)
#define GIB (KIB * KIB * KIB)
#define STACK_USUAL (8 * KIB * KIB)

/* What the programs and the drivers we know need is well below `enough`. */
static const struct {
    int resource;
    char option;
    uint64_t unit, enough;
    const char *what;
} limit[] = {
    {RLIMIT_NOFILE, 'n', 1, 64, "open files"},
    {RLIMIT_STACK, 's', KIB, KIB * KIB, "KiB of stack"},
    {RLIMIT_NPROC, 'u', 1, 1000, "processes and threads of this user"},
    {RLIMIT_AS, 'v', KIB, 8 * GIB, "KiB of address space"},
    {RLIMIT_DATA, 'd', KIB, 8 * GIB, "KiB of memory"},
    {RLIMIT_FSIZE, 'f', KIB, GIB, "KiB per file"},
};

static void raise_to(int resource, rlim_t most)
{
    struct rlimit r;
    if (getrlimit(resource, &r) == 0 && r.rlim_cur < r.rlim_max && r.rlim_cur < most) {
        r.rlim_cur = r.rlim_max < most ? r.rlim_max : most;
        (void)setrlimit(resource, &r);
    }
}

void limits_raise(void)
{
    raise_to(RLIMIT_NOFILE, RLIM_INFINITY); /* each worker and client takes one */
    raise_to(RLIMIT_STACK, STACK_USUAL);    /* a driver's compiler needs it, and its threads begin with this much */
}

const char *limits_low(char *out, size_t cap)
{
    struct sbuf s = {0};
    for (size_t i = 0; i < sizeof limit / sizeof *limit; i++) {
        struct rlimit r;
        if (getrlimit(limit[i].resource, &r) == 0 && r.rlim_cur < limit[i].enough) {
            sbuf_addf(&s, "%s%" PRIu64 " %s (ulimit -%c)", s.len ? ", " : "", (uint64_t)r.rlim_cur / limit[i].unit,
                      limit[i].what, limit[i].option);
        }
    }
    (void)str_copy(out, cap, s.len ? s.text : "");
    sbuf_release(&s);
    return out;
}
