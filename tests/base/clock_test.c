#include "check.h"

#include <string.h>
#include <unistd.h>

#include "vaetop/base/clock.h"
#include "vaetop/base/log.h"

static void utc_reads_back_as_written(void **state)
{
    static const int64_t at[] = {0, 951782400000000, 1767322985123456, 4102444799999999};
    char text[32];
    (void)state;
    for (size_t n = 0; n < sizeof at / sizeof *at; n++) {
        assert_true(clock_parse_utc(clock_format_utc(text, sizeof text, at[n])) == at[n]);
    }
    assert_string_equal(clock_format_utc(text, sizeof text, 1767322985123456), "2026-01-02 03:03:05.123456");
    assert_true(clock_parse_utc("2026-01-02 03:03:05") == 1767322985000000);
    assert_true(clock_parse_utc("2026-01-02T03:03:05") == -1);
    assert_true(clock_parse_utc("2026-13-02 03:03:05") == -1);
    assert_true(clock_parse_utc("2026-01-02 03:03:05Z") == -1);
    assert_true(clock_parse_utc("soon") == -1);
}

static void the_monotonic_clock_does_not_go_back(void **state)
{
    int64_t last = clock_mono_ns();
    (void)state;
    for (int n = 0; n < 1000; n++) {
        int64_t now = clock_mono_ns();
        assert_true(now >= last);
        last = now;
    }
}

static void log_lines_are_single_and_clean(void **state)
{
    int fd[2];
    char text[512];
    ssize_t n;
    (void)state;
    assert_int_equal(pipe(fd), 0);
    log_open(fd[1], "worker", LOG_INFO);
    log_debug("not shown");
    log_warn("name %s", "a\nb\x1b[2J");
    log_open(2, "test", LOG_WARN);
    n = read(fd[0], text, sizeof text - 1);
    assert_true(n > 0);
    text[n] = '\0';
    assert_has(text, "worker[");
    assert_has(text, "] WARN name a\\x0Ab\\x1B[2J\n");
    assert_ptr_equal(strchr(text, '\n'), text + n - 1);
    (void)close(fd[0]);
    (void)close(fd[1]);
}

int clock_tests(void);
int clock_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utc_reads_back_as_written),
        cmocka_unit_test(the_monotonic_clock_does_not_go_back),
        cmocka_unit_test(log_lines_are_single_and_clean),
    };
    return cmocka_run_group_tests_name("base clock, log", tests, NULL, NULL);
}
