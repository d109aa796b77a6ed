/* The terminal screens. State and drawing are pure (state + size + theme -> cell canvas); ui/term.c alone knows curses. */
#ifndef VAETOP_UI_UI_H
#define VAETOP_UI_UI_H

#include <stdbool.h>

#include "vaetop/base/err.h"
#include "vaetop/base/str.h"
#include "vaetop/ipc/client.h"

struct ui_options {
    bool ascii;        /* --ascii: no glyph above 0x7f */
    bool slow;         /* --slow: draw at most every 2 s */
    const char *color; /* --color: auto, never, always, 16, 256 */
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

/* Appends the dashboard of the study in dir as text of w x h cells: what ui_attach() would show first, offline.
 * Errors: as store_open(). */
WUR enum err_code ui_dump(struct sbuf *out, const char *study_dir, int w, int h, bool ascii, struct err *e);

/* The key table as the rows of an mdoc column list: the man page's KEYS. */
void ui_keys_mdoc(struct sbuf *out);

#endif
