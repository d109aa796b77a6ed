/* data.scale, data.test and what they do to values, rows and the hash. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "vaetop/base/alloc.h"

#include "../../src/data/scale.h"

static char *put_text(const char *name, const char *text)
{
    return put_file(temp_dir(), name, text, strlen(text));
}

static void bytes_stay_bytes_where_255_allows_it(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        enum data_type type;
        float want[4];
    } cases[] = {
        {"", DATA_U8, {0}},
        {"data.scale=255\n", DATA_U8, {0}},
        {"data.scale=unit\n", DATA_F32, {0, 0.25f, 1, 1}}, /* training rows: the first; the last value is clipped */
    };
    char *path = put_file(temp_dir(), "x", "\0\0\x08\3\0\0\0\2\0\0\0\2\0\0\0\2\1\2\5\5\5\5\5\x09", 24);
    for (size_t i = 0; i < 3; i++) {
        struct dataset d;
        char *settings = xasprintf("%sdata.validation=last 1\n", cases[i].settings);
        load_with(&d, path, settings);
        assert_int_equal(d.type, cases[i].type);
        assert_int_equal(d.height, 2);
        if (d.type == DATA_U8) {
            assert_memory_equal(d.x, "\1\2\5\5\5\5\5\x09", 8);
            assert_int_equal(d.scale.n, 1);
            assert_true(d.scale.factor[0] == 1.0f / 255.0f);
        } else {
            for (int k = 0; k < 4; k++) {
                assert_close(((float *)d.x)[k], cases[i].want[k], 0.0, 1e-6);
            }
            assert_true(((float *)d.x)[7] == 1.0f);
        }
        dataset_release(&d);
        free(settings);
    }
    struct err e;
    refuse_with(&e, path, "data.scale=none\n");
    assert_has(e.text, "offset 17: found 2");
    assert_has(e.text, "set data.scale to 255 or unit");
    free(path);
}

static void unit_takes_each_column_of_a_table_by_its_training_rows(void **state)
{
    (void)state;
    struct dataset d;
    char *path = put_text("t.csv", "-1,10,5\n3,20,5\n7,0,6\n");
    load_with(&d, path, "data.scale=unit\ndata.validation=last 1\n");
    assert_floats(&d, (const float[]){0, 0, 0, 1, 1, 0, 1, 0, 1}, 9);
    assert_int_equal(d.scale.n, 3);
    assert_true(d.scale.clip);
    dataset_release(&d);
    /* test rows count as little as validation rows */
    load_with(&d, path, "data.scale=unit\ndata.validation=last 1\ndata.test=last 1\n");
    assert_true(d.scale.shift[0] == -1.0f && d.scale.shift[1] == 10.0f);
    dataset_release(&d);
    free(path);
}

static void standard_makes_mean_0_and_deviation_1_of_training_rows(void **state)
{
    (void)state;
    uint32_t train[] = {0, 2};
    const struct split split = {.train = train, .n_train = 2};
    for (int images = 0; images < 2; images++) {
        /* rows 0 and 2 train: columns 1, 5 (mean 3, deviation 2) and 7, 7 (constant); all: mean 5, deviation sqrt(6) */
        float x[] = {1, 7, 100, -100, 5, 7};
        struct dataset d = {.n = 3, .dim = 2, .height = images ? 2 : 1, .width = images ? 1 : 2,
                            .type = DATA_F32, .x = x};
        struct data_scale s, copy;
        scale_fit(&s, &d, SCALING_STANDARD, &split);
        scale_copy(&copy, &s);
        scale_apply(&d, &copy);
        assert_int_equal(s.n, images ? 1 : 2);
        if (images) {
            const double r6 = sqrt(6.0);
            assert_close(x[0], -4 / r6, 1e-6, 1e-6);
            assert_close(x[1], 2 / r6, 1e-6, 1e-6);
            assert_close(x[2], 95 / r6, 1e-6, 1e-6);
        } else {
            const float want[] = {-1, 0, 48.5f, -107, 1, 0};
            assert_memory_equal(x, want, sizeof want);
        }
        scale_release(&s);
        scale_release(&copy);
    }
}

static void standard_holds_against_large_offsets(void **state)
{
    (void)state;
    enum { N = 1000 };
    static float x[N];
    static uint32_t train[N];
    const struct split split = {.train = train, .n_train = N};
    struct dataset d = {.n = N, .dim = 1, .height = 1, .width = 1, .type = DATA_F32, .x = x};
    struct data_scale s;
    double sum = 0, square = 0;
    for (int i = 0; i < N; i++) {
        x[i] = 100000.0f + (float)(i % 10);
        train[i] = (uint32_t)i;
    }
    scale_fit(&s, &d, SCALING_STANDARD, &split);
    scale_apply(&d, &s);
    for (int i = 0; i < N; i++) {
        sum += (double)x[i];
        square += (double)x[i] * (double)x[i];
    }
    assert_close(sum / N, 0.0, 2e-3, 0.0);
    assert_close(square / N, 1.0, 1e-3, 0.0);
    scale_release(&s);
}

static void the_hash_tells_scales_and_shapes_apart(void **state)
{
    (void)state;
    static const char *const settings[] = {"", "data.scale=none\n", "data.scale=255\n", "data.scale=unit\n",
                                           "data.shape=1x2\n", "data.shape=2x1\n",
                                           "data.scale=unit\ndata.validation=last 2\n"};
    uint64_t hash[7];
    char *path = put_text("t.csv", "0,1\n1,0\n0.5,0.75\n0,0.5\n");
    for (size_t i = 0; i < 7; i++) {
        struct dataset d;
        load_with(&d, path, settings[i]);
        hash[i] = d.hash;
        dataset_release(&d);
    }
    assert_true(hash[0] == hash[1]); /* auto of floats is none */
    assert_true(hash[0] == hash[4]); /* a table is a row of one */
    assert_true(hash[0] != hash[2] && hash[0] != hash[3] && hash[2] != hash[3]);
    assert_true(hash[0] != hash[5]);
    free(path);
}

static void the_builtin_digits_can_be_floats(void **state)
{
    (void)state;
    struct dataset bytes, floats;
    struct err e;
    load_with(&bytes, "builtin:digits", "data.count=20\n");
    load_with(&floats, "builtin:digits", "data.count=20\ndata.scale=unit\n");
    assert_int_equal(floats.type, DATA_F32);
    assert_int_equal(floats.scale.n, 1);
    const float top = 1.0f / floats.scale.factor[0];
    for (size_t i = 0; i < 20 * 784; i++) {
        assert_close(((float *)floats.x)[i], fmin(1.0, (double)(((uint8_t *)bytes.x)[i] / top)), 1e-6, 1e-6);
    }
    dataset_release(&bytes);
    dataset_release(&floats);
    refuse_with(&e, "builtin:digits", "data.count=20\ndata.scale=none\n");
    assert_has(e.text, "builtin:digits: row 1, value ");
    refuse_with(&e, "builtin:digits", "data.shape=20x20\n");
    assert_has(e.text, "expected a shape of 784 values");
}

static void a_test_file_gets_the_training_rows_constants(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    struct config c;
    struct dataset train, test;
    struct err e;
    char *path = put_text("t.csv", "label,a,b\n0,1,10\n1,3,30\n1,2,20\n");
    char *other = put_file(dir, "o.csv", "label,a,b\n1,2,40\n", 17);
    char *settings = xasprintf("data.scale=unit\ndata.validation=last 1\ndata.test=%s\n", other);
    load_with(&train, path, settings);
    data_config(&c, path, KNOB_NONE, NULL);
    assert_ok(config_parse(&c, settings, &e), &e);
    assert_ok(dataset_load_test(&test, &c, &train, &e), &e);
    assert_floats(&test, (const float[]){0.5f, 1}, 2);
    assert_int_equal(test.label[0], 1);
    dataset_release(&test);
    free(put_file(dir, "o.csv", "1,2,40\n1,1,1\n", 13));
    assert_err(dataset_load_test(&test, &c, &train, &e), ERR_DATA, &e);
    assert_has(e.text, "found rows of 3 values, expected 2 as the training rows have");
    struct dataset_header h;
    assert_err(dataset_peek(&h, &c, &e), ERR_DATA, &e); /* before a study is made */
    assert_ok(config_set(&c, KNOB_DATA_TEST, "last 1", &e), &e);
    assert_err(dataset_load_test(&test, &c, &train, &e), ERR_NOTFOUND, &e);
    dataset_release(&train);
    config_release(&c);
    free(path);
    free(other);
    free(settings);
}

static void a_test_file_of_bytes_stays_bytes(void **state)
{
    (void)state;
    static const char images[] = "\0\0\x08\3\0\0\0\2\0\0\0\2\0\0\0\1abcd";
    static const char labels[] = "\0\0\x08\1\0\0\0\2\1\2";
    const char *dir = temp_dir();
    struct config c;
    struct dataset train, test;
    struct dataset_header h;
    struct err e;
    char *path = put_file(dir, "train", images, sizeof images - 1);
    char *other = put_file(dir, "test-images-idx3", images, sizeof images - 1);
    free(put_file(dir, "test-labels-idx1", labels, sizeof labels - 1));
    data_config(&c, path, KNOB_DATA_TEST, other);
    assert_ok(dataset_peek(&h, &c, &e), &e);
    assert_ok(dataset_load(&train, &c, &e), &e);
    assert_ok(dataset_load_test(&test, &c, &train, &e), &e);
    assert_int_equal(test.type, DATA_U8);
    assert_memory_equal(test.x, "abcd", 4);
    assert_memory_equal(test.label, "\1\2", 2);
    dataset_release(&train);
    dataset_release(&test);
    config_release(&c);
    free(path);
    free(other);
}

int scale_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_stay_bytes_where_255_allows_it),
        cmocka_unit_test(unit_takes_each_column_of_a_table_by_its_training_rows),
        cmocka_unit_test(standard_makes_mean_0_and_deviation_1_of_training_rows),
        cmocka_unit_test(standard_holds_against_large_offsets),
        cmocka_unit_test(the_hash_tells_scales_and_shapes_apart),
        cmocka_unit_test(the_builtin_digits_can_be_floats),
        cmocka_unit_test(a_test_file_gets_the_training_rows_constants),
        cmocka_unit_test(a_test_file_of_bytes_stays_bytes),
    };
    return cmocka_run_group_tests_name("data scale", tests, NULL, NULL);
}
