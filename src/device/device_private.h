/* What the files of the device layer share: the open device, the quirks, the kernel sources. */
#ifndef VAETOP_DEVICE_PRIVATE_H
#define VAETOP_DEVICE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include "vaetop/base/err.h"
#include "vaetop/conf/device_info.h"
#include "vaetop/device/device.h"

/* Oddities of drivers, from the table in quirk.c. */
enum quirk {
    QUIRK_SPIN_WAIT = 1 << 0, /* clFinish and clWaitForEvents burn a core: poll the event with naps instead */
    QUIRK_REFUSE = 1 << 1,    /* computes wrong numbers or crashes: not usable */
    QUIRK_NO_FILL = 1 << 2    /* clEnqueueFillBuffer is broken: write zeros from the host */
};
/* Flags of a device; *note is the table's reason for QUIRK_REFUSE (static), else untouched. */
unsigned quirk_flags(const char *platform, const char *device, const char *driver, const char **note);

/* How long our queue held work, by the device's own clock; busy.c. */
#define STRETCHES 64
struct busy {
    cl_command_queue clock; /* holds markers only, and is the profiled one; NULL: no event times */
    cl_event first;         /* start of the stretch in which the queue has had work; NULL: idle */
    cl_event begun[STRETCHES], ended[STRETCHES];
    int n;
    double ns; /* of read stretches since the last device_busy() */
    int64_t asked_ns;
};

struct device {
    cl_platform_id platform;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    struct device_info info;
    bool cpu;
    bool sync;           /* VAETOP_CL_SYNC=1: finish after every launch, so that the guilty one is named */
    unsigned quirks;
    uint64_t bytes;      /* in buffers now */
    uint64_t budget;     /* most that they may be */
    struct buffer *gemm_temp; /* of CLBlast; NULL: none needed yet */
    uint64_t source_hash;
    struct busy busy;
    int64_t last_wait_ns; /* how long the last wait took */
    bool guard;             /* VAETOP_CL_GUARD=1: buffers have edges of NaN that device_finish() checks */
    struct buffer *buffers; /* all that are alive */
};

struct buffer {
    struct device *device;
    cl_mem mem;
    size_t bytes;
    char *what;
    cl_mem whole; /* with the edges; NULL without VAETOP_CL_GUARD */
    size_t whole_bytes;
    struct buffer *next, *prev;
};

/* Errors: CL (a kernel wrote outside of a buffer, which is named). */
WUR enum err_code guards_check(struct device *d, struct err *e);

/* Before work is queued; once the last of it is, with its event. Neither waits, and neither fails: a driver that gives
 * no event times is said so in the log, and device_busy() is NaN from then on. */
void busy_open(struct device *d);
void busy_begin(struct device *d);
void busy_end(struct device *d, cl_event last);
void busy_close(struct device *d);
/* Waits for one event with naps. what names the waited-for thing in errors. Errors: CL. */
WUR enum err_code queue_wait(struct device *d, cl_event event, const char *what, struct err *e);
/* Waits for all that is queued. Errors: CL. */
WUR enum err_code queue_finish(struct device *d, const char *what, struct err *e);

/* Fills info for one device; usable and why_not too. Errors: never; a query that fails makes it unusable. */
void device_describe(struct device_info *out, cl_platform_id platform, cl_device_id id);

/* Platforms and devices by index, as listed. Errors: NODEVICE, CL. */
WUR enum err_code platforms_get(cl_platform_id **out, cl_uint *n, struct err *e);
WUR enum err_code devices_get(cl_device_id **out, cl_uint *n, cl_platform_id platform, struct err *e);

/* The kernel files in the order of compilation, from the program or from the folder in VAETOP_CL_DIR. */
struct sources {
    size_t n;
    char **name;
    char **text; /* "#line 1 \"name\"\n" and the file */
    size_t *len;
};
WUR enum err_code sources_load(struct sources *out, struct err *e);
void sources_release(struct sources *s);

/* Builds d->program and sets d->source_hash. Errors: CL, CL_BUILD. */
WUR enum err_code program_build(struct device *d, const char *build_log_dir, struct err *e);

#endif
