/* The log screen. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dashboard.h"
#include "leaderboard.h"
#include "number.h"
#include "vaetop/base/str.h"

/* A line with all its rows, the last one at *y, which moves up past them; the lowest *skip rows are left out. */
static void draw_line(struct canvas *c, const struct view_log *l, const struct ui_state *s, int *y, int *skip)
{
    const struct area a = s->layout.body;
    const char *row[sizeof l->text], *rest = l->text;
    const struct style style = l->trial >= 0 && l->trial == s->selected ? STYLE(TITLE) : STYLE(TEXT);
    int n = 0, w = log_text_w(s);
    do {
        row[n++] = rest;
        rest += text_fold(rest, w);
    } while (*rest);
    for (int k = n - 1; k >= 0 && *y >= a.y; k--) {
        char text[sizeof l->text];
        if ((*skip)-- > 0) {
            continue;
        }
        if (k == 0) {
            canvas_text(c, a.x + 1, *y, 8, STYLE(DIM), l->time);
        }
        const char *end = k + 1 < n ? row[k + 1] : rest;
        end -= end > row[k] && end[-1] == ' ';
        (void)snprintf(text, sizeof text, "%.*s", (int)(end - row[k]), row[k]);
        canvas_text(c, a.x + 10, (*y)--, a.w - 11, style, text);
    }
}

void log_draw(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    struct area a = s->layout.body;
    int total = log_lines(s, v), y = a.y + a.h - 1;
    if (total == 0) {
        canvas_text(c, a.x + 2, a.y + (a.h > 2), a.w - 3, STYLE(TITLE),
                    v->n_logs == 0 ? "The log is empty." : "No line of this trial; a shows all.");
        return;
    }
    int most = total > a.h ? total - a.h : 0;
    int back = s->log_back > most ? most : s->log_back, skip = back;
    if (total < a.h) {
        y = a.y + total - 1;
    }
    for (int i = v->n_logs - 1; i >= 0 && y >= a.y; i--) {
        if (log_shown(s, &v->log[i])) {
            draw_line(c, &v->log[i], s, &y, &skip);
        }
    }
    if (back > 0) {
        char text[40];
        (void)snprintf(text, sizeof text, " %d newer below ", back);
        canvas_right(c, a.x, a.y + a.h - 1, a.w - 1, (struct style){ROLE_WARN, ATTR_REVERSE}, text);
    }
}
