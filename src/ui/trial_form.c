/* The form of a new trial: a clone whose values can be changed, or one by hand; what is not given is drawn. The engine
 * checks it and says what it made of it. */
#include <stdio.h>
#include <string.h>

#include "dashboard.h"
#include "keys.h"
#include "leaderboard.h"
#include "vaetop/base/str.h"

static const char *was(char *buf, size_t cap, const struct view *v, const struct trial_form *f, int field)
{
    const struct view_trial *t = view_trial(v, f->like);
    buf[0] = 0;
    for (int i = 0; t && i < v->n_params; i++) {
        if (v->param[i].knob == f->knob[field]) {
            return view_param_text(buf, cap, v, t, i);
        }
    }
    return buf;
}

static void open_form(struct ui_state *s, const struct view *v, int like)
{
    struct trial_form *f = &s->form;
    *f = (struct trial_form){.open = true, .like = like};
    for (size_t r = 0; r < v->preset.n_ranges && f->n < FORM_FIELDS; r++) {
        enum knob k = v->preset.range[r].knob;
        bool listed = false;
        for (int i = 0; i < f->n; i++) {
            listed = listed || f->knob[i] == k;
        }
        if (!listed) {
            f->knob[f->n++] = k;
        }
    }
}

void form_clone(struct ui_state *s, const struct view *v)
{
    if (v->link != LINK_LIVE || !view_trial(v, s->selected)) {
        state_say(s, true, v->link != LINK_LIVE ? "no engine runs this study; vaetop clone enqueues one for later"
                                                : "no trial is selected");
        return;
    }
    open_form(s, v, s->selected);
}

void form_enqueue(struct ui_state *s, const struct view *v)
{
    if (v->link != LINK_LIVE) {
        state_say(s, true, "no engine runs this study; vaetop enqueue enqueues one for later");
        return;
    }
    open_form(s, v, -1);
}

/* What was typed for the chosen field; nothing: as it was. */
void form_field(struct ui_state *s, const char *line)
{
    struct trial_form *f = &s->form;
    struct config probe;
    struct err e;
    line += strspn(line, " ");
    config_init(&probe);
    if (line[0] && config_set(&probe, f->knob[f->row - 1], line, &e)) {
        state_say(s, true, e.text); /* the line stays open for mending */
    } else {
        (void)str_copy(f->value[f->row - 1], sizeof f->value[0], line);
        s->input.prompt = PROMPT_NONE;
        f->row = f->row < f->n ? f->row + 1 : 0;
    }
    config_release(&probe);
}

static struct wish send_form(struct ui_state *s)
{
    struct trial_form *f = &s->form;
    struct wish w = {.kind = WISH_COMMAND, .command = f->like >= 0 ? COMMAND_CLONE : COMMAND_ENQUEUE, .trial = f->like};
    size_t len = 0;
    for (int i = 0; i < f->n; i++) {
        if (f->value[i][0] && len + 120 < sizeof w.arg) {
            len += (size_t)snprintf(w.arg + len, sizeof w.arg - len, "%s%s=%s", len > 0 ? "; " : "",
                                    knob_info(f->knob[i])->full, f->value[i]);
        }
    }
    f->open = false;
    return w;
}

bool form_key(struct ui_state *s, const struct view *v, enum action act, struct wish *w)
{
    struct trial_form *f = &s->form;
    char text[64];
    switch (act) {
    case ACT_UP:
    case ACT_DOWN:
        f->row = (f->row + (act == ACT_UP ? f->n : 1)) % (f->n + 1);
        return true;
    case ACT_OPEN:
    case ACT_EDIT:
        if (f->row > 0) {
            const char *now = f->value[f->row - 1];
            prompt_open(s, PROMPT_VALUE, now[0] ? now : was(text, sizeof text, v, f, f->row - 1));
        } else if (act == ACT_OPEN) {
            *w = send_form(s);
        }
        return true;
    case ACT_BACK:
    case ACT_QUIT:
        f->open = false;
        return true;
    case ACT_SUSPEND:
    case ACT_REDRAW:
    case ACT_DETACH:
    case ACT_HELP:
        return false;
    default:
        return true;
    }
}

void form_draw(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    const struct trial_form *f = &s->form;
    struct area a = s->layout.body;
    char title[80], text[64];
    (void)snprintf(title, sizeof title, f->like >= 0 ? "clone of #%d: * is changed" : "a trial of your own", f->like);
    canvas_fill(c, a, ' ', STYLE(TEXT));
    pane_rule(c, (struct area){a.x, a.y, a.w, 1}, s->tier, title, "Enter changes, Esc leaves");
    int rows = a.h - 1, top = f->row >= rows ? f->row - rows + 1 : 0;
    for (int i = top; i <= f->n && i - top < rows; i++) {
        struct area row = {a.x, a.y + 1 + i - top, a.w, 1};
        if (i == 0) {
            canvas_text(c, row.x + 2, row.y, a.w - 3, STYLE(TITLE), "enqueue it: it starts before suggested ones");
        } else {
            const char *now = f->value[i - 1], *old = was(text, sizeof text, v, f, i - 1);
            canvas_text(c, row.x + 2, row.y, 24, STYLE(HEAD), knob_info(f->knob[i - 1])->full);
            canvas_text(c, row.x + 27, row.y, 1, STYLE(WARN), now[0] ? "*" : " ");
            canvas_text(c, row.x + 29, row.y, a.w - 30, now[0] ? STYLE(TITLE) : STYLE(DIM),
                        now[0]           ? now
                        : f->like < 0    ? "drawn at random from its range"
                        : old[0]         ? old
                                         : "-");
        }
        if (i == f->row) {
            canvas_restyle(c, row, (struct style){ROLE_TITLE, ATTR_REVERSE});
            canvas_put(c, row.x, row.y, glyphs_of(s->tier)->select, (struct style){ROLE_TITLE, ATTR_REVERSE});
        }
    }
}
