/* NPY files: every version, type, byte order and storage order; headers as odd as the format allows, and no odder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/rng.h"

#define DIVIDE "data.scale=255\n"

/* Header text and data as a file of a version. Owns: caller frees. */
static uint8_t *npy(size_t *len, int version, const char *header, const void *data, size_t data_len)
{
    const size_t n = strlen(header), front = version == 1 ? 10 : 12;
    uint8_t *f = xcalloc(front + n + data_len, 1);
    memcpy(f, "\x93NUMPY", 6);
    f[6] = (uint8_t)version;
    f[8] = (uint8_t)n;
    f[9] = (uint8_t)(n >> 8);
    memcpy(f + front, header, n);
    if (data_len > 0) {
        memcpy(f + front + n, data, data_len);
    }
    *len = front + n + data_len;
    return f;
}

static char *put_npy(const char *dir, int version, const char *header, const void *data, size_t data_len)
{
    size_t len;
    uint8_t *f = npy(&len, version, header, data, data_len);
    char *path = put_file(dir, "x.npy", f, len);
    free(f);
    return path;
}

/* The numbers 1 to 6 as every type. */
static const struct {
    const char *descr;
    const char *bytes;
    size_t size;
} types[] = {
    {"|u1", "\1\2\3\4\5\6", 1},
    {"|i1", "\1\2\3\4\5\6", 1},
    {"<i1", "\1\2\3\4\5\6", 1},
    {"<u2", "\1\0\2\0\3\0\4\0\5\0\6\0", 2},
    {">u2", "\0\1\0\2\0\3\0\4\0\5\0\6", 2},
    {"<i2", "\1\0\2\0\3\0\4\0\5\0\6\0", 2},
    {">i4", "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5\0\0\0\6", 4},
    {"<u4", "\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5\0\0\0\6\0\0\0", 4},
    {"<i8", "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0", 8},
    {">u8", "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\6", 8},
    {"<f2", "\0\x3c\0\x40\0\x42\0\x44\0\x45\0\x46", 2},
    {">f2", "\x3c\0\x40\0\x42\0\x44\0\x45\0\x46\0", 2},
    {"<f4", "\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40\0\0\xa0\x40\0\0\xc0\x40", 4},
    {">f4", "\x3f\x80\0\0\x40\0\0\0\x40\x40\0\0\x40\x80\0\0\x40\xa0\0\0\x40\xc0\0\0", 4},
    {"<f8",
     "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40\0\0\0\0\0\0\x08\x40\0\0\0\0\0\0\x10\x40\0\0\0\0\0\0\x14\x40"
     "\0\0\0\0\0\0\x18\x40",
     8},
    {">f8",
     "\x3f\xf0\0\0\0\0\0\0\x40\0\0\0\0\0\0\0\x40\x08\0\0\0\0\0\0\x40\x10\0\0\0\0\0\0\x40\x14\0\0\0\0\0\0"
     "\x40\x18\0\0\0\0\0\0",
     8},
};

static void assert_divided(const struct dataset *d, const int *want, size_t count)
{
    assert_int_equal(d->n * d->dim, count);
    for (size_t i = 0; i < count; i++) {
        if (d->type == DATA_U8) {
            assert_int_equal(((const uint8_t *)d->x)[i], want[i]);
        } else {
            assert_close(((const float *)d->x)[i], want[i] / 255.0, 0.0, 1e-6);
        }
    }
}

static void every_type_order_and_version_gives_the_same_numbers(void **state)
{
    (void)state;
    static const int rows[] = {1, 2, 3, 4, 5, 6}, turned[] = {1, 3, 5, 2, 4, 6}, first[] = {1, 3, 5};
    const char *dir = temp_dir();
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        for (int version = 1; version <= 3; version++) {
            for (int fortran = 0; fortran < 2; fortran++) {
                char header[160];
                struct dataset d;
                (void)snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': (2, 3), }  \n",
                               types[i].descr, fortran ? "True" : "False");
                char *path = put_npy(dir, version, header, types[i].bytes, 6 * types[i].size);
                load_with(&d, path, DIVIDE);
                assert_int_equal(d.n, 2);
                assert_int_equal(d.dim, 3);
                assert_int_equal(d.type, strcmp(types[i].descr, "|u1") == 0 ? DATA_U8 : DATA_F32);
                assert_divided(&d, fortran ? turned : rows, 6);
                dataset_release(&d);
                load_with(&d, path, DIVIDE "data.count=1\n");
                assert_divided(&d, fortran ? first : rows, 3);
                dataset_release(&d);
                free(path);
            }
        }
    }
}

/* Rows of 2 x 3 images in both orders: numpy.arange(24).reshape(4, 2, 3) and the same with order="F". */
static void images_keep_their_sides_in_both_orders(void **state)
{
    (void)state;
    static const char *const shapes[] = {"(4, 2, 3)", "(4, 2, 3, 1)", "(4, 1, 2, 3)", "(4L, 2L, 3L)"};
    const char *dir = temp_dir();
    uint8_t plain[24], fortran[24];
    for (int r = 0; r < 4; r++) {
        for (int y = 0; y < 2; y++) {
            for (int x = 0; x < 3; x++) {
                plain[(r * 2 + y) * 3 + x] = (uint8_t)((r * 2 + y) * 3 + x);
                fortran[r + 4 * (y + 2 * x)] = (uint8_t)((r * 2 + y) * 3 + x);
            }
        }
    }
    for (size_t i = 0; i < 8; i++) {
        char header[160];
        struct dataset d;
        (void)snprintf(header, sizeof header, "{\"shape\":%s,\"fortran_order\":%s,\"descr\":\"|u1\"}", shapes[i / 2],
                       i % 2 ? "True" : "False");
        char *path = put_npy(dir, 1, header, i % 2 ? fortran : plain, 24);
        load_with(&d, path, "");
        assert_int_equal(d.n, 4);
        assert_int_equal(d.height, 2);
        assert_int_equal(d.width, 3);
        assert_int_equal(d.type, DATA_U8);
        assert_memory_equal(d.x, plain, 24);
        dataset_release(&d);
        free(path);
    }
}

static void more_dimensions_are_one_vector(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    uint8_t bytes[24] = {1, 2, 3};
    struct dataset d;
    char *path = put_npy(dir, 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2, 3, 2)}", bytes, 24);
    load_with(&d, path, "");
    assert_int_equal(d.dim, 12);
    assert_int_equal(d.height, 1);
    dataset_release(&d);
    load_with(&d, path, "data.shape=4x3\n");
    assert_int_equal(d.height, 4);
    assert_int_equal(d.width, 3);
    dataset_release(&d);
    free(path);
}

static void truth_values_are_0_and_1_in_bytes(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    struct dataset d;
    char *path = put_npy(dir, 1, "{'descr': '|b1', 'fortran_order': False, 'shape': (3, 2)}", "\1\0\0\2\1\1", 6);
    load_with(&d, path, "");
    assert_int_equal(d.type, DATA_U8);
    assert_memory_equal(d.x, "\xff\0\0\xff\xff\xff", 6);
    dataset_release(&d);
    load_with(&d, path, "data.scale=unit\ndata.validation=last 1\n");
    assert_floats(&d, (const float[]){1, 0, 0, 1, 1, 1}, 6);
    dataset_release(&d);
    free(path);
}

static void half_floats_are_exact(void **state)
{
    (void)state;
    /* 0, smallest subnormal, largest subnormal, smallest normal, 1/3 rounded, 1 */
    static const uint8_t bytes[] = {0, 0, 1, 0, 0xff, 3, 0, 4, 0x55, 0x35, 0, 0x3c};
    const float want[] = {0, 5.9604645e-8f, 6.0975552e-5f, 6.1035156e-5f, 0.33325195f, 1};
    struct dataset d;
    char *path = put_npy(temp_dir(), 1, "{'descr': '<f2', 'fortran_order': False, 'shape': (3, 2)}", bytes, 12);
    load_with(&d, path, "");
    assert_memory_equal(d.x, want, sizeof want);
    dataset_release(&d);
    free(path);
}

static void a_packed_file_and_labels_of_both_formats_are_read(void **state)
{
    (void)state;
    static const uint8_t idx_labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 3, 1};
    const char *dir = temp_dir();
    size_t len, packed_len;
    struct dataset d;
    uint8_t *f = npy(&len, 1, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 2)}", "abcd", 4);
    uint8_t *packed = gzip(&packed_len, f, len);
    uint8_t *l = npy(&len, 1, "{'descr': '<i2', 'fortran_order': False, 'shape': (2,)}", "\3\0\1\0", 4);
    char *path = put_file(dir, "images.npy.gz", packed, packed_len);
    char *labels[] = {put_file(dir, "labels.npy", l, len), put_file(dir, "y.idx", idx_labels, sizeof idx_labels),
                      put_file(dir, "y.csv", "3\n1\n", 4)};
    for (size_t i = 0; i < 4; i++) { /* the last one: found beside the images */
        char *settings = i < 3 ? xasprintf("data.labels=%s\n", labels[i]) : xstrdup("");
        load_with(&d, path, settings);
        assert_memory_equal(d.x, "abcd", 4);
        assert_memory_equal(d.label, "\3\1", 2);
        assert_int_equal(d.n_classes, 4);
        dataset_release(&d);
        free(settings);
    }
    for (size_t i = 0; i < 3; i++) {
        free(labels[i]);
    }
    free(path);
    free(f);
    free(l);
    free(packed);
}

#define HEAD(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape "}"
static const struct {
    const char *header;
    size_t data_len;
    const char *want[2];
} broken[] = {
    {HEAD("'|O'", "False", "(2, 2)"), 4, {"found '|O'", "save plain numbers"}},
    {HEAD("[('a', '<f4')]", "False", "(2, 2)"), 4, {"offset 20: found [('a'", "save plain numbers"}},
    {HEAD("'<U4'", "False", "(2, 2)"), 4, {"found '<U4'", "expected a type"}},
    {HEAD("'=f4'", "False", "(2, 1)"), 8, {"found '=f4'", "expected a type"}},
    {HEAD("'f4'", "False", "(2, 1)"), 8, {"found 'f4'", "expected a type"}},
    {HEAD("'<c8'", "False", "(2, 1)"), 16, {"found '<c8'", "expected a type"}},
    {HEAD("'", "False", "(2, 2)"), 4, {"found '", "expected a type"}},
    {HEAD("'|u1'", "false", "(2, 2)"), 4, {"found false", "True or False"}},
    {HEAD("'|u1'", "1", "(2, 2)"), 4, {"found 1", "True or False"}},
    {HEAD("'|u1'", "False", "(-2, 2)"), 4, {"found -2", "a size such as 28"}},
    {HEAD("'|u1'", "False", "(0, 2)"), 0, {"found 0, 2)} in the NPY header", "a size of at least 1"}},
    {HEAD("'|u1'", "False", "(0, 2)") "      \n", 0, {"found 0, 2)} in the NPY header", "a size of at least 1"}},
    {HEAD("'|u1'", "False", "(2.0, 2)"), 4, {"found .0", "a comma"}},
    {HEAD("'|u1'", "False", "(2, 2"), 4, {"found }", "a comma or the end of the shape"}},
    {HEAD("'|u1'", "False", "()"), 1, {"found 0 dimensions", "at least 2"}},
    {HEAD("'|u1'", "False", "(4,)"), 4, {"found 1 dimensions", "x.reshape(n, -1)"}},
    {HEAD("'|u1'", "False", "(1,1,1,1,1,1,1,1,1)"), 1, {"found 1)", "at most 8 dimensions"}},
    {HEAD("'|u1'", "False", "(4294967296, 4294967296, 1)"), 4, {"found 4294967296 values per row", "at most 16777216"}},
    {HEAD("'<f8'", "False", "(4611686018427387904, 2)"), 4, {"over 2^64", "expected"}},
    {HEAD("'|u1'", "False", "(99999999999999999999, 2)"), 4, {"a size below 2^64", "found 9"}},
    {HEAD("'|u1'", "False", "(2, 3)"), 4, {"found 4 bytes", "expected 6 as the header says: it is cut short"}},
    {HEAD("'|u1'", "False", "(2, 3)"), 7, {"found 7 bytes", "too long"}},
    {HEAD("'|u1'", "False", "(2, 3), 'more': 1"), 6, {"found 'more'", "one of the keys"}},
    {HEAD("'|u1'", "False", "(2, 3), 'descr': '|u1'"), 6, {"found 'descr'", "each once"}},
    {HEAD("'|u1'", "False", "(2, 3)") " x", 6, {"found x", "nothing but blanks"}},
    {"{'descr': '|u1', 'shape': (2, 3)}", 6, {"found its end", "the keys 'descr'"}},
    {"{'descr': '|u1' 'shape': (2, 3)}", 6, {"found 'shape'", "a comma or the end of the dictionary"}},
    {"{'descr' '|u1'}", 6, {"found '|u1'", "a colon"}},
    {"", 6, {"found its end", "a dictionary in braces"}},
    {"\x1b[2J{}", 6, {"found \\x1B[2J{}", "a dictionary in braces"}},
};

static void broken_headers_are_refused_with_their_offset(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    const uint8_t data[32] = {0};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct err e;
        char *path = put_npy(dir, 1, broken[i].header, data, broken[i].data_len);
        refuse_with(&e, path, "");
        assert_has(e.text, path);
        assert_has(e.text, ": offset ");
        assert_has(e.text, broken[i].want[0]);
        assert_has(e.text, broken[i].want[1]);
        assert_null(strchr(e.text, '\x1b'));
        free(path);
    }
}

static void broken_fronts_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *want;
    } fronts[] = {
        {"\x93NUMPY", 6, "offset 6: found the end of the file"},
        {"\x93NUMPY\0\0\6\0abcdef", 16, "found NPY version 0.0"},
        {"\x93NUMPY\4\0\6\0abcdef", 16, "found NPY version 4.0"},
        {"\x93NUMPY\1\1\6\0abcdef", 16, "found NPY version 1.1"},
        {"\x93NUMPY\1\0\6\0abc", 13, "offset 13: found the end of the file"},
        {"\x93NUMPY\1\0\xff\xff", 10, "a header of"},
        {"\x93NUMPY\2\0\xff\xff\xff\xff", 12, "found an NPY header of 4294967295 bytes, expected at most 10000"},
        {"\x93NUMPX\1\0\6\0abcdef", 16, "found bytes 93 4e 55 4d"},
    };
    const char *dir = temp_dir();
    for (size_t i = 0; i < sizeof fronts / sizeof *fronts; i++) {
        struct err e;
        char *path = put_file(dir, "x.npy", fronts[i].bytes, fronts[i].len);
        refuse_with(&e, path, "");
        assert_has(e.text, strcmp(fronts[i].want, "a header of") == 0 ? "expected at most 10000" : fronts[i].want);
        free(path);
    }
}

static void bad_values_are_refused_with_their_offset(void **state)
{
    (void)state;
    static const char one[] = "\0\0\x80\x3f", nan_[] = "\0\0\xc0\x7f", big[] = "\0\0\x40\x40";
    const char *dir = temp_dir();
    for (int fortran = 0; fortran < 2; fortran++) {
        for (int bad = 0; bad < 2; bad++) {
            uint8_t data[16];
            char want[64];
            struct err e;
            const char *header = fortran ? HEAD("'<f4'", "True", "(2, 2)") : HEAD("'<f4'", "False", "(2, 2)");
            for (int i = 0; i < 4; i++) {
                memcpy(data + 4 * i, i != 1 ? one : bad ? big : nan_, 4);
            }
            char *path = put_npy(dir, 1, header, data, 16);
            refuse_with(&e, path, "");
            (void)snprintf(want, sizeof want, "offset %zu: found %s", 10 + strlen(header) + 4, bad ? "3" : "nan");
            assert_has(e.text, want);
            assert_has(e.text, bad ? "set data.scale to 255 or unit" : "finite");
            free(path);
        }
    }
}

static void damaged_files_never_do_more_than_fail(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    struct rng r = rng_start(rng_key(5, 0), RNG_SAMPLE, 0);
    size_t len;
    uint8_t *base = npy(&len, 1, HEAD("'<f4'", "True", "(2, 2)"), "\0\0\x80\x3f\0\0\0\0\0\0\0\0\0\0\x80\x3f", 16);
    for (int i = 0; i < 400; i++) {
        const size_t n = rng_below(&r, 4) == 0 ? rng_below(&r, (uint32_t)len) : len;
        uint8_t *copy = xcalloc(len, 1);
        struct config c;
        struct dataset d;
        struct err e;
        memcpy(copy, base, len);
        for (uint32_t k = 1 + rng_below(&r, 3); k > 0; k--) {
            copy[rng_below(&r, (uint32_t)len)] = (uint8_t)rng_u32(&r);
        }
        char *path = put_file(dir, "damaged", copy, n);
        data_config(&c, path, KNOB_NONE, NULL);
        if (dataset_load(&d, &c, &e) == ERR_OK) {
            dataset_release(&d);
        } else {
            assert_int_equal(e.code, ERR_DATA);
            assert_true(strstr(e.text, "offset ") || strstr(e.text, "line "));
        }
        config_release(&c);
        free(path);
        free(copy);
    }
    free(base);
}

int npy_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_order_and_version_gives_the_same_numbers),
        cmocka_unit_test(images_keep_their_sides_in_both_orders),
        cmocka_unit_test(more_dimensions_are_one_vector),
        cmocka_unit_test(truth_values_are_0_and_1_in_bytes),
        cmocka_unit_test(half_floats_are_exact),
        cmocka_unit_test(a_packed_file_and_labels_of_both_formats_are_read),
        cmocka_unit_test(broken_headers_are_refused_with_their_offset),
        cmocka_unit_test(broken_fronts_are_refused),
        cmocka_unit_test(bad_values_are_refused_with_their_offset),
        cmocka_unit_test(damaged_files_never_do_more_than_fail),
    };
    return cmocka_run_group_tests_name("data npy", tests, NULL, NULL);
}
