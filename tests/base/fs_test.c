#define _GNU_SOURCE /* mkfifo with the rest of POSIX in one place */
#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"

static void written_files_read_back_and_are_private(void **state)
{
    struct err e;
    char *path = fs_join(temp_dir(), "x");
    char *text = NULL;
    size_t n = 0;
    struct stat st;
    (void)state;
    assert_ok(fs_write(path, "hello", 5, &e), &e);
    assert_ok(fs_write(path, "hallo!", 6, &e), &e);
    assert_ok(fs_read(&text, &n, path, 100, &e), &e);
    assert_int_equal(n, 6);
    assert_string_equal(text, "hallo!");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    free(text);
    assert_err(fs_read(&text, &n, path, 5, &e), ERR_IO, &e);
    assert_has(e.text, "6 bytes, at most 5 expected");
    free(path);
}

static void what_is_no_regular_file_is_refused_at_once(void **state)
{
    struct err e;
    char *fifo = fs_join(temp_dir(), "fifo");
    char *none = fs_join(temp_dir(), "none");
    char *text = NULL;
    size_t n = 0;
    (void)state;
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_err(fs_read(&text, &n, fifo, 100, &e), ERR_IO, &e);
    assert_err(fs_read(&text, &n, "/dev/zero", 100, &e), ERR_IO, &e);
    assert_err(fs_read(&text, &n, "/", 100, &e), ERR_IO, &e);
    assert_err(fs_read(&text, &n, none, 100, &e), ERR_NOTFOUND, &e);
    free(fifo);
    free(none);
}

static void a_write_that_cannot_be_leaves_nothing(void **state)
{
    struct err e;
    const char *dir = temp_dir();
    char *target = fs_join(dir, "target");
    (void)state;
    assert_int_equal(mkdir(target, 0700), 0); /* rename over a folder is refused, for root too */
    assert_err(fs_write(target, "x", 1, &e), ERR_IO, &e);
    assert_int_equal(rmdir(target), 0);
    assert_int_equal(rmdir(dir), 0); /* succeeds only when empty */
    free(target);
}

static void trees_are_made_and_removed_without_following_links(void **state)
{
    struct err e;
    const char *dir = temp_dir();
    char *deep = fs_join(dir, "a/b/c");
    char *outside = fs_join(dir, "outside");
    char *link = fs_join(dir, "a/link");
    char *a = fs_join(dir, "a");
    (void)state;
    assert_ok(fs_mkdirs(deep, &e), &e);
    assert_ok(fs_mkdirs(deep, &e), &e);
    assert_ok(fs_mkdirs(outside, &e), &e);
    assert_int_equal(symlink(outside, link), 0);
    assert_true(fs_tree_bytes(a) > 0);
    assert_ok(fs_remove_tree(a, &e), &e);
    assert_false(fs_exists(a));
    assert_true(fs_is_dir(outside));
    assert_ok(fs_remove_tree(a, &e), &e);
    free(deep);
    free(outside);
    free(link);
    free(a);
}

static void a_lock_is_held_until_closed(void **state)
{
    struct err e;
    char *path = fs_join(temp_dir(), "lock");
    int first = -1;
    int second = -1;
    (void)state;
    assert_ok(fs_lock(&first, path, &e), &e);
    assert_err(fs_lock(&second, path, &e), ERR_BUSY, &e);
    (void)close(first);
    assert_ok(fs_lock(&second, path, &e), &e);
    (void)close(second);
    free(path);
}

static void folders_that_cannot_be_made_are_named(void **state)
{
    struct err e;
    char *file = fs_join(temp_dir(), "file");
    char *below = fs_join(file, "sub");
    (void)state;
    assert_ok(fs_write(file, "x", 1, &e), &e);
    assert_err(fs_mkdirs(below, &e), ERR_IO, &e);
    assert_has(e.text, file);
    free(file);
    free(below);
}

int fs_tests(void);
int fs_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_files_read_back_and_are_private),
        cmocka_unit_test(what_is_no_regular_file_is_refused_at_once),
        cmocka_unit_test(a_write_that_cannot_be_leaves_nothing),
        cmocka_unit_test(trees_are_made_and_removed_without_following_links),
        cmocka_unit_test(a_lock_is_held_until_closed),
        cmocka_unit_test(folders_that_cannot_be_made_are_named),
    };
    return cmocka_run_group_tests_name("base fs", tests, NULL, NULL);
}
