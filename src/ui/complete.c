/* Tab in a line being typed: the next of the words that may stand there. */
#include <stdio.h>
#include <string.h>

#include "keys.h"
#include "state.h"
#include "vaetop/base/str.h"

#define WORDS_MOST 64
struct words {
    char word[WORDS_MOST][40];
    int n;
};

static void add(struct words *w, const char *word, const char *after)
{
    if (w->n < WORDS_MOST) {
        (void)snprintf(w->word[w->n++], sizeof w->word[0], "%.36s%s", word, after);
    }
}

static void add_searched(struct words *w, const struct view *v, const char *after)
{
    for (int i = 0; i < v->n_params; i++) {
        add(w, knob_info(v->param[i].knob)->name, after);
    }
}

static void add_editable(struct words *w)
{
    enum knob k;
    for (int i = 0; (k = act_editable(i)) != KNOB_NONE; i++) {
        add(w, knob_info(k)->name, "=");
    }
}

/* What a filter tests, or after "state =" the states. */
static void add_filter(struct words *w, const struct view *v, const char *before)
{
    const char *op = strrchr(before, '=');
    size_t len = strlen(before);
    while (len > 0 && before[len - 1] == ' ') {
        len--;
    }
    if (op && strchr("=|", before[len - 1])) { /* a value comes, or another one */
        while (op > before && strchr(" !=", *op)) {
            op--;
        }
        bool state = op - before >= 4 && strncmp(op - 4, "state", 5) == 0;
        for (int p = 0; state && p < PHASE_COUNT; p++) {
            const char *word = trial_phase_word((enum trial_phase)p);
            add(w, strchr(word, ' ') ? (char[]){trial_phase_letter((enum trial_phase)p), 0} : word, " ");
        }
        return;
    }
    const char *word;
    for (int i = 0; (word = filter_name(i)) != NULL; i++) {
        add(w, word, " ");
    }
    add_searched(w, v, " ");
}

/* After the command line's first word. */
static void add_arguments(struct words *w, const struct view *v, const char *line)
{
    char first[40];
    const char *word;
    (void)snprintf(first, sizeof first, "%.*s", (int)strcspn(line, " "), line);
    if (strcmp(first, "sort") == 0) {
        for (int i = 0; (word = sort_name(i)) != NULL; i++) {
            add(w, word, "");
        }
        add_searched(w, v, "");
    } else if (strcmp(first, "filter") == 0) {
        add_filter(w, v, line + strlen(first));
    } else if (strcmp(first, "set") == 0) {
        add_editable(w);
    } else if (strcmp(first, "clone") == 0 || strcmp(first, "enqueue") == 0 || strcmp(first, "space") == 0) {
        add_searched(w, v, "=");
    }
}

/* All words that may stand after `before`, the line up to the word. */
static void collect(struct words *w, const struct ui_state *s, const struct view *v, const char *before)
{
    const char *word;
    w->n = 0;
    if (s->input.prompt == PROMPT_FILTER) {
        add_filter(w, v, before);
    } else if (s->input.prompt == PROMPT_EDIT) {
        add_editable(w);
    } else if (s->input.prompt == PROMPT_COMMAND && !before[0]) {
        for (int i = 0; (word = command_name(i)) != NULL; i++) {
            add(w, word, " ");
        }
    } else if (s->input.prompt == PROMPT_COMMAND) {
        add_arguments(w, v, before);
    }
}

static void keep_matching(struct words *w, const char *stem, size_t n)
{
    int kept = 0;
    for (int i = 0; i < w->n; i++) {
        if (strncmp(w->word[i], stem, n) == 0) {
            memmove(w->word[kept++], w->word[i], sizeof w->word[0]);
        }
    }
    w->n = kept;
}

void prompt_complete(struct ui_state *s, const struct view *v)
{
    struct input *in = &s->input;
    struct words w;
    char before[sizeof in->text], stem[sizeof in->text], shown[200] = "";
    size_t len = 0;
    if (in->at != in->len) {
        return;
    }
    if (in->tabs == 0) {
        in->from = in->len;
        while (in->from > 0 && !strchr(" <>=!()|&,", in->text[in->from - 1])) {
            in->from--;
        }
        in->stem = in->len - in->from;
    }
    (void)snprintf(before, sizeof before, "%.*s", (int)in->from, in->text);
    (void)snprintf(stem, sizeof stem, "%.*s", (int)in->stem, in->text + in->from);
    collect(&w, s, v, before);
    keep_matching(&w, stem, in->stem);
    if (w.n == 0) {
        state_say(s, true, "no word fits here");
        return;
    }
    (void)snprintf(in->text, sizeof in->text, "%s%s", before, w.word[in->tabs++ % w.n]);
    in->len = in->at = strlen(in->text);
    for (int i = 0; w.n > 1 && i < w.n && len + 1 < sizeof shown; i++) {
        len += (size_t)snprintf(shown + len, sizeof shown - len, "%.*s ",
                                (int)strcspn(w.word[(in->tabs + i) % w.n], " "), w.word[(in->tabs + i) % w.n]);
    }
    state_say(s, false, shown); /* the next one first */
}
