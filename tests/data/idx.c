/* Data sets that are read: IDX, packed or not, bytes and floats, with labels where they belong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "vaetop/base/alloc.h"
#include "vaetop/data/dataset.h"

/* Three images of 2 x 2 and their labels. */
static const uint8_t images[] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0,  2,  0,  0,
                                 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255};
static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 7, 0, 4};

static void load(struct dataset *d, const char *source, enum knob k, const char *text)
{
    struct config c;
    struct dataset_header h;
    struct err e;
    data_config(&c, source, k, text);
    assert_ok(dataset_peek(&h, &c, &e), &e);
    assert_ok(dataset_load(d, &c, &e), &e);
    config_release(&c);
    /* What the peek promised is what the load brought. */
    assert_int_equal(h.n, d->n);
    assert_int_equal(h.dim, d->dim);
    assert_int_equal(h.height, d->height);
    assert_int_equal(h.width, d->width);
    assert_int_equal(h.type, d->type);
    assert_int_equal(h.has_labels, d->label != NULL);
}

static void check_three(const struct dataset *d, const char *source)
{
    assert_string_equal(d->source, source);
    assert_int_equal(d->n, 3);
    assert_int_equal(d->dim, 4);
    assert_int_equal(d->height, 2);
    assert_int_equal(d->width, 2);
    assert_int_equal(d->type, DATA_U8);
    assert_memory_equal(d->x, images + 16, 12);
    assert_int_equal(d->n_classes, 8);
    assert_memory_equal(d->label, labels + 8, 3);
}

static void plain_and_packed_files_give_the_same_data_set(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    struct dataset plain, packed;
    size_t packed_len, packed_labels_len;
    uint8_t *packed_images = gzip(&packed_len, images, sizeof images);
    uint8_t *packed_labels = gzip(&packed_labels_len, labels, sizeof labels);
    char *a = put_file(dir, "t-images-idx3-ubyte", images, sizeof images);
    char *b = put_file(dir, "t-labels-idx1-ubyte", labels, sizeof labels);
    char *c = put_file(dir, "u-images-idx3-ubyte.gz", packed_images, packed_len);
    char *d = put_file(dir, "u-labels-idx1-ubyte.gz", packed_labels, packed_labels_len);
    load(&plain, a, KNOB_NONE, NULL);
    load(&packed, c, KNOB_NONE, NULL);
    check_three(&plain, a);
    check_three(&packed, c);
    assert_true(plain.hash == packed.hash);
    dataset_release(&plain);
    dataset_release(&packed);
    free(a);
    free(b);
    free(c);
    free(d);
    free(packed_images);
    free(packed_labels);
}

static void labels_are_found_packed_unpacked_dotted_or_named(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"a-images-idx3-ubyte.gz", "a-labels-idx1-ubyte"}, /* one packed by name only: the magic decides */
        {"b-images-idx3-ubyte", "b-labels-idx1-ubyte.gz"},
        {"c-images.idx3-ubyte", "c-labels.idx1-ubyte"},
        {"images", "labels"},
    };
    const char *dir = temp_dir();
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct dataset d;
        char *a = put_file(dir, pairs[i][0], images, sizeof images);
        char *b = put_file(dir, pairs[i][1], labels, sizeof labels);
        load(&d, a, KNOB_NONE, NULL);
        check_three(&d, a);
        dataset_release(&d);
        free(a);
        free(b);
    }
    struct dataset d;
    char *a = put_file(dir, "other", images, sizeof images);
    char *b = put_file(dir, "classes", labels, sizeof labels);
    load(&d, a, KNOB_DATA_LABELS, b);
    check_three(&d, a);
    dataset_release(&d);
    free(a);
    free(b);
}

static void labels_can_be_left_out_or_be_absent(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    struct dataset d, with;
    char *a = put_file(dir, "images", images, sizeof images);
    char *b = put_file(dir, "labels", labels, sizeof labels);
    char *c = put_file(dir, "unlabelled", images, sizeof images);
    load(&d, a, KNOB_DATA_LABELS, "none");
    assert_null(d.label);
    assert_int_equal(d.n_classes, 0);
    load(&with, a, KNOB_NONE, NULL);
    assert_true(with.hash != d.hash);
    dataset_release(&with);
    dataset_release(&d);
    load(&d, c, KNOB_NONE, NULL);
    assert_null(d.label);
    dataset_release(&d);
    free(a);
    free(b);
    free(c);
}

static void a_path_may_begin_at_home(void **state)
{
    (void)state;
    struct dataset d;
    char *dir = xstrdup(temp_dir());
    char *home = xstrdup(getenv("HOME"));
    free(put_file(dir, "images", images, sizeof images));
    assert_int_equal(setenv("HOME", dir, 1), 0);
    load(&d, "~/images", KNOB_NONE, NULL);
    assert_string_equal(d.source, "~/images");
    assert_int_equal(d.n, 3);
    dataset_release(&d);
    assert_int_equal(setenv("HOME", home, 1), 0);
    free(dir);
    free(home);
}

static void count_takes_the_first_images(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    struct dataset d, all;
    size_t len;
    uint8_t *packed = gzip(&len, images, sizeof images);
    char *plain_path = put_file(dir, "images", images, sizeof images);
    char *packed_path = put_file(dir, "images.gz", packed, len);
    char *b = put_file(dir, "labels", labels, sizeof labels);
    for (int i = 0; i < 2; i++) {
        load(&d, i ? packed_path : plain_path, KNOB_DATA_COUNT, "1");
        assert_int_equal(d.n, 1);
        assert_memory_equal(d.x, images + 16, 4);
        assert_int_equal(d.label[0], 7);
        load(&all, i ? packed_path : plain_path, KNOB_NONE, NULL);
        assert_true(d.hash != all.hash);
        dataset_release(&all);
        dataset_release(&d);
    }
    free(plain_path);
    free(packed_path);
    free(packed);
    free(b);
}

static void vectors_and_floats_are_read(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    static const uint8_t vectors[] = {0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
    /* 0, 0.5, 1, 0.15625 big-endian */
    static const uint8_t floats[] = {0, 0, 0x0D, 3, 0,    0, 0, 2, 0,    0,    0, 1, 0,    0,    0, 2,
                                     0, 0, 0,    0, 0x3f, 0, 0, 0, 0x3f, 0x80, 0, 0, 0x3e, 0x20, 0, 0};
    struct dataset d;
    char *a = put_file(dir, "vectors", vectors, sizeof vectors);
    char *b = put_file(dir, "floats", floats, sizeof floats);
    load(&d, a, KNOB_NONE, NULL);
    assert_int_equal(d.n, 2);
    assert_int_equal(d.dim, 3);
    assert_int_equal(d.height, 1);
    assert_int_equal(d.width, 3);
    assert_memory_equal(d.x, vectors + 12, 6);
    dataset_release(&d);
    load(&d, b, KNOB_NONE, NULL);
    assert_int_equal(d.type, DATA_F32);
    assert_int_equal(d.n, 2);
    const float want[] = {0.0f, 0.5f, 1.0f, 0.15625f};
    assert_memory_equal(d.x, want, sizeof want);
    dataset_release(&d);
    free(a);
    free(b);
}

static void joined_gzip_members_are_one_file(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    struct dataset d;
    for (size_t cut = 0; cut <= sizeof images; cut++) {
        size_t n1, n2;
        uint8_t *first = gzip(&n1, images, cut), *second = gzip(&n2, images + cut, sizeof images - cut);
        uint8_t *both = xcalloc(n1 + n2, 1);
        memcpy(both, first, n1);
        memcpy(both + n1, second, n2);
        char *a = put_file(dir, "joined.gz", both, n1 + n2);
        load(&d, a, KNOB_NONE, NULL);
        assert_memory_equal(d.x, images + 16, 12);
        dataset_release(&d);
        free(first);
        free(second);
        free(both);
        free(a);
    }
}

static void any_changed_byte_changes_the_hash(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    uint64_t seen[sizeof images];
    size_t n = 0;
    for (size_t at = 15; at < sizeof images; at++) { /* 15: nothing changed, for the header must stay */
        uint8_t copy[sizeof images];
        struct dataset d;
        memcpy(copy, images, sizeof images);
        copy[at] ^= at > 15 ? 0x40 : 0;
        char *a = put_file(dir, "images", copy, sizeof copy);
        load(&d, a, KNOB_NONE, NULL);
        seen[n++] = d.hash;
        for (size_t i = 0; i + 1 < n; i++) {
            assert_true(seen[i] != d.hash);
        }
        dataset_release(&d);
        free(a);
    }
}

static void the_builtin_digits_obey_count_labels_and_seed(void **state)
{
    (void)state;
    struct dataset a, b;
    load(&a, "builtin:digits", KNOB_NONE, NULL);
    assert_int_equal(a.n, 6000);
    assert_int_equal(a.dim, 784);
    assert_int_equal(a.height, 28);
    assert_int_equal(a.n_classes, 10);
    load(&b, "builtin:digits", KNOB_DATA_COUNT, "50");
    assert_int_equal(b.n, 50);
    assert_memory_equal(a.x, b.x, 50 * 784);
    assert_memory_equal(a.label, b.label, 50);
    dataset_release(&a);
    load(&a, "builtin:digits", KNOB_DATA_SEED, "1");
    assert_memory_not_equal(a.x, b.x, 784);
    dataset_release(&a);
    load(&a, "builtin:digits", KNOB_DATA_LABELS, "none");
    assert_null(a.label);
    assert_memory_equal(a.x, b.x, 50 * 784);
    dataset_release(&a);
    dataset_release(&b);
}

int idx_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_and_packed_files_give_the_same_data_set),
        cmocka_unit_test(labels_are_found_packed_unpacked_dotted_or_named),
        cmocka_unit_test(labels_can_be_left_out_or_be_absent),
        cmocka_unit_test(a_path_may_begin_at_home),
        cmocka_unit_test(count_takes_the_first_images),
        cmocka_unit_test(vectors_and_floats_are_read),
        cmocka_unit_test(joined_gzip_members_are_one_file),
        cmocka_unit_test(any_changed_byte_changes_the_hash),
        cmocka_unit_test(the_builtin_digits_obey_count_labels_and_seed),
    };
    return cmocka_run_group_tests_name("data idx", tests, NULL, NULL);
}
