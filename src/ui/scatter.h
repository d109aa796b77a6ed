/* The latent plot: classes by glyph and colour. Pure; nothing allocates. */
#ifndef VAETOP_UI_SCATTER_H
#define VAETOP_UI_SCATTER_H

#include "canvas.h"
#include "glyph.h"

/* LABEL: the class as a character. HALF: two halves a cell in the colours of their classes. DOTS: braille or quadrants.
 * DENSITY: how many points. */
enum scatter_mode { SCATTER_LABEL, SCATTER_HALF, SCATTER_DOTS, SCATTER_DENSITY, SCATTER_MODES };
const char *scatter_mode_name(enum scatter_mode m);

#define SCATTER_NO_CLASS 255

struct scatter {
    size_t n;
    const float *xy;      /* (n, 2) */
    const uint8_t *label; /* (n); SCATTER_NO_CLASS: none */
    bool labelled;        /* some point has a class */
    bool plain;           /* classes by glyph alone: for slow links */
    float x_lo, x_hi, y_lo, y_hi;
};

/* Nearly equal scale on both axes (a cell is twice as high as wide). Points outside the box are left out. A cell
 * of several classes shows the one of most points; of equals the class rarer in the whole picture, so that small clusters
 * stay visible, and of those the lower. */
void scatter_draw(struct canvas *c, struct area a, const struct scatter *s, enum scatter_mode m, enum tier t);

/* The character of a class. */
char scatter_glyph(uint8_t label);

#endif
