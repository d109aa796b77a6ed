#include "dashboard.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "keys.h"
#include "leaderboard.h"
#include "number.h"
#include "vaetop/base/str.h"

/* Badge at the right end of the title: is what you see alive? Returns its width. */
static int draw_badge(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    const char *word = "LIVE";
    uint8_t role = ROLE_GOOD;
    char text[32];
    if (v->link == LINK_LOST) {
        word = "RECONNECTING";
        role = ROLE_BAD;
    } else if (strcmp(v->study_phase, "finished") == 0 || strcmp(v->study_phase, "stopped") == 0) {
        word = v->study_phase[0] == 'f' ? "FINISHED" : "STOPPED";
        role = v->study_phase[0] == 'f' ? ROLE_DONE : ROLE_WARN;
    } else if (v->link == LINK_OFFLINE) {
        word = "OFFLINE";
        role = ROLE_WARN;
    } else if (strcmp(v->study_phase, "paused") == 0) {
        word = "PAUSED";
        role = ROLE_WARN;
    }
    (void)snprintf(text, sizeof text, "%s%s", role == ROLE_GOOD ? glyphs_of(s->tier)->live : "", word);
    int n = text_columns(text);
    canvas_text(c, s->layout.header.w - n - 1, s->layout.header.y, n, (struct style){role, ATTR_BOLD}, text);
    return n + 2;
}

static int draw_counts(struct canvas *c, const struct view *v, int x, int y, int room)
{
    static const enum trial_phase order[] = {PHASE_ACTIVE, PHASE_PAUSED,   PHASE_QUEUED, PHASE_ENQUEUED, PHASE_DONE,
                                             PHASE_PRUNED, PHASE_STOPPED, PHASE_DIVERGED, PHASE_NOMEM, PHASE_FAILED};
    int at = x;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        char text[24];
        int n = snprintf(text, sizeof text, "%d%c", v->counts[order[i]], trial_phase_letter(order[i]));
        if (v->counts[order[i]] > 0 && at + n + 1 <= x + room) {
            struct style style = {phase_role(order[i]), 0};
            at += canvas_text(c, at, y, n, style, text) + 1;
        }
    }
    return at - x;
}

/* Title line: what fits of name, time, counts, best and badge, in this order of importance: badge, name, counts, best,
 * times. */
static void draw_header(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    struct area a = s->layout.header;
    char best[64] = "", times[64] = "", buf[32], eta[16];
    if (a.h == 0) {
        return;
    }
    int room = a.w - 1 - draw_badge(c, v, s), x = 1;
    if (room > 40) {
        x += canvas_text(c, x, a.y, 8, STYLE(BRAND), "vaetop") + 2;
    }
    x += canvas_text(c, x, a.y, room - x < 8 ? room - x : room * 2 / 5, STYLE(TITLE), v->name) + 2;
    x += draw_counts(c, v, x, a.y, room - x);
    const struct view_trial *t = view_trial(v, v->best);
    if (t) {
        (void)snprintf(best, sizeof best, "best #%d %s", t->number, num_fit(buf, sizeof buf, t->value, 8, 2));
        int n = text_columns(best);
        if (x + n + 2 <= room) {
            canvas_text(c, x + 1, a.y, n, STYLE(BEST), best);
            x += n + 3;
        }
    }
    if (v->elapsed_s > 0) {
        (void)snprintf(times, sizeof times, "%s", str_duration(buf, sizeof buf, v->elapsed_s));
        if (v->eta_s > 0 && v->link == LINK_LIVE && x + 24 < room) {
            (void)snprintf(times, sizeof times, "%s  about %s left", str_duration(buf, sizeof buf, v->elapsed_s),
                           num_eta(eta, sizeof eta, v->eta_s));
        }
        int n = text_columns(times);
        if (x + n + 1 <= room) {
            canvas_text(c, x + 1, a.y, n, STYLE(DIM), times);
        }
    }
}

static bool devices_start(const struct view *v)
{
    for (int i = 0; i < v->n_devices; i++) {
        if (strcmp(v->device[i].state, "starting") == 0) {
            return v->counts[PHASE_ACTIVE] == 0;
        }
    }
    return false;
}

/* The message of the moment, else a banner of the engine, else why the selected trial failed or nothing moves yet, else
 * the newest log line. */
static void draw_message(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    struct area a = s->layout.message;
    const struct view_trial *t = view_trial(v, s->selected);
    char text[300];
    if (a.h == 0) {
        return;
    }
    if (s->message[0]) {
        canvas_text(c, 1, a.y, a.w - 2, s->message_bad ? STYLE(WARN) : STYLE(TITLE), s->message);
    } else if (v->banner[0]) {
        canvas_text(c, 1, a.y, a.w - 2, STYLE(WARN), v->banner);
    } else if (t && t->reason && trial_phase_state(t->phase) == TRIAL_FAIL) {
        (void)snprintf(text, sizeof text, "#%d %s: %s", t->number, trial_phase_word(t->phase), t->reason);
        canvas_text(c, 1, a.y, a.w - 2, STYLE(BAD), text);
    } else if (v->link == LINK_LIVE && devices_start(v)) {
        canvas_text(c, 1, a.y, a.w - 2, STYLE(TEXT),
                    "the device starts; its first time takes longer: kernels are compiled and kept");
    } else if (v->n_logs > 0 && s->layout.log.h == 0) {
        const struct view_log *l = &v->log[v->n_logs - 1];
        (void)snprintf(text, sizeof text, "%s %s", l->time, l->text);
        canvas_text(c, 1, a.y, a.w - 2, STYLE(DIM), text);
    }
}

static void draw_keys(struct canvas *c, const struct ui_state *s)
{
    struct area a = s->layout.keys;
    const struct key_row *shown[32] = {0};
    int n = 0, used = 1;
    for (int place = 1; place < 32 && a.h > 0; place++) { /* the most important ones first, as many as fit */
        for (size_t i = 0; i < key_table_rows; i++) {
            const struct key_row *r = &key_table[i];
            char name[16];
            if (!r->bar || r->bar_place != place) {
                continue;
            }
            int w = text_columns(key_label(name, sizeof name, r->key[0])) + 1 + text_columns(r->bar) + 2;
            if (used + w <= a.w) {
                shown[n++] = r;
                used += w;
            }
        }
    }
    for (int i = 0, x = 1; i < n; i++) {
        char name[16];
        x += canvas_text(c, x, a.y, 12, STYLE(KEY), key_label(name, sizeof name, shown[i]->key[0])) + 1;
        x += canvas_text(c, x, a.y, 12, STYLE(DIM), shown[i]->bar) + 2;
    }
}

static void draw_divider(struct canvas *c, const struct ui_state *s)
{
    const struct layout *l = &s->layout;
    if (l->divider_x < 0) {
        return;
    }
    canvas_fill(c, l->divider, glyphs_of(s->tier)->vline, STYLE(BORDER));
    if (l->loss.y == l->divider.y && l->loss.x < l->divider_x) {
        canvas_put(c, l->divider_x, l->divider.y, glyphs_of(s->tier)->tee_down, STYLE(BORDER));
    }
}

void dashboard_draw(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    c->ascii = s->tier == TIER_ASCII;
    canvas_clear(c);
    if (s->help) {
        help_draw(c, s);
    } else {
        draw_header(c, v, s);
        pane_devices(c, v, s);
        leaderboard_draw(c, v, s);
        pane_progress(c, v, s);
        pane_detail(c, v, s);
        draw_divider(c, s);
        pane_loss(c, v, s);
        pane_latent(c, v, s);
        pane_log(c, v, s);
        draw_message(c, v, s);
        draw_keys(c, s);
    }
    if (s->question != ASK_NOTHING) {
        question_draw(c, v, s);
    }
}
