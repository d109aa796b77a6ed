/* Small grey images: inputs, reconstructions and samples of an epoch. Pure; nothing allocates. */
#ifndef VAETOP_UI_GALLERY_H
#define VAETOP_UI_GALLERY_H

#include "canvas.h"
#include "glyph.h"

struct gallery {
    const uint8_t *pixels; /* (3, n, h, w): inputs, reconstructions, samples of the prior */
    int n, h, w;
};

/* What the picture pane shows; LATENT: the latent plot, where there is no pane for each. */
enum pictures { PICTURES_LATENT, PICTURES_RECON, PICTURES_SAMPLES, PICTURES_COUNT };

/* RECON: inputs above their reconstructions, and samples below where there is room; SAMPLES: samples alone. As many
 * images as fit, as large as they can be. greys: the terminal has them: two pixels a cell, else a ramp of ink. Returns
 * the rows of images drawn: 2, or 3 with samples. */
int gallery_draw(struct canvas *c, struct area a, const struct gallery *g, enum pictures what, enum tier t, bool greys);

#endif
