#include "state.h"

#include <stdio.h>
#include <string.h>

#include "keys.h"
#include "vaetop/base/str.h"

void state_init(struct ui_state *s, enum tier tier)
{
    *s = (struct ui_state){.tier = tier, .sort = COL_VALUE, .selected = -1, .follow = true};
}

void state_say(struct ui_state *s, bool bad, const char *text)
{
    (void)str_clean(s->message, sizeof s->message, text);
    s->message_bad = bad;
}

/* Place of the selected trial in the view's order; 0 when it is not there. */
static size_t place_of(const struct ui_state *s, const struct view *v)
{
    for (size_t i = 0; i < v->n_order; i++) {
        if (v->trial[v->order[i]].number == s->selected) {
            return i;
        }
    }
    return 0;
}

static void move_to(struct ui_state *s, const struct view *v, size_t place)
{
    if (v->n_order > 0) {
        s->selected = v->trial[v->order[place < v->n_order ? place : v->n_order - 1]].number;
        s->follow = false;
    }
}

static void move_by(struct ui_state *s, const struct view *v, int rows)
{
    size_t at = place_of(s, v);
    size_t up = (size_t)(rows < 0 ? -rows : 0);
    move_to(s, v, rows < 0 ? (up > at ? 0 : at - up) : at + (size_t)rows);
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

static struct wish pause_or_resume(struct ui_state *s, const struct view *v)
{
    s->follow = false; /* whoever acts on a trial wants to see what becomes of it */
    const struct view_trial *t = view_trial(v, s->selected);
    char text[120];
    if (!t) {
        state_say(s, true, "no trial is selected");
    } else if (v->link != LINK_LIVE) {
        state_say(s, true, "no engine runs this study; vaetop run goes on with it");
    } else if (t->phase == PHASE_PAUSED) {
        (void)snprintf(text, sizeof text, "#%d: resuming", t->number);
        state_say(s, false, text);
        return (struct wish){WISH_COMMAND, COMMAND_RESUME, t->number};
    } else if (t->phase == PHASE_ACTIVE || t->phase == PHASE_QUEUED || t->phase == PHASE_ENQUEUED) {
        (void)snprintf(text, sizeof text, "#%d: pausing at the end of the running chunk", t->number);
        state_say(s, false, text);
        return (struct wish){WISH_COMMAND, COMMAND_PAUSE, t->number};
    } else {
        (void)snprintf(text, sizeof text, "#%d is %s: nothing to pause", t->number, trial_phase_word(t->phase));
        state_say(s, true, text);
    }
    return (struct wish){WISH_NOTHING, 0, 0};
}

static void ask_stop(struct ui_state *s, const struct view *v)
{
    const struct view_trial *t = view_trial(v, s->selected);
    char text[120];
    if (!t || v->link != LINK_LIVE) {
        state_say(s, true, t ? "no engine runs this study; vaetop run goes on with it" : "no trial is selected");
    } else if (trial_phase_state(t->phase) != TRIAL_RUNNING && trial_phase_state(t->phase) != TRIAL_WAITING) {
        (void)snprintf(text, sizeof text, "#%d is %s: nothing to stop", t->number, trial_phase_word(t->phase));
        state_say(s, true, text);
    } else {
        s->question = ASK_STOP;
        s->question_trial = t->number;
        s->choice = 0;
        s->follow = false;
    }
}

int question_answers(struct answer a[ANSWERS_MAX], enum question q)
{
    static const struct answer quit[] = {{'d', "detach: training goes on, vaetop attach returns"},
                                         {'s', "stop the study after a checkpoint of every trial"},
                                         {'c', "cancel"}};
    static const struct answer stop[] = {{'e', "after this epoch, keeping its value"},
                                         {'n', "now, keeping the last value"},
                                         {'c', "cancel"}};
    memcpy(a, q == ASK_QUIT ? quit : stop, sizeof quit);
    return ANSWERS_MAX;
}

const char *question_title(char *buf, size_t cap, const struct ui_state *s, const struct view *v)
{
    if (s->question == ASK_STOP) {
        (void)snprintf(buf, cap, "Stop trial #%d?", s->question_trial);
    } else {
        int n = v->counts[PHASE_ACTIVE];
        (void)snprintf(buf, cap, "Leave? %d trial%s running", n, n == 1 ? " is" : "s are");
    }
    return buf;
}

static struct wish decide(struct ui_state *s, char answer)
{
    struct wish w = {WISH_NOTHING, 0, s->question_trial};
    enum question q = s->question;
    s->question = ASK_NOTHING;
    if (q == ASK_QUIT && (answer == 'd' || answer == 's')) {
        w.kind = answer == 'd' ? WISH_LEAVE : WISH_STOP_STUDY;
    } else if (q == ASK_STOP && (answer == 'e' || answer == 'n')) {
        w.kind = WISH_COMMAND;
        w.command = answer == 'e' ? COMMAND_STOP_EPOCH : COMMAND_STOP_NOW;
        char text[80];
        (void)snprintf(text, sizeof text, "#%d: stopping%s", w.trial, answer == 'e' ? " after this epoch" : "");
        state_say(s, false, text);
    }
    return w;
}

static struct wish question_key(struct ui_state *s, int key)
{
    struct answer a[ANSWERS_MAX];
    int n = question_answers(a, s->question);
    enum action act = key_action(key);
    for (int i = 0; i < n; i++) {
        if (key == a[i].key) {
            return decide(s, a[i].key);
        }
    }
    if (act == ACT_UP || act == ACT_DOWN) {
        s->choice = (s->choice + (act == ACT_UP ? n - 1 : 1)) % n;
    } else if (key == UK_ENTER) {
        return decide(s, a[s->choice].key);
    } else if (act == ACT_BACK || act == ACT_QUIT) {
        s->question = ASK_NOTHING;
    }
    return (struct wish){WISH_NOTHING, 0, 0};
}

/* True when help took the key. */
static bool help_key(struct ui_state *s, enum action act)
{
    switch (act) {
    case ACT_HELP:
    case ACT_BACK:
    case ACT_QUIT:
    case ACT_EXPAND:
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

static bool move_key(struct ui_state *s, const struct view *v, enum action act)
{
    int page = s->layout.list.h > 2 ? s->layout.list.h - 1 : 1;
    switch (act) {
    case ACT_UP:
        move_by(s, v, -1);
        return true;
    case ACT_DOWN:
        move_by(s, v, 1);
        return true;
    case ACT_PAGE_UP:
        move_by(s, v, -page);
        return true;
    case ACT_PAGE_DOWN:
        move_by(s, v, page);
        return true;
    case ACT_TOP:
        move_to(s, v, 0);
        return true;
    case ACT_BOTTOM:
        move_to(s, v, v->n_order > 0 ? v->n_order - 1 : 0);
        return true;
    default:
        return false;
    }
}

static struct wish leave(struct ui_state *s, const struct view *v, enum action act)
{
    if (act == ACT_QUIT && view_running(v) && v->link == LINK_LIVE) {
        s->question = ASK_QUIT;
        s->choice = 0;
        return (struct wish){WISH_NOTHING, 0, 0};
    }
    return (struct wish){WISH_LEAVE, 0, 0};
}

struct wish state_key(struct ui_state *s, const struct view *v, int key)
{
    enum action act = key_action(key);
    const struct wish nothing = {WISH_NOTHING, 0, 0};
    if (act == ACT_SUSPEND || act == ACT_REDRAW) {
        return (struct wish){act == ACT_SUSPEND ? WISH_SUSPEND : WISH_REDRAW, 0, 0};
    }
    if (s->question != ASK_NOTHING) {
        return question_key(s, key);
    }
    s->message[0] = 0;
    if ((s->help && help_key(s, act)) || move_key(s, v, act)) {
        return nothing;
    }
    switch (act) {
    case ACT_HELP:
        s->help = true;
        s->help_top = 0;
        return nothing;
    case ACT_SORT_LEFT:
    case ACT_SORT_RIGHT:
        sort_by(s, v, act == ACT_SORT_LEFT ? -1 : 1);
        return nothing;
    case ACT_INVERT:
        s->invert = !s->invert;
        return nothing;
    case ACT_FOLLOW:
        s->follow = !s->follow;
        state_say(s, false, s->follow ? "the best trial stays selected" : "the selection stays where you put it");
        return nothing;
    case ACT_EXPAND:
        s->expanded = !s->expanded;
        return nothing;
    case ACT_LATENT_MODE:
        s->latent_mode = (s->latent_mode + 1) % SCATTER_MODES;
        return nothing;
    case ACT_LOG_Y:
        s->log_y = !s->log_y;
        return nothing;
    case ACT_PAUSE:
        return pause_or_resume(s, v);
    case ACT_STOP:
        ask_stop(s, v);
        return nothing;
    case ACT_DETACH:
    case ACT_QUIT:
        return leave(s, v, act);
    default:
        return nothing;
    }
}

void state_fit(struct ui_state *s, const struct view *v, int w, int h)
{
    struct layout_want want = {.devices = v->n_devices, .expanded = s->expanded};
    want.trials = v->planned > (int)v->n ? v->planned : (int)v->n;
    s->w = w;
    s->h = h;
    layout_make(&s->layout, w, h, &want);
    if (s->selected < 0 || (size_t)s->selected >= v->n) {
        s->selected = v->n_order > 0 ? v->trial[v->order[0]].number : -1;
    }
    if (s->follow && v->best >= 0) {
        s->selected = v->best;
    }
    size_t rows = (size_t)(s->layout.list.h > 0 ? s->layout.list.h : 1), at = place_of(s, v);
    s->top = s->top > at ? at : s->top;
    s->top = at >= s->top + rows ? at - rows + 1 : s->top;
    size_t last = v->n_order > rows ? v->n_order - rows : 0;
    s->top = s->top > last ? last : s->top;
}

size_t state_visible(const struct ui_state *s, const struct view *v, int *number, size_t cap)
{
    size_t n = 0;
    if (s->selected >= 0 && cap > 0) {
        number[n++] = s->selected;
    }
    for (size_t i = s->top; i < v->n_order && i < s->top + (size_t)s->layout.list.h && n < cap; i++) {
        number[n++] = v->trial[v->order[i]].number;
    }
    return n;
}
