#include <math.h>
#include <stddef.h>

#include "device_private.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/log.h"
#include "vaetop/device/clerr.h"

/* A profiled queue makes every launch slower on some drivers (https://github.com/CHIP-SPV/chipStar/pull/814), so ours is
 * not one. A second queue is, and it holds nothing but markers that wait for events of ours: one at the start and one at
 * the end of every stretch of work. */

static void let_go(cl_event *event)
{
    if (*event) {
        (void)clReleaseEvent(*event);
    }
    *event = NULL;
}

void busy_close(struct device *d)
{
    struct busy *b = &d->busy;
    for (int i = 0; i < b->n; i++) {
        let_go(&b->begun[i]);
        let_go(&b->ended[i]);
    }
    b->n = 0;
    let_go(&b->first);
    if (b->clock) {
        (void)clReleaseCommandQueue(b->clock);
    }
    b->clock = NULL;
}

static void give_up(struct device *d, const char *call, cl_int status)
{
    log_warn("%s gives no times of events (%s: %s), so its busy share is unknown", d->info.name, call, cl_name(status));
    busy_close(d);
}

void busy_open(struct device *d)
{
    cl_int status;
    d->busy.asked_ns = clock_mono_ns();
    d->busy.clock = clCreateCommandQueue(d->context, d->id, CL_QUEUE_PROFILING_ENABLE, &status);
    if (status) {
        d->busy.clock = NULL;
        give_up(d, "clCreateCommandQueue", status);
    }
}

/* A mark on the clock when `after` is complete. NULL: there is no clock any more. */
static cl_event mark(struct device *d, cl_event after)
{
    cl_event event = NULL;
    cl_int status = clEnqueueMarkerWithWaitList(d->busy.clock, 1, &after, &event);
    if (status) {
        give_up(d, "clEnqueueMarkerWithWaitList", status);
        return NULL;
    }
    return event;
}

static cl_int time_of(cl_ulong *ns, cl_event event)
{
    return clGetEventProfilingInfo(event, CL_PROFILING_COMMAND_END, sizeof *ns, ns, NULL);
}

/* Adds up the stretches that have ended. */
static void read_stretches(struct device *d)
{
    struct busy *b = &d->busy;
    cl_int status = clFinish(b->clock);
    for (int i = 0; !status && i < b->n; i++) {
        cl_ulong from = 0, to = 0;
        status = time_of(&from, b->begun[i]);
        status = status ? status : time_of(&to, b->ended[i]);
        status = status ? status : from == 0 || to < from ? CL_PROFILING_INFO_NOT_AVAILABLE : CL_SUCCESS;
        b->ns += status ? 0 : (double)(to - from);
    }
    if (status) {
        give_up(d, "clGetEventProfilingInfo", status);
        return;
    }
    for (int i = 0; i < b->n; i++) {
        let_go(&b->begun[i]);
        let_go(&b->ended[i]);
    }
    b->n = 0;
}

void busy_begin(struct device *d)
{
    struct busy *b = &d->busy;
    if (!b->clock || b->first) {
        return;
    }
    cl_event gate = NULL;
    cl_int status = clEnqueueMarkerWithWaitList(d->queue, 0, NULL, &gate);
    if (status) {
        give_up(d, "clEnqueueMarkerWithWaitList", status);
        return;
    }
    b->first = mark(d, gate);
    let_go(&gate);
}

void busy_end(struct device *d, cl_event last)
{
    struct busy *b = &d->busy;
    cl_event end = b->first ? mark(d, last) : NULL;
    if (!end) {
        return;
    }
    b->begun[b->n] = b->first;
    b->ended[b->n++] = end;
    b->first = NULL;
    if (b->n == STRETCHES) {
        read_stretches(d);
    }
}

double device_busy(struct device *d)
{
    struct busy *b = &d->busy;
    if (b->first) { /* what is queued ends the stretch: what comes later is another */
        cl_event last = NULL;
        cl_int status = clEnqueueMarkerWithWaitList(d->queue, 0, NULL, &last);
        if (status) {
            give_up(d, "clEnqueueMarkerWithWaitList", status);
        } else {
            (void)clFlush(d->queue);
            busy_end(d, last);
            let_go(&last);
        }
    }
    if (b->clock && b->n > 0) {
        read_stretches(d);
    }
    int64_t now = clock_mono_ns();
    double interval = (double)(now - b->asked_ns);
    double share = b->clock && interval > 0 ? fmin(b->ns / interval, 1) : (double)NAN;
    b->asked_ns = now;
    b->ns = 0;
    return share;
}
