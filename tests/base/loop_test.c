#include "check.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "vaetop/base/loop.h"

struct trace {
    struct loop *loop;
    char text[64];
    int fd[2];
    int cancel;
};

static void add(struct trace *t, char c)
{
    size_t n = strlen(t->text);
    t->text[n] = c;
    t->text[n + 1] = '\0';
}
static void timer_a(void *arg)
{
    add(arg, 'a');
}
static void timer_b(void *arg)
{
    add(arg, 'b');
}
static void timer_cancels(void *arg)
{
    struct trace *t = arg;
    add(t, 'c');
    loop_timer_cancel(t->loop, t->cancel);
}
static void timer_stops(void *arg)
{
    struct trace *t = arg;
    loop_stop(t->loop);
}

static void timers_run_in_order_of_time(void **state)
{
    struct trace t = {.loop = loop_new()};
    (void)state;
    /* Each counts from its own call: far enough apart that a slow machine makes no other order. */
    loop_timer(t.loop, 300000000, timer_b, &t);
    loop_timer(t.loop, 100000000, timer_a, &t);
    t.cancel = loop_timer(t.loop, 400000000, timer_a, &t);
    loop_timer(t.loop, 200000000, timer_cancels, &t);
    loop_run(t.loop); /* ends by itself: nothing is left */
    assert_string_equal(t.text, "acb");
    loop_free(t.loop);
}

static void readable(void *arg, int fd, int revents)
{
    struct trace *t = arg;
    char c;
    if ((revents & POLLIN) && read(fd, &c, 1) == 1) {
        add(t, c);
    } else {
        add(t, '.');
        loop_fd_remove(t->loop, fd);
    }
}

static void descriptors_report_bytes_and_hang_up(void **state)
{
    struct trace t = {.loop = loop_new()};
    (void)state;
    assert_int_equal(pipe(t.fd), 0);
    loop_fd(t.loop, t.fd[0], POLLIN, readable, &t);
    assert_int_equal(write(t.fd[1], "xy", 2), 2);
    (void)close(t.fd[1]);
    loop_run(t.loop);
    assert_string_equal(t.text, "xy.");
    (void)close(t.fd[0]);
    loop_free(t.loop);
}

static void on_usr1(void *arg, int signo)
{
    struct trace *t = arg;
    assert_int_equal(signo, SIGUSR1);
    add(t, 's');
    loop_stop(t->loop);
}
static void raise_usr1(void *arg)
{
    (void)arg;
    (void)raise(SIGUSR1);
}

static void signals_arrive_in_the_loop(void **state)
{
    struct trace t = {.loop = loop_new()};
    (void)state;
    loop_signal(t.loop, SIGUSR1, on_usr1, &t);
    loop_timer(t.loop, 0, raise_usr1, &t);
    loop_timer(t.loop, 20000000000, timer_stops, &t);
    loop_run(t.loop);
    assert_string_equal(t.text, "s");
    loop_free(t.loop);
}

int loop_tests(void);
int loop_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_run_in_order_of_time),
        cmocka_unit_test(descriptors_report_bytes_and_hang_up),
        cmocka_unit_test(signals_arrive_in_the_loop),
    };
    return cmocka_run_group_tests_name("base loop", tests, NULL, NULL);
}
