/* Where presets are: a folder for tests, the user's, then the installed ones or the source tree's. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "range_text.h"
#include "text.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/conf/paths.h"

#define LISTED_MAX 1000
#define FOLDERS_MAX 3

/* True if this executable lies in the build tree. */
static bool run_from_build(void)
{
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    char *build = realpath(VAETOP_BINARY_DIR, NULL);
    size_t len = build ? strlen(build) : 0;
    bool inside = false;
    if (n > 0 && build) {
        exe[n] = '\0';
        inside = strncmp(exe, build, len) == 0 && exe[len] == '/';
    }
    free(build);
    return inside;
}

/* Folders in the order in which a name is looked up. Owns: caller frees each. */
static size_t folders(char *out[static FOLDERS_MAX])
{
    const char *given = getenv("VAETOP_PRESETS");
    char *config = path_config_home();
    size_t n = 0;
    if (given && *given) {
        out[n++] = xstrdup(given);
    }
    out[n++] = fs_join(config, "presets");
    out[n++] = xstrdup(run_from_build() ? VAETOP_SOURCE_DIR "/presets" : VAETOP_DATADIR "/presets");
    free(config);
    return n;
}

static bool is_yaml(const char *name)
{
    size_t n = strlen(name);
    return n > 5 && strcmp(name + n - 5, ".yaml") == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct preset_entry *)a)->name, ((const struct preset_entry *)b)->name);
}

/* First line of the opening comment; "" if the file cannot be read. Owns: caller frees. */
static char *first_lesson_line(const char *path)
{
    char *text = NULL;
    char *lesson;
    size_t len = 0;
    if (fs_read(&text, &len, path, PRESET_BYTES_MAX, NULL)) {
        return xstrdup("");
    }
    lesson = lesson_read(text, len);
    lesson[strcspn(lesson, "\n")] = '\0';
    free(text);
    return lesson;
}

static void list_folder(struct preset_entry **list, size_t *n, const char *folder)
{
    DIR *d = opendir(folder);
    const struct dirent *x;
    while (d && *n < LISTED_MAX && (x = readdir(d))) {
        char *name = xstrndup(x->d_name, strlen(x->d_name) - (is_yaml(x->d_name) ? 5 : 0));
        bool wanted = is_yaml(x->d_name) && study_name_ok(name);
        for (size_t i = 0; wanted && i < *n; i++) {
            wanted = strcmp((*list)[i].name, name) != 0; /* an earlier folder hides a later one */
        }
        if (wanted) {
            char *path = fs_join(folder, x->d_name);
            *list = xreallocarray(*list, *n + 1, sizeof **list);
            (*list)[(*n)++] = (struct preset_entry){name, path, first_lesson_line(path)};
        } else {
            free(name);
        }
    }
    if (d) {
        (void)closedir(d);
    }
}

size_t preset_list(struct preset_entry **out)
{
    char *folder[FOLDERS_MAX];
    size_t n = 0, n_folders = folders(folder);
    *out = NULL;
    for (size_t i = 0; i < n_folders; i++) {
        list_folder(out, &n, folder[i]);
        free(folder[i]);
    }
    if (n > 0) {
        qsort(*out, n, sizeof **out, by_name);
    }
    return n;
}

void preset_list_free(struct preset_entry *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(list[i].name);
        free(list[i].path);
        free(list[i].lesson);
    }
    free(list);
}

/* The path of a named preset; NULL if there is none. Owns: caller frees. */
static char *find_named(const char *name)
{
    char *folder[FOLDERS_MAX];
    size_t n = folders(folder);
    char *found = NULL;
    char *file = xasprintf("%s.yaml", name);
    for (size_t i = 0; i < n; i++) {
        char *path = study_name_ok(name) && !found ? fs_join(folder[i], file) : NULL;
        if (path && fs_exists(path)) {
            found = path;
        } else {
            free(path);
        }
        free(folder[i]);
    }
    free(file);
    return found;
}

static enum err_code no_such_preset(const char *name, struct err *e)
{
    struct preset_entry *list;
    const char *names[LISTED_MAX];
    struct sbuf known = {0};
    size_t n = preset_list(&list);
    char shown[SHOWN_CAP];
    const char *near;
    for (size_t i = 0; i < n; i++) {
        names[i] = list[i].name;
        sbuf_addf(&known, "%s%s", i > 0 ? ", " : "", list[i].name);
    }
    near = str_nearest(name, names, n);
    (void)show(shown, name);
    if (near) {
        (void)err_set(e, ERR_USAGE, "no preset named \"%s\"; did you mean %s?", shown, near);
    } else {
        (void)err_set(e, ERR_USAGE,
                      "no preset named \"%s\"; there are %.300s; a file is given by its path, as in ./my.yaml", shown,
                      n > 0 ? known.text : "none");
    }
    sbuf_release(&known);
    preset_list_free(list, n);
    return ERR_USAGE;
}

enum err_code preset_load(struct preset *out, const char *name_or_path, struct err *e)
{
    bool is_path = strchr(name_or_path, '/') || is_yaml(name_or_path);
    char *path = is_path ? xstrdup(name_or_path) : find_named(name_or_path);
    char *text = NULL;
    size_t len = 0;
    enum err_code rc;
    if (!path) {
        return no_such_preset(name_or_path, e);
    }
    rc = fs_read(&text, &len, path, PRESET_BYTES_MAX, e);
    if (rc == ERR_NOTFOUND) {
        char shown[SHOWN_CAP * 3];
        rc = err_set(e, ERR_USAGE, "%s: no such preset file; vaetop presets lists those that come along",
                     str_clean(shown, sizeof shown, path));
    }
    rc = rc ? rc : preset_parse(out, text, len, path, e);
    free(text);
    free(path);
    return rc;
}
