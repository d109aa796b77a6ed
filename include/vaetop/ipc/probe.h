/* Devices and diagnosis, found without loading any driver into this process: one short-lived worker per ICD file with
 * a 10 s limit, so that a broken driver hides nobody else. */
#ifndef VAETOP_IPC_PROBE_H
#define VAETOP_IPC_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "vaetop/base/err.h"
#include "vaetop/conf/device_info.h"

struct probe {
    struct device_info *device; /* in the order of their index on the command line: ICD file name, platform, device */
    size_t n;
    char **advice; /* one line each: what is missing or broken on this machine, and the command that mends it */
    size_t n_advice;
};
/* Looks in OCL_ICD_VENDORS (a folder, an .icd file or a library), else in /etc/OpenCL/vendors. A driver that crashes,
 * hangs or answers nonsense is listed as one device that is not usable, with the reason.
 * Errors: IO (the worker program is missing). A machine without devices is not an error. Owns: probe_release(). */
WUR enum err_code probe_devices(struct probe *out, struct err *e);
void probe_release(struct probe *p);

/* The same with everything it looks at in the caller's hand, for tests. Zero or NULL: as probe_devices(). */
struct probe_options {
    const char *vendors;      /* instead of OCL_ICD_VENDORS and /etc/OpenCL/vendors */
    const char *worker;       /* path of vaetop-worker */
    int timeout_ms;           /* for each driver */
    const char *root;         /* put before every path of the diagnosis */
    const char *capabilities; /* instead of the environment's NVIDIA_DRIVER_CAPABILITIES */
    bool (*may_use)(const char *path); /* instead of access(path, R_OK | W_OK) */
};
WUR enum err_code probe_with(struct probe *out, const struct probe_options *o, struct err *e);

/* Runs the full self-test of a device in a worker of its own; *seconds (may be NULL) says how long it took.
 * Errors: NODEVICE (it failed, crashed or did not end in time: why), IO. */
WUR enum err_code probe_self_test(const struct device_info *d, double *seconds, struct err *e);

/* The same for a poll loop: start it; when its descriptor is readable, and now and then for its time limit, ask whether
 * it has ended; then take the result, which frees it. */
struct self_test;
WUR enum err_code self_test_start(struct self_test **out, const struct device_info *d, struct err *e);
int self_test_fd(const struct self_test *t);
bool self_test_ended(struct self_test *t);
WUR enum err_code self_test_result(struct self_test *t, double *seconds, struct err *e);

/* Adds the advice lines for this machine to out; out->device is known already. */
void probe_diagnose(struct probe *out, const struct probe_options *o);

/* Indices chosen by a --device text: comma-separated index, "platform:device", part of a name, cpu, gpu, all; NULL or
 * "": every usable GPU, else the CPU. Platforms are counted over all drivers, in the order of the list.
 * Owns: caller frees *index. Errors: NODEVICE (nothing matches: lists what there is; or what matches is not usable:
 * why). */
WUR enum err_code probe_choose(size_t **index, size_t *n, const struct probe *p, const char *text, struct err *e);

/* "0:1" as probe_choose() understands it. Returns buf. cap >= 32. */
const char *probe_address(char *buf, size_t cap, const struct probe *p, size_t index);

#endif
