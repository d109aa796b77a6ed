/* Tables as text: delimiters, header rows, quotes, labels, line ends, numbers. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "vaetop/base/alloc.h"

#include "../../src/data/csv.h"

static void load_text(struct dataset *d, const char *text, const char *settings)
{
    char *path = put_file(temp_dir(), "t.csv", text, strlen(text));
    load_with(d, path, settings);
    free(path);
}

static void every_way_to_write_a_table_gives_the_same_numbers(void **state)
{
    (void)state;
    static const char *const ways[] = {
        "0.25,0.5\n0.75,1\n",
        "0.25,0.5\n0.75,1",         /* no last line end */
        "0.25,0.5\r\n0.75,1\r\n",   /* Windows */
        "0.25,0.5\r0.75,1\r",       /* an old Macintosh */
        "\xef\xbb\xbf" "0.25,0.5\n0.75,1\n",
        "\n\n0.25,0.5\n\n0.75,1\n\n",
        "0.25\t0.5\n0.75\t1\n",
        "0.25;0.5\n0.75;1\n",
        "0.25|0.5\n0.75|1\n",
        "0.25 0.5\n0.75 1\n",
        "  0.25   0.5  \n 0.75 1 \n",
        "0.25, 0.5\n0.75 ,1\n",
        "\"0.25\",\"0.5\"\n\"0.75\",1\n",
        "\"0.25\", \"0.5\"\n \"0.75\" ,1\n",
        "\"0.25\" \"0.5\"\n\"0.75\" 1\n",
        "+.25,5e-1\n75.E-2,1.000\n",
        "a,b\n0.25,0.5\n0.75,1\n",
        "\"a \"\"x\"\", or\nmore\",b\n0.25,0.5\n0.75,1\n",
        "a;b,c\n0.25;0.5\n0.75;1\n",
        "0,b\n0.25,0.5\n0.75,1\n",  /* a name that is a number */
        ",b\n0.25,0.5\n0.75,1\n",   /* a column without a name, as pandas writes its index */
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct dataset d;
        load_text(&d, ways[i], "");
        assert_int_equal(d.dim, 2);
        assert_int_equal(d.height, 1);
        assert_null(d.label);
        assert_floats(&d, (const float[]){0.25f, 0.5f, 0.75f, 1}, 4);
        dataset_release(&d);
    }
}

/* pandas numbers columns that have no names; a first row of values is not taken for that. */
static void counted_columns_are_names(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n, dim;
        float first;
    } cases[] = {{"0,1,2,3\n0.5,1,0,1\n0,1,0,1\n", 2, 4, 0.5f},
                 {"0;1;2;3;4\r\n1;1;1;1;1\r\n", 1, 5, 1},
                 {"0,1,2\n0.5,1,0\n", 2, 3, 0},       /* may well be values */
                 {"0,1,2,3\n4,5,6,7\n8,9,10,11\n", 3, 4, 0},
                 {"0,1,2,4\n0.5,1,0,1\n", 2, 4, 0},
                 {"0,1,2,3.0\n0.5,1,0,1\n", 2, 4, 0},
                 {"0,1,2,3\n", 1, 4, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dataset d;
        load_text(&d, cases[i].text, "loss.likelihood=gauss_fixed\n");
        assert_int_equal(d.n, cases[i].n);
        assert_int_equal(d.dim, cases[i].dim);
        assert_close(((const float *)d.x)[0], cases[i].first, 0.0, 0.0);
        dataset_release(&d);
    }
}

static void a_packed_table_is_read_and_count_takes_its_first_rows(void **state)
{
    (void)state;
    static const char text[] = "a,b\n0.25,0.5\n0.75,1\nnot,read\n";
    size_t len;
    struct dataset d;
    uint8_t *packed = gzip(&len, text, sizeof text - 1);
    char *path = put_file(temp_dir(), "t.csv.gz", packed, len);
    for (int n = 1; n <= 2; n++) {
        load_with(&d, path, n == 1 ? "data.count=1\n" : "data.count=2\n");
        assert_floats(&d, (const float[]){0.25f, 0.5f, 0.75f, 1}, 2 * (size_t)n);
        dataset_release(&d);
    }
    free(path);
    free(packed);
}

static void labels_are_a_column_by_name_number_or_habit(void **state)
{
    (void)state;
    static const struct {
        const char *text, *settings;
        const uint8_t label[3];
        int classes;
    } cases[] = {
        {"label,a,b\n7,0,1\n2,0,1\n0,0,1\n", "", {7, 2, 0}, 8},
        {"a,Class,b\n0,2,1\n0,0,1\n0,2,1\n", "", {2, 0, 2}, 3},
        {"a,b,kind\n0,1,2\n0,1,0\n0,1,1\n", "data.labels=column kind\n", {2, 0, 1}, 3},
        {"a,b,kind\n0,1,2\n0,1,0\n0,1,1\n", "data.labels=column 3\n", {2, 0, 1}, 3},
        {"2,0,1\n0,0,1\n1,0,1\n", "data.labels=column 1\n", {2, 0, 1}, 3},
        {"2.0,0,1\n0,0,1\n 2 ,0,1\n", "data.labels=column 1\n", {2, 0, 2}, 3},
        {"a,b,kind\n0,1,cat\n0,1,dog\n0,1,cat\n", "data.labels=column kind\n", {0, 1, 0}, 2},
        {"0,1,\"cat, big\"\n0,1,dog\n0,1,\"cat, big\"\n", "data.labels=column 3\n", {0, 1, 0}, 2},
        {"0,1,300\n0,1,-1\n0,1,300\n", "data.labels=column 3\n", {0, 1, 0}, 2},
        {"label,a,b\ncat,0,1\ndog,0,1\ncat,0,1\n", "", {0, 1, 0}, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dataset d;
        load_text(&d, cases[i].text, cases[i].settings);
        assert_int_equal(d.dim, 2);
        assert_floats(&d, (const float[]){0, 1, 0, 1, 0, 1}, 6);
        assert_memory_equal(d.label, cases[i].label, 3);
        assert_int_equal(d.n_classes, cases[i].classes);
        dataset_release(&d);
    }
}

static void labels_can_stay_a_number_or_come_from_a_file(void **state)
{
    (void)state;
    struct dataset d;
    const char *dir = temp_dir();
    load_text(&d, "label,a\n1,0\n0,1\n", "data.labels=none\n");
    assert_null(d.label);
    assert_floats(&d, (const float[]){1, 0, 0, 1}, 4);
    dataset_release(&d);
    static const char *const files[] = {"4\n2\n", "label\n4\n2\n", "\"4\"\r\n\"2\""};
    for (size_t i = 0; i < 3; i++) {
        char *labels = put_file(dir, "y.csv", files[i], strlen(files[i]));
        char *settings = xasprintf("data.labels=%s\n", labels);
        load_text(&d, "0,1\n1,0\n", settings);
        assert_memory_equal(d.label, "\4\2", 2);
        assert_int_equal(d.n_classes, 5);
        dataset_release(&d);
        free(labels);
        free(settings);
    }
}

static void a_shape_makes_images_of_a_table(void **state)
{
    (void)state;
    struct dataset d;
    struct err e;
    load_text(&d, "label,a,b,c,d,e,f\n1,0,0,0,1,1,1\n0,0,0,1,1,1,1\n", "data.shape=2x3\n");
    assert_int_equal(d.height, 2);
    assert_int_equal(d.width, 3);
    assert_int_equal(d.dim, 6);
    dataset_release(&d);
    char *path = put_file(temp_dir(), "t.csv", "0,1\n1,0\n", 8);
    refuse_with(&e, path, "data.shape=2x3\n");
    assert_has(e.text, "data.shape: found 2x3, expected a shape of 2 values");
    free(path);
}

static void wide_and_long_tables_are_read_through_many_buffers(void **state)
{
    (void)state;
    enum { ROWS = 300, COLUMNS = 3000 };
    struct sbuf text = {0};
    struct dataset d;
    for (int r = 0; r < ROWS; r++) {
        for (int i = 0; i < COLUMNS; i++) {
            sbuf_addf(&text, "%s%d", i ? "," : "", (r * 7 + i) % 256);
        }
        sbuf_add(&text, "\n");
    }
    load_text(&d, text.text, "data.scale=255\n");
    assert_int_equal(d.n, ROWS);
    assert_int_equal(d.dim, COLUMNS);
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        const float want = (float)((i / COLUMNS * 7 + i % COLUMNS) % 256) * (1.0f / 255.0f);
        assert_true(((float *)d.x)[i] == want);
    }
    dataset_release(&d);
    sbuf_release(&text);
}

static void numbers_are_read_as_strtod_reads_them(void **state)
{
    (void)state;
    static const char *const good[] = {"0", "-0", "1", "-1", "+1", "007", ".5", "5.", "1e3", "1E+3", "1e-3", " 1 ",
                                       "\t2",
                                       "0.1", "3.14159265358979323846", "1e22", "1e23", "123456789012345678",
                                       "12345678901234567890123456789", "0.000000000000000000000000000001",
                                       "1.7976931348623157e308", "4.9e-324", "1e-400", "1e99999999999",
                                       "9007199254740993",
                                       "0.30000000000000004", "2.2250738585072011e-308"};
    static const char *const bad[] = {"", " ", "-", "+", ".", "e5", "1e", "1e+", "1 2", "0x10", "nan", "inf", "-inf",
                                      "1,5", "1_000", "one", "1.2.3", "--1", "1f"};
    double v;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const double want = strtod(good[i], NULL);
        assert_true(csv_number(&v, good[i]));
        assert_memory_equal(&v, &want, sizeof v);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(csv_number(&v, bad[i]));
    }
}

int csv_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_to_write_a_table_gives_the_same_numbers),
        cmocka_unit_test(counted_columns_are_names),
        cmocka_unit_test(a_packed_table_is_read_and_count_takes_its_first_rows),
        cmocka_unit_test(labels_are_a_column_by_name_number_or_habit),
        cmocka_unit_test(labels_can_stay_a_number_or_come_from_a_file),
        cmocka_unit_test(a_shape_makes_images_of_a_table),
        cmocka_unit_test(wide_and_long_tables_are_read_through_many_buffers),
        cmocka_unit_test(numbers_are_read_as_strtod_reads_them),
    };
    return cmocka_run_group_tests_name("data csv", tests, NULL, NULL);
}
