#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"

void check_close(double got, double want, double atol, double rtol, const char *what, const char *file, int line)
{
    if (isfinite(got) && isfinite(want) && fabs(got - want) <= atol + rtol * fabs(want)) {
        return;
    }
    print_error("%s: got %.17g, want %.17g +- %.3g\n", what, got, want, atol + rtol * fabs(want));
    _fail(file, line);
}

void check_code(enum err_code got, enum err_code want, const struct err *e, const char *what, const char *file, int line)
{
    if (got == want) {
        return;
    }
    print_error("%s: code %d, want %d: %s\n", what, (int)got, (int)want, e && got ? e->text : "");
    _fail(file, line);
}

void check_has(const char *text, const char *part, const char *file, int line)
{
    if (text && strstr(text, part)) {
        return;
    }
    print_error("\"%s\" does not contain \"%s\"\n", text ? text : "(null)", part);
    _fail(file, line);
}

static char **made;
static size_t n_made;

static void remove_made(void)
{
    while (n_made > 0) {
        struct err e;
        n_made--;
        if (fs_remove_tree(made[n_made], &e)) {
            (void)fprintf(stderr, "%s\n", e.text);
        }
        free(made[n_made]);
    }
    free(made);
}

const char *temp_dir(void)
{
    const char *build = getenv("VAETOP_BUILD");
    char *parent = xasprintf("%s/tests/tmp", build ? build : "/tmp/vaetop-tests");
    char *path = xasprintf("%s/XXXXXX", parent);
    struct err e;
    if (fs_mkdirs(parent, &e) || !mkdtemp(path)) {
        fail_msg("no temporary folder under %s", parent);
    }
    free(parent);
    if (n_made == 0) {
        (void)atexit(remove_made);
    }
    made = xreallocarray(made, n_made + 1, sizeof *made);
    made[n_made++] = path;
    return path;
}

/* --- hostile input */

#ifdef __SANITIZE_ADDRESS__
#define RISE_MOST_KIB (1L << 30) /* shadow memory and freed blocks held back are not the readers' */
#else
#define RISE_MOST_KIB (64L << 10)
#endif

long peak_rss_kib(void)
{
    struct rusage u;
    assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
    return u.ru_maxrss;
}

static int run_watched(int (*const group[])(void), size_t n, const char *what)
{
    const long before = peak_rss_kib();
    const clock_t start = clock();
    int failed = 0;
    for (size_t i = 0; i < n; i++) {
        failed += group[i]();
    }
    const long rise = peak_rss_kib() - before;
    (void)printf("%s: %ld KiB above the baseline, %.2f s\n", what, rise, (double)(clock() - start) / CLOCKS_PER_SEC);
    if (rise > RISE_MOST_KIB) {
        (void)printf("at most %ld KiB were expected\n", RISE_MOST_KIB);
        failed++;
    }
    return failed;
}

int hostile_tests(int (*const group[])(void), size_t n, const char *what)
{
    int status = 1;
    const pid_t pid = fork();
    if (pid == 0) {
        const int failed = run_watched(group, n, what);
        (void)fflush(stdout);
        _exit(failed != 0);
    }
    return pid < 0 || waitpid(pid, &status, 0) != pid || status != 0;
}
