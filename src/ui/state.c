#include "state.h"

#include <stdio.h>
#include <string.h>

#include "vaetop/base/str.h"

void state_init(struct ui_state *s, enum tier tier)
{
    *s = (struct ui_state){.tier = tier, .tier_most = tier, .screen = SCREEN_DASHBOARD, .sort = COL_VALUE, .selected = -1, .follow = true};
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
    static const struct answer device[] = {{'f', "finish its trials first: nothing new starts there"},
                                           {'n', "now: they write checkpoints and go back to the queue"},
                                           {'c', "cancel"}};
    memcpy(a, q == ASK_QUIT ? quit : q == ASK_STOP ? stop : device, sizeof quit);
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
    } else if (s->question == ASK_DEVICE) {
        const struct view_device *d = NULL;
        for (int i = 0; i < v->n_devices; i++) {
            d = v->device[i].card == s->asked_card ? &v->device[i] : d;
        }
        (void)snprintf(buf, cap, "Switch off %.40s? trials on it: %d", d ? d->name : "it", d ? d->slots_used : 0);
    } else {
        int n = v->counts[PHASE_ACTIVE];
        (void)snprintf(buf, cap, "Leave? %d trial%s running", n, n == 1 ? " is" : "s are");
    }
    return buf;
}

/* --- fitting */

int log_lines(const struct ui_state *s, const struct view *v)
{
    int n = 0, w = log_text_w(s);
    for (int i = 0; i < v->n_logs; i++) {
        const char *rest = v->log[i].text;
        for (bool more = log_shown(s, &v->log[i]); more; more = *rest != 0) {
            rest += text_fold(rest, w);
            n++;
        }
    }
    return n;
}

int note_text_w(int w)
{
    return w > 24 ? w - 4 : 20;
}

int log_text_w(const struct ui_state *s)
{
    return s->layout.body.w > 21 ? s->layout.body.w - 11 : 10;
}

bool log_shown(const struct ui_state *s, const struct view_log *l)
{
    return !s->log_mine || l->trial == s->selected;
}

void state_select(struct ui_state *s, const struct view *v)
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

static int note_rows(const struct view *v, int number, int w)
{
    const char *rest = v->note_of == number ? v->note.text : "";
    int n = 0;
    for (; *rest; n++) {
        rest += text_fold(rest, note_text_w(w));
    }
    return n;
}

void state_fit(struct ui_state *s, const struct view *v, int w, int h)
{
    state_select(s, v);
    struct layout_want want = {.screen = (int)s->screen, .note = note_rows(v, s->selected, w)};
    for (int i = 0; i < v->n_devices; i++) {
        want.devices += view_device_used(&v->device[i]);
    }
    want.trials = v->planned > (int)v->n ? v->planned : (int)v->n;
    s->w = w;
    s->h = h;
    layout_make(&s->layout, w, h, &want);
    size_t rows = (size_t)(s->layout.list.h > 0 ? s->layout.list.h : 1), at = state_place(s, v);
    if (s->screen == SCREEN_DASHBOARD) {
        s->top = s->top > at ? at : s->top;
        s->top = at >= s->top + rows ? at - rows + 1 : s->top;
        size_t last = v->n_order > rows ? v->n_order - rows : 0;
        s->top = s->top > last ? last : s->top;
    }
    s->knob = s->knob >= (int)v->all.n_knobs ? (v->all.n_knobs > 0 ? (int)v->all.n_knobs - 1 : 0) : s->knob;
    if (s->screen == SCREEN_LOG) {
        int most = log_lines(s, v) - s->layout.body.h;
        s->log_back = s->log_back > most ? (most > 0 ? most : 0) : s->log_back;
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
