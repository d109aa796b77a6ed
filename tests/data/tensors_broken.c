/* Broken and hostile safetensors files. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/rng.h"
#include "vaetop/base/str.h"
#include "vaetop/data/safetensors.h"

/* Length, header and data zero bytes. */
static char *put_tensors(const char *dir, const char *json, size_t json_len, size_t data)
{
    uint64_t n = json_len;
    uint8_t *bytes = xcalloc(8 + json_len + data, 1);
    memcpy(bytes, &n, 8);
    memcpy(bytes + 8, json, json_len);
    char *path = put_file(dir, "t.safetensors", bytes, 8 + json_len + data);
    free(bytes);
    return path;
}

#define T(name, type, shape, offsets)                                                                                  \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]}"
#define A4 T("a", "U8", "4", "0,4")

static const struct hostile {
    const char *json;
    size_t data;
    const char *want; /* NULL: a sound file */
    const char *offset;
} cases[] = {
    {"{" A4 "}", 4, NULL, NULL},
    {"{" A4 "}   ", 4, NULL, NULL},
    {"{ \"a\" : { \"data_offsets\" : [ 0 , 4 ] ,\n\t\"shape\":[2,2],\"dtype\":\"U8\" } }", 4, NULL, NULL},
    {"{" T("\\u00e4\\ud83d\\ude00\\n", "U8", "4", "0,4") "}", 4, NULL, NULL},
    {"{" T("b", "U8", "4", "4,8") "," A4 "}", 8, NULL, NULL},
    {"{" T("e", "F32", "0", "0,0") "," T("f", "F32", "0,9", "0,0") "," A4 "}", 4, NULL, NULL},
    {"{\"__metadata__\":{}}", 0, NULL, NULL},
    /* grammar */
    {"", 0, "the end of the header", "offset 8:"},
    {" {}", 0, "expected '{'", "offset 8:"},
    {"[]", 0, "found '['", "offset 8:"},
    {"{", 0, "the name of a tensor", "offset 9:"},
    {"{}}", 0, "nothing behind the header", "offset 10:"},
    {"{" A4 ",}", 4, "the name of a tensor", "offset 61:"},
    {"{" A4 "]", 4, "',' or '}'", "offset 60:"},
    {"{" A4, 4, "',' or '}'", "offset 60:"},
    {"{'a':1}", 0, "found '''", "offset 9:"},
    {"{\"a\"}", 0, "expected ':'", "offset 12:"},
    {"{\"a\":1}", 0, "'{' of a tensor", "offset 13:"},
    {"{\"a\":{}}", 0, "\"dtype\", \"shape\"", "offset 14:"},
    {"{\"a\":{\"dtype\":\"U8\"}}", 0, "once each", "offset 26:"},
    {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}", 0, "once each", "offset 27:"},
    {"{\"a\":{\"colour\":1}}", 0, "found \"colour\"", "offset 14:"},
    {"{\"a\":{\"dtype\":4}}", 0, "the name of a type", "offset 22:"},
    {"{\"a\":{\"dtype\":[[[[[[[[[[[[[[[[", 0, "the name of a type", "offset 22:"},
    {"{\"a\":{\"shape\":[[[[", 0, "a whole number", "offset 23:"},
    {"{\"a\":{\"shape\":[-1]", 0, "a whole number", "offset 23:"},
    {"{\"a\":{\"shape\":[1.5]", 0, "',' or ']'", "offset 24:"},
    {"{\"a\":{\"shape\":[1e9]", 0, "',' or ']'", "offset 24:"},
    {"{\"a\":{\"shape\":[01]", 0, "a whole number", "offset 23:"},
    {"{\"a\":{\"shape\":[9007199254740993]", 0, "at most 2^53", "offset 23:"},
    {"{\"a\":{\"shape\":[99999999999999999999999999999]", 0, "at most 2^53", "offset 23:"},
    {"{\"a\":{\"shape\":[1,2,3,4,5,6,7,8,9]", 0, "8 dimensions", "offset 39:"},
    {"{\"a\":{\"shape\":null", 0, "'['", "offset 22:"},
    {"{\"a\":{\"data_offsets\":[0,1,2]", 0, "two offsets", "offset 34:"},
    {"{\"a\":{\"data_offsets\":[0]", 0, "two offsets", "offset 29:"},
    {"{" T("a", "F8", "4", "0,4") "}", 4, "found \"F8\"", "offset 22:"},
    {"{" T("a", "BF16", "2", "0,4") "}", 4, "F32, F64, U8, U32, I64", "offset 22:"},
    /* text */
    {"{" T("a\xff", "U8", "4", "0,4") "}", 4, "UTF-8", "offset 11:"},
    {"{" T("\xc0\x80", "U8", "4", "0,4") "}", 4, "UTF-8", "offset 10:"},
    {"{" T("\xed\xa0\x80", "U8", "4", "0,4") "}", 4, "UTF-8", "offset 10:"},
    {"{" T("\xf4\x90\x80\x80", "U8", "4", "0,4") "}", 4, "UTF-8", "offset 10:"},
    {"{" T("a\n", "U8", "4", "0,4") "}", 4, "found byte 0x0a", "offset 11:"},
    {"{\"a\xe2\x82", 0, "UTF-8", "offset 11:"},
    {"{\"a", 0, "the end of a text", "offset 11:"},
    {"{\"a\\", 0, "escape", "offset 11:"},
    {"{" T("a\\u0000", "U8", "4", "0,4") "}", 4, "escape", "offset 11:"},
    {"{" T("a\\x", "U8", "4", "0,4") "}", 4, "escape", "offset 11:"},
    {"{" T("a\\u12g4", "U8", "4", "0,4") "}", 4, "escape", "offset 11:"},
    {"{" T("a\\ud800", "U8", "4", "0,4") "}", 4, "escape", "offset 11:"},
    {"{" T("a\\ud800\\u0041", "U8", "4", "0,4") "}", 4, "escape", "offset 11:"},
    {"{" T("a\\udc00", "U8", "4", "0,4") "}", 4, "escape", "offset 11:"},
    /* names */
    {"{" A4 "," T("a", "U8", "4", "4,8") "}", 8, "every name once", "offset 62:"},
    {"{" A4 "," T("\\u0061", "U8", "4", "4,8") "}", 8, "every name once", "offset 62:"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "every name once", "offset 27:"},
    {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "every name once", "offset 34:"},
    {"{\"__metadata__\":[]}", 0, "'{' of the metadata", "offset 24:"},
    {"{\"__metadata__\":{\"k\":1}}", 0, "a text as value", "offset 29:"},
    {"{\"__metadata__\":{\"k\":{}}}", 0, "a text as value", "offset 29:"},
    {"{\"__metadata__\":{\"k\"}}", 0, "':'", "offset 28:"},
    /* places */
    {"{" T("a", "U8", "4", "0,5") "}", 5, "4 bytes apart", "offset 9:"},
    {"{" T("a", "U8", "4", "4,0") "}", 4, "[4, 0]", "offset 9:"},
    {"{" T("a", "F32", "4", "0,4") "}", 4, "16 bytes apart", "offset 9:"},
    {"{" T("a", "F32", "4503599627370496,4096", "0,0") "}", 0, "more than 2^64", "offset 9:"},
    {"{" T("a", "F32", "9007199254740992,9007199254740992", "0,0") "}", 0, "more than 2^64", "offset 9:"},
    {"{" T("a", "F32", "1073741825,1073741824,4", "0,17179869184") "}", 4, "expected them", "offset 9:"},
    {"{" T("a", "U8", "4", "1,5") "}", 5, "a hole", "offset 9:"},
    {"{" A4 "," T("b", "U8", "4", "5,9") "}", 9, "a hole", "offset 61:"},
    {"{" A4 "," T("b", "U8", "4", "3,7") "}", 7, "overlaps", "offset 61:"},
    {"{" A4 "," T("b", "U8", "4", "0,4") "}", 4, "overlaps", "offset 61:"},
    {"{" A4 "}", 3, "cut short", "offset 61:"},
    {"{" A4 "}", 5, "too long", "offset 61:"},
    {"{}", 1, "too long", "offset 10:"},
    {"{" T("a", "U8", "9007199254740992", "0,9007199254740992") "}", 4, "cut short", "offset 91:"},
};

static void every_hostile_header_is_refused_with_file_and_offset(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct hostile *h = &cases[i];
        struct tensor_file *f = NULL;
        struct err e;
        char *path = put_tensors(dir, h->json, strlen(h->json), h->data);
        enum err_code rc = tensor_file_open(&f, path, false, &e);
        if (h->want) {
            assert_err(rc, ERR_DATA, &e);
            assert_has(e.text, path);
            assert_has(e.text, h->offset);
            assert_has(e.text, h->want);
            assert_has(e.text, "expected ");
        } else {
            assert_ok(rc, &e);
            tensor_file_free(f);
        }
        free(path);
    }
}

static void escaped_names_are_decoded(void **state)
{
    (void)state;
    struct tensor_file *f;
    struct err e;
    const char *json = "{" T("\\u00e4\\ud83d\\ude00\\n\\/\\\\", "U8", "4", "0,4") "}";
    char *path = put_tensors(temp_dir(), json, strlen(json), 4);
    assert_ok(tensor_file_open(&f, path, false, &e), &e);
    assert_non_null(tensor_file_find(f, "\xc3\xa4\xf0\x9f\x98\x80\n/\\"));
    tensor_file_free(f);
    free(path);
}

static void a_length_beyond_the_file_allocates_nothing(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {3, 100, 1u << 30, UINT64_C(1) << 40, UINT64_C(1) << 63, UINT64_MAX,
                                       UINT64_MAX - 7};
    const char *dir = temp_dir();
    long before = peak_rss_kib();
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        uint8_t bytes[10] = {0};
        struct tensor_file *f;
        struct err e;
        memcpy(bytes, &lengths[i], 8);
        memcpy(bytes + 8, "{}", 2);
        char *path = put_file(dir, "t", bytes, sizeof bytes);
        assert_err(tensor_file_open(&f, path, false, &e), ERR_DATA, &e);
        assert_has(e.text, path);
        assert_has(e.text, "offset 0: found a header of");
        free(path);
    }
    assert_true(peak_rss_kib() - before < 8 << 10);
    for (size_t n = 0; n < 8; n++) {
        struct tensor_file *f;
        struct err e;
        char *path = put_file(dir, "t", "\2\0\0\0\0\0\0", n);
        assert_err(tensor_file_open(&f, path, false, &e), ERR_DATA, &e);
        assert_has(e.text, "the header's length");
        free(path);
    }
}

static void long_names_and_many_tensors_are_refused(void **state)
{
    (void)state;
    struct sbuf json = {0};
    struct tensor_file *f;
    struct err e;
    const char *dir = temp_dir();
    sbuf_add(&json, "{\"");
    for (int i = 0; i < 513; i++) {
        sbuf_add(&json, "n");
    }
    sbuf_add(&json, "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}");
    char *path = put_tensors(dir, json.text, json.len, 0);
    assert_err(tensor_file_open(&f, path, false, &e), ERR_DATA, &e);
    assert_has(e.text, "at most 512 bytes");
    free(path);
    sbuf_clear(&json);
    for (int i = 0; i <= 100000; i++) {
        sbuf_addf(&json, "%c" T("%d", "U8", "0", "0,0"), i ? ',' : '{', i);
    }
    sbuf_add(&json, "}");
    path = put_tensors(dir, json.text, json.len, 0);
    assert_err(tensor_file_open(&f, path, false, &e), ERR_DATA, &e);
    assert_has(e.text, "at most 100000");
    free(path);
    sbuf_release(&json);
}

/* A small checkpoint as bytes. Owns: caller frees. */
static char *small_file(const char *dir, size_t *len)
{
    static const float w[6] = {1, 2, 3, 4, 5, 6};
    static const uint8_t m[3] = {7, 8, 9};
    const size_t shape[2] = {2, 3};
    struct err e;
    char *text, *path = fs_join(dir, "small");
    struct tensor_writer *out = tensor_writer_new();
    tensor_writer_meta(out, "step", "17");
    tensor_writer_add(out, "w", TENSOR_F32, shape, 2, w);
    tensor_writer_add(out, "m", TENSOR_U8, shape + 1, 1, m);
    assert_ok(tensor_writer_save(out, path, true, false, &e), &e);
    tensor_writer_free(out);
    assert_ok(fs_read(&text, len, path, 1 << 16, &e), &e);
    free(path);
    return text;
}

static void every_changed_bit_of_a_checkpoint_is_found(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    size_t len;
    char *bytes = small_file(dir, &len);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        struct tensor_file *f;
        struct err e;
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        char *path = put_file(dir, "flipped", bytes, len);
        assert_err(tensor_file_open(&f, path, true, &e), ERR_DATA, &e);
        assert_has(e.text, path);
        assert_has(e.text, "offset ");
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        free(path);
    }
    free(bytes);
}

static void a_checkpoint_cut_anywhere_is_refused(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    size_t len;
    char *bytes = small_file(dir, &len);
    for (size_t n = 0; n < len; n++) {
        struct tensor_file *f;
        struct err e;
        char *path = put_file(dir, "cut", bytes, n);
        assert_err(tensor_file_open(&f, path, false, &e), ERR_DATA, &e);
        free(path);
    }
    free(bytes);
}

static void a_file_without_a_checksum_is_no_checkpoint(void **state)
{
    (void)state;
    static const char *const headers[] = {"{" A4 "}", "{" T("vaetop.crc32", "U32", "2", "0,8") "}",
                                          "{" T("vaetop.crc32", "F32", "1", "0,4") "}",
                                          "{" T("vaetop.crc32", "U32", "1", "0,4") "," T("b", "U8", "1", "4,5") "}"};
    static const size_t data[] = {4, 8, 4, 5};
    const char *dir = temp_dir();
    for (size_t i = 0; i < 4; i++) {
        struct tensor_file *f;
        struct err e;
        char *path = put_tensors(dir, headers[i], strlen(headers[i]), data[i]);
        assert_ok(tensor_file_open(&f, path, false, &e), &e);
        tensor_file_free(f);
        assert_err(tensor_file_open(&f, path, true, &e), ERR_DATA, &e);
        assert_has(e.text, "found no checksum");
        free(path);
    }
}

static void damaged_files_never_do_more_than_fail(void **state)
{
    (void)state;
    static const char alphabet[] = "{}[]\",:\\u0123456789eE.-+ abdU8F32\xc3\xff\n";
    const char *dir = temp_dir();
    size_t len;
    char *bytes = small_file(dir, &len), *copy = xcalloc(len, 1);
    struct rng r = rng_start(rng_key(4, 0), RNG_SAMPLE, 0);
    int refused = 0;
    for (int i = 0; i < 4000; i++) {
        struct tensor_file *f;
        struct err e;
        memcpy(copy, bytes, len);
        for (uint32_t k = 1 + rng_below(&r, 6); k > 0; k--) {
            copy[8 + rng_below(&r, (uint32_t)len - 8)] = alphabet[rng_below(&r, sizeof alphabet - 1)];
        }
        char *path = put_file(dir, "damaged", copy, len);
        if (tensor_file_open(&f, path, false, &e) == ERR_OK) {
            tensor_file_free(f);
        } else {
            refused++;
            assert_int_equal(e.code, ERR_DATA);
            assert_has(e.text, "offset ");
        }
        free(path);
    }
    assert_true(refused > 2000);
    free(bytes);
    free(copy);
}

static void what_is_no_file_is_refused_at_once(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    char *fifo = fs_join(dir, "pipe");
    struct tensor_file *f;
    struct err e;
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_err(tensor_file_open(&f, fifo, false, &e), ERR_DATA, &e);
    assert_err(tensor_file_open(&f, dir, false, &e), ERR_DATA, &e);
    assert_err(tensor_file_open(&f, "/dev/zero", false, &e), ERR_DATA, &e);
    assert_has(e.text, "found a device");
    free(fifo);
}

int tensors_broken_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_hostile_header_is_refused_with_file_and_offset),
        cmocka_unit_test(escaped_names_are_decoded),
        cmocka_unit_test(a_length_beyond_the_file_allocates_nothing),
        cmocka_unit_test(long_names_and_many_tensors_are_refused),
        cmocka_unit_test(every_changed_bit_of_a_checkpoint_is_found),
        cmocka_unit_test(a_checkpoint_cut_anywhere_is_refused),
        cmocka_unit_test(a_file_without_a_checksum_is_no_checkpoint),
        cmocka_unit_test(damaged_files_never_do_more_than_fail),
        cmocka_unit_test(what_is_no_file_is_refused_at_once),
    };
    return cmocka_run_group_tests_name("data tensors_broken", tests, NULL, NULL);
}
