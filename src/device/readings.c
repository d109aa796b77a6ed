#include "vaetop/device/readings.h"

#include <dirent.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device_private.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"

/* --- which device */

/* Extensions' numbers, from the Khronos registry: cl_khr_pci_bus_info, cl_nv_device_attribute_query,
 * cl_amd_device_topology. */
#define PCI_BUS_INFO_KHR 0x410F
#define PCI_BUS_ID_NV 0x4008
#define PCI_SLOT_ID_NV 0x4009
#define PCI_DOMAIN_ID_NV 0x400A
#define TOPOLOGY_AMD 0x4037

const char *device_pci_address(char *buf, size_t cap, const struct device *d)
{
    cl_uint khr[4], bus, slot, domain = 0; /* khr: domain, bus, device, function */
    struct {
        cl_uint type; /* 1: PCIe */
        unsigned char unused[17], bus, device, function;
    } amd;
    buf[0] = '\0';
    if (!clGetDeviceInfo(d->id, PCI_BUS_INFO_KHR, sizeof khr, khr, NULL)) {
        (void)snprintf(buf, cap, "%04x:%02x:%02x.%x", khr[0], khr[1], khr[2], khr[3]);
    } else if (!clGetDeviceInfo(d->id, PCI_BUS_ID_NV, sizeof bus, &bus, NULL) &&
               !clGetDeviceInfo(d->id, PCI_SLOT_ID_NV, sizeof slot, &slot, NULL)) {
        if (clGetDeviceInfo(d->id, PCI_DOMAIN_ID_NV, sizeof domain, &domain, NULL)) {
            domain = 0; /* older drivers do not say */
        }
        (void)snprintf(buf, cap, "%04x:%02x:%02x.%x", domain, bus, slot >> 3, slot & 7);
    } else if (!clGetDeviceInfo(d->id, TOPOLOGY_AMD, sizeof amd, &amd, NULL) && amd.type == 1) {
        (void)snprintf(buf, cap, "0000:%02x:%02x.%x", amd.bus, amd.device, amd.function);
    }
    return buf;
}

/* --- NVML */

typedef void *nvml_device;
struct nvml_utilization {
    unsigned gpu, memory; /* % */
};
typedef int nvml_init_fn(void);
typedef int nvml_handle_fn(const char *pci, nvml_device *out);
typedef int nvml_number_fn(nvml_device d, unsigned *out);
typedef int nvml_temperature_fn(nvml_device d, int sensor, unsigned *out);
typedef int nvml_utilization_fn(nvml_device d, struct nvml_utilization *out);

struct meter {
    void *lib; /* NULL: no NVML, or it does not know the device */
    nvml_device device;
    nvml_init_fn *shutdown;
    nvml_temperature_fn *temperature;
    nvml_number_fn *power;
    nvml_utilization_fn *utilization;
    char *sys; /* the folder of the device in /sys; NULL: none */
    char *hwmon;
};

/* dlsym() gives an object's pointer for a function; POSIX says that this is how to take it. */
static void load(void *function, void *lib, const char *name)
{
    void *p = dlsym(lib, name);
    memcpy(function, &p, sizeof p);
}

static bool open_nvml(struct meter *m, const char *pci, const char *path)
{
    nvml_init_fn *init = NULL;
    nvml_handle_fn *handle = NULL;
    m->lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!m->lib) {
        return false;
    }
    load(&init, m->lib, "nvmlInit_v2");
    load(&handle, m->lib, "nvmlDeviceGetHandleByPciBusId_v2");
    load(&m->shutdown, m->lib, "nvmlShutdown");
    load(&m->temperature, m->lib, "nvmlDeviceGetTemperature");
    load(&m->power, m->lib, "nvmlDeviceGetPowerUsage");
    load(&m->utilization, m->lib, "nvmlDeviceGetUtilizationRates");
    if (init && handle && m->shutdown && init() == 0) {
        if (handle(pci, &m->device) == 0) {
            return true;
        }
        (void)m->shutdown();
    }
    (void)dlclose(m->lib);
    m->lib = NULL;
    return false;
}

static struct readings read_nvml(const struct meter *m)
{
    struct readings r = {(double)NAN, (double)NAN, (double)NAN};
    struct nvml_utilization u;
    unsigned v;
    if (m->temperature && m->temperature(m->device, 0, &v) == 0) {
        r.temperature_c = v;
    }
    if (m->power && m->power(m->device, &v) == 0) {
        r.power_w = v / 1000.0;
    }
    if (m->utilization && m->utilization(m->device, &u) == 0 && u.gpu <= 100) {
        r.load = u.gpu / 100.0;
    }
    return r;
}

/* --- amdgpu */

/* One number in a small file; NaN when it is not there. */
static double file_number(const char *dir, const char *name)
{
    char *path = fs_join(dir, name);
    FILE *f = fopen(path, "re"); /* sysfs files have no size that could be checked */
    char line[64] = "";
    double v = (double)NAN;
    if (f && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        v = str_to_f64(&v, line) ? v : (double)NAN;
    }
    if (f) {
        (void)fclose(f);
    }
    free(path);
    return v;
}

static void open_sys(struct meter *m, const char *pci, const char *root)
{
    char *dir = xasprintf("%s/bus/pci/devices/%s", root, pci);
    char *busy = fs_join(dir, "gpu_busy_percent");
    bool ours = fs_exists(busy);
    free(busy);
    if (!ours) {
        free(dir);
        return;
    }
    m->sys = dir;
    char *hwmon = fs_join(dir, "hwmon");
    DIR *d = opendir(hwmon);
    for (const struct dirent *f = d ? readdir(d) : NULL; f && !m->hwmon; f = readdir(d)) {
        if (str_starts(f->d_name, "hwmon")) {
            m->hwmon = fs_join(hwmon, f->d_name);
        }
    }
    if (d) {
        (void)closedir(d);
    }
    free(hwmon);
}

static struct readings read_sys(const struct meter *m)
{
    struct readings r = {(double)NAN, (double)NAN, file_number(m->sys, "gpu_busy_percent") / 100};
    if (m->hwmon) {
        r.temperature_c = file_number(m->hwmon, "temp1_input") / 1000;
        r.power_w = file_number(m->hwmon, "power1_average") / 1e6;
        if (isnan(r.power_w)) { /* newer chips have only this one */
            r.power_w = file_number(m->hwmon, "power1_input") / 1e6;
        }
    }
    return r;
}

/* --- either */

struct meter *meter_new(const char *pci, const struct meter_options *o)
{
    struct meter *m = xcalloc(1, sizeof *m);
    if (*pci && !open_nvml(m, pci, o && o->nvml ? o->nvml : "libnvidia-ml.so.1")) {
        open_sys(m, pci, o && o->sys ? o->sys : "/sys");
    }
    return m;
}

void meter_free(struct meter *m)
{
    if (m && m->lib) {
        (void)m->shutdown();
        (void)dlclose(m->lib);
    }
    if (m) {
        free(m->sys);
        free(m->hwmon);
        free(m);
    }
}

struct readings meter_read(struct meter *m)
{
    const struct readings nothing = {(double)NAN, (double)NAN, (double)NAN};
    return m->lib ? read_nvml(m) : m->sys ? read_sys(m) : nothing;
}
