/* Whole training against the double-precision reference: same start, same noise, same order, so the same numbers.
 * Every line of an epoch row is checked, and the weights at the end. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref.h"
#include "rig.h"

#include "vaetop/base/alloc.h"
#include "vaetop/data/safetensors.h"
#include "vaetop/model/model.h"

#define EPOCHS 4
#define BATCH 16

struct twin {
    const struct rig_data *data;
    struct net net;
    struct plan plan;
    struct ref_net ref;
    struct pack_lane lane;
    double *theta, *grad, *m, *v;
};

/* From named tensors in PyTorch's layout (out, in) to the reference's (in, out), heads side by side. */
static double *reference_cell(struct twin *w, const struct tensor_info *t, int row, int col)
{
    struct ref_layer l = ref_layer(&w->ref, t->layer);
    int column = row + (t->column ? w->net.latent : 0);
    switch (t->kind) {
    case PARAM_BIAS: return w->theta + l.b + column;
    case PARAM_GAIN: return w->theta + l.gain + row;
    case PARAM_SHIFT: return w->theta + l.shift + row;
    default: return w->theta + l.w + (size_t)col * (size_t)l.out + (size_t)column;
    }
}

static void twin_start(struct twin *w, const struct rig_data *d, const struct config *c, int trial)
{
    struct err e;
    struct tensor_info t[NET_TENSORS_MAX];
    memset(w, 0, sizeof *w);
    w->data = d;
    assert_ok(net_from_config(&w->net, c, d->set.dim, &e), &e);
    assert_ok(plan_make(&w->plan, &w->net, PLAN_PLAIN, &e), &e);
    pack_lane_init(&w->lane, c, rng_key(RIG_SEED, trial));
    w->ref = (struct ref_net){.data = w->net.data, .latent = w->net.latent, .n_enc = w->net.n_enc,
                              .n_dec = w->net.n_dec, .act = (enum ref_act)w->net.activation,
                              .layer_norm = w->net.layer_norm, .s_min = -12, .s_max = 6};
    memcpy(w->ref.enc, w->net.enc, sizeof w->net.enc);
    memcpy(w->ref.dec, w->net.dec, sizeof w->net.dec);
    size_t params = ref_params(&w->ref);
    assert_int_equal(params, net_params(&w->net));
    w->theta = xcalloc(params, sizeof(double));
    w->grad = xcalloc(params, sizeof(double));
    w->m = xcalloc(params, sizeof(double));
    w->v = xcalloc(params, sizeof(double));
    float *arena = xcalloc(w->plan.params, sizeof *arena);
    weights_init(arena, &w->net, &w->plan, rng_key(RIG_SEED, trial));
    for (int i = 0, n = net_tensors(t, &w->net, &w->plan); i < n; i++) {
        float *values = xcalloc((size_t)t[i].rows * (size_t)t[i].cols, sizeof *values);
        tensor_from_arena(values, arena, &w->plan, &t[i]);
        for (int j = 0; j < t[i].rows * t[i].cols; j++) {
            *reference_cell(w, &t[i], j / t[i].cols, j % t[i].cols) = (double)values[j];
        }
        free(values);
    }
    free(arena);
}

static void twin_end(struct twin *w)
{
    free(w->theta);
    free(w->grad);
    free(w->m);
    free(w->v);
}

/* Words and output by the rule in model.h. */
static void draw_dropout(struct twin *w, const struct pack_step *s)
{
    static double factor[REF_LAYER_MAX][BATCH * 64];
    double rate = (double)w->lane.dropout;
    for (int i = 0; i < ref_layers(&w->ref) && rate > 0; i++) {
        struct ref_layer l = ref_layer(&w->ref, i);
        for (int at = 0; at < s->rows * l.out && l.hidden; at++) {
            uint32_t word[4], r = (uint32_t)(at / l.out), j = (uint32_t)(at % l.out);
            ref_philox(word, (uint32_t[]){j, r / 4 + 65536 * (uint32_t)i, s->step_lo, RNG_DROPOUT}, w->lane.key);
            factor[i][at] = (word[r % 4] >> 8) / 16777216.0 < rate ? 0 : 1 / (1 - rate);
        }
        w->ref.drop[i] = l.hidden ? factor[i] : NULL;
    }
}

/* One pass over rows of the data set; noise by the words and output that model.h's rule names. */
static struct ref_pass *pass(struct twin *w, const uint32_t *row, int rows, const struct pack_step *train)
{
    size_t dim = w->data->set.dim, latent = (size_t)w->net.latent;
    const uint8_t *x = w->data->set.x;
    double *in = xcalloc((size_t)rows * dim, sizeof *in), *eps = xcalloc((size_t)rows * latent, sizeof *eps);
    for (uint32_t r = 0; r < (uint32_t)rows; r++) {
        for (size_t i = 0; i < dim; i++) {
            in[r * dim + i] = x[row[r] * dim + i] / 255.0;
        }
        for (uint32_t j = 0; j < latent; j++) {
            uint32_t word[4];
            double z[4];
            if (train) {
                ref_philox(word, (uint32_t[]){j, r / 4, train->step_lo, train->stream}, w->lane.key);
            } else {
                ref_philox(word, (uint32_t[]){j, row[r], 0, RNG_EVAL}, w->lane.key);
            }
            ref_box_muller(z, word[0], word[1]);
            ref_box_muller(z + 2, word[2], word[3]);
            eps[r * latent + j] = train ? z[r % 4] : z[0];
        }
    }
    memset(w->ref.drop, 0, sizeof w->ref.drop);
    if (train) {
        draw_dropout(w, train);
    }
    struct ref_pass *p = ref_forward(&w->ref, w->theta, in, eps, rows);
    free(in);
    free(eps);
    return p;
}

static void validate(struct epoch_row *out, struct twin *w)
{
    int rows = (int)w->data->split.n_val, latent = w->net.latent;
    struct ref_pass *p = pass(w, w->data->split.val, rows, NULL);
    out->val_rec = p->rec;
    out->val_kl = p->kl;
    out->value = p->rec + p->kl;
    out->active_units = 0;
    for (int d = 0; d < latent; d++) {
        double sum = 0, square = 0;
        for (int r = 0; r < rows; r++) {
            double mu = p->y[w->ref.n_enc][r * 2 * latent + d];
            sum += mu / rows;
            square += mu * mu / rows;
        }
        out->active_units += square - sum * sum > 0.01;
    }
    ref_pass_free(p);
}

struct rules {
    struct ref_opt opt;
    double lr, beta, warmup_epochs;
    bool cosine, sigmoid;
    int cycles;
    double step_gamma, exponential_gamma, plateau_gamma, every, lr_warmup; /* epochs; 0: not so */
    double least;                               /* lr_min */
    double capacity, pull, capacity_warmup;     /* pull: its weight; 0: none */
};

static double rate(const struct rules *r, int64_t step, int64_t steps, const double *values)
{
    double lr = r->lr;
    if (r->cosine) {
        lr = r->least + ref_lr_cosine(lr - r->least, step, EPOCHS * steps);
    } else if (r->step_gamma > 0) {
        lr = ref_lr_step(lr, step, r->step_gamma, r->every * (double)steps);
    } else if (r->exponential_gamma > 0) {
        lr = ref_lr_exponential(lr, step, r->exponential_gamma, r->every * (double)steps);
    } else if (r->plateau_gamma > 0) {
        lr *= ref_plateau(values, (int)(step / steps), r->plateau_gamma, 0, 1);
    }
    return fmax(lr, r->least) * ref_lr_warmup(step, r->lr_warmup * (double)steps);
}

static void train_epoch(struct epoch_row *out, struct twin *w, const struct rules *r, int epoch, double *values)
{
    int64_t n = (int64_t)w->data->split.n_train, steps = (n + BATCH - 1) / BATCH;
    memset(out, 0, sizeof *out);
    for (int64_t i = 0; i < steps; i++) {
        int64_t step = epoch * steps + i;
        struct pack_step s;
        uint32_t row[BATCH];
        out->lr = rate(r, step, steps, values);
        out->beta = r->sigmoid ? ref_beta_sigmoid(r->beta, step, r->warmup_epochs * (double)steps)
                    : r->cycles ? ref_beta_cyclical(r->beta, step, EPOCHS * (double)steps, r->cycles, 0.75)
                                : ref_beta_linear(r->beta, step, r->warmup_epochs * (double)steps);
        pack_step_train(&s, &w->lane, step, (size_t)n, BATCH, (struct step_rates){.lr = out->lr, .beta = out->beta});
        for (int j = 0; j < s.rows; j++) {
            row[j] = w->data->split.train[shuffle_at(s.shuffle, (uint32_t)n, (uint32_t)(s.first + j))];
        }
        w->ref.capacity = r->pull > 0 ? ref_beta_linear(r->capacity, step, r->capacity_warmup * (double)steps) : 0;
        w->ref.capacity_weight = r->pull;
        struct ref_pass *p = pass(w, row, s.rows, &s);
        assert_true(p->kink > 1e-6); /* a nearer ReLU could rightly differ; another seed then */
        ref_backward(w->grad, p, w->theta, out->beta);
        ref_update(w->theta, w->m, w->v, w->grad, ref_params(&w->ref), &r->opt, out->lr, step + 1);
        out->train_rec += p->rec * s.rows / (double)n;
        out->train_kl += p->kl * s.rows / (double)n;
        out->train_loss += ref_loss(p, out->beta) * s.rows / (double)n;
        out->step = step + 1;
        ref_pass_free(p);
    }
    validate(out, w);
    values[epoch] = out->value;
}

/* Loss parity after a few steps: one part in 100,000. */
static void check_row(const struct epoch_row *got, const struct epoch_row *want)
{
    assert_int_equal(got->step, want->step);
    assert_close(got->lr, want->lr, 0, 1e-6);
    assert_close(got->beta, want->beta, 0, 1e-6);
    assert_close(got->train_loss, want->train_loss, 0, 1e-5);
    assert_close(got->train_rec, want->train_rec, 0, 1e-5);
    assert_close(got->train_kl, want->train_kl, 0, 1e-5);
    assert_close(got->val_rec, want->val_rec, 0, 1e-5);
    assert_close(got->val_kl, want->val_kl, 0, 1e-5);
    assert_close(got->value, want->value, 0, 1e-5);
    assert_close(got->active_units, want->active_units, 0, 0);
}

/* Weights of a checkpoint, by PyTorch's names, against the reference's. */
static void check_weights(struct trainer *t, int lane, struct twin *w)
{
    struct err e;
    struct tensor_file *f;
    struct tensor_info info[NET_TENSORS_MAX];
    char *path = xasprintf("%s/weights.safetensors", temp_dir());
    assert_ok(trainer_checkpoint(t, lane, path, &e), &e);
    assert_ok(tensor_file_open(&f, path, true, &e), &e);
    for (int i = 0, n = net_tensors(info, &w->net, &w->plan); i < n; i++) {
        const struct tensor *tensor = tensor_file_find(f, info[i].name);
        assert_non_null(tensor);
        assert_int_equal(tensor->count, (size_t)info[i].rows * (size_t)info[i].cols);
        const float *got = tensor->data;
        for (int j = 0; j < info[i].rows * info[i].cols; j++) {
            /* A dozen updates of about lr: a hundredth of one, as the parity of ten steps allows. */
            assert_close(got[j], *reference_cell(w, &info[i], j / info[i].cols, j % info[i].cols), 1e-5, 0);
        }
    }
    tensor_file_free(f);
    free(path);
}

static void check_training(const char *lines, const struct rules *r, enum plan_kind kind)
{
    char all[512];
    struct rig_data d;
    struct twin w;
    struct records *got = calloc(1, sizeof *got);
    (void)snprintf(all, sizeof all, "train.epochs=4\ntrain.batch=16\nmodel.width=33\nmodel.latent=17\n%s", lines);
    struct config c = rig_config(all);
    rig_data_make(&d, 37, 33, 53);
    twin_start(&w, &d, &c, 7);
    struct trainer *t = rig_trainer(&d, &c, kind);
    int lane = rig_add(t, &c, 7, NULL);
    rig_run_until(t, got, lane, RIG_ROWS_MAX - 1);
    assert_int_equal(got->lane[lane].end, EVENT_DONE);
    double values[EPOCHS];
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        struct epoch_row want;
        train_epoch(&want, &w, r, epoch, values);
        check_row(&got->lane[lane].row[epoch + 1], &want);
    }
    check_weights(t, lane, &w);
    trainer_free(t);
    twin_end(&w);
    config_release(&c);
    rig_data_release(&d);
    free(got);
}

static void adam_with_schedules_trains_as_the_reference(void **state)
{
    (void)state;
    const char *lines = "model.activation=tanh\nloss.beta=2\nloss.beta_schedule=linear\nloss.beta_warmup=1.5\n"
                        "optimizer.lr_schedule=cosine\n";
    const struct rules r = {.opt = {.kind = REF_ADAM, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8}, .lr = 1e-3, .beta = 2,
                            .warmup_epochs = 1.5, .cosine = true};
    check_training(lines, &r, PLAN_PLAIN);
    check_training(lines, &r, PLAN_CHAIN);
}

static void rmsprop_trains_as_the_reference(void **state)
{
    (void)state;
    const char *lines = "optimizer.kind=rmsprop\noptimizer.alpha=0.9\noptimizer.eps=1e-4\nmodel.depth=2\n"
                        "loss.beta=0.5\n";
    const struct rules r = {.opt = {.kind = REF_RMSPROP, .alpha = 0.9, .eps = 1e-4}, .lr = 1e-3, .beta = 0.5};
    check_training(lines, &r, PLAN_PLAIN);
    check_training(lines, &r, PLAN_CHAIN);
}

static void sgd_trains_as_the_reference(void **state)
{
    (void)state;
    const char *lines = "optimizer.kind=sgd\noptimizer.momentum=0.9\noptimizer.lr=0.002\nmodel.encoder=21,40\n"
                        "model.decoder=19\n";
    const struct rules r = {.opt = {.kind = REF_SGD, .momentum = 0.9}, .lr = 0.002, .beta = 1};
    check_training(lines, &r, PLAN_PLAIN);
    check_training(lines, &r, PLAN_CHAIN);
}

static void schedules_train_as_the_reference(void **state)
{
    (void)state;
    const struct ref_opt adam = {.kind = REF_ADAMW, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
    struct rules r = {.opt = adam, .lr = 1e-3, .beta = 1, .step_gamma = 0.25, .every = 1.5, .lr_warmup = 0.5};
    check_training("model.activation=tanh\noptimizer.kind=adamw\noptimizer.lr_schedule=step\n"
                   "optimizer.lr_gamma=0.25\noptimizer.lr_every=1.5\noptimizer.lr_warmup=0.5\n", &r, PLAN_CHAIN);
    r = (struct rules){.opt = adam, .lr = 1e-3, .beta = 1, .exponential_gamma = 0.5, .every = 1, .lr_warmup = 2.5};
    check_training("model.activation=tanh\noptimizer.kind=adamw\noptimizer.lr_schedule=exponential\n"
                   "optimizer.lr_every=1\noptimizer.lr_warmup=2.5\n", &r, PLAN_PLAIN);
    r = (struct rules){.opt = adam, .lr = 1e-3, .beta = 3, .sigmoid = true, .warmup_epochs = 2.5};
    check_training("model.activation=tanh\noptimizer.kind=adamw\nloss.beta=3\nloss.beta_schedule=sigmoid\n"
                   "loss.beta_warmup=2.5\n", &r, PLAN_CHAIN);
    r = (struct rules){.opt = adam, .lr = 1e-3, .beta = 3, .cycles = 2};
    check_training("model.activation=tanh\noptimizer.kind=adamw\nloss.beta=3\nloss.beta_schedule=cyclical\n"
                   "loss.beta_cycles=2\nloss.beta_ratio=0.75\n", &r, PLAN_PLAIN);
    /* Gains below a nat count as none: the rate falls after the second epoch and each that follows. */
    r = (struct rules){.opt = adam, .lr = 1e-4, .beta = 1, .plateau_gamma = 0.1};
    check_training("model.activation=tanh\noptimizer.kind=adamw\noptimizer.lr_schedule=plateau\noptimizer.lr=1e-4\n"
                   "optimizer.lr_gamma=0.1\noptimizer.lr_patience=0\noptimizer.lr_threshold=1\n", &r, PLAN_CHAIN);
}

static void floors_and_growing_capacities_train_as_the_reference(void **state)
{
    (void)state;
    const struct ref_opt adam = {.kind = REF_ADAMW, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
    struct rules r = {.opt = adam, .lr = 1e-3, .beta = 1, .cosine = true, .least = 4e-4};
    check_training("model.activation=tanh\noptimizer.kind=adamw\noptimizer.lr_schedule=cosine\n"
                   "optimizer.lr_min=4e-4\n", &r, PLAN_CHAIN);
    r = (struct rules){.opt = adam, .lr = 1e-3, .beta = 1, .step_gamma = 0.25, .every = 1, .least = 2e-4};
    check_training("model.activation=tanh\noptimizer.kind=adamw\noptimizer.lr_schedule=step\n"
                   "optimizer.lr_gamma=0.25\noptimizer.lr_every=1\noptimizer.lr_min=2e-4\n", &r, PLAN_PLAIN);
    /* The KL begins above the capacity, which soon outgrows it. */
    r = (struct rules){.opt = adam, .lr = 1e-3, .beta = 1, .capacity = 30, .pull = 5, .capacity_warmup = 2.5};
    check_training("model.activation=tanh\noptimizer.kind=adamw\nloss.capacity=30\nloss.capacity_weight=5\n"
                   "loss.capacity_warmup=2.5\n", &r, PLAN_PLAIN);
}

static void normalised_nets_train_as_the_reference(void **state)
{
    (void)state;
    const struct rules r = {.opt = {.kind = REF_ADAM, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8}, .lr = 1e-3, .beta = 1};
    for (enum plan_kind kind = PLAN_PLAIN; kind <= PLAN_CHAIN; kind++) {
        check_training("model.norm=layer\nmodel.activation=tanh\nmodel.depth=2\n", &r, kind);
        check_training("model.dropout=0.3\nmodel.activation=silu\nmodel.encoder=21,40\n", &r, kind);
        check_training("model.norm=layer\nmodel.dropout=0.1\nmodel.activation=elu\n", &r, kind);
    }
}

int reference_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adam_with_schedules_trains_as_the_reference),
        cmocka_unit_test(rmsprop_trains_as_the_reference),
        cmocka_unit_test(sgd_trains_as_the_reference),
        cmocka_unit_test(schedules_train_as_the_reference),
        cmocka_unit_test(floors_and_growing_capacities_train_as_the_reference),
        cmocka_unit_test(normalised_nets_train_as_the_reference),
    };
    return cmocka_run_group_tests_name("train reference", tests, NULL, NULL);
}
