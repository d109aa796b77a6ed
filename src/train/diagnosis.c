/* What an epoch's figures say about a trial that goes wrong, and what to do about it. */
#include "diagnosis.h"

#include <math.h>
#include <stdio.h>

#define IDLE_KL 0.01        /* nats of a latent dimension that says nothing */
#define BASELINE_SHARE 0.01 /* as good as the mean image, within */
#define EXPLODING_KL 10.0   /* times the mean of the epochs before */
#define LEAST_KL 1.0        /* nats; smaller ones may grow as they like */
#define OVERFIT_SHARE 0.03  /* gap between validation and training, of the validation's reconstruction */
#define OVERFIT_EPOCHS 3    /* in a row in which validation got worse and the gap wider */

static bool collapsed(char *text, const struct symptoms *s)
{
    double most = 0;
    for (int j = 0; j < s->latent; j++) most = fmax(most, s->dim_kl[j]);
    const bool as_mean = fabs(s->row[s->n - 1].val_rec - s->baseline) < BASELINE_SHARE * fabs(s->baseline);
    if (most >= IDLE_KL && s->active_units > 0 && !as_mean) return false;
    snprintf(text, DIAGNOSIS_CAP, "posterior collapse: at most %.2g nats of KL a dimension, %d active units%s; lower beta, "
             "warm it up, set free_bits or take a smaller decoder", most, s->active_units,
             as_mean ? ", images no better than their mean" : "");
    return true;
}

static bool exploding(char *text, const struct symptoms *s)
{
    double before = 0;
    for (int i = 0; i < s->n - 1; i++) before += s->row[i].train_kl / (s->n - 1);
    const double now = s->row[s->n - 1].train_kl;
    if (s->n < 2 || !(now > EXPLODING_KL * fmax(before, LEAST_KL))) return false;
    snprintf(text, DIAGNOSIS_CAP, "exploding KL: %.4g nats after %.4g before; set optimizer.clip or lower optimizer.lr", now,
             before);
    return true;
}

static double gap(const struct epoch_row *r)
{
    return r->val_rec + r->val_kl - r->train_rec - r->train_kl;
}

static bool overfitting(char *text, const struct symptoms *s)
{
    if (s->n <= OVERFIT_EPOCHS) return false;
    for (int i = s->n - OVERFIT_EPOCHS; i < s->n; i++) {
        if (s->row[i].value <= s->row[i - 1].value || gap(&s->row[i]) <= gap(&s->row[i - 1])) return false;
    }
    const struct epoch_row *last = &s->row[s->n - 1];
    if (!(gap(last) > OVERFIT_SHARE * fabs(last->val_rec))) return false;
    snprintf(text, DIAGNOSIS_CAP, "overfitting: validation is %.4g nats above training and rising; set train.patience, a "
             "smaller network or data.binarize: dynamic", gap(last));
    return true;
}

bool diagnose(enum diagnosis what, char text[DIAGNOSIS_CAP], const struct symptoms *s)
{
    switch (what) {
    case DIAGNOSIS_COLLAPSE: return s->warmed_up && collapsed(text, s);
    case DIAGNOSIS_EXPLODING_KL: return exploding(text, s);
    case DIAGNOSIS_OVERFITTING: return overfitting(text, s);
    case DIAGNOSIS_COUNT: break;
    }
    return false;
}
