/* One lane of one network in a pack, and the same network in the double-precision reference.
 *
 * Everything random is made of floats, so that both sides start from equal numbers. The lane sits in slot 1 of 3; its
 * neighbours' memory is full of NaN and must stay as it is: a guard band on both sides of every buffer. */
#ifndef VAETOP_TESTS_MODEL_SHAPE_H
#define VAETOP_TESTS_MODEL_SHAPE_H

#include "check.h"
#include "ref.h"

#include "vaetop/model/model.h"

#define SLOT 1
#define SLOTS 3

struct device *test_device(void); /* the first of this machine; opened once, closed at exit */

/* What varies. Zero stands for: one hidden layer each side, ReLU, plain plan, uint8 data, full batches of 97 rows. */
struct variant {
    int data, latent, batch, hidden;
    int n_enc, n_dec;       /* with `flat` 0, 0 means 1, 1 */
    bool flat;              /* n_enc and n_dec as given, 0 too */
    enum activation act;
    enum plan_kind kind;
    enum provider provider;
    bool floats;            /* float data, not uint8 */
    const char *optimizer;  /* lines of knobs; NULL: sgd, no momentum, so that moment 1 is the gradient */
};

struct shape {
    struct variant v;
    struct net net;
    struct plan plan;
    struct pack_data *rows;
    struct pack *pack;
    struct pack_lane lane;
    struct ref_net ref;
    double *theta;          /* ref_params() */
    double strain;          /* of the last pass of the reference, see ref.h; bounds grow with it */
    double *x;              /* (n, data): what the kernels should see */
    uint32_t *train, *val;
    size_t n, n_train, n_val;
    float *guard;           /* plan.params NaNs */
    bool guards_used;       /* the test used the neighbours itself: nothing to check */
};
void shape_init(struct shape *s, const struct variant *v);
void shape_release(struct shape *s); /* checks the guard bands first */

/* Parameters in the reference's layout to and from one of the lane's arenas. Reading checks that padding is zero. */
void shape_put(struct shape *s, enum arena a, const double *from);
void shape_get(struct shape *s, enum arena a, double *to);

/* Activations (rows, cols) of the lane. */
void shape_write(struct shape *s, int layer, enum act what, int column, int rows, int cols, const double *from);
void shape_read(struct shape *s, int layer, enum act what, int column, int rows, int cols, double *to);

/* Names slot SLOT for `n` steps. */
void shape_steps(struct shape *s, const struct pack_step *steps, int n);
/* The reference's pass for a step, with the device's noise and dropout. ref_pass_free(). In steps.c. */
struct ref_pass *shape_reference(struct shape *s, const struct pack_step *step);
/* Training step `step` with learning rate and beta in force, as the lane would do it. */
struct pack_step shape_train_step(const struct shape *s, int64_t step, double lr, double beta);
/* Rows of a training step's batch in the reference: x (rows, data). */
void shape_batch(const struct shape *s, const struct pack_step *step, double *x);
/* The noise the device makes for a training step, (rows, latent): kernels are compared with equal noise. All lanes of
 * these tests have one key. */
void shape_noise(const struct shape *s, const struct pack_step *step, double *eps);

/* Random floats in [lo, hi) from a stream of its own per `what`. */
void fill_random(double *out, size_t n, double lo, double hi, uint32_t what);
double *doubles(size_t n);

/* |got - want| <= rtol * |want| + rtol * rms(want), rtol = 8 sqrt(k) FLT_EPSILON for sums of k products: rounding
 * errors of a sum grow with the root of its length, and an entry that cancels to nearly nothing keeps the error of its
 * terms, which are of the size of its neighbours. The normalised squared error has no such excuse: the root of it
 * stays within 2 sqrt(k) FLT_EPSILON. */
void compare(const char *what, const double *got, const double *want, size_t n, double k);

/* Calls fn for data 10, 561 x latent 2, 17 x batch 1, 31, 33 x hidden 5, 33, 65. With VAETOP_TEST_EDGES set, for a few
 * small sizes, and not with CLBlast. */
typedef void shape_fn(struct variant v);
void for_each_size(shape_fn *fn, struct variant base);

#endif
