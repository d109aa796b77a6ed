/* The log screen. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dashboard.h"
#include "leaderboard.h"
#include "number.h"
#include "vaetop/base/str.h"

void log_draw(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    struct area a = s->layout.body;
    int total = log_lines(s, v), skip, y = a.y + a.h - 1;
    if (total == 0) {
        canvas_text(c, a.x + 2, a.y + (a.h > 2), a.w - 3, STYLE(TITLE),
                    v->n_logs == 0 ? "The log is empty." : "No line of this trial; a shows all.");
        return;
    }
    int most = total > a.h ? total - a.h : 0;
    skip = s->log_back > most ? most : s->log_back;
    if (total < a.h) {
        y = a.y + total - 1;
    }
    for (int i = v->n_logs - 1; i >= 0 && y >= a.y; i--) {
        const struct view_log *l = &v->log[i];
        if (!log_shown(s, l) || skip-- > 0) {
            continue;
        }
        bool mine = l->trial >= 0 && l->trial == s->selected;
        int x = a.x + 1 + canvas_text(c, a.x + 1, y, 8, STYLE(DIM), l->time) + 1;
        canvas_text(c, x, y--, a.x + a.w - x - 1, mine ? STYLE(TITLE) : STYLE(TEXT), l->text);
    }
    if (most > 0 && s->log_back > 0) {
        char text[40];
        (void)snprintf(text, sizeof text, " %d newer below ", s->log_back > most ? most : s->log_back);
        canvas_right(c, a.x, a.y + a.h - 1, a.w - 1, (struct style){ROLE_WARN, ATTR_REVERSE}, text);
    }
}
