/* The real loop on a real terminal: only bytes are asserted, never times. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "pty.h"

#include "demo_store.h"
#include "vaetop/base/alloc.h"

enum { QUIET_MS = 2500, MOST_MS = 60000 }; /* the client looks at the store once a second */

static void start(struct pty *p, char *dir, int w, int h, char *how)
{
    char self[512];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = 0;
    char word[] = "attach";
    char *argv[] = {self, word, dir, how, NULL};
    assert_true(pty_open(p, argv, w, h));
}

static char *make_study(enum demo_kind kind)
{
    struct err e;
    char *dir = xasprintf("%s/pty", temp_dir());
    assert_ok(demo_store(dir, kind, &e), &e);
    return dir;
}

static double cpu_s(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) + (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) * 1e-6;
}

static void the_first_frame_is_small_and_then_nothing_is_sent(void **state)
{
    struct pty p;
    char *dir = make_study(DEMO_THIRTEEN);
    (void)state;
    start(&p, dir, 160, 48, NULL);
    long first = pty_read(&p, QUIET_MS, MOST_MS);
    print_message("first frame at 160 x 48: %ld bytes\n", first);
    assert_in_range(first, 2000, 12000);
    assert_int_equal(pty_read(&p, QUIET_MS, QUIET_MS), 0); /* two looks at the store that found nothing */
    pty_send(&p, "j");
    assert_in_range(pty_read(&p, QUIET_MS, MOST_MS), 10, 12000);
    pty_send(&p, "q");
    (void)pty_read(&p, QUIET_MS, MOST_MS);
    int status = pty_close(&p);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    free(dir);
}

/* Ten running rows that all move at once. */
static void a_tick_of_ten_running_rows_costs_less_than_a_kilobyte(void **state)
{
    struct pty p;
    struct store *s;
    struct demo d;
    struct err e;
    char *dir = make_study(DEMO_THIRTEEN);
    int n = 0;
    (void)state;
    demo_make(&d, DEMO_THIRTEEN);
    assert_ok(store_open(&s, dir, true, &e), &e);
    for (int i = 0; i < 10; i++) {
        assert_ok(store_trial_new(s, &n, &d.preset, &d.trial[i].point, PHASE_QUEUED, &e), &e);
        assert_ok(store_trial_phase(s, n, PHASE_ACTIVE, NAN, "", &e), &e);
        assert_ok(store_progress(s, n, 100, 10000, 30, 61200, &e), &e);
    }
    start(&p, dir, 120, 40, NULL);
    (void)pty_read(&p, QUIET_MS, MOST_MS);
    char filter[40];
    (void)snprintf(filter, sizeof filter, "\\number > %d\r", n - 10); /* the ten alone are on screen */
    pty_send(&p, filter);
    (void)pty_read(&p, QUIET_MS, MOST_MS);
    for (int tick = 1; tick <= 2; tick++) {
        assert_ok(store_begin(s, &e), &e);
        for (int i = 0; i < 10; i++) {
            assert_ok(store_progress(s, n - i, 100 + 731 * tick, 10000, 30, 61200 + 731 * tick, &e), &e);
        }
        assert_ok(store_commit(s, &e), &e);
        long bytes = pty_read(&p, QUIET_MS, MOST_MS);
        print_message("a tick of ten rows: %ld bytes\n", bytes);
        assert_in_range(bytes, 100, 1000);
    }
    store_close(s);
    (void)pty_close(&p);
    demo_release(&d);
    free(dir);
}

/* Sizes faster than frames, the smallest and largest among them: the last one is drawn, and then it is quiet. */
static void a_storm_of_sizes_ends_in_a_quiet_screen(void **state)
{
    static const int size[][2] = {{1, 1}, {300, 100}, {80, 24}, {40, 10}, {500, 2}, {2, 200}, {160, 48}};
    struct pty p;
    char *dir = make_study(DEMO_THIRTEEN);
    (void)state;
    start(&p, dir, 80, 24, NULL);
    (void)pty_read(&p, QUIET_MS, MOST_MS);
    for (int i = 0; i < 140; i++) {
        pty_resize(&p, size[i % 7][0], size[i % 7][1]);
        (void)pty_read(&p, 5, 5);
    }
    pty_resize(&p, 80, 24);
    (void)pty_read(&p, QUIET_MS, MOST_MS);
    assert_int_equal(pty_read(&p, QUIET_MS, QUIET_MS), 0);
    pty_send(&p, "\x0c"); /* a full frame of the last size */
    assert_in_range(pty_read(&p, QUIET_MS, MOST_MS), 1500, 6000);
    pty_send(&p, "q");
    (void)pty_read(&p, QUIET_MS, MOST_MS);
    int status = pty_close(&p);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    free(dir);
}

/* A dropped connection: the client ends by the hang-up, having used no more than what ending takes. */
static void a_hang_up_ends_the_client_without_work(void **state)
{
    struct pty p;
    struct rusage before, after;
    char *dir = make_study(DEMO_THIRTEEN);
    (void)state;
    start(&p, dir, 80, 24, NULL);
    (void)pty_read(&p, QUIET_MS, MOST_MS);
    double used = proc_cpu_s(p.pid);
    assert_int_equal(getrusage(RUSAGE_CHILDREN, &before), 0);
    int64_t dropped = pty_clock_ns();
    int status = pty_close(&p);
    double seconds = (double)(pty_clock_ns() - dropped) * 1e-9;
    assert_int_equal(getrusage(RUSAGE_CHILDREN, &after), 0);
    double whole = cpu_s(&after) - cpu_s(&before);
    print_message("gone %.3f s after the hang-up, %.2f s of processor time\n", seconds, whole - used);
    assert_true(WIFEXITED(status)); /* by itself, not by the signal */
    assert_true(whole - used < 0.1);
    free(dir);
}

static void a_slow_link_gets_the_same_with_fewer_frames(void **state)
{
    struct pty p;
    char *dir = make_study(DEMO_THIRTEEN), slow[] = "slow";
    (void)state;
    start(&p, dir, 80, 24, slow);
    assert_in_range(pty_read(&p, QUIET_MS, MOST_MS), 1500, 6000);
    assert_int_equal(pty_read(&p, QUIET_MS, QUIET_MS), 0);
    int status = pty_close(&p); /* the line is cut: it ends by itself and finds no time to spin */
    assert_true(WIFEXITED(status));
    free(dir);
}

int pty_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_frame_is_small_and_then_nothing_is_sent),
        cmocka_unit_test(a_tick_of_ten_running_rows_costs_less_than_a_kilobyte),
        cmocka_unit_test(a_storm_of_sizes_ends_in_a_quiet_screen),
        cmocka_unit_test(a_hang_up_ends_the_client_without_work),
        cmocka_unit_test(a_slow_link_gets_the_same_with_fewer_frames),
    };
    return cmocka_run_group_tests_name("ui pty", tests, NULL, NULL);
}
