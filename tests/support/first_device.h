/* The first OpenCL device of this machine, for the tests of layers above device: opened once, closed at exit. With
 * VAETOP_TEST_LEAVE_DEVICE it is not: oclgrind writes to thread-local memory that exit() has freed by then. A header,
 * because most test programs link no OpenCL. */
#ifndef VAETOP_TEST_FIRST_DEVICE_H
#define VAETOP_TEST_FIRST_DEVICE_H

#include <stdlib.h>

#include "check.h"

#include "vaetop/device/device.h"

static struct device *opened_device;

static void close_opened_device(void)
{
    device_close(opened_device);
}

static struct device *first_device(void)
{
    struct device_info *list = NULL;
    size_t n = 0;
    struct err e;
    if (!opened_device) {
        assert_ok(device_list_icd(&list, &n, &e), &e);
        assert_true(n > 0);
        assert_ok(device_open(&opened_device, list[0].platform_index, list[0].device_index, NULL, &e), &e);
        free(list);
        if (!getenv("VAETOP_TEST_LEAVE_DEVICE")) {
            (void)atexit(close_opened_device);
        }
    }
    return opened_device;
}

#endif
