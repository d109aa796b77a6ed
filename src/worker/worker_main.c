#include <string.h>

#include "vaetop/worker/worker.h"

/* vaetop-worker serve | probe | use | bench | self-test PLATFORM:DEVICE ; started by vaetop, not by people. */
int main(int argc, char **argv)
{
    const char *use = argc > 1 ? argv[1] : "";
    if (strcmp(use, "serve") == 0) {
        return worker_serve(3);
    }
    if (strcmp(use, "probe") == 0) {
        return worker_probe(1);
    }
    if (strcmp(use, "use") == 0) {
        return worker_use(3);
    }
    if (strcmp(use, "bench") == 0) {
        return worker_bench(3);
    }
    if (strcmp(use, "self-test") == 0) {
        return worker_self_test(argc - 2, argv + 2);
    }
    return 2;
}
