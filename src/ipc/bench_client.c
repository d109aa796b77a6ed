#include "vaetop/ipc/bench_client.h"

#include <stdlib.h>

#include "vaetop/base/alloc.h"
#include "worker_start.h"

#define ROWS_MAX 65536

/* True when BENCHED has come. */
static bool converse(struct bench_answer *out, struct conn *c, const struct m_bench *request,
                     void (*seen)(const struct m_measured *row))
{
    uint16_t type;
    struct msg_reader r;
    if (!send_bench(c, request)) {
        return false;
    }
    while (conn_wait(c, &type, &r, -1) == CONN_FRAME) {
        if (type == MESSAGE_BENCHED) {
            return read_benched(&out->end, &r);
        }
        if (type != MESSAGE_MEASURED || out->n == ROWS_MAX) {
            return false;
        }
        out->row = xreallocarray(out->row, out->n + 1, sizeof *out->row);
        if (!read_measured(&out->row[out->n], &r)) {
            return false;
        }
        out->n++;
        if (seen) {
            seen(&out->row[out->n - 1]);
        }
    }
    return false;
}

enum err_code bench_ask(struct bench_answer *out, const struct device_info *d, struct m_bench *request,
                        void (*seen)(const struct m_measured *row), struct err *e)
{
    struct conn *c = NULL;
    pid_t pid = 0;
    *out = (struct bench_answer){0};
    request->platform = d->platform_index;
    request->device = d->device_index;
    enum err_code rc = worker_start(&c, &pid, "bench", d, e);
    if (rc) {
        return rc;
    }
    const bool answered = converse(out, c, request, seen);
    rc = worker_end(c, pid, answered, d, e);
    if (!rc && out->end.code) {
        rc = err_set(e, (enum err_code)out->end.code, "%s", out->end.text);
    }
    if (rc) {
        bench_answer_release(out);
    }
    return rc;
}

void bench_answer_release(struct bench_answer *a)
{
    for (size_t i = 0; i < a->n; i++) {
        free_measured(&a->row[i]);
    }
    free(a->row);
    free_benched(&a->end);
    *a = (struct bench_answer){0};
}
