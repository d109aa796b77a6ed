/* The pack's lanes: who is in, what it is, when it leaves. */
#include "vaetop/train/trainer.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_private.h"
#include "vaetop/base/alloc.h"
#include "vaetop/model/choice.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/str.h"

_Static_assert(SNAPSHOT_POINTS == PLAN_MEAN_ROWS, "evaluation keeps the means that a picture shows");

enum err_code trainer_data_new(struct trainer_data **out, struct device *dev, const struct dataset *data,
                               const struct split *split, struct err *e)
{
    const struct pack_rows rows = {.x = data->x, .is_u8 = data->type == DATA_U8, .n = data->n, .dim = data->dim,
                                   .train = split->train, .val = split->val, .n_train = split->n_train,
                                   .n_val = split->n_val};
    struct trainer_data *d = xcalloc(1, sizeof *d);
    d->set = data;
    d->split = split;
    const enum err_code rc = pack_data_new(&d->pack, dev, &rows, e);
    if (rc) free(d);
    *out = rc ? NULL : d;
    return rc;
}

void trainer_data_free(struct trainer_data *d)
{
    if (!d) return;
    pack_data_free(d->pack);
    free(d->mean);
    free(d);
}

enum err_code trainer_plan(struct plan *out, const struct device *dev, const struct net *n, struct err *e)
{
    struct choice choice;
    const enum err_code rc = choice_make(&choice, dev, n, e);
    return rc ? rc : plan_make(out, n, choice.kind, e);
}

enum err_code trainer_new(struct trainer **out, struct device *dev, struct trainer_data *data, const struct plan *plan,
                          struct err *e)
{
    struct trainer *t = xcalloc(1, sizeof *t);
    t->dev = dev;
    t->data = data;
    t->plan = *plan;
    const enum err_code rc = pack_new(&t->pack, dev, data->pack, plan, e);
    if (rc) free(t);
    *out = rc ? NULL : t;
    return rc;
}

static void lane_release(struct train_lane *l)
{
    if (l->state == LANE_FREE) return;
    config_release(&l->config);
    free(l->row);
    free(l->axes);
    free(l->before);
    memset(l, 0, sizeof *l);
}

void trainer_free(struct trainer *t)
{
    if (!t) return;
    for (int i = 0; i < t->n_lanes; i++) lane_release(&t->lane[i]);
    pack_free(t->pack);
    free(t->lane);
    free(t);
}

static int free_handle(struct trainer *t)
{
    int i = 0;
    while (i < t->n_lanes && t->lane[i].state != LANE_FREE) i++;
    if (i == t->n_lanes) {
        t->lane = xreallocarray(t->lane, (size_t)++t->n_lanes, sizeof *t->lane);
        memset(&t->lane[i], 0, sizeof t->lane[i]);
    }
    return i;
}

static int lane_in_slot(const struct trainer *t, int slot)
{
    for (int i = 0; i < t->n_lanes; i++) {
        if (t->lane[i].state != LANE_FREE && t->lane[i].slot == slot) return i;
    }
    return -1;
}

enum err_code trainer_predict(uint64_t *bytes, const struct trainer *t, int lanes, struct err *e)
{
    size_t temp;
    const enum err_code rc = pack_temp_bytes(&temp, t->pack, e);
    *bytes = t->plan.fixed_bytes + (uint64_t)lanes * t->plan.lane_bytes + temp;
    return rc;
}

/* Said before anything is allocated. The lanes that are there move into the larger buffers, so both exist for a moment. */
static enum err_code room_for(const struct trainer *t, int lanes, struct err *e)
{
    const uint64_t budget = device_budget(t->dev), used = device_bytes_in_use(t->dev);
    char need[16], left[16], all[16];
    uint64_t bytes;
    const enum err_code rc = trainer_predict(&bytes, t, lanes, e);
    if (rc || (used <= budget && bytes <= budget - used)) return rc;
    return err_set(e, ERR_DEVICE_MEM, "%s needed, %s of %s available; lower train.batch or the model's widths, or run fewer "
                   "trials at once", str_bytes(need, sizeof need, bytes),
                   str_bytes(left, sizeof left, used < budget ? budget - used : 0), str_bytes(all, sizeof all, budget));
}

/* An unused slot, or a new one. */
static enum err_code free_slot(struct trainer *t, int *slot, struct err *e)
{
    for (*slot = 0; *slot < pack_slots(t->pack); ++*slot) {
        if (lane_in_slot(t, *slot) < 0) return ERR_OK;
    }
    enum err_code rc = room_for(t, *slot + 1, e);
    return rc ? rc : pack_resize(t->pack, *slot + 1, e);
}

static const double *data_mean(struct trainer_data *d)
{
    const size_t dim = d->set->dim, n = d->split->n_train;
    if (d->mean) return d->mean;
    d->mean = xcalloc(dim, sizeof *d->mean);
    for (size_t i = 0; i < n; i++) {
        const size_t at = d->split->train[i] * dim;
        for (size_t j = 0; j < dim; j++) {
            d->mean[j] += d->set->type == DATA_U8 ? ((const uint8_t *)d->set->x)[at + j] / 255.0
                                                  : (double)((const float *)d->set->x)[at + j];
        }
    }
    for (size_t j = 0; j < dim; j++) d->mean[j] /= (double)n;
    return d->mean;
}

double trainer_baseline(struct trainer *t)
{
    double sum = 0;
    if (t->plan.net.likelihood != LIKE_BERNOULLI) return NAN;
    const double *mean = data_mean(t->data);
    for (size_t j = 0; j < t->data->set->dim; j++) {
        const double m = mean[j];
        if (m > 0 && m < 1) sum -= m * log(m) + (1 - m) * log(1 - m);
    }
    return sum;
}

void trainer_data_size(const struct trainer *t, double *most, double *deviation)
{
    const struct dataset *d = t->data->set;
    const struct split *s = t->data->split;
    const size_t rows = s->n_train < 1000 ? s->n_train : 1000;
    double squares = 0;
    *most = -HUGE_VAL;
    for (size_t i = 0; i < rows; i++) {
        const size_t at = s->train[i * s->n_train / rows] * d->dim;
        for (size_t j = 0; j < d->dim; j++) {
            const double v = d->type == DATA_U8 ? ((const uint8_t *)d->x)[at + j] / 255.0
                                                : (double)((const float *)d->x)[at + j];
            *most = fmax(*most, v);
            squares += v * v;
        }
    }
    *deviation = sqrt(squares / (double)(rows * d->dim));
}

/* Fresh weights, no moments. */
static enum err_code start_weights(struct trainer *t, struct train_lane *l, struct rng_key key, struct err *e)
{
    float *arena = try_calloc(t->plan.params, sizeof *arena);
    if (!arena) return err_set(e, ERR_NOMEM, "%zu weights", t->plan.params);
    enum err_code rc = ERR_OK;
    for (int a = ARENA_WEIGHTS; a < ARENA_COUNT && !rc; a++) {
        if (pack_has_arena(t->pack, (enum arena)a)) rc = pack_write_arena(t->pack, l->slot, (enum arena)a, arena, e);
    }
    weights_init(arena, &l->net, &t->plan, key);
    if (config_choice(&l->config, KNOB_MODEL_BIAS) == BIAS_DATA) {
        weights_bias_from(arena, &l->net, &t->plan, data_mean(t->data));
    }
    if (!rc) rc = pack_write_arena(t->pack, l->slot, ARENA_WEIGHTS, arena, e);
    if (!rc && t->plan.net.ema) rc = pack_write_arena(t->pack, l->slot, ARENA_EMA, arena, e);
    free(arena);
    return rc;
}

static enum err_code fits(const struct trainer *t, const struct net *n, int trial, struct err *e)
{
    struct plan p;
    const enum err_code rc = plan_make(&p, n, t->plan.kind, e);
    if (rc) return rc;
    if (plan_pack_key(&p, 0) == plan_pack_key(&t->plan, 0)) return ERR_OK;
    return err_set(e, ERR_USAGE, "trial %d: its shapes or batch are not this pack's; lanes share padded shapes", trial);
}

enum err_code trainer_add(struct trainer *t, int *lane, const struct lane_spec *s, struct err *e)
{
    struct net net;
    int slot = 0;
    enum err_code rc = net_from_config(&net, s->config, t->data->set->dim, e);
    if (!rc) rc = fits(t, &net, s->trial, e);
    if (!rc) rc = free_slot(t, &slot, e);
    if (rc) return rc;
    *lane = free_handle(t);
    struct train_lane *l = &t->lane[*lane];
    const struct rng_key key = rng_key(s->study_seed, s->trial);
    *l = (struct train_lane){.state = LANE_ACTIVE, .slot = slot, .trial = s->trial, .study_seed = s->study_seed,
                             .until = s->until, .net = net, .last_loss = NAN, .chunk_loss = NAN, .best = NAN,
                             .saved_ns = clock_mono_ns()};
    motion_init(&l->motion);
    config_copy(&l->config, s->config);
    pack_lane_init(&l->constants, &l->config, key);
    pack_set_lane(t->pack, slot, &l->constants);
    rc = s->resume ? checkpoint_load(t, l, s, e) : start_weights(t, l, key, e);
    if (rc) lane_release(l);
    else t->idle_chunks = 0;
    return rc;
}

void trainer_remove(struct trainer *t, int lane)
{
    assert(lane >= 0 && lane < t->n_lanes);
    lane_release(&t->lane[lane]);
}

int trainer_lanes(const struct trainer *t)
{
    int n = 0;
    for (int i = 0; i < t->n_lanes; i++) n += t->lane[i].state != LANE_FREE;
    return n;
}

enum err_code trainer_edit(struct trainer *t, int lane, enum knob k, const char *value, int64_t *at_step, struct err *e)
{
    assert(lane >= 0 && lane < t->n_lanes && t->lane[lane].state != LANE_FREE);
    struct train_lane *l = &t->lane[lane];
    if (k != KNOB_OPTIMIZER_LR && k != KNOB_LOSS_BETA && k != KNOB_TRAIN_EPOCHS) {
        return err_set(e, ERR_USAGE,
                       "%s: cannot change while a trial runs; optimizer.lr, loss.beta and train.epochs can",
                       k >= 0 && k < KNOB_COUNT ? knob_info(k)->full : "knob");
    }
    if (l->state != LANE_ACTIVE) return err_set(e, ERR_USAGE, "trial %d: has finished", l->trial);
    struct config changed;
    config_copy(&changed, &l->config);
    enum err_code rc = config_set(&changed, k, value, e);
    if (!rc && config_i64(&changed, KNOB_TRAIN_EPOCHS) * steps_per_epoch(t) < l->step) {
        rc = err_set(e, ERR_USAGE, "train.epochs: %s is in the past, trial %d is in epoch %d", value, l->trial,
                     l->epochs_done + 1);
    }
    if (rc) {
        config_release(&changed);
        return rc;
    }
    config_release(&l->config);
    l->config = changed;
    *at_step = l->step;
    return ERR_OK;
}

void trainer_status(const struct trainer *t, int lane, struct lane_status *out)
{
    assert(lane >= 0 && lane < t->n_lanes && t->lane[lane].state != LANE_FREE);
    const struct train_lane *l = &t->lane[lane];
    const int epochs = (int)config_i64(&l->config, KNOB_TRAIN_EPOCHS);
    *out = (struct lane_status){.trial = l->trial, .epoch = l->epochs_done, .epochs = epochs, .step = l->step,
                                .steps = epochs * steps_per_epoch(t), .last_train_loss = l->chunk_loss,
                                .inexact = l->inexact};
    if (l->sums.seconds > 0) out->images_per_s = (double)l->sums.rows / l->sums.seconds;
    else if (l->n_rows > 0) out->images_per_s = l->row[l->n_rows - 1].images_per_s;
}

enum err_code trainer_encode(struct trainer *t, int lane, float *mu, const uint32_t *rows, size_t n_rows, struct err *e)
{
    assert(lane >= 0 && lane < t->n_lanes && t->lane[lane].state != LANE_FREE);
    const struct train_lane *l = &t->lane[lane];
    const bool best = l->has_best && config_choice(&l->config, KNOB_STUDY_VALUE) == VALUE_BEST;
    const enum arena present = t->plan.net.ema ? ARENA_EMA : ARENA_WEIGHTS;
    return pack_encode(t->pack, l->slot, best ? ARENA_BEST : present, rows, n_rows, mu, e);
}

uint64_t trainer_bytes(const struct trainer *t)
{
    return pack_bytes(t->pack);
}
