/* The line at the bottom that is typed into. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "home.h"
#include "keys.h"
#include "state.h"
#include "vaetop/base/str.h"

const char *prompt_title(enum prompt p)
{
    static const char *const title[] = {"", "filter: ", "/", ":", "edit: ", "= ", "= "};
    return title[p];
}

const char *prompt_hint(enum prompt p)
{
    switch (p) {
    case PROMPT_FILTER:
        return "such as: value < 100 and kind = adam   Tab: the names   empty: all";
    case PROMPT_SEARCH:
        return "a number, a state, a device, a setting";
    case PROMPT_COMMAND:
        return "Tab completes: pause resume stop set trials slots sort filter q";
    case PROMPT_EDIT:
        return "such as: lr=1e-4   Tab: the names";
    default:
        return "";
    }
}

void prompt_open(struct ui_state *s, enum prompt p, const char *text)
{
    s->input = (struct input){.prompt = p};
    (void)str_copy(s->input.text, sizeof s->input.text, text);
    s->input.len = s->input.at = strlen(s->input.text);
    s->message[0] = 0;
}

static void insert(struct input *in, int key)
{
    char bytes[4];
    size_t n = 0;
    if (key < 0x80) {
        bytes[n++] = (char)key;
    } else if (key < 0x800) {
        bytes[n++] = (char)(0xc0 | key >> 6);
        bytes[n++] = (char)(0x80 | (key & 63));
    } else if (key < 0x10000) {
        bytes[n++] = (char)(0xe0 | key >> 12);
        bytes[n++] = (char)(0x80 | (key >> 6 & 63));
        bytes[n++] = (char)(0x80 | (key & 63));
    }
    if (in->len + n < sizeof in->text) {
        memmove(in->text + in->at + n, in->text + in->at, in->len - in->at + 1);
        memcpy(in->text + in->at, bytes, n);
        in->at += n;
        in->len += n;
    }
}

static bool inside_character(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

static void erase(struct input *in)
{
    size_t from = in->at;
    while (from > 0 && inside_character(in->text[--from])) {
    }
    memmove(in->text + from, in->text + in->at, in->len - in->at + 1);
    in->len -= in->at - from;
    in->at = from;
}

static void edit_key(struct input *in, int key)
{
    if (key == UK_BACKSPACE || key == 127 || key == 8) {
        erase(in);
    } else if (key == UK_LEFT && in->at > 0) {
        while (in->at > 0 && inside_character(in->text[--in->at])) {
        }
    } else if (key == UK_RIGHT && in->at < in->len) {
        in->at++;
        while (in->at < in->len && inside_character(in->text[in->at])) {
            in->at++;
        }
    } else if (key == UK_HOME || key == UK_CTRL('A')) {
        in->at = 0;
    } else if (key == UK_END || key == UK_CTRL('E')) {
        in->at = in->len;
    } else if (key == UK_CTRL('U')) {
        memmove(in->text, in->text + in->at, in->len - in->at + 1);
        in->len -= in->at;
        in->at = 0;
    } else if (key == UK_CTRL('W')) {
        while (in->at > 0 && in->text[in->at - 1] == ' ') {
            erase(in);
        }
        while (in->at > 0 && in->text[in->at - 1] != ' ') {
            erase(in);
        }
    } else if (key >= 32 && key < KEYS_BASE) {
        insert(in, key);
    }
}

static bool contains(const char *text, const char *what)
{
    size_t n = strlen(what);
    for (; *text; text++) {
        if (strncasecmp(text, what, n) == 0) {
            return true;
        }
    }
    return false;
}

/* What a search looks at: number, state, device, reason and the settings. */
static bool matches(const struct view *v, const struct view_trial *t, const char *what)
{
    char text[64];
    (void)snprintf(text, sizeof text, "#%d %s", t->number, trial_phase_word(t->phase));
    if (contains(text, what) || (t->device && contains(t->device, what)) ||
        (t->reason && contains(t->reason, what))) {
        return true;
    }
    for (int i = 0; i < v->n_params; i++) {
        char word[64];
        (void)view_param_text(word, sizeof word, v, t, i);
        (void)snprintf(text, sizeof text, "%s=%.40s", knob_info(v->param[i].knob)->name, word);
        if (word[0] && contains(text, what)) {
            return true;
        }
    }
    return false;
}

void prompt_search(struct ui_state *s, const struct view *v, int step)
{
    size_t n = v->n_order, from = state_place(s, v);
    char text[120];
    if (!s->search[0]) {
        state_say(s, true, "nothing to search for yet: / asks");
        return;
    }
    for (size_t i = 1; i <= n; i++) {
        size_t at = (from + (step > 0 ? i : n - i)) % n;
        if (matches(v, &v->trial[v->order[at]], s->search)) {
            bool wrapped = step > 0 ? at <= from : at >= from;
            state_move_to(s, v, at);
            (void)snprintf(text, sizeof text, "/%s%s", s->search, wrapped && i < n ? "   from the other end" : "");
            state_say(s, false, text);
            return;
        }
    }
    (void)snprintf(text, sizeof text, "no trial has \"%s\"", s->search);
    state_say(s, true, text);
}

static void accept_filter(struct ui_state *s)
{
    char why[200];
    if (!filter_parse(&s->filter, s->input.text, why, sizeof why)) {
        state_say(s, true, why);
        return; /* the line stays open for mending */
    }
    s->input.prompt = PROMPT_NONE;
    s->follow = s->follow && s->filter.n == 0;
    s->top = 0;
}

static struct wish accept(struct ui_state *s, const struct view *v)
{
    enum prompt p = s->input.prompt;
    char line[sizeof s->input.text];
    (void)str_copy(line, sizeof line, s->input.text);
    if (p == PROMPT_FILTER) {
        accept_filter(s);
        return wish_nothing();
    }
    if (p == PROMPT_FIELD || p == PROMPT_VALUE) {
        if (p == PROMPT_FIELD) {
            home_field(s, line);
        } else {
            form_field(s, line);
        }
        return wish_nothing();
    }
    s->input.prompt = PROMPT_NONE;
    if (p == PROMPT_SEARCH) {
        if (line[0]) {
            (void)str_copy(s->search, sizeof s->search, line);
        }
        prompt_search(s, v, 1);
        return wish_nothing();
    }
    return p == PROMPT_EDIT ? act_edit_line(s, v, line) : act_command(s, v, line);
}

struct wish prompt_key(struct ui_state *s, const struct view *v, int key)
{
    if (key == UK_ENTER) {
        return accept(s, v);
    }
    if (key == UK_ESC || key == UK_CTRL('C') || ((key == UK_BACKSPACE || key == 127) && s->input.len == 0)) {
        s->input.prompt = PROMPT_NONE;
        return wish_nothing();
    }
    if (key == UK_TAB) {
        prompt_complete(s, v);
    } else {
        s->input.tabs = 0;
        edit_key(&s->input, key);
    }
    return wish_nothing();
}
