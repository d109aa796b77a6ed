/* Clicks: tabs, the key bar, column titles, rows. A second click on a chosen row opens it. */
#include "dashboard.h"
#include "home.h"
#include "keys.h"
#include "leaderboard.h"

static bool inside(struct area a, int x, int y)
{
    return x >= a.x && x < a.x + a.w && y >= a.y && y < a.y + a.h;
}

static struct wish click_trial(struct ui_state *s, const struct view *v)
{
    size_t place = s->top + (size_t)(s->click_y - s->layout.list.y);
    if (place >= v->n_order) {
        return wish_nothing();
    }
    if (v->trial[v->order[place]].number == s->selected && !s->follow) {
        return state_key(s, v, UK_ENTER);
    }
    state_move_to(s, v, place);
    return wish_nothing();
}

static void click_title(struct ui_state *s, const struct view *v)
{
    int column = leaderboard_column_at(v, s, s->click_x);
    if (column == s->sort) {
        s->invert = !s->invert;
    } else if (column >= 0) {
        s->sort = column;
    }
}

static struct wish click_body(struct ui_state *s, const struct view *v)
{
    bool again = false;
    if (s->screen == SCREEN_DASHBOARD && inside(s->layout.list, s->click_x, s->click_y)) {
        return click_trial(s, v);
    }
    if (s->screen == SCREEN_DASHBOARD && inside(s->layout.head, s->click_x, s->click_y)) {
        click_title(s, v);
    } else if (s->screen == SCREEN_STUDIES && s->home && home_click(s, s->click_y, &again) && again) {
        return state_key(s, v, UK_ENTER);
    }
    return wish_nothing();
}

struct wish mouse_click(struct ui_state *s, const struct view *v)
{
    if (s->question != ASK_NOTHING || s->input.prompt != PROMPT_NONE) {
        return wish_nothing(); /* a question wants its key: no stray click answers it */
    }
    s->message[0] = 0;
    if (inside(s->layout.keys, s->click_x, s->click_y)) {
        int key = screen_key_at(s, s->click_x);
        return key ? state_key(s, v, key) : wish_nothing();
    }
    if (s->help || s->setup || s->form.open) {
        return wish_nothing();
    }
    if (inside(s->layout.tabs, s->click_x, s->click_y)) {
        int screen = screen_tab_at(s, s->click_x);
        if (screen >= 0) {
            state_go(s, (enum screen)screen);
        }
        return wish_nothing();
    }
    return click_body(s, v);
}
