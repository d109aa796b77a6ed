/* Every diagnosis on figures that have the illness, and on their neighbours that have not. */
#include <math.h>
#include <string.h>

#include "check.h"

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
                             .baseline = 205.65, .warmed_up = true};
}

static void assert_seen(const struct patient *p, int only, const char *word)
{
    char text[DIAGNOSIS_CAP];
    for (int i = 0; i < DIAGNOSIS_COUNT; i++) {
        bool seen = diagnose((enum diagnosis)i, text, &p->s);
        assert_int_equal(seen, i == only);
        if (seen) {
            assert_has(text, word);
            assert_true(strlen(text) < DIAGNOSIS_CAP - 1);
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

int diagnosis_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_healthy_are_left_alone),
        cmocka_unit_test(a_collapsed_posterior_is_seen_after_the_warm_up),
        cmocka_unit_test(an_exploding_kl_is_seen),
        cmocka_unit_test(overfitting_is_seen_once_it_lasts),
    };
    return cmocka_run_group_tests_name("train diagnosis", tests, NULL, NULL);
}
