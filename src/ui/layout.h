/* Where the panes go. Pure. Never a gate: panes are dropped in priority order (list, detail, loss, devices, latent,
 * log), down to one line. A dropped pane has h = 0. */
#ifndef VAETOP_UI_LAYOUT_H
#define VAETOP_UI_LAYOUT_H

#include "canvas.h"

struct layout_want {
    int screen;  /* enum screen */
    int trials;  /* rows the list will come to have */
    int devices; /* device lines */
    int note;    /* rows of what looks wrong with the trial */
};

struct layout {
    struct area header;   /* one line */
    struct area tabs;     /* one line */
    struct area body;     /* the whole middle, for screens that are one list */
    struct area devices;
    struct area head;     /* column titles */
    struct area list;
    struct area progress; /* best value so far, with its title line; only where the list leaves room */
    struct area detail;   /* facts of the selected trial */
    struct area note;     /* what looks wrong with it and what to do */
    struct area loss;     /* with its title line */
    struct area curve[4]; /* reconstruction, KL, learning rate, beta: with title line, or one line without */
    struct area dims;     /* KL per latent dimension, with its title line */
    struct area latent;   /* with its title line */
    struct area pictures; /* images, with their title line; h 0: the latent pane shows them by turns */
    struct area log;      /* with its title line */
    struct area message;  /* one line */
    struct area keys;     /* one line */
    struct area divider;  /* the line between left and right; w 0: none */
};
void layout_make(struct layout *l, int w, int h, const struct layout_want *want);

#endif
