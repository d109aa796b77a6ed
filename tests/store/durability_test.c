/* What was committed is there after any death; what was not is not; readers never wait and never see half of it. */
#define _GNU_SOURCE /* syscall(), for capset */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"

#include "../../src/store/store_private.h"

enum { EPOCHS = 5, KILLS = 8 };

/* Runs in a child; every committed trial is one byte to the parent. Never returns. */
static void write_for_ever(const char *dir, const struct preset *p, int fd)
{
    struct store *s;
    struct err e;
    if (store_open(&s, dir, true, &e)) {
        _exit(1);
    }
    for (;;) {
        struct point pt;
        int number;
        make_point(&pt, p, 3);
        bool ok = !store_begin(s, &e) && !store_trial_new(s, &number, p, &pt, PHASE_QUEUED, &e);
        for (int i = 1; ok && i <= EPOCHS; i++) {
            struct epoch_row r = make_epoch(number, i, 100 - i);
            ok = !store_epoch(s, &r, &e);
        }
        ok = ok && !store_trial_phase(s, number, PHASE_DONE, 95, NULL, &e) && !store_commit(s, &e);
        point_release(&pt);
        if (!ok || write(fd, "c", 1) != 1) {
            _exit(1);
        }
    }
}

static void assert_whole(const char *dir, int at_least)
{
    struct trial_row *rows;
    struct preset p;
    struct store *s;
    struct err e;
    size_t n;
    assert_ok(store_open(&s, dir, true, &e), &e);
    assert_ok(store_preset(s, &p, &e), &e);
    assert_ok(store_trials(s, &p, 0, &rows, &n, &e), &e);
    assert_true((int)n >= at_least);
    for (size_t i = 0; i < n; i++) {
        struct epoch_row *epochs;
        size_t m;
        assert_int_equal(rows[i].number, (int)i);
        assert_int_equal(rows[i].phase, PHASE_DONE);
        assert_ok(store_epochs(s, (int)i, 0, &epochs, &m, &e), &e);
        assert_int_equal(m, EPOCHS);
        free(epochs);
    }
    trial_rows_free(rows, n);
    preset_release(&p);
    store_close(s);
    assert_query(dir, "PRAGMA integrity_check", "ok");
    assert_query(dir, "SELECT count(*) FROM trials WHERE state <> 'COMPLETE'", "0");
    assert_query(dir, "SELECT count(*) = 5 * (SELECT count(*) FROM trials) FROM trial_intermediate_values", "1");
}

static void killed_writer_loses_nothing_committed(void **state)
{
    (void)state;
    struct study t;
    int acknowledged = 0;
    study_open(&t);
    store_close(t.s);
    for (int k = 0; k < KILLS; k++) {
        int fd[2];
        char c;
        assert_int_equal(pipe(fd), 0);
        pid_t pid = fork();
        if (pid == 0) {
            (void)close(fd[0]);
            write_for_ever(t.dir, &t.p, fd[1]);
        }
        (void)close(fd[1]);
        for (int i = 0; i < 3 + 2 * k; i++) {
            assert_int_equal(read(fd[0], &c, 1), 1);
            acknowledged++;
        }
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        while (read(fd[0], &c, 1) == 1) {
            acknowledged++;
        }
        (void)close(fd[0]);
        assert_whole(t.dir, acknowledged);
    }
    preset_release(&t.p);
}

static void an_open_transaction_dies_with_its_process(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    study_open(&t);
    (void)add_trial(&t, PHASE_QUEUED);
    store_close(t.s);
    pid_t pid = fork();
    if (pid == 0) {
        struct epoch_row r = make_epoch(0, 1, 5);
        bool ok = !store_open(&t.s, t.dir, true, &e) && !store_begin(t.s, &e) && !store_epoch(t.s, &r, &e) &&
                  !store_trial_phase(t.s, 0, PHASE_DONE, 5, NULL, &e);
        _exit(ok ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_query(t.dir, "SELECT state FROM trials", "RUNNING");
    assert_query(t.dir, "SELECT count(*) FROM vaetop_epoch", "0");
    assert_ok(store_open(&t.s, t.dir, true, &e), &e);
    add_epoch(&t, 0, 1, 6);
    study_close(&t);
}

static void rollback_undoes_and_gives_the_number_back(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    int64_t before, after;
    study_open(&t);
    assert_ok(store_changed(t.s, &before, &e), &e);
    assert_ok(store_begin(t.s, &e), &e);
    struct point pt;
    int number;
    make_point(&pt, &t.p, 0);
    assert_ok(store_trial_new(t.s, &number, &t.p, &pt, PHASE_QUEUED, &e), &e);
    assert_int_equal(number, 0);
    assert_err(store_begin(t.s, &e), ERR_USAGE, &e);
    store_rollback(t.s);
    point_release(&pt);
    assert_ok(store_changed(t.s, &after, &e), &e);
    assert_int_equal(before, after);
    assert_int_equal(add_trial(&t, PHASE_QUEUED), 0);
    study_close(&t);
}

static void readers_see_whole_commits_while_the_writer_works(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    struct store *r;
    struct trial_row *rows;
    size_t n;
    int64_t before, during, after;
    study_open(&t);
    (void)add_trial(&t, PHASE_QUEUED);
    assert_ok(store_open(&r, t.dir, false, &e), &e);
    assert_err(store_begin(r, &e), ERR_USAGE, &e);
    assert_ok(store_changed(r, &before, &e), &e);
    assert_ok(store_begin(t.s, &e), &e);
    add_epoch(&t, 0, 1, 100);
    assert_ok(store_changed(r, &during, &e), &e);
    assert_int_equal(before, during);
    assert_ok(store_trials(r, &t.p, 0, &rows, &n, &e), &e);
    assert_int_equal(n, 1);
    assert_false(rows[0].has_epoch);
    trial_rows_free(rows, n);
    assert_ok(store_commit(t.s, &e), &e);
    assert_ok(store_changed(r, &after, &e), &e);
    assert_true(after > before);
    assert_ok(store_trials(r, &t.p, before, &rows, &n, &e), &e);
    assert_int_equal(n, 1);
    assert_true(rows[0].has_epoch);
    assert_int_equal(rows[0].changed, after);
    trial_rows_free(rows, n);
    store_close(r);
    study_close(&t);
}

static void a_lock_of_another_program_is_named(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    sqlite3 *other;
    study_open(&t);
    char *path = fs_join(t.dir, "study.db");
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_err(store_begin(t.s, &e), ERR_BUSY, &e);
    assert_has(e.text, "locked by another program");
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_ok(store_begin(t.s, &e), &e);
    assert_ok(store_commit(t.s, &e), &e);
    (void)sqlite3_close(other);
    free(path);
    study_close(&t);
}

static void network_folders_get_a_rollback_journal(void **state)
{
    (void)state;
    struct study t;
    struct db d;
    struct err e;
    study_open(&t);
    assert_query(t.dir, "PRAGMA journal_mode", "wal");
    store_close(t.s);
    char *path = fs_join(t.dir, "study.db");
    struct db_options o = store_db_options(true, DB_WRITE);
    assert_ok(db_open(&d, path, &o, &e), &e);
    db_close(&d);
    assert_query(t.dir, "PRAGMA journal_mode", "delete");
    assert_ok(store_open(&t.s, t.dir, true, &e), &e);
    assert_query(t.dir, "PRAGMA journal_mode", "wal");
    free(path);
    study_close(&t);
}

/* --- in a child with fewer rights; its findings come back as one line */

struct verdict {
    enum err_code code, later;
    char text[768];
};

static struct verdict in_child(void (*work)(const char *, struct verdict *), const char *dir)
{
    int fd[2], status;
    struct verdict v;
    assert_int_equal(pipe(fd), 0);
    pid_t pid = fork();
    if (pid == 0) {
        memset(&v, 0, sizeof v);
        work(dir, &v);
        _exit(write(fd[1], &v, sizeof v) == (ssize_t)sizeof v ? 0 : 1);
    }
    (void)close(fd[1]);
    ssize_t got = read(fd[0], &v, sizeof v);
    (void)close(fd[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(got, sizeof v);
    return v;
}

/* Root passes every permission check; without these capabilities it is held to the mode like anybody. */
static void obey_permissions(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    if (syscall(SYS_capset, &head, none) != 0) {
        _exit(2);
    }
}

static void fill_disk(const char *dir, struct verdict *v)
{
    struct study t = {.dir = dir};
    struct rlimit limit;
    struct err e;
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)getrlimit(RLIMIT_FSIZE, &limit);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = 300000;
    (void)setrlimit(RLIMIT_FSIZE, &limit);
    v->later = ERR_FAILED;
    if (store_open(&t.s, dir, true, &e) || store_preset(t.s, &t.p, &e)) {
        return;
    }
    for (int i = 0; i < 100000 && !v->code; i++) {
        struct point pt;
        int number;
        make_point(&pt, &t.p, i);
        v->code = store_trial_new(t.s, &number, &t.p, &pt, PHASE_QUEUED, &e);
        point_release(&pt);
    }
    (void)memcpy(v->text, e.text, sizeof v->text);
    limit.rlim_cur = before;
    (void)setrlimit(RLIMIT_FSIZE, &limit);
    v->later = store_trial_phase(t.s, 0, PHASE_DONE, 1, NULL, &e); /* space is back: it goes on by itself */
    store_close(t.s);
}

static void a_full_disk_is_one_line_and_passes(void **state)
{
    (void)state;
    struct study t;
    study_open(&t);
    store_close(t.s);
    struct verdict v = in_child(fill_disk, t.dir);
    assert_int_equal(v.code, ERR_FULL);
    assert_has(v.text, "disk is full");
    assert_null(strchr(v.text, '\n'));
    assert_int_equal(v.later, ERR_OK);
    assert_query(t.dir, "PRAGMA integrity_check", "ok");
    assert_query(t.dir, "SELECT count(*) = (SELECT count(*) FROM vaetop_trial) FROM trials", "1");
    assert_query(t.dir, "SELECT state FROM trials WHERE number = 0", "COMPLETE");
    preset_release(&t.p);
}

static void open_for_writing(const char *dir, struct verdict *v)
{
    struct store *s = NULL;
    struct err e = {0};
    obey_permissions();
    v->code = store_open(&s, dir, true, &e);
    if (!v->code) {
        v->code = store_begin(s, &e);
    }
    (void)memcpy(v->text, e.text, sizeof v->text);
}

static void open_for_reading(const char *dir, struct verdict *v)
{
    struct store *s;
    struct trial_row *rows = NULL;
    struct preset p;
    struct snapshot shot;
    size_t n = 0;
    struct err e = {0};
    obey_permissions();
    v->code = store_open(&s, dir, false, &e);
    v->code = v->code ? v->code : store_preset(s, &p, &e);
    v->code = v->code ? v->code : store_trials(s, &p, 0, &rows, &n, &e);
    (void)memcpy(v->text, e.text, sizeof v->text);
    v->later = v->code ? ERR_FAILED : store_snapshot_get(s, 0, 0, &shot, &e);
    (void)snprintf(v->text + strlen(v->text), 20, " rows %zu", n);
}

static void create_there(const char *dir, struct verdict *v)
{
    struct preset p;
    struct err e = {0};
    obey_permissions();
    make_preset(&p, space_yaml);
    v->code = store_create(dir, "x", &p, "", &e);
    (void)memcpy(v->text, e.text, sizeof v->text);
}

static void a_read_only_folder_can_be_looked_at(void **state)
{
    (void)state;
    struct study t;
    study_open(&t);
    (void)add_trial(&t, PHASE_QUEUED);
    store_close(t.s);
    assert_int_equal(chmod(t.dir, 0500), 0);
    struct verdict writing = in_child(open_for_writing, t.dir);
    struct verdict reading = in_child(open_for_reading, t.dir);
    assert_int_equal(chmod(t.dir, 0700), 0);
    assert_int_equal(writing.code, ERR_IO);
    assert_has(writing.text, "permission");
    assert_has(writing.text, "study.db");
    assert_int_equal(reading.code, ERR_OK);
    assert_int_equal(reading.later, ERR_NOTFOUND);
    assert_has(reading.text, "rows 1");
    preset_release(&t.p);
}

static void a_read_only_file_refuses_the_writer(void **state)
{
    (void)state;
    struct study t;
    study_open(&t);
    store_close(t.s);
    char *path = fs_join(t.dir, "study.db");
    assert_int_equal(chmod(path, 0400), 0);
    struct verdict v = in_child(open_for_writing, t.dir);
    assert_int_equal(v.code, ERR_IO);
    assert_has(v.text, "no permission to write");
    free(path);
    preset_release(&t.p);
}

static void creating_in_a_read_only_folder_leaves_nothing(void **state)
{
    (void)state;
    const char *dir = temp_dir();
    assert_int_equal(chmod(dir, 0500), 0);
    struct verdict v = in_child(create_there, dir);
    assert_int_equal(chmod(dir, 0700), 0);
    assert_int_equal(v.code, ERR_IO);
    assert_has(v.text, "study.db: Permission denied");
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(mkdir(dir, 0700), 0);
}

static void creating_twice_keeps_the_first(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    study_open(&t);
    (void)add_trial(&t, PHASE_QUEUED);
    assert_err(store_create(t.dir, "other", &t.p, "", &e), ERR_IO, &e);
    assert_has(e.text, "File exists");
    assert_query(t.dir, "SELECT study_name FROM studies", "test-1");
    assert_query(t.dir, "SELECT count(*) FROM trials", "1");
    study_close(&t);
}

int durability_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_writer_loses_nothing_committed),
        cmocka_unit_test(an_open_transaction_dies_with_its_process),
        cmocka_unit_test(rollback_undoes_and_gives_the_number_back),
        cmocka_unit_test(readers_see_whole_commits_while_the_writer_works),
        cmocka_unit_test(a_lock_of_another_program_is_named),
        cmocka_unit_test(network_folders_get_a_rollback_journal),
        cmocka_unit_test(a_full_disk_is_one_line_and_passes),
        cmocka_unit_test(a_read_only_folder_can_be_looked_at),
        cmocka_unit_test(a_read_only_file_refuses_the_writer),
        cmocka_unit_test(creating_in_a_read_only_folder_leaves_nothing),
        cmocka_unit_test(creating_twice_keeps_the_first),
    };
    return cmocka_run_group_tests_name("store durability", tests, NULL, NULL);
}
