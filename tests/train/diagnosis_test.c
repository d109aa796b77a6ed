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
                                       .value = 111 - i};
    }
    for (int j = 1; j < 5; j++) {
        p->kl[j] = 5;
    }
    p->s = (struct symptoms){.row = p->row, .n = EPOCHS, .dim_kl = p->kl, .latent = 5, .active_units = 4,
                             .baseline = 205.65, .warmed_up = true, .stuck = 0.5, .stuck_layer = "encoder.0",
                             .cut = 0.05, .bernoulli = true, .data_most = 1, .data_deviation = 0.3};
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

static void a_collapsed_posterior_is_seen_after_the_warm_up(void **state)
{
    (void)state;
    struct patient p;
    healthy(&p);
    for (int j = 0; j < 5; j++) {
        p.kl[j] = 0.009;
    }
    assert_seen(&p, DIAGNOSIS_COLLAPSE, "free_bits");
    p.s.warmed_up = false;
    assert_seen(&p, -1, "");
    healthy(&p);
    p.s.active_units = 0;
    assert_seen(&p, DIAGNOSIS_COLLAPSE, "collapse");
    healthy(&p);
    p.row[EPOCHS - 1].val_rec = 206.5; /* with the latents in use: a broken device looks like this too */
    assert_seen(&p, DIAGNOSIS_COLLAPSE, "no better than their mean");
    p.row[EPOCHS - 1].val_rec = 203;
    assert_seen(&p, -1, "");
}

static void an_exploding_kl_is_seen(void **state)
{
    (void)state;
    struct patient p;
    healthy(&p);
    p.row[EPOCHS - 1].train_kl = 201;
    assert_seen(&p, DIAGNOSIS_EXPLODING_KL, "optimizer.clip");
    p.row[EPOCHS - 1].train_kl = 199;
    assert_seen(&p, -1, "");
    for (int i = 0; i < EPOCHS - 1; i++) {
        p.row[i].train_kl = 0.01; /* a KL that starts from nothing may grow */
    }
    p.row[EPOCHS - 1].train_kl = 9;
    assert_seen(&p, -1, "");
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
        cmocka_unit_test(an_exploding_kl_is_seen),
        cmocka_unit_test(overfitting_is_seen_once_it_lasts),
        cmocka_unit_test(stuck_units_and_cut_log_variances_are_seen),
        cmocka_unit_test(a_wrong_data_scale_is_seen),
        cmocka_unit_test(a_dead_layer_is_told_once),
    };
    return cmocka_run_group_tests_name("train diagnosis", tests, NULL, NULL);
}
