#include "device_private.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/log.h"
#include "vaetop/base/str.h"
#include "vaetop/device/clerr.h"

#define MAX_BUILD_LOG ((size_t)16 << 20)

/* FNV-1a, 64 bits. Source: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash_bytes(uint64_t h, const void *p, size_t n)
{
    const unsigned char *b = p;
    for (size_t i = 0; i < n; i++) {
        h = (h ^ b[i]) * UINT64_C(0x100000001b3);
    }
    return h;
}

static uint64_t hash_sources(const struct sources *s, const char *options)
{
    uint64_t h = hash_bytes(UINT64_C(0xcbf29ce484222325), options, strlen(options));
    for (size_t i = 0; i < s->n; i++) {
        h = hash_bytes(h, s->text[i], s->len[i]);
    }
    return h;
}

/* Owns: caller frees; NULL when there is none. */
static char *build_log(const struct device *d)
{
    size_t n = 0;
    if (clGetProgramBuildInfo(d->program, d->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &n) || n <= 1 || n > MAX_BUILD_LOG) {
        return NULL;
    }
    char *text = xcalloc(n + 1, 1);
    if (clGetProgramBuildInfo(d->program, d->id, CL_PROGRAM_BUILD_LOG, n, text, NULL)) {
        free(text);
        return NULL;
    }
    return text;
}

/* build_log_dir/build-DEVICE.log. Losing a log is no reason not to go on. */
static void keep_log(const struct device *d, const char *dir, const char *log)
{
    char name[sizeof d->info.name];
    size_t n = 0;
    for (const char *p = d->info.name; *p; p++) {
        name[n++] = isalnum((unsigned char)*p) || *p == '-' || *p == '_' ? *p : '_';
    }
    name[n] = '\0';
    char *path = xasprintf("%s/build-%s.log", dir, name);
    struct err e;
    if (fs_write(path, log, strlen(log), &e)) {
        log_warn("build log of %s: %s", d->info.name, e.text);
    }
    free(path);
}

/* The first line that says error, else the first that says anything. */
static void first_error(char *out, size_t cap, const char *log)
{
    const char *at = strstr(log, "error");
    at = at ? at : log + strspn(log, " \t\r\n");
    while (at > log && at[-1] != '\n') {
        at--;
    }
    char *line = xstrndup(at, strcspn(at, "\n"));
    (void)str_clean(out, cap, line);
    free(line);
}

static enum err_code compile(struct device *d, const struct sources *s, const char *options, const char *build_log_dir,
                             struct err *e)
{
    cl_int status;
    const char **text = xcalloc(s->n, sizeof *text);
    for (size_t i = 0; i < s->n; i++) {
        text[i] = s->text[i];
    }
    d->program = clCreateProgramWithSource(d->context, (cl_uint)s->n, text, s->len, &status);
    free(text);
    if (status) {
        return cl_fail(e, status, "clCreateProgramWithSource", NULL);
    }
    status = clBuildProgram(d->program, 1, &d->id, options, NULL, NULL);
    char *log = build_log(d);
    if (log && build_log_dir) {
        keep_log(d, build_log_dir, log);
    }
    enum err_code rc = ERR_OK;
    if (status) {
        char line[400] = "the driver left no build log";
        if (log) {
            first_error(line, sizeof line, log);
        }
        rc = err_set(e, ERR_CL_BUILD, "%s: %s; clBuildProgram(%s): %s (%d)", d->info.name, line, options,
                     cl_name(status), (int)status);
    }
    free(log);
    return rc;
}

enum err_code program_build(struct device *d, const char *build_log_dir, struct err *e)
{
    struct sources s;
    const char *options = d->cpu ? "-cl-std=CL1.2 -cl-denorms-are-zero -DDEVICE_CPU=1"
                                 : "-cl-std=CL1.2 -cl-denorms-are-zero -DDEVICE_CPU=0";
    enum err_code rc = sources_load(&s, e);
    if (!rc && s.n > 0) {
        d->source_hash = hash_sources(&s, options);
        rc = compile(d, &s, options, build_log_dir, e);
    }
    sources_release(&s);
    return rc;
}
