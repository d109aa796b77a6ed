/* What a trial is worth and how it ends: best and last, divergence, overfitting to the floor, the KL's sign. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#include "vaetop/base/alloc.h"

#define LAST (RIG_ROWS_MAX - 1) /* run until the lane's end */

/* One lane to its end. encoded: latent means of the validation rows then, (n_val, latent), or NULL. */
static struct record run(const struct rig_data *d, const char *lines, enum plan_kind kind, float *encoded)
{
    struct err e;
    struct config c = rig_config(lines);
    struct trainer *t = rig_trainer(d, &c, kind);
    struct records *r = xcalloc(1, sizeof *r);
    int lane = rig_add(t, &c, 5, NULL);
    rig_run_until(t, r, lane, LAST);
    struct record out = r->lane[lane];
    if (encoded) {
        assert_ok(trainer_encode(t, lane, encoded, d->split.val, d->split.n_val, &e), &e);
    }
    trainer_free(t);
    config_release(&c);
    free(r);
    return out;
}

/* A learning rate far too high, so that the best epoch is not the last. */
#define WILD "model.width=33\nmodel.latent=17\ntrain.batch=16\ntrain.epochs=12\noptimizer.lr=0.05\n"

static int best_epoch(const struct record *r, int from)
{
    int best = from;
    for (int i = from; i <= r->rows; i++) {
        best = r->row[i].value < r->row[best].value ? i : best;
    }
    return best;
}

static void value_is_the_best_epoch_s_or_the_last_one_s(void **state)
{
    (void)state;
    struct rig_data d;
    rig_data_make(&d, 37, 97, 53);
    for (enum plan_kind kind = PLAN_PLAIN; kind <= PLAN_CHAIN; kind++) {
        struct record best = run(&d, WILD "study.value=best\n", kind, NULL);
        struct record last = run(&d, WILD "study.value=last\n", kind, NULL);
        assert_int_equal(best.rows, 12);
        int at = best_epoch(&best, 1);
        assert_in_range(at, 1, 11); /* else this test says nothing */
        assert_true(best.value == best.row[at].value);
        assert_true(last.value == last.row[12].value);
        assert_memory_equal(best.row, last.row, sizeof best.row);
    }
    rig_data_release(&d);
}

static void the_best_epoch_s_weights_are_what_is_encoded_with(void **state)
{
    (void)state;
    struct rig_data d;
    char lines[256];
    enum { N = 53 * 17 };
    static float best_mu[N], last_mu[N], stopped_mu[N];
    rig_data_make(&d, 37, 97, 53);
    struct record best = run(&d, WILD, PLAN_CHAIN, best_mu);
    (void)run(&d, WILD "study.value=last\n", PLAN_CHAIN, last_mu);
    /* Constant schedules: a trial of fewer epochs is the longer one's beginning. */
    (void)snprintf(lines, sizeof lines, "%sstudy.value=last\ntrain.epochs=%d\n", WILD, best_epoch(&best, 1));
    (void)run(&d, lines, PLAN_CHAIN, stopped_mu);
    assert_memory_equal(best_mu, stopped_mu, sizeof best_mu);
    assert_memory_not_equal(best_mu, last_mu, sizeof best_mu);
    rig_data_release(&d);
}

static void before_there_is_a_best_epoch_the_present_weights_encode(void **state)
{
    (void)state;
    struct rig_data d;
    struct err e;
    enum { N = 53 * 17 };
    static float mu[2][N];
    rig_data_make(&d, 37, 97, 53);
    for (int i = 0; i < 2; i++) {
        struct config c = rig_config(WILD "loss.beta_schedule=linear\nloss.beta_warmup=6\n");
        assert_ok(config_set(&c, KNOB_STUDY_VALUE, i ? "last" : "best", &e), &e);
        struct trainer *t = rig_trainer(&d, &c, PLAN_CHAIN);
        struct records *r = xcalloc(1, sizeof *r);
        int lane = rig_add(t, &c, 5, NULL);
        rig_run_until(t, r, lane, 2);
        assert_ok(trainer_encode(t, lane, mu[i], d.split.val, d.split.n_val, &e), &e);
        trainer_free(t);
        config_release(&c);
        free(r);
    }
    assert_memory_equal(mu[0], mu[1], sizeof mu[0]);
    rig_data_release(&d);
}

static void best_does_not_count_epochs_of_the_warm_up(void **state)
{
    (void)state;
    struct rig_data d;
    rig_data_make(&d, 37, 97, 53);
    struct record r = run(&d, WILD "loss.beta_schedule=linear\nloss.beta_warmup=6.5\n", PLAN_CHAIN, NULL);
    assert_true(r.value == r.row[best_epoch(&r, 7)].value);
    r = run(&d, WILD "loss.beta_schedule=linear\nloss.beta_warmup=12\n", PLAN_CHAIN, NULL);
    assert_true(r.value == r.row[12].value);
    rig_data_release(&d);
}

static void patience_ends_a_trial_so_many_epochs_behind_its_best(void **state)
{
    (void)state;
    struct rig_data d;
    rig_data_make(&d, 37, 97, 53);
    struct record all = run(&d, WILD, PLAN_CHAIN, NULL), stopped = run(&d, WILD "train.patience=2\n", PLAN_CHAIN, NULL);
    int best = 1, end = 0;
    for (int i = 2; i <= 12 && !end; i++) {
        best = all.row[i].value < all.row[best].value ? i : best;
        end = i - best >= 2 ? i : 0;
    }
    assert_in_range(end, 3, 11); /* else this test says nothing */
    assert_int_equal(stopped.end, EVENT_DONE);
    assert_int_equal(stopped.rows, end);
    assert_true(stopped.value == all.row[best].value);
    assert_memory_equal(stopped.row, all.row, (size_t)(end + 1) * sizeof all.row[0]);
    stopped = run(&d, WILD "train.patience=2\nloss.beta_schedule=linear\nloss.beta_warmup=11\n", PLAN_CHAIN, NULL);
    assert_int_equal(stopped.rows, 12); /* epochs of the warm-up do not count */
    rig_data_release(&d);
}

static void divergence_says_step_rate_and_last_loss(void **state)
{
    (void)state;
    struct rig_data d;
    rig_data_make(&d, 37, 97, 53);
    for (enum plan_kind kind = PLAN_PLAIN; kind <= PLAN_CHAIN; kind++) {
        struct record r = run(&d, "model.width=33\nmodel.latent=17\ntrain.batch=16\noptimizer.kind=sgd\noptimizer.lr=1000\n", kind, NULL);
        assert_int_equal(r.end, EVENT_DIVERGED);
        assert_has(r.text, "step");
        assert_has(r.text, "1000");
        for (int i = 1; i <= r.rows; i++) {
            assert_true(isfinite(r.row[i].train_loss));
        }
    }
    rig_data_release(&d);
}

/* -log p of the data under its own values as probabilities: no Bernoulli likelihood goes lower. */
static double floor_of(const struct rig_data *d)
{
    double sum = 0;
    for (size_t i = 0; i < d->split.n_train; i++) {
        for (size_t j = 0; j < d->set.dim; j++) {
            double x = ((const uint8_t *)d->set.x)[d->split.train[i] * d->set.dim + j] / 255.0;
            sum -= x > 0 && x < 1 ? x * log(x) + (1 - x) * log(1 - x) : 0;
        }
    }
    return sum / (double)d->split.n_train;
}

static void thirty_two_images_are_learnt_to_the_floor_without_the_kl(void **state)
{
    (void)state;
    struct rig_data d;
    rig_data_make(&d, 37, 32, 8);
    double lowest = floor_of(&d);
    for (enum plan_kind kind = PLAN_PLAIN; kind <= PLAN_CHAIN; kind++) {
        struct record r = run(&d, "model.width=65\nmodel.latent=17\ntrain.batch=4\nloss.beta=0\ntrain.epochs=60\n"
                                  "optimizer.lr=0.01\noptimizer.lr_schedule=cosine\n", kind, NULL);
        const struct epoch_row *last = &r.row[60];
        print_message("%s: floor %.3f, epoch 1 %.3f, epoch 60 %.3f\n", plan_kind_name(kind), lowest, r.row[1].train_rec,
                      last->train_rec);
        assert_true(last->train_rec > lowest);
        assert_close(last->train_rec, lowest, 0.05 * (r.row[1].train_rec - lowest), 0);
        assert_true(last->train_kl > 5); /* nothing held it back */
        assert_close(last->train_loss, last->train_rec, 0, 1e-6);
    }
    rig_data_release(&d);
}

static void a_strong_kl_goes_to_nothing_but_never_below(void **state)
{
    (void)state;
    struct rig_data d;
    rig_data_make(&d, 37, 97, 53);
    for (enum plan_kind kind = PLAN_PLAIN; kind <= PLAN_CHAIN; kind++) {
        struct record r = run(&d, "model.width=33\nmodel.latent=17\ntrain.batch=16\nloss.beta=100\ntrain.epochs=30\n"
                                  "optimizer.lr=3e-3\n", kind, NULL);
        for (int i = 1; i <= r.rows; i++) {
            assert_true(r.row[i].val_kl >= 0 && r.row[i].train_kl >= 0);
            assert_close(r.row[i].value, r.row[i].val_rec + r.row[i].val_kl, 0, 1e-9); /* beta 1 in evaluation */
            assert_close(r.row[i].train_loss, r.row[i].train_rec + 100 * r.row[i].train_kl, 0, 1e-6);
        }
        assert_true(r.row[30].val_kl < 0.05);
        assert_true(r.row[30].active_units == 0);
    }
    rig_data_release(&d);
}

int values_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value_is_the_best_epoch_s_or_the_last_one_s),
        cmocka_unit_test(the_best_epoch_s_weights_are_what_is_encoded_with),
        cmocka_unit_test(before_there_is_a_best_epoch_the_present_weights_encode),
        cmocka_unit_test(best_does_not_count_epochs_of_the_warm_up),
        cmocka_unit_test(patience_ends_a_trial_so_many_epochs_behind_its_best),
        cmocka_unit_test(divergence_says_step_rate_and_last_loss),
        cmocka_unit_test(thirty_two_images_are_learnt_to_the_floor_without_the_kl),
        cmocka_unit_test(a_strong_kl_goes_to_nothing_but_never_below),
    };
    return cmocka_run_group_tests_name("train values", tests, NULL, NULL);
}
