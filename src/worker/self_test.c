#include <stdio.h>
#include <string.h>

#include "oneoff.h"
#include "vaetop/base/str.h"
#include "vaetop/device/device.h"
#include "vaetop/model/selftest.h"
#include "vaetop/worker/worker.h"

/* "PLATFORM:DEVICE", indices as the driver lists them. */
static bool read_address(int *platform, int *device, const char *text)
{
    char left[16], right[16];
    int64_t a, b;
    const char *colon = strchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof left || !str_copy(right, sizeof right, colon + 1)) {
        return false;
    }
    memcpy(left, text, (size_t)(colon - text));
    left[colon - text] = '\0';
    if (!str_to_i64(&a, left) || !str_to_i64(&b, right) || a < 0 || b < 0 || a > 9999 || b > 9999) {
        return false;
    }
    *platform = (int)a;
    *device = (int)b;
    return true;
}

int worker_self_test(int argc, char **argv)
{
    int platform, device;
    if (argc != 1 || !read_address(&platform, &device, argv[0])) {
        (void)fprintf(stderr, "vaetop-worker: self-test wants PLATFORM:DEVICE\n");
        return 2;
    }
    struct conn *c = oneoff_open(1);
    if (!c) {
        return 1;
    }
    struct device *d = NULL;
    struct err e = {0};
    enum err_code rc = device_open(&d, platform, device, NULL, &e);
    rc = rc ? rc : selftest_start(d, true, NULL, &e);
    oneoff_end(c, rc ? e.text : (char[]){""});
}
