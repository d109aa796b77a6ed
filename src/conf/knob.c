#include "vaetop/conf/knob.h"

#include <assert.h>
#include <string.h>

#include "text.h"

static const struct knob_info table[KNOB_COUNT] = {
#define X(id, section, name, type, def, min, max, choices, ranges, unit, meaning)                                      \
    {section, name, section "." name, type, def, min, max, choices, ranges, unit, meaning},
    KNOB_LIST(X)
#undef X
};

const struct knob_info *knob_info(enum knob k)
{
    assert(k >= 0 && k < KNOB_COUNT);
    return &table[k];
}

enum knob knob_find(const char *name)
{
    enum knob found = KNOB_NONE;
    bool full = strchr(name, '.') != NULL;
    for (int k = 0; k < KNOB_COUNT; k++) {
        if (strcmp(name, full ? table[k].full : table[k].name) == 0) {
            if (found != KNOB_NONE) {
                return KNOB_NONE; /* two sections have it */
            }
            found = (enum knob)k;
        }
    }
    return found;
}

const char *knob_nearest(const char *name)
{
    const char *candidate[KNOB_COUNT];
    const char *near;
    bool full = strchr(name, '.') != NULL;
    for (int k = 0; k < KNOB_COUNT; k++) {
        candidate[k] = full ? table[k].full : table[k].name;
    }
    near = str_nearest(name, candidate, KNOB_COUNT);
    for (int k = 0; near && k < KNOB_COUNT; k++) {
        if (strcmp(near, candidate[k]) == 0) {
            return table[k].full;
        }
    }
    return NULL;
}

size_t knob_sections(const char *out[static SECTIONS_MAX])
{
    size_t n = 0;
    for (int k = 0; k < KNOB_COUNT; k++) {
        if (n == 0 || strcmp(out[n - 1], table[k].section) != 0) {
            assert(n < SECTIONS_MAX);
            out[n++] = table[k].section;
        }
    }
    return n;
}

/* Appends the names of a section, or the full names of a knob that several sections may have. */
static size_t list_knobs(struct sbuf *out, bool is_section, const char *wanted)
{
    size_t n = 0;
    for (int k = 0; k < KNOB_COUNT; k++) {
        if (strcmp(is_section ? table[k].section : table[k].name, wanted) == 0) {
            sbuf_addf(out, "%s%s", n > 0 ? ", " : "", is_section ? table[k].name : table[k].full);
            n++;
        }
    }
    return n;
}

enum err_code unknown_knob(const char *name, struct err *e)
{
    char shown[SHOWN_CAP], section[32];
    const char *dot = strchr(name, '.');
    const char *near = knob_nearest(name);
    enum knob elsewhere = dot ? knob_find(dot + 1) : KNOB_NONE;
    struct sbuf known = {0};
    (void)show(shown, name);
    if (!dot && list_knobs(&known, false, name) > 1) {
        (void)err_set(e, ERR_USAGE, "%s stands in several sections; write one of %s", shown, known.text);
    } else if (elsewhere != KNOB_NONE) {
        (void)err_set(e, ERR_USAGE, "unknown knob \"%s\"; it is %s", shown, knob_info(elsewhere)->full);
    } else if (near) {
        (void)err_set(e, ERR_USAGE, "unknown knob \"%s\"; did you mean %s?", shown, near);
    } else {
        (void)str_copy(section, sizeof section, name);
        section[strcspn(section, ".")] = '\0';
        sbuf_clear(&known);
        if (list_knobs(&known, true, section) > 0) {
            (void)err_set(e, ERR_USAGE, "unknown knob \"%s\"; %s has %s", shown, section, known.text);
        } else {
            (void)err_set(e, ERR_USAGE, "unknown knob \"%s\"; section.knob expected, such as model.latent", shown);
        }
    }
    sbuf_release(&known);
    return ERR_USAGE;
}

int knob_choice_count(enum knob k)
{
    const char *p = knob_info(k)->choices;
    int n = *p ? 1 : 0;
    for (; *p; p++) {
        n += *p == '|';
    }
    return n;
}

/* The words of "a|b|c" as strings of their own, cut out once: the table keeps them in one literal for printing. */
#define WORDS_MAX 16
#define WORD_CAP 24
static const char *word_at(enum knob k, int index)
{
    static char words[KNOB_COUNT][WORDS_MAX][WORD_CAP];
    static bool ready[KNOB_COUNT];
    if (!ready[k]) {
        const char *p = table[k].choices;
        for (int i = 0; *p; i++) {
            size_t n = strcspn(p, "|");
            assert(i < WORDS_MAX && n < WORD_CAP);
            memcpy(words[k][i], p, n);
            words[k][i][n] = '\0';
            p += n + (p[n] == '|');
        }
        ready[k] = true;
    }
    return words[k][index];
}

const char *knob_choice_name(enum knob k, int index)
{
    return index >= 0 && index < knob_choice_count(k) ? word_at(k, index) : NULL;
}

int knob_choice_index(enum knob k, const char *word)
{
    int n = knob_choice_count(k);
    for (int i = 0; i < n; i++) {
        if (strcmp(word_at(k, i), word) == 0) {
            return i;
        }
    }
    return -1;
}
