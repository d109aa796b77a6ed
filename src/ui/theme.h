/* Roles to terminal colours and attributes. */
#ifndef VAETOP_UI_THEME_H
#define VAETOP_UI_THEME_H

#include "canvas.h"

/* X(ID, word): --theme. DEFAULT is middling bright and shows on dark and light; LIGHT is darker; COLOR_BLIND uses the
 * colours of Okabe and Ito, which differ in brightness too. */
#define THEME_LIST(X) X(DEFAULT, "default") X(LIGHT, "light") X(MONO, "mono") X(COLOR_BLIND, "colour-blind")
enum theme {
#define X(id, word) THEME_##id,
    THEME_LIST(X)
#undef X
    THEME_COUNT
};
int theme_find(const char *word); /* NULL: the default; -1: unknown */

struct paint {
    int color; /* -1: the terminal's own */
    int back;  /* of pixels, else -1 */
    unsigned attr;
};
/* colors: 256, 16, 8 or 0 (mono). */
struct paint theme_paint(enum theme theme, struct style s, int colors);

/* How many colours to use: choice is --color's word, no_color the variable NO_COLOR (may be NULL), terminal what
 * terminfo says. never and NO_COLOR give 0; always overrules NO_COLOR; 16 and 256 are upper bounds. */
int theme_colors(const char *choice, const char *no_color, int terminal);

#endif
