#include <string.h>

#include "vaetop/worker/worker.h"

int serve_tests(void);

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "serve") == 0) {
        return worker_serve(3); /* the tests start this program as the worker */
    }
    return serve_tests() != 0;
}
