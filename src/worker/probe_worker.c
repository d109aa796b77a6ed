#include "oneoff.h"

#include "vaetop/device/device.h"
#include "vaetop/ipc/messages.h"
#include "vaetop/worker/worker.h"

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
    struct conn *c = oneoff_open(out_fd);
    if (!c) {
        return 1;
    }
    struct device_info *device = NULL;
    size_t n = 0;
    struct err e = {0};
    enum err_code rc = device_list_icd(&device, &n, &e);
    bool sent = true;
    for (size_t i = 0; sent && i < n; i++) {
        sent = send_device(c, &device[i]);
    }
    char well[] = "";
    oneoff_end(c, !sent ? NULL : rc ? e.text : well);
}
