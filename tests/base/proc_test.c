#include "check.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vaetop/base/proc.h"

/* Runs /bin/sh -c script with fd 3 = socket_fd; returns what it printed. */
static void run(char *out, size_t cap, const char *script, int socket_fd)
{
    char shell[] = "sh";
    char dash_c[] = "-c";
    char text[256];
    char extra[] = "VAETOP_TEST_WORD=over";
    char *argv[] = {shell, dash_c, text, NULL};
    char *env[] = {extra, NULL};
    int pipe_fd[2];
    struct err e;
    pid_t pid = 0;
    size_t n = 0;
    ssize_t r;
    assert_true(snprintf(text, sizeof text, "%s", script) < (int)sizeof text);
    assert_int_equal(pipe(pipe_fd), 0);
    (void)fcntl(pipe_fd[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(pipe_fd[1], F_SETFD, FD_CLOEXEC);
    assert_ok(proc_spawn(&pid,
                         &(struct proc_spawn){.path = "/bin/sh", .argv = argv, .env_extra = env, .stdin_fd = -1,
                                              .stdout_fd = pipe_fd[1], .stderr_fd = -1, .socket_fd = socket_fd,
                                              .die_with_parent = true},
                         &e),
              &e);
    (void)close(pipe_fd[1]);
    while ((r = read(pipe_fd[0], out + n, cap - 1 - n)) > 0) {
        n += (size_t)r;
    }
    out[n] = '\0';
    (void)close(pipe_fd[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void children_get_their_descriptors_and_no_others(void **state)
{
    char out[256];
    int fd[2];
    int secret = open("/dev/null", O_RDONLY | O_CLOEXEC);
    (void)state;
    assert_int_equal(pipe(fd), 0);
    (void)fcntl(fd[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(fd[1], F_SETFD, FD_CLOEXEC);
    run(out, sizeof out, "echo over >&3; echo $VAETOP_TEST_WORD; exec ls -C /proc/self/fd", fd[1]);
    assert_string_equal(out, "over\n0  1  2  3  4\n"); /* 4: the folder that ls reads */
    assert_int_equal(read(fd[0], out, 5), 5);
    (void)close(fd[0]);
    (void)close(fd[1]);
    (void)close(secret);
}

static void a_program_that_is_missing_is_reported_here(void **state)
{
    char name[] = "none";
    char *argv[] = {name, NULL};
    struct err e;
    pid_t pid = 0;
    (void)state;
    assert_err(proc_spawn(&pid,
                          &(struct proc_spawn){.path = "/nonexistent/none", .argv = argv, .stdin_fd = -1,
                                               .stdout_fd = -1, .stderr_fd = -1, .socket_fd = -1},
                          &e),
               ERR_IO, &e);
    assert_has(e.text, "/nonexistent/none: cannot start");
}

static void identity_is_pid_and_start_time(void **state)
{
    struct proc_id self = proc_self();
    struct proc_id other = self;
    pid_t child;
    (void)state;
    assert_true(proc_alive(self));
    other.start_ticks++;
    assert_false(proc_alive(other));
    assert_true(proc_kill(other)); /* not that process any more: gone already, and nobody was hurt */
    child = fork();
    if (child == 0) {
        (void)pause();
        _exit(0);
    }
    assert_true(proc_identify(&other, child));
    assert_true(proc_kill(other));
    assert_false(proc_alive(other));
}

int proc_tests(void);
int proc_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_get_their_descriptors_and_no_others),
        cmocka_unit_test(a_program_that_is_missing_is_reported_here),
        cmocka_unit_test(identity_is_pid_and_start_time),
    };
    return cmocka_run_group_tests_name("base proc", tests, NULL, NULL);
}
