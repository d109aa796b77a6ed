#include "dashboard.h"

#include "leaderboard.h"

void pane_divider(struct canvas *c, const struct ui_state *s)
{
    const struct layout *l = &s->layout;
    if (l->divider.w == 0) {
        return;
    }
    canvas_fill(c, l->divider, glyphs_of(s->tier)->vline, STYLE(BORDER));
    if (l->loss.y == l->divider.y && l->loss.x < l->divider.x) {
        canvas_put(c, l->divider.x, l->divider.y, glyphs_of(s->tier)->tee_down, STYLE(BORDER));
    }
}

void dashboard_draw(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    pane_devices(c, v, s);
    leaderboard_draw(c, v, s);
    pane_progress(c, v, s);
    pane_detail(c, v, s);
    pane_divider(c, s);
    pane_loss(c, v, s);
    pane_latent(c, v, s);
    pane_log(c, v, s);
}
