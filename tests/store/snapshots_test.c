/* Pictures: thinned per trial, bounded per study, never in the way. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"

#include "../../src/store/store_private.h"

static struct snapshot make_shot(int trial, int epoch, int points)
{
    struct snapshot s = {.trial = trial, .epoch = epoch, .latent = 3, .n_points = points, .xy_scale = 0.25f,
                         .explained = 0.5f};
    s.kl = xcalloc(3, sizeof *s.kl);
    s.xy = xcalloc((size_t)points, 2 * sizeof *s.xy);
    s.label = xcalloc((size_t)points, 1);
    for (int i = 0; i < points; i++) {
        s.xy[2 * i] = (int16_t)(epoch * 100 + i);
        s.xy[2 * i + 1] = (int16_t)-i;
        s.label[i] = (uint8_t)(i % 10);
    }
    s.kl[1] = (float)epoch;
    if (points == SNAPSHOT_POINTS) {
        s.n_images = SNAPSHOT_IMAGES;
        s.image_h = s.image_w = SNAPSHOT_SIDE;
        s.pixels = xcalloc(snapshot_pixels(&s), 1);
        for (size_t i = 0; i < snapshot_pixels(&s); i++) {
            s.pixels[i] = (uint8_t)(i % 251);
        }
    }
    return s;
}

static void put_shot(struct study *t, int trial, int epoch, int points)
{
    struct err e;
    struct snapshot s = make_shot(trial, epoch, points);
    assert_ok(store_snapshot(t->s, &s, &e), &e);
    snapshot_release(&s);
}

/* Epochs stored for a trial, ascending. */
static size_t stored(struct study *t, int trial, int *out, size_t cap)
{
    struct snapshot s;
    struct err e;
    size_t n = 0;
    int at = 0;
    while (store_snapshot_get(t->s, trial, at, &s, &e) == ERR_OK) {
        assert_true(n < cap);
        out[n++] = s.epoch;
        at = s.epoch - 1;
        snapshot_release(&s);
        if (at == 0) {
            break;
        }
    }
    for (size_t i = 0; i < n / 2; i++) {
        int swap = out[i];
        out[i] = out[n - 1 - i];
        out[n - 1 - i] = swap;
    }
    return n;
}

static void a_snapshot_round_trips(void **state)
{
    (void)state;
    struct study t;
    struct snapshot want = make_shot(4, 7, SNAPSHOT_POINTS), got;
    struct store *r;
    struct err e;
    study_open(&t);
    assert_ok(store_snapshot(t.s, &want, &e), &e);
    assert_ok(store_open(&r, t.dir, false, &e), &e);
    assert_ok(store_snapshot_get(r, 4, 0, &got, &e), &e);
    assert_int_equal(got.epoch, 7);
    assert_int_equal(got.latent, 3);
    assert_int_equal(got.n_points, SNAPSHOT_POINTS);
    assert_close(got.xy_scale, 0.25, 0, 0);
    assert_close(got.explained, 0.5, 0, 0);
    assert_memory_equal(got.kl, want.kl, 3 * sizeof *got.kl);
    assert_memory_equal(got.xy, want.xy, SNAPSHOT_POINTS * 2 * sizeof *got.xy);
    assert_memory_equal(got.label, want.label, SNAPSHOT_POINTS);
    assert_int_equal(got.n_images, SNAPSHOT_IMAGES);
    assert_int_equal(snapshot_pixels(&got), 24 * 1024);
    assert_memory_equal(got.pixels, want.pixels, 24 * 1024);
    snapshot_release(&got);
    assert_err(store_snapshot_get(r, 4, 6, &got, &e), ERR_NOTFOUND, &e);
    assert_err(store_snapshot_get(r, 3, 0, &got, &e), ERR_NOTFOUND, &e);
    assert_err(store_snapshot(r, &want, &e), ERR_USAGE, &e);
    snapshot_release(&want);
    store_close(r);
    study_close(&t);
}

static void the_newest_at_or_before_an_epoch_is_found(void **state)
{
    (void)state;
    struct study t;
    struct snapshot s;
    struct err e;
    static const int asked[][2] = {{0, 9}, {1, 1}, {3, 1}, {4, 4}, {8, 4}, {100, 9}};
    study_open(&t);
    put_shot(&t, 0, 1, 3);
    put_shot(&t, 0, 4, 3);
    put_shot(&t, 0, 9, 3);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        assert_ok(store_snapshot_get(t.s, 0, asked[i][0], &s, &e), &e);
        assert_int_equal(s.epoch, asked[i][1]);
        snapshot_release(&s);
    }
    study_close(&t);
}

static void every_second_epoch_goes_when_full(void **state)
{
    (void)state;
    struct study t;
    int epoch[64];
    study_open(&t);
    for (int i = 1; i <= 32; i++) {
        put_shot(&t, 0, i, 4);
        put_shot(&t, 1, i, 4);
    }
    assert_int_equal(stored(&t, 0, epoch, 64), 32);
    put_shot(&t, 0, 32, 4); /* sent again: replaces, nothing is dropped */
    assert_int_equal(stored(&t, 0, epoch, 64), 32);
    put_shot(&t, 0, 33, 4);
    assert_int_equal(stored(&t, 0, epoch, 64), 17);
    for (int i = 0; i < 17; i++) {
        assert_int_equal(epoch[i], 1 + 2 * i);
    }
    assert_int_equal(stored(&t, 1, epoch, 64), 32);
    for (int i = 34; i <= 400; i++) {
        put_shot(&t, 0, i, 4);
        size_t n = stored(&t, 0, epoch, 64);
        assert_true(n >= 17 && n <= 32);
        assert_int_equal(epoch[0], 1);
        assert_int_equal(epoch[n - 1], i);
    }
    study_close(&t);
}

static void the_oldest_go_when_the_study_is_full(void **state)
{
    (void)state;
    struct study t;
    struct err e;
    int epoch[64];
    study_open(&t);
    t.s->shot_limit = 10 * (100 * 5 + 3 * 4 + 100); /* ten pictures of 100 points */
    for (int i = 1; i <= 8; i++) {
        put_shot(&t, 0, i, 100);
    }
    for (int i = 1; i <= 6; i++) {
        put_shot(&t, 1, i, 100);
    }
    assert_int_equal(stored(&t, 0, epoch, 64), 4);
    assert_int_equal(epoch[0], 5);
    assert_int_equal(stored(&t, 1, epoch, 64), 6);
    store_close(t.s);
    assert_ok(store_open(&t.s, t.dir, true, &e), &e); /* the sum is counted anew */
    t.s->shot_limit = 10 * (100 * 5 + 3 * 4 + 100);
    put_shot(&t, 1, 7, 100);
    assert_int_equal(stored(&t, 0, epoch, 64), 3);
    study_close(&t);
}

static void lost_pictures_are_no_error(void **state)
{
    (void)state;
    struct study t;
    struct snapshot s;
    struct store *r;
    struct err e;
    study_open(&t);
    put_shot(&t, 0, 1, 3);
    store_close(t.s);
    char *path = fs_join(t.dir, "snapshots.db");
    assert_int_equal(unlink(path), 0);
    assert_ok(store_open(&r, t.dir, false, &e), &e);
    assert_err(store_snapshot_get(r, 0, 0, &s, &e), ERR_NOTFOUND, &e);
    store_close(r);
    assert_ok(store_open(&t.s, t.dir, true, &e), &e);
    put_shot(&t, 0, 2, 3);
    assert_ok(store_snapshot_get(t.s, 0, 0, &s, &e), &e);
    assert_int_equal(s.epoch, 2);
    snapshot_release(&s);
    free(path);
    study_close(&t);
}

static void half_made_and_damaged_pictures_are_made_anew(void **state)
{
    (void)state;
    static const char *const bytes[] = {"", "not a data base", NULL}; /* NULL: made, but without its table */
    struct study t;
    struct snapshot s;
    struct err e;
    study_open(&t);
    char *path = fs_join(t.dir, "snapshots.db");
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        put_shot(&t, 0, 1, 3);
        store_close(t.s);
        if (bytes[i]) {
            assert_ok(fs_write(path, bytes[i], strlen(bytes[i]), &e), &e);
        } else {
            meddle(t.dir, "snapshots.db", "DROP TABLE vaetop_snapshot");
        }
        assert_ok(store_open(&t.s, t.dir, true, &e), &e);
        put_shot(&t, 0, 2, 3);
        assert_ok(store_snapshot_get(t.s, 0, 0, &s, &e), &e);
        assert_int_equal(s.epoch, 2);
        snapshot_release(&s);
    }
    free(path);
    study_close(&t);
}

static void a_file_from_before_there_were_images_is_read_and_gets_them(void **state)
{
    (void)state;
    struct study t;
    struct snapshot s;
    struct store *r;
    struct err e;
    int epoch[4];
    study_open(&t);
    put_shot(&t, 0, 1, 3);
    store_close(t.s);
    meddle(t.dir, "snapshots.db",
           "ALTER TABLE vaetop_snapshot DROP COLUMN pixels; ALTER TABLE vaetop_snapshot DROP COLUMN n_images;"
           "ALTER TABLE vaetop_snapshot DROP COLUMN image_h; ALTER TABLE vaetop_snapshot DROP COLUMN image_w");
    assert_ok(store_open(&r, t.dir, false, &e), &e);
    assert_ok(store_snapshot_get(r, 0, 0, &s, &e), &e);
    assert_int_equal(s.n_points, 3);
    assert_int_equal(s.n_images, 0);
    assert_null(s.pixels);
    snapshot_release(&s);
    store_close(r);
    assert_ok(store_open(&t.s, t.dir, true, &e), &e);
    put_shot(&t, 0, 2, SNAPSHOT_POINTS);
    assert_int_equal(stored(&t, 0, epoch, 4), 2);
    assert_ok(store_snapshot_get(t.s, 0, 2, &s, &e), &e);
    assert_int_equal(s.n_images, SNAPSHOT_IMAGES);
    snapshot_release(&s);
    study_close(&t);
}

static void a_snapshot_of_wrong_size_is_refused(void **state)
{
    (void)state;
    static const char *const sql[] = {
        "UPDATE vaetop_snapshot SET n_points = 2000000000", "UPDATE vaetop_snapshot SET n_points = -1",
        "UPDATE vaetop_snapshot SET n_points = 4", "UPDATE vaetop_snapshot SET kl = zeroblob(1000001)",
        "UPDATE vaetop_snapshot SET n_images = 9",        "UPDATE vaetop_snapshot SET image_w = 1, image_h = 1, n_images = 1",
        "UPDATE vaetop_snapshot SET pixels = x'01'",      "UPDATE vaetop_snapshot SET image_h = -1",
        "UPDATE vaetop_snapshot SET kl = zeroblob(7)", "UPDATE vaetop_snapshot SET label = x'01'"};
    struct study t;
    struct snapshot s;
    struct err e;
    study_open(&t);
    for (size_t i = 0; i < sizeof sql / sizeof *sql; i++) {
        put_shot(&t, 0, 1, 3);
        meddle(t.dir, "snapshots.db", sql[i]);
        assert_err(store_snapshot_get(t.s, 0, 0, &s, &e), ERR_DB, &e);
        assert_has(e.text, "snapshots.db");
    }
    struct snapshot huge = {.trial = 0, .epoch = 1, .n_points = SNAPSHOT_POINTS + 1};
    assert_err(store_snapshot(t.s, &huge, &e), ERR_USAGE, &e);
    study_close(&t);
}

int snapshots_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_round_trips),
        cmocka_unit_test(the_newest_at_or_before_an_epoch_is_found),
        cmocka_unit_test(every_second_epoch_goes_when_full),
        cmocka_unit_test(the_oldest_go_when_the_study_is_full),
        cmocka_unit_test(lost_pictures_are_no_error),
        cmocka_unit_test(half_made_and_damaged_pictures_are_made_anew),
        cmocka_unit_test(a_file_from_before_there_were_images_is_read_and_gets_them),
        cmocka_unit_test(a_snapshot_of_wrong_size_is_refused),
    };
    return cmocka_run_group_tests_name("store snapshots", tests, NULL, NULL);
}
