/* A lane's numbers do not depend on its company: alone, in a pack of 2 and in a pack of 8 they are the same bits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

#define LANES 8
#define SHAPE "model.depth=1\nmodel.width=33\ntrain.batch=16\n"

/* What each lane is and when it comes and goes. All fit one pack: equal shapes once padded to 16. */
static const struct {
    const char *lines;
    int join_epoch;  /* joins when the pack's first lane has finished this epoch */
    int leave_epoch; /* removed once it has finished this epoch; 0: stays to its end */
} cast[LANES] = {
    {SHAPE "model.latent=17\noptimizer.lr=1e-3\ntrain.epochs=5\n", 0, 0},
    {SHAPE "model.latent=20\nmodel.activation=tanh\noptimizer.kind=sgd\noptimizer.lr=3e-3\noptimizer.momentum=0.9\n"
           "loss.beta=0.25\ntrain.epochs=3\n", 0, 0},
    {SHAPE "model.latent=20\noptimizer.kind=rmsprop\noptimizer.lr=2e-3\noptimizer.alpha=0.9\noptimizer.eps=1e-6\n"
           "loss.beta=4\nloss.beta_schedule=linear\nloss.beta_warmup=1.5\ntrain.epochs=4\n", 0, 0},
    {SHAPE "model.latent=18\noptimizer.lr=5e-3\noptimizer.lr_schedule=cosine\noptimizer.beta1=0.5\n"
           "optimizer.beta2=0.9\noptimizer.eps=1e-4\ntrain.epochs=4\nstudy.value=last\n", 0, 0},
    {SHAPE "model.latent=17\noptimizer.kind=sgd\noptimizer.lr=1000\noptimizer.momentum=0.99\ntrain.epochs=4\n", 0, 0},
    {SHAPE "model.latent=20\nmodel.activation=gelu\nmodel.init=he\ndata.binarize=dynamic\noptimizer.lr=2e-3\n"
           "loss.beta_schedule=cyclical\nloss.beta=2\ntrain.epochs=9\n", 0, 2},
    {SHAPE "model.latent=17\nmodel.activation=softplus\nmodel.bias=data\noptimizer.lr=1e-2\ntrain.epochs=4\n", 1, 0},
    {SHAPE "model.latent=19\noptimizer.kind=sgd\noptimizer.lr=1e-2\noptimizer.momentum=0.5\noptimizer.nesterov=yes\n"
           "optimizer.weight_decay=0.01\ntrain.epochs=6\n", 2, 0},
};

/* As the cast, of what else a pack's key holds together: every lane its own rates. */
#define NORM SHAPE "model.norm=layer\ntrain.epochs=3\n"
#define GAUSS SHAPE "loss.likelihood=gauss_learned\noptimizer.clip=30\noptimizer.ema=0.9\ntrain.epochs=3\n"
#define CONTROL SHAPE "loss.likelihood=gauss_optimal\ntrain.epochs=3\n"
static const struct {
    const char *lane[3];
    bool plain_only;
} guests[] = {
    {{NORM "model.latent=17\n", NORM "model.latent=20\nmodel.dropout=0.2\nmodel.activation=gelu\n",
      NORM "model.latent=18\nmodel.dropout=0.5\noptimizer.kind=sgd\noptimizer.lr=3e-3\n"}, false},
    {{SHAPE "model.latent=17\ntrain.epochs=3\n", SHAPE "model.latent=17\nmodel.dropout=0.3\ntrain.epochs=3\n",
      SHAPE "model.latent=20\nmodel.dropout=0.7\nmodel.activation=softplus\ntrain.epochs=3\n"}, false},
    {{GAUSS "model.latent=17\n", GAUSS "model.latent=19\noptimizer.clip=0\noptimizer.skip=60\nloss.sigma=0.5\n",
      GAUSS "model.latent=20\noptimizer.ema=0.5\noptimizer.kind=adamw\noptimizer.weight_decay=0.1\n"}, false},
    {{CONTROL "model.latent=17\nloss.capacity=5\n", CONTROL "model.latent=20\nloss.free_bits=0.2\n",
      CONTROL "model.latent=18\nloss.free_bits=1\nloss.beta=3\nmodel.activation=tanh\n"}, true},
};

struct outcome {
    struct record record;
    struct state_bits state; /* when it left or ended; not kept of a diverged lane */
};

struct member {
    int who, lane; /* lane -1: not yet or no more */
    bool gone;
};

static void join(struct trainer *t, struct member *m)
{
    struct config c = rig_config(cast[m->who].lines);
    m->lane = rig_add(t, &c, m->who, NULL);
    config_release(&c);
}

static void leave(struct trainer *t, struct member *m, struct records *r, struct outcome *out)
{
    out->record = r->lane[m->lane];
    if (out->record.end != EVENT_DIVERGED) {
        out->state = rig_state(t, m->lane);
    }
    trainer_remove(t, m->lane);
    memset(&r->lane[m->lane], 0, sizeof r->lane[m->lane]); /* the handle may be given to the next */
    m->gone = true;
}

static int lanes_in(const struct member *m, int n)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        count += m[i].lane >= 0 && !m[i].gone;
    }
    return count;
}

/* Lanes first .. first + n - 1 of the cast in one pack. */
static void run_pack(struct outcome *out, const struct rig_data *d, int first, int n, enum plan_kind kind)
{
    struct config c = rig_config(cast[first].lines);
    struct trainer *t = rig_trainer(d, &c, kind);
    struct records *r = calloc(1, sizeof *r);
    struct member m[LANES];
    int left = n, lead_epoch = 0;
    struct err e;
    config_release(&c);
    for (int i = 0; i < n; i++) {
        m[i] = (struct member){.who = first + i, .lane = -1};
    }
    while (left > 0) {
        for (int i = 0; i < n; i++) {
            const struct record *mine = m[i].lane < 0 || m[i].gone ? NULL : &r->lane[m[i].lane];
            int away = cast[m[i].who].leave_epoch;
            if (mine && (mine->end != EVENT_EPOCH || (away && mine->row[away].epoch))) {
                leave(t, &m[i], r, &out[m[i].who]);
                left--;
            }
        }
        for (int i = 0; i < n; i++) {
            if (m[i].lane < 0 && left > 0 && (i == 0 || lead_epoch >= cast[m[i].who].join_epoch)) {
                join(t, &m[i]);
            }
        }
        assert_int_equal(trainer_lanes(t), lanes_in(m, n));
        assert_ok(trainer_chunk(t, rig_record, r, &e), &e);
        lead_epoch = m[0].gone ? RIG_ROWS_MAX : r->lane[m[0].lane].rows;
    }
    free(r);
    trainer_free(t);
}

static void check_packs(enum plan_kind kind)
{
    static struct outcome got[3][LANES];
    static const int size[] = {1, 2, LANES};
    struct rig_data d;
    memset(got, 0, sizeof got);
    rig_data_make(&d, 37, 97, 53);
    for (int s = 0; s < 3; s++) {
        for (int first = 0; first < LANES; first += size[s]) {
            run_pack(got[s], &d, first, size[s], kind);
        }
    }
    for (int i = 0; i < LANES; i++) {
        const struct record *alone = &got[0][i].record;
        assert_int_equal(alone->end, i == 4 ? EVENT_DIVERGED : cast[i].leave_epoch ? EVENT_EPOCH : EVENT_DONE);
        assert_true((got[0][i].state.n > 0) == (i != 4));
        for (int s = 1; s < 3; s++) {
            char what[64];
            (void)snprintf(what, sizeof what, "%s, lane %d alone and in a pack of %d", plan_kind_name(kind), i,
                           size[s]);
            assert_same_record(alone, &got[s][i].record, what);
            assert_same_state(&got[0][i].state, &got[s][i].state, what); /* empty where diverged */
        }
    }
    for (int s = 0; s < 3; s++) {
        for (int i = 0; i < LANES; i++) {
            free(got[s][i].state.bytes);
        }
    }
    rig_data_release(&d);
}

/* Epochs long enough for chunks to end inside them, so that the second lane joins where the first is mid-epoch: from
 * then on their epochs, batches' sizes and evaluations never fall together. */
static void run_out_of_step(struct outcome out[2], const struct rig_data *d, enum plan_kind kind, bool together)
{
    struct err e;
    struct config c = rig_config(SHAPE "model.latent=17\ntrain.epochs=2\n");
    struct records *r = calloc(1, sizeof *r);
    struct trainer *t = rig_trainer(d, &c, kind);
    int lane[2] = {rig_add(t, &c, 0, NULL), -1};
    struct lane_status at = {0};
    while (at.step == 0) {
        assert_ok(trainer_chunk(t, rig_record, r, &e), &e);
        trainer_status(t, lane[0], &at);
    }
    assert_in_range(at.step, 1, at.steps / 2 - 1);
    if (!together) {
        rig_run_until(t, r, lane[0], RIG_ROWS_MAX - 1);
        out[0] = (struct outcome){r->lane[lane[0]], rig_state(t, lane[0])};
        trainer_free(t);
        memset(r, 0, sizeof *r);
        t = rig_trainer(d, &c, kind);
    }
    lane[1] = rig_add(t, &c, 1, NULL);
    rig_run_until(t, r, lane[1], RIG_ROWS_MAX - 1);
    out[1] = (struct outcome){r->lane[lane[1]], rig_state(t, lane[1])};
    if (together) {
        out[0] = (struct outcome){r->lane[lane[0]], rig_state(t, lane[0])};
    }
    trainer_free(t);
    config_release(&c);
    free(r);
}

static void lanes_out_of_step_are_the_same_bits_as_alone(void **state)
{
    (void)state;
    static struct outcome alone[2], packed[2];
    struct rig_data d;
    rig_data_make(&d, 37, 16 * 900 - 5, 53);
    for (enum plan_kind kind = PLAN_PLAIN; kind <= PLAN_CHAIN; kind++) {
        run_out_of_step(alone, &d, kind, false);
        run_out_of_step(packed, &d, kind, true);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(alone[i].record.end, EVENT_DONE);
            const char *what = i ? "the lane that joined" : "the lane joined by another";
            assert_same_record(&alone[i].record, &packed[i].record, what);
            assert_same_state(&alone[i].state, &packed[i].state, plan_kind_name(kind));
            free(alone[i].state.bytes);
            free(packed[i].state.bytes);
        }
    }
    rig_data_release(&d);
}

/* Lanes that leave give their memory back after a while, for which those behind them move. */
static void a_lane_that_moves_up_keeps_its_bits(void **state)
{
    (void)state;
    struct rig_data d;
    struct err e;
    struct outcome alone = {0};
    rig_data_make(&d, 37, 97, 53);
    struct config c = rig_config(SHAPE "model.latent=17\ntrain.epochs=45\n");
    struct records *r = calloc(1, sizeof *r);
    for (int company = 0; company < 2; company++) {
        struct trainer *t = rig_trainer(&d, &c, PLAN_CHAIN);
        int lane[3] = {-1, -1, -1};
        for (int i = company ? 0 : 2; i < 3; i++) {
            lane[i] = rig_add(t, &c, i, NULL);
        }
        uint64_t bytes = trainer_bytes(t);
        assert_ok(trainer_chunk(t, rig_record, r, &e), &e);
        for (int i = 0; company && i < 2; i++) {
            trainer_remove(t, lane[i]);
        }
        rig_run_until(t, r, lane[2], RIG_ROWS_MAX - 1);
        struct outcome here = {r->lane[lane[2]], rig_state(t, lane[2])};
        if (company) {
            assert_true(trainer_bytes(t) < bytes);
            assert_same_record(&alone.record, &here.record, "a lane that moved");
            assert_same_state(&alone.state, &here.state, "a lane that moved");
            free(here.state.bytes);
        } else {
            alone = here;
        }
        trainer_free(t);
        memset(r, 0, sizeof *r);
    }
    free(alone.state.bytes);
    free(r);
    config_release(&c);
    rig_data_release(&d);
}

struct heard {
    int trial[16], n;
};

static void hear(void *arg, struct trainer_event *ev)
{
    struct heard *h = arg;
    if (ev->kind == EVENT_SNAPSHOT) {
        snapshot_release(&ev->snapshot);
    } else if (ev->kind == EVENT_EPOCH && h->n < 16) {
        h->trial[h->n++] = ev->trial;
    }
}

/* Whoever came first: pruners judge the trials of a chunk in this order, on every machine. */
static void a_chunk_tells_its_results_in_the_order_of_trials(void **state)
{
    (void)state;
    static const int number[] = {9, 4, 7};
    struct rig_data d;
    struct err e;
    rig_data_make(&d, 37, 97, 53);
    struct config c = rig_config(SHAPE "model.latent=17\ntrain.epochs=3\n");
    struct trainer *t = rig_trainer(&d, &c, PLAN_CHAIN);
    for (int i = 0; i < 3; i++) {
        (void)rig_add(t, &c, number[i], NULL);
    }
    int epochs = 0;
    for (int chunks = 0; epochs < 3; chunks++) {
        struct heard h = {.n = 0};
        assert_true(chunks < 1000);
        assert_ok(trainer_chunk(t, hear, &h, &e), &e);
        if (h.n > 0) { /* in step, so all end an epoch in one chunk */
            assert_int_equal(h.n, 3);
            assert_true(h.trial[0] == 4 && h.trial[1] == 7 && h.trial[2] == 9);
            epochs++;
        }
    }
    trainer_free(t);
    config_release(&c);
    rig_data_release(&d);
}

static void memory_is_what_the_plan_foretold(void **state)
{
    (void)state;
    struct rig_data d;
    rig_data_make(&d, 37, 97, 53);
    for (enum plan_kind kind = PLAN_PLAIN; kind <= PLAN_CHAIN; kind++) {
        struct err e;
        struct net net;
        struct plan plan;
        struct config c = rig_config(SHAPE "model.latent=17\n");
        struct trainer *t = rig_trainer(&d, &c, kind);
        assert_ok(net_from_config(&net, &c, d.set.dim, &e), &e);
        assert_ok(plan_make(&plan, &net, kind, &e), &e);
        for (uint64_t lanes = 1; lanes <= 3; lanes++) {
            (void)rig_add(t, &c, (int)lanes, NULL);
            uint64_t foretold = plan.fixed_bytes + lanes * plan.lane_bytes;
            assert_in_range(trainer_bytes(t), foretold - 128, foretold); /* the fixed part is a rounded guess */
        }
        trainer_free(t);
        config_release(&c);
    }
    rig_data_release(&d);
}

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED true /* shadow memory and freed blocks held back make the process larger than it is */
#else
#define SANITIZED false
#endif

/* Bytes of this process in memory. */
static double resident(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*d %ld", &pages), 1);
    (void)fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* On a CPU the device's memory is the process's: what a wide pack takes there is what was predicted. */
static void memory_seen_is_what_was_predicted(void **state)
{
    (void)state;
    enum { LANES_SEEN = 4 };
    struct rig_data d;
    struct err e;
    const double mib = 1024 * 1024;
    if (!device_is_cpu(rig_device())) {
        print_message("memory of a GPU is not this process's\n");
        return;
    }
    rig_data_make(&d, 784, 4000, 100);
    for (enum plan_kind kind = PLAN_PLAIN; kind <= PLAN_CHAIN; kind++) {
        for (int wide = 0; wide < 2; wide++) { /* a small pack first: the driver compiles, which takes memory of its own */
            struct config c = rig_config(wide ? "model.width=1024\nmodel.latent=64\ntrain.batch=128\n"
                                              : "model.width=16\nmodel.latent=2\ntrain.batch=128\n");
            double before = resident(), used = (double)device_bytes_in_use(rig_device());
            struct trainer *t = rig_trainer(&d, &c, kind);
            struct records *r = calloc(1, sizeof *r);
            uint64_t foretold;
            for (int i = 0; i < LANES_SEEN; i++) {
                (void)rig_add(t, &c, i, NULL);
            }
            assert_ok(trainer_predict(&foretold, t, LANES_SEEN, &e), &e);
            assert_ok(trainer_chunk(t, rig_record, r, &e), &e);
            double grown = resident() - before, buffers = (double)device_bytes_in_use(rig_device()) - used;
            print_message("%s: predicted %.1f MiB, buffers %.1f, resident %.1f\n", plan_kind_name(kind), (double)foretold / mib,
                          buffers / mib, grown / mib);
            assert_close((double)foretold / buffers, 1.0, 0.1, 0);
            if (wide && !SANITIZED) {
                assert_close(grown / mib, (double)foretold / mib, 32, 0);
            }
            trainer_free(t);
            config_release(&c);
            free(r);
        }
    }
    rig_data_release(&d);
}

static void a_lane_that_cannot_fit_is_refused_with_both_numbers(void **state)
{
    (void)state;
    struct rig_data d;
    struct err e;
    uint64_t need;
    int lane;
    rig_data_make(&d, 37, 97, 53);
    struct config c = rig_config(SHAPE "model.latent=17\n");
    struct trainer *t = rig_trainer(&d, &c, PLAN_CHAIN);
    (void)rig_add(t, &c, 0, NULL);
    assert_ok(trainer_predict(&need, t, 2, &e), &e);
    const uint64_t used = device_bytes_in_use(rig_device()), all = device_budget(rig_device());
    device_share_memory(rig_device(), (int)(all / (used + need / 2)));
    struct lane_spec s = {.trial = 1, .study_seed = RIG_SEED, .config = &c};
    enum err_code rc = trainer_add(t, &lane, &s, &e);
    device_share_memory(rig_device(), 1);
    assert_err(rc, ERR_DEVICE_MEM, &e);
    assert_has(e.text, "needed");
    assert_has(e.text, "available");
    print_message("%s\n", e.text);
    assert_int_equal(trainer_lanes(t), 1);
    assert_ok(trainer_add(t, &lane, &s, &e), &e); /* with all of it there is room */
    trainer_free(t);
    config_release(&c);
    rig_data_release(&d);
}

/* A rate at which the loss climbs for some steps before it overflows, so that the end falls into a later chunk. */
#define CLIMBING SHAPE "model.latent=17\noptimizer.kind=sgd\noptimizer.lr=0.7\nloss.beta=0\ntrain.epochs=2\n"

/* How a lane's divergence is told must not depend on where chunks end, which hangs on what was measured before. */
static void divergence_is_told_alike_whatever_the_chunks(void **state)
{
    (void)state;
    struct rig_data d;
    struct record told[2];
    struct err e;
    rig_data_make(&d, 37, 16 * 900 - 5, 53);
    for (int company = 0; company < 2; company++) {
        struct config c = rig_config(CLIMBING), calm = rig_config(SHAPE "model.latent=17\n");
        struct trainer *t = rig_trainer(&d, &c, PLAN_CHAIN);
        struct records *r = calloc(1, sizeof *r);
        if (company) {
            (void)rig_add(t, &calm, 1, NULL);
            assert_ok(trainer_chunk(t, rig_record, r, &e), &e); /* so that the length of a step is known */
        }
        int lane = rig_add(t, &c, 0, NULL);
        rig_run_until(t, r, lane, RIG_ROWS_MAX - 1);
        told[company] = r->lane[lane];
        trainer_free(t);
        config_release(&c);
        config_release(&calm);
        free(r);
    }
    assert_int_equal(told[0].end, EVENT_DIVERGED);
    print_message("%s\n", told[0].text);
    assert_same_record(&told[0], &told[1], "diverged alone and in company");
    rig_data_release(&d);
}

/* Lanes first .. first + n - 1 of one row of guests to their ends. */
static void run_guests(struct outcome *out, const struct rig_data *d, const char *const *lines, int n, enum plan_kind kind)
{
    struct config c = rig_config(lines[0]);
    struct trainer *t = rig_trainer(d, &c, kind);
    struct records *r = calloc(1, sizeof *r);
    int lane[3];
    config_release(&c);
    for (int i = 0; i < n; i++) {
        struct config own = rig_config(lines[i]);
        lane[i] = rig_add(t, &own, 5, NULL); /* one key: what differs is what they are */
        config_release(&own);
    }
    for (int i = 0; i < n; i++) {
        rig_run_until(t, r, lane[i], RIG_ROWS_MAX - 1);
        out[i] = (struct outcome){r->lane[lane[i]], rig_state(t, lane[i])};
    }
    trainer_free(t);
    free(r);
}

static void lanes_of_every_kind_are_the_same_bits_as_alone(void **state)
{
    (void)state;
    static struct outcome alone[3], packed[3];
    struct rig_data d;
    rig_data_make(&d, 37, 97, 53);
    for (size_t k = 0; k < sizeof guests / sizeof *guests; k++) {
        for (enum plan_kind kind = PLAN_PLAIN; kind <= (guests[k].plain_only ? PLAN_PLAIN : PLAN_CHAIN); kind++) {
            for (int i = 0; i < 3; i++) {
                run_guests(&alone[i], &d, &guests[k].lane[i], 1, kind);
            }
            run_guests(packed, &d, guests[k].lane, 3, kind);
            for (int i = 0; i < 3; i++) {
                assert_int_equal(alone[i].record.end, EVENT_DONE);
                assert_same_record(&alone[i].record, &packed[i].record, guests[k].lane[i]);
                assert_same_state(&alone[i].state, &packed[i].state, guests[k].lane[i]);
            }
            assert_true(alone[0].record.value != alone[1].record.value && alone[1].record.value != alone[2].record.value);
            for (int i = 0; i < 3; i++) {
                free(alone[i].state.bytes);
                free(packed[i].state.bytes);
            }
        }
    }
    rig_data_release(&d);
}

static void plain_lanes_are_the_same_bits_in_packs_of_1_2_and_8(void **state)
{
    (void)state;
    check_packs(PLAN_PLAIN);
}

static void chain_lanes_are_the_same_bits_in_packs_of_1_2_and_8(void **state)
{
    (void)state;
    check_packs(PLAN_CHAIN);
}

int packs_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_lanes_are_the_same_bits_in_packs_of_1_2_and_8),
        cmocka_unit_test(chain_lanes_are_the_same_bits_in_packs_of_1_2_and_8),
        cmocka_unit_test(lanes_of_every_kind_are_the_same_bits_as_alone),
        cmocka_unit_test(a_lane_that_moves_up_keeps_its_bits),
        cmocka_unit_test(a_chunk_tells_its_results_in_the_order_of_trials),
        cmocka_unit_test(memory_is_what_the_plan_foretold),
        cmocka_unit_test(memory_seen_is_what_was_predicted),
        cmocka_unit_test(a_lane_that_cannot_fit_is_refused_with_both_numbers),
        cmocka_unit_test(divergence_is_told_alike_whatever_the_chunks),
        cmocka_unit_test(lanes_out_of_step_are_the_same_bits_as_alone),
    };
    return cmocka_run_group_tests_name("train packs", tests, NULL, NULL);
}
