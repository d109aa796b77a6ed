#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "vaetop/base/str.h"
#include "vaetop/ipc/probe.h"

/* Two GPUs of one platform, a CPU, a GPU whose driver is refused, an accelerator. */
static struct device_info machine[] = {
    {.icd = "/v/a.icd", .platform = "NVIDIA CUDA", .name = "NVIDIA H200", .type = "gpu", .usable = true},
    {.icd = "/v/a.icd",
     .platform = "NVIDIA CUDA",
     .name = "NVIDIA T4",
     .type = "gpu",
     .device_index = 1,
     .usable = true},
    {.icd = "/v/b.icd", .platform = "PoCL", .name = "pthread-EPYC", .type = "cpu", .usable = true},
    {.icd = "/v/b.icd",
     .platform = "Clover",
     .name = "AMD Radeon",
     .type = "gpu",
     .platform_index = 1,
     .why_not = "Mesa's clover crashes on real kernels"},
    {.icd = "/v/c.icd", .platform = "Boards", .name = "FPGA", .type = "accelerator", .usable = true},
};
static const struct probe all = {.device = machine, .n = 5};

/* The indices as text: "0,2". */
static void assert_chosen(const struct probe *p, const char *text, const char *want)
{
    struct err e;
    size_t *index = NULL, n = 0;
    struct sbuf got = {0};
    assert_ok(probe_choose(&index, &n, p, text, &e), &e);
    for (size_t i = 0; i < n; i++) {
        sbuf_addf(&got, "%s%zu", i ? "," : "", index[i]);
    }
    assert_string_equal(got.text ? got.text : "", want);
    sbuf_release(&got);
    free(index);
}

static void assert_refused(const struct probe *p, const char *text, const char *part)
{
    struct err e;
    size_t *index = NULL, n = 7;
    assert_err(probe_choose(&index, &n, p, text, &e), ERR_NODEVICE, &e);
    assert_has(e.text, part);
    assert_null(index);
    assert_int_equal(n, 0);
}

static void default_is_every_usable_gpu(void **state)
{
    (void)state;
    assert_chosen(&all, NULL, "0,1");
    assert_chosen(&all, "", "0,1");
    assert_chosen(&all, " , ", "0,1");
}

static void default_without_gpu_is_one_cpu(void **state)
{
    (void)state;
    struct device_info cpus[] = {{.name = "Radeon", .type = "gpu", .why_not = "old"},
                                 {.name = "first", .type = "cpu", .usable = true},
                                 {.icd = "other", .name = "second", .type = "cpu", .usable = true}};
    const struct probe p = {.device = cpus, .n = 3};
    assert_chosen(&p, NULL, "1");
    assert_chosen(&p, "cpu", "1,2");
}

static void default_takes_what_is_left(void **state)
{
    (void)state;
    const struct probe p = {.device = &machine[4], .n = 1};
    assert_chosen(&p, NULL, "0");
}

static void index_address_and_name_choose(void **state)
{
    (void)state;
    assert_chosen(&all, "1", "1");
    assert_chosen(&all, "0:1", "1");
    assert_chosen(&all, "1:0", "2");
    assert_chosen(&all, "3:0", "4");
    assert_chosen(&all, "epyc", "2");
    assert_chosen(&all, "nvidia", "0,1");
    assert_chosen(&all, "NVIDIA T4", "1");
}

static void words_choose_usable_devices(void **state)
{
    (void)state;
    assert_chosen(&all, "cpu", "2");
    assert_chosen(&all, "gpu", "0,1");
    assert_chosen(&all, "all", "0,1,2,4");
}

static void lists_join_without_doubles(void **state)
{
    (void)state;
    assert_chosen(&all, "2, 0 ,gpu", "2,0,1");
}

static void unknown_device_lists_what_there_is(void **state)
{
    (void)state;
    assert_refused(&all, "9",
                   "device 9: no such device; there is: 0 NVIDIA H200 (gpu), 1 NVIDIA T4 (gpu), 2 pthread-EPYC");
    assert_refused(&all, "7:0", "device 7:0: no such device");
    assert_refused(&all, "-1", "device -1: no such device");
    assert_refused(&all, "gtx", "device gtx: no such device");
    assert_refused(&all, "0,gtx", "device gtx: no such device");
}

static void unusable_device_says_why(void **state)
{
    (void)state;
    assert_refused(&all, "3", "device 3: AMD Radeon cannot be used: Mesa's clover crashes");
    assert_refused(&all, "radeon", "Mesa's clover crashes");
}

static void machine_without_devices_gives_the_first_advice(void **state)
{
    (void)state;
    char line[] = "no OpenCL driver is installed";
    char *advice[] = {line};
    const struct probe p = {.advice = advice, .n_advice = 1};
    assert_refused(&p, NULL, "no OpenCL driver is installed");
    assert_refused(&p, "cpu", "there is: none");
}

static void address_counts_platforms_over_all_drivers(void **state)
{
    (void)state;
    char buf[32];
    assert_string_equal(probe_address(buf, sizeof buf, &all, 1), "0:1");
    assert_string_equal(probe_address(buf, sizeof buf, &all, 3), "2:0");
    assert_string_equal(probe_address(buf, sizeof buf, &all, 4), "3:0");
}

int probe_choose_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_is_every_usable_gpu),
        cmocka_unit_test(default_without_gpu_is_one_cpu),
        cmocka_unit_test(default_takes_what_is_left),
        cmocka_unit_test(index_address_and_name_choose),
        cmocka_unit_test(words_choose_usable_devices),
        cmocka_unit_test(lists_join_without_doubles),
        cmocka_unit_test(unknown_device_lists_what_there_is),
        cmocka_unit_test(unusable_device_says_why),
        cmocka_unit_test(machine_without_devices_gives_the_first_advice),
        cmocka_unit_test(address_counts_platforms_over_all_drivers),
    };
    return cmocka_run_group_tests_name("ipc probe_choose", tests, NULL, NULL);
}
