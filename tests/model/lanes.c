/* What belongs to a lane: its steps' numbers, its weights by name, its place in the pack. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shape.h"

#include "vaetop/base/alloc.h"

static void a_step_s_numbers_follow_from_its_number_alone(void **state)
{
    (void)state;
    struct pack_lane lane;
    struct config c;
    struct pack_step s;
    config_init(&c);
    pack_lane_init(&lane, &c, rng_key(1, 1));
    config_release(&c);
    for (int64_t step = 0; step < 40; step++) { /* 97 rows in batches of 16: 7 steps an epoch, the last of 1 row */
        uint32_t key[4];
        pack_step_train(&s, &lane, step, 97, 16, (struct step_rates){.lr = 0.01, .beta = 0.5});
        shuffle_key(key, (struct rng_key){{lane.key[0], lane.key[1]}}, step / 7);
        assert_memory_equal(s.shuffle, key, sizeof key);
        assert_int_equal(s.mode, STEP_TRAIN);
        assert_int_equal(s.first, step % 7 * 16);
        assert_int_equal(s.rows, step % 7 == 6 ? 1 : 16);
        assert_close(s.scale, 1.0 / s.rows, 0, (double)FLT_EPSILON);
        assert_close(s.lr, 0.01, 0, (double)FLT_EPSILON);
        assert_close(s.beta, 0.5, 0, 0);
        assert_close(s.lr_adam, 0.01 / (1 - pow(0.9, (double)step + 1)), 0, 4 * (double)FLT_EPSILON);
        assert_close(s.root_adam, 1 / sqrt(1 - pow(0.999, (double)step + 1)), 0, 4 * (double)FLT_EPSILON);
        assert_int_equal(s.step_lo, step);
        assert_int_equal(s.stream, RNG_LATENT);
    }
}

static void binarized_rows_follow_the_rule(void **state)
{
    (void)state;
    struct pack_lane lane = {.key = {5, 6}, .data_key = {7, 8}};
    for (uint32_t draw = 0; draw < 3; draw++) {
        float x[130];
        for (int j = 0; j < 130; j++) {
            x[j] = (float)j / 129;
        }
        binarize_row(x, 130, &lane, draw, 11);
        for (uint32_t j = 0; j < 130; j++) {
            uint32_t word[4];
            ref_philox(word, (uint32_t[]){j % 16 + j / 64 * 16, 11, draw, RNG_BINARIZE}, draw ? lane.key : lane.data_key);
            assert_true(x[j] == ((word[j / 16 % 4] >> 8) / 16777216.0 < (double)((float)j / 129)));
        }
    }
}

/* The padded arena: layer by layer as plan.h says, apart from tensor_to_arena(). */
static float *arena_cell(float *arena, const struct plan *p, const struct tensor_info *t, int row, int col)
{
    const struct plan_layer *l = &p->layer[t->layer];
    return t->kind == PARAM_BIAS ? &arena[l->b + (size_t)(t->column + row)]
                      : &arena[l->w + (size_t)col * (size_t)l->ld + (size_t)(t->column + row)];
}

static struct net uneven_net(void)
{
    return (struct net){.data = 45, .latent = 17, .batch = 16, .n_enc = 2, .enc = {33, 21}, .n_dec = 1, .dec = {65}};
}

static void tensors_have_pytorch_s_names_and_layout(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int rows, cols;
    } want[] = {
        {"encoder.0.weight", 33, 45}, {"encoder.0.bias", 33, 1},
        {"encoder.1.weight", 21, 33}, {"encoder.1.bias", 21, 1},
        {"mu.weight", 17, 21},        {"mu.bias", 17, 1},        {"logvar.weight", 17, 21},    {"logvar.bias", 17, 1},
        {"decoder.0.weight", 65, 17}, {"decoder.0.bias", 65, 1}, {"logits.weight", 45, 65},    {"logits.bias", 45, 1},
    };
    struct err e;
    struct net net = uneven_net();
    struct plan plan;
    struct tensor_info t[NET_TENSORS_MAX];
    assert_ok(plan_make(&plan, &net, PLAN_PLAIN, &e), &e);
    int n = net_tensors(t, &net, &plan);
    assert_int_equal(n, sizeof want / sizeof *want);
    float *arena = xcalloc(plan.params, sizeof *arena), next = 1;
    size_t filled = 0;
    for (int i = 0; i < n; i++) {
        assert_string_equal(t[i].name, want[i].name);
        assert_int_equal(t[i].rows, want[i].rows);
        assert_int_equal(t[i].cols, want[i].cols);
        size_t count = (size_t)t[i].rows * (size_t)t[i].cols;
        float *in = xcalloc(count, sizeof *in), *out = xcalloc(count, sizeof *out), first = next;
        for (size_t j = 0; j < count; j++) {
            in[j] = next++;
        }
        tensor_to_arena(arena, in, &plan, &t[i]);
        tensor_from_arena(out, arena, &plan, &t[i]);
        assert_memory_equal(in, out, count * sizeof *in);
        for (int r = 0; r < t[i].rows; r++) {
            for (int c = 0; c < t[i].cols; c++) {
                assert_true(*arena_cell(arena, &plan, &t[i], r, c) == first + (float)(r * t[i].cols + c));
            }
        }
        filled += count;
        free(in);
        free(out);
    }
    assert_int_equal(filled, net_params(&net));
    for (size_t i = 0; i < plan.params; i++) {
        filled -= arena[i] != 0;
    }
    assert_int_equal(filled, 0); /* nothing overlapped, nothing went elsewhere */
    free(arena);
}

/* Every column as often as every other, and the places of small tensors all. */
static void a_sample_of_a_tensor_is_spread_evenly(void **state)
{
    (void)state;
    struct err e;
    struct net net = uneven_net();
    struct plan plan;
    struct tensor_info t[NET_TENSORS_MAX];
    float out[1000];
    assert_ok(plan_make(&plan, &net, PLAN_PLAIN, &e), &e);
    assert_int_equal(net_tensors(t, &net, &plan), 12);
    float *arena = xcalloc(plan.params, sizeof *arena);
    for (int k = 0; k < 12; k++) {
        const int all = t[k].rows * t[k].cols;
        int column[65] = {0}, row[65] = {0}, last = -1;
        for (int i = 0; i < all; i++) {
            *arena_cell(arena, &plan, &t[k], i / t[k].cols, i % t[k].cols) = (float)i;
        }
        const int n = tensor_sample(out, 1000, arena, &plan, &t[k]);
        assert_in_range(n, all <= 1000 ? all : 500, 1000);
        for (int i = 0; i < n; i++) {
            const int place = (int)out[i];
            assert_in_range(place, last + 1, all - 1);
            last = place;
            column[place % t[k].cols]++;
            row[place / t[k].cols]++;
        }
        for (int i = 0; i < t[k].cols; i++) {
            assert_in_range(column[i], n / t[k].cols, n / t[k].cols + 1);
        }
        for (int i = 0; i < t[k].rows; i++) {
            assert_in_range(row[i], n / t[k].rows - 1, n / t[k].rows + 1);
        }
    }
    free(arena);
}

/* Its tensors follow their layer's, start as PyTorch's LayerNorm, and leave the other weights as they were. */
static void layer_norm_s_tensors_start_at_one_and_zero(void **state)
{
    (void)state;
    struct err e;
    struct net bare = uneven_net(), net = bare;
    struct plan p, q;
    struct tensor_info t[NET_TENSORS_MAX], u[NET_TENSORS_MAX];
    net.layer_norm = true;
    assert_ok(plan_make(&p, &net, PLAN_CHAIN, &e), &e);
    assert_ok(plan_make(&q, &bare, PLAN_CHAIN, &e), &e);
    float *arena = xcalloc(p.params, sizeof *arena), *plain = xcalloc(q.params, sizeof *plain), a[65 * 45], b[65 * 45];
    weights_init(arena, &net, &p, rng_key(3, 0));
    weights_init(plain, &bare, &q, rng_key(3, 0));
    int n = net_tensors(t, &net, &p), m = net_tensors(u, &bare, &q), j = 0;
    size_t filled = 0;
    assert_string_equal(t[2].name, "encoder.0.norm.weight");
    assert_string_equal(t[3].name, "encoder.0.norm.bias");
    assert_string_equal(t[n - 3].name, "decoder.0.norm.bias");
    for (int i = 0; i < n; i++) {
        size_t count = (size_t)t[i].rows * (size_t)t[i].cols;
        filled += count;
        tensor_from_arena(a, arena, &p, &t[i]);
        if (t[i].kind == PARAM_GAIN || t[i].kind == PARAM_SHIFT) {
            assert_int_equal(t[i].cols, 1);
            assert_int_equal(t[i].rows, t[i - 1].rows);
            for (size_t k = 0; k < count; k++) {
                assert_true(a[k] == (t[i].kind == PARAM_GAIN ? 1 : 0));
            }
            continue;
        }
        tensor_from_arena(b, plain, &q, &u[j]);
        assert_string_equal(t[i].name, u[j++].name);
        assert_memory_equal(a, b, count * sizeof *a);
    }
    assert_int_equal(j, m);
    assert_int_equal(filled, net_params(&net));
    free(arena);
    free(plain);
}

static void weights_start_as_pytorch_s(void **state)
{
    (void)state;
    struct err e;
    struct net net = uneven_net();
    struct plan plan;
    struct tensor_info t[NET_TENSORS_MAX];
    assert_ok(plan_make(&plan, &net, PLAN_PLAIN, &e), &e);
    float *arena = xcalloc(plan.params, sizeof *arena), *again = xcalloc(plan.params, sizeof *arena);
    weights_init(arena, &net, &plan, rng_key(3, 0));
    weights_init(again, &net, &plan, rng_key(3, 1));
    size_t same = 0, filled = 0;
    int n = net_tensors(t, &net, &plan);
    for (int i = 0; i < n; i++) {
        double fan_in = plan.layer[t[i].layer].in, bound = 1 / sqrt(fan_in), sum = 0, square = 0;
        size_t count = (size_t)t[i].rows * (size_t)t[i].cols;
        for (int r = 0; r < t[i].rows; r++) {
            for (int c = 0; c < t[i].cols; c++) {
                double w = (double)*arena_cell(arena, &plan, &t[i], r, c);
                assert_true(fabs(w) <= bound * (1 + (double)FLT_EPSILON));
                sum += w / bound;
                square += w * w / (bound * bound);
                filled += w != 0;
                same += w == (double)*arena_cell(again, &plan, &t[i], r, c);
            }
        }
        /* Mean 0, mean square 1/3, within five standard errors (variances 1/3 and 4/45). */
        assert_close(sum / (double)count, 0.0, 5 * sqrt(1.0 / 3 / (double)count), 0);
        assert_close(square / (double)count, 1.0 / 3, 5 * sqrt(4.0 / 45 / (double)count), 0);
    }
    assert_in_range(same, 0, 2); /* another trial, other weights */
    for (size_t i = 0; i < plan.params; i++) {
        filled -= arena[i] != 0;
    }
    assert_int_equal(filled, 0);
    free(arena);
    free(again);
}

/* Mean square of a tensor's entries, of which the largest is `largest`. */
static double mean_square(float *arena, const struct plan *p, const struct tensor_info *t, double *largest)
{
    double square = 0;
    *largest = 0;
    for (int i = 0; i < t->rows * t->cols; i++) {
        double w = (double)*arena_cell(arena, p, t, i / t->cols, i % t->cols);
        square += w * w / (t->rows * t->cols);
        *largest = fmax(*largest, fabs(w));
    }
    return square;
}

static void other_initialisations_have_their_variance(void **state)
{
    (void)state;
    struct err e;
    struct net net = uneven_net();
    struct plan plan;
    struct tensor_info t[NET_TENSORS_MAX];
    for (net.init = INIT_GLOROT; net.init <= INIT_HE; net.init++) {
        assert_ok(plan_make(&plan, &net, PLAN_PLAIN, &e), &e);
        float *arena = xcalloc(plan.params, sizeof *arena);
        weights_init(arena, &net, &plan, rng_key(3, 0));
        for (int i = 0, n = net_tensors(t, &net, &plan); i < n; i++) {
            double largest, square = mean_square(arena, &plan, &t[i], &largest), count = t[i].rows * t[i].cols;
            if (t[i].kind == PARAM_BIAS) {
                assert_true(largest == 0);
            } else if (net.init == INIT_GLOROT) { /* five standard errors: of a uniform's square, 4/45 of bound^4 */
                double bound = sqrt(6.0 / (t[i].rows + t[i].cols));
                assert_true(largest <= bound * (1 + (double)FLT_EPSILON) && largest > 0.9 * bound);
                assert_close(square / (bound * bound), 1.0 / 3, 5 * sqrt(4.0 / 45 / count), 0);
            } else { /* of a normal's square: 2 of variance^2 */
                assert_close(square / (2.0 / t[i].cols), 1.0, 5 * sqrt(2 / count), 0);
                assert_true(largest > sqrt(6.0 / t[i].cols)); /* beyond a uniform of that variance */
            }
        }
        free(arena);
    }
}

static void the_last_bias_can_start_at_the_data_s_mean(void **state)
{
    (void)state;
    struct err e;
    struct net net = uneven_net();
    struct plan plan;
    struct tensor_info t[NET_TENSORS_MAX];
    double mean[45] = {0.5, 0.75, 0, 1};
    assert_ok(plan_make(&plan, &net, PLAN_PLAIN, &e), &e);
    float *arena = xcalloc(plan.params, sizeof *arena), *before = xcalloc(plan.params, sizeof *before);
    weights_init(arena, &net, &plan, rng_key(3, 0));
    memcpy(before, arena, plan.params * sizeof *arena);
    weights_bias_from(arena, &net, &plan, mean);
    int n = net_tensors(t, &net, &plan);
    const double want[] = {0, log(3), log(0.001 / 0.999), log(999)};
    for (int i = 0; i < 45; i++) {
        float *cell = arena_cell(arena, &plan, &t[n - 1], i, 0);
        assert_close((double)*cell, want[i < 4 ? i : 2], 1e-6, 1e-5);
        *cell = *arena_cell(before, &plan, &t[n - 1], i, 0);
    }
    assert_memory_equal(arena, before, plan.params * sizeof *arena);
    free(arena);
    free(before);
}

/* Twenty steps from equal weights, in three slots named in another order each time, give the same bits in each. */
static void check_slots(enum plan_kind kind, enum provider provider)
{
    struct variant v = {.data = 45, .latent = 17, .batch = 16, .hidden = 33, .kind = kind, .provider = provider,
                        .optimizer = "optimizer.lr=0.01\n"};
    struct shape s;
    struct err e;
    shape_init(&s, &v);
    float *arena = xcalloc(s.plan.params, sizeof *arena), *other = xcalloc(s.plan.params, sizeof *arena);
    float *zero = xcalloc(s.plan.params, sizeof *zero);
    assert_ok(pack_read_arena(s.pack, SLOT, ARENA_WEIGHTS, arena, &e), &e);
    for (int slot = 0; slot < SLOTS; slot++) {
        assert_ok(pack_write_arena(s.pack, slot, ARENA_WEIGHTS, arena, &e), &e);
        assert_ok(pack_write_arena(s.pack, slot, ARENA_MOMENT1, zero, &e), &e);
        assert_ok(pack_write_arena(s.pack, slot, ARENA_MOMENT2, zero, &e), &e);
        pack_set_lane(s.pack, slot, &s.lane);
    }
    static const int orders[][SLOTS] = {{0, 1, 2}, {2, 0, 1}};
    for (int64_t at = 0; at < 20; at++) {
        struct pack_step step = shape_train_step(&s, at, 0.01, 1), steps[SLOTS] = {step, step, step};
        assert_ok(pack_steps(s.pack, orders[at % 2], SLOTS, steps, 1, &e), &e);
        assert_ok(pack_train(s.pack, 0, &e), &e);
    }
    for (enum arena a = ARENA_WEIGHTS; a <= ARENA_MOMENT2; a++) {
        assert_ok(pack_read_arena(s.pack, 0, a, arena, &e), &e);
        for (int slot = 1; slot < SLOTS; slot++) {
            assert_ok(pack_read_arena(s.pack, slot, a, other, &e), &e);
            assert_memory_equal(arena, other, s.plan.params * sizeof *arena);
        }
    }
    free(arena);
    free(other);
    free(zero);
    s.guards_used = true;
    shape_release(&s);
}

static void a_lane_s_bits_do_not_depend_on_its_slot(void **state)
{
    (void)state;
    check_slots(PLAN_PLAIN, PROVIDER_TILE);
    check_slots(PLAN_PLAIN, PROVIDER_CLBLAST);
    check_slots(PLAN_CHAIN, PROVIDER_TILE);
}

/* So many lanes in steps that are queued at once, against one lane step by step. As many as the device has units: each has
 * one to itself; else they go through the steps together, more of them than one launch has. */
static void check_lanes(struct variant v, int n_steps, int lanes)
{
    enum { STEPS = 35 };
    struct shape s;
    struct err e;
    assert_in_range(n_steps, 1, STEPS);
    shape_init(&s, &v);
    const size_t bytes = s.plan.params * sizeof(float);
    float *start = xcalloc(1, bytes), *zero = xcalloc(1, bytes), *got = xcalloc(1, bytes), *want[3];
    struct pack_step one[STEPS], *all = xcalloc((size_t)(lanes * n_steps), sizeof *all);
    struct pack_loss loss[STEPS], other;
    int *slot = xcalloc((size_t)lanes, sizeof *slot);
    assert_ok(pack_read_arena(s.pack, SLOT, ARENA_WEIGHTS, start, &e), &e);
    for (int k = 0; k < n_steps; k++) one[k] = shape_train_step(&s, k, 0.01, 1);
    shape_steps(&s, one, n_steps);
    for (int k = 0; k < n_steps; k++) assert_ok(pack_train(s.pack, k, &e), &e);
    assert_ok(pack_fetch_ring(s.pack, &e), &e);
    for (int k = 0; k < n_steps; k++) pack_loss(s.pack, 0, k, &loss[k]);
    for (int a = ARENA_WEIGHTS; a <= ARENA_MOMENT2; a++) {
        want[a] = xcalloc(1, bytes);
        assert_ok(pack_read_arena(s.pack, SLOT, (enum arena)a, want[a], &e), &e);
    }
    assert_ok(pack_resize(s.pack, lanes, &e), &e);
    for (int i = 0; i < lanes; i++) {
        slot[i] = i;
        assert_ok(pack_write_arena(s.pack, i, ARENA_WEIGHTS, start, &e), &e);
        assert_ok(pack_write_arena(s.pack, i, ARENA_MOMENT1, zero, &e), &e);
        assert_ok(pack_write_arena(s.pack, i, ARENA_MOMENT2, zero, &e), &e);
        pack_set_lane(s.pack, i, &s.lane);
        for (int k = 0; k < n_steps; k++) all[i * n_steps + k] = one[k];
    }
    assert_ok(pack_steps(s.pack, slot, lanes, all, n_steps, &e), &e);
    assert_ok(pack_train_all(s.pack, &e), &e);
    assert_ok(pack_fetch_ring(s.pack, &e), &e);
    for (int i = 0; i < lanes; i++) {
        for (int k = 0; k < n_steps; k++) {
            pack_loss(s.pack, i, k, &other);
            assert_true(other.rec == loss[k].rec && other.kl == loss[k].kl);
        }
        for (int a = ARENA_WEIGHTS; a <= ARENA_MOMENT2; a++) {
            assert_ok(pack_read_arena(s.pack, i, (enum arena)a, got, &e), &e);
            assert_memory_equal(got, want[a], bytes);
        }
    }
    for (int a = ARENA_WEIGHTS; a <= ARENA_MOMENT2; a++) free(want[a]);
    free(start);
    free(zero);
    free(got);
    free(all);
    free(slot);
    s.guards_used = true;
    shape_release(&s);
}

static void many_steps_at_once_give_the_same_bits(void **state)
{
    (void)state;
    static const char *const optimizer[] = {
        "optimizer.lr=0.01\n",
        "loss.likelihood=gauss_learned\noptimizer.kind=sgd\noptimizer.momentum=0.9\n",
        "optimizer.kind=adamw\noptimizer.weight_decay=0.1\noptimizer.ema=0.9\n",
    };
    const int units = device_info(test_device())->compute_units;
    for (int lanes = 1; lanes <= 2 * units + 1; lanes += lanes < units ? units - lanes : units + 1) {
        for (int i = 0; i < 3; i++) {
            check_lanes((struct variant){.data = 45, .latent = 17, .batch = 161, .hidden = 70, .kind = PLAN_CHAIN,
                                         .optimizer = optimizer[i]}, 35, lanes);
        }
    }
}

/* Fewer lanes than units, as many, and more. */
static void check_few(struct variant v)
{
    const int units = device_info(test_device())->compute_units;
    for (int lanes = 1; lanes <= 2 * units + 1; lanes += lanes < units ? units - lanes : units + 1) check_lanes(v, 3, lanes);
}

static void a_few_steps_at_once_give_the_same_bits_at_every_size(void **state)
{
    (void)state;
    for_each_size(check_few, (struct variant){.kind = PLAN_CHAIN, .optimizer = "loss.likelihood=gauss_learned\n"
                                              "optimizer.kind=adamw\noptimizer.weight_decay=0.1\noptimizer.ema=0.9\n"});
}

/* A step whose every activation is NaN, then weights as before and a smaller batch: as if nothing had been. Padding
 * rows left over from the larger batch would poison the sums over the batch, NaN times 0 being NaN. */
static void check_trace(enum plan_kind kind, enum provider provider)
{
    struct err e;
    float *got[2] = {NULL, NULL};
    size_t params = 0;
    for (int poisoned = 0; poisoned < 2; poisoned++) {
        struct variant v = {.data = 45, .latent = 17, .batch = 33, .hidden = 33, .kind = kind, .provider = provider};
        struct shape s;
        shape_init(&s, &v);
        params = s.plan.params;
        float *zero = xcalloc(params, sizeof *zero);
        if (poisoned) {
            double *nan = doubles(ref_params(&s.ref));
            for (size_t i = 0; i < ref_params(&s.ref); i++) {
                nan[i] = (double)NAN;
            }
            shape_put(&s, ARENA_WEIGHTS, nan);
            struct pack_step full = shape_train_step(&s, 0, 0.1, 1);
            struct pack_loss loss;
            shape_steps(&s, &full, 1);
            assert_ok(pack_train(s.pack, 0, &e), &e);
            assert_ok(pack_fetch_ring(s.pack, &e), &e);
            pack_loss(s.pack, 0, 0, &loss);
            assert_true(loss.not_finite);
            shape_put(&s, ARENA_WEIGHTS, s.theta);
            assert_ok(pack_write_arena(s.pack, SLOT, ARENA_MOMENT1, zero, &e), &e);
            free(nan);
        }
        struct pack_step partial = shape_train_step(&s, 2, 0.1, 1);
        assert_int_equal(partial.rows, 31);
        shape_steps(&s, &partial, 1);
        assert_ok(pack_train(s.pack, 0, &e), &e);
        got[poisoned] = xcalloc(params, sizeof **got);
        assert_ok(pack_read_arena(s.pack, SLOT, ARENA_MOMENT1, got[poisoned], &e), &e);
        free(zero);
        shape_release(&s);
    }
    assert_memory_equal(got[0], got[1], params * sizeof **got);
    free(got[0]);
    free(got[1]);
}

static void a_step_of_nan_leaves_no_trace_in_the_next(void **state)
{
    (void)state;
    check_trace(PLAN_PLAIN, PROVIDER_TILE);
    check_trace(PLAN_PLAIN, PROVIDER_CLBLAST);
    check_trace(PLAN_CHAIN, PROVIDER_TILE);
}

static void best_weights_are_kept_and_survive_a_resize(void **state)
{
    (void)state;
    struct variant v = {.data = 10, .latent = 2, .batch = 31, .hidden = 5};
    struct shape s;
    struct err e;
    shape_init(&s, &v);
    size_t params = ref_params(&s.ref), means = s.n_val * 2;
    double *got = doubles(params), *zero = doubles(params);
    float *mu = xcalloc(means, sizeof *mu), *best_mu = xcalloc(means, sizeof *mu);
    assert_ok(pack_encode(s.pack, SLOT, ARENA_WEIGHTS, s.val, s.n_val, mu, &e), &e);
    assert_ok(pack_keep_best(s.pack, SLOT, &e), &e);
    shape_put(&s, ARENA_WEIGHTS, zero);
    assert_ok(pack_resize(s.pack, SLOTS + 2, &e), &e);
    assert_int_equal(pack_slots(s.pack), SLOTS + 2);
    shape_get(&s, ARENA_BEST, got);
    assert_memory_equal(got, s.theta, params * sizeof *got);
    assert_ok(pack_encode(s.pack, SLOT, ARENA_BEST, s.val, s.n_val, best_mu, &e), &e);
    assert_memory_equal(mu, best_mu, means * sizeof *mu);
    assert_ok(pack_resize(s.pack, SLOTS, &e), &e);
    shape_get(&s, ARENA_BEST, got);
    assert_memory_equal(got, s.theta, params * sizeof *got);
    free(got);
    free(zero);
    free(mu);
    free(best_mu);
    s.guards_used = true; /* a resize keeps arenas, not activations */
    shape_release(&s);
}

/* Products so large that CLBlast copies its operands first: what it takes for that is foretold and counted, too. */
static void memory_with_clblast_s_temporaries_is_foretold(void **state)
{
    (void)state;
    struct err e;
    enum { DIM = 784, N = 1024 };
    struct net net = {.data = DIM, .n_enc = 1, .enc = {1024}, .n_dec = 1, .dec = {1024}, .latent = 20, .batch = N};
    struct plan plan;
    struct pack *pk;
    struct pack_data *data;
    struct pack_lane lane;
    struct pack_step step;
    struct config c;
    size_t temp;
    const int slots[] = {0, 1};
    static uint8_t x[N * DIM];
    static uint32_t rows[N];
    for (uint32_t i = 0; i < N; i++) {
        rows[i] = i;
    }
    const struct pack_rows r = {.x = x, .is_u8 = true, .n = N, .dim = DIM, .train = rows, .n_train = N};
    config_init(&c);
    pack_lane_init(&lane, &c, rng_key(1, 1));
    pack_lane_widths(&lane, &net);
    config_release(&c);
    assert_ok(pack_data_new(&data, test_device(), &r, &e), &e);
    assert_ok(plan_make(&plan, &net, PLAN_PLAIN, &e), &e);
    const uint64_t before = device_bytes_in_use(test_device());
    assert_ok(pack_new(&pk, test_device(), data, &plan, &e), &e);
    pack_set_provider(pk, PROVIDER_CLBLAST);
    assert_ok(pack_resize(pk, 2, &e), &e);
    assert_ok(pack_temp_bytes(&temp, pk, &e), &e);
    for (int i = 0; i < 2; i++) {
        pack_set_lane(pk, i, &lane);
    }
    pack_step_train(&step, &lane, 0, N, N, (struct step_rates){.lr = 1e-3, .beta = 1});
    struct pack_step both[] = {step, step};
    assert_ok(pack_steps(pk, slots, 2, both, 1, &e), &e);
    assert_ok(pack_train(pk, 0, &e), &e);
    assert_ok(device_finish(test_device(), &e), &e);
    const double used = (double)(device_bytes_in_use(test_device()) - before);
    const double foretold = (double)(plan.fixed_bytes + 2 * plan.lane_bytes + temp);
    print_message("foretold %.0f bytes, %zu of them CLBlast's; in use %.0f\n", foretold, temp, used);
    assert_true(temp > 4 * N * DIM);
    assert_close(foretold / used, 1.0, 0.1, 0);
    pack_free(pk);
    pack_data_free(data);
}

int lanes_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_s_numbers_follow_from_its_number_alone),
        cmocka_unit_test(binarized_rows_follow_the_rule),
        cmocka_unit_test(tensors_have_pytorch_s_names_and_layout),
        cmocka_unit_test(a_sample_of_a_tensor_is_spread_evenly),
        cmocka_unit_test(layer_norm_s_tensors_start_at_one_and_zero),
        cmocka_unit_test(memory_with_clblast_s_temporaries_is_foretold),
        cmocka_unit_test(weights_start_as_pytorch_s),
        cmocka_unit_test(other_initialisations_have_their_variance),
        cmocka_unit_test(the_last_bias_can_start_at_the_data_s_mean),
        cmocka_unit_test(a_lane_s_bits_do_not_depend_on_its_slot),
        cmocka_unit_test(many_steps_at_once_give_the_same_bits),
        cmocka_unit_test(a_few_steps_at_once_give_the_same_bits_at_every_size),
        cmocka_unit_test(a_step_of_nan_leaves_no_trace_in_the_next),
        cmocka_unit_test(best_weights_are_kept_and_survive_a_resize),
    };
    return cmocka_run_group_tests_name("model lanes", tests, NULL, NULL);
}
