/* What an epoch's figures say about a trial that goes wrong, and what to do about it. */
#include "diagnosis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "vaetop/base/alloc.h"

#define IDLE_KL 0.01        /* nats of a latent dimension that says nothing */
#define BASELINE_SHARE 0.01 /* as good as the mean image, within */
#define LEARNING_SHARE 0.01 /* of the validation's -ELBO: by which an epoch betters one that still learns */
#define EXPLODING_KL 10.0   /* times the median of the epochs before */
#define LEAST_KL 1.0        /* nats; smaller ones may grow as they like */
#define OVERFIT_SHARE 0.03  /* gap between validation and training, of the validation's reconstruction */
#define STUCK_SHARE 0.5     /* units of a layer that say nothing, where fewer are left than latent dimensions; */
#define DEAD_SHARE 0.9      /* more are too many in any layer */
#define CUT_SHARE 0.05      /* log-variances at a bound */
#define DARK 0.05           /* largest value of data that were meant to reach 1 */
#define DEVIATION_LEAST 0.01 /* of data for a Gaussian; beyond these the weights must do the scaling */
#define DEVIATION_MOST 20.0
#define OVERFIT_EPOCHS 3    /* in a row in which validation got worse and the gap wider */

static bool as_mean(const struct symptoms *s, const struct epoch_row *r)
{
    return fabs(r->val_rec - s->baseline) < BASELINE_SHARE * fabs(s->baseline);
}

/* In this epoch the latents said nothing, or nothing of use. */
static bool idle(const struct symptoms *s, const struct epoch_row *r)
{
    return r->val_kl < IDLE_KL * s->latent || r->active_units <= 0 || as_mean(s, r);
}

/* Two epochs in a row that better little: in the first ones of a healthy trial the latents say nothing either, and its
 * reconstruction passes that of the mean image on the way down. */
static bool collapsed(char *text, const struct symptoms *s)
{
    if (s->n < 2) return false;
    const struct epoch_row *now = &s->row[s->n - 1], *before = now - 1;
    const double was = before->val_rec + before->val_kl, is = now->val_rec + now->val_kl;
    if (before->epoch < s->warm_from || !idle(s, before) || was - is > LEARNING_SHARE * fabs(was)) return false;
    double most = 0;
    for (int j = 0; j < s->latent; j++) most = fmax(most, s->dim_kl[j]);
    const bool silent = most < IDLE_KL || s->active_units == 0, mean = as_mean(s, now);
    if (silent) {
        snprintf(text, TRIAL_NOTE_CAP, "posterior collapse: at most %.2g nats of KL a dimension, %d active units%s; lower "
                 "beta, warm it up, set free_bits or take a smaller decoder", most, s->active_units,
                 mean ? ", images no better than their mean" : "");
    } else if (mean) {
        snprintf(text, TRIAL_NOTE_CAP, "images no better than their mean, %.4g nats, with latents in use; raise optimizer.lr "
                 "or train.epochs, lower beta; where every trial does so, vaetop devices --self-test", now->val_rec);
    }
    return silent || mean;
}

static double train_neg_elbo(const struct epoch_row *r)
{
    return r->train_rec + r->train_kl;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of the training KL of the first n epochs. */
static double median_kl(const struct symptoms *s, int n)
{
    double *kl = xcalloc((size_t)n, sizeof *kl);
    for (int i = 0; i < n; i++) kl[i] = s->row[i].train_kl;
    qsort(kl, (size_t)n, sizeof *kl, by_size);
    const double median = (kl[(n - 1) / 2] + kl[n / 2]) / 2;
    free(kl);
    return median;
}

/* Two epochs in a row, and no better for it: a KL that grows while the -ELBO falls is what learning looks like. */
static bool exploding(char *text, const struct symptoms *s)
{
    if (s->n < 3) return false;
    const struct epoch_row *last = &s->row[s->n - 3];
    const double before = median_kl(s, s->n - 2);
    for (int i = s->n - 2; i < s->n; i++) {
        const struct epoch_row *r = &s->row[i];
        if (!(r->train_kl > EXPLODING_KL * fmax(before, LEAST_KL))) return false;
        if (train_neg_elbo(r) <= train_neg_elbo(last)) return false;
    }
    snprintf(text, TRIAL_NOTE_CAP, "exploding KL: %.4g nats after %.4g before; set optimizer.clip or lower optimizer.lr",
             s->row[s->n - 1].train_kl, before);
    return true;
}

static double gap(const struct epoch_row *r)
{
    return r->val_rec + r->val_kl - train_neg_elbo(r);
}

static bool overfitting(char *text, const struct symptoms *s)
{
    if (s->n <= OVERFIT_EPOCHS) return false;
    for (int i = s->n - OVERFIT_EPOCHS; i < s->n; i++) {
        if (s->row[i].value <= s->row[i - 1].value || gap(&s->row[i]) <= gap(&s->row[i - 1])) return false;
    }
    const struct epoch_row *last = &s->row[s->n - 1];
    if (train_neg_elbo(last) > train_neg_elbo(last - OVERFIT_EPOCHS)) return false; /* it loses what it had, on both sides */
    if (!(gap(last) > OVERFIT_SHARE * fabs(last->val_rec))) return false;
    snprintf(text, TRIAL_NOTE_CAP, "overfitting: validation is %.4g nats above training and rising; set train.patience, a "
             "smaller network or data.binarize: dynamic", gap(last));
    return true;
}

/* The first layer of a good ReLU network on images may do with less than half of its units; one that has fewer left than
 * the latent space has dimensions lets less through than was asked for. */
static bool stuck(char *text, const struct symptoms *s)
{
    if (!(s->stuck > STUCK_SHARE) || (s->stuck <= DEAD_SHARE && s->telling >= s->latent)) return false;
    snprintf(text, TRIAL_NOTE_CAP, "dead or saturated units: %.0f %% of %s give the same for every row, leaving %d; lower "
             "optimizer.lr, set model.norm: layer, or take model.activation: leaky or another model.init", 100 * s->stuck,
             s->stuck_layer, s->telling);
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
    case DIAGNOSIS_COLLAPSE: return collapsed(text, s);
    case DIAGNOSIS_EXPLODING_KL: return exploding(text, s);
    case DIAGNOSIS_OVERFITTING: return overfitting(text, s);
    case DIAGNOSIS_STUCK_UNITS: return stuck(text, s);
    case DIAGNOSIS_CUT_LOGVAR: return cut(text, s);
    case DIAGNOSIS_DATA_SCALE: return scale(text, s);
    case DIAGNOSIS_COUNT: break;
    }
    return false;
}
