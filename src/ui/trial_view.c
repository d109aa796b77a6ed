/* The Trial screen: everything known of one trial, all panes at the epoch under the crosshair. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dashboard.h"
#include "leaderboard.h"
#include "number.h"
#include "vaetop/base/str.h"

/* "#3 running  epoch 18/30 [####    ]  0:41 left  61.2k images/s  on cpu:0" */
static void draw_state(struct canvas *c, const struct view *v, const struct ui_state *s, const struct view_trial *t,
                       struct area a)
{
    char text[160], x[32];
    int at = a.x + 1;
    (void)snprintf(text, sizeof text, "#%d", t->number);
    at += canvas_text(c, at, a.y, 10, t->number == v->best ? STYLE(BEST) : STYLE(TITLE), text) + 1;
    (void)snprintf(text, sizeof text, "%c %s%s", trial_phase_letter(t->phase), trial_phase_word(t->phase),
                   t->edited ? ", edited" : "");
    at += canvas_text(c, at, a.y, 24, (struct style){phase_role(t->phase), ATTR_BOLD}, text) + 2;
    (void)snprintf(text, sizeof text, "epoch %d/%d", s->at > 0 ? s->at : t->epoch, t->epochs);
    at += canvas_text(c, at, a.y, 24, s->at > 0 ? STYLE(WARN) : STYLE(TEXT), text) + 1;
    if (a.w >= 60) {
        canvas_put(c, at, a.y, '[', STYLE(BORDER));
        bar_draw(c, (struct area){at + 1, a.y, 12, 1}, STYLE(BAR), t->share, s->tier);
        canvas_put(c, at + 13, a.y, ']', STYLE(BORDER));
        at += 15;
    }
    struct text_line b = {.len = 0};
    if (t->eta_s > 0 && t->phase == PHASE_ACTIVE) {
        line_add(&b, " %s left ", num_eta(x, sizeof x, t->eta_s));
    }
    if (!isnan(t->rate)) {
        line_add(&b, " %s images/s ", num_si(x, sizeof x, t->rate));
    }
    if (t->device) {
        line_add(&b, " on %s ", t->device);
    }
    if (t->rank > 0) {
        line_add(&b, " rank %d of %zu", t->rank, v->n);
    }
    canvas_text(c, at, a.y, a.x + a.w - at - 1, STYLE(TEXT), b.text);
}

/* What looks wrong with it and what to do. What has no room at the end is cut with a mark. */
static void draw_note(struct canvas *c, const struct view *v, struct area a)
{
    const char *rest = v->note.text;
    for (int i = 0; i < a.h; i++) {
        char text[TRIAL_NOTE_CAP + 4];
        const size_t n = i + 1 < a.h ? text_fold(rest, note_text_w(a.w)) : strlen(rest);
        (void)snprintf(text, sizeof text, " %c %.*s", i == 0 ? '!' : ' ', (int)n, rest);
        canvas_text(c, a.x, a.y + i, a.w, STYLE(WARN), text);
        rest += n;
    }
}

/* The second line: what is searched. */
static void draw_settings(struct canvas *c, const struct view *v, const struct view_trial *t, struct area a)
{
    struct text_line b = {.len = 0};
    for (int i = 0; i < v->n_params; i++) {
        char x[64];
        if (view_param_text(x, sizeof x, v, t, i)[0]) {
            line_add(&b, "%s%s %s", b.len ? "   " : "", knob_info(v->param[i].knob)->name, x);
        }
    }
    if (!isnan(t->active) && t->latent > 0) {
        line_add(&b, "   %.0f of %d latents active", t->active, t->latent);
    }
    if (!isnan(t->train) && !isnan(t->value) && !view_maximised(v)) {
        char x[32];
        line_add(&b, "   train to validation %s nats", str_fit(x, sizeof x, t->value - t->train, 7, 2));
    }
    if (v->note_of == t->number && v->skipped > 0 && trial_notes_skipped(&v->note, 1) == 0) { /* else the note says it */
        line_add(&b, "   %lld steps skipped", (long long)v->skipped);
    }
    canvas_text(c, a.x + 1, a.y, a.w - 2, STYLE(DIM), b.text);
}

void trial_draw(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    static const enum series_metric shown[4] = {SERIES_REC, SERIES_KL, SERIES_LR, SERIES_BETA};
    const struct layout *l = &s->layout;
    const struct view_trial *t = view_trial(v, s->selected);
    if (!t) {
        canvas_text(c, l->body.x + 2, l->body.y + (l->body.h > 2), l->body.w - 3, STYLE(TITLE),
                    "No trial yet: the first one shows here when it is chosen.");
        return;
    }
    if (l->list.h > 0) {
        draw_state(c, v, s, t, (struct area){l->list.x, l->list.y, l->list.w, 1});
        return;
    }
    if (l->detail.h > 0) {
        draw_state(c, v, s, t, (struct area){l->detail.x, l->detail.y, l->detail.w, 1});
    }
    if (l->detail.h > 1) {
        draw_settings(c, v, t, (struct area){l->detail.x, l->detail.y + 1, l->detail.w, 1});
    }
    if (v->note_of == t->number) {
        draw_note(c, v, l->note);
    }
    pane_divider(c, s);
    pane_loss(c, v, s);
    if (l->progress.h > 0) {
        pane_rule(c, l->progress, s->tier, "parts and schedules", "");
    }
    for (int i = 0; i < 4; i++) {
        pane_curve(c, v, s, shown[i], l->curve[i]);
    }
    pane_dims(c, v, s);
    pane_latent(c, v, s);
    pane_pictures(c, v, s);
    pane_log(c, v, s);
}
