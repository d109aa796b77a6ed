/* What happens between a device's name and an open device: sources, build, quirks, errors. */
#include "check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/device/clerr.h"
#include "vaetop/device/device.h"

#include "../../src/device/device_private.h"
#include "../../src/device/kernel_table.h"

static const char write_at[] = "__kernel void write_at(__global int *restrict x, int at)\n"
                               "{\n"
                               "    x[at] = 7;\n"
                               "}\n";

static void write_kernel(const char *dir, const char *name, const char *text)
{
    struct err e;
    char *path = fs_join(dir, name);
    assert_ok(fs_write(path, text, strlen(text), &e), &e);
    free(path);
}

/* A folder with one kernel file in place of the built-in ones. */
static const char *use_kernel(const char *text)
{
    const char *dir = temp_dir();
    write_kernel(dir, "mine.cl", text);
    assert_int_equal(setenv("VAETOP_CL_DIR", dir, 1), 0);
    return dir;
}

static int back_to_normal(void **state)
{
    (void)state;
    (void)unsetenv("VAETOP_CL_DIR");
    (void)unsetenv("VAETOP_CL_GUARD");
    (void)unsetenv("VAETOP_CL_SYNC");
    return 0;
}

static void statuses_have_names(void **state)
{
    (void)state;
    struct err e;
    assert_string_equal(cl_name(0), "CL_SUCCESS");
    assert_string_equal(cl_name(-5), "CL_OUT_OF_RESOURCES");
    assert_string_equal(cl_name(-68), "CL_INVALID_DEVICE_PARTITION_COUNT");
    assert_string_equal(cl_name(-1001), "CL_PLATFORM_NOT_FOUND_KHR");
    assert_string_equal(cl_name(-1017), "CLBLAST_INVALID_DIMENSION");
    assert_string_equal(cl_name(-2046), "CLBLAST_INVALID_LOCAL_MEM_USAGE");
    assert_string_equal(cl_name(-99), "CL_ERROR");
    assert_err(cl_fail(&e, -54, "clEnqueueNDRangeKernel", "gemm"), ERR_CL, &e);
    assert_string_equal(e.text, "clEnqueueNDRangeKernel(gemm): CL_INVALID_WORK_GROUP_SIZE (-54)");
    assert_err(cl_fail(&e, -4, "clCreateBuffer", "x"), ERR_DEVICE_MEM, &e);
    assert_err(cl_fail(&e, -1001, "clGetPlatformIDs", NULL), ERR_NODEVICE, &e);
    assert_string_equal(e.text, "clGetPlatformIDs(): CL_PLATFORM_NOT_FOUND_KHR (-1001)");
}

static size_t kernel_files(const char *dir)
{
    size_t n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (const struct dirent *f = readdir(d); f; f = readdir(d)) {
        size_t len = strlen(f->d_name);
        n += (len > 3 && strcmp(f->d_name + len - 3, ".cl") == 0) || strcmp(f->d_name, "prelude.clh") == 0;
    }
    (void)closedir(d);
    return n;
}

static void embedded_kernels_are_the_files_byte_for_byte(void **state)
{
    (void)state;
    struct err e;
    size_t n = 0;
    char *dir = xasprintf("%s/cl", getenv("VAETOP_SOURCE"));
    for (; kernel_table[n].name; n++) {
        char *text;
        size_t len;
        char *path = fs_join(dir, kernel_table[n].name);
        assert_ok(fs_read(&text, &len, path, 1 << 20, &e), &e);
        assert_int_equal(*kernel_table[n].len, len);
        assert_memory_equal(kernel_table[n].bytes, text, len);
        free(text);
        free(path);
    }
    assert_true(n > 1);
    assert_int_equal(n, kernel_files(dir));
    free(dir);
}

static void folder_gives_the_same_program_as_the_embedded_kernels(void **state)
{
    (void)state;
    struct err e;
    struct sources inside, outside;
    char *dir = xasprintf("%s/cl", getenv("VAETOP_SOURCE"));
    assert_ok(sources_load(&inside, &e), &e);
    assert_int_equal(setenv("VAETOP_CL_DIR", dir, 1), 0);
    assert_ok(sources_load(&outside, &e), &e);
    assert_int_equal(inside.n, outside.n);
    assert_string_equal(inside.name[0], "prelude.clh");
    for (size_t i = 0; i < inside.n; i++) {
        char *first = xasprintf("#line 1 \"%s\"\n", inside.name[i]);
        assert_int_equal(strncmp(inside.text[i], first, strlen(first)), 0);
        assert_string_equal(inside.name[i], outside.name[i]);
        assert_string_equal(inside.text[i], outside.text[i]);
        assert_int_equal(inside.len[i], strlen(inside.text[i]));
        free(first);
    }
    sources_release(&inside);
    sources_release(&outside);
    free(dir);
}

static void built_in_program_builds_on_this_machine(void **state)
{
    (void)state;
    struct err e;
    struct device *d = NULL;
    assert_ok(device_open(&d, 0, 0, NULL, &e), &e);
    assert_int_equal(device_is_cpu(d), strcmp(device_info(d)->type, "cpu") == 0);
    assert_true(device_source_hash(d) != 0);
    assert_true(device_info(d)->usable);
    device_close(d);
}

static void source_hash_follows_the_source(void **state)
{
    (void)state;
    struct err e;
    struct device *d = NULL;
    uint64_t hash[3];
    for (int i = 0; i < 3; i++) {
        (void)use_kernel(i < 2 ? write_at : "__kernel void other(__global int *x)\n{\n    x[0] = 1;\n}\n");
        assert_ok(device_open(&d, 0, 0, NULL, &e), &e);
        hash[i] = device_source_hash(d);
        device_close(d);
    }
    assert_true(hash[0] == hash[1]);
    assert_true(hash[0] != hash[2]);
}

static void build_failure_names_file_and_line_and_keeps_the_log(void **state)
{
    (void)state;
    struct err e;
    struct device *d = NULL;
    const char *logs = temp_dir();
    (void)use_kernel("__kernel void broken(__global int *x)\n{\n    x[0] = nothing_of_the_kind;\n}\n");
    assert_err(device_open(&d, 0, 0, logs, &e), ERR_CL_BUILD, &e);
    assert_null(d);
    assert_has(e.text, "mine.cl:3");
    assert_has(e.text, "nothing_of_the_kind");
    assert_has(e.text, "CL_BUILD_PROGRAM_FAILURE");
    assert_null(strchr(e.text, '\n'));
    size_t found = 0;
    DIR *folder = opendir(logs);
    for (const struct dirent *f = readdir(folder); f; f = readdir(folder)) {
        if (strncmp(f->d_name, "build-", 6) == 0) {
            char *text;
            size_t len;
            char *path = fs_join(logs, f->d_name);
            assert_ok(fs_read(&text, &len, path, 1 << 20, &e), &e);
            assert_has(text, "nothing_of_the_kind");
            free(text);
            free(path);
            found++;
        }
    }
    (void)closedir(folder);
    assert_int_equal(found, 1);
}

static void kernel_folder_without_kernels_is_an_error(void **state)
{
    (void)state;
    struct err e;
    struct device *d = NULL;
    assert_int_equal(setenv("VAETOP_CL_DIR", temp_dir(), 1), 0);
    assert_err(device_open(&d, 0, 0, NULL, &e), ERR_IO, &e);
    assert_has(e.text, "no .cl files");
    assert_int_equal(setenv("VAETOP_CL_DIR", "/nonexistent", 1), 0);
    assert_err(device_open(&d, 0, 0, NULL, &e), ERR_IO, &e);
    assert_has(e.text, "/nonexistent");
}

static void device_that_does_not_exist_is_refused(void **state)
{
    (void)state;
    struct err e;
    struct device *d = NULL;
    assert_err(device_open(&d, 99, 0, NULL, &e), ERR_NODEVICE, &e);
    assert_has(e.text, "no OpenCL platform 99");
    assert_err(device_open(&d, 0, 99, NULL, &e), ERR_NODEVICE, &e);
    assert_has(e.text, "no OpenCL device 99 on platform 0");
    assert_err(device_open(&d, -1, 0, NULL, &e), ERR_NODEVICE, &e);
}

static void listing_describes_this_machine(void **state)
{
    (void)state;
    struct err e;
    struct device_info *list = NULL;
    size_t n = 0;
    assert_ok(device_list_icd(&list, &n, &e), &e);
    assert_true(n >= 1);
    assert_true(strcmp(list[0].type, "cpu") == 0 || strcmp(list[0].type, "gpu") == 0);
    assert_true(list[0].usable);
    assert_string_equal(list[0].why_not, "");
    assert_true(list[0].memory_bytes >= list[0].max_alloc_bytes && list[0].max_alloc_bytes > 0);
    assert_true(list[0].name[0] && list[0].driver[0]);
    free(list);
}

static void quirks_follow_platform_and_device(void **state)
{
    (void)state;
    const char *note = "";
    assert_int_equal(quirk_flags("NVIDIA CUDA", "NVIDIA H200", "535.1", &note), QUIRK_SPIN_WAIT);
    assert_int_equal(quirk_flags("Portable Computing Language", "pthread-x", "3.1", &note), 0);
    assert_int_equal(quirk_flags("Intel(R) OpenCL Graphics", "Intel(R) Arc(TM) Graphics", "24", &note),
                     QUIRK_SPIN_WAIT);
    assert_string_equal(note, "");
    assert_true(quirk_flags("Intel Gen OCL Driver", "Intel HD", "1.3", &note) & QUIRK_REFUSE);
    assert_has(note, "beignet");
    assert_true(quirk_flags("Clover", "AMD", "22", &note) & QUIRK_REFUSE);
    assert_has(note, "clover");
}

/* Writes one int at place `at` of a buffer of 10 ints with guarded edges; returns what device_finish() says. */
static enum err_code guarded_write(int at, struct err *e)
{
    struct device *d = NULL;
    struct buffer *b = NULL;
    struct launch *l = NULL;
    (void)use_kernel(write_at);
    assert_int_equal(setenv("VAETOP_CL_GUARD", "1", 1), 0);
    assert_ok(device_open(&d, 0, 0, NULL, e), e);
    assert_ok(buffer_new(&b, d, 40, "ten", e), e);
    assert_ok(launch_new(&l, d, "write_at", e), e);
    launch_buffer(l, 0, b);
    launch_int(l, 1, at);
    assert_ok(launch_run(l, (const size_t[3]){1, 1, 1}, (const size_t[3]){1, 1, 1}, e), e);
    enum err_code rc = device_finish(d, e);
    launch_free(l);
    buffer_free(b);
    device_close(d);
    return rc;
}

static void guard_names_the_buffer_that_was_overrun(void **state)
{
    (void)state;
    struct err e;
    assert_ok(guarded_write(0, &e), &e);
    assert_ok(guarded_write(9, &e), &e);
    assert_err(guarded_write(10, &e), ERR_CL, &e);
    assert_string_equal(e.text, "buffer ten: a kernel wrote at byte 40, it has 40");
    assert_err(guarded_write(-1, &e), ERR_CL, &e);
    assert_string_equal(e.text, "buffer ten: a kernel wrote at byte -4, it has 40");
}

static void sync_mode_waits_after_every_launch(void **state)
{
    (void)state;
    struct err e;
    struct device *d = NULL;
    struct buffer *b = NULL;
    struct launch *l = NULL;
    (void)use_kernel(write_at);
    assert_int_equal(setenv("VAETOP_CL_SYNC", "1", 1), 0);
    assert_ok(device_open(&d, 0, 0, NULL, &e), &e);
    assert_ok(buffer_new(&b, d, 40, "ten", &e), &e);
    assert_ok(launch_new(&l, d, "write_at", &e), &e);
    launch_buffer(l, 0, b);
    launch_int(l, 1, 3);
    assert_ok(launch_run(l, (const size_t[3]){1, 1, 1}, (const size_t[3]){1, 1, 1}, &e), &e);
    assert_null(d->busy.first); /* nothing is queued any more */
    launch_free(l);
    buffer_free(b);
    device_close(d);
}

int opening_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_have_names),
        cmocka_unit_test(embedded_kernels_are_the_files_byte_for_byte),
        cmocka_unit_test_teardown(folder_gives_the_same_program_as_the_embedded_kernels, back_to_normal),
        cmocka_unit_test(built_in_program_builds_on_this_machine),
        cmocka_unit_test_teardown(source_hash_follows_the_source, back_to_normal),
        cmocka_unit_test_teardown(build_failure_names_file_and_line_and_keeps_the_log, back_to_normal),
        cmocka_unit_test_teardown(kernel_folder_without_kernels_is_an_error, back_to_normal),
        cmocka_unit_test(device_that_does_not_exist_is_refused),
        cmocka_unit_test(listing_describes_this_machine),
        cmocka_unit_test(quirks_follow_platform_and_device),
        cmocka_unit_test_teardown(guard_names_the_buffer_that_was_overrun, back_to_normal),
        cmocka_unit_test_teardown(sync_mode_waits_after_every_launch, back_to_normal),
    };
    return cmocka_run_group_tests_name("device opening", tests, NULL, NULL);
}
