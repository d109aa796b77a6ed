#include <stddef.h>
#include <time.h>

#include "device_private.h"
#include "vaetop/base/clock.h"
#include "vaetop/device/clerr.h"

#define NAP_MIN_NS 20000
#define NAP_MAX_NS 2000000

static void nap(int64_t ns)
{
    struct timespec t = {.tv_sec = 0, .tv_nsec = (long)ns};
    (void)nanosleep(&t, NULL);
}

static int64_t clamp(int64_t ns)
{
    return ns < NAP_MIN_NS ? NAP_MIN_NS : ns > NAP_MAX_NS ? NAP_MAX_NS : ns;
}

/* The first nap is half of the last wait, later ones are short: little is lost and no core burns. */
enum err_code queue_wait(struct device *d, cl_event event, const char *what, struct err *e)
{
    int64_t start = clock_mono_ns();
    int64_t length = clamp(d->last_wait_ns / 2);
    cl_int state = CL_QUEUED;
    cl_int status = clFlush(d->queue);
    while (!status) {
        status = clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL);
        if (status || state <= CL_COMPLETE) {
            break;
        }
        nap(length);
        length = clamp(length / 2);
    }
    d->last_wait_ns = clock_mono_ns() - start;
    status = status ? status : state;
    return status < 0 ? cl_fail(e, status, "clGetEventInfo", what) : ERR_OK;
}

void device_flush(struct device *d)
{
    (void)clFlush(d->queue);
}

enum err_code queue_finish(struct device *d, const char *what, struct err *e)
{
    cl_event event = NULL;
    cl_int status = clEnqueueMarkerWithWaitList(d->queue, 0, NULL, &event);
    if (status) {
        return cl_fail(e, status, "clEnqueueMarkerWithWaitList", what);
    }
    busy_end(d, event);
    enum err_code rc = ERR_OK;
    if (d->quirks & QUIRK_SPIN_WAIT) {
        rc = queue_wait(d, event, what, e);
    } else {
        status = clFinish(d->queue);
        rc = status ? cl_fail(e, status, "clFinish", what) : ERR_OK;
    }
    (void)clReleaseEvent(event);
    return rc;
}

enum err_code device_finish(struct device *d, struct err *e)
{
    enum err_code rc = queue_finish(d, d->info.name, e);
    return rc || !d->guard ? rc : guards_check(d, e);
}
