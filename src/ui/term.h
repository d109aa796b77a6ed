/* The terminal: puts canvases on it and reads keys from it. The only place that knows curses. */
#ifndef VAETOP_UI_TERM_H
#define VAETOP_UI_TERM_H

#include <stdio.h>

#include "canvas.h"
#include "glyph.h"
#include "theme.h"
#include "vaetop/base/err.h"

struct term;
struct term_options {
    bool ascii;
    const char *color; /* as in struct ui_options */
    const char *type;  /* NULL: $TERM */
    FILE *in, *out;    /* NULL: stdin, stdout */
};

/* An unknown TERM falls back to xterm-256color, xterm, vt100. One terminal at a time. Errors: IO. */
WUR enum err_code term_open(struct term **out, const struct term_options *o, struct err *e);
/* Gives the screen back. */
void term_close(struct term *t);
/* The terminal is gone: forgets it without writing to it. */
void term_abandon(struct term *t);

enum tier term_tier(const struct term *t);
int term_colors(const struct term *t);
bool term_greys(const struct term *t); /* enough of them for images */
const char *term_notice(const struct term *t); /* "" or what the person should know of this terminal */

void term_size(struct term *t, int *w, int *h);
void term_resized(struct term *t); /* after SIGWINCH */
void term_paint(struct term *t, const struct canvas *c); /* writes what differs from the last one */
void term_redraw(struct term *t);                        /* the next paint writes everything */
void term_suspend(struct term *t);                       /* Ctrl-Z; returns when the shell lets us go on */
void term_resume(struct term *t);                        /* after SIGCONT */
void term_set_theme(struct term *t, enum theme theme); /* from the next paint on */
/* Off: nothing about the mouse is ever sent; it was sent off again if it had been on. */
void term_set_mouse(struct term *t, bool on);
void term_click(const struct term *t, int *x, int *y); /* place of the last UK_CLICK */
int term_key(struct term *t);                            /* next key (keys.h) without waiting; 0: none */

#endif
