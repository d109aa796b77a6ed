/* NVML with one device, 0000:3b:00.0. FAKE_NVML: no-driver (the library is there, its driver is not), no-power. */
#include <stdlib.h>
#include <string.h>

#define NOT_SUPPORTED 3
#define NOT_FOUND 6
#define DRIVER_NOT_LOADED 9

struct utilization {
    unsigned gpu, memory;
};

static int is(const char *what)
{
    const char *v = getenv("FAKE_NVML");
    return v && strcmp(v, what) == 0;
}

static int device;

int nvmlInit_v2(void)
{
    return is("no-driver") ? DRIVER_NOT_LOADED : 0;
}

int nvmlShutdown(void)
{
    return 0;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *pci, void **out)
{
    *out = &device;
    return strcmp(pci, "0000:3b:00.0") == 0 ? 0 : NOT_FOUND;
}

int nvmlDeviceGetTemperature(void *d, int sensor, unsigned *out)
{
    *out = 71;
    return d == &device && sensor == 0 ? 0 : NOT_FOUND;
}

int nvmlDeviceGetPowerUsage(void *d, unsigned *out)
{
    *out = 318250;
    return is("no-power") ? NOT_SUPPORTED : d == &device ? 0 : NOT_FOUND;
}

int nvmlDeviceGetUtilizationRates(void *d, struct utilization *out)
{
    *out = (struct utilization){82, 40};
    return d == &device ? 0 : NOT_FOUND;
}
