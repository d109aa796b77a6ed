#include "filter.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "vaetop/base/str.h"

enum { OP_LESS, OP_LESS_EQ, OP_MORE, OP_MORE_EQ, OP_EQ, OP_NOT_EQ, OP_AND, OP_OR, OP_NOT };

/* What can be tested besides knobs; a knob is WORD_KNOB + knob. */
static const char *const words[] = {"number", "value", "rec",   "kl",    "train",  "active", "epoch",
                                    "rank",   "rate",  "state", "phase", "device", "edited"};
enum { WORD_NUMBER, WORD_VALUE, WORD_REC, WORD_KL, WORD_TRAIN, WORD_ACTIVE, WORD_EPOCH, WORD_RANK, WORD_RATE, WORD_STATE,
       WORD_PHASE, WORD_DEVICE, WORD_EDITED, WORD_KNOB };
_Static_assert(sizeof words / sizeof *words == WORD_KNOB, "a name for each word");

const char *filter_name(int i)
{
    return i < WORD_KNOB ? words[i] : NULL;
}

struct parser {
    struct filter f;
    const char *at;
    char *why;
    size_t cap;
    char token[40];
    int depth;
};

static bool fail(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct parser *p, const char *fmt, ...)
{
    char text[160];
    va_list ap;
    if (!p->why[0]) { /* the first thing wrong is the one to mend */
        va_start(ap, fmt);
        (void)vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        (void)str_clean(p->why, p->cap, text); /* words of it are quoted as they were typed or pasted */
    }
    return false;
}

/* The next token: an operator, a bracket or a word; "" at the end. */
static void next(struct parser *p)
{
    size_t n = 0;
    p->at += strspn(p->at, " \t");
    if (strchr("<>=!", *p->at) && *p->at) {
        p->token[n++] = *p->at++;
        if (*p->at == '=') {
            p->token[n++] = *p->at++;
        }
    } else if (*p->at && strchr("()|&", *p->at)) {
        p->token[n++] = *p->at++;
    } else {
        while (*p->at && !strchr("<>=!()|& \t", *p->at)) {
            if (n + 1 < sizeof p->token) {
                p->token[n++] = *p->at;
            }
            p->at++;
        }
    }
    p->token[n] = 0;
}

static bool is(const struct parser *p, const char *word)
{
    return strcasecmp(p->token, word) == 0;
}

static int add(struct parser *p, struct filter_node node)
{
    if (p->f.n == FILTER_NODES) {
        (void)fail(p, "the filter is too long");
        return 0;
    }
    p->f.node[p->f.n] = node;
    return p->f.n++;
}

static int find_word(struct parser *p)
{
    char lower[40];
    for (size_t i = 0; i <= strlen(p->token); i++) {
        lower[i] = (char)tolower((unsigned char)p->token[i]);
    }
    for (int i = 0; i < WORD_KNOB; i++) {
        if (strcmp(lower, words[i]) == 0) {
            return i;
        }
    }
    enum knob k = strcmp(lower, "optim") == 0 ? KNOB_OPTIMIZER_KIND : knob_find(lower);
    if (k != KNOB_NONE) {
        return WORD_KNOB + (int)k;
    }
    const char *near = str_nearest(lower, words, WORD_KNOB);
    near = near ? near : knob_nearest(lower);
    if (near) {
        (void)fail(p, "nothing is called %s; did you mean %s?", p->token, near);
    } else {
        (void)fail(p, "nothing is called %s; there are value rec kl epoch state and the knobs", p->token);
    }
    return -1;
}

static int find_op(const struct parser *p)
{
    static const char *const sign[] = {"<", "<=", ">", ">=", "=", "!="};
    for (int i = 0; i < 6; i++) {
        if (strcmp(p->token, sign[i]) == 0) {
            return i;
        }
    }
    return strcmp(p->token, "==") == 0 ? OP_EQ : -1;
}

static bool parse_or(struct parser *p, int *out);

static bool parse_test(struct parser *p, int *out)
{
    int word = find_word(p);
    if (word < 0) {
        return false;
    }
    next(p);
    int op = find_op(p);
    if (op < 0) {
        return fail(p, "%s is followed by one of < <= > >= = !=", word < WORD_KNOB ? words[word] : "a knob");
    }
    for (int first = 1;; first = 0) { /* a | b | c */
        struct filter_node node = {.op = (uint8_t)op, .word = (int16_t)word, .value = NAN};
        next(p);
        if (!p->token[0] || strchr("<>=!()|&", p->token[0])) {
            return fail(p, "a value is missing, as in value < 100");
        }
        (void)str_copy(node.text, sizeof node.text, p->token);
        bool number = str_to_f64(&node.value, p->token);
        if (!number && op < OP_EQ) {
            return fail(p, "%s is no number; words are compared with = and !=", p->token);
        }
        int at = add(p, node);
        *out = first ? at : add(p, (struct filter_node){.op = op == OP_NOT_EQ ? OP_AND : OP_OR, .left = (uint8_t)*out,
                                                        .right = (uint8_t)at});
        next(p);
        if (!is(p, "|")) {
            return !p->why[0];
        }
    }
}

static bool parse_not(struct parser *p, int *out)
{
    if (++p->depth > 16) {
        return fail(p, "too many brackets");
    }
    bool ok = false;
    if (is(p, "not") || is(p, "!")) {
        int inner;
        next(p);
        ok = parse_not(p, &inner);
        *out = ok ? add(p, (struct filter_node){.op = OP_NOT, .left = (uint8_t)inner}) : 0;
    } else if (is(p, "(")) {
        next(p);
        ok = parse_or(p, out);
        if (ok && !is(p, ")")) {
            ok = fail(p, "a bracket is not closed");
        } else if (ok) {
            next(p);
        }
    } else if (!p->token[0]) {
        ok = fail(p, "something is missing at the end, as in value < 100");
    } else {
        ok = parse_test(p, out);
    }
    p->depth--;
    return ok && !p->why[0];
}

static bool parse_and(struct parser *p, int *out)
{
    bool ok = parse_not(p, out);
    while (ok && p->token[0] && !is(p, ")") && !is(p, "or")) {
        int right;
        if (is(p, "and") || is(p, "&")) {
            next(p);
        }
        ok = parse_not(p, &right);
        *out = ok ? add(p, (struct filter_node){.op = OP_AND, .left = (uint8_t)*out, .right = (uint8_t)right}) : 0;
    }
    return ok && !p->why[0];
}

static bool parse_or(struct parser *p, int *out)
{
    bool ok = parse_and(p, out);
    while (ok && is(p, "or")) {
        int right;
        next(p);
        ok = parse_and(p, &right);
        *out = ok ? add(p, (struct filter_node){.op = OP_OR, .left = (uint8_t)*out, .right = (uint8_t)right}) : 0;
    }
    return ok && !p->why[0];
}

bool filter_parse(struct filter *f, const char *text, char *why, size_t cap)
{
    struct parser p = {.at = text, .why = why, .cap = cap};
    why[0] = 0;
    (void)str_copy(p.f.text, sizeof p.f.text, text);
    next(&p);
    if (p.token[0]) {
        if (!parse_or(&p, &p.f.root)) {
            return false;
        }
        if (p.token[0]) {
            return fail(&p, "%s: too many closing brackets", p.token);
        }
    } else {
        p.f.text[0] = 0;
    }
    *f = p.f;
    return true;
}

/* The tested thing as a number, or as text where it is words. */
static double number_of(const struct view *v, const struct view_trial *t, int word, char *text, size_t cap)
{
    switch (word) {
    case WORD_NUMBER: return t->number;
    case WORD_VALUE: return view_shown(v, t->value);
    case WORD_REC: return t->rec;
    case WORD_KL: return t->kl;
    case WORD_TRAIN: return t->train;
    case WORD_ACTIVE: return t->active;
    case WORD_EPOCH: return t->epoch;
    case WORD_RANK: return t->rank > 0 ? t->rank : (double)NAN;
    case WORD_RATE: return t->rate;
    case WORD_EDITED: return t->edited ? 1 : 0;
    case WORD_DEVICE: (void)str_copy(text, cap, t->device ? t->device : "-"); return (double)NAN;
    default: break;
    }
    enum knob k = (enum knob)(word - WORD_KNOB);
    for (int i = 0; i < v->n_params; i++) {
        if (v->param[i].knob == k) {
            (void)view_param_text(text, cap, v, t, i);
            return v->param[i].is_choice ? (double)NAN : view_param(v, t, i);
        }
    }
    double x = (double)NAN;
    if (v->has_preset) {
        char value[96];
        (void)str_copy(text, cap, config_format_value(value, sizeof value, &v->preset.base, k));
        (void)str_to_f64(&x, text);
    }
    return x;
}

static bool phase_is(const struct view_trial *t, const char *text)
{
    char letter[2] = {trial_phase_letter(t->phase), 0};
    bool own = false; /* "running" is what a person calls so, not all that Optuna does */
    for (int p = 0; p < PHASE_COUNT; p++) {
        own = own || strcasecmp(text, trial_phase_word((enum trial_phase)p)) == 0;
    }
    return strcasecmp(text, letter) == 0 || strcasecmp(text, trial_phase_word(t->phase)) == 0 ||
           (!own && strcasecmp(text, trial_state_name(trial_phase_state(t->phase))) == 0);
}

static bool test_passes(const struct filter_node *n, const struct view *v, const struct view_trial *t)
{
    if (n->word == WORD_STATE || n->word == WORD_PHASE) {
        return phase_is(t, n->text) == (n->op == OP_EQ);
    }
    char text[96] = "";
    double x = number_of(v, t, n->word, text, sizeof text);
    if (isnan(x) || isnan(n->value)) {
        bool same = text[0] && strcasecmp(text, n->text) == 0;
        return n->op == OP_EQ ? same : n->op == OP_NOT_EQ && text[0] && !same;
    }
    double near = 1e-6 * fmax(fabs(x), fabs(n->value)); /* values are kept as float */
    switch (n->op) {
    case OP_LESS: return x < n->value - near;
    case OP_LESS_EQ: return x <= n->value + near;
    case OP_MORE: return x > n->value + near;
    case OP_MORE_EQ: return x >= n->value - near;
    case OP_EQ: return fabs(x - n->value) <= near;
    default: return fabs(x - n->value) > near;
    }
}

/* Children come before their parents, so one pass over the nodes is enough. */
bool filter_passes(const struct filter *f, const struct view *v, const struct view_trial *t)
{
    bool ok[FILTER_NODES] = {false};
    for (int i = 0; i < f->n; i++) {
        const struct filter_node *n = &f->node[i];
        ok[i] = n->op == OP_AND   ? ok[n->left] && ok[n->right]
                : n->op == OP_OR  ? ok[n->left] || ok[n->right]
                : n->op == OP_NOT ? !ok[n->left]
                                  : test_passes(n, v, t);
    }
    return f->n == 0 || ok[f->root];
}
