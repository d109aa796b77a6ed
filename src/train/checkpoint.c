/* Checkpoints: everything a lane needs to go on with the same bits. Form: include/vaetop/train/trainer.h. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train_private.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/log.h"
#include "vaetop/base/str.h"
#include "vaetop/data/safetensors.h"

#define FORMAT "vaetop-checkpoint-1"
#define LONGEST_GAP_NS (60 * INT64_C(1000000000))
#define COST_FACTOR 100 /* with the one at the end of each trial, under a 50th of the time */

/* Columns of vaetop.epochs: epoch, step, then the metrics in table order. */
#define X(member, unit, meaning) +1
enum { ROW_COLUMNS = 2 EPOCH_METRIC_LIST(X) };
#undef X
static const size_t norms_shape[2] = {NORMS_COUNT, NORM_BINS};
/* vaetop.sums */
enum { SUM_LOSS, SUM_REC, SUM_KL, SUM_SECONDS, SUM_ROWS, SUM_LANE_SECONDS, SUM_BEST, SUM_LAST_LOSS, SUM_COUNT };

static void row_to_doubles(double *out, const struct epoch_row *r)
{
    *out++ = r->epoch;
    *out++ = (double)r->step;
#define X(member, unit, meaning) *out++ = r->member;
    EPOCH_METRIC_LIST(X)
#undef X
}

static void row_from_doubles(struct epoch_row *r, const double *in, int trial)
{
    r->trial = trial;
    r->epoch = (int)*in++;
    r->step = (int64_t)*in++;
#define X(member, unit, meaning) r->member = *in++;
    EPOCH_METRIC_LIST(X)
#undef X
}

#define PARTS_MAX 8
/* The arenas a lane needs and the prefix of their tensors' names. */
struct part {
    enum arena arena;
    const char *prefix;
};
static int lane_parts(struct part out[PARTS_MAX], const struct train_lane *l)
{
    int n = 0;
    out[n++] = (struct part){ARENA_WEIGHTS, ""};
    const int kind = l->constants.optimizer;
    const bool adam = kind == OPT_ADAM || kind == OPT_ADAMW;
    if (adam || l->constants.momentum > 0) out[n++] = (struct part){ARENA_MOMENT1, "opt.m."};
    if (kind != OPT_SGD) out[n++] = (struct part){ARENA_MOMENT2, "opt.v."};
    if (kind == OPT_RMSPROP && l->constants.centered) out[n++] = (struct part){ARENA_MOMENT3, "opt.c."};
    if (l->net.ema) out[n++] = (struct part){ARENA_EMA, "ema."};
    if (l->has_best) out[n++] = (struct part){ARENA_BEST, "best."};
    return n;
}

/* --- writing */

/* All tensors of one arena into *at, which moves on; the writer borrows them. */
static enum err_code add_part(struct trainer *t, const struct train_lane *l, const struct part *part, float *arena,
                              float **at, struct tensor_writer *w, struct err *e)
{
    struct tensor_info tensor[NET_TENSORS_MAX];
    const int n = net_tensors(tensor, &l->net, &t->plan);
    const enum err_code rc = pack_read_arena(t->pack, l->slot, part->arena, arena, e);
    for (int i = 0; i < n && !rc; i++) {
        char name[64];
        const size_t shape[2] = {(size_t)tensor[i].rows, (size_t)tensor[i].cols};
        snprintf(name, sizeof name, "%.16s%.31s", part->prefix, tensor[i].name);
        tensor_from_arena(*at, arena, &t->plan, &tensor[i]);
        tensor_writer_add(w, name, TENSOR_F32, shape, tensor[i].kind == PARAM_WEIGHT ? 2 : 1, *at);
        *at += shape[0] * shape[1];
    }
    return rc;
}

/* So that other rows get the constants of the training rows, which need not be there then. */
static void add_scale(struct trainer *t, struct tensor_writer *w)
{
    const struct data_scale *s = &t->data->set->scale;
    if (s->n == 0) return;
    tensor_writer_add(w, "vaetop.scale.shift", TENSOR_F32, &s->n, 1, s->shift);
    tensor_writer_add(w, "vaetop.scale.factor", TENSOR_F32, &s->n, 1, s->factor);
}

static void add_meta(struct trainer *t, const struct train_lane *l, struct tensor_writer *w)
{
    char text[64];
    struct sbuf config = {0};
#define NUMBER(key, fmt, v) snprintf(text, sizeof text, fmt, v), tensor_writer_meta(w, key, text)
    tensor_writer_meta(w, "format", FORMAT);
    NUMBER("trial", "%d", l->trial);
    NUMBER("study_seed", "%" PRIu64, l->study_seed);
    NUMBER("step", "%" PRId64, l->step);
    NUMBER("epoch", "%d", l->epochs_done);
    NUMBER("skipped", "%" PRId64, l->skipped);
    NUMBER("skipped_in_a_row", "%" PRId64, l->skipped_in_a_row);
    NUMBER("data_hash", "%016" PRIx64, t->data->set->hash);
    NUMBER("train_rows", "%zu", t->data->split->n_train);
    NUMBER("validation_rows", "%zu", t->data->split->n_val);
#undef NUMBER
    tensor_writer_meta(w, "state", l->state == LANE_DIVERGED ? "diverged" : "training");
    tensor_writer_meta(w, "reason", l->reason);
    tensor_writer_meta(w, "plan", plan_kind_name(t->plan.kind));
    tensor_writer_meta(w, "device", device_info(t->dev)->name);
    tensor_writer_meta(w, "driver", device_info(t->dev)->driver);
    if (l->inexact) tensor_writer_meta(w, "exact", "no");
    config_format(&config, &l->config);
    tensor_writer_meta(w, "config", config.text ? config.text : "");
    sbuf_release(&config);
}

static enum err_code save(struct trainer *t, const struct train_lane *l, const char *path, struct err *e)
{
    struct part part[PARTS_MAX];
    const int n_parts = lane_parts(part, l);
    const size_t n_rows = (size_t)l->n_rows;
    float *arena = try_calloc(t->plan.params, sizeof *arena);
    float *tensors = try_calloc((size_t)n_parts * net_params(&l->net), sizeof *tensors), *at = tensors;
    double *rows = try_calloc(n_rows * ROW_COLUMNS + 1, sizeof *rows);
    struct tensor_writer *w = tensor_writer_new();
    enum err_code rc = ERR_OK;
    if (!arena || !tensors || !rows) rc = err_set(e, ERR_NOMEM, "%s: no memory for a copy of the weights", path);
    for (int i = 0; i < n_parts && !rc; i++) rc = add_part(t, l, &part[i], arena, &at, w, e);
    const double sums[SUM_COUNT] = {
        [SUM_LOSS] = l->sums.loss,       [SUM_REC] = l->sums.rec,         [SUM_KL] = l->sums.kl,
        [SUM_SECONDS] = l->sums.seconds, [SUM_ROWS] = (double)l->sums.rows, [SUM_LANE_SECONDS] = l->seconds,
        [SUM_BEST] = l->best,            [SUM_LAST_LOSS] = l->last_loss,
    };
    const double moved[2] = {l->motion.moved[0].least, l->motion.moved[0].most};
    if (!rc) {
        tensor_writer_add(w, "vaetop.sums", TENSOR_F64, (const size_t[]){SUM_COUNT}, 1, sums);
        for (size_t i = 0; i < n_rows; i++) row_to_doubles(rows + i * ROW_COLUMNS, &l->row[i]);
        const size_t shape[2] = {n_rows, ROW_COLUMNS}, axes[2] = {2, (size_t)l->net.latent};
        if (n_rows > 0) tensor_writer_add(w, "vaetop.epochs", TENSOR_F64, shape, 2, rows);
        if (l->axes) tensor_writer_add(w, "vaetop.axes", TENSOR_F64, axes, 2, l->axes);
        if (l->net.norm) tensor_writer_add(w, "vaetop.norms", TENSOR_U32, norms_shape, 2, l->motion.norm);
        tensor_writer_add(w, "vaetop.moved", TENSOR_F64, (const size_t[]){2}, 1, moved);
        add_scale(t, w);
        add_meta(t, l, w);
        rc = tensor_writer_save(w, path, true, true, e);
    }
    tensor_writer_free(w);
    free(arena);
    free(tensors);
    free(rows);
    return rc;
}

enum err_code trainer_checkpoint(struct trainer *t, int lane, const char *path, struct err *e)
{
    struct train_lane *l = &t->lane[lane];
    const int64_t start = clock_mono_ns();
    const enum err_code rc = save(t, l, path, e);
    if (rc) return rc;
    l->saved_ns = clock_mono_ns();
    t->save_cost_ns = l->saved_ns - start;
    log_debug("trial %d, checkpoint: %.3f ms", l->trial, (double)t->save_cost_ns * 1e-6);
    l->saved_step = l->step;
    l->saved_epoch = l->epochs_done;
    return ERR_OK;
}

bool trainer_checkpoint_due(const struct trainer *t, int lane, int sharing)
{
    const struct train_lane *l = &t->lane[lane];
    const int64_t gap = clock_mono_ns() - l->saved_ns;
    if (l->step == l->saved_step) return false;
    return gap >= LONGEST_GAP_NS || (l->epochs_done > l->saved_epoch && gap >= COST_FACTOR * t->save_cost_ns * sharing);
}

/* --- reading */

static enum err_code broken(const char *path, const char *what, const char *found, const char *expected, struct err *e)
{
    char clean[128];
    (void)str_clean(clean, sizeof clean, found);
    return err_set(e, ERR_DATA, "%s: %s is '%s'; expected %s", path, what, clean, expected);
}

static enum err_code whole(int64_t *out, const struct tensor_file *f, const char *key, int64_t max, const char *path,
                           struct err *e)
{
    const char *text = tensor_file_meta(f, key);
    if (text && str_to_i64(out, text) && *out >= 0 && *out <= max) return ERR_OK;
    return broken(path, key, text ? text : "missing", "a whole number in range", e);
}

static enum err_code same_text(const struct tensor_file *f, const char *key, const char *want, const char *path,
                               struct err *e)
{
    const char *text = tensor_file_meta(f, key);
    if (text && strcmp(text, want) == 0) return ERR_OK;
    char expected[128];
    snprintf(expected, sizeof expected, "'%.100s'", want);
    return broken(path, key, text ? text : "missing", expected, e);
}

/* The knobs that a trial cannot change and stay the same trial. */
static enum err_code same_config(const struct tensor_file *f, const struct config *now, const char *path, struct err *e)
{
    static const enum knob fixed[] = {
        KNOB_MODEL_ACTIVATION,   KNOB_LOSS_LIKELIHOOD,     KNOB_OPTIMIZER_KIND,        KNOB_OPTIMIZER_MOMENTUM,
        KNOB_MODEL_NORM,         KNOB_MODEL_DROPOUT,
        KNOB_OPTIMIZER_NESTEROV, KNOB_OPTIMIZER_CENTERED,  KNOB_OPTIMIZER_ALPHA,       KNOB_OPTIMIZER_BETA1,
        KNOB_OPTIMIZER_BETA2,    KNOB_OPTIMIZER_EPS,       KNOB_OPTIMIZER_WEIGHT_DECAY, KNOB_OPTIMIZER_DECAY_BIAS,
        KNOB_TRAIN_BATCH,        KNOB_DATA_BINARIZE,       KNOB_LOSS_CAPACITY,         KNOB_LOSS_CAPACITY_WEIGHT,
        KNOB_LOSS_FREE_BITS,     KNOB_OPTIMIZER_CLIP,      KNOB_OPTIMIZER_SKIP,        KNOB_OPTIMIZER_EMA,
    };
    struct config then;
    const char *text = tensor_file_meta(f, "config");
    config_init(&then);
    enum err_code rc = text ? config_parse(&then, text, e) : broken(path, "config", "missing", "the trial's knobs", e);
    if (rc && text) err_prefix(e, "%s", path);
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0] && !rc; i++) {
        char a[128], b[128];
        config_format_value(a, sizeof a, &then, fixed[i]);
        config_format_value(b, sizeof b, now, fixed[i]);
        if (strcmp(a, b) != 0) rc = broken(path, knob_info(fixed[i])->full, a, b, e);
    }
    config_release(&then);
    return rc ? ERR_DATA : ERR_OK;
}

/* The same bits come only from the same plan on the same device with the same driver. A file from before drivers were
 * noted is taken at its word. */
static void compare_place(const struct trainer *t, struct train_lane *l, const struct tensor_file *f, const char *path)
{
    const struct device_info *here = device_info(t->dev);
    const char *plan = tensor_file_meta(f, "plan"), *device = tensor_file_meta(f, "device");
    const char *driver = tensor_file_meta(f, "driver");
    l->inexact = !plan || strcmp(plan, plan_kind_name(t->plan.kind)) || !device || strcmp(device, here->name) ||
                 (driver && strcmp(driver, here->driver));
    if (l->inexact) {
        log_warn("%s: written with plan %s on %s, driver %s; trial %d goes on here, but not with the same bits", path,
                 plan ? plan : "?", device ? device : "?", driver ? driver : "?", l->trial);
    }
    l->inexact = l->inexact || tensor_file_meta(f, "exact"); /* there only as "no", from then on */
}

static enum err_code same_trial(const struct trainer *t, struct train_lane *l, const struct tensor_file *f,
                                const char *path, struct err *e)
{
    char text[64];
    enum err_code rc = same_text(f, "format", FORMAT, path, e);
#define SAME(key, fmt, v) snprintf(text, sizeof text, fmt, v), rc = rc ? rc : same_text(f, key, text, path, e)
    SAME("trial", "%d", l->trial);
    SAME("study_seed", "%" PRIu64, l->study_seed);
    SAME("data_hash", "%016" PRIx64, t->data->set->hash);
    SAME("train_rows", "%zu", t->data->split->n_train);
    SAME("validation_rows", "%zu", t->data->split->n_val);
#undef SAME
    if (rc) return rc;
    compare_place(t, l, f, path);
    return same_config(f, &l->config, path, e);
}

static const struct tensor *find(const struct tensor_file *f, const char *name, enum tensor_type type, size_t count,
                                 const char *path, struct err *e)
{
    const struct tensor *x = tensor_file_find(f, name);
    if (x && x->type == type && x->count == count) return x;
    char found[64];
    snprintf(found, sizeof found, x ? "of another type, or has %zu values" : "missing", x ? x->count : 0);
    (void)err_set(e, ERR_DATA, "%s: tensor %s is %s; expected %zu values", path, name, found, count);
    return NULL;
}

static enum err_code load_part(struct trainer *t, const struct train_lane *l, const struct part *part, float *arena,
                               const struct tensor_file *f, const char *path, struct err *e)
{
    struct tensor_info tensor[NET_TENSORS_MAX];
    const int n = net_tensors(tensor, &l->net, &t->plan);
    memset(arena, 0, t->plan.params * sizeof *arena);
    for (int i = 0; i < n; i++) {
        char name[64];
        snprintf(name, sizeof name, "%.16s%.31s", part->prefix, tensor[i].name);
        const struct tensor *x = find(f, name, TENSOR_F32, (size_t)tensor[i].rows * (size_t)tensor[i].cols, path, e);
        if (!x) return ERR_DATA;
        if (x->shape[0] != (size_t)tensor[i].rows) return broken(path, name, "another shape", "the network's", e);
        tensor_to_arena(arena, x->data, &t->plan, &tensor[i]);
    }
    return pack_write_arena(t->pack, l->slot, part->arena, arena, e);
}

static enum err_code load_arenas(struct trainer *t, const struct train_lane *l, const struct tensor_file *f,
                                 const char *path, struct err *e)
{
    struct part part[PARTS_MAX];
    const int n = lane_parts(part, l);
    float *arena = try_calloc(t->plan.params, sizeof *arena);
    if (!arena) return err_set(e, ERR_NOMEM, "%s: no memory for the weights", path);
    enum err_code rc = ERR_OK;
    for (int a = ARENA_MOMENT1; a < ARENA_COUNT && !rc; a++) { /* zero */
        if (pack_has_arena(t->pack, (enum arena)a)) rc = pack_write_arena(t->pack, l->slot, (enum arena)a, arena, e);
    }
    for (int i = 0; i < n && !rc; i++) rc = load_part(t, l, &part[i], arena, f, path, e);
    free(arena);
    return rc;
}

static enum err_code load_rows(struct train_lane *l, const struct tensor_file *f, int stored_epoch, const char *path,
                               struct err *e)
{
    const struct tensor *x = tensor_file_find(f, "vaetop.epochs");
    const size_t n = x ? x->count / ROW_COLUMNS : 0;
    if (n != (size_t)l->epochs_done || (x && (x->type != TENSOR_F64 || x->count % ROW_COLUMNS))) {
        return broken(path, "vaetop.epochs", "of another size", "one row per finished epoch", e);
    }
    if (n == 0) return ERR_OK;
    l->row = try_calloc(n, sizeof *l->row);
    if (!l->row) return err_set(e, ERR_NOMEM, "%s: %zu epochs", path, n);
    l->n_rows = l->rows_cap = (int)n;
    for (size_t i = 0; i < n; i++) {
        double in[ROW_COLUMNS];
        memcpy(in, (const char *)x->data + i * sizeof in, sizeof in);
        if (in[0] != (double)(i + 1) || !(in[1] >= 0 && in[1] <= (double)l->step)) {
            return broken(path, "vaetop.epochs", "out of order", "epochs 1, 2, ... and their steps", e);
        }
        row_from_doubles(&l->row[i], in, l->trial);
    }
    l->resend_from = stored_epoch < 0 ? 0 : stored_epoch < (int)n ? stored_epoch : (int)n;
    return ERR_OK;
}

/* What diagnoses compare with. A file from before it was noted has none, and they wait. */
static void load_motion(struct motion *m, const struct tensor_file *f)
{
    const struct tensor *norms = tensor_file_find(f, "vaetop.norms"), *moved = tensor_file_find(f, "vaetop.moved");
    if (norms && norms->type == TENSOR_U32 && norms->count == NORMS_COUNT * NORM_BINS) {
        memcpy(m->norm, norms->data, sizeof m->norm);
    }
    if (!moved || moved->type != TENSOR_F64 || moved->count != 2) return;
    double last[2];
    memcpy(last, moved->data, sizeof last);
    m->moved[0].least = last[0];
    m->moved[0].most = last[1];
}

static enum err_code load_counters(struct trainer *t, struct train_lane *l, const struct tensor_file *f,
                                   const char *path, struct err *e)
{
    int64_t epoch = 0;
    enum err_code rc = whole(&l->step, f, "step", INT64_C(1) << 53, path, e);
    if (!rc) rc = whole(&epoch, f, "epoch", 1000000, path, e);
    if (!rc && tensor_file_meta(f, "skipped")) rc = whole(&l->skipped, f, "skipped", INT64_C(1) << 53, path, e);
    if (!rc && tensor_file_meta(f, "skipped_in_a_row")) {
        rc = whole(&l->skipped_in_a_row, f, "skipped_in_a_row", INT64_C(1) << 53, path, e);
    }
    if (rc) return rc;
    if (epoch != l->step / steps_per_epoch(t)) return broken(path, "epoch", "another", "the one its step lies in", e);
    const struct tensor *x = find(f, "vaetop.sums", TENSOR_F64, SUM_COUNT, path, e);
    if (!x) return ERR_DATA;
    double s[SUM_COUNT];
    memcpy(s, x->data, sizeof s);
    if (!(s[SUM_ROWS] >= 0 && s[SUM_ROWS] <= (double)t->data->split->n_train)) {
        return broken(path, "vaetop.sums", "out of range", "at most one epoch of rows", e);
    }
    l->epochs_done = (int)epoch;
    l->sums = (struct epoch_sums){.loss = s[SUM_LOSS], .rec = s[SUM_REC], .kl = s[SUM_KL], .seconds = s[SUM_SECONDS],
                                  .rows = (int64_t)s[SUM_ROWS]};
    l->seconds = s[SUM_LANE_SECONDS];
    l->best = s[SUM_BEST];
    l->last_loss = l->chunk_loss = s[SUM_LAST_LOSS];
    l->has_best = isfinite(l->best);
    const struct tensor *axes = tensor_file_find(f, "vaetop.axes");
    if (axes && axes->type == TENSOR_F64 && axes->count == 2 * (size_t)l->net.latent) {
        l->axes = xcalloc(axes->count, sizeof *l->axes);
        memcpy(l->axes, axes->data, axes->count * sizeof *l->axes);
    }
    load_motion(&l->motion, f);
    const char *state = tensor_file_meta(f, "state"), *reason = tensor_file_meta(f, "reason");
    if (state && strcmp(state, "diverged") == 0) l->state = LANE_DIVERGED;
    (void)str_clean(l->reason, sizeof l->reason, reason ? reason : "");
    return ERR_OK;
}

static enum err_code load(struct trainer *t, struct train_lane *l, const struct lane_spec *s, const char *path,
                          struct err *e)
{
    struct tensor_file *f = NULL;
    enum err_code rc = tensor_file_open(&f, path, true, e);
    if (!rc) rc = same_trial(t, l, f, path, e);
    if (!rc) rc = load_counters(t, l, f, path, e);
    if (!rc) rc = load_rows(l, f, s->stored_epoch, path, e);
    if (!rc) rc = load_arenas(t, l, f, path, e);
    tensor_file_free(f);
    if (rc == ERR_OK) {
        l->saved_step = l->step;
        l->saved_epoch = l->epochs_done;
    }
    return rc;
}

/* The state a lane has before anything was loaded. */
static void forget(struct train_lane *l)
{
    free(l->row);
    free(l->axes);
    l->row = NULL;
    l->axes = NULL;
    l->state = LANE_ACTIVE;
    l->step = l->skipped = l->skipped_in_a_row = 0;
    l->epochs_done = l->n_rows = l->rows_cap = l->resend_from = 0;
    l->has_best = l->inexact = false;
    memset(&l->sums, 0, sizeof l->sums);
    motion_init(&l->motion);
}

enum err_code checkpoint_load(struct trainer *t, struct train_lane *l, const struct lane_spec *s, struct err *e)
{
    struct err newest = {0};
    enum err_code rc = load(t, l, s, s->resume, &newest);
    if (!rc) return ERR_OK;
    char *previous = xasprintf("%s.prev", s->resume);
    if ((rc == ERR_DATA || rc == ERR_NOTFOUND) && fs_exists(previous)) {
        log_warn("%s; going on from %s", newest.text, previous);
        forget(l);
        rc = load(t, l, s, previous, e);
    } else if (e) {
        *e = newest;
    }
    free(previous);
    return rc == ERR_NOTFOUND ? ERR_DATA : rc;
}
