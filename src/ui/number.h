/* Numbers as people read them in columns: stable widths, right-aligned, never longer than asked. */
#ifndef VAETOP_UI_NUMBER_H
#define VAETOP_UI_NUMBER_H

#include <stddef.h>

/* A setting in at most 6 columns: "0.25", "3.1e-3", "512". */
const char *num_short(char *buf, size_t cap, double v);
/* The same, always with an exponent, so that a column of magnitudes compares at a glance. */
const char *num_power(char *buf, size_t cap, double v);
/* A rate in at most 5 columns: "61.2k", "950". */
const char *num_si(char *buf, size_t cap, double v);

/* Time to go in at most 6 columns: "0:41", "1h02m", "4d03h". */
const char *num_eta(char *buf, size_t cap, double seconds);

/* Ticks at multiples of 1, 2 or 5 times a power of ten, ascending, inside lo .. hi. */
#define TICKS_MAX 12
struct ticks {
    int n;
    double v[TICKS_MAX];
    double step; /* the labels' decimals follow from it; 0: decades */
};
void ticks_linear(struct ticks *t, double lo, double hi, int most);
/* For a log axis, lo > 0: decades when there are several, else as linear. */
void ticks_log(struct ticks *t, double lo, double hi, int most);
const char *tick_label(char *buf, size_t cap, const struct ticks *t, double v);

#endif
