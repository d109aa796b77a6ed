/* Where the panes go. Pure. Never a gate: panes are dropped in priority order (list, detail, loss, devices, latent,
 * log), down to one line. A dropped pane has h = 0. */
#ifndef VAETOP_UI_LAYOUT_H
#define VAETOP_UI_LAYOUT_H

#include "canvas.h"

struct layout_want {
    int trials;    /* rows the list will come to have */
    int devices;   /* device lines */
    bool expanded; /* the selected trial's panes get most of the room */
};

struct layout {
    struct area header;   /* one line */
    struct area devices;
    struct area head;     /* column titles */
    struct area list;
    struct area progress; /* best value so far, with its title line; only where the list leaves room */
    struct area detail;   /* facts of the selected trial */
    struct area loss;     /* with its title line */
    struct area latent;   /* with its title line */
    struct area log;      /* with its title line */
    struct area message;  /* one line */
    struct area keys;     /* one line */
    int divider_x;        /* column of the line between left and right, or -1 */
    struct area divider;
};
void layout_make(struct layout *l, int w, int h, const struct layout_want *want);

#endif
