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
#define EXPLODING_NORM 10.0 /* times the length that 19 of 20 gradients before stayed below */
#define SHORT_STEP 1e-5     /* of a weight matrix, moved by one step */
#define LONG_STEP 1e-1
#define UNEVEN_STEPS 100.0  /* times as far as another matrix; healthy networks stay below 50 */
#define UNTRAINED 1.1       /* times the mean image's nats: nothing was learned, of which the latents are a part only */
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
    if (silent && now->val_rec > UNTRAINED * s->baseline) {
        snprintf(text, TRIAL_NOTE_CAP, "images still worse than their mean, %.4g nats to its %.4g, and latents idle; raise "
                 "optimizer.lr or train.epochs, or lower a rate that is far too high", now->val_rec, s->baseline);
    } else if (silent) {
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

/* In the last two epochs, against the one before them. */
static bool better(const struct symptoms *s)
{
    const struct epoch_row *before = &s->row[s->n - 3];
    return train_neg_elbo(before + 1) <= train_neg_elbo(before) || train_neg_elbo(before + 2) <= train_neg_elbo(before);
}

/* Two epochs in a row, and no better for it: a KL that grows while the -ELBO falls is what learning looks like. */
static bool exploding(char *text, const struct symptoms *s)
{
    if (s->n < 3 || better(s)) return false;
    const double before = median_kl(s, s->n - 2);
    for (int i = s->n - 2; i < s->n; i++) {
        if (!(s->row[i].train_kl > EXPLODING_KL * fmax(before, LEAST_KL))) return false;
    }
    char seen[64] = "";
    if (!isnan(s->mu)) snprintf(seen, sizeof seen, ", |mu| up to %.3g, log-variance to %.2g", s->mu, s->logvar);
    snprintf(text, TRIAL_NOTE_CAP, "exploding KL: %.4g nats, over %g times the %.4g before%s; set or lower optimizer.clip, "
             "lower optimizer.lr", s->row[s->n - 1].train_kl, EXPLODING_KL, before, seen);
    return true;
}

/* Like is compared with like: 19 of 20 steps of an epoch with 19 of 20 of those before, so that long tails, which clipping
 * is for, say nothing. Gradients that grow while the -ELBO falls are a Gaussian's whose deviation shrinks. */
static bool exploding_gradient(char *text, const struct symptoms *s)
{
    const double most = EXPLODING_NORM * s->norm_before;
    if (!(s->norm[0] > most && s->norm[1] > most) || s->n < 3 || better(s)) return false;
    snprintf(text, TRIAL_NOTE_CAP, "exploding gradients: one in twenty over %.2g, %g times the %.2g before; lower "
             "optimizer.lr, set or lower optimizer.clip", s->norm[1], EXPLODING_NORM, s->norm_before);
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
static bool units_stuck(const struct symptoms *s)
{
    return s->stuck > STUCK_SHARE && (s->stuck > DEAD_SHARE || s->telling < s->latent);
}

static bool stuck(char *text, const struct symptoms *s)
{
    if (!units_stuck(s)) return false;
    snprintf(text, TRIAL_NOTE_CAP, "dead or saturated units: %.0f %% of %s give the same for every row, leaving %d; lower "
             "optimizer.lr, set model.norm: layer, or take model.activation: leaky or another model.init", 100 * s->stuck,
             s->stuck_layer, s->telling);
    return true;
}

/* Of the last epoch, as share of the -ELBO before. */
static double gain(const struct symptoms *s)
{
    const double was = train_neg_elbo(&s->row[s->n - 2]), is = train_neg_elbo(&s->row[s->n - 1]);
    return (was - is) / fabs(was);
}

/* Two epochs in a row, and little learned for it. Layers behind dead units get no gradient; those are told as such. */
static bool short_steps(char *text, const struct symptoms *s)
{
    const struct moved *now = &s->moved[1];
    if (!(s->moved[0].least < SHORT_STEP && now->least < SHORT_STEP) || s->n < 2) return false;
    if (units_stuck(s) || gain(s) > LEARNING_SHARE) return false;
    if (now->most < UNEVEN_STEPS * SHORT_STEP) {
        snprintf(text, TRIAL_NOTE_CAP, "steps too short: %.1g of %s, under %g; raise optimizer.lr", now->least,
                 now->least_tensor, SHORT_STEP);
    } else {
        snprintf(text, TRIAL_NOTE_CAP, "no gradient reaches %s: steps of %.1g of it, under %g, and of %.1g of %s; take "
                 "another model.init or model.norm: layer", now->least_tensor, now->least, SHORT_STEP, now->most, now->most_tensor);
    }
    return true;
}

/* Two epochs in a row, and no better for it: SGD's steps, and everybody's first ones, may be this long and lead down. */
static bool long_steps(char *text, const struct symptoms *s)
{
    const struct moved *now = &s->moved[1];
    if (!(s->moved[0].most > LONG_STEP && now->most > LONG_STEP) || s->n < 2 || gain(s) > 0) return false;
    snprintf(text, TRIAL_NOTE_CAP, "steps too long: %.2g of %s, over %g; lower optimizer.lr, set or lower optimizer.clip, "
             "or take another model.init", now->most, now->most_tensor, LONG_STEP);
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
    case DIAGNOSIS_EXPLODING_GRADIENT: return exploding_gradient(text, s);
    case DIAGNOSIS_OVERFITTING: return overfitting(text, s);
    case DIAGNOSIS_STUCK_UNITS: return stuck(text, s);
    case DIAGNOSIS_SHORT_STEPS: return short_steps(text, s);
    case DIAGNOSIS_LONG_STEPS: return long_steps(text, s);
    case DIAGNOSIS_CUT_LOGVAR: return cut(text, s);
    case DIAGNOSIS_DATA_SCALE: return scale(text, s);
    case DIAGNOSIS_COUNT: break;
    }
    return false;
}
