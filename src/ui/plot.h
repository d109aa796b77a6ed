/* Line plots and sparklines in cells. Pure: values + area -> canvas; nothing allocates. */
#ifndef VAETOP_UI_PLOT_H
#define VAETOP_UI_PLOT_H

#include "canvas.h"
#include "glyph.h"

/* x ascending; a NaN in y is a gap. */
struct plot_line {
    const float *x, *y;
    size_t n;
    uint8_t role;
    char letter; /* the mark in the ascii tier */
    char tag;    /* stands at the line's end, so that lines differ without colour; 0: none */
    bool dotted; /* every second column of dots, so that two lines differ without colour */
};

struct plot {
    struct plot_line line[8];
    int n_lines; /* later ones cover earlier ones, cell by cell: merged dots would mix colours */
    double x_lo, x_hi, y_lo, y_hi;
    bool log_y;
    const char *x_unit; /* NULL: no labels below the axis */
    double mark; /* > 0: a vertical line at this x */
};

/* The y range that shows the shape: extremes far away from the bulk are left out and counted. */
struct plot_span {
    double lo, hi;
    int off; /* points outside */
};
/* Sorts values (finite ones first). n may be 0: lo = 0, hi = 1. */
struct plot_span plot_span_of(float *values, size_t n);

/* Per dot column the least and greatest y that the polyline reaches there. lo > hi: nothing. */
struct plot_column {
    double lo, hi;
};
void plot_envelope(struct plot_column *col, int n_col, const struct plot_line *l, double x_lo, double x_hi);

/* Axes with 1-2-5 ticks, then the lines. */
void plot_draw(struct canvas *c, struct area a, const struct plot *p, enum tier t);

/* Only the lines: what must cover the dots. */
void plot_lines(struct canvas *c, struct area a, const struct plot *p, enum tier t);

/* Single points over a plot that was drawn. The nearest border takes what lies above y_hi or below y_lo. */
struct plot_dots {
    const void *of;
    size_t n;
    bool (*at)(double *x, double *y, const void *of, size_t i); /* false: no such point */
    uint8_t role;
    char letter;
};
void plot_dots(struct canvas *c, struct area a, const struct plot *p, const struct plot_dots *d, enum tier t);

/* One character per column, its height the least value there; the columns stand for x 0 .. x_end, so that the line
 * grows with training. Own scale. NaN shows as '!'. */
void spark_draw(struct canvas *c, struct area a, const struct plot_line *l, double x_end, enum tier t);

/* A horizontal bar of share 0 .. 1 in the area's first line; NaN is empty. */
void bar_draw(struct canvas *c, struct area a, struct style s, double share, enum tier t);

#endif
