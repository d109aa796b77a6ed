/* What the driver says of a whole device: temperature, power, load. NVIDIA's through NVML, which is loaded at run time
 * and never linked; AMD's through the files of amdgpu. Nothing is estimated: what is not said is NaN.
 * Sources: NVML API reference (nvmlDeviceGetTemperature, nvmlDeviceGetPowerUsage in mW, nvmlDeviceGetUtilizationRates
 * in %); the kernel's Documentation/gpu/amdgpu/thermal.rst and Documentation/hwmon/sysfs-interface.rst (millidegrees,
 * microwatts). */
#ifndef VAETOP_DEVICE_READINGS_H
#define VAETOP_DEVICE_READINGS_H

#include <stddef.h>

#include "vaetop/device/device.h"

struct readings {
    double temperature_c, power_w, load; /* load: 0..1 */
};

/* "0000:3b:00.0" of a device on a PCI bus; "" when the driver does not say, as for CPUs. Returns buf. cap >= 16. */
const char *device_pci_address(char *buf, size_t cap, const struct device *d);

/* Where to look; NULL: the system's own (libnvidia-ml.so.1, /sys). */
struct meter_options {
    const char *nvml, *sys;
};
struct meter;
/* Never fails: a meter that finds nobody to ask reads NaN. pci "": there is nobody. Owns: meter_free(). */
struct meter *meter_new(const char *pci, const struct meter_options *o);
void meter_free(struct meter *m);
struct readings meter_read(struct meter *m);

#endif
