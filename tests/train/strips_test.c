/* The images of a snapshot: the same that a model in use makes of its checkpoint. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/train/use.h"

#define LINES "data.count=300\nmodel.width=33\nmodel.latent=5\ntrain.batch=16\ntrain.epochs=2\nstudy.value=last\n"

struct kept {
    struct snapshot last;
    bool done;
};

static void keep(void *arg, struct trainer_event *ev)
{
    struct kept *k = arg;
    if (ev->kind == EVENT_SNAPSHOT) {
        snapshot_release(&k->last);
        k->last = ev->snapshot;
    }
    k->done = k->done || ev->kind == EVENT_DONE;
}

static void run(struct trainer *t, struct kept *k)
{
    struct err e;
    *k = (struct kept){.done = false};
    while (!k->done) {
        assert_ok(trainer_chunk(t, keep, k, &e), &e);
    }
}

/* Float sums of other batch sizes may differ in their last bit, and so a byte by one. */
static void assert_bytes_near(const uint8_t *got, const float *want, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_close((double)got[i], 255 * fmin(fmax((double)want[i], 0), 1), 1.01, 0);
    }
}

/* Of weights by moving mean too, whose checkpoint holds them apart. */
static void compare_with_use(const struct snapshot *s, const char *path)
{
    struct use *u;
    struct err e;
    const size_t n = (size_t)s->n_images * 784;
    assert_ok(use_open(&u, rig_device(), path, USE_OWN_DATA, NULL, &e), &e);
    float *x = xcalloc(n, sizeof *x), *z = xcalloc(SNAPSHOT_IMAGES * 5, sizeof *z);
    use_rows(u, x, use_split(u)->val, SNAPSHOT_IMAGES);
    assert_bytes_near(s->pixels, x, n);
    assert_ok(use_encode(u, z, use_split(u)->val, SNAPSHOT_IMAGES, &e), &e);
    assert_ok(use_decode(u, x, z, SNAPSHOT_IMAGES, &e), &e);
    assert_bytes_near(s->pixels + n, x, n);
    use_prior(z, SNAPSHOT_IMAGES, 5, RIG_SEED);
    assert_ok(use_decode(u, x, z, SNAPSHOT_IMAGES, &e), &e);
    assert_bytes_near(s->pixels + 2 * n, x, n);
    free(x);
    free(z);
    use_free(u);
}

static void images_are_those_of_the_model_in_use(void **state)
{
    static const char *const lines[] = {LINES, LINES "optimizer.ema=0.99\n", LINES "data.binarize=static\n",
                                        LINES "loss.likelihood=gauss_fixed\n"};
    (void)state;
    for (size_t i = 0; i < 2 * (sizeof lines / sizeof *lines); i++) {
        struct config c = rig_config(lines[i / 2]);
        struct rig_data d = {0};
        struct kept k;
        struct err e;
        char *path = xasprintf("%s/strips.safetensors", temp_dir());
        assert_ok(dataset_load(&d.set, &c, &e), &e);
        assert_ok(split_make(&d.split, &c, d.set.n, &e), &e);
        assert_ok(trainer_data_new(&d.resident, rig_device(), &d.set, &d.split, &e), &e);
        struct trainer *t = rig_trainer(&d, &c, i % 2 ? PLAN_CHAIN : PLAN_PLAIN);
        int lane = rig_add(t, &c, 3, NULL);
        run(t, &k);
        assert_int_equal(k.last.n_images, SNAPSHOT_IMAGES);
        assert_int_equal(k.last.image_h, 28);
        assert_int_equal(k.last.image_w, 28);
        assert_ok(trainer_checkpoint(t, lane, path, &e), &e);
        trainer_free(t);
        compare_with_use(&k.last, path);
        snapshot_release(&k.last);
        config_release(&c);
        rig_data_release(&d);
        free(path);
    }
}

static void what_is_no_image_has_none_and_a_large_one_is_made_smaller(void **state)
{
    static const size_t height[] = {1, 40};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct rig_data d;
        struct kept k;
        struct config c = rig_config("model.width=20\nmodel.latent=3\ntrain.batch=16\ntrain.epochs=1\n");
        rig_data_make(&d, 40 * 45, 30, 5);
        d.set.height = height[i];
        d.set.width = d.set.dim / height[i];
        struct trainer *t = rig_trainer(&d, &c, PLAN_PLAIN);
        (void)rig_add(t, &c, 0, NULL);
        run(t, &k);
        assert_int_equal(k.last.n_images, i == 0 ? 0 : 5);
        if (i == 1) {
            const uint8_t *row = (const uint8_t *)d.set.x + (size_t)d.split.val[0] * d.set.dim;
            assert_int_equal(k.last.image_h, 20);
            assert_int_equal(k.last.image_w, 23);
            double box = (row[0] + row[1] + row[45] + row[46]) / 4.0, edge = (row[44] + row[45 + 44]) / 2.0;
            assert_close(k.last.pixels[0], box, 0.51, 0);
            assert_close(k.last.pixels[22], edge, 0.51, 0);
        } else {
            assert_null(k.last.pixels);
        }
        snapshot_release(&k.last);
        trainer_free(t);
        rig_data_release(&d);
        config_release(&c);
    }
}

int strips_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_are_those_of_the_model_in_use),
        cmocka_unit_test(what_is_no_image_has_none_and_a_large_one_is_made_smaller),
    };
    return cmocka_run_group_tests_name("train strips", tests, NULL, NULL);
}
