#include "settings.h"

#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/paths.h"

static const struct {
    const char *name, *words, *help;
} table[SETTING_COUNT] = {
#define X(id, name, words, help) {name, words, help},
    SETTING_LIST(X)
#undef X
};

const char *setting_name(enum setting k)
{
    return table[k].name;
}

const char *setting_help(enum setting k)
{
    return table[k].help;
}

int setting_words(enum setting k)
{
    int n = 1;
    for (const char *p = table[k].words; *p; p++) {
        n += *p == '|';
    }
    return n;
}

const char *setting_word(char *buf, size_t cap, enum setting k, int value)
{
    const char *p = table[k].words;
    for (; value > 0 && strchr(p, '|'); value--) {
        p = strchr(p, '|') + 1;
    }
    size_t n = strcspn(p, "|");
    n = n < cap ? n : cap - 1;
    memcpy(buf, p, n);
    buf[n] = 0;
    return buf;
}

static char *settings_path(void)
{
    char *home = path_config_home(), *path = fs_join(home, "screen.conf");
    free(home);
    return path;
}

/* "name = word"; the line may be empty or a comment. */
static bool take_line(struct settings *s, char *line)
{
    char word[16], *equals = strchr(line, '=');
    line += strspn(line, " \t\r");
    if (!*line || *line == '#') {
        return true;
    }
    if (!equals) {
        return false;
    }
    char *name = line, *value = equals + 1 + strspn(equals + 1, " \t");
    name[strcspn(name, " \t=")] = 0;
    value[strcspn(value, " \t\r")] = 0;
    for (int k = 0; k < SETTING_COUNT; k++) {
        for (int i = 0; strcmp(name, table[k].name) == 0 && i < setting_words((enum setting)k); i++) {
            if (strcmp(value, setting_word(word, sizeof word, (enum setting)k, i)) == 0) {
                s->value[k] = i;
                return true;
            }
        }
    }
    return false;
}

enum err_code settings_parse(struct settings *s, char *text, const char *path, struct err *e)
{
    static const char names[] =
#define X(id, name, ...) name " "
        SETTING_LIST(X)
#undef X
        ;
    char shown[160], *rest = text;
    *s = (struct settings){{0}};
    for (int number = 1; rest; number++) {
        char *line = rest, *end = strchr(rest, '\n');
        rest = end ? end + 1 : NULL;
        if (end) {
            *end = 0;
        }
        if (!take_line(s, line)) {
            return err_set(e, ERR_USAGE, "%s, line %d: expected NAME = WORD, names are %s; the file is not used",
                           str_clean(shown, sizeof shown, path), number, names);
        }
    }
    return ERR_OK;
}

enum err_code settings_load(struct settings *out, struct err *e)
{
    char *path = settings_path(), *text = NULL, shown[160];
    size_t len = 0;
    *out = (struct settings){{0}};
    enum err_code rc = fs_read(&text, &len, path, 1u << 16, e);
    if (!rc && strlen(text) != len) {
        rc = err_set(e, ERR_USAGE, "%s: holds a zero byte; the file is not used", str_clean(shown, sizeof shown, path));
    }
    rc = rc ? rc : settings_parse(out, text, path, e);
    if (rc) {
        *out = (struct settings){{0}};
    }
    free(text);
    free(path);
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

enum err_code settings_save(char **path, const struct settings *s, struct err *e)
{
    struct sbuf b = {0};
    char word[16], *home = path_config_home();
    *path = settings_path();
    sbuf_add(&b, "# How vaetop's screens look; written by their setup (S).\n");
    for (int k = 0; k < SETTING_COUNT; k++) {
        sbuf_addf(&b, "%s = %s\n", table[k].name, setting_word(word, sizeof word, (enum setting)k, s->value[k]));
    }
    enum err_code rc = fs_mkdirs(home, e);
    rc = rc ? rc : fs_write(*path, b.text, b.len, e);
    sbuf_release(&b);
    free(home);
    return rc;
}
