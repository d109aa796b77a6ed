/* What a person sets once for every study: $XDG_CONFIG_HOME/vaetop/screen.conf, written only when asked. */
#ifndef VAETOP_UI_SETTINGS_H
#define VAETOP_UI_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "vaetop/base/err.h"

/* X(ID, name, words, what it is): the first word is the default. */
#define SETTING_LIST(X) \
    X(GLYPHS, "glyphs", "auto|ascii|block|braille", "characters of plots and bars") \
    X(THEME, "theme", "default|light|mono|colour-blind", "colours") \
    X(MOUSE, "mouse", "off|on", "on: click and wheel; Shift selects text") \
    X(SLOW, "slow-link", "off|on", "on: draws every 2 s, fewer colours")
enum setting {
#define X(id, ...) SET_##id,
    SETTING_LIST(X)
#undef X
    SETTING_COUNT
};

struct settings {
    int value[SETTING_COUNT]; /* index of the word */
};

const char *setting_name(enum setting k);
const char *setting_help(enum setting k);
int setting_words(enum setting k); /* how many */
/* cap >= 16. Returns buf. */
const char *setting_word(char *buf, size_t cap, enum setting k, int value);

/* Its text, which is cut into lines; path for messages. Errors: USAGE. */
WUR enum err_code settings_parse(struct settings *s, char *text, const char *path, struct err *e);
/* The file's; absent: defaults. A damaged file counts as absent, and the error names it, its line and what was
 * expected. Errors: USAGE, IO. */
WUR enum err_code settings_load(struct settings *out, struct err *e);
/* Replaces the file, mode 0600. Owns: caller frees *path. Errors: IO. */
WUR enum err_code settings_save(char **path, const struct settings *s, struct err *e);

#endif
