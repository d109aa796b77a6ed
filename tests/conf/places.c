/* Where things are found. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/conf/paths.h"
#include "vaetop/conf/preset.h"

int places_tests(void);

static char *saved(const char *name)
{
    const char *v = getenv(name);
    return v ? xstrdup(v) : NULL;
}

/* Takes over value. */
static void restore(const char *name, char *value)
{
    if (value) {
        assert_int_equal(setenv(name, value, 1), 0);
    } else {
        assert_int_equal(unsetenv(name), 0);
    }
    free(value);
}

static void assert_path(char *got, const char *want)
{
    assert_string_equal(got, want);
    free(got);
}

static void folders_follow_xdg(void **state)
{
    char *data = saved("XDG_DATA_HOME"), *config = saved("XDG_CONFIG_HOME");
    char *cache = saved("XDG_CACHE_HOME"), *home = saved("HOME");
    (void)state;
    assert_int_equal(setenv("XDG_DATA_HOME", "/x/data", 1), 0);
    assert_path(path_data_home(), "/x/data/vaetop");
    assert_path(path_study(NULL, "s1"), "/x/data/vaetop/s1");
    assert_path(path_study("/other", "s1"), "/other/s1");
    assert_int_equal(setenv("XDG_DATA_HOME", "relative", 1), 0); /* to be ignored, says the specification */
    assert_int_equal(setenv("HOME", "/h", 1), 0);
    assert_path(path_data_home(), "/h/.local/share/vaetop");
    assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
    assert_int_equal(unsetenv("XDG_CACHE_HOME"), 0);
    assert_path(path_config_home(), "/h/.config/vaetop");
    assert_path(path_cache_home(), "/h/.cache/vaetop");
    assert_path(path_checkpoint("/s", 12), "/s/checkpoints/12.safetensors");
    restore("XDG_DATA_HOME", data);
    restore("XDG_CONFIG_HOME", config);
    restore("XDG_CACHE_HOME", cache);
    restore("HOME", home);
}

static void study_names_cannot_leave_their_folder(void **state)
{
    static const char *const good[] = {"a", "quickstart-3", "A.b_c", "...", "-x", ".hidden"};
    static const char *const bad[] = {"",
                                      ".",
                                      "..",
                                      "../x",
                                      "/abs",
                                      "a/b",
                                      "a b",
                                      "a\n",
                                      "\xc3\xa9",
                                      "a\x1b[2J",
                                      "x;y",
                                      "%",
                                      "01234567890123456789012345678901234567890123456789012345678901234"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(study_name_ok(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(study_name_ok(bad[i]));
    }
    assert_true(study_name_ok(bad[sizeof bad / sizeof *bad - 1] + 1)); /* 64 */
}

static void the_run_folder_must_be_mine_alone(void **state)
{
    char *was = saved("VAETOP_RUN_DIR");
    const char *dir = temp_dir();
    char *run = fs_join(dir, "run"), *target = fs_join(dir, "target"), *file = fs_join(dir, "file");
    struct stat st;
    struct err e;
    (void)state;
    assert_int_equal(setenv("VAETOP_RUN_DIR", run, 1), 0);
    assert_ok(path_run_dir_check(&e), &e);
    assert_ok(path_run_dir_check(&e), &e);
    assert_int_equal(stat(run, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(chmod(run, 0777), 0);
    assert_err(path_run_dir_check(&e), ERR_IO, &e);
    assert_has(e.text, "0777");
    assert_int_equal(rmdir(run), 0);
    assert_int_equal(mkdir(target, 0700), 0);
    assert_int_equal(symlink(target, run), 0);
    assert_err(path_run_dir_check(&e), ERR_IO, &e);
    assert_has(e.text, "found a link");
    assert_ok(fs_write(file, "x", 1, &e), &e);
    assert_int_equal(setenv("VAETOP_RUN_DIR", file, 1), 0);
    assert_err(path_run_dir_check(&e), ERR_IO, &e);
    assert_has(e.text, "found a file");
    assert_int_equal(unsetenv("VAETOP_RUN_DIR"), 0);
    {
        char *want = xasprintf("/tmp/vaetop-%lld", (long long)getuid());
        assert_path(path_run_dir(), want);
        free(want);
    }
    restore("VAETOP_RUN_DIR", was);
    free(run);
    free(target);
    free(file);
}

static void write_text(const char *folder, const char *name, const char *text)
{
    char *path = fs_join(folder, name);
    struct err e;
    assert_ok(fs_write(path, text, strlen(text), &e), &e);
    free(path);
}

static void shipped_presets_are_found_by_name_from_the_build_tree(void **state)
{
    struct preset p;
    struct err e;
    (void)state;
    assert_ok(preset_load(&p, "quickstart", &e), &e);
    assert_string_equal(p.name, "quickstart");
    assert_ok(preset_check(&p, &e), &e);
    preset_release(&p);
    assert_err(preset_load(&p, "quikstart", &e), ERR_USAGE, &e);
    assert_has(e.text, "no preset named \"quikstart\"; did you mean quickstart?");
    assert_err(preset_load(&p, "zzzzzzzzzzz", &e), ERR_USAGE, &e);
    assert_has(e.text, "asha, bayes, grid, kl-tradeoff, mnist, optimizers");
    assert_err(preset_load(&p, "\x1b[2J", &e), ERR_USAGE, &e);
    assert_null(strchr(e.text, '\x1b'));
}

static void a_users_preset_hides_a_shipped_one(void **state)
{
    char *was = saved("XDG_CONFIG_HOME");
    const char *dir = temp_dir();
    char *folder = xasprintf("%s/vaetop/presets", dir);
    struct preset p;
    struct preset_entry *list;
    struct err e;
    size_t n, shipped = preset_list(&list), found = 0;
    (void)state;
    preset_list_free(list, shipped);
    assert_true(shipped >= 5);
    assert_ok(fs_mkdirs(folder, &e), &e);
    write_text(folder, "grid.yaml", "# mine\nmodel:\n  latent: 3\n");
    write_text(folder, "own.yaml", "# Own one\n# second line\nmodel:\n  latent: 7\n");
    write_text(folder, "broken.yaml", "# still listed\nmodel: [\n");
    write_text(folder, "notes.txt", "no preset");
    write_text(folder, "bad name.yaml", "model:\n  latent: 7\n");
    assert_int_equal(setenv("XDG_CONFIG_HOME", dir, 1), 0);
    assert_ok(preset_load(&p, "grid", &e), &e);
    assert_int_equal(config_i64(&p.base, KNOB_MODEL_LATENT), 3);
    preset_release(&p);
    n = preset_list(&list);
    for (size_t i = 0; i < n; i++) {
        assert_true(i == 0 || strcmp(list[i - 1].name, list[i].name) < 0);
        assert_true(strcmp(list[i].name, "notes") != 0 && strcmp(list[i].name, "bad name") != 0);
        if (strcmp(list[i].name, "own") == 0) {
            assert_string_equal(list[i].lesson, "Own one");
            found++;
        } else if (strcmp(list[i].name, "grid") == 0) {
            assert_string_equal(list[i].lesson, "mine");
            found++;
        } else if (strcmp(list[i].name, "broken") == 0) {
            assert_string_equal(list[i].lesson, "still listed");
            found++;
        }
    }
    assert_int_equal(found, 3);
    assert_int_equal(n, shipped + 2); /* grid is there once */
    preset_list_free(list, n);
    restore("XDG_CONFIG_HOME", was);
    free(folder);
}

static void a_folder_given_by_environment_comes_before_all(void **state)
{
    char *was = saved("VAETOP_PRESETS");
    const char *dir = temp_dir();
    struct preset p;
    struct err e;
    (void)state;
    write_text(dir, "random.yaml", "model:\n  latent: 5\n");
    assert_int_equal(setenv("VAETOP_PRESETS", dir, 1), 0);
    assert_ok(preset_load(&p, "random", &e), &e);
    assert_int_equal(config_i64(&p.base, KNOB_MODEL_LATENT), 5);
    preset_release(&p);
    assert_ok(preset_load(&p, "quickstart", &e), &e);
    preset_release(&p);
    restore("VAETOP_PRESETS", was);
}

static void a_path_is_read_as_a_path(void **state)
{
    const char *dir = temp_dir();
    char *path = fs_join(dir, "my.yaml"), *missing = fs_join(dir, "no.yaml");
    struct preset p;
    struct err e;
    (void)state;
    write_text(dir, "my.yaml", "model:\n  latent: 5\n");
    assert_ok(preset_load(&p, path, &e), &e);
    assert_string_equal(p.name, "my");
    preset_release(&p);
    assert_err(preset_load(&p, missing, &e), ERR_USAGE, &e);
    assert_has(e.text, "no.yaml: no such preset file");
    assert_err(preset_load(&p, "quickstart.yaml", &e), ERR_USAGE, &e); /* in the current folder, where it is not */
    assert_err(preset_load(&p, "../../../etc/passwd", &e), ERR_USAGE, &e);
    assert_err(preset_load(&p, dir, &e), ERR_IO, &e);
    assert_has(e.text, "not a regular file");
    free(path);
    free(missing);
}

int places_tests(void)
{
    const struct CMUnitTest test[] = {
        cmocka_unit_test(folders_follow_xdg),
        cmocka_unit_test(study_names_cannot_leave_their_folder),
        cmocka_unit_test(the_run_folder_must_be_mine_alone),
        cmocka_unit_test(shipped_presets_are_found_by_name_from_the_build_tree),
        cmocka_unit_test(a_users_preset_hides_a_shipped_one),
        cmocka_unit_test(a_folder_given_by_environment_comes_before_all),
        cmocka_unit_test(a_path_is_read_as_a_path),
    };
    return cmocka_run_group_tests_name("conf places", test, NULL, NULL);
}
