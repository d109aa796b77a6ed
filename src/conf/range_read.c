#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "range_text.h"
#include "text.h"
#include "vaetop/base/alloc.h"

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_BAR, TOKEN_DOTS, TOKEN_EQUALS };

struct token {
    enum token_kind kind;
    size_t at, len;
};

struct reader {
    enum knob knob;
    const char *text;
    size_t pos;
    bool wide; /* words of a free text hold blanks: they end at '|' or " if " */
    struct token t;
    size_t *at; /* where the trouble is */
    struct err *e;
};

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool at_if(const char *p)
{
    return p[0] == 'i' && p[1] == 'f' && (blank(p[2]) || p[2] == '\0');
}

static size_t word_length(const char *p, bool wide)
{
    size_t n = 0;
    while (p[n] && p[n] != '|') {
        if (p[n] == '.' && p[n + 1] == '.') {
            break;
        }
        if (wide ? blank(p[n]) && at_if(p + n + 1) : blank(p[n]) || p[n] == '=') {
            break;
        }
        n++;
    }
    while (n > 0 && blank(p[n - 1])) {
        n--;
    }
    return n;
}

static void next(struct reader *r)
{
    const char *p;
    while (blank(r->text[r->pos])) {
        r->pos++;
    }
    p = r->text + r->pos;
    r->t = (struct token){TOKEN_WORD, r->pos, 1};
    if (*p == '\0') {
        r->t = (struct token){TOKEN_END, r->pos, 0};
    } else if (*p == '|') {
        r->t.kind = TOKEN_BAR;
    } else if (p[0] == '.' && p[1] == '.') {
        r->t.kind = TOKEN_DOTS;
        r->t.len = 2;
    } else if (*p == '=') {
        r->t.kind = TOKEN_EQUALS;
    } else if (at_if(p)) {
        r->t.len = 2; /* also where a wide word would begin */
    } else {
        r->t.len = word_length(p, r->wide);
    }
    r->pos += r->t.len;
}

static bool is(const struct reader *r, const char *word)
{
    return r->t.kind == TOKEN_WORD && r->t.len == strlen(word) && memcmp(r->text + r->t.at, word, r->t.len) == 0;
}

/* Owns: caller frees the token's text. */
static char *token_text(const struct reader *r)
{
    return xstrndup(r->text + r->t.at, r->t.len);
}

static PRINTF_LIKE(3, 4) enum err_code refuse(struct reader *r, size_t at, const char *fmt, ...)
{
    va_list ap;
    struct sbuf s = {0};
    va_start(ap, fmt);
    sbuf_vaddf(&s, fmt, ap);
    va_end(ap);
    *r->at = at;
    (void)err_set(r->e, ERR_USAGE, "%s: %s", knob_info(r->knob)->full, s.text);
    sbuf_release(&s);
    return ERR_USAGE;
}

/* "found X, EXPECTED" at the token. */
static enum err_code unexpected(struct reader *r, const char *expected)
{
    char shown[SHOWN_CAP];
    char *text = token_text(r);
    enum err_code rc = r->t.kind == TOKEN_END
                           ? refuse(r, r->t.at, "nothing follows; %s expected", expected)
                           : refuse(r, r->t.at, "found \"%s\" where %s is expected", show(shown, text), expected);
    free(text);
    return rc;
}

static enum err_code no_range_here(struct reader *r)
{
    const struct knob_info *i = knob_info(r->knob);
    const char *why = "a study has one for all its trials";
    if (r->knob == KNOB_LOSS_LIKELIHOOD) {
        why = "losses under different likelihoods cannot be ranked together";
    } else if (strcmp(i->section, "data") == 0) {
        why = "trials on different data cannot be ranked together";
    }
    return refuse(r, r->t.at,
                  "takes one value, not a range or choice: %s; ranges are for model, loss, optimizer and train%s", why,
                  r->wide && r->knob != KNOB_DATA_VALIDATION ? " (if this is a name, put it in quotes)" : "");
}

/* Checks the token as a value of k and adds its canonical text, which must be new. */
static enum err_code add_word(struct reader *r, enum knob k, char ***word, size_t *n)
{
    char *text = token_text(r);
    char *value = NULL;
    char shown[SHOWN_CAP];
    enum err_code rc = value_canonical(&value, k, text, r->e);
    free(text);
    if (rc) {
        *r->at = r->t.at;
        if (k != r->knob) {
            err_prefix(r->e, "%s: condition", knob_info(r->knob)->full);
        }
        return rc;
    }
    for (size_t i = 0; i < *n; i++) {
        if (strcmp((*word)[i], value) == 0) {
            rc = refuse(r, r->t.at, "%s stands twice", show(shown, value));
        }
    }
    if (!rc && *n == CHOICES_MAX) {
        rc = refuse(r, r->t.at, "more than %d choices", CHOICES_MAX);
    }
    if (rc) {
        free(value);
        return rc;
    }
    *word = xreallocarray(*word, *n + 1, sizeof **word);
    (*word)[(*n)++] = value;
    return ERR_OK;
}

/* "a | b | c", standing on the first word; ends on the token after the last. */
static enum err_code read_words(struct reader *r, enum knob k, char ***word, size_t *n)
{
    for (;;) {
        enum err_code rc;
        if (r->t.kind != TOKEN_WORD || is(r, "if")) {
            return unexpected(r, k == r->knob ? "a choice such as a | b | c" : "a word of the condition");
        }
        rc = add_word(r, k, word, n);
        if (rc) {
            return rc;
        }
        next(r);
        if (r->t.kind != TOKEN_BAR) {
            return ERR_OK;
        }
        next(r);
    }
}

/* A condition's knob: the same section first, then the only section that has it. */
static enum err_code read_condition_knob(struct reader *r, enum knob *on)
{
    char *name = token_text(r);
    char *full = xasprintf("%s.%s", knob_info(r->knob)->section, name);
    enum err_code rc = ERR_OK;
    *on = strchr(name, '.') ? KNOB_NONE : knob_find(full);
    if (*on == KNOB_NONE) {
        *on = knob_find(name);
    }
    if (*on == KNOB_NONE) {
        rc = unknown_knob(name, r->e);
        err_prefix(r->e, "%s: condition", knob_info(r->knob)->full);
        *r->at = r->t.at;
    } else if (*on == r->knob) {
        rc = refuse(r, r->t.at, "condition on itself; name another knob after if");
    }
    free(name);
    free(full);
    return rc;
}

/* Standing on `if`, or at the end. */
static enum err_code read_condition(struct reader *r, struct condition *when)
{
    enum err_code rc;
    enum knob on;
    if (r->t.kind == TOKEN_END) {
        return ERR_OK;
    }
    r->wide = false;
    next(r);
    if (r->t.kind != TOKEN_WORD) {
        return unexpected(r, "a knob, as in if kind = adam | sgd,");
    }
    rc = read_condition_knob(r, &on);
    if (rc) {
        return rc;
    }
    next(r);
    if (r->t.kind != TOKEN_EQUALS) {
        return unexpected(r, "=, as in if kind = adam | sgd,");
    }
    next(r);
    when->on = on;
    rc = read_words(r, on, &when->word, &when->n_words);
    if (!rc && r->t.kind != TOKEN_END) {
        rc = unexpected(r, "the end (one condition, its words separated by |)");
    }
    return rc;
}

static enum err_code read_number(struct reader *r, double *out)
{
    enum err_code rc;
    char *text;
    if (r->t.kind != TOKEN_WORD || is(r, "if")) {
        return unexpected(r, "a number");
    }
    text = token_text(r);
    rc = value_number(out, r->knob, text, r->e);
    if (rc) {
        *r->at = r->t.at;
    }
    free(text);
    return rc;
}

static enum err_code read_step(struct reader *r, struct range *out)
{
    char lo[32], end[32], shown[SHOWN_CAP];
    char *text;
    double steps;
    bool ok;
    if (r->t.kind != TOKEN_WORD || is(r, "if")) {
        return unexpected(r, "the size of the step");
    }
    text = token_text(r);
    ok = str_to_f64(&out->step, text);
    (void)show(shown, text);
    free(text);
    if (!ok || out->step <= 0) {
        return refuse(r, r->t.at, "step \"%s\" is not a number above 0", shown);
    }
    if (out->kind == RANGE_INT && out->step != floor(out->step)) {
        return refuse(r, r->t.at, "step %s is not a whole number, but the knob is", shown);
    }
    steps = (out->hi - out->lo) / out->step;
    if (steps < 1 - 1e-9) {
        return refuse(r, r->t.at, "step %s is wider than the range", shown);
    }
    if (steps > 1e9) {
        return refuse(r, r->t.at, "step %s cuts the range into more than a thousand million values", shown);
    }
    if (fabs(steps - floor(steps + 0.5)) > 1e-9 * (1 + steps)) {
        double last = out->lo + floor(steps) * out->step;
        return refuse(r, r->t.at, "step %s does not meet the upper end; write %s .. %s or another step", shown,
                      str_from_f64(lo, sizeof lo, out->lo),
                      str_from_f64(end, sizeof end, floor(last * 1e12 + 0.5) / 1e12));
    }
    return ERR_OK;
}

/* What may follow lo .. hi. */
static enum err_code read_options(struct reader *r, struct range *out)
{
    size_t log_at = 0;
    enum err_code rc = ERR_OK;
    while (!rc && r->t.kind != TOKEN_END && !is(r, "if")) {
        if (is(r, "log") && !out->log) {
            out->log = true;
            log_at = r->t.at;
        } else if (is(r, "step") && out->step == 0) {
            next(r);
            rc = read_step(r, out);
        } else {
            rc = unexpected(r, "log, step s or if");
        }
        if (!rc && out->log && out->step > 0) {
            rc = refuse(r, r->t.at, "log and step together; a log range takes no step");
        }
        next(r);
    }
    if (!rc && out->log && out->lo <= 0) {
        char lo[32];
        rc = refuse(r, log_at, "log needs a lower end above 0, found %s", str_from_f64(lo, sizeof lo, out->lo));
    }
    return rc;
}

/* "lo .. hi ...", standing on lo with ".." ahead. */
static enum err_code read_span(struct reader *r, struct range *out)
{
    char lo[32], hi[32];
    size_t start = r->t.at;
    enum err_code rc = read_number(r, &out->lo);
    if (rc) {
        return rc;
    }
    next(r);
    next(r);
    rc = read_number(r, &out->hi);
    if (rc) {
        return rc;
    }
    (void)str_from_f64(lo, sizeof lo, out->lo);
    (void)str_from_f64(hi, sizeof hi, out->hi);
    if (out->lo > out->hi) {
        return refuse(r, start, "%s .. %s is upside down; write %s .. %s", lo, hi, hi, lo);
    }
    next(r);
    out->kind = knob_info(r->knob)->type == KNOB_INT ? RANGE_INT : RANGE_FLOAT;
    rc = read_options(r, out);
    if (out->lo == out->hi) {
        out->log = false; /* one value: nothing left to shape */
        out->step = 0;
    }
    if (out->kind == RANGE_INT && out->step == 0) {
        out->step = 1;
    }
    return rc;
}

/* A single value under a condition is a range of one. */
static enum err_code read_single(struct reader *r, struct entry *out)
{
    enum knob_type type = knob_info(r->knob)->type;
    struct range *range = &out->range;
    enum err_code rc;
    if (type == KNOB_CHOICE || type == KNOB_TEXT) {
        range->kind = RANGE_CHOICE;
        return read_words(r, r->knob, &range->choice, &range->n_choices);
    }
    rc = read_number(r, &range->lo);
    next(r);
    range->hi = range->lo;
    range->kind = type == KNOB_INT ? RANGE_INT : RANGE_FLOAT;
    range->step = type == KNOB_INT ? 1 : 0;
    return rc;
}

/* A choice, a span or a single value with its condition, by what follows the first word. */
static enum err_code read_range(struct reader *r, struct entry *out, enum token_kind after)
{
    enum knob_type type = knob_info(r->knob)->type;
    enum err_code rc;
    if (after == TOKEN_DOTS && type != KNOB_INT && type != KNOB_FLOAT) {
        return refuse(r, r->t.at, "lo .. hi is for numbers; here choices are written %s",
                      type == KNOB_TEXT ? "512 | 512,256" : knob_info(r->knob)->choices);
    }
    if (after == TOKEN_DOTS) {
        rc = read_span(r, &out->range);
    } else if (after == TOKEN_BAR) {
        out->range.kind = RANGE_CHOICE;
        rc = read_words(r, r->knob, &out->range.choice, &out->range.n_choices);
    } else {
        rc = read_single(r, out);
    }
    if (!rc && r->t.kind != TOKEN_END && !is(r, "if")) {
        rc = unexpected(r, "if or the end");
    }
    return rc ? rc : read_condition(r, &out->range.when);
}

/* What follows the first word decides; an error stands there. */
static enum err_code look_ahead(struct reader *r, enum token_kind *after)
{
    struct reader ahead = *r;
    next(&ahead);
    *after = ahead.t.kind;
    if (ahead.t.kind == TOKEN_END) {
        return ERR_OK;
    }
    if (!knob_info(r->knob)->range_allowed && (ahead.t.kind != TOKEN_WORD || is(&ahead, "if"))) {
        return no_range_here(r);
    }
    if (ahead.t.kind == TOKEN_EQUALS || (ahead.t.kind == TOKEN_WORD && !is(&ahead, "if"))) {
        return unexpected(&ahead, knob_info(r->knob)->range_allowed ? "the end, | for a choice, .. for a range or if"
                                                                    : "the end (it takes one value)");
    }
    return ERR_OK;
}

enum err_code entry_read(struct entry *out, enum knob k, const char *text, bool literal, size_t *at, struct err *e)
{
    struct reader r = {.knob = k, .text = text, .wide = knob_info(k)->type == KNOB_TEXT, .at = at, .e = e};
    enum token_kind after = TOKEN_END;
    bool free_text = r.wide && (literal || !knob_info(k)->range_allowed);
    enum err_code rc = ERR_OK;
    *out = (struct entry){NULL, {.knob = k, .when.on = KNOB_NONE}};
    *at = 0;
    if (free_text) {
        if (!literal && text_like_range(text)) {
            return no_range_here(&r);
        }
        return value_canonical(&out->value, k, text, e);
    }
    next(&r);
    if (r.t.kind == TOKEN_END) {
        return value_canonical(&out->value, k, "", e);
    }
    if (r.t.kind != TOKEN_WORD || is(&r, "if")) {
        return unexpected(&r, "a value");
    }
    rc = look_ahead(&r, &after);
    if (!rc && after == TOKEN_END) {
        char *word = token_text(&r);
        rc = value_canonical(&out->value, k, word, e);
        free(word);
        *at = r.t.at;
        return rc;
    }
    rc = rc ? rc : read_range(&r, out, after);
    if (!rc && out->range.when.on == KNOB_NONE && out->range.kind != RANGE_CHOICE && out->range.lo == out->range.hi) {
        char number[32]; /* "5 .. 5" searches nothing */
        out->value = xstrdup(str_from_f64(number, sizeof number, out->range.lo));
    }
    if (rc) {
        entry_release(out);
    }
    return rc;
}

enum err_code entries_check(enum knob k, const struct entry *x, size_t n, size_t *which, struct err *e)
{
    const char *name = knob_info(k)->full;
    for (size_t i = 0; n > 1 && i < n; i++) {
        *which = i;
        if (x[i].value || x[i].range.when.on == KNOB_NONE) {
            return err_set(
                e, ERR_USAGE,
                "%s: an item of a list without a condition would hold together with the others; add if KNOB = "
                "WORD (choices are written a | b | c%s)",
                name, knob_info(k)->type == KNOB_TEXT ? ", widths 512,256" : "");
        }
        for (size_t j = 0; j < i; j++) {
            const struct condition *a = &x[j].range.when;
            const struct condition *b = &x[i].range.when;
            if (a->on != b->on) {
                return err_set(e, ERR_USAGE,
                               "%s: conditions on %s and on %s may hold at once; use one knob in all items", name,
                               knob_info(a->on)->full, knob_info(b->on)->full);
            }
            for (size_t w = 0; w < a->n_words * b->n_words; w++) {
                const char *word = a->word[w / b->n_words];
                if (strcmp(word, b->word[w % b->n_words]) == 0) {
                    return err_set(e, ERR_USAGE, "%s: overlapping conditions, %s = %s stands in items %zu and %zu",
                                   name, knob_info(a->on)->full, word, j + 1, i + 1);
                }
            }
        }
    }
    return ERR_OK;
}
