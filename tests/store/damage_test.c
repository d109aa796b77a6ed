/* Files that are damaged, of another kind, of another version or made to hurt: one line, the right code, no crash. */
#include "fixture.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"

/* A closed study with some trials. */
static const char *make_study(int trials)
{
    struct study t;
    struct err e;
    study_open(&t);
    assert_ok(store_begin(t.s, &e), &e);
    for (int i = 0; i < trials; i++) {
        struct point pt;
        int number;
        make_point(&pt, &t.p, i);
        assert_ok(store_trial_new(t.s, &number, &t.p, &pt, PHASE_QUEUED, &e), &e);
        add_epoch(&t, number, 1, 100 + i);
        point_release(&pt);
    }
    assert_ok(store_commit(t.s, &e), &e);
    study_close(&t);
    return t.dir;
}

static void assert_refused(const char *dir, enum err_code code, const char *part)
{
    for (int rw = 0; rw < 2; rw++) {
        struct store *s;
        struct err e;
        assert_err(store_open(&s, dir, rw, &e), code, &e);
        assert_null(s);
        assert_has(e.text, part);
        assert_has(e.text, "study.db");
        assert_null(strchr(e.text, '\n'));
    }
}

static void write_file(const char *dir, const void *bytes, size_t n)
{
    char *path = fs_join(dir, "study.db");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fs_write_all(fd, bytes, n), 0);
    (void)close(fd);
    free(path);
}

static void a_missing_study_is_not_found(void **state)
{
    (void)state;
    assert_refused(temp_dir(), ERR_NOTFOUND, "No such file");
}

static void a_file_of_another_kind_is_named_so(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    char text[5000];
    memset(text, 'x', sizeof text);
    write_file(dir, text, sizeof text);
    assert_refused(dir, ERR_DB, "not an SQLite data base");
    write_file(dir, "", 0);
    assert_refused(dir, ERR_DB, "empty");
    char *path = fs_join(dir, "study.db");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_refused(dir, ERR_DB, "not a file");
    free(path);
}

static void a_data_base_of_others_is_named_so(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    meddle(dir, "study.db", "CREATE TABLE studies (study_id INTEGER PRIMARY KEY); CREATE TABLE trials (x);");
    assert_refused(dir, ERR_DB, "not a study of vaetop: table vaetop_study is missing");
}

static void a_missing_table_is_named(void **state)
{
    (void)state;
    const char *dir = make_study(1);
    meddle(dir, "study.db", "DROP TABLE vaetop_epoch");
    assert_refused(dir, ERR_DB, "table vaetop_epoch is missing");
}

static void a_view_in_place_of_a_table_is_refused(void **state)
{
    (void)state;
    const char *dir = make_study(1);
    meddle(dir, "study.db", "DROP TABLE vaetop_log; CREATE VIEW vaetop_log AS SELECT 1 AS id, 2 AS utc_us, 3 AS trial,"
                            " hex(zeroblob(1000000000)) AS text");
    assert_refused(dir, ERR_DB, "table vaetop_log is missing");
}

static void triggers_of_a_file_never_run(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    study_open(&t);
    store_close(t.s);
    meddle(t.dir, "study.db", "CREATE TRIGGER trap AFTER INSERT ON trials BEGIN DELETE FROM trials; END");
    assert_ok(store_open(&t.s, t.dir, true, &e), &e);
    (void)add_trial(&t, PHASE_QUEUED);
    assert_query(t.dir, "SELECT count(*) FROM trials", "1");
    study_close(&t);
}

static void a_newer_schema_is_refused(void **state)
{
    (void)state;
    const char *dir = make_study(1);
    meddle(dir, "study.db", "UPDATE vaetop_study SET schema = 2");
    assert_refused(dir, ERR_DB, "written by a newer vaetop (schema 2, this one knows 1)");
    meddle(dir, "study.db", "UPDATE vaetop_study SET schema = -7");
    assert_refused(dir, ERR_DB, "damaged: schema -7");
    meddle(dir, "study.db", "DELETE FROM vaetop_study");
    assert_refused(dir, ERR_DB, "vaetop_study has no row");
}

static void a_file_cut_off_is_refused_by_the_writer(void **state)
{
    (void)state;
    const char *dir = make_study(60);
    char *path = fs_join(dir, "study.db");
    struct stat st;
    struct store *s;
    struct err e;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size / 8192 * 4096), 0);
    assert_err(store_open(&s, dir, true, &e), ERR_DB, &e);
    assert_has(e.text, "study.db");
    assert_null(strchr(e.text, '\n'));
    free(path);
}

/* Everything a client reads, whatever it says. */
static enum err_code read_all(const char *dir, struct err *e)
{
    struct store *s;
    struct preset p;
    struct trial_row *rows;
    struct epoch_row *epochs;
    struct log_row *logs;
    struct device_row *devices;
    size_t n, m;
    enum err_code code = store_open(&s, dir, false, e);
    if (code) {
        return code;
    }
    code = store_preset(s, &p, e);
    if (!code) {
        code = store_trials(s, &p, 0, &rows, &n, e);
        for (size_t i = 0; !code && i < n && i < 5; i++) {
            if (!store_epochs(s, rows[i].number, 0, &epochs, &m, e)) {
                free(epochs);
            }
        }
        if (!code) {
            trial_rows_free(rows, n);
        }
        if (!store_logs(s, 0, 10, &logs, &m, e)) {
            free(logs);
        }
        if (!store_devices(s, &devices, &m, e)) {
            free(devices);
        }
        preset_release(&p);
    }
    store_close(s);
    return code;
}

/* Bytes changed at each of many places: an answer or a refusal, never more. Not every change is one SQLite sees. */
static void flipped_bytes_never_crash_a_reader(void **state)
{
    (void)state;
    const char *dir = make_study(12);
    char *path = fs_join(dir, "study.db"), *good, *bad;
    size_t len, refused = 0, tried = 0;
    struct err e;
    assert_ok(fs_read(&good, &len, path, 64 << 20, &e), &e);
    bad = xcalloc(len, 1);
    for (size_t at = 0; at < len; at += at < 200 ? 7 : 509) {
        memcpy(bad, good, len);
        for (size_t i = at; i < at + 4 && i < len; i++) {
            bad[i] = (char)(bad[i] ^ 0xff);
        }
        write_file(dir, bad, len);
        enum err_code code = read_all(dir, &e);
        assert_true(code == ERR_OK || code == ERR_DB || code == ERR_IO || code == ERR_USAGE || code == ERR_NOTFOUND);
        assert_true(code == ERR_OK || (*e.text && !strchr(e.text, '\n')));
        refused += code != ERR_OK;
        tried++;
    }
    assert_true(tried > 200 && refused > 5);
    free(good);
    free(bad);
    free(path);
}

static void damage_within_pages_is_found_by_the_writer(void **state)
{
    (void)state;
    const char *dir = make_study(60);
    char *path = fs_join(dir, "study.db"), *page;
    size_t len;
    struct store *s;
    struct err e;
    assert_ok(fs_read(&page, &len, path, 64 << 20, &e), &e);
    memset(page + len / 2 / 4096 * 4096, 0x5a, 4096);
    write_file(dir, page, len);
    assert_err(store_open(&s, dir, true, &e), ERR_DB, &e);
    assert_has(e.text, "damaged");
    free(page);
    free(path);
}

static void odd_values_in_rows_are_refused_or_clean(void **state)
{
    (void)state;
    static const char *const sql[] = {
        "UPDATE vaetop_trial SET phase = 'flying'",
        "UPDATE vaetop_trial SET number = -5",
        "UPDATE vaetop_trial SET number = 99999999999",
        "UPDATE vaetop_trial SET point = x'00'",
        "UPDATE vaetop_fact SET value = 'model: {{{' WHERE key = 'preset'",
        "DELETE FROM vaetop_fact",
    };
    for (size_t i = 0; i < sizeof sql / sizeof *sql; i++) {
        const char *dir = make_study(1);
        struct err e;
        meddle(dir, "study.db", sql[i]);
        enum err_code code = read_all(dir, &e);
        assert_true(code == ERR_DB || code == ERR_USAGE);
        assert_has(e.text, "study.db");
    }
    const char *dir = make_study(1);
    meddle(dir, "study.db",
           "UPDATE vaetop_trial SET point = CAST(zeroblob(8) || randomblob(80) AS BLOB), device = 'a' ||"
           " char(27) || '[2J', attempts = 1e30, last_value = 'text', step = 'x', reason = zeroblob(1000)");
    struct err e;
    enum err_code code = read_all(dir, &e);
    assert_true(code == ERR_OK || code == ERR_DB);
    dir = make_study(1);
    meddle(dir, "study.db", "UPDATE vaetop_trial SET device = 'a' || char(27) || '[2J'");
    struct trial_row *r = read_trial(dir, 0);
    assert_string_equal(r->device, "a\\x1B[2J");
    trial_rows_free(r, 1);
}

int damage_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_study_is_not_found),
        cmocka_unit_test(a_file_of_another_kind_is_named_so),
        cmocka_unit_test(a_data_base_of_others_is_named_so),
        cmocka_unit_test(a_missing_table_is_named),
        cmocka_unit_test(a_view_in_place_of_a_table_is_refused),
        cmocka_unit_test(triggers_of_a_file_never_run),
        cmocka_unit_test(a_newer_schema_is_refused),
        cmocka_unit_test(a_file_cut_off_is_refused_by_the_writer),
        cmocka_unit_test(flipped_bytes_never_crash_a_reader),
        cmocka_unit_test(damage_within_pages_is_found_by_the_writer),
        cmocka_unit_test(odd_values_in_rows_are_refused_or_clean),
    };
    return cmocka_run_group_tests_name("store damage", tests, NULL, NULL);
}
