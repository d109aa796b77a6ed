/* Devices and diagnosis, found without loading any driver into this process: one short-lived worker per ICD file with
 * a 10 s limit, so that a broken driver hides nobody else. */
#ifndef VAETOP_IPC_PROBE_H
#define VAETOP_IPC_PROBE_H

#include <stddef.h>

#include "vaetop/base/err.h"
#include "vaetop/conf/device_info.h"

struct probe {
    struct device_info *device; /* in the order of their index on the command line: by ICD file name, platform, device */
    size_t n;
    char **advice; /* one line each: what is missing or broken on this machine, and the command that mends it */
    size_t n_advice;
};
/* Errors: IO (the worker program is missing). A machine without devices is not an error. Owns: probe_release(). */
WUR enum err_code probe_devices(struct probe *out, struct err *e);
void probe_release(struct probe *p);

/* Indices chosen by a --device text: comma-separated index, "platform:device", part of a name, cpu, gpu, all; NULL or
 * "": every usable GPU, else the CPU. Owns: caller frees *index. Errors: NODEVICE (nothing matches: lists what there
 * is; or the match is not usable: why). */
WUR enum err_code probe_choose(size_t **index, size_t *n, const struct probe *p, const char *text, struct err *e);

#endif
