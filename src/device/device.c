#include "vaetop/device/device.h"

#include <stdlib.h>
#include <string.h>

#include "device_private.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"
#include "vaetop/device/clerr.h"

static enum err_code find_platform(struct device *d, int index, struct err *e)
{
    cl_platform_id *id = NULL;
    cl_uint n = 0;
    enum err_code rc = platforms_get(&id, &n, e);
    if (!rc && (index < 0 || (cl_uint)index >= n)) {
        rc = err_set(e, ERR_NODEVICE, "no OpenCL platform %d: this process sees %u", index, n);
    }
    if (!rc) {
        d->platform = id[index];
    }
    free(id);
    return rc;
}

static enum err_code find_device(struct device *d, int index, struct err *e)
{
    cl_device_id *id = NULL;
    cl_uint n = 0;
    enum err_code rc = devices_get(&id, &n, d->platform, e);
    if (!rc && (index < 0 || (cl_uint)index >= n)) {
        rc = err_set(e, ERR_NODEVICE, "no OpenCL device %d on platform %d: it has %u", index, d->info.platform_index,
                     n);
    }
    if (!rc) {
        d->id = id[index];
        device_describe(&d->info, d->platform, d->id);
        if (!d->info.usable) {
            rc = err_set(e, ERR_NODEVICE, "%s: %s", d->info.name, d->info.why_not);
        }
    }
    free(id);
    return rc;
}

static enum err_code make_queue(struct device *d, struct err *e)
{
    cl_int status;
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)d->platform, 0};
    d->context = clCreateContext(properties, 1, &d->id, NULL, NULL, &status);
    if (status) {
        return cl_fail(e, status, "clCreateContext", d->info.name);
    }
    d->queue = clCreateCommandQueue(d->context, d->id, 0, &status);
    if (status) {
        return cl_fail(e, status, "clCreateCommandQueue", d->info.name);
    }
    busy_open(d);
    return ERR_OK;
}

static bool env_is_1(const char *name)
{
    const char *v = getenv(name);
    return v && strcmp(v, "1") == 0;
}

enum err_code device_open(struct device **out, int platform_index, int device_index, const char *build_log_dir,
                          struct err *e)
{
    *out = NULL;
    struct device *d = xcalloc(1, sizeof *d);
    d->info.platform_index = platform_index;
    d->info.device_index = device_index;
    d->sync = env_is_1("VAETOP_CL_SYNC");
    d->guard = env_is_1("VAETOP_CL_GUARD");
    enum err_code rc = find_platform(d, platform_index, e);
    rc = rc ? rc : find_device(d, device_index, e);
    if (!rc) {
        const char *note = NULL;
        d->cpu = strcmp(d->info.type, "cpu") == 0;
        device_share_memory(d, 1);
        d->quirks = quirk_flags(d->info.platform, d->info.name, d->info.driver, &note);
        rc = make_queue(d, e);
    }
    rc = rc ? rc : program_build(d, build_log_dir, e);
    if (rc) {
        device_close(d);
        return rc;
    }
    *out = d;
    return ERR_OK;
}

void device_close(struct device *d)
{
    if (!d) {
        return;
    }
    buffer_free(d->gemm_temp);
    busy_close(d);
    if (d->queue) {
        (void)clFinish(d->queue);
        (void)clReleaseCommandQueue(d->queue);
    }
    if (d->program) {
        (void)clReleaseProgram(d->program);
    }
    if (d->context) {
        (void)clReleaseContext(d->context);
    }
    free(d);
}

const struct device_info *device_info(const struct device *d)
{
    return &d->info;
}

bool device_is_cpu(const struct device *d)
{
    return d->cpu;
}

uint64_t device_budget(const struct device *d)
{
    return d->budget;
}

void device_share_memory(struct device *d, int among)
{
    d->budget = d->info.memory_bytes / (uint64_t)(among > 0 ? among : 1);
}

uint64_t device_bytes_in_use(const struct device *d)
{
    return d->bytes;
}

uint64_t device_source_hash(const struct device *d)
{
    return d->source_hash;
}
