#include "device_private.h"

#include <string.h>

/* Parts of names; NULL matches everything. Each row says where the knowledge comes from; a row goes when the oldest
 * driver we meet no longer needs it. */
struct quirk_row {
    const char *platform, *device, *driver;
    unsigned flags;
    const char *note;
};

static const struct quirk_row rows[] = {
    /* Source: https://github.com/openmm/openmm/issues/1541 */
    {"NVIDIA CUDA", NULL, NULL, QUIRK_SPIN_WAIT, NULL},
    /* Source: https://github.com/intel/compute-runtime/issues/343 and 363 */
    {"Intel(R) OpenCL", "Graphics", NULL, QUIRK_SPIN_WAIT, NULL},
    {"Intel(R) OpenCL HD Graphics", NULL, NULL, QUIRK_SPIN_WAIT, NULL},
    /* Source: darktable, src/common/opencl_drivers_blacklist.h: beignet gives wrong results */
    {"beignet", NULL, NULL, QUIRK_REFUSE, "beignet computes wrong results; install intel-opencl-icd"},
    {"Intel Gen OCL Driver", NULL, NULL, QUIRK_REFUSE, "beignet computes wrong results; install intel-opencl-icd"},
    /* Source: darktable, the same list; Mesa removed clover in 25.2: compilers crash, no images */
    {"Clover", NULL, NULL, QUIRK_REFUSE, "Mesa's clover crashes on real kernels; use rusticl or ROCm"},
};

static bool part_of(const char *part, const char *text)
{
    return !part || strstr(text, part) != NULL;
}

unsigned quirk_flags(const char *platform, const char *device, const char *driver, const char **note)
{
    unsigned flags = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct quirk_row *r = &rows[i];
        if (!part_of(r->platform, platform) || !part_of(r->device, device) || !part_of(r->driver, driver)) {
            continue;
        }
        flags |= r->flags;
        if (r->flags & QUIRK_REFUSE) {
            *note = r->note;
        }
    }
    return flags;
}
