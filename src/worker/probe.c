#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "vaetop/device/device.h"
#include "vaetop/ipc/messages.h"
#include "vaetop/worker/worker.h"

#define SEND_MS 5000

/* Drivers print what they like: standard output becomes /dev/null, the frames go out on a copy of it. */
static int keep_stdout_clean(int out_fd)
{
    int copy = fcntl(out_fd, F_DUPFD_CLOEXEC, 3);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        (void)dup2(null, STDOUT_FILENO);
        (void)close(null);
    }
    return copy;
}

static bool send_device(struct conn *c, const struct device_info *d)
{
    struct device_info copy = *d;
    const struct m_found m = {
        .platform_index = d->platform_index,
        .device_index = d->device_index,
        .platform = copy.platform,
        .name = copy.name,
        .type = copy.type,
        .cl_version = copy.cl_version,
        .driver = copy.driver,
        .compute_units = d->compute_units,
        .memory_bytes = (int64_t)d->memory_bytes,
        .max_alloc_bytes = (int64_t)d->max_alloc_bytes,
        .local_bytes = (int64_t)d->local_bytes,
        .usable = d->usable,
        .why_not = copy.why_not,
    };
    return send_found(c, &m);
}

int worker_probe(int out_fd)
{
    int fd = keep_stdout_clean(out_fd);
    if (fd < 0) {
        return 1;
    }
    struct conn *c = conn_new(fd);
    struct device_info *device = NULL;
    size_t n = 0;
    struct err e = {0};
    enum err_code rc = device_list_icd(&device, &n, &e);
    bool sent = true;
    for (size_t i = 0; sent && i < n; i++) {
        sent = send_device(c, &device[i]);
    }
    const struct m_probed end = {.error = rc ? e.text : NULL};
    sent = sent && send_probed(c, &end) && conn_drain(c, SEND_MS);
    /* Not through the exit handlers: a driver's own may hang. */
    _exit(sent ? 0 : 1);
}
