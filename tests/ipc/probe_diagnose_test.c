/* Each trouble built in a temporary folder that stands for /. */
#include "check.h"

#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"
#include "vaetop/ipc/probe.h"

static void put(const char *root, const char *path, const char *text)
{
    struct err e;
    char *full = xasprintf("%s%s", root, path);
    char *slash = strrchr(full, '/');
    *slash = '\0';
    assert_ok(fs_mkdirs(full, &e), &e);
    *slash = '/';
    assert_ok(fs_write(full, text, strlen(text), &e), &e);
    free(full);
}

static bool nobody_may(const char *path)
{
    (void)path;
    return false;
}

static bool anybody_may(const char *path)
{
    (void)path;
    return true;
}

/* All advice for the root, one line each. Owns: caller frees. */
static char *advice_with(const struct probe_options *o, struct device_info *device, size_t n)
{
    struct probe p = {0};
    struct sbuf all = {0};
    p.device = device;
    p.n = n;
    probe_diagnose(&p, o);
    for (size_t i = 0; i < p.n_advice; i++) {
        assert_null(strchr(p.advice[i], '\n'));
        sbuf_addf(&all, "%s\n", p.advice[i]);
    }
    p.device = NULL;
    probe_release(&p);
    return sbuf_take(&all);
}

static char *advice_for(const char *root)
{
    const struct probe_options o = {.root = root, .capabilities = "", .may_use = anybody_may};
    return advice_with(&o, NULL, 0);
}

static void library_without_icd_gives_the_line_that_makes_one(void **state)
{
    (void)state;
    const char *root = temp_dir();
    put(root, "/etc/OpenCL/vendors/pocl.icd", "libpocl.so.2\n");
    put(root, "/usr/lib/x86_64-linux-gnu/libnvidia-opencl.so.1", "x");
    put(root, "/usr/lib/x86_64-linux-gnu/libnvidia-opencl.so.535.183.01", "x");
    put(root, "/usr/lib/x86_64-linux-gnu/libpocl.so.2.10.0", "x");
    char *text = advice_for(root);
    assert_has(text, ": echo libnvidia-opencl.so.1 | sudo tee /etc/OpenCL/vendors/nvidia.icd\n");
    assert_null(strstr(text, "mkdir"));
    assert_null(strstr(text, "pocl"));
    free(text);
}

static void library_outside_the_loaders_folders_is_named_with_its_path(void **state)
{
    (void)state;
    const char *root = temp_dir();
    put(root, "/opt/rocm/lib/libamdocl64.so", "x");
    put(root, "/usr/lib/x86_64-linux-gnu/intel-opencl/libigdrcl.so", "x");
    char *text = advice_for(root);
    assert_has(text, "sudo mkdir -p /etc/OpenCL/vendors; echo /opt/rocm/lib/libamdocl64.so | sudo tee "
                     "/etc/OpenCL/vendors/amdocl64.icd\n");
    assert_has(text,
               "echo /usr/lib/x86_64-linux-gnu/intel-opencl/libigdrcl.so | sudo tee /etc/OpenCL/vendors/intel.icd\n");
    assert_null(strstr(text, "no OpenCL driver is installed"));
    free(text);
}

static void library_known_to_the_loader_is_found_in_its_cache(void **state)
{
    (void)state;
    struct err e;
    const char *root = temp_dir();
    static const char cache[] = "ld.so-1.7.0\0libm.so.6\0/lib/libm.so.6\0libpocl.so.2\0/opt/x/libpocl.so.2";
    put(root, "/etc/other", "x");
    char *path = xasprintf("%s/etc/ld.so.cache", root);
    assert_ok(fs_write(path, cache, sizeof cache, &e), &e);
    char *text = advice_for(root);
    assert_has(text, "echo libpocl.so.2 | sudo tee /etc/OpenCL/vendors/pocl.icd\n");
    free(text);
    free(path);
}

static void newer_library_version_counts_as_the_library(void **state)
{
    (void)state;
    const char *root = temp_dir();
    put(root, "/usr/lib64/libpocl.so.2.11.0", "x");
    put(root, "/usr/lib64/libpocl.so.3", "x");
    char *text = advice_for(root);
    assert_has(text, "echo libpocl.so.3 | sudo tee");
    free(text);
}

static void no_driver_at_all_names_a_package_per_vendor(void **state)
{
    (void)state;
    char *text = advice_for(temp_dir());
    assert_has(text, "sudo apt install pocl-opencl-icd");
    assert_has(text, "nvidia-opencl-icd");
    assert_has(text, "intel-opencl-icd");
    assert_has(text, "mesa-opencl-icd");
    assert_has(text, "ROCm");
    free(text);
}

static void complete_machine_needs_no_advice(void **state)
{
    (void)state;
    const char *root = temp_dir();
    put(root, "/etc/OpenCL/vendors/pocl.icd", "libpocl.so.2.10.0\n");
    put(root, "/usr/lib/x86_64-linux-gnu/libpocl.so.2", "x");
    put(root, "/dev/dri/renderD128", "");
    char *text = advice_for(root);
    assert_string_equal(text, "");
    free(text);
}

static void card_without_driver_is_named(void **state)
{
    (void)state;
    const char *root = temp_dir();
    put(root, "/etc/OpenCL/vendors/pocl.icd", "libpocl.so.2\n");
    put(root, "/sys/class/drm/renderD128/device/vendor", "0x8086\n");
    char *text = advice_for(root);
    assert_has(text, "renderD128: an Intel GPU without an OpenCL driver: package intel-opencl-icd");
    free(text);
}

static void closed_device_node_names_the_group(void **state)
{
    (void)state;
    const char *root = temp_dir();
    put(root, "/etc/OpenCL/vendors/pocl.icd", "libpocl.so.2\n");
    put(root, "/dev/dri/renderD128", "");
    put(root, "/dev/dri/card0", "");
    put(root, "/dev/kfd", "");
    char *path = xasprintf("%s/dev/dri/renderD128", root);
    assert_int_equal(chmod(path, 0660), 0);
    free(path);
    const struct probe_options o = {.root = root, .capabilities = "", .may_use = nobody_may};
    char *text = advice_with(&o, NULL, 0);
    const struct group *g = getgrgid(getegid());
    assert_non_null(g);
    char *want =
        xasprintf("/dev/dri/renderD128 is open to the group %s only: sudo usermod -aG %s ", g->gr_name, g->gr_name);
    assert_has(text, want);
    assert_has(text, "/dev/kfd cannot be read and written by this user (mode 0600");
    assert_null(strstr(text, "card0"));
    free(want);
    free(text);
}

static void container_without_compute_says_what_to_pass(void **state)
{
    (void)state;
    const char *root = temp_dir();
    put(root, "/etc/OpenCL/vendors/nvidia.icd", "libnvidia-opencl.so.1\n");
    put(root, "/.dockerenv", "");
    put(root, "/dev/nvidiactl", "");
    put(root, "/dev/nvidia0", "");
    struct probe_options o = {.root = root, .capabilities = "utility", .may_use = anybody_may};
    char *text = advice_with(&o, NULL, 0);
    assert_has(text, "NVIDIA_DRIVER_CAPABILITIES=utility");
    assert_has(text, "--gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility");
    free(text);
    o.capabilities = "compute,utility";
    text = advice_with(&o, NULL, 0);
    assert_string_equal(text, "");
    free(text);
}

static void container_without_control_node_says_what_to_pass(void **state)
{
    (void)state;
    const char *root = temp_dir();
    put(root, "/etc/OpenCL/vendors/nvidia.icd", "libnvidia-opencl.so.1\n");
    put(root, "/proc/1/cgroup", "0::/kubepods/besteffort/pod1\n");
    put(root, "/proc/driver/nvidia/version", "NVRM\n");
    char *text = advice_for(root);
    assert_has(text, "no /dev/nvidiactl: start it with --gpus all");
    free(text);
}

static void working_nvidia_device_needs_no_container_advice(void **state)
{
    (void)state;
    const char *root = temp_dir();
    struct device_info gpu = {.platform = "NVIDIA CUDA", .usable = true};
    put(root, "/etc/OpenCL/vendors/nvidia.icd", "libnvidia-opencl.so.1\n");
    put(root, "/run/.containerenv", "");
    put(root, "/dev/nvidia0", "");
    const struct probe_options o = {.root = root, .capabilities = "utility", .may_use = anybody_may};
    char *text = advice_with(&o, &gpu, 1);
    assert_string_equal(text, "");
    free(text);
}

static void gpu_outside_a_container_needs_no_container_advice(void **state)
{
    (void)state;
    const char *root = temp_dir();
    put(root, "/etc/OpenCL/vendors/nvidia.icd", "libnvidia-opencl.so.1\n");
    put(root, "/dev/nvidia0", "");
    char *text = advice_for(root);
    assert_string_equal(text, "");
    free(text);
}

int probe_diagnose_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(library_without_icd_gives_the_line_that_makes_one),
        cmocka_unit_test(library_outside_the_loaders_folders_is_named_with_its_path),
        cmocka_unit_test(library_known_to_the_loader_is_found_in_its_cache),
        cmocka_unit_test(newer_library_version_counts_as_the_library),
        cmocka_unit_test(no_driver_at_all_names_a_package_per_vendor),
        cmocka_unit_test(complete_machine_needs_no_advice),
        cmocka_unit_test(card_without_driver_is_named),
        cmocka_unit_test(closed_device_node_names_the_group),
        cmocka_unit_test(container_without_compute_says_what_to_pass),
        cmocka_unit_test(container_without_control_node_says_what_to_pass),
        cmocka_unit_test(working_nvidia_device_needs_no_container_advice),
        cmocka_unit_test(gpu_outside_a_container_needs_no_container_advice),
    };
    return cmocka_run_group_tests_name("ipc probe_diagnose", tests, NULL, NULL);
}
