#include "shape.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "first_device.h"
#include "vaetop/base/alloc.h"

_Static_assert((int)REF_LEAKY == (int)ACT_LEAKY && (int)REF_SOFTPLUS == (int)ACT_SOFTPLUS, "one order of activations");

struct device *test_device(void)
{
    struct device *d = first_device();
    if (getenv("VAETOP_CL_AS_CPU")) assert_true(device_is_cpu(d)); /* a layer below makes one of any device */
    return d;
}

double *doubles(size_t n)
{
    return xcalloc(n + 1, sizeof(double));
}

void fill_random(double *out, size_t n, double lo, double hi, uint32_t what)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t word[4];
        ref_philox(word, (uint32_t[]){(uint32_t)i, what, 0, 0}, (uint32_t[]){3, 14});
        out[i] = (double)(float)(lo + (hi - lo) * ((double)word[0] / 4294967296.0));
    }
}

static void make_net(struct shape *s)
{
    const struct variant *v = &s->v;
    s->net = (struct net){.data = v->data, .latent = v->latent, .batch = v->batch, .activation = v->act,
                          .n_enc = v->flat ? v->n_enc : 1, .n_dec = v->flat ? v->n_dec : 1};
    for (int i = 0; i < NET_HIDDEN_MAX; i++) { /* neighbouring layers differ, so that none is read for another */
        s->net.enc[i] = v->hidden + (i % 2);
        s->net.dec[i] = v->hidden + 2 * (i % 2);
    }
    s->ref = (struct ref_net){.data = v->data, .latent = v->latent, .n_enc = s->net.n_enc, .n_dec = s->net.n_dec,
                              .act = (enum ref_act)v->act, .s_min = -12, .s_max = 6};
    for (int i = 0; i < REF_SIDE_MAX; i++) {
        s->ref.enc[i] = s->net.enc[i];
        s->ref.dec[i] = s->net.dec[i];
    }
}

/* Every third row is held out, so that a row's number is not its place. */
static void make_rows(struct shape *s)
{
    struct err e;
    s->n = 146;
    s->x = doubles(s->n * (size_t)s->v.data);
    s->train = xcalloc(s->n, sizeof *s->train);
    s->val = xcalloc(s->n, sizeof *s->val);
    for (size_t i = 0; i < s->n; i++) {
        if (i % 3 == 1) {
            s->val[s->n_val++] = (uint32_t)i;
        } else {
            s->train[s->n_train++] = (uint32_t)i;
        }
    }
    size_t count = s->n * (size_t)s->v.data;
    float *f = xcalloc(count, sizeof *f);
    uint8_t *u = xcalloc(count, 1);
    fill_random(s->x, count, 0, 1, 100);
    for (size_t i = 0; i < count; i++) {
        f[i] = (float)s->x[i];
        u[i] = (uint8_t)(s->x[i] * 256);
        s->x[i] = s->v.floats ? s->x[i] : u[i] / 255.0;
    }
    struct pack_rows r = {.x = s->v.floats ? (void *)f : (void *)u, .is_u8 = !s->v.floats, .n = s->n,
                          .dim = (size_t)s->v.data, .train = s->train, .val = s->val, .n_train = s->n_train,
                          .n_val = s->n_val};
    assert_ok(pack_data_new(&s->rows, test_device(), &r, &e), &e);
    free(f);
    free(u);
}

/* NaN in everything of a slot that a test can reach. */
static void put_guard(struct shape *s, int slot)
{
    struct err e;
    for (enum arena a = ARENA_WEIGHTS; a < ARENA_COUNT; a++) {
        if (!pack_has_arena(s->pack, a)) {
            continue;
        }
        assert_ok(pack_write_arena(s->pack, slot, a, s->guard, &e), &e);
    }
    for (int i = 0; i < s->plan.n_layers; i++) {
        struct act_view v = {.slot = slot, .layer = i, .what = ACT_IN, .rows = s->v.batch, .cols = s->plan.layer[i].in};
        size_t n = (size_t)v.rows * (size_t)v.cols;
        float *nan = xcalloc(n, sizeof *nan);
        for (size_t j = 0; j < n; j++) {
            nan[j] = NAN;
        }
        assert_ok(pack_write_act(s->pack, &v, nan, &e), &e);
        free(nan);
    }
}

static void check_guard(struct shape *s, int slot)
{
    struct err e;
    float *got = xcalloc(s->plan.params, sizeof *got);
    for (enum arena a = ARENA_WEIGHTS; a < ARENA_COUNT; a++) {
        if (!pack_has_arena(s->pack, a)) {
            continue;
        }
        assert_ok(pack_read_arena(s->pack, slot, a, got, &e), &e);
        assert_memory_equal(got, s->guard, s->plan.params * sizeof *got);
    }
    free(got);
    for (int i = 0; i < s->plan.n_layers; i++) {
        struct act_view v = {.slot = slot, .layer = i, .what = ACT_IN, .rows = s->v.batch, .cols = s->plan.layer[i].in};
        size_t n = (size_t)v.rows * (size_t)v.cols;
        float *nan = xcalloc(n, sizeof *nan);
        assert_ok(pack_read_act(s->pack, &v, nan, &e), &e);
        for (size_t j = 0; j < n; j++) {
            assert_true(isnan(nan[j]));
        }
        free(nan);
    }
}

/* The order of layers is a contract of the plan and of the reference alike. */
static void check_layers(const struct shape *s)
{
    assert_int_equal(s->plan.n_layers, ref_layers(&s->ref));
    assert_int_equal(s->plan.heads, s->net.n_enc);
    for (int i = 0; i < s->plan.n_layers; i++) {
        struct ref_layer l = ref_layer(&s->ref, i);
        assert_int_equal(s->plan.layer[i].in, l.in);
        assert_int_equal(i == s->plan.heads ? 2 * s->plan.layer[i].out : s->plan.layer[i].out, l.out);
        assert_int_equal(s->plan.layer[i].activation, l.hidden);
    }
}

/* What the network takes from knobs other than its sizes. */
static void take_options(struct net *n, const struct config *c)
{
    struct net full;
    struct err e;
    assert_ok(net_from_config(&full, c, 1, &e), &e);
    n->layer_norm = full.layer_norm;
    n->third_moment = full.third_moment;
    n->likelihood = full.likelihood;
    n->log_sigma = full.log_sigma;
    n->kl_control = full.kl_control;
    n->norm = full.norm;
    n->ema = full.ema;
}

void shape_init(struct shape *s, const struct variant *v)
{
    struct err e;
    struct config c;
    memset(s, 0, sizeof *s);
    s->v = *v;
    s->strain = 1;
    make_net(s);
    make_rows(s);
    config_init(&c);
    assert_ok(config_parse(&c, v->optimizer ? v->optimizer : "optimizer.kind=sgd\n", &e), &e);
    take_options(&s->net, &c);
    assert_ok(plan_make(&s->plan, &s->net, v->kind, &e), &e);
    s->ref.layer_norm = s->net.layer_norm;
    s->ref.like = (enum ref_like)s->net.likelihood;
    s->ref.log_sigma = s->net.log_sigma;
    s->ref.free_bits = config_f64(&c, KNOB_LOSS_FREE_BITS);
    s->ref.capacity = config_f64(&c, KNOB_LOSS_CAPACITY);
    s->ref.capacity_weight = s->ref.capacity > 0 ? config_f64(&c, KNOB_LOSS_CAPACITY_WEIGHT) : 0;
    check_layers(s);
    assert_ok(pack_new(&s->pack, test_device(), s->rows, &s->plan, &e), &e);
    if (v->kind == PLAN_PLAIN) {
        pack_set_provider(s->pack, v->provider);
    }
    assert_ok(pack_resize(s->pack, SLOTS, &e), &e);
    assert_ok(config_set(&c, KNOB_MODEL_ACTIVATION, knob_choice_name(KNOB_MODEL_ACTIVATION, (int)v->act), &e), &e);
    assert_ok(config_set(&c, KNOB_MODEL_LATENT, v->latent == 2 ? "2" : "17", &e), &e);
    pack_lane_init(&s->lane, &c, rng_key(9, 4));
    pack_lane_widths(&s->lane, &s->net);
    config_release(&c);
    assert_int_equal(s->lane.latent, v->latent);
    pack_set_lane(s->pack, SLOT, &s->lane);
    s->guard = xcalloc(s->plan.params, sizeof *s->guard);
    for (size_t i = 0; i < s->plan.params; i++) {
        s->guard[i] = NAN;
    }
    put_guard(s, SLOT - 1);
    put_guard(s, SLOT + 1);
    s->theta = doubles(ref_params(&s->ref));
    for (int i = 0; i < ref_layers(&s->ref); i++) {
        struct ref_layer l = ref_layer(&s->ref, i);
        if (l.gain) {
            fill_random(s->theta + l.gain, (size_t)l.out, 0.5, 1.5, 300 + (uint32_t)i);
            fill_random(s->theta + l.shift, (size_t)l.out, -0.5, 0.5, 350 + (uint32_t)i);
        }
        double scale = 1.5 / sqrt(l.in); /* keeps activations near 1 at every depth */
        fill_random(s->theta + l.w, (size_t)l.in * (size_t)l.out + (size_t)l.out, -scale, scale, 200 + (uint32_t)i);
    }
    if (s->ref.like == REF_GAUSS_LEARNED) {
        s->theta[ref_params(&s->ref) - 1] = (double)(float)s->net.log_sigma;
    }
    shape_put(s, ARENA_WEIGHTS, s->theta);
}

void shape_release(struct shape *s)
{
    if (!s->guards_used) {
        check_guard(s, SLOT - 1);
        check_guard(s, SLOT + 1);
    }
    pack_free(s->pack);
    pack_data_free(s->rows);
    free(s->theta);
    free(s->x);
    free(s->train);
    free(s->val);
    free(s->guard);
}

/* Place in the arena of row i (the bias: i = in, then the norm's gain and shift), column o of layer k, as plan.h has it. */
static size_t place(const struct shape *s, int k, int i, int o)
{
    const struct plan_layer *l = &s->plan.layer[k];
    int column = k == s->plan.heads && o >= s->net.latent ? s->plan.latent_pad + o - s->net.latent : o;
    if (i > l->in) {
        return l->gain + (size_t)((i - l->in - 1) * l->out_pad + o);
    }
    return i == l->in ? l->b + (size_t)column : l->w + (size_t)i * (size_t)l->ld + (size_t)column;
}

void shape_put(struct shape *s, enum arena a, const double *from)
{
    struct err e;
    float *arena = xcalloc(s->plan.params, sizeof *arena);
    for (int k = 0; k < s->plan.n_layers; k++) {
        struct ref_layer l = ref_layer(&s->ref, k);
        for (int i = 0; i <= l.in + (l.gain ? 2 : 0); i++) { /* so they follow W in the reference too */
            for (int o = 0; o < l.out; o++) {
                arena[place(s, k, i, o)] = (float)from[l.w + (size_t)i * (size_t)l.out + (size_t)o];
            }
        }
    }
    if (s->ref.like == REF_GAUSS_LEARNED) {
        arena[s->plan.sigma] = (float)from[ref_params(&s->ref) - 1];
    }
    assert_ok(pack_write_arena(s->pack, SLOT, a, arena, &e), &e);
    free(arena);
}

void shape_get(struct shape *s, enum arena a, double *to)
{
    struct err e;
    float *arena = xcalloc(s->plan.params, sizeof *arena);
    assert_ok(pack_read_arena(s->pack, SLOT, a, arena, &e), &e);
    for (int k = 0; k < s->plan.n_layers; k++) {
        struct ref_layer l = ref_layer(&s->ref, k);
        for (int i = 0; i <= l.in + (l.gain ? 2 : 0); i++) {
            for (int o = 0; o < l.out; o++) {
                to[l.w + (size_t)i * (size_t)l.out + (size_t)o] = (double)arena[place(s, k, i, o)];
                arena[place(s, k, i, o)] = 0;
            }
        }
    }
    if (s->ref.like == REF_GAUSS_LEARNED) {
        to[ref_params(&s->ref) - 1] = (double)arena[s->plan.sigma];
    }
    if (net_has_sigma(&s->net)) {
        arena[s->plan.sigma] = 0;
    }
    for (size_t i = 0; i < s->plan.params; i++) {
        if (arena[i] != 0) {
            fail_msg("padding at %zu of arena %d holds %g", i, (int)a, (double)arena[i]);
        }
    }
    free(arena);
}

void shape_write(struct shape *s, int layer, enum act what, int column, int rows, int cols, const double *from)
{
    struct err e;
    size_t n = (size_t)rows * (size_t)cols;
    float *f = xcalloc(n, sizeof *f);
    for (size_t i = 0; i < n; i++) {
        f[i] = (float)from[i];
    }
    struct act_view v = {.slot = SLOT, .layer = layer, .what = what, .column = column, .rows = rows, .cols = cols};
    assert_ok(pack_write_act(s->pack, &v, f, &e), &e);
    free(f);
}

void shape_read(struct shape *s, int layer, enum act what, int column, int rows, int cols, double *to)
{
    struct err e;
    size_t n = (size_t)rows * (size_t)cols;
    float *f = xcalloc(n, sizeof *f);
    struct act_view v = {.slot = SLOT, .layer = layer, .what = what, .column = column, .rows = rows, .cols = cols};
    assert_ok(pack_read_act(s->pack, &v, f, &e), &e);
    for (size_t i = 0; i < n; i++) {
        to[i] = (double)f[i];
    }
    free(f);
}

void shape_steps(struct shape *s, const struct pack_step *steps, int n)
{
    struct err e;
    const int slot = SLOT;
    assert_ok(pack_steps(s->pack, &slot, 1, steps, n, &e), &e);
}

struct pack_step shape_train_step(const struct shape *s, int64_t step, double lr, double beta)
{
    struct pack_step out;
    pack_step_train(&out, &s->lane, step, s->n_train, s->v.batch, (struct step_rates){lr, beta, s->ref.capacity});
    return out;
}

void shape_batch(const struct shape *s, const struct pack_step *step, double *x)
{
    size_t data = (size_t)s->v.data;
    for (int i = 0; i < step->rows; i++) {
        uint32_t at = (uint32_t)(step->first + i);
        size_t row = step->mode == STEP_EVAL ? s->val[at]
                                             : s->train[shuffle_at(step->shuffle, (uint32_t)s->n_train, at)];
        memcpy(x + (size_t)i * data, s->x + row * data, data * sizeof *x);
    }
}

#define NOISE_ROWS 33
#define NOISE_DIMS 17
#define NOISE_STEPS 512

/* The noise of a training step does not depend on the network, and asking the device costs a wait per dimension. */
static const float *step_noise(const struct pack_lane *lane, const struct pack_step *step)
{
    static float *kept[NOISE_STEPS]; /* (NOISE_DIMS, NOISE_ROWS) */
    static float all[NOISE_STEPS][NOISE_DIMS * NOISE_ROWS];
    struct err e;
    assert_true(step->mode == STEP_TRAIN && step->step_lo < NOISE_STEPS);
    if (!kept[step->step_lo]) {
        kept[step->step_lo] = all[step->step_lo];
        for (uint32_t j = 0; j < NOISE_DIMS; j++) {
            float *row = kept[step->step_lo] + j * NOISE_ROWS;
            assert_ok(probe_normals(test_device(), lane, step, j, row, NOISE_ROWS, &e), &e);
        }
    }
    return kept[step->step_lo];
}

void shape_noise(const struct shape *s, const struct pack_step *step, double *eps)
{
    const float *noise = step_noise(&s->lane, step);
    assert_in_range(step->rows, 1, NOISE_ROWS);
    for (int r = 0; r < step->rows; r++) {
        for (int j = 0; j < s->v.latent; j++) {
            eps[r * s->v.latent + j] = (double)noise[j * NOISE_ROWS + r];
        }
    }
}

void compare(const char *what, const double *got, const double *want, size_t n, double k)
{
    double rtol = 8 * sqrt(k) * (double)FLT_EPSILON, sum = 0, wrong = 0;
    for (size_t i = 0; i < n; i++) {
        sum += want[i] * want[i];
        wrong += (got[i] - want[i]) * (got[i] - want[i]);
    }
    double rms = sqrt(sum / (double)n);
    for (size_t i = 0; i < n; i++) {
        if (!(fabs(got[i] - want[i]) <= rtol * fabs(want[i]) + rtol * rms)) {
            fail_msg("%s: entry %zu of %zu: got %.9g, want %.9g; rtol %.3g, rms %.3g", what, i, n, got[i], want[i],
                     rtol, rms);
        }
    }
    if (!(sqrt(wrong) <= rtol / 4 * sqrt(sum))) {
        fail_msg("%s: relative root of the squared error %.3g, allowed %.3g", what, sqrt(wrong / sum), rtol / 4);
    }
}

/* For a simulated device, a thousand times slower: one dimension at a time over and under the padding, no CLBlast. */
static void each_edge(shape_fn *fn, struct variant base)
{
    static const int edge[][4] = {/* data, latent, batch, hidden */ {10, 2, 3, 5},  {33, 2, 3, 5},  {10, 17, 3, 5},
                                  {10, 2, 1, 5},                    {10, 2, 33, 5}, {10, 2, 3, 33}};
    for (size_t i = 0; base.provider == PROVIDER_TILE && i < sizeof edge / sizeof *edge; i++) {
        struct variant v = base;
        v.data = edge[i][0];
        v.latent = edge[i][1];
        v.batch = edge[i][2];
        v.hidden = edge[i][3];
        fn(v);
    }
}

void for_each_size(shape_fn *fn, struct variant base)
{
    static const int data[] = {10, 561}, latent[] = {2, 17}, batch[] = {1, 31, 33}, hidden[] = {5, 33, 65};
    if (getenv("VAETOP_TEST_EDGES")) {
        each_edge(fn, base);
        return;
    }
    for (int i = 0; i < 2 * 2 * 3 * 3; i++) {
        struct variant v = base;
        v.data = data[i % 2];
        v.latent = latent[i / 2 % 2];
        v.batch = batch[i / 4 % 3];
        v.hidden = hidden[i / 12];
        fn(v);
    }
}
