/* One probe per driver: a broken one hides nobody else. The drivers are tests/fake_icd and the machine's PoCL. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/ipc/probe.h"

static char *built(const char *name)
{
    return xasprintf("%s/%s", getenv("VAETOP_BUILD"), name);
}

static void write_file(const char *dir, const char *name, const char *text)
{
    struct err e;
    char *path = fs_join(dir, name);
    assert_ok(fs_write(path, text, strlen(text), &e), &e);
    free(path);
}

/* name.icd in dir names the fake driver `how`. */
static void add_fake(const char *dir, const char *name, const char *how)
{
    char *text = xasprintf("%s/tests/libfake_icd_%s.so\n", getenv("VAETOP_BUILD"), how);
    write_file(dir, name, text);
    free(text);
}

static void probe(struct probe *out, const char *vendors, int timeout_ms)
{
    struct err e;
    char *worker = built("vaetop-worker");
    const struct probe_options o = {.vendors = vendors, .worker = worker, .timeout_ms = timeout_ms, .root = temp_dir()};
    assert_ok(probe_with(out, &o, &e), &e);
    free(worker);
}

static const struct device_info *from(const struct probe *p, const char *icd)
{
    for (size_t i = 0; i < p->n; i++) {
        if (strstr(p->device[i].icd, icd)) {
            return &p->device[i];
        }
    }
    fail_msg("no device of %s among %zu", icd, p->n);
    return NULL;
}

static void broken_drivers_hide_nobody_else(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    struct probe p;
    add_fake(dir, "a-hang.icd", "hang");
    add_fake(dir, "b-crash.icd", "crash");
    add_fake(dir, "c-quit.icd", "quit");
    write_file(dir, "d-pocl.icd", "libpocl.so.2\n");
    probe(&p, dir, 5000);
    assert_false(from(&p, "a-hang.icd")->usable);
    assert_has(from(&p, "a-hang.icd")->why_not, "did not answer in 5 s");
    assert_false(from(&p, "b-crash.icd")->usable);
    assert_has(from(&p, "b-crash.icd")->why_not, "the driver crashed: Aborted");
    assert_false(from(&p, "c-quit.icd")->usable);
    assert_has(from(&p, "c-quit.icd")->why_not, "ended the process");
    const struct device_info *cpu = from(&p, "d-pocl.icd");
    assert_true(cpu->usable);
    assert_string_equal(cpu->type, "cpu");
    assert_has(cpu->platform, "Portable Computing Language");
    assert_has(cpu->cl_version, "OpenCL ");
    assert_true(cpu->compute_units > 0 && cpu->memory_bytes > 0 && cpu->max_alloc_bytes > 0);
    assert_true(cpu == &p.device[p.n - 1]); /* by file name */
    probe_release(&p);
}

static void driver_that_prints_does_not_spoil_the_answer(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    struct probe p;
    add_fake(dir, "noise.icd", "noise");
    probe(&p, dir, 10000);
    assert_int_equal(p.n, 0);
    assert_has(p.advice[0], "noise.icd: its driver shows no device");
    probe_release(&p);
}

static void missing_library_shows_no_device_and_says_so(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    struct probe p;
    write_file(dir, "gone.icd", "libnosuchdriver.so.1\n");
    probe(&p, dir, 10000);
    assert_int_equal(p.n, 0);
    assert_has(p.advice[0], "gone.icd: its driver shows no device");
    probe_release(&p);
}

static void empty_folder_is_no_error(void **state)
{
    (void)state;
    struct probe p;
    probe(&p, temp_dir(), 10000);
    assert_int_equal(p.n, 0);
    probe_release(&p);
}

static void one_icd_file_may_be_named(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    struct probe p;
    add_fake(dir, "a-crash.icd", "crash");
    write_file(dir, "b-pocl.icd", "libpocl.so.2\n");
    char *path = fs_join(dir, "b-pocl.icd");
    probe(&p, path, 10000);
    assert_true(p.n > 0 && p.device[0].usable);
    assert_string_equal(p.device[0].icd, path);
    free(path);
    probe_release(&p);
}

static int private_cache(void **state)
{
    *state = xstrdup(getenv("POCL_CACHE_DIR") ? getenv("POCL_CACHE_DIR") : "");
    return unsetenv("POCL_CACHE_DIR");
}

static int usual_cache(void **state)
{
    int rc = setenv("POCL_CACHE_DIR", *state, 1);
    free(*state);
    return rc;
}

/* PoCL runs what lies in its cache, so nobody else may write there. */
static void compiler_cache_is_ours_alone(void **state)
{
    (void)state;
    struct err e;
    struct stat st;
    const char *dir = temp_dir(), *cache = temp_dir();
    struct probe p;
    char *before = xstrdup(getenv("XDG_CACHE_HOME"));
    char *folder = fs_join(cache, "vaetop/pocl");
    assert_ok(fs_mkdirs(folder, &e), &e);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(setenv("XDG_CACHE_HOME", cache, 1), 0);
    write_file(dir, "pocl.icd", "libpocl.so.2\n");
    probe(&p, dir, 10000);
    assert_int_equal(setenv("XDG_CACHE_HOME", before, 1), 0);
    assert_true(p.n > 0 && p.device[0].usable);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    free(folder);
    free(before);
    probe_release(&p);
}

static void self_test_runs_in_a_worker(void **state)
{
    (void)state;
    struct err e;
    const char *dir = temp_dir();
    struct probe p;
    double seconds = -1;
    write_file(dir, "pocl.icd", "libpocl.so.2\n");
    probe(&p, dir, 10000);
    assert_int_equal(setenv("VAETOP_LIBEXEC", getenv("VAETOP_BUILD"), 1), 0);
    assert_ok(probe_self_test(&p.device[0], &seconds, &e), &e);
    assert_true(seconds > 0);
    p.device[0].device_index = 77;
    assert_err(probe_self_test(&p.device[0], &seconds, &e), ERR_NODEVICE, &e);
    assert_has(e.text, "no OpenCL device 77");
    assert_int_equal(unsetenv("VAETOP_LIBEXEC"), 0);
    probe_release(&p);
}

static void missing_worker_is_an_error(void **state)
{
    (void)state;
    struct err e;
    const char *dir = temp_dir();
    struct probe p;
    write_file(dir, "pocl.icd", "libpocl.so.2\n");
    const struct probe_options o = {.vendors = dir, .worker = "/nonexistent/vaetop-worker"};
    assert_err(probe_with(&p, &o, &e), ERR_IO, &e);
    assert_has(e.text, "/nonexistent/vaetop-worker");
}

int probe_drivers_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_drivers_hide_nobody_else),
        cmocka_unit_test(driver_that_prints_does_not_spoil_the_answer),
        cmocka_unit_test(missing_library_shows_no_device_and_says_so),
        cmocka_unit_test(empty_folder_is_no_error),
        cmocka_unit_test(one_icd_file_may_be_named),
        cmocka_unit_test_setup_teardown(compiler_cache_is_ours_alone, private_cache, usual_cache),
        cmocka_unit_test(self_test_runs_in_a_worker),
        cmocka_unit_test(missing_worker_is_an_error),
    };
    return cmocka_run_group_tests_name("ipc probe_drivers", tests, NULL, NULL);
}
