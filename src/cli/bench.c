/* `bench`: how fast a device is beside its own limit, as a table or JSON. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"
#include "vaetop/ipc/bench_client.h"
#include "vaetop/ipc/probe.h"

#define NETWORKS "784-400-20:128 784-64-2:64 784-1024-64:128 784-512-256-128-16:128"
#define ROUNDS 9
#define ROUNDS_MAX 1000

static bool is_step(const struct m_measured *m)
{
    return strcmp(m->section, "step") == 0;
}

static double gflops(const struct m_measured *m, double seconds)
{
    return m->flops / seconds * 1e-9;
}

/* --- the table */

static void print_product(const struct m_measured *m, bool first)
{
    if (first) {
        (void)printf("\n%s %lld x %lld x %lld\n", m->name, (long long)m->m, (long long)m->n, (long long)m->k);
    }
    (void)printf("  %-10s %2lld thread%s %8.1f  %7.1f -%7.1f  %6.1f %%\n", m->by, (long long)m->threads,
                 m->threads == 1 ? " " : "s", gflops(m, m->median_s), gflops(m, m->high_s), gflops(m, m->low_s),
                 100 * m->flops / m->median_s / m->peak);
}

static void print_step(const struct m_measured *m, bool first)
{
    char bytes[3][16];
    if (first) {
        (void)printf("\n%s (%s plan)\n", m->name, m->by);
    }
    const double per_s = (double)m->lanes / m->median_s;
    (void)printf("  %5lld %9.3f %8.3f -%8.3f %9.0f %11.0f %8.1f  %5.1f %%  %10s %10s %10s\n", (long long)m->lanes,
                 1e3 * m->median_s, 1e3 * m->low_s, 1e3 * m->high_s, per_s, per_s * (double)m->m,
                 gflops(m, m->median_s), 100 * m->flops / m->median_s / m->peak,
                 str_bytes(bytes[0], sizeof bytes[0], (uint64_t)m->predicted_bytes),
                 str_bytes(bytes[1], sizeof bytes[1], (uint64_t)m->buffer_bytes),
                 m->resident_bytes < 0 ? "-" : str_bytes(bytes[2], sizeof bytes[2], (uint64_t)m->resident_bytes));
}

static bool same(const struct m_measured *a, const struct m_measured *b)
{
    return strcmp(a->name, b->name) == 0 && (!is_step(a) || strcmp(a->by, b->by) == 0) && a->m == b->m &&
           a->n == b->n && a->k == b->k;
}

static void print_table(const struct bench_answer *a, const struct device_info *d, int64_t rounds)
{
    bool steps = false;
    (void)printf("%s, %d units, %s, driver %s\n%lld rounds in turns; medians, then quartiles. Plans by %s.\n", d->name,
                 d->compute_units, d->platform, d->driver, (long long)rounds, a->end.table[0] ? a->end.table : "the "
                 "built-in table");
    if (a->n > 0) {
        (void)printf("Fused multiply-adds in registers: %.1f GFLOP/s, the peak.\n", a->row[0].peak * 1e-9);
        (void)printf("\nproduct                   GFLOP/s      quartiles      of peak\n");
    }
    for (size_t i = 0; i < a->n; i++) {
        const struct m_measured *m = &a->row[i];
        const bool first = i == 0 || !same(m, m - 1);
        if (is_step(m) && !steps) {
            (void)printf("\nlanes   ms/step      quartiles       steps/s     samples/s  GFLOP/s  of peak   predicted    buffers  "
                         " resident\n");
        }
        steps = steps || is_step(m);
        if (is_step(m)) {
            print_step(m, first);
        } else {
            print_product(m, first);
        }
    }
    if (a->end.note[0]) {
        (void)printf("\n%s\n", a->end.note);
    }
}

/* --- JSON */

static json_t *product_json(const struct m_measured *m)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f}", "op", m->name, "by", m->by, "threads",
                     (json_int_t)m->threads, "m", (json_int_t)m->m, "n", (json_int_t)m->n, "k", (json_int_t)m->k,
                     "gflops_median", gflops(m, m->median_s), "gflops_lower_quartile", gflops(m, m->high_s),
                     "gflops_upper_quartile", gflops(m, m->low_s), "peak_gflops", m->peak * 1e-9, "share_of_peak",
                     m->flops / m->median_s / m->peak);
}

static json_t *step_json(const struct m_measured *m)
{
    const double per_s = (double)m->lanes / m->median_s;
    json_t *row = json_pack("{s:s, s:s, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "network", m->name, "plan",
                            m->by, "batch", (json_int_t)m->m, "lanes", (json_int_t)m->lanes, "step_ms_median",
                            1e3 * m->median_s, "step_ms_lower_quartile", 1e3 * m->low_s, "step_ms_upper_quartile",
                            1e3 * m->high_s, "steps_per_s", per_s, "samples_per_s", per_s * (double)m->m,
                            "useful_gflops", gflops(m, m->median_s), "peak_gflops", m->peak * 1e-9, "share_of_peak",
                            m->flops / m->median_s / m->peak);
    (void)json_object_set_new(row, "predicted_bytes", json_integer((json_int_t)m->predicted_bytes));
    (void)json_object_set_new(row, "buffer_bytes", json_integer((json_int_t)m->buffer_bytes));
    (void)json_object_set_new(row, "resident_growth_bytes", json_integer((json_int_t)m->resident_bytes));
    return row;
}

static enum err_code print_json(const struct bench_answer *a, const struct device_info *d, int64_t rounds,
                                const struct options *o, struct err *e)
{
    json_t *root = json_pack("{s:i, s:{s:s, s:s, s:s, s:s, s:i}, s:I, s:s, s:s, s:[], s:[]}", "schema_version", 1,
                             "device", "name", d->name, "platform", d->platform, "type", d->type, "driver_version",
                             d->driver, "compute_units", d->compute_units, "rounds", (json_int_t)rounds, "plan_table",
                             a->end.table[0] ? a->end.table : "built-in", "note", a->end.note, "products", "steps");
    for (size_t i = 0; i < a->n; i++) {
        const struct m_measured *m = &a->row[i];
        json_t *row = is_step(m) ? step_json(m) : product_json(m);
        (void)json_array_append_new(json_object_get(root, is_step(m) ? "steps" : "products"), row);
    }
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    char *line = xasprintf("%s\n", text ? text : "{}");
    const enum err_code rc = write_text(o->output, line, strlen(line), e);
    free(line);
    free(text);
    json_decref(root);
    return rc;
}

/* --- the command */

static void seen(const struct m_measured *m)
{
    (void)fprintf(stderr, "%s %s, %s, %lld lane%s\n", m->section, m->name, m->by, (long long)m->lanes,
                  m->lanes == 1 ? "" : "s");
}

static enum err_code ask(struct bench_answer *out, struct m_bench *m, const struct device_info *d,
                         const struct options *o, struct err *e)
{
    return bench_ask(out, d, m, o->quiet ? NULL : seen, e);
}

static enum err_code read_rounds(int64_t *out, const char *text, struct err *e)
{
    *out = ROUNDS;
    if (text && (!str_to_i64(out, text) || *out < 1 || *out > ROUNDS_MAX)) {
        char clean[64];
        return err_set(e, ERR_USAGE, "--rounds %s: a number from 1 to %d was expected",
                       str_clean(clean, sizeof clean, text), ROUNDS_MAX);
    }
    return ERR_OK;
}

enum err_code bench_command(const struct options *o, struct err *e)
{
    struct probe probe;
    size_t *chosen = NULL, n = 0;
    struct bench_answer answer = {0};
    struct m_bench m = {.tune = o->tune, .clblast = o->clblast};
    enum err_code rc = read_rounds(&m.rounds, o->rounds, e);
    rc = rc ? rc : probe_devices(&probe, e);
    if (rc) {
        return rc;
    }
    m.networks = xstrdup(o->networks ? o->networks : NETWORKS);
    rc = probe_choose(&chosen, &n, &probe, o->device, e);
    if (!rc) {
        const struct device_info *d = &probe.device[chosen[0]];
        rc = ask(&answer, &m, d, o, e);
        if (!rc && o->json) {
            rc = print_json(&answer, d, m.rounds, o, e);
        } else if (!rc) {
            print_table(&answer, d, m.rounds);
        }
    }
    bench_answer_release(&answer);
    free(m.networks);
    free(chosen);
    probe_release(&probe);
    return rc;
}
