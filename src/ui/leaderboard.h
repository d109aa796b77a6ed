/* The leaderboard: which columns fit, and their cells. */
#ifndef VAETOP_UI_LEADERBOARD_H
#define VAETOP_UI_LEADERBOARD_H

#include "state.h"

#define LEADERBOARD_COLUMNS (COL_PARAM + VIEW_PARAMS)
struct leaderboard_column {
    int id, x, w; /* enum column or COL_PARAM + i; w 0: dropped */
};
struct leaderboard_plan {
    struct leaderboard_column col[LEADERBOARD_COLUMNS];
    int n;
};
/* marked: some trial is tagged, pinned or about to stop, and its row says so. Columns leave from the least important on; value, number and state never do. The sparkline takes what is left. */
void leaderboard_plan_make(struct leaderboard_plan *p, const struct view *v, int w, bool marked);

void leaderboard_draw(struct canvas *c, const struct view *v, const struct ui_state *s);
/* The column that can be sorted by under a column of cells; -1: none. */
int leaderboard_column_at(const struct view *v, const struct ui_state *s, int x);
uint8_t phase_role(enum trial_phase p);

#endif
