/* How far steps move a lane: figures against those of checkpoints, and the notes of the ill, resumed or not. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#include "../../src/train/train_private.h"
#include "vaetop/base/alloc.h"
#include "vaetop/data/safetensors.h"

#define SHAPE "model.width=33\nmodel.latent=17\n"
#define LAST (RIG_ROWS_MAX - 1) /* run until the lane's end */

static void a_length_that_nineteen_of_twenty_stay_below(void **state)
{
    (void)state;
    struct motion m;
    struct symptoms s;
    motion_init(&m);
    motion_tell(&m, &s);
    assert_true(isnan(s.norm_before) && isnan(s.norm[0]) && isnan(s.norm[1]) && isnan(s.moved[1].least));
    for (int i = 0; i < 19; i++) {
        motion_norm(&m, 1 + i);
    }
    motion_norm(&m, HUGE_VAL); /* one in twenty does not count, whatever it is */
    motion_tell(&m, &s);
    assert_close(s.norm[1], 19, 0, 0.1);
    motion_turn(&m);
    motion_norm(&m, 300);
    motion_norm(&m, (double)NAN);
    motion_tell(&m, &s);
    assert_close(s.norm[0], 19, 0, 0.1);
    assert_true(s.norm[1] > 1e11); /* one of two does */
    motion_turn(&m);
    motion_tell(&m, &s);
    assert_close(s.norm_before, 19, 0, 0.1);
    assert_true(isnan(s.norm[1]));
    motion_turn(&m);
    motion_tell(&m, &s);
    assert_true(s.norm_before > 1e11); /* two of 22 */
    motion_norm(&m, 0);
    motion_tell(&m, &s);
    assert_true(s.norm[1] < 1e-6);
    motion_init(&m);
    for (int i = 0; i < 19; i++) { /* too few steps before the last two epochs for a percentile */
        motion_norm(&m, 5);
    }
    motion_turn(&m);
    motion_turn(&m);
    motion_tell(&m, &s);
    assert_true(isnan(s.norm_before));
}

struct run {
    struct trainer *t;
    struct records *r;
    int lane;
};

static struct run start(const struct rig_data *d, const struct config *c, enum plan_kind kind, const char *resume)
{
    struct run run = {.t = rig_trainer(d, c, kind), .r = xcalloc(1, sizeof *run.r)};
    run.lane = rig_add(run.t, c, 3, resume);
    return run;
}

static struct tensor_file *checkpoint(struct run *run, int epoch, const char *path)
{
    struct err e;
    struct tensor_file *f;
    rig_run_until(run->t, run->r, run->lane, epoch);
    assert_ok(trainer_checkpoint(run->t, run->lane, path, &e), &e);
    assert_ok(tensor_file_open(&f, path, true, &e), &e);
    return f;
}

static void end(struct run *run)
{
    trainer_free(run->t);
    free(run->r);
}

/* Length of a tensor's way from one file to the other, by its length in the first. */
static double moved_by(const struct tensor_file *from, const struct tensor_file *to, const char *name)
{
    const struct tensor *a = tensor_file_find(from, name), *b = tensor_file_find(to, name);
    double way = 0, length = 0;
    for (size_t i = 0; i < a->count; i++) {
        double was = (double)((const float *)a->data)[i], is = (double)((const float *)b->data)[i];
        way += pow(is - was, 2);
        length += was * was;
    }
    return sqrt(way / length);
}

/* An epoch is one step here, so that the files around the second epoch are around its last step. */
static void check_moved(const char *lines, enum plan_kind kind, double rate, double tolerance)
{
    static const char *const name[] = {"encoder.0.weight", "mu.weight", "logvar.weight", "decoder.0.weight", "logits.weight"};
    struct rig_data d;
    struct config c = rig_config(lines);
    double least = HUGE_VAL, most = 0, said[2];
    char *before = xasprintf("%s/1.safetensors", temp_dir()), *after = xasprintf("%s/2.safetensors", temp_dir());
    rig_data_make(&d, 37, 97, 53);
    struct run run = start(&d, &c, kind, NULL);
    struct tensor_file *from = checkpoint(&run, 1, before), *to = checkpoint(&run, 2, after);
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
        least = fmin(least, moved_by(from, to, name[i]));
        most = fmax(most, moved_by(from, to, name[i]));
    }
    const struct tensor *moved = tensor_file_find(from, "vaetop.moved");
    memcpy(said, moved->data, sizeof said);
    assert_true(isnan(said[0]) && isnan(said[1])); /* the first epoch is not looked at */
    moved = tensor_file_find(to, "vaetop.moved");
    memcpy(said, moved->data, sizeof said);
    assert_true(least > 0 && least < most);
    assert_close(said[0], least / rate, 0, tolerance);
    assert_close(said[1], most, 0, tolerance);
    tensor_file_free(from);
    tensor_file_free(to);
    end(&run);
    config_release(&c);
    rig_data_release(&d);
    free(before);
    free(after);
}

static void what_a_step_did_is_what_checkpoints_around_it_show(void **state)
{
    (void)state;
    for (enum plan_kind kind = PLAN_PLAIN; kind <= PLAN_CHAIN; kind++) {
        check_moved(SHAPE "train.batch=97\ntrain.epochs=3\n", kind, 1, 1e-12);
        check_moved(SHAPE "train.batch=97\ntrain.epochs=3\noptimizer.kind=sgd\noptimizer.momentum=0.9\nmodel.norm=layer\n",
                    kind, 1, 1e-12);
        check_moved(SHAPE "train.batch=97\ntrain.epochs=3\noptimizer.lr_schedule=step\noptimizer.lr_every=1\n"
                    "optimizer.lr_gamma=0.25\noptimizer.ema=0.9\n", kind, 0.25, 1e-12);
        check_moved("model.width=400\nmodel.latent=20\ntrain.batch=97\ntrain.epochs=3\n", kind, 1, 0.05); /* samples */
    }
}

static const struct trial_note *note(const struct run *run, const char *kind)
{
    const struct record *r = &run->r->lane[run->lane];
    for (int i = 0; i < r->notes; i++) {
        if (strcmp(r->note[i].kind, kind) == 0) {
            return &r->note[i];
        }
    }
    return NULL;
}

/* The ill trial is told once, in that epoch, with those words, and the same after a resume just before. */
static void check_told(const char *lines, const char *kind, int epoch, const char *words)
{
    struct rig_data d;
    struct config c = rig_config(lines);
    char *path = xasprintf("%s/3.safetensors", temp_dir());
    rig_data_make(&d, 37, 97, 53);
    struct run whole = start(&d, &c, PLAN_CHAIN, NULL);
    tensor_file_free(checkpoint(&whole, epoch - 1, path));
    assert_null(note(&whole, kind));
    rig_run_until(whole.t, whole.r, whole.lane, LAST);
    const struct trial_note *told = note(&whole, kind);
    assert_non_null(told);
    assert_has(told->text, words);
    assert_int_equal(told->epoch, epoch);
    struct run resumed = start(&d, &c, PLAN_CHAIN, path);
    rig_run_until(resumed.t, resumed.r, resumed.lane, LAST);
    const struct trial_note *again = note(&resumed, kind);
    assert_non_null(again);
    assert_int_equal(again->epoch, epoch);
    assert_string_equal(again->text, told->text);
    end(&whole);
    end(&resumed);
    config_release(&c);
    rig_data_release(&d);
    free(path);
}

static void check_quiet(const char *lines)
{
    struct rig_data d;
    struct config c = rig_config(lines);
    rig_data_make(&d, 37, 97, 53);
    struct run run = start(&d, &c, PLAN_CHAIN, NULL);
    rig_run_until(run.t, run.r, run.lane, LAST);
    assert_null(note(&run, "short steps"));
    assert_null(note(&run, "long steps"));
    assert_null(note(&run, "exploding gradient"));
    end(&run);
    config_release(&c);
    rig_data_release(&d);
}

static void steps_of_the_wrong_length_are_told(void **state)
{
    (void)state;
    check_told(SHAPE "train.batch=16\ntrain.epochs=4\noptimizer.lr=1e-7\n", "short steps", 3, "raise optimizer.lr");
    check_told(SHAPE "train.batch=16\ntrain.epochs=4\noptimizer.kind=sgd\noptimizer.lr=1e-5\n", "short steps", 3,
               "raise optimizer.lr");
    check_told(SHAPE "train.batch=97\ntrain.epochs=4\noptimizer.lr=0.5\nmodel.activation=tanh\n", "long steps", 3,
               "lower optimizer.lr");
    check_quiet(SHAPE "train.batch=16\ntrain.epochs=4\noptimizer.clip=1e6\n");
    check_quiet(SHAPE "train.batch=16\ntrain.epochs=4\noptimizer.kind=sgd\noptimizer.lr=1e-2\noptimizer.momentum=0.9\n");
}

/* At rates so low that steps round to nothing, too, for which nobody is to raise optimizer.lr. */
static void steps_that_a_schedule_shortens_are_healthy(void **state)
{
    (void)state;
    check_quiet(SHAPE "train.batch=16\ntrain.epochs=11\noptimizer.lr_schedule=cosine\n");
    check_quiet(SHAPE "train.batch=16\ntrain.epochs=4\noptimizer.lr_schedule=exponential\noptimizer.lr_gamma=1e-4\n"
                "optimizer.lr_every=1\n");
    check_quiet(SHAPE "train.batch=16\ntrain.epochs=4\noptimizer.lr_warmup=1000\n");
}

#define GROWING SHAPE "train.batch=8\ntrain.epochs=6\noptimizer.kind=sgd\noptimizer.skip=1e6\n"

/* From the third epoch on the learning rate is so high that gradients grow until they are all skipped. */
static void gradients_that_explode_are_told(void **state)
{
    (void)state;
    struct rig_data d;
    struct err e;
    int64_t at_step;
    struct config c = rig_config(GROWING "optimizer.lr=0.01\n"), wild = rig_config(GROWING "optimizer.lr=100\n");
    char *path = xasprintf("%s/3.safetensors", temp_dir());
    rig_data_make(&d, 37, 97, 53);
    struct run whole = start(&d, &c, PLAN_CHAIN, NULL);
    rig_run_until(whole.t, whole.r, whole.lane, 2);
    assert_ok(trainer_edit(whole.t, whole.lane, KNOB_OPTIMIZER_LR, "100", &at_step, &e), &e);
    tensor_file_free(checkpoint(&whole, 3, path));
    assert_null(note(&whole, "exploding gradient"));
    rig_run_until(whole.t, whole.r, whole.lane, LAST);
    struct run resumed = start(&d, &wild, PLAN_CHAIN, path);
    rig_run_until(resumed.t, resumed.r, resumed.lane, LAST);
    const struct trial_note *told = note(&whole, "exploding gradient"), *again = note(&resumed, "exploding gradient");
    assert_non_null(told);
    assert_int_equal(told->epoch, 4);
    assert_has(told->text, "optimizer.clip");
    assert_non_null(again);
    assert_int_equal(again->epoch, 4);
    assert_string_equal(again->text, told->text);
    end(&whole);
    end(&resumed);
    config_release(&c);
    config_release(&wild);
    rig_data_release(&d);
    free(path);
}

/* Skipped steps move nothing, which says nothing of the learning rate. */
static void skipped_steps_are_not_short(void **state)
{
    (void)state;
    check_quiet(SHAPE "train.batch=16\ntrain.epochs=4\noptimizer.skip=1e-6\n");
}

int motion_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_length_that_nineteen_of_twenty_stay_below),
        cmocka_unit_test(what_a_step_did_is_what_checkpoints_around_it_show),
        cmocka_unit_test(steps_of_the_wrong_length_are_told),
        cmocka_unit_test(steps_that_a_schedule_shortens_are_healthy),
        cmocka_unit_test(gradients_that_explode_are_told),
        cmocka_unit_test(skipped_steps_are_not_short),
    };
    return cmocka_run_group_tests_name("train motion", tests, NULL, NULL);
}
