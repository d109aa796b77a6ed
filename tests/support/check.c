#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
