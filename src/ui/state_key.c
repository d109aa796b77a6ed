/* What a key does to the state: state_key(). Trials are acted on in state_act.c, lines are typed in prompt.c. */
#include <stdio.h>
#include <string.h>

#include "home.h"
#include "keys.h"
#include "state.h"

static void move_by(struct ui_state *s, const struct view *v, int rows)
{
    size_t at = state_place(s, v);
    size_t up = (size_t)(rows < 0 ? -rows : 0);
    state_move_to(s, v, rows < 0 ? (up > at ? 0 : at - up) : at + (size_t)rows);
}

static void sort_by(struct ui_state *s, const struct view *v, int step)
{
    static const int fixed[] = {COL_NUMBER, COL_STATE, COL_EPOCH, COL_VALUE, COL_REC, COL_KL, COL_ACTIVE};
    int column[16 + VIEW_PARAMS], n = 0, at = 0;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        column[n++] = fixed[i];
    }
    for (int i = 0; i < v->n_params; i++) {
        column[n++] = COL_PARAM + i;
    }
    column[n++] = COL_RATE;
    column[n++] = COL_ETA;
    for (int i = 0; i < n; i++) {
        at = column[i] == s->sort ? i : at;
    }
    s->sort = column[(at + step + n) % n];
}

/* --- on top of everything: a question, help */

static struct wish question_key(struct ui_state *s, int key)
{
    struct answer a[ANSWERS_MAX];
    int n = question_answers(a, s->question);
    enum action act = key_action(key);
    for (int i = 0; i < n; i++) {
        if (key == a[i].key) {
            return act_answer(s, a[i].key);
        }
    }
    if (act == ACT_UP || act == ACT_DOWN) {
        s->choice = (s->choice + (act == ACT_UP ? n - 1 : 1)) % n;
    } else if (key == UK_ENTER) {
        return act_answer(s, a[s->choice].key);
    } else if (act == ACT_BACK || act == ACT_QUIT) {
        s->question = ASK_NOTHING;
    }
    return wish_nothing();
}

/* True when help took the key. */
static bool help_key(struct ui_state *s, enum action act)
{
    switch (act) {
    case ACT_HELP:
    case ACT_BACK:
    case ACT_QUIT:
    case ACT_OPEN:
        s->help = false;
        return true;
    case ACT_UP:
    case ACT_PAGE_UP:
        s->help_top -= act == ACT_UP ? 1 : s->h - 3;
        s->help_top = s->help_top < 0 ? 0 : s->help_top;
        return true;
    case ACT_DOWN:
    case ACT_PAGE_DOWN:
        s->help_top += act == ACT_DOWN ? 1 : s->h - 3; /* drawing stops at the end */
        return true;
    case ACT_TOP:
        s->help_top = 0;
        return true;
    case ACT_SUSPEND:
    case ACT_REDRAW:
    case ACT_DETACH:
        return false;
    default:
        return true;
    }
}

/* --- moving */

void state_go(struct ui_state *s, enum screen screen)
{
    s->screen = screen;
    s->at = screen == SCREEN_TRIAL ? s->at : 0;
    s->zoom = screen == SCREEN_TRIAL ? s->zoom : 0;
}

/* Rows to move by; 0: no moving key. Ends count as very many. */
static int rows_of(enum action act, int page)
{
    switch (act) {
    case ACT_UP:
        return -1;
    case ACT_DOWN:
        return 1;
    case ACT_PAGE_UP:
        return -page;
    case ACT_PAGE_DOWN:
        return page;
    case ACT_TOP:
        return -100000000;
    case ACT_BOTTOM:
        return 100000000;
    default:
        return 0;
    }
}

static bool move_key(struct ui_state *s, const struct view *v, enum action act)
{
    int page = s->layout.list.h > 2 ? s->layout.list.h - 1 : 1, rows = rows_of(act, page);
    if (rows == 0) {
        return false;
    }
    if (s->screen == SCREEN_STUDIES) {
        home_move(s->home, rows);
    } else if (s->screen == SCREEN_DEVICES) {
        int to = s->device + rows;
        s->device = to < 0 ? 0 : to >= v->n_devices ? v->n_devices - 1 : to;
        s->device = s->device < 0 ? 0 : s->device;
    } else if (s->screen == SCREEN_STUDY) {
        int to = s->knob + rows, last = (int)v->all.n_knobs - 1;
        s->knob = to < 0 || last < 0 ? 0 : to > last ? last : to;
    } else if (s->screen == SCREEN_LOG) {
        int to = s->log_back - rows;
        s->log_back = to < 0 ? 0 : to; /* state_fit() knows the top */
    } else {
        move_by(s, v, rows);
    }
    return true;
}

/* The next kept epoch in this direction: snapshots are thinned to 32 a trial. */
static void scrub(struct ui_state *s, const struct view *v, int step)
{
    const struct view_trial *t = view_trial(v, s->selected);
    if (!t || t->epoch == 0) {
        state_say(s, true, "no epoch to show yet");
        return;
    }
    int at = (s->at > 0 ? s->at : t->epoch) + step;
    at = at < 1 ? 1 : at;
    s->at = at >= t->epoch && step > 0 ? 0 : at > t->epoch ? t->epoch : at;
    s->follow = false;
}

static int scrub_step(const struct view *v, const struct ui_state *s)
{
    const struct view_trial *t = view_trial(v, s->selected);
    int step = 1;
    while (t && t->epoch / step > 32) {
        step *= 2;
    }
    return step;
}

/* Keys of the curves; true when taken. */
static bool curve_key(struct ui_state *s, const struct view *v, enum action act)
{
    const struct view_trial *t = view_trial(v, s->selected);
    int step = scrub_step(v, s);
    switch (act) {
    case ACT_EARLIER:
    case ACT_LATER:
        scrub(s, v, act == ACT_EARLIER ? -step : step);
        return true;
    case ACT_LEFT:
    case ACT_RIGHT:
        scrub(s, v, act == ACT_LEFT ? -1 : 1);
        return true;
    case ACT_CROSSHAIR:
        s->at = s->at > 0 || !t ? 0 : t->epoch;
        return true;
    case ACT_ZOOM_IN:
        s->zoom += s->zoom < 12;
        return true;
    case ACT_ZOOM_OUT:
        s->zoom -= s->zoom > 0;
        return true;
    case ACT_ZOOM_ALL:
        s->zoom = 0;
        return true;
    case ACT_NEXT_TRIAL:
    case ACT_PREVIOUS_TRIAL:
        move_by(s, v, act == ACT_NEXT_TRIAL ? 1 : -1);
        return true;
    case ACT_LATENT_MODE:
        if (s->pictures != PICTURES_LATENT && s->layout.pictures.h == 0) {
            s->pictures = PICTURES_LATENT; /* images had its pane */
        } else {
            s->latent_mode = (s->latent_mode + 1) % SCATTER_MODES;
        }
        return true;
    case ACT_PICTURES:
        if (s->layout.pictures.h > 0) { /* the latent plot has a pane of its own */
            s->pictures = s->pictures == PICTURES_SAMPLES ? PICTURES_RECON : PICTURES_SAMPLES;
        } else {
            s->pictures = (s->pictures + 1) % PICTURES_COUNT;
        }
        return true;
    case ACT_LOG_Y:
        s->log_y = !s->log_y;
        return true;
    default:
        return false;
    }
}

/* Esc takes back one thing at a time; it never quits. */
static void back(struct ui_state *s)
{
    if (s->screen == SCREEN_STUDIES) {
        home_back(s->home);
    } else if (s->at > 0) {
        s->at = 0;
    } else if (s->screen != SCREEN_DASHBOARD) {
        state_go(s, SCREEN_DASHBOARD);
    } else if (s->filter.n > 0) {
        char why[8];
        (void)filter_parse(&s->filter, "", why, sizeof why);
        state_say(s, false, "the filter is gone");
    } else if (s->tags.n > 0) {
        s->tags.n = 0;
        state_say(s, false, "no trial is tagged");
    }
}

static struct wish open_key(struct ui_state *s, const struct view *v)
{
    if (s->screen == SCREEN_STUDIES) {
        return home_enter(s);
    }
    if (s->screen == SCREEN_TRIAL) {
        state_go(s, SCREEN_DASHBOARD);
    } else if (s->screen == SCREEN_STUDY && view_trial(v, v->all.best)) {
        s->selected = v->all.best;
        s->follow = false;
        state_go(s, SCREEN_TRIAL);
    } else if (s->screen == SCREEN_DASHBOARD && view_trial(v, s->selected)) {
        s->follow = false;
        state_go(s, SCREEN_TRIAL);
    }
    return wish_nothing();
}

static struct wish leave(struct ui_state *s, const struct view *v, enum action act)
{
    struct wish w = wish_nothing();
    bool goes_on = view_running(v) || strcmp(v->study_phase, "running") == 0; /* between two trials too */
    if (act == ACT_QUIT && goes_on && v->link == LINK_LIVE) {
        s->question = ASK_QUIT;
        s->choice = 0;
        return w;
    }
    w.kind = WISH_LEAVE;
    return w;
}

/* Keys that change the list or ask for a line; true when taken. */
static bool list_key(struct ui_state *s, const struct view *v, enum action act)
{
    switch (act) {
    case ACT_SORT_LEFT:
    case ACT_SORT_RIGHT:
        sort_by(s, v, act == ACT_SORT_LEFT ? -1 : 1);
        return true;
    case ACT_INVERT:
        s->invert = !s->invert;
        return true;
    case ACT_FOLLOW:
        s->follow = !s->follow;
        state_say(s, false, s->follow ? "the best trial stays selected" : "the selection stays where you put it");
        return true;
    case ACT_FILTER:
        prompt_open(s, PROMPT_FILTER, s->filter.text);
        return true;
    case ACT_SEARCH:
        prompt_open(s, PROMPT_SEARCH, "");
        return true;
    case ACT_FIND_NEXT:
    case ACT_FIND_PREVIOUS:
        prompt_search(s, v, act == ACT_FIND_NEXT ? 1 : -1);
        return true;
    case ACT_COMMAND:
        prompt_open(s, PROMPT_COMMAND, "");
        return true;
    case ACT_TAG:
        act_tag(s, v, &s->tags, "tagged");
        move_by(s, v, 1);
        return true;
    case ACT_UNTAG:
        s->tags.n = 0;
        state_say(s, false, "no trial is tagged");
        return true;
    case ACT_PIN:
        act_tag(s, v, &s->pins, "pinned");
        return true;
    case ACT_FRONT:
        s->front = s->screen == SCREEN_STUDY ? !s->front : s->front;
        return true;
    case ACT_OBJECTIVE:
        s->second = s->screen == SCREEN_STUDY ? !s->second : s->second;
        return true;
    case ACT_LOG_MINE:
        s->log_mine = !s->log_mine;
        s->log_back = 0;
        state_say(s, false, s->log_mine ? "the selected trial's lines only" : "all lines");
        return true;
    default:
        return false;
    }
}

/* On the Devices screen some keys are about the chosen device; true when taken. */
static bool device_key(struct ui_state *s, const struct view *v, enum action act, struct wish *w)
{
    if (s->screen != SCREEN_DEVICES || (act != ACT_TAG && act != ACT_STOP && act != ACT_SELF_TEST)) {
        return false;
    }
    *w = act == ACT_SELF_TEST ? act_device_test(s, v) : act_device_switch(s, v, act == ACT_STOP);
    return true;
}

static struct wish control_key(struct ui_state *s, const struct view *v, enum action act)
{
    switch (act) {
    case ACT_PAUSE:
        return act_pause(s, v);
    case ACT_STOP:
        act_ask_stop(s, v);
        return wish_nothing();
    case ACT_UNDO:
        return act_undo(s);
    case ACT_EDIT:
        act_edit(s, v);
        return wish_nothing();
    case ACT_CLONE:
        form_clone(s, v);
        return wish_nothing();
    case ACT_ENQUEUE:
        form_enqueue(s, v);
        return wish_nothing();
    case ACT_SLOTS_UP:
    case ACT_SLOTS_DOWN:
        return act_slots(s, v, act == ACT_SLOTS_UP ? 1 : -1);
    case ACT_OPEN:
        return open_key(s, v);
    case ACT_DETACH:
    case ACT_QUIT:
        return leave(s, v, act);
    case ACT_HELP:
        s->help = true;
        s->help_top = 0;
        return wish_nothing();
    case ACT_SETUP:
        s->setup = true;
        return wish_nothing();
    case ACT_SAVE:
        return (struct wish){.kind = WISH_SAVE, .trial = -1};
    case ACT_BACK:
        back(s);
        return wish_nothing();
    default:
        return wish_nothing();
    }
}

static bool screen_key(struct ui_state *s, enum action act, int key)
{
    static const char keys[SCREEN_COUNT] = {
#define X(id, key, word) key,
        SCREEN_LIST(X)
#undef X
    };
    if (act == ACT_NEXT_SCREEN || act == ACT_PREVIOUS_SCREEN) {
        int step = act == ACT_NEXT_SCREEN ? 1 : SCREEN_COUNT - 1;
        state_go(s, (enum screen)(((int)s->screen + step) % SCREEN_COUNT));
        return true;
    }
    for (int i = 0; i < SCREEN_COUNT && act == ACT_SCREEN; i++) {
        if (keys[i] == key) {
            state_go(s, (enum screen)i);
        }
    }
    return act == ACT_SCREEN;
}

static void say_not_here(struct ui_state *s, enum action act, int key)
{
    const struct key_row *row = key_row_of(act);
    char label[16], text[120];
    (void)key_label(label, sizeof label, key);
    if (row) {
        (void)snprintf(text, sizeof text, "%s (%s) does nothing on this screen; ? lists its keys", label, row->help);
    } else {
        (void)snprintf(text, sizeof text, "%s is no key; ? lists them", label);
    }
    state_say(s, false, text);
}

/* Whether the screen has a use for the key; what stands not in the table is of use on all. */
static bool acts_here(enum action act, enum screen screen)
{
#define ON(id) (1u << SCREEN_##id)
    static const uint8_t on[ACT_COUNT] = {
        [ACT_SORT_LEFT] = ON(DASHBOARD), [ACT_SORT_RIGHT] = ON(DASHBOARD), [ACT_INVERT] = ON(DASHBOARD),
        [ACT_PIN] = ON(DASHBOARD), [ACT_SELF_TEST] = ON(DEVICES), [ACT_FRONT] = ON(STUDY), [ACT_OBJECTIVE] = ON(STUDY),
        [ACT_EARLIER] = ON(DASHBOARD) | ON(TRIAL), [ACT_LATER] = ON(DASHBOARD) | ON(TRIAL),
        [ACT_CROSSHAIR] = ON(DASHBOARD) | ON(TRIAL), [ACT_LEFT] = ON(DASHBOARD) | ON(TRIAL),
        [ACT_RIGHT] = ON(DASHBOARD) | ON(TRIAL), [ACT_ZOOM_IN] = ON(DASHBOARD) | ON(TRIAL),
        [ACT_ZOOM_OUT] = ON(DASHBOARD) | ON(TRIAL), [ACT_ZOOM_ALL] = ON(DASHBOARD) | ON(TRIAL),
        [ACT_LOG_Y] = ON(DASHBOARD) | ON(TRIAL), [ACT_LATENT_MODE] = ON(DASHBOARD) | ON(TRIAL),
        [ACT_PICTURES] = ON(DASHBOARD) | ON(TRIAL)};
#undef ON
    return act != ACT_NONE && (on[act] == 0 || (on[act] & 1u << screen));
}

struct wish state_key(struct ui_state *s, const struct view *v, int key)
{
    enum action act = key_action(key);
    struct wish w = wish_nothing();
    if (act == ACT_SUSPEND || act == ACT_REDRAW) {
        w.kind = act == ACT_SUSPEND ? WISH_SUSPEND : WISH_REDRAW;
        return w;
    }
    if (key == UK_WHEEL_UP || key == UK_WHEEL_DOWN) {
        for (int i = 0; i < 3; i++) {
            (void)state_key(s, v, key == UK_WHEEL_UP ? UK_UP : UK_DOWN);
        }
        return w;
    }
    if (key == UK_CLICK) {
        return mouse_click(s, v);
    }
    if (s->question != ASK_NOTHING) {
        return question_key(s, key);
    }
    s->message[0] = 0;
    if (s->input.prompt != PROMPT_NONE) {
        return prompt_key(s, v, key);
    }
    if ((s->setup && setup_key(s, act, key, &w)) || (s->help && help_key(s, act)) ||
        (s->form.open && form_key(s, v, act, &w)) || screen_key(s, act, key) || move_key(s, v, act)) {
        return w;
    }
    if (s->screen == SCREEN_STUDIES && act != ACT_OPEN && act != ACT_BACK && act != ACT_HELP && act != ACT_QUIT &&
        act != ACT_DETACH && act != ACT_SETUP && act != ACT_SAVE) {
        if (act == ACT_EDIT) {
            home_edit(s);
        } else if (act == ACT_TAG) {
            home_tick(s);
        } else {
            say_not_here(s, act, key);
        }
        return w;
    }
    if (!acts_here(act, s->screen)) {
        say_not_here(s, act, key);
        return w;
    }
    if (device_key(s, v, act, &w) || curve_key(s, v, act) || list_key(s, v, act)) {
        return w;
    }
    return control_key(s, v, act);
}
