/* What an epoch's figures say about a trial that goes wrong, and what to do about it. */
#include "diagnosis.h"

#include <math.h>
#include <stdio.h>

#define IDLE_KL 0.01        /* nats of a latent dimension that says nothing */
#define BASELINE_SHARE 0.01 /* as good as the mean image, within */
#define EXPLODING_KL 10.0   /* times the mean of the epochs before */
#define LEAST_KL 1.0        /* nats; smaller ones may grow as they like */
#define OVERFIT_SHARE 0.03  /* gap between validation and training, of the validation's reconstruction */
#define STUCK_SHARE 0.5     /* units of a layer that say nothing */
#define CUT_SHARE 0.05      /* log-variances at a bound */
#define DARK 0.05           /* largest value of data that were meant to reach 1 */
#define DEVIATION_LEAST 0.01 /* of data for a Gaussian; beyond these the weights must do the scaling */
#define DEVIATION_MOST 20.0
#define OVERFIT_EPOCHS 3    /* in a row in which validation got worse and the gap wider */

static bool collapsed(char *text, const struct symptoms *s)
{
    double most = 0;
    for (int j = 0; j < s->latent; j++) most = fmax(most, s->dim_kl[j]);
    const bool as_mean = fabs(s->row[s->n - 1].val_rec - s->baseline) < BASELINE_SHARE * fabs(s->baseline);
    if (most >= IDLE_KL && s->active_units > 0 && !as_mean) return false;
    snprintf(text, TRIAL_NOTE_CAP, "posterior collapse: at most %.2g nats of KL a dimension, %d active units%s; lower beta, "
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
    snprintf(text, TRIAL_NOTE_CAP, "exploding KL: %.4g nats after %.4g before; set optimizer.clip or lower optimizer.lr", now,
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
    snprintf(text, TRIAL_NOTE_CAP, "overfitting: validation is %.4g nats above training and rising; set train.patience, a "
             "smaller network or data.binarize: dynamic", gap(last));
    return true;
}

static bool stuck(char *text, const struct symptoms *s)
{
    if (!(s->stuck > STUCK_SHARE)) return false;
    snprintf(text, TRIAL_NOTE_CAP, "dead or saturated units: %.0f %% of %s give the same for every row; lower optimizer.lr, set "
             "model.norm: layer, or take model.activation: leaky or another model.init", 100 * s->stuck, s->stuck_layer);
    return true;
}

static bool cut(char *text, const struct symptoms *s)
{
    if (!(s->cut > CUT_SHARE)) return false;
    snprintf(text, TRIAL_NOTE_CAP, "saturated log-variance: %.0f %% lie on a bound, -12 or 6, where nothing is learned; lower "
             "optimizer.lr, set optimizer.clip or model.norm: layer", 100 * s->cut);
    return true;
}

static bool scale(char *text, const struct symptoms *s)
{
    if (s->bernoulli && s->data_most < DARK) {
        snprintf(text, TRIAL_NOTE_CAP, "wrong data scale: no value is above %.2g where 1 was expected, as if divided by 255 "
                 "twice; set data.scale: none or unit", s->data_most);
        return true;
    }
    if (s->bernoulli || !(s->data_deviation < DEVIATION_LEAST || s->data_deviation > DEVIATION_MOST)) return false;
    snprintf(text, TRIAL_NOTE_CAP, "wrong data scale: values are about %.3g in size, far from 1, where weights and sigma start; "
             "set data.scale: standard", s->data_deviation);
    return true;
}

const char *diagnosis_word(enum diagnosis d)
{
    static const char *const word[] = {
#define X(id, text) text,
        DIAGNOSIS_LIST(X)
#undef X
    };
    return word[d];
}

bool diagnose(enum diagnosis what, char text[TRIAL_NOTE_CAP], const struct symptoms *s)
{
    switch (what) {
    case DIAGNOSIS_COLLAPSE: return s->warmed_up && collapsed(text, s);
    case DIAGNOSIS_EXPLODING_KL: return exploding(text, s);
    case DIAGNOSIS_OVERFITTING: return overfitting(text, s);
    case DIAGNOSIS_STUCK_UNITS: return stuck(text, s);
    case DIAGNOSIS_CUT_LOGVAR: return cut(text, s);
    case DIAGNOSIS_DATA_SCALE: return scale(text, s);
    case DIAGNOSIS_COUNT: break;
    }
    return false;
}
