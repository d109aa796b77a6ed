/* A one-off worker that measures its device: reads BENCH, answers MEASURED for each figure, then BENCHED. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_job.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"
#include "vaetop/worker/worker.h"

#define REQUEST_MS 10000
#define ANSWER_MS 10000
#define ROUNDS_MAX 1000

void bench_send(struct bench *b, struct m_measured *row, const struct meter *m, const struct meter *peak,
                double peak_flops)
{
    const struct quartiles q = meter_quartiles(m, b->rounds), p = meter_quartiles(peak, b->rounds);
    row->low_s = q.low;
    row->median_s = q.median;
    row->high_s = q.high;
    row->peak = peak_flops / p.median;
    (void)send_measured(b->conn, row);
    (void)conn_drain(b->conn, ANSWER_MS);
}

void bench_note(struct bench *b, const char *text)
{
    sbuf_addf(&b->note, "%s%s", b->note.len > 0 ? "; " : "", text);
}

static enum err_code measure(struct bench *b, const struct m_bench *ask, struct err *e)
{
    struct peak *peak = NULL;
    char *names = xstrdup(ask->networks), *save = NULL;
    bool first = true;
    if (ask->platform < 0 || ask->platform > 9999 || ask->device < 0 || ask->device > 9999 || ask->rounds < 1 ||
        ask->rounds > ROUNDS_MAX) {
        free(names);
        return err_set(e, ERR_PROTO, "bench: a number is out of range");
    }
    enum err_code rc = device_open(&b->dev, (int)ask->platform, (int)ask->device, NULL, e);
    rc = rc ? rc : peak_new(&peak, b->dev, e);
    for (char *name = strtok_r(names, " ", &save); name && !rc; name = strtok_r(NULL, " ", &save), first = false) {
        rc = first ? bench_products(b, peak, name, e) : ERR_OK;
        rc = rc ? rc : bench_network(b, peak, name, e);
    }
    if (!rc && b->tune) rc = choices_write(b->dev, b->choice, b->n_choices, e);
    peak_free(peak);
    free(names);
    return rc;
}

int worker_bench(int fd)
{
    uint16_t type;
    struct msg_reader r;
    struct m_bench ask;
    struct err e = {0};
    (void)signal(SIGPIPE, SIG_IGN);
    struct bench b = {.conn = conn_new(fd)};
    if (conn_wait(b.conn, &type, &r, REQUEST_MS) != CONN_FRAME || type != MESSAGE_BENCH || !read_bench(&ask, &r)) {
        return 1;
    }
    b.rounds = (int)ask.rounds;
    b.clblast = ask.clblast != 0;
    b.tune = ask.tune != 0;
    const enum err_code rc = measure(&b, &ask, &e);
    sbuf_add(&b.note, "");
    char *table = b.dev ? choices_path(b.dev) : xstrdup("");
    if (table[0] && !fs_exists(table)) table[0] = '\0';
    const struct m_benched end = {.code = rc, .text = rc ? e.text : (char[]){""}, .table = table, .note = b.note.text};
    /* Not through the exit handlers: a driver's own may hang. */
    _exit(send_benched(b.conn, &end) && conn_drain(b.conn, ANSWER_MS) ? 0 : 1);
}
