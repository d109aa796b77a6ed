/* A disk that is full for a while: nothing is lost, what cannot wait is stored in the reserve's room, and all goes on by
 * itself. The disk is a shim's: files below the study may not grow beyond a number of bytes (tests/faults/shim.c). */
#include "rig.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/conf/paths.h"

int full_tests(void);

#define STUDY(trials, slots, epochs) \
    "study:\n  trials: " #trials "\n  slots: " #slots "\ntrain:\n  epochs: " #epochs \
    "\noptimizer:\n  lr: 1e-4 .. 1e-2 log\n"

static char *quota; /* the file that makes the disk small */

static bool banner_has(struct rig *r, const void *arg)
{
    return strstr(r->banner, arg) != NULL;
}

static bool banner_gone(struct rig *r, const void *arg)
{
    (void)arg;
    return r->banner[0] == '\0';
}

static void start_on_small_disk(struct rig *r)
{
    (void)setenv("VAETOP_FAULT_DIR", r->dir, 1);
    (void)setenv("LD_PRELOAD", FAULTS_SHIM, 1);
    rig_start(r);
    (void)unsetenv("LD_PRELOAD");
}

static void fill_disk(void)
{
    struct err e;
    assert_ok(fs_write(quota, "0", 1, &e), &e); /* no file grows, whatever there is */
}

/* As large as it is now: what is removed makes room. */
static void fill_disk_to_the_brim(const struct rig *r)
{
    static const char *const file[] = {STUDY_DB, STUDY_DB "-wal", STUDY_DB "-shm", STUDY_SNAPSHOTS, STUDY_LOG, STUDY_LOCK,
                                       STUDY_RESERVE};
    long long sum = 0;
    char text[32];
    struct err e;
    for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
        struct stat st;
        char *path = fs_join(r->dir, file[i]);
        sum += stat(path, &st) == 0 ? (long long)st.st_size : 0;
        free(path);
    }
    (void)snprintf(text, sizeof text, "%lld", sum);
    assert_ok(fs_write(quota, text, strlen(text), &e), &e);
}

static void free_disk(void)
{
    assert_int_equal(unlink(quota), 0);
}

static bool has_reserve(const struct rig *r)
{
    char *path = fs_join(r->dir, STUDY_RESERVE);
    bool yes = fs_exists(path);
    free(path);
    return yes;
}

static void ends_of_trials_are_stored_in_the_room_of_the_reserve(void **state)
{
    (void)state;
    struct rig r;
    struct trial_row t;
    rig_study(&r, STUDY(3, 1, 300));
    rig_set("nosave-0");
    rig_set("hold-0-1");
    rig_set("hold-0-200");
    start_on_small_disk(&r);
    rig_until_epoch(&r, 0, 1);
    assert_true(has_reserve(&r));
    fill_disk_to_the_brim(&r);
    rig_clear("hold-0-1");
    rig_until(&r, banner_has, "disk full: trials go on in memory", "the banner");
    char text[256];
    client_peek(text, sizeof text, r.dir); /* as `show` asks */
    assert_has(text, "disk full");
    assert_false(has_reserve(&r));
    rig_clear("hold-0-200");
    rig_until_phase(&r, 0, PHASE_DONE);
    rig_check_epochs(&r, 0, 300);
    assert_int_equal(rig_count(&r, PHASE_ACTIVE), 0); /* none starts */
    free_disk();
    rig_until_finished(&r);
    rig_until(&r, banner_gone, NULL, "the banner to go");
    for (int i = 0; i < 3; i++) {
        assert_true(rig_trial(&r, i, &t));
        assert_int_equal(t.phase, PHASE_DONE);
        rig_check_epochs(&r, i, 300);
    }
    rig_end(&r);
    assert_false(has_reserve(&r));
}

static void trials_wait_in_memory_when_too_much_waits(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, STUDY(1, 1, 6000));
    rig_set("nosave-0");
    rig_set("hold-0-1");
    rig_set("hold-0-9");
    start_on_small_disk(&r);
    rig_until_epoch(&r, 0, 1);
    fill_disk();
    rig_clear("hold-0-1");
    rig_until(&r, banner_has, "disk full: trials go on in memory", "the first banner");
    rig_clear("hold-0-9");
    rig_until(&r, banner_has, "disk full: trials wait in memory", "the banner");
    rig_do(&r, COMMAND_TRIALS, -1, "1"); /* it still answers */
    free_disk();
    rig_until_finished(&r);
    rig_until(&r, banner_gone, NULL, "the banner to go");
    rig_check_epochs(&r, 0, 6000);
    rig_end(&r);
}

static void a_killed_engine_starts_on_a_full_disk_and_waits(void **state)
{
    (void)state;
    struct rig r;
    rig_study(&r, STUDY(1, 1, 50));
    rig_set("hold-0-20");
    start_on_small_disk(&r);
    rig_until_epoch(&r, 0, 20);
    fill_disk();
    assert_int_equal(kill(rig_engine(&r), SIGKILL), 0);
    rig_detach(&r);
    struct err e;
    enum err_code rc = ERR_NOTFOUND;
    for (int i = 0; i < 3000 && rc; i++) {
        rc = client_connect(&r.client, r.dir, &e);
        (void)poll(NULL, 0, rc ? 10 : 0);
    }
    assert_ok(rc, &e);
    rig_until(&r, banner_has, "disk full", "the banner");
    rig_clear_all();
    free_disk();
    rig_until_finished(&r);
    rig_check_epochs(&r, 0, 50);
    rig_end(&r);
}

static int full_setup(void **state)
{
    int bad = rig_setup(state);
    quota = xasprintf("%s/quota", temp_dir());
    (void)setenv("VAETOP_FAULT_QUOTA", quota, 1);
    (void)setenv("VAETOP_FAULT_FAST", "1", 1);
    (void)setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    return bad;
}

static int full_teardown(void **state)
{
    (void)unsetenv("VAETOP_FAULT_QUOTA");
    (void)unsetenv("VAETOP_FAULT_FAST");
    (void)unsetenv("VAETOP_FAULT_DIR");
    free(quota);
    return rig_teardown(state);
}

int full_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_of_trials_are_stored_in_the_room_of_the_reserve),
        cmocka_unit_test(trials_wait_in_memory_when_too_much_waits),
        cmocka_unit_test(a_killed_engine_starts_on_a_full_disk_and_waits),
    };
    return cmocka_run_group_tests_name("engine full disk", tests, full_setup, full_teardown);
}
