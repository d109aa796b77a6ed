/* safetensors files that are written, kept and read back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/data/safetensors.h"

static const float weights[6] = {1.0f, -2.5f, 3.25f, 0.0f, 1e-30f, 7.0f};
static const uint8_t mask[5] = {1, 0, 255, 3, 4};
static const int64_t counters[2] = {-1, INT64_C(1) << 60};
static const uint32_t words[1] = {0xdeadbeef};
static const double moments[3] = {1.0 / 3.0, -0.0, 1e300};
static const char *const nasty = "line\nquote\" back\\slash \t bell\x07 \xc3\xa4 \xf0\x9f\x98\x80 end";

static struct tensor_writer *fill(bool reversed)
{
    static const size_t shapes[][8] = {{2, 3}, {5}, {2}, {1}, {1, 1, 1, 1, 1, 1, 3, 1}, {0, 4}, {0}};
    static const struct {
        const char *name;
        enum tensor_type type;
        int rank;
        const void *data;
    } list[] = {{"encoder.0.weight", TENSOR_F32, 2, weights}, {"mask", TENSOR_U8, 1, mask},
                {"counters", TENSOR_I64, 1, counters},        {"words", TENSOR_U32, 1, words},
                {"moments", TENSOR_F64, 8, moments},          {"empty", TENSOR_F32, 2, NULL},
                {"scalar \"\n\xc3\xa4", TENSOR_U32, 0, words}};
    const size_t n = sizeof list / sizeof *list;
    struct tensor_writer *w = tensor_writer_new();
    for (size_t i = 0; i < n; i++) {
        size_t at = reversed ? n - 1 - i : i;
        tensor_writer_add(w, list[at].name, list[at].type, shapes[at], list[at].rank, list[at].data);
    }
    tensor_writer_meta(w, "config", nasty);
    tensor_writer_meta(w, "", "");
    return w;
}

static char *save(const char *dir, const char *name, struct tensor_writer *w, bool crc, bool keep)
{
    struct err e;
    char *path = fs_join(dir, name);
    assert_ok(tensor_writer_save(w, path, crc, keep, &e), &e);
    tensor_writer_free(w);
    return path;
}

static void check_tensor(const struct tensor_file *f, const char *name, enum tensor_type type, int rank, size_t count,
                         const void *data, size_t bytes)
{
    const struct tensor *t = tensor_file_find(f, name);
    assert_non_null(t);
    assert_string_equal(t->name, name);
    assert_int_equal(t->type, type);
    assert_int_equal(t->rank, rank);
    assert_int_equal(t->count, count);
    assert_non_null(t->data);
    assert_int_equal((uintptr_t)t->data % 8, 0);
    if (bytes > 0) {
        assert_memory_equal(t->data, data, bytes);
    }
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    for (int crc = 0; crc < 2; crc++) {
        struct tensor_file *f;
        struct err e;
        char *path = save(dir, "a.safetensors", fill(false), crc, false);
        assert_ok(tensor_file_open(&f, path, crc, &e), &e);
        assert_int_equal(tensor_file_count(f), crc ? 8 : 7);
        check_tensor(f, "encoder.0.weight", TENSOR_F32, 2, 6, weights, sizeof weights);
        assert_int_equal(tensor_file_find(f, "encoder.0.weight")->shape[0], 2);
        assert_int_equal(tensor_file_find(f, "encoder.0.weight")->shape[1], 3);
        check_tensor(f, "mask", TENSOR_U8, 1, 5, mask, sizeof mask);
        check_tensor(f, "counters", TENSOR_I64, 1, 2, counters, sizeof counters);
        check_tensor(f, "words", TENSOR_U32, 1, 1, words, sizeof words);
        check_tensor(f, "moments", TENSOR_F64, 8, 3, moments, sizeof moments);
        check_tensor(f, "empty", TENSOR_F32, 2, 0, NULL, 0);
        check_tensor(f, "scalar \"\n\xc3\xa4", TENSOR_U32, 0, 1, words, sizeof words);
        assert_null(tensor_file_find(f, "encoder"));
        assert_null(tensor_file_find(f, "zzz"));
        assert_null(tensor_file_at(f, 8));
        assert_string_equal(tensor_file_meta(f, "config"), nasty);
        assert_string_equal(tensor_file_meta(f, ""), "");
        assert_null(tensor_file_meta(f, "other"));
        tensor_file_free(f);
        free(path);
    }
}

static void a_file_may_be_empty(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    struct tensor_file *f;
    struct err e;
    char *path = save(dir, "none", tensor_writer_new(), false, false);
    assert_ok(tensor_file_open(&f, path, false, &e), &e);
    assert_int_equal(tensor_file_count(f), 0);
    assert_null(tensor_file_find(f, "a"));
    assert_null(tensor_file_meta(f, "a"));
    tensor_file_free(f);
    free(path);
    path = save(dir, "sum", tensor_writer_new(), true, false);
    assert_ok(tensor_file_open(&f, path, true, &e), &e);
    assert_int_equal(tensor_file_count(f), 1);
    tensor_file_free(f);
    free(path);
}

static void the_same_content_gives_the_same_bytes(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    struct err e;
    char *text[2];
    size_t len[2];
    for (int i = 0; i < 2; i++) {
        char *path = save(dir, "a", fill(i == 1), true, false);
        assert_ok(fs_read(&text[i], &len[i], path, 1 << 20, &e), &e);
        free(path);
    }
    assert_int_equal(len[0], len[1]);
    assert_memory_equal(text[0], text[1], len[0]);
    /* The form others read: length, then JSON, then data at a multiple of 8. */
    assert_int_equal((uint8_t)text[0][0] % 8, 0);
    assert_has(text[0] + 8, "{\"__metadata__\":{\"config\":\"line\\u000aquote\\\"");
    assert_has(text[0] + 8, "\"encoder.0.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[");
    free(text[0]);
    free(text[1]);
}

static void bytes_that_are_no_text_are_replaced(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    struct tensor_file *f;
    struct err e;
    struct tensor_writer *w = tensor_writer_new();
    tensor_writer_meta(w, "path", "/a\xff/\xc3(/\xed\xa0\x80/b");
    char *path = save(dir, "a", w, true, false);
    assert_ok(tensor_file_open(&f, path, true, &e), &e);
    assert_string_equal(tensor_file_meta(f, "path"),
                        "/a\xef\xbf\xbd/\xef\xbf\xbd(/\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd/b");
    tensor_file_free(f);
    free(path);
}

static int64_t step_in(const char *path)
{
    struct tensor_file *f;
    struct err e;
    assert_ok(tensor_file_open(&f, path, true, &e), &e);
    int64_t step = *(const int64_t *)tensor_file_find(f, "step")->data;
    tensor_file_free(f);
    return step;
}

static void the_previous_file_is_kept_on_demand(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    const size_t one = 1;
    char *previous = fs_join(dir, "a.prev");
    for (int64_t step = 0; step < 4; step++) {
        struct tensor_writer *w = tensor_writer_new();
        tensor_writer_add(w, "step", TENSOR_I64, &one, 1, &step);
        char *path = save(dir, "a", w, true, step != 3);
        struct stat st;
        assert_int_equal(step_in(path), step);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(st.st_size % 4, 0);
        if (step == 0) {
            assert_false(fs_exists(previous));
        } else {
            assert_int_equal(step_in(previous), step == 3 ? 1 : step - 1); /* step 3 kept nothing */
        }
        free(path);
    }
    free(previous);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct err e;
    struct tensor_file *f;
    char *path = fs_join(temp_dir(), "absent/a");
    struct tensor_writer *w = fill(false);
    assert_err(tensor_writer_save(w, path, true, true, &e), ERR_IO, &e);
    assert_has(e.text, path);
    tensor_writer_free(w);
    assert_err(tensor_file_open(&f, path, true, &e), ERR_NOTFOUND, &e);
    assert_has(e.text, path);
    free(path);
}

int tensors_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(a_file_may_be_empty),
        cmocka_unit_test(the_same_content_gives_the_same_bytes),
        cmocka_unit_test(bytes_that_are_no_text_are_replaced),
        cmocka_unit_test(the_previous_file_is_kept_on_demand),
        cmocka_unit_test(a_folder_that_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests_name("data tensors", tests, NULL, NULL);
}
