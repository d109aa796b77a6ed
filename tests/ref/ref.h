/* The VAE's training step in double precision: plain loops over plain arrays, to be read against the textbook.
 *
 * Written apart from the kernels and from the project's layers (libc and libm only), so that a mistake would have to
 * be made twice to go unseen. Loss in nats, summed over dimensions, averaged over the batch; everything row-major.
 * Nothing here is fast. test/ holds its gradients against finite differences. */
#ifndef VAETOP_TESTS_REF_H
#define VAETOP_TESTS_REF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REF_SIDE_MAX 16
#define REF_LAYER_MAX (2 * REF_SIDE_MAX + 2)

/* --- dense.c. y = x W + b. Shapes: x (rows, in), w (in, out), b (out), y (rows, out). */
enum ref_act { REF_RELU, REF_TANH, REF_LEAKY, REF_ELU, REF_SILU, REF_GELU, REF_SOFTPLUS, REF_ACTS };
void ref_dense(double *y, const double *x, const double *w, const double *b, int rows, int in, int out);
/* Overwrites dw, db and, unless NULL, dx. */
void ref_dense_back(double *dx, double *dw, double *db, const double *dy, const double *x, const double *w, int rows,
                    int in, int out);

/* --- activation.c. leaky: slope 0.01 below zero · elu: alpha 1 · gelu: x Phi(x), with the error function. */
double ref_act_value(double x, enum ref_act act);
double ref_act_slope(double x, enum ref_act act);
bool ref_act_has_kink(enum ref_act act); /* a slope that jumps at 0 */
void ref_activate(double *y, size_t n, enum ref_act act); /* in place */
/* dy *= f'(pre). */
void ref_activate_back(double *dy, const double *pre, size_t n, enum ref_act act);

/* --- norm.c, as PyTorch's LayerNorm: eps 1e-5. Shapes: x, y, dy (rows, n), gain, shift (n). */
/* What the norm of y = x W + b makes of its rounding errors: the root of the products' squares by the row's deviation, the
 * largest over the rows, at least 1. Shapes: x (rows, in), w (in, out), y (rows, out). */
double ref_layer_norm_strain(const double *x, const double *w, const double *y, int rows, int in, int out);
void ref_layer_norm(double *y, const double *x, const double *gain, const double *shift, int rows, int n);
/* dy becomes the gradient by x; overwrites dgain, dshift. */
void ref_layer_norm_back(double *dy, double *dgain, double *dshift, const double *x, const double *gain, int rows, int n);

/* --- latent.c. s is the log-variance. One dimension of one row each. */
double ref_clamp(double s, double lo, double hi);
double ref_reparam(double mu, double s, double eps);
void ref_reparam_back(double *dmu, double *ds, double dz, double s, double eps); /* adds */
double ref_kl(double mu, double s);                                             /* KL(N(mu, e^s) || N(0, 1)) */
void ref_kl_back(double *dmu, double *ds, double scale, double mu, double s);    /* adds scale * gradient */

/* --- bernoulli.c: -log p(x | logit), x in [0, 1]. */
double ref_bernoulli(double logit, double x);
double ref_bernoulli_grad(double logit, double x);

/* --- gauss.c: -log N(x; mean, e^(2 g)), g the log-deviation. */
double ref_gauss(double x, double mean, double g);
double ref_gauss_dmean(double x, double mean, double g);
double ref_gauss_dg(double x, double mean, double g);
double ref_sigma_floored(double raw); /* -6 + softplus(raw + 6) */
double ref_sigma_slope(double raw);

/* --- optimiser.c, as PyTorch's. t is 1 at the first step; m and v start at 0. */
enum ref_opt_kind { REF_ADAM, REF_RMSPROP, REF_SGD, REF_ADAMW };
struct ref_opt {
    enum ref_opt_kind kind;
    double beta1, beta2;  /* adam, adamw */
    double alpha;         /* rmsprop */
    double momentum;      /* sgd, rmsprop */
    double eps;           /* adam, adamw, rmsprop: outside the square root */
    double weight_decay;  /* adamw: of the weight itself; others: added to the gradient */
    const bool *no_decay; /* (n) parameters that do not decay; NULL: all do */
    bool nesterov;        /* sgd */
    double clip, skip;    /* lengths of a gradient, 0: none: longer ones are shortened · longer ones change nothing */
    double ema, *mean;    /* memory of the moving mean, which is (n) and starts as theta; NULL: none */
    double *average;      /* rmsprop, centred: (n) mean gradient, 0 at the start; NULL: not centred */
};
void ref_update(double *theta, double *m, double *v, const double *grad, size_t n, const struct ref_opt *o, double lr,
                int64_t t);

/* --- schedule.c. step is the number of steps done before this one. */
double ref_beta_linear(double beta, int64_t step, double warmup_steps); /* warmup 0: beta at once */
double ref_beta_sigmoid(double beta, int64_t step, double warmup_steps); /* half at half the warm-up, slope 3 there */
double ref_beta_cyclical(double beta, int64_t step, double total_steps, int cycles, double ratio);
double ref_lr_cosine(double lr, int64_t step, int64_t total_steps);
double ref_lr_step(double lr, int64_t step, double gamma, double every); /* by gamma after each `every` steps */
double ref_lr_exponential(double lr, int64_t step, double gamma, double every); /* the same points, smoothly */
double ref_lr_warmup(int64_t step, double warmup_steps); /* factor before any of these */
/* Factor after n values (smaller is better): times gamma whenever more than `patience` in a row were not below the best
 * by more than `threshold`. */
double ref_plateau(const double *value, int n, double gamma, int patience, double threshold);

/* --- philox.c */
void ref_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]);
/* Two words of a block to two normals: radius from a, angle from b, both as (word + 1/2) / 2^32;
 * out = (cosine, sine). */
void ref_box_muller(double out[2], uint32_t a, uint32_t b);

/* --- net.c: x -> encoder -> [mu | s] -> z -> decoder -> logits. */
/* optimal: each batch's own best deviation. */
enum ref_like { REF_BERNOULLI, REF_GAUSS_FIXED, REF_GAUSS_LEARNED, REF_GAUSS_OPTIMAL };
struct ref_net {
    int data, latent;
    int n_enc, enc[REF_SIDE_MAX];
    int n_dec, dec[REF_SIDE_MAX];
    enum ref_act act;
    enum ref_like like;  /* with a learned deviation its raw logarithm is the last parameter */
    double log_sigma;    /* fixed */
    double capacity, capacity_weight; /* weight 0: none. weight |KL - capacity|, of the batch mean, in place of beta KL */
    double free_bits;    /* beta sum over dimensions of max(free_bits, batch mean KL) */
    bool layer_norm;     /* of hidden layers, before their activation */
    const double *drop[REF_LAYER_MAX]; /* (batch, out) factors on a hidden layer's output; NULL: none */
    double s_min, s_max; /* the log-variance is cut to this, with gradient 0 outside; -HUGE_VAL, HUGE_VAL: never */
};
/* Layers in order: encoder, heads, decoder, logits. The heads are one layer of 2 * latent columns, mu first. */
struct ref_layer {
    int in, out;
    size_t w, b; /* where W (in, out) and b (out) lie in the parameters */
    size_t gain, shift; /* with layer norm, of hidden layers: (out) each, behind b; else 0 */
    bool hidden;
};
int ref_layers(const struct ref_net *n);
struct ref_layer ref_layer(const struct ref_net *n, int i);
size_t ref_params(const struct ref_net *n);

/* Everything one pass computes, kept for comparison. */
struct ref_pass {
    const struct ref_net *net;
    int batch;
    double *x, *eps;           /* (batch, data), (batch, latent): copies */
    double *dense[REF_LAYER_MAX]; /* (batch, out): x W + b */
    double *pre[REF_LAYER_MAX]; /* (batch, out): before the activation, after the norm */
    double *y[REF_LAYER_MAX];  /* (batch, out): outputs, after the activation and dropout */
    double *dy[REF_LAYER_MAX]; /* (batch, out): gradients by dense; NULL until ref_backward() */
    double *z, *dz;            /* (batch, latent) */
    double *rec_row, *kl_row;  /* (batch) nats of each row */
    double *kl_dim;            /* (latent) batch means */
    double rec, kl;            /* batch means */
    double log_sigma;          /* gaussian: in force */
    double strain;             /* how much layer norms enlarge rounding errors: ref_layer_norm_strain() of all, multiplied */
    double kink;               /* smallest distance of a ReLU's input from 0, where float and double may part ways */
};
/* Owns: ref_pass_free(). */
struct ref_pass *ref_forward(const struct ref_net *n, const double *theta, const double *x, const double *eps,
                             int batch);
/* rec + beta * kl, or what capacity or free bits make of it. */
double ref_loss(const struct ref_pass *p, double beta);
/* Gradient of ref_loss() into grad (ref_params()), overwritten. */
void ref_backward(double *grad, struct ref_pass *p, const double *theta, double beta);
void ref_pass_free(struct ref_pass *p);

#endif
