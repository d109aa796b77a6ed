/* What is known of an OpenCL device without opening it; filled by the probe worker, read by engine and screens. */
#ifndef VAETOP_CONF_DEVICE_INFO_H
#define VAETOP_CONF_DEVICE_INFO_H

#include <stdbool.h>
#include <stdint.h>

/* What `vaetop devices` shows. Texts are cleaned. */
struct device_info {
    char platform[128], name[128], type[16]; /* type: "cpu", "gpu", "accelerator"; "" for a driver that broke */
    char cl_version[64], driver[64];
    char icd[256];                    /* the .icd file it came from; a worker is started with that one alone */
    int platform_index, device_index; /* within that ICD's platforms */
    int compute_units;
    uint64_t memory_bytes, max_alloc_bytes, local_bytes;
    bool usable;
    char why_not[256];
};

#endif
