/* Roles to terminal colours and attributes. */
#ifndef VAETOP_UI_THEME_H
#define VAETOP_UI_THEME_H

#include "canvas.h"

struct paint {
    int color; /* -1: the terminal's own */
    unsigned attr;
};
/* colors: 256, 16, 8 or 0 (mono). */
struct paint theme_paint(struct style s, int colors);

/* How many colours to use: choice is --color's word, no_color the variable NO_COLOR (may be NULL), terminal what
 * terminfo says. never and NO_COLOR give 0; always overrules NO_COLOR; 16 and 256 are upper bounds. */
int theme_colors(const char *choice, const char *no_color, int terminal);

#endif
