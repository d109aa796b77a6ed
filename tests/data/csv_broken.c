/* Tables that are refused, with line and column. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/rng.h"

#define B(text) (text), sizeof(text) - 1

static const struct {
    const char *text;
    size_t len;
    const char *settings, *want[2];
} cases[] = {
    {B("\n\n"), "", {"line 1, column 1", "found no rows"}},
    {B("a,b\n"), "", {"line 1, column 1", "names of columns alone"}},
    {B("0,1\n0\n"), "", {"line 2, column 1", "found 1 fields, expected 2 as in line 1"}},
    {B("0,1\n0,1\n0,1,1\n"), "", {"line 3, column 3", "found more than 2 fields, expected 2"}},
    {B("0,1\n0,1\n\n0\n"), "", {"line 4, column 1", "found 1 fields"}},
    {B("a,b\n0,1\n0,\n"), "", {"line 3, column 2: found an empty field", "expected a number"}},
    {B("a,b\n0,1\n , 1\n"), "", {"line 3, column 1: found an empty field", "expected a number"}},
    {B("0,1\n0,nan\n"), "", {"line 2, column 2: found nan", "expected a number"}},
    {B("0,1\n0,1\nNA,1\n"), "", {"line 3, column 1: found NA", "expected a number"}},
    {B("0,1\n0,1\n0,inf\n"), "", {"line 3, column 2: found inf", "expected a number"}},
    {B("0,1\n0,1e39\n"), "", {"line 2, column 2: found 1e39", "below 3.4e38"}},
    {B("0;1\n0,5;1\n"), "", {"line 2, column 1: found 0,5", "(with a point)"}},
    {B("0,1\n0,cat\n"), "", {"line 2, column 2: found cat", "data.labels: column 2"}},
    {B("0,1\n0,1\n0,\x1b[2J\n"), "", {"line 3, column 2: found \\x1B[2J", "expected a number"}},
    {B("0,1\n0,\"1\n0,1\n"), "", {"line 2, column 2: found a quote that is never closed", "expected"}},
    {B("0,1\n0,\"1\"x\n"), "", {"line 2, column 2: found byte 0x78 behind a closing quote", "expected"}},
    {B("0,1\n0,\"1\n2\"\n0,1\n"), "", {"line 2, column 2: found 1", "expected a number"}},
    {B("0.5,0.25\n0,1\0\n"), "", {"line 2, column 2: found a zero byte", "UTF-16"}},
    {B("0,1\n0,300\n"), "", {"row 2, column 2: found 300", "loss.likelihood bernoulli: set data.scale to unit"}},
    {B("a,b\n0,1\n0,200\n"), "", {"row 2, column 2: found 200", "set data.scale to 255 or unit"}},
    {B("label,b\n0,1\n0,200\n"), "", {"row 2, column 2: found 200", "set data.scale to 255 or unit"}},
    {B("0,1\n0,1\n"), "data.count=3\n", {"found 2 rows, expected at least 3", "lower data.count"}},
    {B("0,1\n0,1\n"), "data.labels=column 3\n", {"found no column 3", "1 to 2"}},
    {B("0,1\n0,1\n"), "data.labels=column 0\n", {"found no column 0", "1 to 2"}},
    {B("size,kind\n0,1\n0,1\n"), "data.labels=column kinf\n", {"found no column kinf", "did you mean kind?"}},
    {B("0,1\n0,1\n"), "data.labels=column kind\n", {"found no column kind", "1 to 2"}},
    {B("label\n0\n1\n"), "", {"found labels alone", "expected columns of numbers"}},
    {B("label,a\n,0\n1,0\n"), "", {"line 2, column 1: found an empty field", "expected a label"}},
};

static void every_broken_table_is_refused_with_its_place(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err e;
        char *path = put_file(dir, "t.csv", cases[i].text, cases[i].len);
        refuse_with(&e, path, cases[i].settings);
        assert_has(e.text, path);
        assert_has(e.text, cases[i].want[0]);
        assert_has(e.text, cases[i].want[1]);
        assert_null(strchr(e.text, '\x1b'));
        free(path);
    }
}

static void too_many_labels_and_wrong_label_files_are_refused(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    struct sbuf text = {0};
    struct err e;
    sbuf_add(&text, "label,a\n");
    for (int i = 0; i < 256; i++) {
        sbuf_addf(&text, "name%d,0\n", i);
    }
    char *path = put_file(dir, "t.csv", text.text, text.len);
    refuse_with(&e, path, "");
    assert_has(e.text, "line 257, column 1: found name255 as another label, expected at most 255 classes");
    sbuf_release(&text);
    free(path);

    static const struct {
        const char *labels, *want;
    } files[] = {{"1\n", "found 1 labels, expected 2 as there are rows"},
                 {"1\n2\n3\n", "found 3 labels, expected 2 as there are rows: if the first line of data.labels is a name"},
                 {"1\n2\n3\n4\n", "found 4 labels, expected 2 as there are rows: set data.labels"},
                 {"1,2\n3,4\n", "found 2 columns, expected 1 of labels"}};
    path = put_file(dir, "t.csv", "0,1\n1,0\n", 8);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *labels = put_file(dir, "y.csv", files[i].labels, strlen(files[i].labels));
        char *settings = xasprintf("data.labels=%s\n", labels);
        refuse_with(&e, path, settings);
        assert_has(e.text, labels);
        assert_has(e.text, files[i].want);
        free(labels);
        free(settings);
    }
    free(path);
    path = put_file(dir, "x.idx", "\0\0\x08\2\0\0\0\2\0\0\0\1ab", 14);
    refuse_with(&e, path, "data.labels=column 1\n");
    assert_has(e.text, "found an array, expected a CSV or TSV file");
    free(path);
}

/* A field, a line or a record without an end takes no memory to speak of. */
static void endless_fields_and_lines_are_refused_early(void **state)
{
    (void)state;
    enum { LEN = 20 << 20 };
    static const struct {
        const char *unit, *want;
    } cases2[] = {{"0", "found a field of more than 4096 bytes"},
                  {"\"", "found a field of more than 4096 bytes"},
                  {"0,", "found a longer line, expected at most 1048576 columns"}};
    const char *dir = temp_dir();
    char *text = xcalloc(LEN + 2, 1);
    for (size_t i = 0; i < 3; i++) {
        struct err e;
        const size_t unit = strlen(cases2[i].unit);
        for (size_t at = 0; at < LEN; at += unit) {
            memcpy(text + at, cases2[i].unit, unit);
        }
        size_t len;
        uint8_t *packed = gzip(&len, text, LEN);
        char *path = put_file(dir, "t.csv.gz", packed, len);
        long before = peak_rss_kib();
        refuse_with(&e, path, "");
        assert_has(e.text, cases2[i].want);
        assert_true(peak_rss_kib() - before < 48 << 10);
        free(path);
        free(packed);
    }
    free(text);
}

static void damaged_tables_never_do_more_than_fail(void **state)
{
    (void)state;
    static const char base[] = "label,a,b\n\"1\",0.5,0.25\r\n2,1e-1,\"0\"\n\"x\"\"y\",0,0\n";
    static const char alphabet[] = "\"\n\r,;\t |0.e-\\\xff\x80";
    const char *dir = temp_dir();
    struct rng r = rng_start(rng_key(9, 0), RNG_SAMPLE, 0);
    int good = 0;
    for (int i = 0; i < 800; i++) {
        char copy[sizeof base];
        struct config c;
        struct dataset d;
        struct err e;
        memcpy(copy, base, sizeof base);
        for (uint32_t k = 1 + rng_below(&r, 3); k > 0; k--) {
            copy[rng_below(&r, sizeof base - 1)] = alphabet[rng_below(&r, sizeof alphabet)];
        }
        char *path = put_file(dir, "damaged", copy, sizeof base - 1);
        data_config(&c, path, KNOB_NONE, NULL);
        if (dataset_load(&d, &c, &e) == ERR_OK) {
            good++;
            dataset_release(&d);
        } else {
            assert_int_equal(e.code, ERR_DATA);
        }
        config_release(&c);
        free(path);
    }
    assert_in_range(good, 1, 799);
}

int csv_broken_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_broken_table_is_refused_with_its_place),
        cmocka_unit_test(too_many_labels_and_wrong_label_files_are_refused),
        cmocka_unit_test(endless_fields_and_lines_are_refused_early),
        cmocka_unit_test(damaged_tables_never_do_more_than_fail),
    };
    return cmocka_run_group_tests_name("data csv_broken", tests, NULL, NULL);
}
