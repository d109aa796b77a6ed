#include "device_private.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_table.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"

#define MAX_KERNEL_FILE ((size_t)4 << 20)

/* The #line makes a build log point at the real file. The end of line keeps a file without one from running on. */
static void add(struct sources *s, const char *name, const void *bytes, size_t len)
{
    struct sbuf text = {0};
    sbuf_addf(&text, "#line 1 \"%s\"\n", name);
    sbuf_add_bytes(&text, bytes, len);
    sbuf_add(&text, "\n");
    s->name = xreallocarray(s->name, s->n + 1, sizeof *s->name);
    s->text = xreallocarray(s->text, s->n + 1, sizeof *s->text);
    s->len = xreallocarray(s->len, s->n + 1, sizeof *s->len);
    s->name[s->n] = xstrdup(name);
    s->len[s->n] = text.len;
    s->text[s->n] = sbuf_take(&text);
    s->n++;
}

static bool is_kernel_file(const char *name)
{
    size_t n = strlen(name);
    return strcmp(name, "prelude.clh") == 0 || (n > 3 && name[0] != '.' && strcmp(name + n - 3, ".cl") == 0);
}

/* The order of cl/CMakeLists.txt: the prelude first, then by bytes of the name. */
static int by_name(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    bool px = strcmp(x, "prelude.clh") == 0, py = strcmp(y, "prelude.clh") == 0;
    return px != py ? (int)py - (int)px : strcmp(x, y);
}

static enum err_code folder_names(char ***out, size_t *n, const char *dir, struct err *e)
{
    *out = NULL;
    *n = 0;
    DIR *d = opendir(dir);
    if (!d) {
        return err_set(e, ERR_IO, "VAETOP_CL_DIR=%s: %s", dir, strerror(errno));
    }
    for (const struct dirent *entry = readdir(d); entry; entry = readdir(d)) {
        if (is_kernel_file(entry->d_name)) {
            *out = xreallocarray(*out, *n + 1, sizeof **out);
            (*out)[(*n)++] = xstrdup(entry->d_name);
        }
    }
    (void)closedir(d);
    if (*n == 0) {
        return err_set(e, ERR_IO, "VAETOP_CL_DIR=%s: no .cl files there", dir);
    }
    qsort(*out, *n, sizeof **out, by_name);
    return ERR_OK;
}

static enum err_code load_folder(struct sources *out, const char *dir, struct err *e)
{
    char **name;
    size_t n;
    enum err_code rc = folder_names(&name, &n, dir, e);
    for (size_t i = 0; i < n; i++) {
        char *path = fs_join(dir, name[i]);
        char *bytes = NULL;
        size_t len;
        rc = rc ? rc : fs_read(&bytes, &len, path, MAX_KERNEL_FILE, e);
        if (!rc) {
            add(out, name[i], bytes, len);
        }
        free(bytes);
        free(path);
        free(name[i]);
    }
    free(name);
    return rc;
}

enum err_code sources_load(struct sources *out, struct err *e)
{
    memset(out, 0, sizeof *out);
    const char *dir = getenv("VAETOP_CL_DIR");
    if (dir && dir[0]) {
        return load_folder(out, dir, e);
    }
    for (const struct kernel_source *k = kernel_table; k->name; k++) {
        add(out, k->name, k->bytes, *k->len);
    }
    return ERR_OK;
}

void sources_release(struct sources *s)
{
    for (size_t i = 0; i < s->n; i++) {
        free(s->name[i]);
        free(s->text[i]);
    }
    free(s->name);
    free(s->text);
    free(s->len);
    memset(s, 0, sizeof *s);
}
