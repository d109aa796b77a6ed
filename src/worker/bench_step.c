/* Training steps of a network alone and in packs: time, FLOPs, memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_job.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"

#define ROWS 2048 /* of the made data set */
static const int lanes_of[] = {1, 2, 4, 8, 16};
enum { SIZES = sizeof lanes_of / sizeof *lanes_of };

/* One pack that trains. */
struct steps {
    struct pack *pack;
    struct pack_lane *lane; /* (lanes) */
    struct pack_step *step; /* (lanes, most) */
    int *slot;
    int lanes, most;        /* steps between two looks of the host */
    int64_t done;
    int64_t predicted, buffers, resident; /* bytes */
};

/* "784-400-20:128" as a config: the data's width, encoder widths, latent size, batch. */
static enum err_code read_name(struct config *c, int *data, const char *name, struct err *e)
{
    char text[256], *part[2 + NET_HIDDEN_MAX + 1], *save = NULL;
    int n = 0;
    int64_t width, batch;
    struct sbuf lines = {0};
    char *colon = str_copy(text, sizeof text, name) ? strchr(text, ':') : NULL;
    if (colon) *colon = '\0';
    for (char *p = strtok_r(text, "-", &save); p && n < 2 + NET_HIDDEN_MAX + 1; p = strtok_r(NULL, "-", &save)) part[n++] = p;
    if (!colon || n < 3 || n > 2 + NET_HIDDEN_MAX || !str_to_i64(&width, part[0]) || width < 1 || width > PLAN_DIM_MAX ||
        !str_to_i64(&batch, colon + 1)) {
        return err_set(e, ERR_USAGE, "network '%.100s': expected DATA-WIDTH[-WIDTH...]-LATENT:BATCH, such as "
                                     "784-400-20:128", name);
    }
    *data = (int)width;
    sbuf_addf(&lines, "train.batch=%s\nmodel.latent=%s\nmodel.encoder=", colon + 1, part[n - 1]);
    for (int i = 1; i < n - 1; i++) sbuf_addf(&lines, "%s%s", i > 1 ? "," : "", part[i]);
    sbuf_addf(&lines, "\n");
    const enum err_code rc = config_parse(c, lines.text, e);
    sbuf_release(&lines);
    if (rc) err_prefix(e, "network '%.100s'", name);
    return rc;
}

static enum err_code data_new(struct pack_data **out, struct device *dev, int dim, struct err *e)
{
    const size_t n = (size_t)ROWS * (size_t)dim;
    uint8_t *x = xcalloc(n, 1);
    uint32_t row[ROWS];
    struct rng r = rng_start(rng_key(1, 2), RNG_INIT, 0);
    for (size_t i = 0; i < n; i++) x[i] = (uint8_t)rng_below(&r, 256);
    for (uint32_t i = 0; i < ROWS; i++) row[i] = i;
    const struct pack_rows rows = {.x = x, .is_u8 = true, .n = ROWS, .dim = (size_t)dim, .train = row, .n_train = ROWS};
    const enum err_code rc = pack_data_new(out, dev, &rows, e);
    free(x);
    return rc;
}

/* Bytes of this process in memory. */
static int64_t resident_bytes(void)
{
    long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%*d %lld", &pages) != 1) pages = 0;
    if (f) (void)fclose(f);
    return pages * sysconf(_SC_PAGESIZE);
}

/* Steps in looks of at most `most`, as training does them. */
static enum err_code run_steps(void *what, int calls, struct err *e)
{
    struct steps *s = what;
    const int batch = pack_plan(s->pack)->net.batch;
    enum err_code rc = ERR_OK;
    while (calls > 0 && !rc) {
        const int n = calls < s->most ? calls : s->most;
        for (int i = 0; i < s->lanes; i++) {
            for (int k = 0; k < n; k++) {
                pack_step_train(&s->step[i * n + k], &s->lane[i], s->done + k, ROWS, batch,
                                (struct step_rates){.lr = 1e-3, .beta = 1});
            }
        }
        rc = pack_steps(s->pack, s->slot, s->lanes, s->step, n, e);
        rc = rc ? rc : pack_train_all(s->pack, e);
        rc = rc ? rc : pack_fetch_ring(s->pack, e);
        s->done += n;
        calls -= n;
    }
    return rc;
}

static void steps_release(struct steps *s)
{
    pack_free(s->pack);
    free(s->lane);
    free(s->step);
    free(s->slot);
}

static enum err_code lanes_fill(struct steps *s, const struct config *c, struct err *e)
{
    const struct plan *p = pack_plan(s->pack);
    float *arena = xcalloc(p->params, sizeof *arena);
    enum err_code rc = ERR_OK;
    for (int i = 0; i < s->lanes && !rc; i++) {
        const struct rng_key key = rng_key(1, i);
        s->slot[i] = i;
        pack_lane_init(&s->lane[i], c, key);
        pack_lane_widths(&s->lane[i], &p->net);
        pack_set_lane(s->pack, i, &s->lane[i]);
        weights_init(arena, &p->net, p, key);
        rc = pack_write_arena(s->pack, i, ARENA_WEIGHTS, arena, e);
    }
    free(arena);
    return rc;
}

/* way: who multiplies; NULL: the default. */
static enum err_code steps_new(struct steps *s, struct device *dev, struct pack_data *data, const struct plan *p,
                               const struct config *c, const struct choice *way, int lanes, struct err *e)
{
    const int64_t before = resident_bytes();
    size_t temp = 0;
    *s = (struct steps){.lanes = lanes, .most = p->ring_steps};
    s->lane = xcalloc((size_t)lanes, sizeof *s->lane);
    s->slot = xcalloc((size_t)lanes, sizeof *s->slot);
    s->step = xcalloc((size_t)lanes * (size_t)s->most, sizeof *s->step);
    enum err_code rc = pack_new(&s->pack, dev, data, p, e);
    if (!rc && way) pack_set_provider(s->pack, way->provider);
    rc = rc ? rc : pack_temp_bytes(&temp, s->pack, e);
    rc = rc ? rc : pack_resize(s->pack, lanes, e);
    rc = rc ? rc : lanes_fill(s, c, e);
    rc = rc ? rc : run_steps(s, 1, e);
    if (rc) return rc;
    s->predicted = (int64_t)(p->fixed_bytes + (size_t)lanes * p->lane_bytes + temp);
    s->buffers = (int64_t)(pack_bytes(s->pack) + (temp > 0 ? device_gemm_temp_held(dev) : 0));
    s->resident = resident_bytes() - before;
    return ERR_OK;
}

static void send_row(struct bench *b, const char *name, const char *by, const struct steps *s, const struct meter *m,
                     const struct meter *peak, double peak_flop)
{
    const struct plan *p = pack_plan(s->pack);
    char title[128], way[32];
    (void)str_copy(title, sizeof title, name);
    (void)str_copy(way, sizeof way, by);
    struct m_measured row = {.section = (char[]){"step"}, .name = title, .by = way, .lanes = s->lanes,
                             .threads = device_info(b->dev)->compute_units, .m = p->net.batch,
                             .flops = p->step_flops * s->lanes, .predicted_bytes = s->predicted,
                             .buffer_bytes = s->buffers, .resident_bytes = s->resident};
    bench_send(b, &row, m, peak, peak_flop);
}

enum err_code bench_plan(struct plan *out, struct config *c, const struct device *dev, const char *name, struct err *e)
{
    struct net net;
    int data = 0;
    enum err_code rc = read_name(c, &data, name, e);
    rc = rc ? rc : net_from_config(&net, c, (size_t)data, e);
    struct choice choice;
    rc = rc ? rc : choice_make(&choice, dev, &net, e);
    return rc ? rc : plan_make(out, &net, choice.kind, e);
}

/* Every plan that this device can have, one lane each; the fastest becomes the network's row of the table. */
static enum err_code tune(struct bench *b, struct peak *peak, const char *name, const struct plan *now,
                          struct pack_data *data, const struct config *c, struct err *e)
{
    static const struct choice ways[] = {
        {0, PLAN_CHAIN, PROVIDER_TILE}, {0, PLAN_PLAIN, PROVIDER_TILE}, {0, PLAN_PLAIN, PROVIDER_CLBLAST}};
    enum { WAYS = sizeof ways / sizeof *ways };
    const int n_ways = b->clblast || !device_is_cpu(b->dev) ? WAYS : WAYS - 1;
    struct plan p[WAYS];
    struct steps s[WAYS] = {{0}};
    struct meter m[1 + WAYS] = {peak_meter(peak)};
    int n = 0, best = 0;
    enum err_code rc = ERR_OK;
    for (; n < n_ways && !rc; n++) {
        rc = plan_make(&p[n], &now->net, ways[n].kind, e);
        rc = rc ? rc : steps_new(&s[n], b->dev, data, &p[n], c, &ways[n], 1, e);
        m[1 + n] = (struct meter){.run = run_steps, .what = &s[n]};
    }
    rc = rc ? rc : meters_run(m, 1 + (size_t)n, b->rounds, e);
    for (int i = 0; i < n && !rc; i++) {
        const char *by = ways[i].provider == PROVIDER_CLBLAST ? "plain, clblast" : plan_kind_name(ways[i].kind);
        send_row(b, name, by, &s[i], &m[1 + i], &m[0], peak_flops(peak));
        if (meter_quartiles(&m[1 + i], b->rounds).median < meter_quartiles(&m[1 + best], b->rounds).median) best = i;
    }
    if (!rc && b->n_choices < CHOICES_MAX) {
        b->choice[b->n_choices] = ways[best];
        b->choice[b->n_choices++].flops = now->step_flops;
    }
    meters_release(m, 1 + (size_t)n);
    for (int i = 0; i < n; i++) steps_release(&s[i]);
    return rc;
}

enum err_code bench_network(struct bench *b, struct peak *peak, const char *name, struct err *e)
{
    struct config c;
    struct plan p;
    struct pack_data *data = NULL;
    struct steps s[SIZES] = {{0}};
    struct meter m[1 + SIZES] = {peak_meter(peak)};
    int n = 0;
    config_init(&c);
    enum err_code rc = bench_plan(&p, &c, b->dev, name, e);
    rc = rc ? rc : data_new(&data, b->dev, p.net.data, e);
    for (; n < SIZES && !rc; n++) {
        rc = steps_new(&s[n], b->dev, data, &p, &c, NULL, lanes_of[n], e);
        m[1 + n] = (struct meter){.run = run_steps, .what = &s[n]};
    }
    rc = rc ? rc : meters_run(m, 1 + (size_t)n, b->rounds, e);
    for (int i = 0; i < n && !rc; i++) {
        send_row(b, name, plan_kind_name(p.kind), &s[i], &m[1 + i], &m[0], peak_flops(peak));
    }
    if (!rc && b->tune) rc = tune(b, peak, name, &p, data, &c, e);
    meters_release(m, 1 + (size_t)n);
    for (int i = 0; i < n; i++) steps_release(&s[i]);
    pack_data_free(data);
    config_release(&c);
    return rc;
}
