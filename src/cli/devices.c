/* `devices`: what there is, what is usable, what is missing and the command that mends it; and with a study, what that
 * uses, switched while it runs. */
#include <jansson.h>
#include <math.h>
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

static enum err_code machine_devices(const struct options *o, struct err *e)
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

/* --- of a study */

struct study_devices {
    struct card_row *card;
    struct device_row *slice;
    size_t n, n_slices;
};

/* What the workers of a card do, taken together. */
static struct device_row together(const struct study_devices *d, const struct card_row *c)
{
    struct device_row sum = {.busy = (double)NAN};
    for (size_t i = 0; i < d->n_slices; i++) {
        const struct device_row *s = &d->slice[i];
        if (s->index >= c->first && s->index < c->first + c->slices) {
            sum.slots_used += s->slots_used;
            sum.slots += s->slots;
            sum.bytes_used += s->bytes_used;
            sum.bytes_total = s->bytes_total > sum.bytes_total ? s->bytes_total : sum.bytes_total;
        }
    }
    return sum;
}

/* "71 C", or "-" for what the driver does not say. */
static const char *reading(char *buf, size_t cap, double v, const char *unit)
{
    if (isnan(v)) {
        return "-";
    }
    (void)snprintf(buf, cap, "%.0f %s", v, unit);
    return buf;
}

static void print_study_devices(const struct study_devices *d)
{
    (void)printf("index  type  use       slots  temperature   power    load  device\n");
    for (size_t i = 0; i < d->n; i++) {
        const struct card_row *c = &d->card[i];
        struct device_row sum = together(d, c);
        char t[16], w[16], l[16];
        (void)printf("%5d  %-4.4s  %-8s  %2d/%-2d  %11s  %6s  %6s  %s\n", c->index, c->type, c->use, sum.slots_used,
                     sum.slots, reading(t, sizeof t, c->temperature_c, "C"), reading(w, sizeof w, c->power_w, "W"),
                     reading(l, sizeof l, c->load * 100, "%"), c->name);
        if (c->note[0]) {
            (void)printf("       %s\n", c->note);
        }
    }
}

static void set_known(json_t *row, const char *key, double v)
{
    (void)json_object_set_new(row, key, isnan(v) ? json_null() : json_real(v));
}

static enum err_code print_study_json(const struct study_devices *d, const struct options *o, struct err *e)
{
    json_t *root = json_pack("{s:i, s:[]}", "schema_version", 1, "devices");
    for (size_t i = 0; i < d->n; i++) {
        const struct card_row *c = &d->card[i];
        struct device_row sum = together(d, c);
        json_t *row = json_pack("{s:i, s:s, s:s, s:s, s:s, s:i, s:i, s:I}", "index", c->index, "type", c->type, "name",
                                c->name, "use", c->use, "note", c->note, "slots_used", sum.slots_used, "slots", sum.slots,
                                "memory_used_bytes", (json_int_t)sum.bytes_used);
        set_known(row, "temperature_c", c->temperature_c);
        set_known(row, "power_w", c->power_w);
        set_known(row, "load", c->load);
        (void)json_array_append_new(json_object_get(root, "devices"), row);
    }
    char *text = json_dumps(root, JSON_INDENT(2));
    char *line = xasprintf("%s\n", text ? text : "{}");
    enum err_code rc = write_text(o->output, line, strlen(line), e);
    free(line);
    free(text);
    json_decref(root);
    return rc;
}

static enum err_code list_study(const struct options *o, struct err *e)
{
    struct study s;
    struct study_devices d = {0};
    enum err_code rc = study_open(&s, o, o->arg[0], e);
    if (rc) {
        return rc;
    }
    rc = store_cards(s.store, &d.card, &d.n, e);
    rc = rc ? rc : store_devices(s.store, &d.slice, &d.n_slices, e);
    if (!rc && o->json) {
        rc = print_study_json(&d, o, e);
    } else if (!rc) {
        print_study_devices(&d);
        if (!s.live) {
            (void)fprintf(stderr, "vaetop: no engine runs %s now: this is how it ended\n", s.name);
        }
    }
    free(d.card);
    free(d.slice);
    study_close(&s);
    return rc;
}

static enum err_code switch_device(const struct options *o, struct err *e)
{
    static const struct {
        const char *word;
        enum command command;
    } can[] = {{"on", COMMAND_DEVICE_ON}, {"off", COMMAND_DEVICE_OFF}, {"drain", COMMAND_DEVICE_DRAIN},
               {"test", COMMAND_DEVICE_TEST}};
    for (size_t i = 0; i < sizeof can / sizeof *can; i++) {
        if (strcmp(o->arg[1], can[i].word) == 0) {
            return o->n_args < 3 ? err_set(e, ERR_USAGE, "devices %s %s: which? an index, part of a name, cpu, gpu, all",
                                           o->arg[0], o->arg[1])
                                 : tell(o, can[i].command, can[i].command, o->arg[2], e);
        }
    }
    char clean[64];
    return err_set(e, ERR_USAGE, "devices: %s: on, off, drain or test was expected",
                   str_clean(clean, sizeof clean, o->arg[1]));
}

enum err_code devices_command(const struct options *o, struct err *e)
{
    return o->n_args == 0 ? machine_devices(o, e) : o->n_args == 1 ? list_study(o, e) : switch_device(o, e);
}
