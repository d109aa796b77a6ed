/* One well-known setting on MNIST's test set against PyTorch's numbers, in both plans: 784-400-20, ReLU, grey pixels,
 * PyTorch's initialisation, Adam at 1e-3, batches of 128 with the last partial one, the last 2,000 images held out.
 * A value outside the bands, on either side, is a bug to find: too low would be a KL or a noise forgotten. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#include "vaetop/base/alloc.h"
#include "vaetop/train/trainer.h"

#define EPOCHS 20
/* Part of the setting: seeds 1 to 6 end at 115.8 to 116.6 nats (mean 116.2), of which KL 24.5 to 25.9 (mean 25.05),
 * after 124.73 to 125.74 at epoch 10; this is the one nearest to the means. */
#define SEED 2

struct run {
    struct epoch_row row[EPOCHS + 1]; /* by epoch, from 1 */
    int rows;
    bool done;
    double value;
};

static struct config config;
static struct dataset data;
static struct split split;
static struct device *device;

static int open_device(void)
{
    struct device_info *list = NULL;
    size_t n = 0;
    struct err e;
    enum err_code rc = device_list_icd(&list, &n, &e);
    if (!rc) {
        rc = n ? device_open(&device, list[0].platform_index, list[0].device_index, NULL, &e)
               : err_set(&e, ERR_NODEVICE, "no OpenCL device");
    }
    free(list);
    if (rc) {
        print_error("%s\n", e.text);
    }
    return (int)rc;
}

static int set_up(void **state)
{
    (void)state;
    struct err e;
    const char *folder = getenv("VAETOP_MNIST");
    char *source = xasprintf("%s/t10k-images-idx3-ubyte.gz", folder ? folder : "(VAETOP_MNIST is not set)");
    const struct {
        enum knob knob;
        const char *text;
    } setting[] = {
        {KNOB_DATA_SOURCE, source},     {KNOB_DATA_VALIDATION, "last 2000"}, {KNOB_MODEL_DEPTH, "1"},
        {KNOB_MODEL_WIDTH, "400"},      {KNOB_MODEL_LATENT, "20"},           {KNOB_MODEL_ACTIVATION, "relu"},
        {KNOB_OPTIMIZER_KIND, "adam"},  {KNOB_OPTIMIZER_LR, "1e-3"},         {KNOB_TRAIN_BATCH, "128"},
        {KNOB_TRAIN_EPOCHS, "20"},      {KNOB_STUDY_VALUE, "last"},
    };
    config_init(&config);
    enum err_code rc = ERR_OK;
    for (size_t i = 0; !rc && i < sizeof setting / sizeof *setting; i++) {
        rc = config_set(&config, setting[i].knob, setting[i].text, &e);
    }
    free(source);
    rc = rc ? rc : dataset_load(&data, &config, &e);
    rc = rc ? rc : split_make(&split, &config, data.n, &e);
    if (rc) {
        print_error("%s\n", e.text);
        return (int)rc;
    }
    return open_device();
}

static int tear_down(void **state)
{
    (void)state;
    device_close(device);
    split_release(&split);
    dataset_release(&data);
    config_release(&config);
    return 0;
}

static void on_event(void *arg, struct trainer_event *ev)
{
    struct run *r = arg;
    if (ev->kind == EVENT_EPOCH && ev->row.epoch <= EPOCHS) {
        r->row[ev->row.epoch] = ev->row;
        r->rows++;
    } else if (ev->kind == EVENT_SNAPSHOT) {
        snapshot_release(&ev->snapshot);
    } else if (ev->kind == EVENT_DONE || ev->kind == EVENT_DIVERGED) {
        r->done = true;
        r->value = ev->kind == EVENT_DONE ? ev->value : 0;
    }
}

static void train(struct run *out, const struct split *rows, const struct config *c, enum plan_kind kind)
{
    struct err e;
    struct net net;
    struct plan plan;
    struct trainer_data *resident;
    struct trainer *t;
    int lane;
    memset(out, 0, sizeof *out);
    assert_ok(net_from_config(&net, c, data.dim, &e), &e);
    assert_ok(plan_make(&plan, &net, kind, &e), &e);
    assert_ok(trainer_data_new(&resident, device, &data, rows, &e), &e);
    assert_ok(trainer_new(&t, device, resident, &plan, &e), &e);
    assert_ok(trainer_add(t, &lane, &(struct lane_spec){.study_seed = SEED, .config = c}, &e), &e);
    while (!out->done) {
        assert_ok(trainer_chunk(t, on_event, out, &e), &e);
    }
    trainer_free(t);
    trainer_data_free(resident);
}

static void check_setting(enum plan_kind kind)
{
    struct run r;
    train(&r, &split, &config, kind);
    const struct epoch_row *last = &r.row[EPOCHS];
    print_message("%s, seed %d: epoch 10 %.2f, epoch 20 %.2f (rec %.2f, kl %.2f), %.1f s\n", plan_kind_name(kind), SEED,
                  r.row[10].value, r.value, last->val_rec, last->val_kl, last->seconds);
    assert_int_equal(r.rows, EPOCHS);
    assert_close(r.row[10].value, (123.8 + 125.7) / 2, (125.7 - 123.8) / 2, 0);
    assert_close(r.value, 116.3, 0.7, 0);
    assert_close(last->val_kl, 25.2, 0.8, 0);
    assert_close(last->val_rec + last->val_kl, r.value, 1e-9, 0);
    assert_int_equal(last->step, EPOCHS * 63); /* 62 full batches of 8,000 images and one of 64 */
}

/* One epoch of one batch, so that the epoch's training loss is that batch's, before any update. */
static void check_first_batch(enum plan_kind kind)
{
    struct run r;
    struct err e;
    struct config c;
    struct split first = split;
    first.n_train = 128;
    config_copy(&c, &config);
    assert_ok(config_set(&c, KNOB_TRAIN_EPOCHS, "1", &e), &e);
    train(&r, &first, &c, kind);
    config_release(&c);
    print_message("%s: first batch %.2f\n", plan_kind_name(kind), r.row[1].train_loss);
    assert_int_equal(r.row[1].step, 1);
    assert_close(r.row[1].train_loss, 550, 10, 0);
}

static void plain_plan_reaches_pytorch_s_numbers(void **state)
{
    (void)state;
    check_setting(PLAN_PLAIN);
}

static void chain_plan_reaches_pytorch_s_numbers(void **state)
{
    (void)state;
    check_setting(PLAN_CHAIN);
}

static void first_batch_costs_what_an_untrained_net_must(void **state)
{
    (void)state;
    check_first_batch(PLAN_PLAIN);
    check_first_batch(PLAN_CHAIN);
}

int fixed_setting_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_batch_costs_what_an_untrained_net_must),
        cmocka_unit_test(plain_plan_reaches_pytorch_s_numbers),
        cmocka_unit_test(chain_plan_reaches_pytorch_s_numbers),
    };
    return cmocka_run_group_tests_name("mnist fixed_setting", tests, set_up, tear_down);
}
