/* The command line of the screen: ':' and the words of vaetop's own command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "home.h"
#include "keys.h"
#include "state.h"
#include "vaetop/base/str.h"

enum word { W_PAUSE, W_RESUME, W_STOP, W_SET, W_TRIALS, W_SLOTS, W_SORT, W_FILTER, W_TAG, W_DETACH, W_HELP, W_SETUP, W_W, W_Q,
            W_CLONE, W_ENQUEUE, W_SPACE, W_COUNT };
static const char *const word_list[W_COUNT] = {"pause", "resume", "stop", "set",    "trials", "slots",
                                               "sort",  "filter", "tag",  "detach", "help",   "setup",  "w",      "q",
                                               "clone", "enqueue", "space"};

const char *command_name(int i)
{
    return i < W_COUNT ? word_list[i] : NULL;
}

static const struct {
    const char *name;
    int column;
} sorted[] = {{"number", COL_NUMBER}, {"state", COL_STATE}, {"epoch", COL_EPOCH}, {"value", COL_VALUE}, {"rec", COL_REC},
              {"kl", COL_KL},         {"active", COL_ACTIVE}, {"rate", COL_RATE}, {"eta", COL_ETA}};
enum { N_SORTED = (int)(sizeof sorted / sizeof *sorted) };

const char *sort_name(int i)
{
    return i < N_SORTED ? sorted[i].name : NULL;
}

static bool sort_word(struct ui_state *s, const struct view *v, const char *name)
{
    for (int i = 0; i < N_SORTED; i++) {
        if (strcasecmp(name, sorted[i].name) == 0) {
            s->sort = sorted[i].column;
            return true;
        }
    }
    for (int i = 0; i < v->n_params; i++) {
        const struct knob_info *k = knob_info(v->param[i].knob);
        if (strcasecmp(name, k->name) == 0 || strcasecmp(name, k->full) == 0) {
            s->sort = COL_PARAM + i;
            return true;
        }
    }
    return false;
}

/* "7", "7,9" or "best" select the trials a command is about; "" leaves tagged or selected. */
static bool pick(struct ui_state *s, const struct view *v, char *args)
{
    char text[100];
    struct marks m = {.n = 0};
    char *rest = args, *word;
    while ((word = strtok_r(rest, " ,#", &rest)) != NULL) {
        int64_t n;
        bool best = strcmp(word, "best") == 0;
        n = best ? v->best : -1;
        if ((!best && !str_to_i64(&n, word)) || n < 0 || !view_trial(v, (int)n)) {
            (void)snprintf(text, sizeof text, "%.40s: there is no such trial; numbers are in the column #", word);
            state_say(s, true, text);
            return false;
        }
        if (m.n < MARKS_MAX) {
            m.number[m.n++] = (int)n;
        }
    }
    if (m.n > 0) {
        s->tags = m.n > 1 ? m : s->tags;
        s->tags.n = m.n > 1 ? m.n : 0;
        s->selected = m.number[0];
        s->follow = false;
    }
    return true;
}

/* pause resumes where all are paused and so does the key; the words do only what they say. */
static struct wish only(struct ui_state *s, struct wish w, enum command c)
{
    if (w.kind == WISH_COMMAND && w.command != c) {
        state_say(s, true, c == COMMAND_RESUME ? "nothing there is paused" : "nothing there runs");
        return wish_nothing();
    }
    return w;
}

static struct wish set_line(struct ui_state *s, const struct view *v, char *args)
{
    char *equals = strchr(args, '='), *last = strrchr(args, ' ');
    if (equals && last && last < equals) { /* numbers before the assignment */
        *last = 0;
        if (!pick(s, v, args)) {
            return wish_nothing();
        }
        args = last + 1;
    }
    act_edit(s, v);
    if (s->input.prompt != PROMPT_EDIT) {
        return wish_nothing(); /* it has said why */
    }
    s->input.prompt = PROMPT_NONE;
    return act_edit_line(s, v, args);
}

static struct wish number_line(struct ui_state *s, const struct view *v, enum command c, const char *args)
{
    struct wish w = {.kind = WISH_COMMAND, .command = c, .trial = -1};
    int64_t n;
    if (v->link != LINK_LIVE) {
        state_say(s, true, "no engine runs this study; vaetop run goes on with it");
        return wish_nothing();
    }
    if (!str_to_i64(&n, args) || n < 1 || n > 1000000) {
        state_say(s, true, "expected a number from 1 on, as in :trials 32");
        return wish_nothing();
    }
    (void)snprintf(w.arg, sizeof w.arg, "%lld", (long long)n);
    return w;
}

/* "7 lr=1e-3 latent=8": a trial's number for clone, then assignments as the engine reads them. */
static struct wish new_trial_line(struct ui_state *s, const struct view *v, enum command c, char *args)
{
    struct wish w = {.kind = WISH_COMMAND, .command = c, .trial = -1};
    size_t len = 0;
    if (v->link != LINK_LIVE) {
        state_say(s, true, "no engine runs this study; vaetop run goes on with it");
        return wish_nothing();
    }
    if (c == COMMAND_CLONE) {
        size_t n = strcspn(args, "= ");
        char number[40];
        bool given = n > 0 && args[n] != '=';
        (void)snprintf(number, sizeof number, "%.*s", given ? (int)n : 0, args);
        if (!pick(s, v, number)) {
            return wish_nothing();
        }
        args += given ? n : 0;
        w.trial = s->selected;
    }
    char *rest = args, *word;
    while ((word = strtok_r(rest, " ;", &rest)) != NULL && len + 100 < sizeof w.arg) {
        len += (size_t)snprintf(w.arg + len, sizeof w.arg - len, "%s%.90s", len > 0 ? "; " : "", word);
    }
    return w;
}

static struct wish space_line(struct ui_state *s, const struct view *v, const char *args)
{
    struct wish w = {.kind = WISH_COMMAND, .command = COMMAND_SPACE, .trial = -1};
    if (v->link != LINK_LIVE || !strchr(args, '=')) {
        state_say(s, true, v->link != LINK_LIVE ? "no engine runs this study; vaetop space changes it for later"
                                                : "expected knob=RANGE, as in :space latent=4 .. 16");
        return wish_nothing();
    }
    (void)str_copy(w.arg, sizeof w.arg, args);
    return w;
}

static struct wish unknown(struct ui_state *s, const char *word)
{
    char text[120];
    const char *near = str_nearest(word, word_list, W_COUNT);
    if (near) {
        (void)snprintf(text, sizeof text, "%.40s: no such command, did you mean %s?", word, near);
    } else {
        (void)snprintf(text, sizeof text, "%.40s: no such command; pause resume stop set trials slots sort filter tag q",
                       word);
    }
    state_say(s, true, text);
    return wish_nothing();
}

static struct wish filter_line(struct ui_state *s, const char *args)
{
    char why[200];
    if (!filter_parse(&s->filter, args, why, sizeof why)) {
        state_say(s, true, why);
    }
    s->follow = s->follow && s->filter.n == 0;
    return wish_nothing();
}

struct wish act_command(struct ui_state *s, const struct view *v, const char *line)
{
    char word[40], args[160];
    struct wish w = wish_nothing();
    line += strspn(line, " :");
    size_t n = strcspn(line, " ");
    (void)snprintf(word, sizeof word, "%.*s", (int)n, line);
    (void)str_copy(args, sizeof args, line + n + strspn(line + n, " "));
    int which = 0;
    while (which < W_COUNT && strcmp(word, word_list[which]) != 0) {
        which++;
    }
    if (strcmp(word, "quit") == 0) {
        which = W_Q;
    }
    switch (which) {
    case W_PAUSE:
    case W_RESUME:
        return pick(s, v, args) ? only(s, act_pause(s, v), which == W_PAUSE ? COMMAND_PAUSE : COMMAND_RESUME) : w;
    case W_STOP:
        if (pick(s, v, args)) {
            act_ask_stop(s, v);
        }
        return w;
    case W_SET:
        return set_line(s, v, args);
    case W_TRIALS:
    case W_SLOTS:
        return number_line(s, v, which == W_TRIALS ? COMMAND_TRIALS : COMMAND_SLOTS, args);
    case W_CLONE:
    case W_ENQUEUE:
        return new_trial_line(s, v, which == W_CLONE ? COMMAND_CLONE : COMMAND_ENQUEUE, args);
    case W_SPACE:
        return space_line(s, v, args);
    case W_SORT:
        if (!sort_word(s, v, args)) {
            state_say(s, true, "sort by value rec kl epoch state number active rate eta or a searched knob");
        }
        return w;
    case W_FILTER:
        return filter_line(s, args);
    case W_TAG:
        (void)pick(s, v, args);
        return w;
    case W_DETACH:
        w.kind = WISH_LEAVE;
        return w;
    case W_HELP:
        return state_key(s, v, '?');
    case W_SETUP:
        return state_key(s, v, 'S');
    case W_W:
        return state_key(s, v, 'W');
    case W_Q:
        return state_key(s, v, 'q');
    default:
        return word[0] ? unknown(s, word) : w;
    }
}
