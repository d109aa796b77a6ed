/* The self-test's figures come from the double-precision reference, computed anew here; and the self-test notices. */
#include "shape.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/model/selftest.h"

/* One lane of one case in the reference. */
struct twin {
    const struct selftest_case *c;
    struct config config;
    struct net net;
    struct plan plan;
    struct pack_lane lane;
    struct ref_net ref;
    struct ref_opt opt;
    double *theta, *m, *v, *grad, *x; /* x (SELFTEST_ROWS, data) */
};

static void twin_init(struct twin *t, const struct selftest_case *c, int lane)
{
    struct err e;
    memset(t, 0, sizeof *t);
    t->c = c;
    config_init(&t->config);
    assert_ok(config_parse(&t->config, c->config, &e), &e);
    assert_ok(net_from_config(&t->net, &t->config, (size_t)c->data, &e), &e);
    assert_ok(plan_make(&t->plan, &t->net, PLAN_PLAIN, &e), &e);
    pack_lane_init(&t->lane, &t->config, rng_key(SELFTEST_SEED, lane));
    t->ref = (struct ref_net){.data = t->net.data,
                              .latent = t->net.latent,
                              .n_enc = t->net.n_enc,
                              .n_dec = t->net.n_dec,
                              .act = (enum ref_act)t->net.activation,
                              .layer_norm = t->net.layer_norm,
                              .s_min = -12,
                              .s_max = 6};
    memcpy(t->ref.enc, t->net.enc, sizeof t->ref.enc);
    memcpy(t->ref.dec, t->net.dec, sizeof t->ref.dec);
    static const enum ref_opt_kind kinds[] = {[OPT_ADAM] = REF_ADAM, [OPT_RMSPROP] = REF_RMSPROP, [OPT_SGD] = REF_SGD};
    t->opt = (struct ref_opt){.kind = kinds[config_choice(&t->config, KNOB_OPTIMIZER_KIND)],
                              .beta1 = config_f64(&t->config, KNOB_OPTIMIZER_BETA1),
                              .beta2 = config_f64(&t->config, KNOB_OPTIMIZER_BETA2),
                              .alpha = config_f64(&t->config, KNOB_OPTIMIZER_ALPHA),
                              .momentum = config_f64(&t->config, KNOB_OPTIMIZER_MOMENTUM),
                              .eps = config_f64(&t->config, KNOB_OPTIMIZER_EPS)};
    size_t n = ref_params(&t->ref);
    t->theta = doubles(n);
    t->m = doubles(n);
    t->v = doubles(n);
    t->grad = doubles(n);
    t->x = doubles((size_t)SELFTEST_ROWS * (size_t)c->data);
    void *rows = selftest_rows(c);
    for (int i = 0; i < SELFTEST_ROWS * c->data; i++) {
        t->x[i] = c->is_u8 ? ((uint8_t *)rows)[i] / 255.0 : (double)((float *)rows)[i];
    }
    free(rows);
}

static void twin_release(struct twin *t)
{
    config_release(&t->config);
    free(t->theta);
    free(t->m);
    free(t->v);
    free(t->grad);
    free(t->x);
}

/* Calls fn for every parameter in the order of net_tensors() and PyTorch's layout: tensor, row, column, and the
 * parameter's place in the reference. */
typedef void param_fn(void *arg, int tensor, int row, int col, int cols, size_t at);
static void for_each_param(const struct twin *t, param_fn *fn, void *arg)
{
    int tensor = 0;
    for (int i = 0; i < ref_layers(&t->ref); i++) {
        struct ref_layer l = ref_layer(&t->ref, i);
        bool heads = i == t->net.n_enc;
        int width = heads ? t->net.latent : l.out;
        for (int part = 0; part < (heads ? 2 : 1); part++) {
            for (int row = 0; row < width; row++) {
                for (int col = 0; col < l.in; col++) {
                    fn(arg, tensor, row, col, l.in, l.w + (size_t)col * (size_t)l.out + (size_t)(part * width + row));
                }
            }
            for (int row = 0; row < width; row++) {
                fn(arg, tensor + 1, row, 0, 1, l.b + (size_t)(part * width + row));
            }
            tensor += 2;
        }
        const size_t norm[2] = {l.gain, l.shift};
        for (int part = 0; part < (t->ref.layer_norm && l.hidden ? 2 : 0); part++, tensor++) {
            for (int row = 0; row < l.out; row++) {
                fn(arg, tensor, row, 0, 1, norm[part] + (size_t)row);
            }
        }
    }
}

struct init {
    struct twin *t;
    float *tensor[NET_TENSORS_MAX];
};

static void take_init(void *arg, int tensor, int row, int col, int cols, size_t at)
{
    struct init *s = arg;
    s->t->theta[at] = (double)s->tensor[tensor][row * cols + col];
}

static void twin_weights(struct twin *t, int lane)
{
    struct tensor_info info[NET_TENSORS_MAX];
    struct init s = {.t = t};
    float *arena = xcalloc(t->plan.params, sizeof *arena);
    weights_init(arena, &t->net, &t->plan, rng_key(SELFTEST_SEED, lane));
    int n = net_tensors(info, &t->net, &t->plan);
    for (int i = 0; i < n; i++) {
        s.tensor[i] = xcalloc((size_t)info[i].rows * (size_t)info[i].cols, sizeof(float));
        tensor_from_arena(s.tensor[i], arena, &t->plan, &info[i]);
    }
    for_each_param(t, take_init, &s);
    for (int i = 0; i < n; i++) {
        free(s.tensor[i]);
    }
    free(arena);
}

struct print {
    const struct twin *t;
    double place, sum;
};

static void add_print(void *arg, int tensor, int row, int col, int cols, size_t at)
{
    struct print *p = arg;
    (void)tensor;
    (void)row;
    (void)col;
    (void)cols;
    p->place += 1;
    p->sum += p->t->theta[at] * sin(p->place);
}

static double total(const double *row, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        sum += row[i];
    }
    return sum;
}

/* What a step's dropout leaves of a hidden layer. Owns: caller frees. */
static double *layer_drop(const struct twin *t, const struct pack_step *s, int layer)
{
    const struct ref_layer l = ref_layer(&t->ref, layer);
    double *factor = doubles((size_t)s->rows * (size_t)l.out);
    for (int i = 0; i < s->rows; i++) {
        for (int j = 0; j < l.out; j++) {
            factor[i * l.out + j] = dropout_factor(&t->lane, s, layer, (uint32_t)i, (uint32_t)j);
        }
    }
    return factor;
}

static void twin_train(struct twin *t, int64_t k, struct selftest_figures *out)
{
    struct pack_step s;
    double *drop[REF_LAYER_MAX] = {0};
    double lr = config_f64(&t->config, KNOB_OPTIMIZER_LR), beta = config_f64(&t->config, KNOB_LOSS_BETA);
    pack_step_train(&s, &t->lane, k, SELFTEST_ROWS - SELFTEST_VAL, t->net.batch, (struct step_rates){.lr = lr, .beta = beta});
    double *x = doubles((size_t)s.rows * (size_t)t->net.data), *eps = doubles((size_t)s.rows * (size_t)t->net.latent);
    for (int i = 0; i < s.rows; i++) {
        uint32_t row = SELFTEST_VAL + shuffle_at(s.shuffle, SELFTEST_ROWS - SELFTEST_VAL, (uint32_t)(s.first + i));
        memcpy(x + i * t->net.data, t->x + row * (uint32_t)t->net.data, (size_t)t->net.data * sizeof *x);
        for (int j = 0; j < t->net.latent; j++) {
            eps[i * t->net.latent + j] = latent_noise(&t->lane, &s, (uint32_t)i, (uint32_t)j);
        }
    }
    for (int i = 0; i < ref_layers(&t->ref) && t->lane.dropout > 0; i++) {
        t->ref.drop[i] = drop[i] = ref_layer(&t->ref, i).hidden ? layer_drop(t, &s, i) : NULL;
    }
    struct ref_pass *p = ref_forward(&t->ref, t->theta, x, eps, s.rows);
    out->rec[k] = total(p->rec_row, s.rows);
    out->kl[k] = total(p->kl_row, s.rows);
    ref_backward(t->grad, p, t->theta, beta);
    ref_update(t->theta, t->m, t->v, t->grad, ref_params(&t->ref), &t->opt, lr, k + 1);
    ref_pass_free(p);
    for (int i = 0; i < REF_LAYER_MAX; i++) {
        t->ref.drop[i] = NULL;
        free(drop[i]);
    }
    free(x);
    free(eps);
}

static void twin_evaluate(struct twin *t, struct selftest_figures *out)
{
    struct pack_step s;
    pack_step_eval(&s, 0, SELFTEST_VAL);
    double *eps = doubles(SELFTEST_VAL * (size_t)t->net.latent);
    for (int i = 0; i < SELFTEST_VAL; i++) {
        for (int j = 0; j < t->net.latent; j++) {
            eps[i * t->net.latent + j] = latent_noise(&t->lane, &s, (uint32_t)i, (uint32_t)j);
        }
    }
    struct ref_pass *p = ref_forward(&t->ref, t->theta, t->x, eps, SELFTEST_VAL);
    out->eval_rec = total(p->rec_row, SELFTEST_VAL);
    out->eval_kl = total(p->kl_row, SELFTEST_VAL);
    ref_pass_free(p);
    free(eps);
}

/* The figures of a lane; also printed in the form of the table, for when a case is changed. */
static void reference_figures(const struct selftest_case *c, int lane, struct selftest_figures *out)
{
    struct twin t;
    twin_init(&t, c, lane);
    twin_weights(&t, lane);
    for (int64_t k = 0; k < SELFTEST_STEPS; k++) {
        twin_train(&t, k, out);
    }
    twin_evaluate(&t, out);
    struct print p = {.t = &t};
    for_each_param(&t, add_print, &p);
    out->print = p.sum;
    twin_release(&t);
    print_message("%s, lane %d: {{%.12g, %.12g, %.12g}, {%.12g, %.12g, %.12g}, %.12g, %.12g, %.12g}\n", c->name, lane,
                  out->rec[0], out->rec[1], out->rec[2], out->kl[0], out->kl[1], out->kl[2], out->eval_rec,
                  out->eval_kl, out->print);
}

static void compare_figures(const struct selftest_figures *stored, const struct selftest_figures *want)
{
    for (int k = 0; k < SELFTEST_STEPS; k++) {
        assert_close(stored->rec[k], want->rec[k], 0, 1e-9);
        assert_close(stored->kl[k], want->kl[k], 0, 1e-9);
    }
    assert_close(stored->eval_rec, want->eval_rec, 0, 1e-9);
    assert_close(stored->eval_kl, want->eval_kl, 0, 1e-9);
    assert_close(stored->print, want->print, 1e-9, 0);
}

static void stored_figures_are_the_references(void **state)
{
    (void)state;
    struct selftest_figures want[8][SELFTEST_LANES];
    assert_true(selftest_case_count <= 8);
    for (size_t i = 0; i < selftest_case_count; i++) {
        for (int lane = 0; lane < SELFTEST_LANES; lane++) {
            reference_figures(&selftest_cases[i], lane, &want[i][lane]);
        }
    }
    for (size_t i = 0; i < selftest_case_count; i++) {
        for (int lane = 0; lane < SELFTEST_LANES; lane++) {
            compare_figures(&selftest_cases[i].want[lane], &want[i][lane]);
        }
    }
}

static void device_passes(void **state)
{
    (void)state;
    struct err e;
    assert_ok(selftest_full(test_device(), true, &e), &e);
    assert_ok(selftest_golden(test_device(), &e), &e);
}

/* Everything once, then one case; the stamp is what makes the difference. */
static void full_test_runs_once_per_stamp(void **state)
{
    (void)state;
    struct err e;
    bool full = false;
    char *before = xstrdup(getenv("XDG_CACHE_HOME"));
    assert_int_equal(setenv("XDG_CACHE_HOME", temp_dir(), 1), 0);
    char *stamp = selftest_stamp(test_device());
    assert_false(fs_exists(stamp));
    assert_ok(selftest_start(test_device(), false, &full, &e), &e);
    assert_true(full);
    assert_true(fs_exists(stamp));
    assert_ok(selftest_start(test_device(), false, &full, &e), &e);
    assert_false(full);
    assert_ok(selftest_start(test_device(), true, &full, &e), &e);
    assert_true(full);
    assert_int_equal(setenv("XDG_CACHE_HOME", before, 1), 0);
    free(stamp);
    free(before);
}

/* Every buffer has edges of NaN: reading over one spoils the figures, writing over one is an error. */
static void kernels_stay_inside_their_buffers(void **state)
{
    (void)state;
    struct err e;
    struct device *d = NULL;
    const struct device_info *info = device_info(test_device());
    assert_int_equal(setenv("VAETOP_CL_GUARD", "1", 1), 0);
    enum err_code rc = device_open(&d, info->platform_index, info->device_index, NULL, &e);
    assert_int_equal(unsetenv("VAETOP_CL_GUARD"), 0);
    assert_ok(rc, &e);
    assert_ok(selftest_full(d, true, &e), &e);
    device_close(d);
}

/* text with every `from` replaced; *count grows by how many there were. Owns: caller frees. */
static char *replaced(const char *text, const char *from, const char *to, int *count)
{
    struct sbuf out = {0};
    for (const char *at = strstr(text, from); at; at = strstr(text, from)) {
        sbuf_add_bytes(&out, text, (size_t)(at - text));
        sbuf_add(&out, to);
        text = at + strlen(from);
        ++*count;
    }
    sbuf_add(&out, text);
    return sbuf_take(&out);
}

/* The kernels in a folder of their own, with one constant changed throughout. */
static const char *changed_kernels(const char *constant, const char *by)
{
    struct err e;
    int count = 0;
    const char *dir = temp_dir();
    char *from = xasprintf("%s/cl", getenv("VAETOP_SOURCE"));
    DIR *folder = opendir(from);
    assert_non_null(folder);
    for (const struct dirent *f = readdir(folder); f; f = readdir(folder)) {
        if (!strstr(f->d_name, ".cl")) {
            continue;
        }
        char *text, *path = fs_join(from, f->d_name), *to = fs_join(dir, f->d_name);
        size_t len;
        assert_ok(fs_read(&text, &len, path, 1 << 20, &e), &e);
        char *changed = replaced(text, constant, by, &count);
        assert_ok(fs_write(to, changed, strlen(changed), &e), &e);
        free(text);
        free(path);
        free(to);
        free(changed);
    }
    (void)closedir(folder);
    free(from);
    assert_true(count > 0);
    return dir;
}

/* The device with kernels changed like that. Owns: device_close(). */
static struct device *changed_device(const char *constant, const char *by)
{
    struct err e;
    struct device *d = NULL;
    const struct device_info *info = device_info(test_device());
    assert_int_equal(setenv("VAETOP_CL_DIR", changed_kernels(constant, by), 1), 0);
    assert_ok(device_open(&d, info->platform_index, info->device_index, NULL, &e), &e);
    assert_int_equal(unsetenv("VAETOP_CL_DIR"), 0);
    return d;
}

/* As a compiler that gets one thing slightly wrong would leave it. */
static void wrong_device_is_refused_and_gets_no_stamp(void **state)
{
    (void)state;
    struct err e;
    bool full = false;
    char *before = xstrdup(getenv("XDG_CACHE_HOME"));
    struct device *d = changed_device("0.5f", "0.501f");
    assert_int_equal(setenv("XDG_CACHE_HOME", temp_dir(), 1), 0);
    char *stamp = selftest_stamp(d);
    assert_err(selftest_start(d, false, &full, &e), ERR_NODEVICE, &e);
    assert_has(e.text, "self-test (relu, adam; chain plan): ");
    assert_has(e.text, "computes wrong numbers");
    assert_false(fs_exists(stamp));
    assert_err(selftest_golden(d, &e), ERR_NODEVICE, &e);
    device_close(d);
    assert_int_equal(setenv("XDG_CACHE_HOME", before, 1), 0);
    free(stamp);
    free(before);
}

/* The only case with dropout and layer norm notices what is wrong there. */
static void wrong_dropout_and_norm_are_refused(void **state)
{
    (void)state;
    static const char *const change[][2] = {{"0x1p-24f", "0x1.2p-24f"}, {"NORM_EPS 1e-5f", "NORM_EPS 1e-2f"}};
    for (int i = 0; i < 2; i++) {
        struct err e;
        struct device *d = changed_device(change[i][0], change[i][1]);
        assert_err(selftest_full(d, false, &e), ERR_NODEVICE, &e);
        assert_has(e.text, "self-test (layer norm, dropout, silu; ");
        device_close(d);
    }
}

int selftest_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_figures_are_the_references),
        cmocka_unit_test(device_passes),
        cmocka_unit_test(full_test_runs_once_per_stamp),
        cmocka_unit_test(kernels_stay_inside_their_buffers),
        cmocka_unit_test(wrong_device_is_refused_and_gets_no_stamp),
        cmocka_unit_test(wrong_dropout_and_norm_are_refused),
    };
    return cmocka_run_group_tests_name("model selftest", tests, NULL, NULL);
}
