/* A trained model in use, against the epoch's own figures and against the double-precision reference. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref.h"
#include "rig.h"

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/data/safetensors.h"
#include "vaetop/model/model.h"
#include "vaetop/train/use.h"

#define LINES "data.count=700\nmodel.width=33\nmodel.latent=5\noptimizer.lr=0.004\ntrain.batch=16\n"

/* A model trained on the built-in digits, and the row of the epoch whose weights are its value. */
struct trained {
    char *path;
    struct config config;
    struct epoch_row row;
};

static void train(struct trained *t, const char *lines, const char *actual)
{
    struct err e;
    struct dataset set;
    struct split split;
    struct trainer_data *resident;
    struct trainer *trainer;
    struct net net;
    struct plan plan;
    struct records *r = xcalloc(1, sizeof *r);
    struct config c = rig_config(actual ? actual : lines);
    t->config = rig_config(lines);
    t->path = xasprintf("%s/use.safetensors", temp_dir());
    assert_ok(dataset_load(&set, &c, &e), &e);
    assert_ok(split_make(&split, &c, set.n, &e), &e);
    assert_ok(trainer_data_new(&resident, rig_device(), &set, &split, &e), &e);
    assert_ok(net_from_config(&net, &t->config, set.dim, &e), &e);
    assert_ok(plan_make(&plan, &net, plan_default(device_is_cpu(rig_device()), &net), &e), &e);
    assert_ok(trainer_new(&trainer, rig_device(), resident, &plan, &e), &e);
    int lane = rig_add(trainer, &t->config, 3, NULL);
    rig_run_until(trainer, r, lane, RIG_ROWS_MAX - 1);
    assert_int_equal(r->lane[lane].end, EVENT_DONE);
    for (int i = 1; i <= r->lane[lane].rows; i++) {
        if (r->lane[lane].row[i].value == r->lane[lane].value) {
            t->row = r->lane[lane].row[i];
        }
    }
    assert_ok(trainer_checkpoint(trainer, lane, t->path, &e), &e);
    trainer_free(trainer);
    trainer_data_free(resident);
    split_release(&split);
    dataset_release(&set);
    config_release(&c);
    free(r);
}

static void trained_release(struct trained *t)
{
    config_release(&t->config);
    free(t->path);
}

static struct use *open_use(const struct trained *t, enum use_data which, const char *source)
{
    struct use *u;
    struct err e;
    assert_ok(use_open(&u, rig_device(), t->path, which, source, &e), &e);
    return u;
}

static void figures_are_those_of_the_epoch_whose_weights_they_are(void **state)
{
    (void)state;
    const char *lines[] = {LINES "train.epochs=3\n", LINES "train.epochs=12\noptimizer.lr=0.1\n",
                           LINES "train.epochs=12\noptimizer.lr=0.1\nstudy.value=last\n"};
    int best = 0;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct trained t;
        struct use_figures f;
        struct err e;
        double kl = 0;
        train(&t, lines[i], NULL);
        struct use *u = open_use(&t, USE_OWN_DATA, NULL);
        assert_ok(use_eval(u, 0, &f, &e), &e);
        assert_int_equal(f.rows, 140);
        assert_close(f.rec, t.row.val_rec, 0, 1e-6);
        assert_close(f.kl, t.row.val_kl, 0, 1e-6);
        assert_close(f.active_units, t.row.active_units, 0, 0);
        assert_true(isnan(f.nll) && isnan(f.ess));
        for (int j = 0; j < 5; j++) {
            kl += f.dim_kl[j];
        }
        assert_close(kl, f.kl, 0, 1e-6);
        best += t.row.epoch < 12 && i == 1;
        use_figures_release(&f);
        use_free(u);
        trained_release(&t);
    }
    assert_int_equal(best, 1); /* the wild one's best epoch is not its last, else it says nothing */
}

/* Models whose weights in use are not the plain ones, whose likelihood or data is another, or that train otherwise. */
static void models_of_every_kind_are_evaluated_as_in_training(void **state)
{
    (void)state;
    static const char *const kinds[] = {
        "optimizer.ema=0.95\noptimizer.clip=50\n",
        "optimizer.ema=0.95\nstudy.value=last\n",
        "model.norm=layer\nmodel.dropout=0.2\n",
        "model.norm=layer\noptimizer.ema=0.9\nloss.likelihood=gauss_fixed\nloss.sigma=0.3\n",
        "loss.likelihood=gauss_learned\noptimizer.ema=0.9\nstudy.value=last\n",
        "loss.likelihood=gauss_learned\ndata.scale=standard\noptimizer.skip=1e6\n",
        "loss.likelihood=gauss_optimal\ndata.scale=unit\n",
        "loss.likelihood=gauss_optimal\noptimizer.ema=0.9\nloss.capacity=5\n",
        "optimizer.kind=rmsprop\noptimizer.centered=yes\nloss.free_bits=0.1\n",
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char *lines = xasprintf(LINES "train.epochs=4\n%s", kinds[i]);
        struct trained t;
        struct use_figures f;
        struct err e;
        train(&t, lines, NULL);
        struct use *u = open_use(&t, USE_OWN_DATA, NULL);
        assert_ok(use_eval(u, 1, &f, &e), &e);
        assert_close(f.rec, t.row.val_rec, 1e-4, 1e-6);
        assert_close(f.kl, t.row.val_kl, 0, 1e-6);
        assert_close(f.nll, f.rec + f.kl, 0.6, 0);
        use_figures_release(&f);
        use_free(u);
        trained_release(&t);
        free(lines);
    }
}

/* The checkpoint's weights in the reference's layout: W (in, out), heads side by side. Owns: caller frees. */
static double *reference_weights(struct ref_net *net, const struct trained *t)
{
    struct err e;
    struct tensor_file *f;
    *net = (struct ref_net){.data = 784, .latent = 5, .n_enc = 1, .enc = {33}, .n_dec = 1, .dec = {33}, .act = REF_RELU,
                            .s_min = -12, .s_max = 6};
    static const struct {
        const char *name;
        int layer, column;
    } part[] = {{"encoder.0", 0, 0}, {"mu", 1, 0}, {"logvar", 1, 5}, {"decoder.0", 2, 0}, {"logits", 3, 0}};
    double *theta = xcalloc(ref_params(net), sizeof *theta);
    assert_ok(tensor_file_open(&f, t->path, true, &e), &e);
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        char name[64];
        struct ref_layer l = ref_layer(net, part[i].layer);
        (void)snprintf(name, sizeof name, "best.%s.weight", part[i].name);
        const struct tensor *w = tensor_file_find(f, name);
        (void)snprintf(name, sizeof name, "best.%s.bias", part[i].name);
        const struct tensor *b = tensor_file_find(f, name);
        assert_non_null(w);
        assert_non_null(b);
        for (size_t out = 0; out < w->shape[0]; out++) {
            theta[l.b + (size_t)part[i].column + out] = (double)((const float *)b->data)[out];
            for (size_t in = 0; in < w->shape[1]; in++) {
                theta[l.w + in * (size_t)l.out + (size_t)part[i].column + out] =
                    (double)((const float *)w->data)[out * w->shape[1] + in];
            }
        }
    }
    tensor_file_free(f);
    return theta;
}

/* log p(x|z) p(z) / q(z|x) of sample k for every row, from the textbook's densities. w (n). */
static void reference_log_weights(double *w, const struct ref_net *net, const double *theta, const struct use *u, int k)
{
    const struct split *s = use_split(u);
    const size_t n = s->n_val;
    const struct rng_key key = rng_key(RIG_SEED, 3);
    float *x = xcalloc(n * 784, sizeof *x);
    double *in = xcalloc(n * 784, sizeof *in), *eps = xcalloc(n * 5, sizeof *eps);
    use_rows(u, x, s->val, n);
    for (size_t i = 0; i < n * 784; i++) {
        in[i] = (double)x[i];
    }
    for (size_t i = 0; i < n * 5; i++) {
        uint32_t word[4];
        double z[2];
        ref_philox(word, (uint32_t[]){(uint32_t)(i % 5), s->val[i / 5], (uint32_t)k, RNG_EVAL}, key.k);
        ref_box_muller(z, word[0], word[1]);
        eps[i] = z[0];
    }
    struct ref_pass *p = ref_forward(net, theta, in, eps, (int)n);
    for (size_t r = 0; r < n; r++) {
        w[r] = -p->rec_row[r];
        for (size_t j = 0; j < 5; j++) {
            const double mu = p->y[1][r * 10 + j], s2 = p->y[1][r * 10 + 5 + j], z = p->z[r * 5 + j];
            w[r] += -0.5 * z * z + 0.5 * ((z - mu) * (z - mu) / exp(s2) + s2);
        }
    }
    ref_pass_free(p);
    free(x);
    free(in);
    free(eps);
}

static void importance_weighted_likelihood_is_the_reference_s(void **state)
{
    (void)state;
    enum { K = 6, N = 140 };
    static double w[K][N];
    struct trained t;
    struct ref_net net;
    struct use_figures f;
    struct err e;
    double nll = 0, ess = 0;
    train(&t, LINES "train.epochs=3\n", NULL);
    struct use *u = open_use(&t, USE_OWN_DATA, NULL);
    double *theta = reference_weights(&net, &t);
    for (int k = 0; k < K; k++) {
        reference_log_weights(w[k], &net, theta, u, k);
    }
    for (int r = 0; r < N; r++) {
        double most = -HUGE_VAL, sum = 0, squares = 0;
        for (int k = 0; k < K; k++) {
            most = fmax(most, w[k][r]);
        }
        for (int k = 0; k < K; k++) {
            sum += exp(w[k][r] - most);
            squares += exp(2 * (w[k][r] - most));
        }
        nll -= (most + log(sum / K)) / N;
        ess += sum * sum / squares / N;
    }
    assert_ok(use_eval(u, K, &f, &e), &e);
    assert_close(f.nll, nll, 0, 1e-5);
    assert_close(f.ess, ess, 0, 1e-3);
    assert_true(f.ess > 1.01 && f.ess < K);
    assert_true(f.nll_error > 0 && f.nll_error < f.nll);
    use_figures_release(&f);
    use_free(u);
    trained_release(&t);
    free(theta);
}

static void more_samples_tighten_the_bound_below_the_elbo(void **state)
{
    (void)state;
    struct trained t;
    struct err e;
    const int samples[] = {1, 8, 64};
    double before = HUGE_VAL;
    train(&t, LINES "train.epochs=6\n", NULL);
    struct use *u = open_use(&t, USE_OWN_DATA, NULL);
    for (int i = 0; i < 3; i++) {
        struct use_figures f;
        assert_ok(use_eval(u, samples[i], &f, &e), &e);
        assert_true(f.nll < before);
        before = f.nll;
        if (samples[i] == 1) { /* the same bound, with the KL sampled instead of summed */
            assert_close(f.nll, f.rec + f.kl, 0.5, 0);
            assert_close(f.ess, 1, 1e-12, 0);
        } else {
            assert_true(f.nll < f.rec + f.kl);
        }
        use_figures_release(&f);
    }
    use_free(u);
    trained_release(&t);
}

static void decoding_needs_no_data_and_is_the_reference_s(void **state)
{
    (void)state;
    enum { N = 523 }; /* more than a batch */
    static float z[N * 5], x[N * 784];
    struct trained t;
    struct ref_net net;
    struct err e;
    size_t height, width;
    train(&t, LINES "train.epochs=1\n", NULL);
    double *theta = reference_weights(&net, &t);
    struct use *u = open_use(&t, USE_NO_DATA, NULL);
    use_image_size(u, &height, &width);
    assert_true(height == 28 && width == 28 && use_dim(u) == 784 && use_latent(u) == 5);
    use_prior(z, N, 5, 11);
    assert_ok(use_decode(u, x, z, N, &e), &e);
    struct ref_layer hidden = ref_layer(&net, 2), last = ref_layer(&net, 3);
    for (size_t i = 0; i < N; i++) {
        double in[5], h[33], out[784];
        for (size_t j = 0; j < 5; j++) {
            in[j] = (double)z[i * 5 + j];
        }
        ref_dense(h, in, theta + hidden.w, theta + hidden.b, 1, 5, 33);
        ref_activate(h, 33, REF_RELU);
        ref_dense(out, h, theta + last.w, theta + last.b, 1, 33, 784);
        for (size_t j = 0; j < 784; j++) {
            assert_close(x[i * 784 + j], 1 / (1 + exp(-out[j])), 1e-6, 1e-5);
        }
    }
    use_free(u);
    trained_release(&t);
    free(theta);
}

static void prior_points_are_standard_normal_and_begin_alike(void **state)
{
    (void)state;
    enum { N = 4000 };
    static float z[N * 5], few[7 * 5];
    double sum = 0, squares = 0;
    use_prior(z, N, 5, 1);
    use_prior(few, 7, 5, 1);
    assert_memory_equal(z, few, sizeof few);
    use_prior(few, 7, 5, 2);
    assert_memory_not_equal(z, few, sizeof few);
    for (size_t i = 0; i < N * 5; i++) {
        sum += (double)z[i];
        squares += (double)z[i] * (double)z[i];
    }
    assert_close(sum / (N * 5), 0, 0.03, 0);
    assert_close(squares / (N * 5), 1, 0.05, 0);
}

static void other_data_than_in_training_are_refused(void **state)
{
    (void)state;
    struct trained t;
    struct use *u;
    struct err e;
    train(&t, LINES "train.epochs=1\n", LINES "train.epochs=1\ndata.seed=1\n");
    assert_err(use_open(&u, rig_device(), t.path, USE_OWN_DATA, NULL, &e), ERR_DATA, &e);
    assert_has(e.text, "--source");
    assert_err(use_open(&u, rig_device(), "/nonexistent", USE_NO_DATA, NULL, &e), ERR_NOTFOUND, &e);
    trained_release(&t);
}

/* An IDX file of the built-in digits: count images, seed 5. Owns: caller frees the path. */
static char *digits_file(size_t count, size_t side)
{
    struct err e;
    const size_t n = 16 + count * side * side;
    unsigned char *file = xcalloc(16 + count * 784, 1);
    uint8_t *label = xcalloc(count, 1);
    const unsigned char head[16] = {0, 0, 8, 3, 0, 0, (unsigned char)(count >> 8), (unsigned char)count, 0, 0, 0,
                                    (unsigned char)side, 0, 0, 0, (unsigned char)side};
    char *path = xasprintf("%s/digits", temp_dir());
    memcpy(file, head, sizeof head);
    digits_generate(file + 16, label, count, 5);
    assert_ok(fs_write(path, file, n, &e), &e);
    free(file);
    free(label);
    return path;
}

static void a_file_s_rows_are_all_evaluated_and_must_fit(void **state)
{
    (void)state;
    struct trained t;
    struct use *u;
    struct use_figures f, own;
    struct err e;
    train(&t, LINES "train.epochs=6\n", NULL);
    char *path = digits_file(600, 28);
    u = open_use(&t, USE_OTHER_DATA, path);
    assert_ok(use_eval(u, 0, &f, &e), &e);
    use_free(u);
    u = open_use(&t, USE_OWN_DATA, NULL);
    assert_ok(use_eval(u, 0, &own, &e), &e);
    assert_int_equal(f.rows, 600);
    assert_close(f.rec + f.kl, own.rec + own.kl, 0, 0.1); /* digits of another seed */
    assert_true(f.rec != own.rec);
    use_free(u);
    use_figures_release(&f);
    use_figures_release(&own);
    free(path);
    path = digits_file(600, 14);
    assert_err(use_open(&u, rig_device(), t.path, USE_OTHER_DATA, path, &e), ERR_DATA, &e);
    assert_has(e.text, "784");
    free(path);
    trained_release(&t);
}

static void test_rows_are_evaluated_apart(void **state)
{
    (void)state;
    struct trained t;
    struct use *u;
    struct err e;
    train(&t, LINES "train.epochs=1\ndata.test=last 100\n", NULL);
    u = open_use(&t, USE_OWN_DATA, NULL);
    assert_int_equal(use_split(u)->n_val, 120);
    use_free(u);
    u = open_use(&t, USE_TEST_DATA, NULL);
    assert_int_equal(use_split(u)->n_val, 100);
    assert_int_equal(use_split(u)->val[0], 600);
    assert_int_equal(use_split(u)->val[99], 699);
    use_free(u);
    trained_release(&t);
    train(&t, LINES "train.epochs=1\n", NULL);
    assert_err(use_open(&u, rig_device(), t.path, USE_TEST_DATA, NULL, &e), ERR_DATA, &e);
    assert_has(e.text, "data.test");
    trained_release(&t);
    char *path = digits_file(300, 28), *lines = xasprintf(LINES "train.epochs=1\ndata.test=%s\n", path);
    train(&t, lines, NULL);
    u = open_use(&t, USE_TEST_DATA, NULL);
    assert_int_equal(use_split(u)->n_val, 300);
    use_free(u);
    trained_release(&t);
    free(lines);
    free(path);
}

/* The file's brightest pixel is as bright as the training rows' or not: their constants, not its own. */
static void check_scaled_file(const char *how)
{
    enum { N = 40 };
    static float x[N * 784];
    static uint8_t raw[N * 784], label[N];
    static uint32_t rows[N];
    struct trained t;
    char *lines = xasprintf(LINES "train.epochs=1\ndata.scale=%s\nloss.likelihood=gauss_learned\n", how);
    train(&t, lines, NULL);
    struct use *own = open_use(&t, USE_OWN_DATA, NULL);
    char *path = digits_file(N, 28);
    struct use *u = open_use(&t, USE_OTHER_DATA, path);
    const struct data_scale *scale = &use_dataset(u)->scale;
    digits_generate(raw, label, N, 5);
    for (uint32_t i = 0; i < N; i++) {
        rows[i] = i;
    }
    use_rows(u, x, rows, N);
    assert_int_equal(scale->n, 1);
    assert_true(scale->shift[0] == use_dataset(own)->scale.shift[0] && scale->factor[0] == use_dataset(own)->scale.factor[0]);
    for (size_t i = 0; i < N * 784; i++) {
        const double v = ((double)raw[i] - (double)scale->shift[0]) * (double)scale->factor[0];
        assert_close(x[i], strcmp(how, "unit") == 0 ? fmin(fmax(v, 0), 1) : v, 1e-6, 1e-6);
    }
    use_free(u);
    use_free(own);
    trained_release(&t);
    free(path);
    free(lines);
}

static void a_file_is_scaled_as_the_training_rows_were(void **state)
{
    (void)state;
    check_scaled_file("unit");
    check_scaled_file("standard");
}

static void binarised_rows_are_those_of_the_evaluation(void **state)
{
    (void)state;
    struct trained t;
    struct use_figures f;
    struct err e;
    train(&t, LINES "train.epochs=4\ndata.binarize=dynamic\n", NULL);
    struct use *u = open_use(&t, USE_OWN_DATA, NULL);
    const size_t n = use_split(u)->n_val, count = n * 784;
    float *x = xcalloc(count, sizeof *x);
    use_rows(u, x, use_split(u)->val, n);
    for (size_t i = 0; i < count; i++) {
        assert_true(x[i] == 0 || x[i] == 1);
    }
    assert_ok(use_eval(u, 1, &f, &e), &e);
    assert_close(f.rec, t.row.val_rec, 0, 1e-6);
    assert_close(f.nll, f.rec + f.kl, 0.6, 0);
    use_figures_release(&f);
    use_free(u);
    trained_release(&t);
    free(x);
}

static void encoding_is_the_trainer_s(void **state)
{
    (void)state;
    enum { N = 700 };
    static float mu[N * 5], again[3 * 5];
    static uint32_t rows[N];
    struct trained t;
    struct err e;
    train(&t, LINES "train.epochs=1\n", NULL);
    struct use *u = open_use(&t, USE_OWN_DATA, NULL);
    for (uint32_t i = 0; i < N; i++) {
        rows[i] = i;
    }
    assert_ok(use_encode(u, mu, rows, N, &e), &e);
    assert_ok(use_encode(u, again, (uint32_t[]){699, 0, 350}, 3, &e), &e);
    assert_memory_equal(again, mu + 699 * 5, 5 * sizeof *mu);
    assert_memory_equal(again + 5, mu, 5 * sizeof *mu);
    assert_memory_equal(again + 10, mu + 350 * 5, 5 * sizeof *mu);
    use_free(u);
    trained_release(&t);
}

int use_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_of_the_epoch_whose_weights_they_are),
        cmocka_unit_test(models_of_every_kind_are_evaluated_as_in_training),
        cmocka_unit_test(importance_weighted_likelihood_is_the_reference_s),
        cmocka_unit_test(more_samples_tighten_the_bound_below_the_elbo),
        cmocka_unit_test(decoding_needs_no_data_and_is_the_reference_s),
        cmocka_unit_test(prior_points_are_standard_normal_and_begin_alike),
        cmocka_unit_test(other_data_than_in_training_are_refused),
        cmocka_unit_test(a_file_s_rows_are_all_evaluated_and_must_fit),
        cmocka_unit_test(test_rows_are_evaluated_apart),
        cmocka_unit_test(a_file_is_scaled_as_the_training_rows_were),
        cmocka_unit_test(binarised_rows_are_those_of_the_evaluation),
        cmocka_unit_test(encoding_is_the_trainer_s),
    };
    return cmocka_run_group_tests_name("train use", tests, NULL, NULL);
}
