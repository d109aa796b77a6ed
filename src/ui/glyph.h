/* The characters of each tier: braille and block need UTF-8, ascii shows everywhere. */
#ifndef VAETOP_UI_GLYPH_H
#define VAETOP_UI_GLYPH_H

#include <stdint.h>

enum tier { TIER_ASCII, TIER_BLOCK, TIER_BRAILLE, TIER_COUNT };

struct glyphs {
    uint32_t hline, vline, tee_down, tee_up, tee_right, axis, corner;
    uint32_t box_tl, box_tr, box_bl, box_br;
    uint32_t select, best, up, down, gap, nan;
    const uint32_t *ramp; /* sparkline and bars, low to high */
    int n_ramp;
    const uint32_t *fill; /* partly filled cell from the left, 1/n .. n/n */
    int n_fill;
    uint32_t half;       /* upper half of a cell filled; 0: none */
    const uint32_t *ink; /* for images without greys, dark to light */
    int n_ink;
    int sub_w, sub_h; /* dots of a plot in one cell */
    const char *dash, *dots; /* legend of a solid and of a dotted line */
    const char *live;
};
const struct glyphs *glyphs_of(enum tier t);

/* The cell with these dots set; bit row * sub_w + column. letter stands for it where there is one dot per cell. */
uint32_t glyph_dots(enum tier t, unsigned bits, char letter);

/* Every character above 0x7e that a tier uses, for the width check at start; ends in 0. */
const uint32_t *glyph_all(enum tier t);

#endif
