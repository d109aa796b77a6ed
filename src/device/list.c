#include "device_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"
#include "vaetop/device/clerr.h"

#define MIN_MEMORY ((uint64_t)64 << 20) /* a small trial and its data */
#define MAX_PLATFORMS 64
#define MAX_DEVICES 256

enum err_code platforms_get(cl_platform_id **out, cl_uint *n, struct err *e)
{
    *out = NULL;
    *n = 0;
    device_environment();
    cl_uint count = 0;
    cl_int status = clGetPlatformIDs(0, NULL, &count);
    if (status == -1001 || (!status && count == 0)) {
        return ERR_OK; /* the ICD loader found no driver that works */
    }
    if (status) {
        return cl_fail(e, status, "clGetPlatformIDs", NULL);
    }
    count = count < MAX_PLATFORMS ? count : MAX_PLATFORMS;
    cl_platform_id *ids = xcalloc(count, sizeof *ids);
    status = clGetPlatformIDs(count, ids, NULL);
    if (status) {
        free(ids);
        return cl_fail(e, status, "clGetPlatformIDs", NULL);
    }
    *out = ids;
    *n = count;
    return ERR_OK;
}

enum err_code devices_get(cl_device_id **out, cl_uint *n, cl_platform_id platform, struct err *e)
{
    *out = NULL;
    *n = 0;
    cl_uint count = 0;
    cl_int status = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &count);
    if (status == CL_DEVICE_NOT_FOUND || (!status && count == 0)) {
        return ERR_OK;
    }
    if (status) {
        return cl_fail(e, status, "clGetDeviceIDs", NULL);
    }
    count = count < MAX_DEVICES ? count : MAX_DEVICES;
    cl_device_id *ids = xcalloc(count, sizeof *ids);
    status = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, ids, NULL);
    if (status) {
        free(ids);
        return cl_fail(e, status, "clGetDeviceIDs", NULL);
    }
    *out = ids;
    *n = count;
    return ERR_OK;
}

static void unusable(struct device_info *d, const char *why)
{
    if (!d->why_not[0]) {
        (void)str_clean(d->why_not, sizeof d->why_not, why);
    }
}

static void query_failed(struct device_info *d, const char *what, cl_int status)
{
    char text[128];
    (void)snprintf(text, sizeof text, "clGetDeviceInfo(%s): %s (%d)", what, cl_name(status), (int)status);
    unusable(d, text);
}

/* A device's text, cleaned and without the blanks that drivers put around names. */
static void get_text(struct device_info *info, cl_device_id id, cl_device_info what, const char *what_name, char *out,
                     size_t cap)
{
    char raw[1024];
    memset(raw, 0, sizeof raw);
    cl_int status = clGetDeviceInfo(id, what, sizeof raw - 1, raw, NULL);
    if (status) {
        query_failed(info, what_name, status);
        return;
    }
    const char *start = raw + strspn(raw, " ");
    size_t len = strlen(start);
    while (len > 0 && start[len - 1] == ' ') {
        len--;
    }
    raw[(size_t)(start - raw) + len] = '\0';
    (void)str_clean(out, cap, start);
}

static uint64_t get_number(struct device_info *info, cl_device_id id, cl_device_info what, const char *what_name,
                           size_t size)
{
    uint64_t wide = 0;
    uint32_t narrow = 0;
    void *into = size == sizeof narrow ? (void *)&narrow : (void *)&wide;
    cl_int status = clGetDeviceInfo(id, what, size, into, NULL);
    if (status) {
        query_failed(info, what_name, status);
        return 0;
    }
    return size == sizeof narrow ? narrow : wide;
}

#define GET_TEXT(info, id, what, field) get_text(info, id, what, #what, (info)->field, sizeof(info)->field)
#define GET_NUMBER(info, id, what, type) get_number(info, id, what, #what, sizeof(type))

static void check_usable(struct device_info *d, cl_device_id id)
{
    const char *note = NULL;
    if (quirk_flags(d->platform, d->name, d->driver, &note) & QUIRK_REFUSE) {
        unusable(d, note);
    }
    if (!GET_NUMBER(d, id, CL_DEVICE_AVAILABLE, cl_bool)) {
        unusable(d, "the driver says the device is not available");
    }
    if (!GET_NUMBER(d, id, CL_DEVICE_COMPILER_AVAILABLE, cl_bool)) {
        unusable(d, "its driver has no compiler for kernels");
    }
    if (!GET_NUMBER(d, id, CL_DEVICE_ENDIAN_LITTLE, cl_bool)) {
        unusable(d, "big-endian; little-endian is needed");
    }
    uint64_t fp = GET_NUMBER(d, id, CL_DEVICE_SINGLE_FP_CONFIG, cl_device_fp_config);
    if ((fp & (CL_FP_ROUND_TO_NEAREST | CL_FP_INF_NAN)) != (CL_FP_ROUND_TO_NEAREST | CL_FP_INF_NAN)) {
        unusable(d, "its floats lack rounding to nearest, infinity or NaN");
    }
    int major = 0, minor = 0;
    if (sscanf(d->cl_version, "OpenCL %d.%d", &major, &minor) != 2 || major < 1 || (major == 1 && minor < 2)) {
        unusable(d, "older than OpenCL 1.2");
    }
    if (d->memory_bytes < MIN_MEMORY) {
        unusable(d, "less than 64 MiB of memory");
    }
    d->usable = !d->why_not[0];
}

void device_describe(struct device_info *out, cl_platform_id platform, cl_device_id id)
{
    char raw[256];
    memset(raw, 0, sizeof raw);
    cl_int status = clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof raw - 1, raw, NULL);
    if (status) {
        query_failed(out, "CL_PLATFORM_NAME", status);
    }
    (void)str_clean(out->platform, sizeof out->platform, raw);
    GET_TEXT(out, id, CL_DEVICE_NAME, name);
    GET_TEXT(out, id, CL_DEVICE_VERSION, cl_version);
    GET_TEXT(out, id, CL_DRIVER_VERSION, driver);
    uint64_t type = GET_NUMBER(out, id, CL_DEVICE_TYPE, cl_device_type);
    const char *word = (type & CL_DEVICE_TYPE_GPU) ? "gpu" : (type & CL_DEVICE_TYPE_CPU) ? "cpu" : "accelerator";
    (void)str_copy(out->type, sizeof out->type, word);
    out->compute_units = (int)GET_NUMBER(out, id, CL_DEVICE_MAX_COMPUTE_UNITS, cl_uint);
    out->memory_bytes = GET_NUMBER(out, id, CL_DEVICE_GLOBAL_MEM_SIZE, cl_ulong);
    out->max_alloc_bytes = GET_NUMBER(out, id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, cl_ulong);
    out->local_bytes = GET_NUMBER(out, id, CL_DEVICE_LOCAL_MEM_SIZE, cl_ulong);
    check_usable(out, id);
}

/* Appends the devices of one platform. A platform that answers with an error is listed as one unusable device. */
static void list_platform(struct device_info **out, size_t *n, cl_platform_id platform, int platform_index)
{
    struct err why;
    cl_device_id *ids = NULL;
    cl_uint count = 0;
    enum err_code rc = devices_get(&ids, &count, platform, &why);
    size_t rows = rc ? 1 : count;
    if (rows == 0) {
        return;
    }
    *out = xreallocarray(*out, *n + rows, sizeof **out);
    for (size_t i = 0; i < rows; i++) {
        struct device_info *d = &(*out)[*n + i];
        memset(d, 0, sizeof *d);
        d->platform_index = platform_index;
        d->device_index = (int)i;
        if (rc) {
            unusable(d, why.text);
        } else {
            device_describe(d, platform, ids[i]);
        }
    }
    *n += rows;
    free(ids);
}

enum err_code device_list_icd(struct device_info **out, size_t *n, struct err *e)
{
    *out = NULL;
    *n = 0;
    cl_platform_id *platform = NULL;
    cl_uint platforms = 0;
    enum err_code rc = platforms_get(&platform, &platforms, e);
    for (cl_uint i = 0; !rc && i < platforms; i++) {
        list_platform(out, n, platform[i], (int)i);
    }
    free(platform);
    return rc;
}
