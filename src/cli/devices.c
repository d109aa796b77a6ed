/* `devices`: what there is, what is usable, what is missing and the command that mends it. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "vaetop/base/alloc.h"
#include "vaetop/ipc/probe.h"

static void print_table(const struct probe *p)
{
    char memory[32];
    (void)printf("index  type  units     memory  usable  device\n");
    for (size_t i = 0; i < p->n; i++) {
        const struct device_info *d = &p->device[i];
        (void)printf("%5zu  %-4.4s  %5d %10s  %-6s  %s\n", i, d->type, d->compute_units,
                     str_bytes(memory, sizeof memory, d->memory_bytes), d->usable ? "yes" : "no", d->name);
        (void)printf("       %s, %s, driver %s\n", d->platform, d->cl_version, d->driver);
        if (!d->usable) {
            (void)printf("       not usable: %s\n", d->why_not);
        }
    }
    if (p->n == 0) {
        (void)printf("none: no OpenCL driver answers on this machine\n");
    }
    for (size_t i = 0; i < p->n_advice; i++) {
        (void)printf("%s%s\n", i == 0 ? "\n" : "", p->advice[i]);
    }
}

static enum err_code print_json(const struct probe *p, const struct options *o, struct err *e)
{
    json_t *root = json_pack("{s:i, s:[], s:[]}", "schema_version", 1, "devices", "advice");
    char *text;
    char *line;
    enum err_code rc;
    for (size_t i = 0; i < p->n; i++) {
        const struct device_info *d = &p->device[i];
        json_t *row = json_object();
        (void)json_object_set_new(row, "index", json_integer((json_int_t)i));
        (void)json_object_set_new(row, "platform", json_string(d->platform));
        (void)json_object_set_new(row, "name", json_string(d->name));
        (void)json_object_set_new(row, "type", json_string(d->type));
        (void)json_object_set_new(row, "compute_units", json_integer(d->compute_units));
        (void)json_object_set_new(row, "memory_bytes", json_integer((json_int_t)d->memory_bytes));
        (void)json_object_set_new(row, "max_alloc_bytes", json_integer((json_int_t)d->max_alloc_bytes));
        (void)json_object_set_new(row, "local_memory_bytes", json_integer((json_int_t)d->local_bytes));
        (void)json_object_set_new(row, "opencl_version", json_string(d->cl_version));
        (void)json_object_set_new(row, "driver_version", json_string(d->driver));
        (void)json_object_set_new(row, "icd", json_string(d->icd));
        (void)json_object_set_new(row, "usable", json_boolean(d->usable));
        (void)json_object_set_new(row, "why_not", json_string(d->why_not));
        (void)json_array_append_new(json_object_get(root, "devices"), row);
    }
    for (size_t i = 0; i < p->n_advice; i++) {
        (void)json_array_append_new(json_object_get(root, "advice"), json_string(p->advice[i]));
    }
    text = json_dumps(root, JSON_INDENT(2));
    line = xasprintf("%s\n", text ? text : "{}");
    rc = write_text(o->output, line, strlen(line), e);
    free(line);
    free(text);
    json_decref(root);
    return rc;
}

/* Runs the self-test of one device in a worker of its own; says on stderr how it went. */
static enum err_code self_test(const struct device_info *d, struct err *e)
{
    double seconds;
    enum err_code rc = probe_self_test(d, &seconds, e);
    if (!rc) {
        (void)fprintf(stderr, "%s: self-test passed in %.1f s\n", d->name, seconds);
    }
    return rc;
}

enum err_code devices_command(const struct options *o, struct err *e)
{
    struct probe p;
    bool any = false;
    enum err_code rc = probe_devices(&p, e);
    if (rc) {
        return rc;
    }
    if (o->json) {
        rc = print_json(&p, o, e);
    } else {
        print_table(&p);
        (void)fflush(stdout);
    }
    for (size_t i = 0; i < p.n; i++) {
        any = any || p.device[i].usable;
        if (!rc && o->self_test && p.device[i].usable) {
            rc = self_test(&p.device[i], e);
        }
    }
    if (!rc && !any) {
        rc = err_set(e, ERR_NODEVICE, "no usable OpenCL device; on Debian and Ubuntu `sudo apt install pocl-opencl-icd`"
                                      " makes the CPU one");
    }
    probe_release(&p);
    return rc;
}
