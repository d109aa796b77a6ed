#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "device_private.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"
#include "vaetop/device/clerr.h"

/* A multiple of every CL_DEVICE_MEM_BASE_ADDR_ALIGN there is. */
#define GUARD_BYTES ((size_t)4096)
#define ZEROS_BYTES ((size_t)1 << 16)

static enum err_code refused(struct err *e, const struct device *d, const char *what, size_t bytes, const char *why)
{
    char asked[16], used[16], total[16], most[16];
    return err_set(e, ERR_DEVICE_MEM, "%s: %s of %s memory asked, %s (%s of %s in use, %s at most in one piece)", what,
                   str_bytes(asked, sizeof asked, bytes), d->info.name, why, str_bytes(used, sizeof used, d->bytes),
                   str_bytes(total, sizeof total, d->budget),
                   str_bytes(most, sizeof most, d->info.max_alloc_bytes));
}

static cl_int fill(struct device *d, cl_mem mem, unsigned char byte, size_t offset, size_t n)
{
    unsigned char pattern[16];
    memset(pattern, byte, sizeof pattern);
    busy_begin(d);
    if (!(d->quirks & QUIRK_NO_FILL)) {
        size_t both = offset | n;
        size_t unit = both % 16 == 0 ? 16 : both % 4 == 0 ? 4 : 1;
        return clEnqueueFillBuffer(d->queue, mem, pattern, unit, offset, n, 0, NULL, NULL);
    }
    cl_int status = CL_SUCCESS;
    void *host = xcalloc(ZEROS_BYTES, 1);
    memset(host, byte, ZEROS_BYTES);
    for (size_t done = 0; !status && done < n; done += ZEROS_BYTES) {
        size_t part = n - done < ZEROS_BYTES ? n - done : ZEROS_BYTES;
        status = clEnqueueWriteBuffer(d->queue, mem, CL_TRUE, offset + done, part, host, 0, NULL, NULL);
    }
    free(host);
    return status;
}

/* With VAETOP_CL_GUARD=1 a buffer is a window in a larger one whose edges are NaN: what reads them goes NaN, what
 * writes them is named by guards_check(). */
static cl_int allocate(struct buffer *b)
{
    cl_int status;
    size_t edge = b->device->guard ? GUARD_BYTES : 0;
    size_t body = edge ? (b->bytes + GUARD_BYTES - 1) / GUARD_BYTES * GUARD_BYTES : b->bytes;
    cl_mem whole = clCreateBuffer(b->device->context, CL_MEM_READ_WRITE, body + 2 * edge, NULL, &status);
    if (status || !edge) {
        b->mem = whole;
        return status;
    }
    cl_buffer_region window = {edge, b->bytes};
    b->whole = whole;
    b->whole_bytes = body + 2 * edge;
    b->mem = clCreateSubBuffer(whole, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &window, &status);
    return status ? status : fill(b->device, whole, 0xff, 0, b->whole_bytes);
}

static void link_in(struct buffer *b)
{
    struct device *d = b->device;
    b->next = d->buffers;
    if (b->next) {
        b->next->prev = b;
    }
    d->buffers = b;
    d->bytes += b->bytes;
}

enum err_code buffer_new(struct buffer **out, struct device *d, size_t bytes, const char *what, struct err *e)
{
    assert(bytes > 0);
    *out = NULL;
    if (bytes > d->info.max_alloc_bytes || d->bytes > d->budget || bytes > d->budget - d->bytes) {
        return refused(e, d, what, bytes, "more than there is");
    }
    struct buffer *b = xcalloc(1, sizeof *b);
    b->device = d;
    b->bytes = bytes;
    b->what = xstrdup(what);
    link_in(b);
    cl_int status = allocate(b);
    status = status ? status : fill(d, b->mem, 0, 0, bytes);
    if (status) {
        enum err_code rc = refused(e, d, what, bytes, cl_name(status));
        buffer_free(b);
        return rc;
    }
    /* Drivers allocate at first use: wait, so that memory that is not there is missed here and not in a step. */
    struct err why;
    if (queue_finish(d, what, &why)) {
        enum err_code rc = refused(e, d, what, bytes, why.text);
        buffer_free(b);
        return rc;
    }
    *out = b;
    return ERR_OK;
}

void buffer_free(struct buffer *b)
{
    if (!b) {
        return;
    }
    if (b->next) {
        b->next->prev = b->prev;
    }
    if (b->prev) {
        b->prev->next = b->next;
    } else {
        b->device->buffers = b->next;
    }
    b->device->bytes -= b->bytes;
    if (b->mem) {
        (void)clReleaseMemObject(b->mem);
    }
    if (b->whole) {
        (void)clReleaseMemObject(b->whole);
    }
    free(b->what);
    free(b);
}

size_t buffer_bytes(const struct buffer *b)
{
    return b->bytes;
}

static enum err_code check_range(const struct buffer *b, size_t offset, size_t n, struct err *e)
{
    if (offset > b->bytes || n > b->bytes - offset) {
        return err_set(e, ERR_CL, "buffer %s: bytes %zu to %zu asked, it has %zu", b->what, offset, offset + n,
                       b->bytes);
    }
    return ERR_OK;
}

/* Waits for a copy's event the way the driver wants to be waited for. */
static enum err_code copied(const struct buffer *b, cl_int status, const char *call, cl_event event, struct err *e)
{
    if (status) {
        return cl_fail(e, status, call, b->what);
    }
    enum err_code rc = ERR_OK;
    busy_end(b->device, event);
    if (b->device->quirks & QUIRK_SPIN_WAIT) {
        rc = queue_wait(b->device, event, b->what, e);
    } else {
        status = clWaitForEvents(1, &event);
        rc = status ? cl_fail(e, status, "clWaitForEvents", b->what) : ERR_OK;
    }
    (void)clReleaseEvent(event);
    return rc;
}

enum err_code buffer_write(struct buffer *b, size_t offset, const void *p, size_t n, struct err *e)
{
    enum err_code rc = check_range(b, offset, n, e);
    if (rc || n == 0) {
        return rc;
    }
    cl_event event = NULL;
    busy_begin(b->device);
    cl_int status = clEnqueueWriteBuffer(b->device->queue, b->mem, CL_FALSE, offset, n, p, 0, NULL, &event);
    return copied(b, status, "clEnqueueWriteBuffer", event, e);
}

enum err_code buffer_read(const struct buffer *b, size_t offset, void *p, size_t n, struct err *e)
{
    enum err_code rc = check_range(b, offset, n, e);
    if (rc || n == 0) {
        return rc;
    }
    cl_event event = NULL;
    busy_begin(b->device);
    cl_int status = clEnqueueReadBuffer(b->device->queue, b->mem, CL_FALSE, offset, n, p, 0, NULL, &event);
    rc = copied(b, status, "clEnqueueReadBuffer", event, e);
    return rc || !b->device->guard ? rc : guards_check(b->device, e);
}

enum err_code buffer_zero(struct buffer *b, size_t offset, size_t n, struct err *e)
{
    assert(offset % 4 == 0 && n % 4 == 0);
    enum err_code rc = check_range(b, offset, n, e);
    if (rc || n == 0) {
        return rc;
    }
    cl_int status = fill(b->device, b->mem, 0, offset, n);
    return status ? cl_fail(e, status, "clEnqueueFillBuffer", b->what) : ERR_OK;
}

static enum err_code check_edges(const struct buffer *b, unsigned char *host, struct err *e)
{
    cl_int status = clEnqueueReadBuffer(b->device->queue, b->whole, CL_TRUE, 0, b->whole_bytes, host, 0, NULL, NULL);
    if (status) {
        return cl_fail(e, status, "clEnqueueReadBuffer", b->what);
    }
    for (size_t i = 0; i < b->whole_bytes; i++) {
        bool inside = i >= GUARD_BYTES && i - GUARD_BYTES < b->bytes;
        if (!inside && host[i] != 0xff) {
            long long at = (long long)i - (long long)GUARD_BYTES;
            return err_set(e, ERR_CL, "buffer %s: a kernel wrote at byte %lld, it has %zu", b->what, at, b->bytes);
        }
    }
    return ERR_OK;
}

enum err_code guards_check(struct device *d, struct err *e)
{
    enum err_code rc = ERR_OK;
    for (const struct buffer *b = d->buffers; !rc && b; b = b->next) {
        if (b->whole) {
            unsigned char *host = xcalloc(b->whole_bytes, 1);
            rc = check_edges(b, host, e);
            free(host);
        }
    }
    return rc;
}
