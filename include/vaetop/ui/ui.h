/* The terminal screens. State and drawing are pure (state + size + theme -> cell canvas); ui/term.c alone knows curses. */
#ifndef VAETOP_UI_UI_H
#define VAETOP_UI_UI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/err.h"
#include "vaetop/base/str.h"
#include "vaetop/conf/preset.h"
#include "vaetop/ipc/client.h"

/* One line of the Studies screen. */
struct ui_study {
    char name[80], state[16]; /* running, paused, stopped, finished, interrupted, new */
    int ended, total;         /* trials */
    char best[20];            /* value, or the two; "-": none */
    int64_t changed_us;       /* when anything last happened in it, UTC; 0 never */
    uint64_t bytes;           /* on disk */
};

/* What the Studies screen can do; the command line knows how. */
struct ui_hooks {
    void *ctx;
    /* All studies, newest first. Owns: caller frees. */
    size_t (*studies)(void *ctx, struct ui_study **out);
    /* A study's folder and its engine's connection, NULL when none runs. Owns: caller frees both. */
    enum err_code (*open)(void *ctx, const char *name, char **dir, struct client **client, struct err *e);
    /* The same for a new study; device NULL: the default. p has passed preset_check(). */
    enum err_code (*start)(void *ctx, const struct preset *p, const char *name, const char *device, char **dir,
                           struct client **client, struct err *e);
};

struct ui_options {
    bool ascii;        /* --ascii: no glyph above 0x7f */
    bool slow;         /* --slow: draw at most every 2 s */
    const char *color; /* --color: auto, never, always, 16, 256 */
    const char *theme; /* --theme: a word of ui_themes(); NULL: default */
    const struct ui_hooks *hooks; /* NULL: only the one study */
};

enum ui_end {
    UI_DETACHED, /* left; training goes on */
    UI_ENDED,    /* the study had ended, or ended while looking */
    UI_STOPPED,  /* left and the study was told to stop */
    UI_HANGUP    /* the terminal went away */
};

/* Shows the study in dir until the person leaves. client: the engine's connection (not owned), or NULL: offline view.
 * Errors: as store_open(); IO (not a terminal). */
WUR enum err_code ui_attach(enum ui_end *end, const char *study_dir, struct client *client, const struct ui_options *o,
                            struct err *e);

/* Opens on the Studies screen. name: the study on the screen when the person left, "" none. cap >= 80. */
WUR enum err_code ui_home(enum ui_end *end, char *name, size_t cap, const struct ui_options *o, struct err *e);

/* The interface on a scripted study in a temporary folder, without engine or OpenCL. */
WUR enum err_code ui_demo(enum ui_end *end, const struct ui_options *o, struct err *e);

/* Appends the dashboard of the study in dir as text of w x h cells: what ui_attach() would show first, offline.
 * Errors: as store_open(). */
WUR enum err_code ui_dump(struct sbuf *out, const char *study_dir, int w, int h, bool ascii, struct err *e);

/* The key table as the rows of an mdoc column list: the man page's KEYS. */
void ui_keys_mdoc(struct sbuf *out);

/* Words of --theme, "a|b|c". */
const char *ui_themes(void);

#endif
