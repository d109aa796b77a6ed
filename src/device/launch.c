#include <stdio.h>
#include <stdlib.h>

#include "device_private.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"
#include "vaetop/device/clerr.h"

struct launch {
    struct device *device;
    cl_kernel kernel;
    char name[64];
    cl_int bad_status; /* of the first argument that was refused; 0: none */
    int bad_arg;
};

enum err_code launch_new(struct launch **out, struct device *d, const char *kernel, struct err *e)
{
    *out = NULL;
    if (!d->program) {
        return err_set(e, ERR_CL, "clCreateKernel(%s): this build has no kernels", kernel);
    }
    cl_int status;
    cl_kernel k = clCreateKernel(d->program, kernel, &status);
    if (status) {
        return cl_fail(e, status, "clCreateKernel", kernel);
    }
    struct launch *l = xcalloc(1, sizeof *l);
    l->device = d;
    l->kernel = k;
    (void)str_copy(l->name, sizeof l->name, kernel);
    *out = l;
    return ERR_OK;
}

void launch_free(struct launch *l)
{
    if (l) {
        (void)clReleaseKernel(l->kernel);
        free(l);
    }
}

static void set(struct launch *l, int arg, size_t n, const void *p)
{
    cl_int status = clSetKernelArg(l->kernel, (cl_uint)arg, n, p);
    if (status && !l->bad_status) {
        l->bad_status = status;
        l->bad_arg = arg;
    }
}

void launch_buffer(struct launch *l, int arg, const struct buffer *b)
{
    set(l, arg, sizeof b->mem, b ? &b->mem : NULL);
}

void launch_int(struct launch *l, int arg, int v)
{
    cl_int value = v;
    set(l, arg, sizeof value, &value);
}

void launch_uint(struct launch *l, int arg, unsigned v)
{
    cl_uint value = v;
    set(l, arg, sizeof value, &value);
}

void launch_float(struct launch *l, int arg, float v)
{
    set(l, arg, sizeof v, &v);
}

void launch_bytes(struct launch *l, int arg, const void *p, size_t n)
{
    set(l, arg, n, p);
}

void launch_local(struct launch *l, int arg, size_t bytes)
{
    set(l, arg, bytes, NULL);
}

enum err_code launch_run(struct launch *l, const size_t global[3], const size_t local[3], struct err *e)
{
    struct device *d = l->device;
    if (l->bad_status) {
        return err_set(e, ERR_CL, "clSetKernelArg(%s, argument %d): %s (%d)", l->name, l->bad_arg,
                       cl_name(l->bad_status), (int)l->bad_status);
    }
    bool any = local && (local[0] | local[1] | local[2]) != 0;
    busy_begin(d);
    cl_int status = clEnqueueNDRangeKernel(d->queue, l->kernel, 3, NULL, global, any ? local : NULL, 0, NULL, NULL);
    if (status) {
        return cl_fail(e, status, "clEnqueueNDRangeKernel", l->name);
    }
    return d->sync ? queue_finish(d, l->name, e) : ERR_OK;
}
