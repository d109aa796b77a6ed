/* Going on from a checkpoint is as if nothing had happened; what cannot be gone on from is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"

#define SHAPE "model.width=33\nmodel.latent=17\ntrain.batch=16\ntrain.epochs=6\n"
#define LAST (RIG_ROWS_MAX - 1) /* run until the lane's end */

struct outcome {
    struct record record;
    struct state_bits state;
};

static void finish(struct outcome *out, struct trainer *t, struct records *r, int lane)
{
    rig_run_until(t, r, lane, LAST);
    out->record = r->lane[lane];
    out->state = rig_state(t, lane);
    trainer_free(t);
    free(r);
}

static void run_through(struct outcome *out, const struct rig_data *d, const struct config *c, enum plan_kind kind)
{
    struct trainer *t = rig_trainer(d, c, kind);
    struct records *r = xcalloc(1, sizeof *r);
    finish(out, t, r, rig_add(t, c, 3, NULL));
}

/* Trains to the end of an epoch and checkpoints there. */
static void run_to(const struct rig_data *d, const struct config *c, enum plan_kind kind, int epoch, const char *path)
{
    struct err e;
    struct trainer *t = rig_trainer(d, c, kind);
    struct records *r = xcalloc(1, sizeof *r);
    int lane = rig_add(t, c, 3, NULL);
    rig_run_until(t, r, lane, epoch);
    assert_ok(trainer_checkpoint(t, lane, path, &e), &e);
    trainer_free(t);
    free(r);
}

/* As after a restart: a new trainer in which another trial is under way, told that the store has no epoch, so that
 * every row is sent again. */
static void run_on(struct outcome *out, const struct rig_data *d, const struct config *c, enum plan_kind kind,
                   const char *path)
{
    struct err e;
    struct trainer *t = rig_trainer(d, c, kind);
    struct records *r = xcalloc(1, sizeof *r);
    (void)rig_add(t, c, 4, NULL);
    assert_ok(trainer_chunk(t, rig_record, r, &e), &e);
    finish(out, t, r, rig_add(t, c, 3, path));
}

static void assert_same(struct outcome *a, struct outcome *b, const char *what)
{
    assert_same_record(&a->record, &b->record, what);
    assert_same_state(&a->state, &b->state, what);
}

static void check_resume(const char *lines, enum plan_kind kind)
{
    static const char *dir;
    dir = dir ? dir : temp_dir();
    struct rig_data d;
    struct outcome whole, resumed;
    struct config c = rig_config(lines);
    char *path = xasprintf("%s/3.safetensors", dir);
    rig_data_make(&d, 37, 97, 53);
    run_through(&whole, &d, &c, kind);
    assert_int_equal(whole.record.end, EVENT_DONE);
    run_to(&d, &c, kind, 2, path);
    run_on(&resumed, &d, &c, kind, path);
    assert_same(&whole, &resumed, lines);
    free(whole.state.bytes);
    free(resumed.state.bytes);
    free(path);
    config_release(&c);
    rig_data_release(&d);
}

static void resumed_lanes_of_every_loss_end_with_the_same_bits(void **state)
{
    (void)state;
    check_resume(SHAPE "loss.likelihood=gauss_fixed\nloss.sigma=0.3\n", PLAN_CHAIN);
    check_resume(SHAPE "loss.likelihood=gauss_learned\n", PLAN_PLAIN);
    check_resume(SHAPE "loss.likelihood=gauss_learned\noptimizer.kind=rmsprop\nmodel.bias=data\n", PLAN_CHAIN);
    check_resume(SHAPE "loss.likelihood=gauss_optimal\n", PLAN_PLAIN);
    check_resume(SHAPE "optimizer.clip=20\noptimizer.skip=60\noptimizer.ema=0.95\n", PLAN_CHAIN);
    check_resume(SHAPE "optimizer.ema=0.9\nloss.likelihood=gauss_optimal\nstudy.value=last\n", PLAN_PLAIN);
    check_resume(SHAPE "loss.capacity=5\nloss.capacity_warmup=3\n", PLAN_PLAIN);
    check_resume(SHAPE "loss.free_bits=0.1\nloss.beta=2\nloss.beta_schedule=linear\nloss.beta_warmup=3\n", PLAN_PLAIN);
}

static void resumed_lanes_with_norm_and_dropout_end_with_the_same_bits(void **state)
{
    (void)state;
    for (enum plan_kind kind = PLAN_PLAIN; kind <= PLAN_CHAIN; kind++) {
        check_resume(SHAPE "model.norm=layer\nmodel.dropout=0.3\noptimizer.ema=0.9\n", kind);
        check_resume(SHAPE "model.dropout=0.5\nmodel.activation=tanh\noptimizer.kind=rmsprop\noptimizer.centered=yes\n", kind);
        check_resume(SHAPE "model.norm=layer\noptimizer.clip=5\noptimizer.weight_decay=0.1\nstudy.value=last\n", kind);
    }
}

static void resumed_lanes_end_with_the_same_bits(void **state)
{
    (void)state;
    static const char *const kinds[] = {
        SHAPE "loss.beta=2\nloss.beta_schedule=linear\nloss.beta_warmup=3.3\noptimizer.lr_schedule=cosine\n",
        SHAPE "optimizer.kind=rmsprop\nmodel.activation=tanh\nstudy.value=last\n",
        SHAPE "optimizer.kind=sgd\noptimizer.momentum=0.9\noptimizer.lr=3e-3\n",
        SHAPE "data.binarize=dynamic\nloss.beta_schedule=cyclical\nloss.beta_cycles=2\nloss.beta=3\n",
        SHAPE "data.binarize=static\nloss.beta_schedule=sigmoid\nloss.beta_warmup=2\n",
        SHAPE "optimizer.kind=rmsprop\noptimizer.centered=yes\noptimizer.momentum=0.5\nmodel.activation=gelu\n",
        SHAPE "optimizer.lr=0.05\ntrain.patience=2\n",
        SHAPE "optimizer.kind=adamw\noptimizer.weight_decay=0.05\noptimizer.lr=0.02\noptimizer.lr_schedule=plateau\n"
              "optimizer.lr_patience=0\noptimizer.lr_threshold=1\noptimizer.lr_warmup=0.5\n",
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        check_resume(kinds[i], PLAN_PLAIN);
        check_resume(kinds[i], PLAN_CHAIN);
    }
}

/* Every pair of optimiser, learning-rate schedule and KL control, with and without a moving mean, on the plan that the
 * loss allows. */
static void every_pair_of_optimiser_schedule_and_kl_control_resumes_with_the_same_bits(void **state)
{
    (void)state;
    static const char *const optimiser[] = {
        "kind=sgd\noptimizer.lr=3e-3\n",
        "kind=sgd\noptimizer.momentum=0.8\noptimizer.lr=1e-3\n",
        "kind=sgd\noptimizer.momentum=0.8\noptimizer.nesterov=yes\noptimizer.lr=1e-3\n",
        "kind=rmsprop\n",
        "kind=rmsprop\noptimizer.centered=yes\noptimizer.momentum=0.5\n",
        "kind=adam\n",
        "kind=adamw\noptimizer.weight_decay=0.05\n",
    };
    static const char *const schedule[] = {
        "constant\n",
        "step\noptimizer.lr_every=1.5\n",
        "exponential\noptimizer.lr_every=2\n",
        "cosine\noptimizer.lr_min=1e-5\n",
        "plateau\noptimizer.lr_patience=0\noptimizer.lr_threshold=1\n",
        "constant\noptimizer.lr_warmup=3.3\n",
    };
    static const char *const kl[] = {
        "beta_schedule=linear\nloss.beta_warmup=3.3\nloss.beta=2\n",
        "beta_schedule=sigmoid\nloss.beta_warmup=4\n",
        "beta_schedule=cyclical\nloss.beta_cycles=2\nloss.beta=3\n",
        "capacity=5\nloss.capacity_warmup=3\n",
        "free_bits=0.1\n",
    };
    enum { OPTIMISERS = sizeof optimiser / sizeof *optimiser, SCHEDULES = sizeof schedule / sizeof *schedule,
           KLS = sizeof kl / sizeof *kl };
    for (int i = 0; i < OPTIMISERS; i++) {
        for (int j = 0; j < SCHEDULES; j++) {
            int k = (i + j) % KLS; /* 6 schedules and 7 optimisers over 5 kinds: every pair */
            char *lines = xasprintf(SHAPE "optimizer.%soptimizer.lr_schedule=%sloss.%s%s", optimiser[i], schedule[j],
                                    kl[k], (i / 2 + j) % 2 ? "optimizer.ema=0.9\n" : "");
            check_resume(lines, k >= 3 || j == 2 ? PLAN_PLAIN : PLAN_CHAIN); /* sums over the batch cut the chain */
            free(lines);
        }
    }
}

/* Chunks end inside an epoch when an epoch is long; a checkpoint there must hold the epoch's sums so far. */
static void check_mid_epoch(enum plan_kind kind)
{
    struct rig_data d;
    struct err e;
    struct outcome whole, resumed;
    struct lane_status at;
    const int64_t steps = 1500;
    struct config c = rig_config("model.width=33\nmodel.latent=17\ntrain.batch=16\ntrain.epochs=1\n");
    char *path = xasprintf("%s/3.safetensors", temp_dir());
    rig_data_make(&d, 37, (size_t)steps * 16 - 5, 53);
    run_through(&whole, &d, &c, kind);
    struct trainer *t = rig_trainer(&d, &c, kind);
    struct records *r = xcalloc(1, sizeof *r);
    int lane = rig_add(t, &c, 3, NULL);
    assert_ok(trainer_chunk(t, rig_record, r, &e), &e);
    assert_ok(trainer_chunk(t, rig_record, r, &e), &e);
    trainer_status(t, lane, &at);
    assert_in_range(at.step, 1, steps - 1);
    assert_int_equal(at.steps, steps);
    assert_ok(trainer_checkpoint(t, lane, path, &e), &e);
    trainer_free(t);
    free(r);
    run_on(&resumed, &d, &c, kind, path);
    assert_same(&whole, &resumed, "resumed inside an epoch");
    free(whole.state.bytes);
    free(resumed.state.bytes);
    free(path);
    config_release(&c);
    rig_data_release(&d);
}

static void lanes_resumed_inside_an_epoch_end_with_the_same_bits(void **state)
{
    (void)state;
    check_mid_epoch(PLAN_PLAIN);
    check_mid_epoch(PLAN_CHAIN);
}

/* The same small problem for the tests below. */
struct bench {
    struct rig_data d;
    struct config c;
    char *path, *previous;
};

static int bench_up(void **state)
{
    struct bench *b = xcalloc(1, sizeof *b);
    rig_data_make(&b->d, 37, 97, 53);
    b->c = rig_config(SHAPE);
    b->path = xasprintf("%s/3.safetensors", temp_dir());
    b->previous = xasprintf("%s.prev", b->path);
    *state = b;
    return 0;
}

static int bench_down(void **state)
{
    struct bench *b = *state;
    rig_data_release(&b->d);
    config_release(&b->c);
    free(b->path);
    free(b->previous);
    free(b);
    return 0;
}

static void only_rows_the_store_lacks_are_sent_again(void **state)
{
    struct bench *b = *state;
    struct err e;
    int lane;
    run_to(&b->d, &b->c, PLAN_CHAIN, 4, b->path);
    struct trainer *t = rig_trainer(&b->d, &b->c, PLAN_CHAIN);
    struct records *r = xcalloc(1, sizeof *r);
    struct lane_spec s = {.trial = 3, .study_seed = RIG_SEED, .config = &b->c, .resume = b->path, .stored_epoch = 2};
    assert_ok(trainer_add(t, &lane, &s, &e), &e);
    rig_run_until(t, r, lane, LAST);
    for (int i = 1; i <= 6; i++) {
        assert_int_equal(r->lane[lane].row[i].epoch, i <= 2 ? 0 : i);
    }
    assert_int_equal(r->lane[lane].rows, 4);
    trainer_free(t);
    free(r);
}

/* The lane's best epoch lies before the checkpoint: its weights must come back from there. */
static void best_weights_survive_a_resume(void **state)
{
    struct bench *b = *state;
    struct err e;
    enum { N = 53 * 17 };
    static float whole[N], resumed[N], last[N];
    struct config c = rig_config(SHAPE "optimizer.lr=0.05\ntrain.epochs=12\n"); /* far too high: gets worse */
    struct records *r = xcalloc(1, sizeof *r);
    struct trainer *t = rig_trainer(&b->d, &c, PLAN_CHAIN);
    int lane = rig_add(t, &c, 3, NULL);
    rig_run_until(t, r, lane, 11);
    assert_ok(trainer_checkpoint(t, lane, b->path, &e), &e);
    rig_run_until(t, r, lane, LAST);
    assert_true(r->lane[lane].value < r->lane[lane].row[11].value && r->lane[lane].value < r->lane[lane].row[12].value);
    assert_ok(trainer_encode(t, lane, whole, b->d.split.val, b->d.split.n_val, &e), &e);
    trainer_free(t);
    t = rig_trainer(&b->d, &c, PLAN_CHAIN);
    lane = rig_add(t, &c, 3, b->path);
    rig_run_until(t, r, lane, LAST);
    assert_ok(trainer_encode(t, lane, resumed, b->d.split.val, b->d.split.n_val, &e), &e);
    trainer_free(t);
    assert_memory_equal(whole, resumed, sizeof whole);
    assert_ok(config_set(&c, KNOB_STUDY_VALUE, "last", &e), &e);
    t = rig_trainer(&b->d, &c, PLAN_CHAIN);
    lane = rig_add(t, &c, 3, b->path);
    assert_ok(trainer_encode(t, lane, last, b->d.split.val, b->d.split.n_val, &e), &e);
    trainer_free(t);
    assert_memory_not_equal(whole, last, sizeof whole);
    config_release(&c);
    free(r);
}

/* Damages one byte in the middle of the file's tensors. */
static void damage(const char *path)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, -3000, SEEK_END), 0);
    int byte = fgetc(f);
    assert_int_equal(fseek(f, -1, SEEK_CUR), 0);
    assert_int_equal(fputc(byte ^ 0x40, f), byte ^ 0x40);
    assert_int_equal(fclose(f), 0);
}

static void two_checkpoints(struct bench *b)
{
    struct err e;
    struct trainer *t = rig_trainer(&b->d, &b->c, PLAN_CHAIN);
    struct records *r = xcalloc(1, sizeof *r);
    int lane = rig_add(t, &b->c, 3, NULL);
    for (int epoch = 1; epoch <= 2; epoch++) {
        rig_run_until(t, r, lane, epoch);
        assert_ok(trainer_checkpoint(t, lane, b->path, &e), &e);
    }
    trainer_free(t);
    free(r);
}

static int start_epoch(struct bench *b)
{
    struct lane_status at;
    struct trainer *t = rig_trainer(&b->d, &b->c, PLAN_CHAIN);
    trainer_status(t, rig_add(t, &b->c, 3, b->path), &at);
    trainer_free(t);
    return at.epoch;
}

static enum err_code try_add(struct bench *b, const struct config *c, struct err *e)
{
    int lane;
    struct trainer *t = rig_trainer(&b->d, c, PLAN_CHAIN);
    struct lane_spec s = {.trial = 3, .study_seed = RIG_SEED, .config = c, .resume = b->path};
    enum err_code rc = trainer_add(t, &lane, &s, e);
    assert_int_equal(trainer_lanes(t), rc ? 0 : 1);
    trainer_free(t);
    return rc;
}

static void a_broken_checkpoint_gives_way_to_the_one_before(void **state)
{
    struct bench *b = *state;
    struct outcome whole, resumed;
    struct err e;
    two_checkpoints(b);
    assert_int_equal(start_epoch(b), 2);
    damage(b->path);
    assert_int_equal(start_epoch(b), 1);
    run_through(&whole, &b->d, &b->c, PLAN_CHAIN);
    run_on(&resumed, &b->d, &b->c, PLAN_CHAIN, b->path);
    assert_same(&whole, &resumed, "resumed from the checkpoint before");
    assert_int_equal(remove(b->path), 0); /* as a kill between the two renames leaves it */
    assert_int_equal(start_epoch(b), 1);
    damage(b->previous);
    assert_err(try_add(b, &b->c, &e), ERR_DATA, &e);
    assert_has(e.text, "3.safetensors");
    free(whole.state.bytes);
    free(resumed.state.bytes);
}

static void a_lane_from_another_plan_is_no_longer_exact(void **state)
{
    struct bench *b = *state;
    struct err e;
    struct lane_status at;
    struct trainer *t;
    run_to(&b->d, &b->c, PLAN_PLAIN, 2, b->path);
    for (int again = 0; again < 2; again++) { /* and stays so */
        t = rig_trainer(&b->d, &b->c, PLAN_CHAIN);
        int lane = rig_add(t, &b->c, 3, b->path);
        trainer_status(t, lane, &at);
        assert_true(at.inexact);
        assert_ok(trainer_checkpoint(t, lane, b->path, &e), &e);
        trainer_free(t);
    }
    run_to(&b->d, &b->c, PLAN_PLAIN, 2, b->path);
    t = rig_trainer(&b->d, &b->c, PLAN_PLAIN);
    trainer_status(t, rig_add(t, &b->c, 3, b->path), &at);
    assert_false(at.inexact);
    trainer_free(t);
}

static void a_truncated_checkpoint_alone_is_refused(void **state)
{
    struct bench *b = *state;
    struct err e;
    run_to(&b->d, &b->c, PLAN_CHAIN, 1, b->path);
    FILE *f = fopen(b->path, "r+b");
    assert_non_null(f);
    char bytes[5000];
    assert_int_equal(fread(bytes, 1, sizeof bytes, f), sizeof bytes);
    assert_int_equal(fclose(f), 0);
    f = fopen(b->path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, sizeof bytes, f), sizeof bytes);
    assert_int_equal(fclose(f), 0);
    assert_err(try_add(b, &b->c, &e), ERR_DATA, &e);
}

static void checkpoints_of_another_net_trial_or_data_set_are_refused(void **state)
{
    struct bench *b = *state;
    struct err e;
    run_to(&b->d, &b->c, PLAN_CHAIN, 1, b->path);
    static const char *const other[] = {"model.latent=18\n", "model.width=40\n", "model.depth=2\n",
                                        "optimizer.kind=sgd\n", "model.activation=tanh\n"};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        char *lines = xasprintf(SHAPE "%s", other[i]);
        struct config c = rig_config(lines);
        assert_err(try_add(b, &c, &e), ERR_DATA, &e);
        config_release(&c);
        free(lines);
    }
    struct rig_data mine = b->d, d;
    for (size_t more = 0; more < 2; more++) { /* other data of equal size; the same data split otherwise */
        rig_data_make(&d, 37, 97 + more, 53 - more);
        d.set.hash += more ? 0 : 1;
        b->d = d;
        assert_err(try_add(b, &b->c, &e), ERR_DATA, &e);
        b->d = mine;
        rig_data_release(&d);
    }
    assert_ok(try_add(b, &b->c, &e), &e);
}

static void edits_take_effect_from_the_next_step_and_are_told(void **state)
{
    struct bench *b = *state;
    struct err e;
    struct trainer *t = rig_trainer(&b->d, &b->c, PLAN_CHAIN);
    struct records *r = xcalloc(1, sizeof *r);
    struct lane_status at;
    int lane = rig_add(t, &b->c, 3, NULL);
    int64_t step = -1;
    rig_run_until(t, r, lane, 2);
    trainer_status(t, lane, &at);
    assert_ok(trainer_edit(t, lane, KNOB_OPTIMIZER_LR, "0.0005", &step, &e), &e);
    assert_int_equal(step, at.step);
    assert_ok(trainer_edit(t, lane, KNOB_LOSS_BETA, "3", &step, &e), &e);
    assert_int_equal(step, at.step);
    assert_ok(trainer_edit(t, lane, KNOB_TRAIN_EPOCHS, "9", &step, &e), &e);
    rig_run_until(t, r, lane, LAST);
    const struct record *got = &r->lane[lane];
    assert_int_equal(got->rows, 9);
    for (int i = 1; i <= 9; i++) {
        double beta = i <= at.epoch ? 1 : 3;
        assert_close(got->row[i].lr, i <= at.epoch ? 1e-3 : 5e-4, 0, 1e-6);
        assert_close(got->row[i].beta, beta, 0, 1e-6);
        assert_close(got->row[i].train_loss, got->row[i].train_rec + beta * got->row[i].train_kl, 0, 1e-6);
        assert_close(got->row[i].value, got->row[i].val_rec + got->row[i].val_kl, 0, 1e-9); /* beta 1 all the same */
    }
    trainer_free(t);
    free(r);
}

/* Trains to `epoch`, with lr and beta edited at the end of epoch 2. */
static struct trainer *run_edited(struct bench *b, struct records *r, int *lane, int epoch)
{
    struct err e;
    int64_t step;
    struct trainer *t = rig_trainer(&b->d, &b->c, PLAN_CHAIN);
    *lane = rig_add(t, &b->c, 3, NULL);
    rig_run_until(t, r, *lane, 2);
    assert_ok(trainer_edit(t, *lane, KNOB_OPTIMIZER_LR, "0.0005", &step, &e), &e);
    assert_ok(trainer_edit(t, *lane, KNOB_LOSS_BETA, "3", &step, &e), &e);
    rig_run_until(t, r, *lane, epoch);
    return t;
}

static void edited_lanes_resume_with_the_same_bits(void **state)
{
    struct bench *b = *state;
    struct err e;
    struct outcome whole, resumed;
    struct records *r = xcalloc(1, sizeof *r);
    int lane;
    struct trainer *t = run_edited(b, r, &lane, 4);
    assert_ok(trainer_checkpoint(t, lane, b->path, &e), &e);
    trainer_free(t);
    memset(r, 0, sizeof *r);
    t = run_edited(b, r, &lane, LAST);
    finish(&whole, t, r, lane);
    struct config edited = rig_config(SHAPE "optimizer.lr=0.0005\nloss.beta=3\n"); /* the resumed trial's knobs now */
    run_on(&resumed, &b->d, &edited, PLAN_CHAIN, b->path);
    assert_same(&whole, &resumed, "edited and resumed");
    config_release(&edited);
    free(whole.state.bytes);
    free(resumed.state.bytes);
}

static void a_diverged_lane_stays_diverged(void **state)
{
    struct bench *b = *state;
    struct err e;
    struct config c = rig_config(SHAPE "optimizer.kind=sgd\noptimizer.lr=1000\n");
    struct trainer *t = rig_trainer(&b->d, &c, PLAN_CHAIN);
    struct records *r = xcalloc(1, sizeof *r), *again = xcalloc(1, sizeof *again);
    int lane = rig_add(t, &c, 3, NULL);
    rig_run_until(t, r, lane, LAST);
    assert_int_equal(r->lane[lane].end, EVENT_DIVERGED);
    assert_ok(trainer_checkpoint(t, lane, b->path, &e), &e);
    trainer_free(t);
    t = rig_trainer(&b->d, &c, PLAN_CHAIN);
    lane = rig_add(t, &c, 3, b->path);
    rig_run_until(t, again, lane, LAST);
    assert_int_equal(again->lane[lane].end, EVENT_DIVERGED);
    assert_string_equal(again->lane[lane].text, r->lane[lane].text);
    trainer_free(t);
    config_release(&c);
    free(again);
    free(r);
}

static void edits_of_other_knobs_and_into_the_past_are_refused(void **state)
{
    struct bench *b = *state;
    struct err e;
    struct trainer *t = rig_trainer(&b->d, &b->c, PLAN_CHAIN);
    struct records *r = xcalloc(1, sizeof *r);
    int lane = rig_add(t, &b->c, 3, NULL);
    int64_t step;
    rig_run_until(t, r, lane, 2);
    assert_err(trainer_edit(t, lane, KNOB_MODEL_LATENT, "18", &step, &e), ERR_USAGE, &e);
    assert_err(trainer_edit(t, lane, KNOB_TRAIN_EPOCHS, "1", &step, &e), ERR_USAGE, &e);
    assert_err(trainer_edit(t, lane, KNOB_OPTIMIZER_LR, "fast", &step, &e), ERR_USAGE, &e);
    assert_err(trainer_edit(t, lane, KNOB_LOSS_BETA, "-1", &step, &e), ERR_USAGE, &e);
    rig_run_until(t, r, lane, LAST);
    assert_int_equal(r->lane[lane].rows, 6);
    assert_close(r->lane[lane].row[6].lr, 1e-3, 0, 1e-6);
    trainer_free(t);
    free(r);
}

/* Gradients all too long: nothing moves, and the note counts every step, those before the checkpoint included. */
static void skipped_steps_are_counted_across_a_resume(void **state)
{
    (void)state;
    struct rig_data d;
    struct outcome o;
    struct config c = rig_config(SHAPE "optimizer.skip=0.001\n");
    char *path = xasprintf("%s/3.safetensors", temp_dir());
    rig_data_make(&d, 37, 97, 53);
    run_to(&d, &c, PLAN_CHAIN, 2, path);
    run_on(&o, &d, &c, PLAN_CHAIN, path);
    const struct trial_note *said = NULL;
    for (int i = 0; i < o.record.notes; i++) {
        if (strcmp(o.record.note[i].kind, "skipped steps") == 0) said = &o.record.note[i];
    }
    assert_non_null(said);
    assert_int_equal(said->epoch, 6);
    assert_has(said->text, "42 steps skipped so far"); /* 97 rows by 16: 7 a pass */
    assert_true(o.record.row[1].val_rec == o.record.row[6].val_rec && o.record.row[1].val_kl == o.record.row[6].val_kl);
    free(o.state.bytes);
    free(path);
    config_release(&c);
    rig_data_release(&d);
}

int resume_tests(void)
{
#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_up, bench_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skipped_steps_are_counted_across_a_resume),
        cmocka_unit_test(resumed_lanes_end_with_the_same_bits),
        cmocka_unit_test(resumed_lanes_of_every_loss_end_with_the_same_bits),
        cmocka_unit_test(resumed_lanes_with_norm_and_dropout_end_with_the_same_bits),
        cmocka_unit_test(every_pair_of_optimiser_schedule_and_kl_control_resumes_with_the_same_bits),
        cmocka_unit_test(lanes_resumed_inside_an_epoch_end_with_the_same_bits),
        WITH_BENCH(only_rows_the_store_lacks_are_sent_again),
        WITH_BENCH(best_weights_survive_a_resume),
        WITH_BENCH(a_broken_checkpoint_gives_way_to_the_one_before),
        WITH_BENCH(a_lane_from_another_plan_is_no_longer_exact),
        WITH_BENCH(a_truncated_checkpoint_alone_is_refused),
        WITH_BENCH(checkpoints_of_another_net_trial_or_data_set_are_refused),
        WITH_BENCH(edits_take_effect_from_the_next_step_and_are_told),
        WITH_BENCH(edited_lanes_resume_with_the_same_bits),
        WITH_BENCH(a_diverged_lane_stays_diverged),
        WITH_BENCH(edits_of_other_knobs_and_into_the_past_are_refused),
    };
    return cmocka_run_group_tests_name("train resume", tests, NULL, NULL);
}
