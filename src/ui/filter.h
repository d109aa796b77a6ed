/* Which trials the leaderboard shows: "value < 100 and optimizer.kind = adam". Pure; nothing allocates.
 *
 *   or   := and { "or" and }          and := not { ["and"] not }       not := "not" not | "(" or ")" | test
 *   test := word op value { "|" value }                                op  := < <= > >= = !=
 *
 * Words: number value rec kl train active epoch rank rate state phase device, and every knob by its name. */
#ifndef VAETOP_UI_FILTER_H
#define VAETOP_UI_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "view.h"

#define FILTER_NODES 48
struct filter_node {
    uint8_t op;          /* enum in filter.c */
    uint8_t left, right; /* nodes, for and, or and not */
    int16_t word;        /* what is tested */
    double value;
    char text[32];
};
struct filter {
    char text[160];
    struct filter_node node[FILTER_NODES];
    int n, root; /* n 0: everything passes */
};

/* False: *f is as before and why says what is wrong and what would be right. An empty text passes everything. */
bool filter_parse(struct filter *f, const char *text, char *why, size_t cap);
/* The words besides knobs, one by one; NULL after the last. */
const char *filter_name(int i);
bool filter_passes(const struct filter *f, const struct view *v, const struct view_trial *t);

#endif
