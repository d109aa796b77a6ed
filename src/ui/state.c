#include "state.h"

#include <stdio.h>
#include <string.h>

#include "home.h"
#include "keys.h"
#include "vaetop/base/str.h"

void state_init(struct ui_state *s, enum tier tier)
{
    *s = (struct ui_state){.tier = tier, .screen = SCREEN_DASHBOARD, .sort = COL_VALUE, .selected = -1, .follow = true};
}

void state_say(struct ui_state *s, bool bad, const char *text)
{
    (void)str_clean(s->message, sizeof s->message, text);
    s->message_bad = bad;
}

struct wish wish_nothing(void)
{
    return (struct wish){.kind = WISH_NOTHING, .trial = -1};
}

bool marks_has(const struct marks *m, int number)
{
    for (int i = 0; i < m->n; i++) {
        if (m->number[i] == number) {
            return true;
        }
    }
    return false;
}

const char *state_names(char *buf, size_t cap, const struct marks *m)
{
    size_t len = 0;
    buf[0] = 0;
    for (int i = 0; i < m->n && len + 24 < cap; i++) {
        bool last = len + 48 >= cap && i + 1 < m->n;
        int n = last ? snprintf(buf + len, cap - len, " and %d more", m->n - i)
                     : snprintf(buf + len, cap - len, "%s#%d", i > 0 ? " " : "", m->number[i]);
        len += (size_t)n;
        if (last) {
            break;
        }
    }
    return buf;
}

size_t state_place(const struct ui_state *s, const struct view *v)
{
    for (size_t i = 0; i < v->n_order; i++) {
        if (v->trial[v->order[i]].number == s->selected) {
            return i;
        }
    }
    return 0;
}

void state_move_to(struct ui_state *s, const struct view *v, size_t place)
{
    if (v->n_order > 0) {
        s->selected = v->trial[v->order[place < v->n_order ? place : v->n_order - 1]].number;
        s->follow = false;
        s->at = 0;
    }
}

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

void state_order(const struct ui_state *s, struct view *v)
{
    view_sort(v, s->sort, s->invert);
    size_t n = 0;
    for (size_t i = 0; i < v->n_order; i++) {
        const struct view_trial *t = &v->trial[v->order[i]];
        if (marks_has(&s->pins, t->number) || filter_passes(&s->filter, v, t)) {
            v->order[n++] = v->order[i];
        }
    }
    v->n_order = n;
    for (int k = s->pins.n - 1; k >= 0; k--) { /* pinned ones on top, in the order they were pinned */
        for (size_t i = 0; i < n; i++) {
            uint32_t at = v->order[i];
            if (v->trial[at].number == s->pins.number[k]) {
                memmove(&v->order[1], &v->order[0], i * sizeof v->order[0]);
                v->order[0] = at;
                break;
            }
        }
    }
}

/* --- questions */

int question_answers(struct answer a[ANSWERS_MAX], enum question q)
{
    static const struct answer quit[] = {{'d', "detach: training goes on, vaetop attach returns"},
                                         {'s', "stop the study after a checkpoint of every trial"},
                                         {'c', "cancel"}};
    static const struct answer stop[] = {{'e', "after this epoch, keeping the value"},
                                         {'n', "now, keeping the last value"},
                                         {'c', "cancel"}};
    memcpy(a, q == ASK_QUIT ? quit : stop, sizeof quit);
    return ANSWERS_MAX;
}

const char *question_title(char *buf, size_t cap, const struct ui_state *s, const struct view *v)
{
    if (s->question == ASK_STOP) {
        char names[60];
        if (s->asked.n == 1) {
            (void)snprintf(buf, cap, "Stop trial #%d?", s->asked.number[0]);
        } else {
            (void)snprintf(buf, cap, "Stop %d trials: %s?", s->asked.n, state_names(names, sizeof names, &s->asked));
        }
    } else {
        int n = v->counts[PHASE_ACTIVE];
        (void)snprintf(buf, cap, "Leave? %d trial%s running", n, n == 1 ? " is" : "s are");
    }
    return buf;
}

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
    } else if (s->screen == SCREEN_LOG) {
        int to = s->log_back - rows;
        s->log_back = to < 0 ? 0 : to > v->n_logs ? v->n_logs : to;
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
        s->latent_mode = (s->latent_mode + 1) % SCATTER_MODES;
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
    } else if (s->screen == SCREEN_DASHBOARD && view_trial(v, s->selected)) {
        s->follow = false;
        state_go(s, SCREEN_TRIAL);
    }
    return wish_nothing();
}

static struct wish leave(struct ui_state *s, const struct view *v, enum action act)
{
    struct wish w = wish_nothing();
    if (act == ACT_QUIT && view_running(v) && v->link == LINK_LIVE) {
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
    case ACT_LOG_MINE:
        s->log_mine = !s->log_mine;
        s->log_back = 0;
        state_say(s, false, s->log_mine ? "the selected trial's lines only" : "all lines");
        return true;
    default:
        return false;
    }
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
        act_undo(s);
        return wish_nothing();
    case ACT_EDIT:
        act_edit(s, v);
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

struct wish state_key(struct ui_state *s, const struct view *v, int key)
{
    enum action act = key_action(key);
    struct wish w = wish_nothing();
    if (act == ACT_SUSPEND || act == ACT_REDRAW) {
        w.kind = act == ACT_SUSPEND ? WISH_SUSPEND : WISH_REDRAW;
        return w;
    }
    if (s->question != ASK_NOTHING) {
        return question_key(s, key);
    }
    s->message[0] = 0;
    if (s->input.prompt != PROMPT_NONE) {
        return prompt_key(s, v, key);
    }
    if ((s->help && help_key(s, act)) || screen_key(s, act, key) || move_key(s, v, act)) {
        return w;
    }
    if (s->screen == SCREEN_STUDIES && act != ACT_OPEN && act != ACT_BACK && act != ACT_HELP && act != ACT_QUIT &&
        act != ACT_DETACH) {
        if (act == ACT_EDIT) {
            home_edit(s);
        }
        return w;
    }
    if (curve_key(s, v, act) || list_key(s, v, act)) {
        return w;
    }
    return control_key(s, v, act);
}

/* --- fitting */

static void fit_selection(struct ui_state *s, const struct view *v)
{
    bool there = s->selected >= 0 && (size_t)s->selected < v->n;
    for (size_t i = 0; there && s->screen == SCREEN_DASHBOARD && v->n_order > 0; i++) {
        if (i == v->n_order) { /* the filter hides it */
            there = false;
        } else if (v->trial[v->order[i]].number == s->selected) {
            break;
        }
    }
    if (!there) {
        s->selected = v->n_order > 0 ? v->trial[v->order[0]].number : -1;
    }
    if (s->follow && v->best >= 0 && s->filter.n == 0) {
        s->selected = v->best;
    }
}

void state_fit(struct ui_state *s, const struct view *v, int w, int h)
{
    struct layout_want want = {.screen = (int)s->screen, .devices = v->n_devices};
    want.trials = v->planned > (int)v->n ? v->planned : (int)v->n;
    s->w = w;
    s->h = h;
    layout_make(&s->layout, w, h, &want);
    fit_selection(s, v);
    size_t rows = (size_t)(s->layout.list.h > 0 ? s->layout.list.h : 1), at = state_place(s, v);
    if (s->screen == SCREEN_DASHBOARD) {
        s->top = s->top > at ? at : s->top;
        s->top = at >= s->top + rows ? at - rows + 1 : s->top;
        size_t last = v->n_order > rows ? v->n_order - rows : 0;
        s->top = s->top > last ? last : s->top;
    }
    s->device = s->device >= v->n_devices ? (v->n_devices > 0 ? v->n_devices - 1 : 0) : s->device;
}

size_t state_visible(const struct ui_state *s, const struct view *v, int *number, size_t cap)
{
    size_t n = 0;
    if (s->selected >= 0 && cap > 0) {
        number[n++] = s->selected;
    }
    int compared[8], k = state_compared(s, compared, 8);
    for (int i = 0; i < k && n < cap; i++) {
        number[n++] = compared[i];
    }
    bool list = s->screen == SCREEN_DASHBOARD;
    for (size_t i = s->top; list && i < v->n_order && i < s->top + (size_t)s->layout.list.h && n < cap; i++) {
        number[n++] = v->trial[v->order[i]].number;
    }
    return n;
}

int state_compared(const struct ui_state *s, int *number, int most)
{
    int n = s->tags.n < most ? s->tags.n : most;
    memcpy(number, s->tags.number, (size_t)n * sizeof *number);
    return n;
}

/* A young curve is not squeezed into the first columns of all planned epochs: the axis grows in steps of 1, 2, 5. */
static double axis_end(int last, int planned)
{
    int end = 10;
    for (int k = 0; end < 2 * last && end < 1000000; k++) {
        end = k % 3 == 1 ? end / 2 * 5 : end * 2;
    }
    end = end < planned ? end : planned;
    return end > last ? end : last > 1 ? last : 1;
}

void state_window(const struct ui_state *s, const struct view *v, double *lo, double *hi)
{
    const struct view_trial *t = view_trial(v, s->selected);
    const struct view_series *e = view_series(v, s->selected);
    int compared[8], n = state_compared(s, compared, 8), last = e ? e->last_epoch : 0, planned = t ? t->epochs : 0;
    for (int i = 0; i < n; i++) {
        const struct view_series *o = view_series(v, compared[i]);
        last = o && o->last_epoch > last ? o->last_epoch : last;
        planned = view_trial(v, compared[i]) && view_trial(v, compared[i])->epochs > planned
                      ? view_trial(v, compared[i])->epochs
                      : planned;
    }
    *lo = 0;
    *hi = axis_end(last, planned);
    if (s->zoom > 0 && last > 0) {
        double len = last, centre;
        for (int k = 0; k < s->zoom; k++) {
            len /= 2;
        }
        len = len < 2 ? 2 : len;
        centre = s->at > 0 ? s->at : last - len / 2; /* without a crosshair the newest epoch stays in sight */
        *lo = centre - len / 2 < 0 ? 0 : centre - len / 2;
        *hi = *lo + len;
    }
}
