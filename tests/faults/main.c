/* Fails, or ends the process at, the N-th system call of each write path, for every N. */
#include "points.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/proc.h"
#include "vaetop/base/str.h"

enum { EXIT_BY_SHIM = 41, MOST_POINTS = 5000 };

struct outcome {
    int acked, status;
    bool struck;
};

/* A torn end is another one than an end only where bytes are written; a disk gets full only where something grows. */
static const char *calls_for(const char *how)
{
    return strcmp(how, "torn") == 0 ? "write" : strcmp(how, "ENOSPC") == 0 ? "open,write,truncate,link,rename" : "all";
}

static struct outcome run_under(const char *what, const char *dir, const char *scratch, const char *how, int n)
{
    struct outcome o = {0};
    struct err e;
    int fd[2];
    char *mark = fs_join(scratch, "mark"), *shadow = fs_join(scratch, "shadow");
    (void)unlink(mark);
    assert_ok(fs_mkdirs(shadow, &e), &e);
    assert_int_equal(pipe(fd), 0);
    char *env[] = {xasprintf("LD_PRELOAD=%s", FAULTS_SHIM), xasprintf("VAETOP_FAULT_DIR=%s", dir),
                   xasprintf("VAETOP_FAULT=%s:%d:%s", calls_for(how), n, how), xasprintf("VAETOP_FAULT_MARK=%s", mark),
                   xasprintf("VAETOP_FAULT_SHADOW=%s", shadow),
                   xstrdup("ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0"), NULL};
    char *argv[] = {xstrdup("test_faults"), xstrdup(what), xstrdup(dir), NULL};
    const struct proc_spawn s = {.path = "/proc/self/exe", .argv = argv, .env_extra = env, .stdin_fd = -1,
                                 .stdout_fd = fd[1], .stderr_fd = -1, .socket_fd = -1};
    pid_t pid;
    assert_ok(proc_spawn(&pid, &s, &e), &e);
    close(fd[1]);
    char text[1024];
    size_t len = 0;
    ssize_t got;
    while (len < sizeof text - 1 && (got = read(fd[0], text + len, sizeof text - 1 - len)) > 0) {
        len += (size_t)got;
    }
    text[len] = '\0';
    close(fd[0]);
    assert_int_equal(waitpid(pid, &o.status, 0), pid);
    for (const char *p = text; (p = strstr(p, "ack ")) != NULL; p++) {
        o.acked = atoi(p + 4);
    }
    o.struck = fs_exists(mark);
    for (int i = 0; env[i]; i++) {
        free(env[i]);
    }
    for (int i = 0; argv[i]; i++) {
        free(argv[i]);
    }
    assert_ok(fs_remove_tree(shadow, &e), &e);
    free(mark);
    free(shadow);
    return o;
}

/* One pass over all N. Returns the number of points. */
static int every_point(const char *what, const char *how)
{
    const char *scratch = temp_dir();
    bool dies = how[0] != 'E';
    int bad = 0;
    for (int n = 1; n < MOST_POINTS; n++) {
        struct err e;
        char why[600];
        char *dir = xasprintf("%s/%d", scratch, n);
        assert_ok(fs_mkdirs(dir, &e), &e);
        points_prepare(what, dir);
        struct outcome o = run_under(what, dir, scratch, how, n);
        bool died = WIFEXITED(o.status) && WEXITSTATUS(o.status) == EXIT_BY_SHIM;
        bool ok = o.struck && dies ? died : WIFEXITED(o.status) && WEXITSTATUS(o.status) == 0;
        snprintf(why, sizeof why, "wait status 0x%x", (unsigned)o.status);
        if (!ok || !points_holds(what, dir, o.acked, died, why, sizeof why)) {
            print_error("%s, %s at call %d: %s\n", what, how, n, why);
            bad++;
        }
        assert_ok(fs_remove_tree(dir, &e), &e);
        free(dir);
        if (!o.struck) {
            assert_int_equal(o.acked, points_steps(what));
            assert_int_equal(bad, 0);
            return n - 1;
        }
    }
    fail_msg("%s: no end of system calls", what);
    return 0;
}

static void all_ways(const char *what, int least)
{
    static const char *const how[] = {"EIO", "ENOSPC", "exit", "torn", "lost"};
    struct sbuf line = {0};
    for (size_t i = 0; i < sizeof how / sizeof *how; i++) {
        int n = every_point(what, how[i]);
        assert_in_range(n, least, MOST_POINTS);
        sbuf_addf(&line, "  %s: %d", how[i], n);
    }
    print_message("points of %s%s\n", what, line.text);
    sbuf_release(&line);
}

static void a_small_file_is_old_or_new_whatever_call_fails(void **state)
{
    (void)state;
    all_ways("write", 1);
}

static void a_checkpoint_opens_whatever_call_fails(void **state)
{
    (void)state;
    all_ways("checkpoint", 9);
}

static void a_study_is_created_or_not_whatever_call_fails(void **state)
{
    (void)state;
    all_ways("create", 20);
}

static void a_study_keeps_what_it_acknowledged_whatever_call_fails(void **state)
{
    (void)state;
    all_ways("store", 40);
}

int main(int argc, char **argv)
{
    if (argc == 3) {
        return points_work(argv[1], argv[2]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_file_is_old_or_new_whatever_call_fails),
        cmocka_unit_test(a_checkpoint_opens_whatever_call_fails),
        cmocka_unit_test(a_study_is_created_or_not_whatever_call_fails),
        cmocka_unit_test(a_study_keeps_what_it_acknowledged_whatever_call_fails),
    };
    return cmocka_run_group_tests_name("faults points", tests, NULL, NULL);
}
