/* What the person does to trials: pause, stop, edit, tags. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "keys.h"
#include "state.h"
#include "vaetop/base/str.h"

static const char no_engine[] = "no engine runs this study; vaetop run goes on with it";

/* The trials a key is about: the tagged ones, else the selected one. False: a message says why there are none. */
static bool take_trials(struct ui_state *s, const struct view *v)
{
    s->follow = false; /* whoever acts on a trial wants to see what becomes of it */
    s->asked = s->tags;
    if (s->asked.n == 0 && view_trial(v, s->selected)) {
        s->asked = (struct marks){.number = {s->selected}, .n = 1};
    }
    if (s->asked.n == 0) {
        state_say(s, true, "no trial is selected");
    } else if (v->link != LINK_LIVE) {
        state_say(s, true, no_engine);
        return false;
    }
    return s->asked.n > 0;
}

static bool can_pause(enum trial_phase p)
{
    return p == PHASE_ACTIVE || p == PHASE_QUEUED || p == PHASE_ENQUEUED;
}

static bool can_stop(enum trial_phase p)
{
    return trial_phase_state(p) == TRIAL_RUNNING || trial_phase_state(p) == TRIAL_WAITING;
}

static bool can_resume(enum trial_phase p)
{
    return p == PHASE_PAUSED;
}

/* Leaves those trials out that have nothing to do; says so when none is left. */
static bool keep_asked(struct ui_state *s, const struct view *v, bool (*can)(enum trial_phase), const char *what)
{
    int n = 0, first = s->asked.number[0];
    for (int i = 0; i < s->asked.n; i++) {
        const struct view_trial *t = view_trial(v, s->asked.number[i]);
        if (t && can(t->phase)) {
            s->asked.number[n++] = t->number;
        }
    }
    bool one = s->asked.n == 1;
    s->asked.n = n;
    if (n == 0) {
        char text[120];
        const struct view_trial *t = view_trial(v, first);
        if (one && t) {
            (void)snprintf(text, sizeof text, "#%d is %s: nothing to %s", first, trial_phase_word(t->phase), what);
        } else {
            (void)snprintf(text, sizeof text, "none of the tagged trials is there to %s", what);
        }
        state_say(s, true, text);
    }
    return n > 0;
}

static struct wish command_wish(const struct ui_state *s, enum command c, const char *arg)
{
    struct wish w = {.kind = WISH_COMMAND, .command = c, .trial = s->asked.number[0], .each = true};
    (void)str_copy(w.arg, sizeof w.arg, arg);
    return w;
}

static void say_names(struct ui_state *s, const char *what)
{
    char names[100], text[200];
    (void)snprintf(text, sizeof text, "%s: %s", state_names(names, sizeof names, &s->asked), what);
    state_say(s, false, text);
}

struct wish act_pause(struct ui_state *s, const struct view *v)
{
    if (!take_trials(s, v)) {
        return wish_nothing();
    }
    bool running = false;
    for (int i = 0; i < s->asked.n; i++) {
        const struct view_trial *t = view_trial(v, s->asked.number[i]);
        running = running || (t && can_pause(t->phase));
    }
    struct marks all = s->asked;
    if (!running && keep_asked(s, v, can_resume, "pause")) {
        say_names(s, "resuming");
        return command_wish(s, COMMAND_RESUME, "");
    }
    s->asked = all;
    if (running && keep_asked(s, v, can_pause, "pause")) {
        say_names(s, "pausing at the end of the running chunk");
        return command_wish(s, COMMAND_PAUSE, "");
    }
    return wish_nothing();
}

void act_ask_stop(struct ui_state *s, const struct view *v)
{
    if (take_trials(s, v) && keep_asked(s, v, can_stop, "stop")) {
        s->question = ASK_STOP;
        s->choice = 0;
    }
}

/* The engine waits with it, so that it happens, or not, whatever becomes of this screen. */
static struct wish stop_later(struct ui_state *s, enum command c)
{
    char names[100], text[240], grace[8];
    for (int i = 0; i < s->asked.n && s->n_pending < MARKS_MAX; i++) {
        s->pending[s->n_pending++] = (struct pending){.trial = s->asked.number[i]};
    }
    (void)snprintf(text, sizeof text, "%s: stopping %s in %d s; u takes it back",
                   state_names(names, sizeof names, &s->asked), c == COMMAND_STOP_NOW ? "now," : "after this epoch,",
                   UNDO_S);
    state_say(s, false, text);
    (void)snprintf(grace, sizeof grace, "%d", UNDO_S);
    return command_wish(s, c, grace);
}

struct wish act_answer(struct ui_state *s, char answer)
{
    struct wish w = wish_nothing();
    enum question q = s->question;
    s->question = ASK_NOTHING;
    if (q == ASK_QUIT && (answer == 'd' || answer == 's')) {
        w.kind = answer == 'd' ? WISH_LEAVE : WISH_STOP_STUDY;
    } else if (q == ASK_STOP && (answer == 'e' || answer == 'n')) {
        return stop_later(s, answer == 'e' ? COMMAND_STOP_EPOCH : COMMAND_STOP_NOW);
    } else if (q == ASK_DEVICE) {
        return act_device_answer(s, answer);
    }
    return w;
}

/* The selected trial's stop when it has one, else the last. */
struct wish act_undo(struct ui_state *s)
{
    struct wish w = {.kind = WISH_COMMAND, .command = COMMAND_UNDO};
    int at = s->n_pending - 1;
    for (int i = 0; i < s->n_pending; i++) {
        at = s->pending[i].trial == s->selected ? i : at;
    }
    if (at < 0) {
        state_say(s, true, "nothing to take back: a stop can be for 5 s");
        return wish_nothing();
    }
    w.trial = s->pending[at].trial;
    memmove(&s->pending[at], &s->pending[at + 1], (size_t)(s->n_pending - at - 1) * sizeof s->pending[0]);
    s->n_pending--;
    return w;
}

void act_tag(struct ui_state *s, const struct view *v, struct marks *m, const char *word)
{
    char text[80];
    if (!view_trial(v, s->selected)) {
        state_say(s, true, "no trial is selected");
        return;
    }
    s->follow = false;
    for (int i = 0; i < m->n; i++) {
        if (m->number[i] == s->selected) {
            memmove(&m->number[i], &m->number[i + 1], (size_t)(m->n - i - 1) * sizeof m->number[0]);
            m->n--;
            (void)snprintf(text, sizeof text, "#%d is no longer %s", s->selected, word);
            state_say(s, false, text);
            return;
        }
    }
    if (m->n == MARKS_MAX) {
        (void)snprintf(text, sizeof text, "%d trials are %s already: no more", MARKS_MAX, word);
        state_say(s, true, text);
        return;
    }
    m->number[m->n++] = s->selected;
}

/* --- editing */

void act_edit(struct ui_state *s, const struct view *v)
{
    if (take_trials(s, v) && keep_asked(s, v, can_stop, "edit")) {
        prompt_open(s, PROMPT_EDIT, "");
    }
}

static const enum knob editable[] = {KNOB_OPTIMIZER_LR, KNOB_LOSS_BETA, KNOB_TRAIN_EPOCHS};
enum { N_EDITABLE = (int)(sizeof editable / sizeof *editable) };

enum knob act_editable(int i)
{
    return i < N_EDITABLE ? editable[i] : KNOB_NONE;
}

/* "lr=1e-4" as "optimizer.lr=1e-4", or what is wrong with it. */
static bool check_edit(char *arg, size_t cap, const char *word, char *why, size_t why_cap)
{
    char name[40], value[40];
    double x;
    const char *equals = strchr(word, '=');
    if (!equals) {
        (void)snprintf(why, why_cap, "%.60s: expected lr=VALUE, beta=VALUE or epochs=N", word);
        return false;
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)(equals - word), word);
    (void)str_copy(value, sizeof value, equals + 1);
    enum knob k = knob_find(name);
    for (int i = 0; i < N_EDITABLE; i++) {
        if (k != editable[i]) {
            continue;
        }
        const struct knob_info *info = knob_info(k);
        if (!str_to_f64(&x, value) || x < info->min || x > info->max || (info->type == KNOB_INT && x != floor(x))) {
            (void)snprintf(why, why_cap, "%s: %s is no %s of %g .. %g", name, value,
                           info->type == KNOB_INT ? "whole number" : "number", info->min, info->max);
            return false;
        }
        (void)snprintf(arg, cap, "%s=%s", info->full, value);
        return true;
    }
    (void)snprintf(why, why_cap, "%s cannot change while a trial runs; lr, beta and epochs can", name);
    return false;
}

struct wish act_edit_line(struct ui_state *s, const struct view *v, const char *line)
{
    char word[80], arg[96], why[160], text[200], names[80];
    (void)v;
    line += strspn(line, " ");
    size_t n = strcspn(line, " ");
    if (n == 0) {
        return wish_nothing();
    }
    (void)snprintf(word, sizeof word, "%.*s", (int)n, line);
    if (line[n + strspn(line + n, " ")]) {
        state_say(s, true, "one change at a time, as in lr=1e-4");
        return wish_nothing();
    }
    if (!check_edit(arg, sizeof arg, word, why, sizeof why)) {
        state_say(s, true, why);
        return wish_nothing();
    }
    (void)snprintf(text, sizeof text, "%s: %s", state_names(names, sizeof names, &s->asked), arg);
    state_say(s, false, text);
    return command_wish(s, COMMAND_EDIT, arg);
}

struct wish act_slots(struct ui_state *s, const struct view *v, int step)
{
    struct wish w = {.kind = WISH_COMMAND, .command = COMMAND_SLOTS, .trial = -1};
    int slots = v->slots;
    if (v->link != LINK_LIVE || slots + step < 1) {
        state_say(s, true, v->link != LINK_LIVE ? no_engine : "one slot is the least; p pauses a trial");
        return wish_nothing();
    }
    (void)snprintf(w.arg, sizeof w.arg, "%d", slots + step);
    char text[80];
    (void)snprintf(text, sizeof text, "%d trials at once from now on", slots + step);
    state_say(s, false, text);
    return w;
}
