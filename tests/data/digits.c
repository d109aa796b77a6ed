/* The built-in digits: the same everywhere, each different, ink where MNIST has it. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "vaetop/base/alloc.h"
#include "vaetop/data/dataset.h"

/* FNV-1a. */
static uint64_t fnv(uint64_t h, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    }
    return h;
}

static void bytes_are_the_same_on_every_machine(void **state)
{
    (void)state;
    enum { N = 2000 };
    uint8_t *x = xcalloc(N, 784), label[N];
    digits_generate(x, label, N, 0);
    uint64_t h = fnv(fnv(UINT64_C(0xcbf29ce484222325), x, N * 784), label, N);
    free(x);
    /* Stored studies stand on these bytes: a change here makes their numbers another data set's. */
    assert_true(h == UINT64_C(0x208193c390902dfd));
}

static void a_longer_run_begins_with_a_shorter(void **state)
{
    (void)state;
    uint8_t *a = xcalloc(100, 784), *b = xcalloc(100, 784), la[100], lb[100];
    digits_generate(a, la, 100, 5);
    for (size_t n = 1; n <= 100; n += 33) {
        memset(b, 0, 100 * 784);
        digits_generate(b, lb, n, 5);
        assert_memory_equal(a, b, n * 784);
        assert_memory_equal(la, lb, n);
    }
    digits_generate(b, NULL, 100, 5); /* labels are optional */
    assert_memory_equal(a, b, 100 * 784);
    free(a);
    free(b);
}

static void seeds_and_images_differ(void **state)
{
    (void)state;
    uint8_t *a = xcalloc(300, 784), *b = xcalloc(300, 784), la[300], lb[300];
    digits_generate(a, la, 300, 1);
    digits_generate(b, lb, 300, 2);
    assert_memory_not_equal(la, lb, 300);
    for (size_t i = 0; i < 300; i++) {
        assert_memory_not_equal(a + i * 784, b + i * 784, 784);
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(a + i * 784, a + j * 784, 784);
        }
    }
    free(a);
    free(b);
}

static void digits_lie_as_those_of_mnist(void **state)
{
    (void)state;
    enum { N = 3000 };
    uint8_t *x = xcalloc(N, 784), label[N];
    int count[10] = {0}, at_edge = 0;
    double ink = 0.0;
    digits_generate(x, label, N, 9);
    for (size_t i = 0; i < N; i++) {
        double mass = 0.0, mx = 0.0, my = 0.0;
        int brightest = 0, edge = 0;
        for (int p = 0; p < 784; p++) {
            int v = x[i * 784 + (size_t)p];
            mass += v;
            mx += (double)v * (p % 28);
            my += (double)v * (p / 28);
            brightest = v > brightest ? v : brightest;
            edge = (p % 28 == 0 || p % 28 == 27 || p / 28 == 0 || p / 28 == 27) && v > edge ? v : edge;
        }
        at_edge += edge > 127;
        count[label[i]]++;
        ink += mass / 255.0 / 784.0;
        assert_in_range(brightest, 100, 255);
        assert_close(mx / mass, 14.0, 2.0, 0.0);
        assert_close(my / mass, 14.0, 2.0, 0.0);
    }
    for (int d = 0; d < 10; d++) { /* 300 expected, deviation 16 */
        assert_in_range(count[d], 220, 380);
    }
    assert_true(at_edge <= N / 50); /* hardly any is cut off; MNIST itself has 1 % */
    assert_close(ink / N, 0.1325, 0.015, 0.0); /* MNIST's mean pixel */
    free(x);
}

int digits_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_the_same_on_every_machine),
        cmocka_unit_test(a_longer_run_begins_with_a_shorter),
        cmocka_unit_test(seeds_and_images_differ),
        cmocka_unit_test(digits_lie_as_those_of_mnist),
    };
    return cmocka_run_group_tests_name("data digits", tests, NULL, NULL);
}
