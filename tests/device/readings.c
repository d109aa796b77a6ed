/* Temperature, power and load against a made-up NVML and a made-up /sys. */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/fs.h"
#include "vaetop/device/readings.h"

int readings_tests(void);

static const char pci[] = "0000:3b:00.0";

static void assert_nothing(const struct readings *r)
{
    assert_true(isnan(r->temperature_c));
    assert_true(isnan(r->power_w));
    assert_true(isnan(r->load));
}

static struct readings read_once(const char *address, const char *nvml, const char *sys)
{
    struct meter *m = meter_new(address, &(struct meter_options){nvml, sys});
    struct readings r = meter_read(m);
    meter_free(m);
    return r;
}

static char *fake_nvml(void)
{
    const char *build = getenv("VAETOP_BUILD");
    assert_non_null(build);
    return fs_join(build, "tests/libfake_nvml.so");
}

static void nvml_is_asked_for_the_device_on_that_bus(void **state)
{
    (void)state;
    char *lib = fake_nvml();
    (void)unsetenv("FAKE_NVML");
    struct readings r = read_once(pci, lib, temp_dir());
    assert_close(r.temperature_c, 71, 0, 0);
    assert_close(r.power_w, 318.25, 1e-12, 0);
    assert_close(r.load, 0.82, 1e-12, 0);
    r = read_once("0000:5e:00.0", lib, temp_dir()); /* not one of its */
    assert_nothing(&r);
    free(lib);
}

static void what_nvml_refuses_is_unknown_and_the_rest_is_not(void **state)
{
    (void)state;
    char *lib = fake_nvml();
    (void)setenv("FAKE_NVML", "no-power", 1);
    struct readings r = read_once(pci, lib, temp_dir());
    assert_close(r.temperature_c, 71, 0, 0);
    assert_true(isnan(r.power_w));
    (void)setenv("FAKE_NVML", "no-driver", 1);
    r = read_once(pci, lib, temp_dir());
    assert_nothing(&r);
    (void)unsetenv("FAKE_NVML");
    free(lib);
}

static void put(const char *dir, const char *name, const char *text)
{
    struct err e;
    char *path = fs_join(dir, name);
    assert_ok(fs_write(path, text, strlen(text), &e), &e);
    free(path);
}

static void amdgpu_is_read_from_its_files(void **state)
{
    (void)state;
    struct err e;
    const char *sys = temp_dir();
    char *dir = fs_join(sys, "bus/pci/devices/0000:3b:00.0");
    char *hwmon = fs_join(dir, "hwmon/hwmon4");
    assert_ok(fs_mkdirs(hwmon, &e), &e);
    struct readings r = read_once(pci, "libno-such-nvml.so", sys);
    assert_nothing(&r); /* a card of somebody else's */
    put(dir, "gpu_busy_percent", "37\n");
    put(hwmon, "temp1_input", "54000\n");
    put(hwmon, "power1_input", "98000000\n");
    r = read_once(pci, "libno-such-nvml.so", sys);
    assert_close(r.load, 0.37, 1e-12, 0);
    assert_close(r.temperature_c, 54, 1e-12, 0);
    assert_close(r.power_w, 98, 1e-12, 0);
    put(hwmon, "power1_average", "91500000\n");
    put(dir, "gpu_busy_percent", "not a number\n");
    r = read_once(pci, "libno-such-nvml.so", sys);
    assert_close(r.power_w, 91.5, 1e-12, 0);
    assert_true(isnan(r.load));
    free(hwmon);
    free(dir);
}

static void a_cpu_has_no_readings(void **state)
{
    (void)state;
    struct device *d;
    struct err e;
    char address[16];
    char *lib = fake_nvml();
    assert_ok(device_open(&d, 0, 0, NULL, &e), &e);
    if (device_is_cpu(d)) {
        assert_string_equal(device_pci_address(address, sizeof address, d), "");
    }
    device_close(d);
    struct readings r = read_once("", lib, temp_dir());
    assert_nothing(&r);
    free(lib);
}

int readings_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nvml_is_asked_for_the_device_on_that_bus),
        cmocka_unit_test(what_nvml_refuses_is_unknown_and_the_rest_is_not),
        cmocka_unit_test(amdgpu_is_read_from_its_files),
        cmocka_unit_test(a_cpu_has_no_readings),
    };
    return cmocka_run_group_tests_name("readings", tests, NULL, NULL);
}
