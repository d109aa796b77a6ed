/* Every diagnosis on figures that have the illness, and on their neighbours that have not. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#include "../../src/train/diagnosis.h"

#define EPOCHS 5

/* A healthy trial: losses fall, four of five dimensions are in use. */
struct patient {
    struct epoch_row row[EPOCHS];
    double kl[5];
    struct symptoms s;
};

static void healthy(struct patient *p)
{
    memset(p, 0, sizeof *p);
    for (int i = 0; i < EPOCHS; i++) {
        p->row[i] = (struct epoch_row){.epoch = i + 1, .train_rec = 90 - i, .train_kl = 20, .val_rec = 91 - i, .val_kl = 20,
                                       .value = 111 - i, .active_units = 4};
    }
    for (int j = 1; j < 5; j++) {
        p->kl[j] = 5;
    }
    p->s = (struct symptoms){.row = p->row, .n = EPOCHS, .dim_kl = p->kl, .latent = 5, .active_units = 4,
                             .baseline = 205.65, .warm_from = EPOCHS - 1, .stuck = 0.5, .stuck_layer = "encoder.0",
                             .telling = 4,
                             .cut = 0.05, .mu = 3.25, .logvar = -1.5, .norm_before = 20, .norm = {200, 200},
                             .moved = {{1e-5, 0.1, "mu.weight", "logits.weight"}, {1e-5, 0.1, "mu.weight", "logits.weight"}},
                             .bernoulli = true, .data_most = 1, .data_deviation = 0.3};
}

static void assert_seen(const struct patient *p, int only, const char *word)
{
    char text[TRIAL_NOTE_CAP];
    for (int i = 0; i < DIAGNOSIS_COUNT; i++) {
        bool seen = diagnose((enum diagnosis)i, text, &p->s);
        assert_int_equal(seen, i == only);
        if (seen) {
            assert_has(text, word);
            assert_true(strlen(text) < TRIAL_NOTE_CAP - 1);
        }
    }
}

static void the_healthy_are_left_alone(void **state)
{
    (void)state;
    struct patient p;
    healthy(&p);
    assert_seen(&p, -1, "");
    p.s.baseline = (double)NAN;
    assert_seen(&p, -1, "");
    p.s.n = 1;
    assert_seen(&p, -1, "");
}

/* Dimensions that say nothing, in the last n epochs. */
static void fall_silent(struct patient *p, int n)
{
    for (int j = 0; j < 5; j++) {
        p->kl[j] = 0.009;
    }
    for (int i = EPOCHS - n; i < EPOCHS; i++) {
        p->row[i].val_kl = 5 * 0.009;
        p->row[i].val_rec = 190;
    }
}

static void a_collapsed_posterior_is_seen_after_the_warm_up(void **state)
{
    (void)state;
    struct patient p;
    healthy(&p);
    fall_silent(&p, 2);
    assert_seen(&p, DIAGNOSIS_COLLAPSE, "free_bits");
    p.s.warm_from = EPOCHS; /* the epoch before was within the warm-up */
    assert_seen(&p, -1, "");
    healthy(&p);
    fall_silent(&p, 1);
    p.row[EPOCHS - 2].val_rec = 190 - 20; /* one epoch is not enough */
    assert_seen(&p, -1, "");
    healthy(&p);
    p.s.active_units = 0;
    assert_seen(&p, -1, "");
    p.row[EPOCHS - 2].active_units = 0;
    assert_seen(&p, DIAGNOSIS_COLLAPSE, "collapse");
}

static void a_model_no_better_than_the_mean_image_is_seen(void **state)
{
    (void)state;
    struct patient p;
    healthy(&p);
    p.row[EPOCHS - 2].val_rec = 206.9; /* with the latents in use: a broken device looks like this too */
    p.row[EPOCHS - 1].val_rec = 206.5;
    assert_seen(&p, DIAGNOSIS_COLLAPSE, "images no better than their mean, 206.5 nats, with latents in use; raise optimizer.lr");
    p.row[EPOCHS - 1].val_rec = 203;
    assert_seen(&p, -1, "");
    fall_silent(&p, 2);
    p.row[EPOCHS - 2].val_rec = p.row[EPOCHS - 1].val_rec = 206;
    assert_seen(&p, DIAGNOSIS_COLLAPSE, "4 active units, images no better than their mean; lower beta");
    p.row[EPOCHS - 2].val_rec = p.row[EPOCHS - 1].val_rec = 226;
    assert_seen(&p, DIAGNOSIS_COLLAPSE, "posterior collapse");
    p.row[EPOCHS - 2].val_rec = p.row[EPOCHS - 1].val_rec = 227; /* the decoder has not even learned that */
    assert_seen(&p, DIAGNOSIS_COLLAPSE, "images still worse than their mean, 227 nats to its 205.7");
}

/* As trials of few steps an epoch begin: at first nothing is in use, and the reconstruction passes the mean image's. */
static void a_trial_that_still_learns_has_not_collapsed(void **state)
{
    (void)state;
    struct patient p;
    healthy(&p);
    fall_silent(&p, 2);
    p.row[EPOCHS - 2].val_rec = 190 / 0.98;
    assert_seen(&p, -1, "");
    p.row[EPOCHS - 2].val_rec = 190 / 0.995;
    assert_seen(&p, DIAGNOSIS_COLLAPSE, "collapse");
    healthy(&p);
    p.s.n = 1;
    p.row[0].val_rec = 205;
    p.s.warm_from = 1;
    assert_seen(&p, -1, "");
}

static void an_exploding_kl_is_seen(void **state)
{
    (void)state;
    struct patient p;
    healthy(&p);
    p.row[0].train_kl = 1e4; /* the median is not moved by one */
    p.row[EPOCHS - 2].train_kl = p.row[EPOCHS - 1].train_kl = 201;
    assert_seen(&p, DIAGNOSIS_EXPLODING_KL, "201 nats, over 10 times the 20 before, |mu| up to 3.25, log-variance to -1.5; "
                "set or lower optimizer.clip, lower optimizer.lr");
    p.s.mu = p.s.logvar = (double)NAN;
    assert_seen(&p, DIAGNOSIS_EXPLODING_KL, "the 20 before; set or lower optimizer.clip");
    p.row[EPOCHS - 1].train_kl = 199;
    assert_seen(&p, -1, "");
    p.row[EPOCHS - 1].train_kl = 201;
    p.row[EPOCHS - 2].train_kl = 199; /* one epoch is not enough */
    assert_seen(&p, -1, "");
    healthy(&p);
    for (int i = 0; i < EPOCHS - 2; i++) {
        p.row[i].train_kl = 0.01; /* a KL that starts from nothing may grow */
    }
    p.row[EPOCHS - 2].train_kl = p.row[EPOCHS - 1].train_kl = 9;
    assert_seen(&p, -1, "");
}

/* The -ELBO of the last n epochs is above that of the one before them by so much. */
static void get_worse(struct patient *p, int n, double by)
{
    for (int i = EPOCHS - n; i < EPOCHS; i++) {
        p->row[i].train_rec = p->row[EPOCHS - n - 1].train_rec + by;
    }
}

static void exploding_gradients_are_seen(void **state)
{
    (void)state;
    struct patient p;
    healthy(&p);
    p.s.norm[0] = p.s.norm[1] = 201;
    assert_seen(&p, -1, ""); /* a Gaussian's deviation that shrinks: the -ELBO falls */
    get_worse(&p, 2, 1);
    assert_seen(&p, DIAGNOSIS_EXPLODING_GRADIENT,
                "over 2e+02, 10 times the 20 before; lower optimizer.lr, set or lower optimizer.clip");
    p.row[EPOCHS - 2].train_rec -= 1.1; /* one of the two was better */
    assert_seen(&p, -1, "");
    get_worse(&p, 2, 1);
    p.s.norm[1] = 199;
    assert_seen(&p, -1, "");
    p.s.norm[1] = 201;
    p.s.norm[0] = 199; /* one epoch is not enough */
    assert_seen(&p, -1, "");
    p.s.norm[0] = p.s.norm[1] = 201;
    p.s.norm_before = (double)NAN; /* too few steps before */
    assert_seen(&p, -1, "");
    p.s.norm_before = p.s.norm[0] = p.s.norm[1] = (double)NAN; /* neither clipped nor skipped */
    assert_seen(&p, -1, "");
}

static void steps_too_short_are_seen(void **state)
{
    (void)state;
    struct patient p;
    healthy(&p);
    p.s.moved[0].least = p.s.moved[1].least = 0.9e-5;
    p.s.moved[1].most = 0.9e-3;
    assert_seen(&p, DIAGNOSIS_SHORT_STEPS, "steps too short: 9e-06 of mu.weight, under 1e-05; raise optimizer.lr");
    p.s.moved[1].most = 1.1e-3; /* others move: it is not the learning rate */
    assert_seen(&p, DIAGNOSIS_SHORT_STEPS, "no gradient reaches mu.weight: steps of 9e-06 of it, under 1e-05, and of 0.001 "
                "of logits.weight; take another model.init");
    p.row[EPOCHS - 1].train_rec = p.row[EPOCHS - 2].train_rec - 1.2; /* of 107: they lead somewhere */
    assert_seen(&p, -1, "");
    p.row[EPOCHS - 1].train_rec = p.row[EPOCHS - 2].train_rec - 1;
    p.s.moved[1].least = 1.1e-5;
    assert_seen(&p, -1, "");
    p.s.moved[1].least = 0.9e-5;
    p.s.moved[0].least = 1.1e-5; /* one epoch is not enough */
    assert_seen(&p, -1, "");
    p.s.moved[0].least = (double)NAN;
    assert_seen(&p, -1, "");
    p.s.moved[0].least = 0.9e-5;
    p.s.stuck = 0.91; /* dead units: a higher rate is the last thing they need */
    assert_seen(&p, DIAGNOSIS_STUCK_UNITS, "lower optimizer.lr");
}

static void steps_too_long_are_seen(void **state)
{
    (void)state;
    struct patient p;
    healthy(&p);
    p.s.moved[0].most = p.s.moved[1].most = 0.11;
    assert_seen(&p, -1, ""); /* the -ELBO falls */
    get_worse(&p, 1, 0.1);
    assert_seen(&p, DIAGNOSIS_LONG_STEPS, "steps too long: 0.11 of logits.weight, over 0.1; lower optimizer.lr");
    p.s.moved[1].most = 0.09;
    assert_seen(&p, -1, "");
    p.s.moved[1].most = 0.11;
    p.s.moved[0].most = 0.09; /* one epoch is not enough */
    assert_seen(&p, -1, "");
    p.s.moved[0].most = (double)NAN;
    assert_seen(&p, -1, "");
}

/* A trial of quickstart's space on 600 digits: what it learns it says through the latents, and the -ELBO falls. */
static void a_kl_that_grows_with_learning_is_healthy(void **state)
{
    (void)state;
    struct patient p;
    healthy(&p);
    const double kl[EPOCHS] = {0.466, 1.793, 11.66, 30.68, 28.88}, rec[EPOCHS] = {540.3, 509.5, 442.1, 338.1, 269.8};
    for (int i = 0; i < EPOCHS; i++) {
        p.row[i].train_kl = kl[i];
        p.row[i].train_rec = rec[i];
    }
    for (p.s.n = 1; p.s.n <= EPOCHS; p.s.n++) assert_seen(&p, -1, "");
    p.s.n = EPOCHS;
    p.row[EPOCHS - 2].train_rec = p.row[EPOCHS - 1].train_rec = 543;
    assert_seen(&p, DIAGNOSIS_EXPLODING_KL, "28.88 nats, over 10 times the 1.793 before");
}

static void overfitting_is_seen_once_it_lasts(void **state)
{
    (void)state;
    struct patient p;
    healthy(&p);
    for (int i = 2; i < EPOCHS; i++) {
        p.row[i].val_rec = 90 + 2 * i;
        p.row[i].value = 110 + 2 * i;
    }
    assert_seen(&p, DIAGNOSIS_OVERFITTING, "patience");
    p.row[EPOCHS - 1].train_rec = p.row[1].train_rec + 1; /* training gets worse, too */
    p.row[EPOCHS - 1].val_rec += 5;
    assert_seen(&p, -1, "");
    p.row[EPOCHS - 1].train_rec = p.row[1].train_rec - 1;
    assert_seen(&p, DIAGNOSIS_OVERFITTING, "patience");
    p.row[2].value = p.row[1].value; /* only two epochs of it */
    assert_seen(&p, -1, "");
    healthy(&p);
    for (int i = 2; i < EPOCHS; i++) { /* three, but within three hundredths */
        p.row[i].train_rec = 90;
        p.row[i].val_rec = 90.3 + 0.1 * i;
        p.row[i].value = 110.3 + 0.1 * i;
    }
    assert_seen(&p, -1, "");
}

static void stuck_units_and_cut_log_variances_are_seen(void **state)
{
    (void)state;
    struct patient p;
    healthy(&p);
    p.s.stuck = 0.51;
    assert_seen(&p, DIAGNOSIS_STUCK_UNITS, "51 % of encoder.0");
    p.s.telling = 5; /* as many as latent dimensions: half of a good network's first layer may be idle */
    assert_seen(&p, -1, "");
    p.s.telling = 50;
    p.s.stuck = 0.9;
    assert_seen(&p, -1, "");
    p.s.stuck = 0.91;
    assert_seen(&p, DIAGNOSIS_STUCK_UNITS, "91 % of encoder.0 give the same for every row, leaving 50");
    p.s.stuck = (double)NAN;
    p.s.cut = (double)NAN;
    assert_seen(&p, -1, "");
    p.s.cut = 0.06;
    assert_seen(&p, DIAGNOSIS_CUT_LOGVAR, "6 %");
}

static void a_wrong_data_scale_is_seen(void **state)
{
    (void)state;
    struct patient p;
    healthy(&p);
    p.s.data_most = 1.0 / 255;
    assert_seen(&p, DIAGNOSIS_DATA_SCALE, "divided by 255");
    p.s.bernoulli = false;
    assert_seen(&p, -1, "");
    p.s.data_deviation = 140;
    assert_seen(&p, DIAGNOSIS_DATA_SCALE, "data.scale: standard");
    p.s.data_deviation = 0.001;
    assert_seen(&p, DIAGNOSIS_DATA_SCALE, "data.scale: standard");
}

/* Steps so long that ReLUs end below zero for every row: one note of it, and it names the layer. */
static void a_dead_layer_is_told_once(void **state)
{
    (void)state;
    for (enum plan_kind kind = PLAN_PLAIN; kind <= PLAN_CHAIN; kind++) {
        struct rig_data d;
        rig_data_make(&d, 37, 97, 53);
        struct config c = rig_config("model.width=33\nmodel.latent=17\ntrain.batch=16\ntrain.epochs=3\n"
                                     "optimizer.lr=3\nloss.beta=0\n");
        struct trainer *t = rig_trainer(&d, &c, kind);
        struct records *r = calloc(1, sizeof *r);
        int lane = rig_add(t, &c, 0, NULL);
        rig_run_until(t, r, lane, RIG_ROWS_MAX - 1);
        int told = 0;
        for (int i = 0; i < r->lane[lane].notes; i++) {
            const struct trial_note *note = &r->lane[lane].note[i];
            if (strcmp(note->kind, "stuck units") == 0) {
                assert_has(note->text, "coder.0");
                assert_in_range(note->epoch, 1, 3);
                told++;
            }
        }
        assert_int_equal(told, 1);
        trainer_free(t);
        config_release(&c);
        rig_data_release(&d);
        free(r);
    }
}

int diagnosis_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_healthy_are_left_alone),
        cmocka_unit_test(a_collapsed_posterior_is_seen_after_the_warm_up),
        cmocka_unit_test(a_model_no_better_than_the_mean_image_is_seen),
        cmocka_unit_test(a_trial_that_still_learns_has_not_collapsed),
        cmocka_unit_test(an_exploding_kl_is_seen),
        cmocka_unit_test(exploding_gradients_are_seen),
        cmocka_unit_test(steps_too_short_are_seen),
        cmocka_unit_test(steps_too_long_are_seen),
        cmocka_unit_test(a_kl_that_grows_with_learning_is_healthy),
        cmocka_unit_test(overfitting_is_seen_once_it_lasts),
        cmocka_unit_test(stuck_units_and_cut_log_variances_are_seen),
        cmocka_unit_test(a_wrong_data_scale_is_seen),
        cmocka_unit_test(a_dead_layer_is_told_once),
    };
    return cmocka_run_group_tests_name("train diagnosis", tests, NULL, NULL);
}
