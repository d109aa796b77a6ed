/* What every screen has: title, tabs, message, keys. */
#include "dashboard.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "home.h"
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
    static const enum trial_phase order[] = {PHASE_ACTIVE, PHASE_PAUSED, PHASE_HELD,    PHASE_QUEUED,   PHASE_ENQUEUED, PHASE_DONE,
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
    if (!v->name[0]) {
        canvas_text(c, 1, a.y, a.w - 2, STYLE(BRAND), "vaetop");
        canvas_text(c, 9, a.y, a.w - 10, STYLE(DIM), "no study is open");
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
        (void)snprintf(best, sizeof best, "best #%d %s", t->number, str_fit(buf, sizeof buf, view_shown(v, t->value), 8, 2));
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

/* Before the first steps of all: kernels are compiled, which takes a while on a new machine. */
static bool devices_start(const struct view *v)
{
    bool starting = v->counts[PHASE_ACTIVE] > 0;
    for (int i = 0; i < v->n_devices; i++) {
        starting = starting || strcmp(v->device[i].state, "starting") == 0;
    }
    for (size_t i = 0; starting && i < v->n; i++) {
        starting = v->trial[i].epoch == 0 && !(v->trial[i].share > 0);
    }
    return starting;
}

/* The line being typed; what is wrong with it shows behind it. */
static void draw_prompt(struct canvas *c, const struct ui_state *s, struct area a)
{
    char title[100], names[60];
    if (s->input.prompt == PROMPT_EDIT) {
        (void)snprintf(title, sizeof title, "edit %s (lr, beta or epochs): ", state_names(names, sizeof names, &s->asked));
    } else {
        (void)snprintf(title, sizeof title, "%s", prompt_title(s->input.prompt));
    }
    int x = 1 + canvas_text(c, 1, a.y, a.w / 2, STYLE(HEAD), title), room = a.w - x - 1;
    char before[sizeof s->input.text];
    (void)snprintf(before, sizeof before, "%.*s", (int)s->input.at, s->input.text);
    const char *from = before;
    while (text_columns(from) >= room && *from) { /* the cursor stays in sight */
        (void)utf8_next(&from);
    }
    const char *text = s->input.text + (from - before);
    int end = x + canvas_text(c, x, a.y, room, STYLE(TITLE), text);
    canvas_restyle(c, (struct area){x + text_columns(from), a.y, 1, 1}, (struct style){ROLE_TITLE, ATTR_REVERSE});
    if (s->message[0] && end + 3 < a.w) {
        canvas_text(c, end + 3, a.y, a.w - end - 4, STYLE(BAD), s->message);
    } else if (s->input.len == 0) {
        canvas_text(c, end + 2, a.y, a.w - end - 3, STYLE(DIM), prompt_hint(s->input.prompt));
    }
}

/* Draws the tabs (c NULL: only walks along them). The screen of the tab at column x, or -1. */
static int walk_tabs(struct canvas *c, const struct ui_state *s, int x, int *end)
{
    static const struct {
        char key;
        const char *word;
    } tab[SCREEN_COUNT] = {
#define X(id, key, word) {key, word},
        SCREEN_LIST(X)
#undef X
    };
    struct area a = s->layout.tabs;
    const bool narrow = a.w < 100; /* room for what stands behind */
    char text[24];
    int found = -1;
    *end = a.x;
    for (int i = 0; i < SCREEN_COUNT; i++) {
        bool here = i == (int)s->screen;
        const char *word = i == SCREEN_DASHBOARD && narrow ? "Dash" : tab[i].word;
        int n = snprintf(text, sizeof text, "%s%c %s%s", here ? "[" : narrow ? "" : " ", tab[i].key, word,
                         !here ? " " : narrow ? "] " : "]");
        found = x >= *end && x < *end + n ? i : found;
        if (c) {
            canvas_text(c, *end, a.y, 20, here ? (struct style){ROLE_TITLE, ATTR_BOLD} : STYLE(DIM), text);
        }
        *end += n;
    }
    return found;
}

int screen_tab_at(const struct ui_state *s, int x)
{
    int end;
    return walk_tabs(NULL, s, x, &end);
}

static void draw_tabs(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    struct area a = s->layout.tabs;
    int x;
    if (a.h == 0) {
        return;
    }
    (void)walk_tabs(c, s, -1, &x);
    struct text_line b = {.len = 0};
    if (s->n_pending > 0) {
        line_add(&b, "%d stopping, u undoes  ", s->n_pending);
    }
    if (s->tags.n > 0 && (s->n_pending == 0 || a.w - x >= 40)) { /* what can be missed soon goes first */
        line_add(&b, "%d tagged  ", s->tags.n);
    }
    if (s->filter.n > 0) {
        line_add(&b, "%zu of %zu match %.100s", v->n_order, v->n, s->filter.text);
    } else if (s->log_mine && s->screen == SCREEN_LOG) {
        line_add(&b, "#%d only", s->selected);
    }
    int room = a.w - x - 3;
    if (text_columns(b.text) <= room) {
        canvas_right(c, x + 1, a.y, a.w - x - 2, STYLE(WARN), b.text);
    } else if (room > 8) {
        canvas_text(c, x + 2, a.y, room, STYLE(WARN), b.text);
    }
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
    if (s->input.prompt != PROMPT_NONE) {
        draw_prompt(c, s, a);
    } else if (s->message[0]) {
        canvas_text(c, 1, a.y, a.w - 2, s->message_bad ? STYLE(WARN) : STYLE(TITLE), s->message);
    } else if (v->banner[0]) {
        canvas_text(c, 1, a.y, a.w - 2, STYLE(WARN), v->banner);
    } else if (t && t->reason && (trial_phase_state(t->phase) == TRIAL_FAIL || t->phase == PHASE_PRUNED)) {
        (void)snprintf(text, sizeof text, "#%d %s: %s", t->number, trial_phase_word(t->phase), t->reason);
        canvas_text(c, 1, a.y, a.w - 2, t->phase == PHASE_PRUNED ? STYLE(PRUNE) : STYLE(BAD), text);
    } else if (v->link == LINK_LIVE && devices_start(v)) {
        canvas_text(c, 1, a.y, a.w - 2, STYLE(TEXT),
                    "the device starts; its first time takes longer: kernels are compiled and kept");
    } else if (v->n_logs > 0 && s->layout.log.h == 0 && (s->screen == SCREEN_DASHBOARD || s->screen == SCREEN_TRIAL)) {
        const struct view_log *l = &v->log[v->n_logs - 1];
        (void)snprintf(text, sizeof text, "%s %s", l->time, l->text);
        canvas_text(c, 1, a.y, a.w - 2, STYLE(DIM), text);
    }
}

static bool ticking(const struct ui_state *s)
{
    return s->screen == SCREEN_STUDIES && s->home && s->home->ticking;
}

/* What a key's action is called here. */
static const char *word_here(const struct ui_state *s, const struct key_row *r)
{
    const bool preset = s->screen == SCREEN_STUDIES && s->home && s->home->form;
    if (s->setup) {
        return r->action == ACT_RIGHT ? "change" : r->bar;
    }
    switch (r->action) {
    case ACT_TAG:
        return s->screen == SCREEN_DEVICES ? "on/off" : ticking(s) ? "tick" : r->bar;
    case ACT_OPEN:
        return ticking(s) ? "take them" : s->form.open ? "enqueue or edit" : preset ? "start or edit" : r->bar;
    default:
        return r->bar;
    }
}

/* What is of use on each screen, the most important first; help begins with the same. Those without a word do not stand
 * on the key bar. */
const uint8_t *screen_actions(const struct ui_state *s)
{
    static const uint8_t wanted[SCREEN_COUNT][SCREEN_ACTIONS] = {
        [SCREEN_STUDIES] = {ACT_HELP, ACT_OPEN, ACT_BACK, ACT_QUIT, ACT_EDIT, ACT_SETUP, ACT_NEXT_SCREEN},
        [SCREEN_DASHBOARD] = {ACT_HELP, ACT_OPEN, ACT_PAUSE, ACT_STOP, ACT_QUIT, ACT_DETACH, ACT_EDIT, ACT_FILTER,
                              ACT_TAG, ACT_SORT_RIGHT, ACT_SEARCH, ACT_LATENT_MODE, ACT_LOG_Y, ACT_COMMAND, ACT_SETUP,
                              ACT_CLONE, ACT_ENQUEUE, ACT_UNDO, ACT_SORT_LEFT, ACT_INVERT, ACT_PICTURES, ACT_FOLLOW, ACT_PIN, ACT_UNTAG},
        [SCREEN_TRIAL] = {ACT_HELP, ACT_BACK, ACT_EARLIER, ACT_LATER, ACT_PICTURES, ACT_PAUSE, ACT_STOP, ACT_EDIT,
                          ACT_NEXT_TRIAL, ACT_ZOOM_IN, ACT_CROSSHAIR, ACT_LATENT_MODE, ACT_LOG_Y, ACT_QUIT, ACT_CLONE, ACT_UNDO,
                          ACT_PREVIOUS_TRIAL, ACT_LEFT, ACT_RIGHT, ACT_ZOOM_OUT, ACT_ZOOM_ALL, ACT_DETACH},
        [SCREEN_DEVICES] = {ACT_HELP, ACT_TAG, ACT_SLOTS_UP, ACT_SLOTS_DOWN, ACT_BACK, ACT_QUIT, ACT_SELF_TEST,
                            ACT_NEXT_SCREEN},
        [SCREEN_STUDY] = {ACT_HELP, ACT_BACK, ACT_FRONT, ACT_OPEN, ACT_QUIT, ACT_NEXT_SCREEN, ACT_OBJECTIVE},
        [SCREEN_LOG] = {ACT_HELP, ACT_BACK, ACT_LOG_MINE, ACT_QUIT, ACT_NEXT_SCREEN, ACT_TOP, ACT_PAGE_UP}};
    static const uint8_t setup[SCREEN_ACTIONS] = {ACT_RIGHT, ACT_SAVE, ACT_BACK};
    static const uint8_t form[SCREEN_ACTIONS] = {ACT_HELP, ACT_OPEN, ACT_BACK};
    static const uint8_t ticks[SCREEN_ACTIONS] = {ACT_HELP, ACT_TAG, ACT_OPEN, ACT_BACK};
    return s->setup ? setup : s->form.open ? form : ticking(s) ? ticks : wanted[s->screen];
}

/* As many of them as fit (c NULL: only walks along them). The key of the word at column at, or 0. */
static int walk_keys(struct canvas *c, const struct ui_state *s, int at)
{
    const uint8_t *want = screen_actions(s);
    struct area a = s->layout.keys;
    int x = 1, found = 0;
    for (int i = 0; i < SCREEN_ACTIONS && want[i] != ACT_NONE && a.h > 0; i++) {
        const struct key_row *r = key_row_of((enum action)want[i]);
        char name[16];
        const char *word = word_here(s, r);
        if (!word) {
            continue;
        }
        int w = text_columns(key_label(name, sizeof name, r->key[0])) + 1 + text_columns(word);
        if (x + w + 1 > a.w) {
            break;
        }
        found = at >= x && at < x + w ? r->key[0] : found;
        if (c) {
            int after = x + canvas_text(c, x, a.y, 12, STYLE(KEY), name) + 1;
            canvas_text(c, after, a.y, 20, STYLE(DIM), word);
        }
        x += w + 2;
    }
    return found;
}

int screen_key_at(const struct ui_state *s, int x)
{
    return walk_keys(NULL, s, x);
}

void screen_draw(struct canvas *c, const struct view *v, const struct ui_state *s)
{
    c->ascii = s->tier == TIER_ASCII;
    canvas_clear(c);
    if (s->help) {
        help_draw(c, s);
    } else {
        draw_header(c, v, s);
        draw_tabs(c, v, s);
        switch (s->setup ? SCREEN_COUNT : s->screen) {
        case SCREEN_COUNT: setup_draw(c, s); break;
        case SCREEN_STUDIES: home_draw(c, v, s); break;
        case SCREEN_TRIAL: trial_draw(c, v, s); break;
        case SCREEN_DEVICES: devices_draw(c, v, s); break;
        case SCREEN_STUDY: study_draw(c, v, s); break;
        case SCREEN_LOG: log_draw(c, v, s); break;
        default: dashboard_draw(c, v, s); break;
        }
        if (s->form.open && !s->setup) {
            form_draw(c, v, s);
        }
        draw_message(c, v, s);
        (void)walk_keys(c, s, -1);
    }
    if (s->question != ASK_NOTHING) {
        question_draw(c, v, s);
    }
}
