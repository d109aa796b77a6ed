#include "vaetop/model/selftest.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/log.h"
#include "vaetop/conf/paths.h"
#include "vaetop/model/model.h"

/* Float against double over a few steps. Measured on PoCL: losses within 1e-7 of themselves, prints within 2e-6. */
#define LOSS_RTOL 2e-5
#define PRINT_ATOL 1e-4

struct run {
    struct device *dev;
    const struct selftest_case *c;
    struct config config;
    struct plan plan;
    struct pack_lane lane[SELFTEST_LANES];
    struct pack_data *data;
    struct pack *pack;
    int lanes;
};

static enum err_code differs(const struct run *r, const char *what, int step, double got, double want, struct err *e)
{
    const struct device_info *d = device_info(r->dev);
    return err_set(e, ERR_NODEVICE,
                   "%s: self-test (%s; %s plan): %s at step %d is %.9g, expected %.9g: this device or its driver (%s) "
                   "computes wrong numbers",
                   d->name, r->c->name, plan_kind_name(r->plan.kind), what, step, got, want, d->driver);
}

static bool close_to(double got, double want, double tolerance)
{
    return isfinite(got) && fabs(got - want) <= tolerance;
}

static enum err_code set_up_data(struct run *r, struct err *e)
{
    uint32_t row[SELFTEST_ROWS];
    for (uint32_t i = 0; i < SELFTEST_ROWS; i++) {
        row[i] = i;
    }
    void *x = selftest_rows(r->c);
    const struct pack_rows rows = {.x = x, .is_u8 = r->c->is_u8, .n = SELFTEST_ROWS, .dim = (size_t)r->c->data,
                                   .train = row + SELFTEST_VAL, .n_train = SELFTEST_ROWS - SELFTEST_VAL,
                                   .val = row, .n_val = SELFTEST_VAL};
    enum err_code rc = pack_data_new(&r->data, r->dev, &rows, e);
    free(x);
    return rc;
}

static enum err_code set_up(struct run *r, enum plan_kind kind, struct err *e)
{
    struct net net;
    enum err_code rc = config_parse(&r->config, r->c->config, e);
    rc = rc ? rc : net_from_config(&net, &r->config, (size_t)r->c->data, e);
    rc = rc ? rc : plan_make(&r->plan, &net, kind, e);
    rc = rc ? rc : set_up_data(r, e);
    rc = rc ? rc : pack_new(&r->pack, r->dev, r->data, &r->plan, e);
    rc = rc ? rc : pack_resize(r->pack, r->lanes, e);
    for (int i = 0; !rc && i < r->lanes; i++) {
        struct rng_key key = rng_key(SELFTEST_SEED, i);
        pack_lane_init(&r->lane[i], &r->config, key);
        pack_lane_widths(&r->lane[i], &r->plan.net);
        pack_set_lane(r->pack, i, &r->lane[i]);
        float *weights = xcalloc(r->plan.params, sizeof *weights);
        weights_init(weights, &r->plan.net, &r->plan, key);
        rc = pack_write_arena(r->pack, i, ARENA_WEIGHTS, weights, e);
        free(weights);
    }
    return rc;
}

static enum err_code train(struct run *r, struct err *e)
{
    struct pack_step step[SELFTEST_LANES * SELFTEST_STEPS];
    const int slot[SELFTEST_LANES] = {0, 1};
    for (int i = 0; i < r->lanes; i++) {
        for (int k = 0; k < SELFTEST_STEPS; k++) {
            const struct step_rates rates = {.lr = config_f64(&r->config, KNOB_OPTIMIZER_LR),
                                             .beta = config_f64(&r->config, KNOB_LOSS_BETA)};
            pack_step_train(&step[i * SELFTEST_STEPS + k], &r->lane[i], k, SELFTEST_ROWS - SELFTEST_VAL, r->plan.net.batch,
                            rates);
        }
    }
    enum err_code rc = pack_steps(r->pack, slot, r->lanes, step, SELFTEST_STEPS, e);
    for (int k = 0; !rc && k < SELFTEST_STEPS; k++) {
        rc = pack_train(r->pack, k, e);
    }
    rc = rc ? rc : pack_fetch_ring(r->pack, e);
    for (int i = 0; !rc && i < r->lanes; i++) {
        const struct selftest_figures *want = &r->c->want[i];
        for (int k = 0; !rc && k < SELFTEST_STEPS; k++) {
            struct pack_loss got;
            pack_loss(r->pack, i, k, &got);
            if (!close_to(got.rec, want->rec[k], LOSS_RTOL * want->rec[k])) {
                rc = differs(r, "reconstruction", k, got.rec, want->rec[k], e);
            } else if (!close_to(got.kl, want->kl[k], LOSS_RTOL * want->kl[k])) {
                rc = differs(r, "KL", k, got.kl, want->kl[k], e);
            }
        }
    }
    return rc;
}

static enum err_code evaluate(struct run *r, struct err *e)
{
    struct pack_step step[SELFTEST_LANES];
    const int slot[SELFTEST_LANES] = {0, 1};
    for (int i = 0; i < r->lanes; i++) {
        pack_step_eval(&step[i], 0, SELFTEST_VAL);
    }
    enum err_code rc = pack_steps(r->pack, slot, r->lanes, step, 1, e);
    rc = rc ? rc : pack_eval(r->pack, 0, e);
    rc = rc ? rc : pack_fetch_ring(r->pack, e);
    for (int i = 0; !rc && i < r->lanes; i++) {
        const struct selftest_figures *want = &r->c->want[i];
        struct pack_loss got;
        pack_loss(r->pack, i, 0, &got);
        if (!close_to(got.rec, want->eval_rec, LOSS_RTOL * want->eval_rec)) {
            rc = differs(r, "validation reconstruction", SELFTEST_STEPS, got.rec, want->eval_rec, e);
        } else if (!close_to(got.kl, want->eval_kl, LOSS_RTOL * want->eval_kl)) {
            rc = differs(r, "validation KL", SELFTEST_STEPS, got.kl, want->eval_kl, e);
        }
    }
    return rc;
}

/* The figure of a lane's weights; see selftest_figures. */
static double print_of(const float *arena, const struct run *r)
{
    struct tensor_info tensor[NET_TENSORS_MAX];
    int n = net_tensors(tensor, &r->plan.net, &r->plan);
    double sum = 0;
    double place = 0;
    for (int t = 0; t < n; t++) {
        size_t count = (size_t)tensor[t].rows * (size_t)tensor[t].cols;
        float *w = xcalloc(count, sizeof *w);
        tensor_from_arena(w, arena, &r->plan, &tensor[t]);
        for (size_t i = 0; i < count; i++) {
            place += 1;
            sum += (double)w[i] * sin(place);
        }
        free(w);
    }
    return sum;
}

static enum err_code compare_weights(struct run *r, struct err *e)
{
    enum err_code rc = ERR_OK;
    float *arena = xcalloc(r->plan.params, sizeof *arena);
    for (int i = 0; !rc && i < r->lanes; i++) {
        double want = r->c->want[i].print;
        rc = pack_read_arena(r->pack, i, ARENA_WEIGHTS, arena, e);
        double got = rc ? want : print_of(arena, r);
        if (!close_to(got, want, PRINT_ATOL)) {
            rc = differs(r, "the print of the weights", SELFTEST_STEPS, got, want, e);
        }
    }
    free(arena);
    return rc;
}

static enum err_code run_case(struct device *dev, const struct selftest_case *c, enum plan_kind kind,
                              enum provider provider, int lanes, struct err *e)
{
    struct run r = {.dev = dev, .c = c, .lanes = lanes};
    config_init(&r.config);
    enum err_code rc = set_up(&r, kind, e);
    if (!rc && kind == PLAN_PLAIN) {
        pack_set_provider(r.pack, provider);
    }
    rc = rc ? rc : train(&r, e);
    rc = rc ? rc : evaluate(&r, e);
    rc = rc ? rc : compare_weights(&r, e);
    pack_free(r.pack);
    pack_data_free(r.data);
    config_release(&r.config);
    return rc;
}

/* One case in the plan that is the default here, or in all that can be chosen here. CLBlast is never chosen for a CPU,
 * where it would compile for a minute. */
static enum err_code run_plans(struct device *dev, const struct selftest_case *c, bool every_plan, struct err *e)
{
    bool cpu = device_is_cpu(dev);
    enum err_code rc = ERR_OK;
    if (cpu) {
        rc = run_case(dev, c, PLAN_CHAIN, PROVIDER_TILE, SELFTEST_LANES, e);
    }
    if (!rc && (!cpu || every_plan)) {
        rc = run_case(dev, c, PLAN_PLAIN, PROVIDER_TILE, SELFTEST_LANES, e);
    }
    if (!rc && !cpu) {
        rc = run_case(dev, c, PLAN_PLAIN, PROVIDER_CLBLAST, SELFTEST_LANES, e);
    }
    return rc;
}

enum err_code selftest_full(struct device *dev, bool every_plan, struct err *e)
{
    enum err_code rc = ERR_OK;
    for (size_t i = 0; !rc && i < selftest_case_count; i++) {
        rc = run_plans(dev, &selftest_cases[i], every_plan, e);
    }
    return rc;
}

enum err_code selftest_golden(struct device *dev, struct err *e)
{
    enum plan_kind kind = device_is_cpu(dev) ? PLAN_CHAIN : PLAN_PLAIN;
    return run_case(dev, &selftest_cases[0], kind, PROVIDER_TILE, 1, e);
}

/* FNV-1a, 64 bits, the terminating zero included so that neighbours cannot run together. */
static uint64_t hash_text(uint64_t h, const char *text)
{
    do {
        h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    } while (*text++);
    return h;
}

char *selftest_stamp(const struct device *dev)
{
    const struct device_info *d = device_info(dev);
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    h = hash_text(h, d->platform);
    h = hash_text(h, d->name);
    h = hash_text(h, d->driver);
    h = hash_text(h, d->cl_version);
    h = hash_text(h, VAETOP_VERSION);
    h ^= device_source_hash(dev);
    char *home = path_cache_home();
    char *path = xasprintf("%s/selftest/%016" PRIx64, home, h);
    free(home);
    return path;
}

/* Not being able to remember costs the next start some time and nothing else. */
static void remember(const struct device *dev, const char *stamp)
{
    struct err e;
    char *home = path_cache_home();
    char *dir = fs_join(home, "selftest");
    char *text = xasprintf("%s: %s passed\n", device_info(dev)->platform, device_info(dev)->name);
    if (fs_mkdirs(dir, &e) || fs_write(stamp, text, strlen(text), &e)) {
        log_warn("self-test: %s", e.text);
    }
    free(text);
    free(dir);
    free(home);
}

enum err_code selftest_start(struct device *dev, bool force, bool *full, struct err *e)
{
    char *stamp = selftest_stamp(dev);
    bool all = force || !fs_exists(stamp);
    enum err_code rc = all ? selftest_full(dev, force, e) : selftest_golden(dev, e);
    if (all && !rc) {
        remember(dev, stamp);
    }
    if (full) {
        *full = all;
    }
    free(stamp);
    return rc;
}
