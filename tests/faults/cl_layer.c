/* LD_PRELOAD'ed into the worker: an OpenCL driver with a fault. Counts the calls of one function and lets them fail or
 * hang; everything else goes to the real library.
 *
 *   VAETOP_CL_FAULT        CALL:N:WHAT[+]   CALL: buffer, launch, build, read, write, finish, context, event, clock
 *                          N: the N-th such call of a process; with + that one and all after it
 *                          WHAT: an OpenCL error code such as -4, or hang (the call never returns), or abort
 *   VAETOP_CL_FAULT_ONCE   a file: the first process that takes it away (unlinks it) has the fault, nobody else
 *   VAETOP_CL_DRIVER       what the driver says its version is
 *   VAETOP_CL_AS_CPU       any value: every device says that it is a CPU */
#define _GNU_SOURCE
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    bool ready, on, mine, tried, stay, hang, abort;
    char call[32];
    long n, count;
    cl_int code;
    const char *once;
} f;

static void setup(void)
{
    char text[64];
    const char *plan = getenv("VAETOP_CL_FAULT");
    f.ready = true;
    if (!plan) {
        return;
    }
    snprintf(text, sizeof text, "%s", plan);
    char *call = strtok(text, ":"), *n = strtok(NULL, ":"), *what = strtok(NULL, ":");
    if (!call || !n || !what) {
        return;
    }
    snprintf(f.call, sizeof f.call, "%s", call);
    f.n = atol(n);
    f.hang = strncmp(what, "hang", 4) == 0;
    f.abort = strncmp(what, "abort", 5) == 0;
    f.code = (cl_int)atol(what);
    f.stay = what[strlen(what) - 1] == '+';
    f.once = getenv("VAETOP_CL_FAULT_ONCE");
    f.on = true;
}

/* CL_SUCCESS, or the code with which this call shall fail. */
static cl_int struck(const char *call)
{
    if (!f.ready) {
        setup();
    }
    if (!f.on || strcmp(call, f.call) != 0) {
        return CL_SUCCESS;
    }
    f.count++;
    if (f.count != f.n && !(f.stay && f.count > f.n)) {
        return CL_SUCCESS;
    }
    if (f.once && !f.tried) {
        f.tried = true;
        f.mine = unlink(f.once) == 0;
    }
    if (f.once && !f.mine) {
        return CL_SUCCESS;
    }
    if (f.abort) {
        abort();
    }
    while (f.hang) {
        pause();
    }
    return f.code;
}

#define REAL(name)                                          \
    static __typeof__(&name) real;                          \
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name)
#define POINTER(call)                                       \
    cl_int bad = struck(call);                              \
    if (bad) {                                              \
        if (code) *code = bad;                              \
        return NULL;                                        \
    }

cl_mem clCreateBuffer(cl_context c, cl_mem_flags flags, size_t n, void *p, cl_int *code)
{
    REAL(clCreateBuffer);
    POINTER("buffer")
    return real(c, flags, n, p, code);
}

cl_context clCreateContext(const cl_context_properties *p, cl_uint n, const cl_device_id *d,
                           void(CL_CALLBACK *fn)(const char *, const void *, size_t, void *), void *arg, cl_int *code)
{
    REAL(clCreateContext);
    POINTER("context")
    return real(p, n, d, fn, arg, code);
}

/* "clock" is a queue whose events have times. */
cl_command_queue clCreateCommandQueue(cl_context c, cl_device_id d, cl_command_queue_properties p, cl_int *code)
{
    REAL(clCreateCommandQueue);
    if (p & CL_QUEUE_PROFILING_ENABLE) {
        POINTER("clock")
    }
    return real(c, d, p, code);
}

cl_int clBuildProgram(cl_program p, cl_uint n, const cl_device_id *d, const char *options,
                      void(CL_CALLBACK *fn)(cl_program, void *), void *arg)
{
    REAL(clBuildProgram);
    cl_int bad = struck("build");
    return bad ? bad : real(p, n, d, options, fn, arg);
}

cl_int clEnqueueNDRangeKernel(cl_command_queue q, cl_kernel k, cl_uint dim, const size_t *offset, const size_t *global,
                              const size_t *local, cl_uint n, const cl_event *wait, cl_event *event)
{
    REAL(clEnqueueNDRangeKernel);
    cl_int bad = struck("launch");
    return bad ? bad : real(q, k, dim, offset, global, local, n, wait, event);
}

cl_int clEnqueueReadBuffer(cl_command_queue q, cl_mem m, cl_bool block, size_t at, size_t n, void *p, cl_uint nw,
                           const cl_event *wait, cl_event *event)
{
    REAL(clEnqueueReadBuffer);
    cl_int bad = struck("read");
    return bad ? bad : real(q, m, block, at, n, p, nw, wait, event);
}

cl_int clEnqueueWriteBuffer(cl_command_queue q, cl_mem m, cl_bool block, size_t at, size_t n, const void *p, cl_uint nw,
                            const cl_event *wait, cl_event *event)
{
    REAL(clEnqueueWriteBuffer);
    cl_int bad = struck("write");
    return bad ? bad : real(q, m, block, at, n, p, nw, wait, event);
}

cl_int clFinish(cl_command_queue q)
{
    REAL(clFinish);
    cl_int bad = struck("finish");
    return bad ? bad : real(q);
}

cl_int clWaitForEvents(cl_uint n, const cl_event *event)
{
    REAL(clWaitForEvents);
    cl_int bad = struck("event");
    return bad ? bad : real(n, event);
}

cl_int clGetDeviceInfo(cl_device_id d, cl_device_info what, size_t n, void *out, size_t *size)
{
    REAL(clGetDeviceInfo);
    const char *version = getenv("VAETOP_CL_DRIVER");
    if (what == CL_DEVICE_TYPE && getenv("VAETOP_CL_AS_CPU") && out && n >= sizeof(cl_device_type)) {
        *(cl_device_type *)out = CL_DEVICE_TYPE_CPU;
        if (size) *size = sizeof(cl_device_type);
        return CL_SUCCESS;
    }
    if (what != CL_DRIVER_VERSION || !version) {
        return real(d, what, n, out, size);
    }
    if (size) *size = strlen(version) + 1;
    if (out && n <= strlen(version)) return CL_INVALID_VALUE;
    if (out) strcpy(out, version);
    return CL_SUCCESS;
}
