#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/device/device.h"

#include "../../src/device/device_private.h"

static const char kernels[] =
    "__kernel void twice(__global float *restrict x, int n)\n"
    "{\n"
    "    int i = (int)get_global_id(0);\n"
    "    if (i < n) {\n"
    "        x[i] = x[i] + x[i];\n"
    "    }\n"
    "}\n";

/* A folder with these kernels instead of the built-in ones; NULL goes back to those. */
static void use_kernels(const char *text)
{
    struct err e;
    if (!text) {
        assert_int_equal(unsetenv("VAETOP_CL_DIR"), 0);
        return;
    }
    const char *dir = temp_dir();
    char *path = fs_join(dir, "mine.cl");
    assert_ok(fs_write(path, text, strlen(text), &e), &e);
    free(path);
    assert_int_equal(setenv("VAETOP_CL_DIR", dir, 1), 0);
}

static struct device *open_with(const char *text)
{
    struct err e;
    struct device *d = NULL;
    use_kernels(text);
    assert_ok(device_open(&d, 0, 0, NULL, &e), &e);
    return d;
}

static struct device *shared; /* opened once, with the kernels above */

static int open_shared(void **state)
{
    (void)state;
    shared = open_with(kernels);
    return 0;
}

static int close_shared(void **state)
{
    (void)state;
    device_close(shared);
    use_kernels(NULL);
    return 0;
}

static void new_buffer_is_zero(void **state)
{
    (void)state;
    struct err e;
    struct buffer *b = NULL;
    unsigned char bytes[1003];
    assert_ok(buffer_new(&b, shared, sizeof bytes, "odd", &e), &e);
    memset(bytes, 1, sizeof bytes);
    assert_ok(buffer_read(b, 0, bytes, sizeof bytes, &e), &e);
    for (size_t i = 0; i < sizeof bytes; i++) {
        assert_int_equal(bytes[i], 0);
    }
    assert_int_equal(device_bytes_in_use(shared), sizeof bytes);
    buffer_free(b);
    assert_int_equal(device_bytes_in_use(shared), 0);
}

static void launch_runs_in_order_with_copies(void **state)
{
    (void)state;
    struct err e;
    struct buffer *b = NULL;
    struct launch *l = NULL;
    const float in[3] = {1.0f, -2.5f, 3.0f};
    float out[3];
    assert_ok(buffer_new(&b, shared, sizeof in, "x", &e), &e);
    assert_ok(launch_new(&l, shared, "twice", &e), &e);
    assert_ok(buffer_write(b, 0, in, sizeof in, &e), &e);
    launch_buffer(l, 0, b);
    launch_int(l, 1, 3);
    assert_ok(launch_run(l, (const size_t[3]){16, 1, 1}, (const size_t[3]){1, 1, 1}, &e), &e);
    assert_ok(launch_run(l, (const size_t[3]){16, 1, 1}, (const size_t[3]){0, 0, 0}, &e), &e);
    assert_ok(buffer_read(b, 0, out, sizeof out, &e), &e);
    for (int i = 0; i < 3; i++) {
        assert_close(out[i], 4.0f * in[i], 0, 0);
    }
    launch_free(l);
    buffer_free(b);
}

static void gemm_multiplies_with_transposes_offsets_and_strides(void **state)
{
    (void)state;
    struct err e;
    enum { M = 5, N = 7, K = 9, LDA = 6, LDB = 11, LDC = 8, OFF = 3 };
    float a[K * LDA + OFF], b[N * LDB + OFF], c[M * LDC + OFF];
    struct buffer *ba = NULL, *bb = NULL, *bc = NULL;
    for (size_t i = 0; i < sizeof a / sizeof *a; i++) {
        a[i] = (float)((int)(i * 7 % 11) - 5);
    }
    for (size_t i = 0; i < sizeof b / sizeof *b; i++) {
        b[i] = (float)((int)(i * 5 % 13) - 6);
    }
    assert_ok(buffer_new(&ba, shared, sizeof a, "a", &e), &e);
    assert_ok(buffer_new(&bb, shared, sizeof b, "b", &e), &e);
    assert_ok(buffer_new(&bc, shared, sizeof c, "c", &e), &e);
    assert_ok(buffer_write(ba, 0, a, sizeof a, &e), &e);
    assert_ok(buffer_write(bb, 0, b, sizeof b, &e), &e);
    /* A is stored (K, M), B (N, K). */
    struct gemm g = {.trans_a = true, .trans_b = true, .m = M, .n = N, .k = K, .a = ba, .b = bb, .c = bc,
                     .a_off = OFF, .lda = LDA, .b_off = OFF, .ldb = LDB, .c_off = OFF, .ldc = LDC};
    assert_ok(device_gemm(shared, &g, &e), &e);
    assert_ok(buffer_read(bc, 0, c, sizeof c, &e), &e);
    for (int i = 0; i < M; i++) {
        for (int j = 0; j < N; j++) {
            double want = 0;
            for (int k = 0; k < K; k++) {
                want += (double)a[OFF + k * LDA + i] * (double)b[OFF + j * LDB + k];
            }
            assert_close(c[OFF + i * LDC + j], want, 1e-4, 0);
        }
    }
    buffer_free(ba);
    buffer_free(bb);
    buffer_free(bc);
}

static void buffer_zero_clears_only_its_part(void **state)
{
    (void)state;
    struct err e;
    struct buffer *b = NULL;
    unsigned char bytes[64];
    assert_ok(buffer_new(&b, shared, sizeof bytes, "part", &e), &e);
    memset(bytes, 5, sizeof bytes);
    assert_ok(buffer_write(b, 0, bytes, sizeof bytes, &e), &e);
    assert_ok(buffer_zero(b, 4, 12, &e), &e);
    assert_ok(buffer_zero(b, 32, 16, &e), &e);
    assert_ok(buffer_read(b, 0, bytes, sizeof bytes, &e), &e);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bool cleared = (i >= 4 && i < 16) || (i >= 32 && i < 48);
        assert_int_equal(bytes[i], cleared ? 0 : 5);
    }
    buffer_free(b);
}

static void copies_outside_of_a_buffer_are_refused(void **state)
{
    (void)state;
    struct err e;
    struct buffer *b = NULL;
    char bytes[16] = {0};
    assert_ok(buffer_new(&b, shared, 10, "small", &e), &e);
    assert_err(buffer_write(b, 4, bytes, 7, &e), ERR_CL, &e);
    assert_has(e.text, "buffer small: bytes 4 to 11 asked, it has 10");
    assert_err(buffer_read(b, 11, bytes, 0, &e), ERR_CL, &e);
    assert_err(buffer_read(b, SIZE_MAX, bytes, 2, &e), ERR_CL, &e);
    assert_ok(buffer_read(b, 10, bytes, 0, &e), &e);
    buffer_free(b);
}

static void buffer_that_does_not_fit_is_refused_with_figures(void **state)
{
    (void)state;
    struct err e;
    struct buffer *b = NULL;
    uint64_t before = device_bytes_in_use(shared);
    assert_err(buffer_new(&b, shared, (size_t)1 << 60, "moments", &e), ERR_DEVICE_MEM, &e);
    assert_null(b);
    assert_has(e.text, "moments: ");
    assert_has(e.text, "at most in one piece");
    assert_int_equal(device_bytes_in_use(shared), before);
}

static void bad_launches_name_kernel_and_argument(void **state)
{
    (void)state;
    struct err e;
    struct launch *l = NULL;
    struct buffer *b = NULL;
    const size_t one[3] = {1, 1, 1}, sixteen[3] = {16, 1, 1}, five[3] = {5, 1, 1};
    assert_err(launch_new(&l, shared, "thrice", &e), ERR_CL, &e);
    assert_null(l);
    assert_has(e.text, "clCreateKernel(thrice): CL_INVALID_KERNEL_NAME");

    assert_ok(buffer_new(&b, shared, 64, "x", &e), &e);
    assert_ok(launch_new(&l, shared, "twice", &e), &e);
    launch_buffer(l, 0, b);
    launch_bytes(l, 1, "toolong", 8);
    assert_err(launch_run(l, one, one, &e), ERR_CL, &e);
    assert_has(e.text, "clSetKernelArg(twice, argument 1): CL_INVALID_ARG_SIZE");
    launch_free(l);

    assert_ok(launch_new(&l, shared, "twice", &e), &e);
    launch_buffer(l, 0, b);
    launch_int(l, 2, 1);
    assert_err(launch_run(l, one, one, &e), ERR_CL, &e);
    assert_has(e.text, "clSetKernelArg(twice, argument 2): CL_INVALID_ARG_INDEX");
    launch_free(l);

    assert_ok(launch_new(&l, shared, "twice", &e), &e);
    launch_buffer(l, 0, b);
    assert_err(launch_run(l, one, one, &e), ERR_CL, &e);
    assert_has(e.text, "clEnqueueNDRangeKernel(twice): CL_INVALID_KERNEL_ARGS");
    launch_int(l, 1, 0);
    assert_err(launch_run(l, sixteen, five, &e), ERR_CL, &e);
    assert_has(e.text, "clEnqueueNDRangeKernel(twice): CL_INVALID_WORK_GROUP_SIZE");
    assert_ok(launch_run(l, sixteen, one, &e), &e);
    launch_free(l);
    buffer_free(b);
}

static void bad_gemm_names_clblasts_code(void **state)
{
    (void)state;
    struct err e;
    struct buffer *b = NULL;
    assert_ok(buffer_new(&b, shared, 64, "x", &e), &e);
    const struct gemm g = {.m = 4, .n = 4, .k = 4, .a = b, .b = b, .c = b, .lda = 4, .ldb = 2, .ldc = 4};
    assert_err(device_gemm(shared, &g, &e), ERR_CL, &e);
    assert_has(e.text, "CLBlastSgemm(");
    assert_has(e.text, "CLBLAST_INVALID_LEAD_DIM_B (-1015)");
    buffer_free(b);
}

/* One round of everything that waits or fills, under quirks that this machine's driver does not have. */
static void quirky_driver_gives_the_same_results(void **state)
{
    (void)state;
    struct err e;
    struct buffer *b = NULL;
    struct launch *l = NULL;
    float x[3] = {1, 2, 3};
    unsigned before = shared->quirks;
    shared->quirks = QUIRK_SPIN_WAIT | QUIRK_NO_FILL;
    assert_ok(buffer_new(&b, shared, 300000, "x", &e), &e);
    assert_ok(launch_new(&l, shared, "twice", &e), &e);
    assert_ok(buffer_write(b, 299988, x, sizeof x, &e), &e);
    assert_ok(buffer_zero(b, 4, 4, &e), &e);
    launch_buffer(l, 0, b);
    launch_int(l, 1, 75000);
    assert_ok(launch_run(l, (const size_t[3]){75008, 1, 1}, NULL, &e), &e);
    assert_ok(device_finish(shared, &e), &e);
    assert_ok(buffer_read(b, 299988, x, sizeof x, &e), &e);
    shared->quirks = before;
    for (int i = 0; i < 3; i++) {
        assert_close(x[i], 2.0 * (i + 1), 0, 0);
    }
    launch_free(l);
    buffer_free(b);
}

/* A kernel that takes `rounds` rounds, so that most of the time from launch to finish is the device's. */
static const char slow_kernel[] =
    "__kernel void slow(__global float *restrict x, int rounds)\n"
    "{\n"
    "    float y = x[0];\n"
    "    for (int i = 0; i < rounds; i++) {\n"
    "        y = fma(y, 0.999f, 1.0f);\n"
    "    }\n"
    "    x[0] = y;\n"
    "}\n";

static void busy_share_counts_only_queued_work(void **state)
{
    (void)state;
    struct err e;
    struct device *d = open_with(slow_kernel);
    struct launch *l = NULL;
    struct buffer *b = NULL;
    const size_t one[3] = {1, 1, 1};
    float x;
    assert_ok(buffer_new(&b, d, 4096, "x", &e), &e);
    assert_ok(launch_new(&l, d, "slow", &e), &e);
    launch_buffer(l, 0, b);
    launch_int(l, 1, 1000000);
    (void)device_busy(d);
    assert_close(device_busy(d), 0, 0, 0);
    double most = 0; /* of many: this process may lose its core between any two lines */
    for (int i = 0; i < 200 && most <= 0.5; i++) {
        assert_ok(launch_run(l, one, one, &e), &e);
        assert_ok(device_finish(d, &e), &e);
        double share = device_busy(d);
        assert_true(share > 0 && share <= 1);
        most = fmax(most, share);
    }
    assert_true(most > 0.5);
    /* What is queued but not waited for counts too, and what comes after the question is another stretch. */
    assert_ok(launch_run(l, one, one, &e), &e);
    assert_true(device_busy(d) > 0);
    assert_null(d->busy.first);
    assert_close(device_busy(d), 0, 0, 0);
    /* More stretches than are kept at once. */
    launch_int(l, 1, 1);
    for (int i = 0; i < 3 * STRETCHES; i++) {
        assert_ok(launch_run(l, one, one, &e), &e);
        assert_ok(buffer_read(b, 0, &x, sizeof x, &e), &e);
    }
    double share = device_busy(d);
    assert_true(share > 0 && share <= 1);
    launch_free(l);
    buffer_free(b);
    device_close(d);
    use_kernels(kernels);
}

static void driver_without_times_of_events_has_no_busy_share(void **state)
{
    (void)state;
    struct err e;
    struct device *d = open_with(kernels);
    struct buffer *b = NULL;
    int x = 5;
    (void)clReleaseCommandQueue(d->busy.clock);
    d->busy.clock = clCreateCommandQueue(d->context, d->id, 0, NULL); /* not profiled: its events have no times */
    assert_ok(buffer_new(&b, d, 4096, "x", &e), &e);
    assert_true(isnan(device_busy(d)));
    assert_ok(buffer_write(b, 0, &x, sizeof x, &e), &e);
    assert_true(isnan(device_busy(d)));
    buffer_free(b);
    device_close(d);
}

int device_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_buffer_is_zero),
        cmocka_unit_test(launch_runs_in_order_with_copies),
        cmocka_unit_test(gemm_multiplies_with_transposes_offsets_and_strides),
        cmocka_unit_test(buffer_zero_clears_only_its_part),
        cmocka_unit_test(copies_outside_of_a_buffer_are_refused),
        cmocka_unit_test(buffer_that_does_not_fit_is_refused_with_figures),
        cmocka_unit_test(bad_launches_name_kernel_and_argument),
        cmocka_unit_test(bad_gemm_names_clblasts_code),
        cmocka_unit_test(quirky_driver_gives_the_same_results),
        cmocka_unit_test(busy_share_counts_only_queued_work),
        cmocka_unit_test(driver_without_times_of_events_has_no_busy_share),
    };
    return cmocka_run_group_tests_name("device device", tests, open_shared, close_shared);
}
