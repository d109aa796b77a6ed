#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "range_text.h"
#include "text.h"
#include "vaetop/base/alloc.h"

static void words_free(char **word, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(word[i]);
    }
    free(word);
}

static char **words_copy(char **word, size_t n)
{
    char **out = n > 0 ? xcalloc(n, sizeof *out) : NULL;
    for (size_t i = 0; i < n; i++) {
        out[i] = xstrdup(word[i]);
    }
    return out;
}

void range_release(struct range *r)
{
    words_free(r->choice, r->n_choices);
    words_free(r->when.word, r->when.n_words);
    *r = (struct range){.when.on = KNOB_NONE};
}

void range_copy(struct range *dst, const struct range *src)
{
    *dst = *src;
    dst->choice = words_copy(src->choice, src->n_choices);
    dst->when.word = words_copy(src->when.word, src->when.n_words);
}

static bool has_word(const struct condition *c, const char *word)
{
    for (size_t i = 0; i < c->n_words; i++) {
        if (strcmp(c->word[i], word) == 0) {
            return true;
        }
    }
    return false;
}

/* The order of a condition's words means nothing; none stands twice. */
bool condition_same(const struct condition *a, const struct condition *b)
{
    if (a->on != b->on || a->n_words != b->n_words) {
        return false;
    }
    for (size_t i = 0; i < a->n_words; i++) {
        if (!has_word(b, a->word[i])) {
            return false;
        }
    }
    return true;
}

bool range_same(const struct range *a, const struct range *b)
{
    if (a->knob != b->knob || a->kind != b->kind || a->lo != b->lo || a->hi != b->hi || a->step != b->step ||
        a->log != b->log || a->n_choices != b->n_choices || !condition_same(&a->when, &b->when)) {
        return false;
    }
    for (size_t i = 0; i < a->n_choices; i++) {
        if (strcmp(a->choice[i], b->choice[i]) != 0) {
            return false; /* the order is the meaning of the stored index */
        }
    }
    return true;
}

static void add_words(struct sbuf *out, char **word, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sbuf_addf(out, "%s%s", i > 0 ? " | " : "", word[i]);
    }
}

void range_format(struct sbuf *out, const struct range *r)
{
    char lo[32], hi[32], step[32];
    if (r->kind == RANGE_CHOICE) {
        add_words(out, r->choice, r->n_choices);
    } else if (r->lo == r->hi) {
        sbuf_add(out, str_from_f64(lo, sizeof lo, r->lo));
    } else {
        sbuf_addf(out, "%s .. %s", str_from_f64(lo, sizeof lo, r->lo), str_from_f64(hi, sizeof hi, r->hi));
        if (r->log) {
            sbuf_add(out, " log");
        } else if (r->step > 0 && !(r->kind == RANGE_INT && r->step == 1)) {
            sbuf_addf(out, " step %s", str_from_f64(step, sizeof step, r->step));
        }
    }
    if (r->when.on != KNOB_NONE) {
        sbuf_addf(out, " if %s = ", knob_info(r->when.on)->full);
        add_words(out, r->when.word, r->when.n_words);
    }
}

size_t range_count(const struct range *r)
{
    if (r->kind == RANGE_CHOICE) {
        return r->n_choices;
    }
    if (r->lo == r->hi) {
        return 1;
    }
    return r->step > 0 ? (size_t)llround((r->hi - r->lo) / r->step) + 1 : 0;
}

double range_value(const struct range *r, size_t i)
{
    char text[32];
    double v;
    assert(i < range_count(r));
    if (r->kind == RANGE_CHOICE) {
        return (double)i;
    }
    v = r->lo + (double)i * r->step;
    if (r->kind == RANGE_INT) {
        return v;
    }
    /* lo + i * step in binary is 0.30000000000000004 where a person wrote 0.3 */
    (void)snprintf(text, sizeof text, "%.14g", v);
    v = strtod(text, NULL);
    return v < r->lo ? r->lo : v > r->hi ? r->hi : v;
}

enum err_code range_apply(struct config *c, const struct range *r, double value, struct err *e)
{
    const char *name = knob_info(r->knob)->full;
    char text[32];
    struct sbuf range = {0};
    enum err_code rc;
    if (r->kind == RANGE_CHOICE && value >= 0 && value < (double)r->n_choices && value == floor(value)) {
        return config_set(c, r->knob, r->choice[(size_t)value], e);
    }
    if (r->kind != RANGE_CHOICE && value >= r->lo && value <= r->hi &&
        (r->kind == RANGE_FLOAT || value == floor(value))) {
        c->num[r->knob] = value;
        return ERR_OK;
    }
    range_format(&range, r);
    rc = err_set(e, ERR_USAGE, "%s: %s%s is outside %s", name, r->kind == RANGE_CHOICE ? "choice " : "",
                 str_from_f64(text, sizeof text, value), range.text);
    sbuf_release(&range);
    return rc;
}

bool range_active(const struct preset *p, size_t range, const struct config *so_far)
{
    const struct condition *when;
    assert(range < p->n_ranges);
    when = &p->range[range].when;
    if (when->on == KNOB_NONE) {
        return true;
    }
    if (knob_info(when->on)->type == KNOB_TEXT) {
        return has_word(when, config_text(so_far, when->on));
    }
    if (knob_info(when->on)->type == KNOB_CHOICE) {
        return has_word(when, knob_choice_name(when->on, config_choice(so_far, when->on)));
    }
    for (size_t i = 0; i < when->n_words; i++) {
        double v;
        if (str_to_f64(&v, when->word[i]) && v == config_f64(so_far, when->on)) {
            return true;
        }
    }
    return false;
}

bool text_like_range(const char *text)
{
    return strstr(text, " | ") || strstr(text, " .. ");
}

void entry_release(struct entry *x)
{
    free(x->value);
    x->value = NULL;
    range_release(&x->range);
}
