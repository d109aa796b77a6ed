/* A broken OpenCL driver: does one bad thing as soon as it is loaded. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void __attribute__((constructor)) loaded(void)
{
#if defined FAKE_hang
    for (;;) {
        (void)pause();
    }
#elif defined FAKE_crash
    abort();
#elif defined FAKE_quit
    _exit(0);
#elif defined FAKE_noise
    /* and has no devices */
    (void)puts("hello from the driver, on standard output");
    (void)fflush(stdout);
#endif
}
