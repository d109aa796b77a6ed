#include "vaetop/worker/worker.h"

int worker_self_test(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 1;
}
