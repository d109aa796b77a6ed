/* A trained model in use: figures on held-out data, latent means, images from latent points. Reads a checkpoint, trains
 * nothing, changes nothing. Only a worker process and tests call it. */
#ifndef VAETOP_TRAIN_USE_H
#define VAETOP_TRAIN_USE_H

#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/err.h"
#include "vaetop/data/dataset.h"
#include "vaetop/device/device.h"
#include "vaetop/plan/plan.h"

/* Which data the model looks at. */
enum use_data {
    USE_NO_DATA,   /* none: decoding only */
    USE_OWN_DATA,  /* the study's, refused when it is not what the trial was trained on; evaluated: its validation rows */
    USE_TEST_DATA, /* the study's; evaluated: the rows of data.test */
    USE_OTHER_DATA /* a file's, prepared as the study's; evaluated: all rows */
};

struct use;
/* Loads a checkpoint's weights: those of the best epoch where study.value is best and the checkpoint has them, else the
 * current ones. source: the file of USE_OTHER_DATA, else NULL. dev is borrowed.
 * Errors: NOTFOUND (no checkpoint), DATA (broken; other data than in training; rows of another size), NOMEM, CL,
 * DEVICE_MEM. Owns: use_free(). */
WUR enum err_code use_open(struct use **out, struct device *dev, const char *checkpoint, enum use_data which,
                           const char *source, struct err *e);
void use_free(struct use *u);

int use_latent(const struct use *u);
size_t use_dim(const struct use *u);
/* Rows and columns of an image, as the data has them; a square where no data tells and one fits, else one row. */
void use_image_size(const struct use *u, size_t *height, size_t *width);
const struct dataset *use_dataset(const struct use *u); /* not with USE_NO_DATA */
/* val: the rows that are evaluated. train: with USE_OWN_DATA those the model was trained on. */
const struct split *use_split(const struct use *u);

/* Latent means of rows of the data set. Shapes: rows (n), mu (n, latent). Errors: CL. */
WUR enum err_code use_encode(struct use *u, float *mu, const uint32_t *rows, size_t n, struct err *e);
/* Mean of p(x|z). Shapes: z (n, latent), x (n, dim), in the unit of the scaled data. Errors: CL. */
WUR enum err_code use_decode(struct use *u, float *x, const float *z, size_t n, struct err *e);
/* Rows of the data set as evaluation sees them, binarised if the study's are: x (n, dim). */
void use_rows(const struct use *u, float *x, const uint32_t *rows, size_t n);

/* --- figures */

struct use_figures {
    size_t rows;
    double rec, kl;  /* nats, means at beta 1 with one latent sample a row: as an epoch's row. -ELBO is their sum */
    int active_units;
    int latent;
    double *dim_kl;  /* (latent) nats */
    int samples;     /* K of the next two */
    double nll;      /* nats, mean of -log (1/K sum_k p(x|z_k) p(z_k) / q(z_k|x)): an upper bound of -log p(x) that
                      * tightens as K grows. Source: Burda, Grosse & Salakhutdinov 2016, eq. 8 */
    double nll_error; /* its standard error over the rows */
    double ess;      /* mean effective sample size of the K weights, (sum w)^2 / sum w^2: 1 .. K */
};
/* The rows of use_split()->val. samples: K, 1 or more; 0: nll, its error and ess are NaN. Sample k of a row has noise of
 * its own, the first that of training's evaluation. Errors: CL, NOMEM. Owns: use_figures_release(). */
WUR enum err_code use_eval(struct use *u, int samples, struct use_figures *out, struct err *e);
void use_figures_release(struct use_figures *f);

/* --- latent points */

/* n points of the prior N(0, I): the same for a seed, whatever n. z (n, latent). */
void use_prior(float *z, size_t n, int latent, uint64_t seed);

/* A mixture of k Gaussians with full covariances, in double. */
struct mixture {
    int k, dim;
    double *weight;   /* (k), their sum is 1 */
    double *mean;     /* (k, dim) */
    double *cholesky; /* (k, dim, dim) lower triangles L: the covariance is L L^T */
    double log_likelihood; /* mean over the points, nats */
    int rounds;
};
#define MIXTURE_DIM_MAX 256

/* Expectation maximisation from a k-means++ start, until the mean log-likelihood grows by less than 1e-4 nats or 200
 * rounds have passed. Every covariance has 1e-6 of the points' mean variance added to its diagonal, so that a latent
 * dimension at rest does not collapse it. There are at most n / (dim + 1) + 1 components. x (n, dim), n > 0.
 * Errors: USAGE (dim above MIXTURE_DIM_MAX), NONFINITE. Owns: mixture_release().
 * Source: Bishop, Pattern Recognition and Machine Learning, 9.2.2; Arthur & Vassilvitskii 2007. */
WUR enum err_code mixture_fit(struct mixture *out, const float *x, size_t n, int dim, int k, uint64_t seed,
                              struct err *e);
void mixture_release(struct mixture *m);
/* z (n, dim). */
void mixture_sample(const struct mixture *m, float *z, size_t n, uint64_t seed);

#endif
