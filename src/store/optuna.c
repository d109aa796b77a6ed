#include "optuna.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "vaetop/base/alloc.h"

enum { MAX_JSON_BYTES = 1 << 20 }; /* of a distribution another program wrote */

void optuna_string(struct sbuf *out, const char *text)
{
    size_t cap = 4 * strlen(text) + 1; /* every byte may become \xNN */
    char *clean = xcalloc(cap, 1);
    json_t *j = json_string(str_clean(clean, cap, text));
    char *json = j ? json_dumps(j, JSON_ENCODE_ANY) : NULL;
    sbuf_add(out, json ? json : "\"\"");
    free(json);
    json_decref(j);
    free(clean);
}

void optuna_f64(struct sbuf *out, double v)
{
    char text[40];
    (void)str_from_f64(text, sizeof text, v);
    sbuf_add(out, text);
    if (!strpbrk(text, ".eE")) {
        sbuf_add(out, ".0");
    }
}

/* --- choices */

/* Every choice of the knob's ranges once, in order. Owns: caller frees the array, not the words. */
static size_t shared_choices(char ***out, const struct preset *p, enum knob k)
{
    size_t n = 0, cap = 0;
    *out = NULL;
    for (size_t r = 0; r < p->n_ranges; r++) {
        const struct range *g = &p->range[r];
        for (size_t c = 0; g->knob == k && g->kind == RANGE_CHOICE && c < g->n_choices; c++) {
            size_t at = 0;
            while (at < n && strcmp((*out)[at], g->choice[c]) != 0) {
                at++;
            }
            if (at == n) {
                if (n == cap) {
                    cap = cap ? 2 * cap : 8;
                    *out = xreallocarray(*out, cap, sizeof **out);
                }
                (*out)[n++] = g->choice[c];
            }
        }
    }
    return n;
}

/* Numbers as numbers, so that Optuna's users get them as such; whole ones for a whole-numbered knob. */
static void add_choice(struct sbuf *out, enum knob k, const char *word)
{
    enum knob_type type = knob_info(k)->type;
    int64_t i;
    double f;
    if (type == KNOB_INT && str_to_i64(&i, word)) {
        sbuf_addf(out, "%lld", (long long)i);
    } else if ((type == KNOB_INT || type == KNOB_FLOAT) && str_to_f64(&f, word)) {
        optuna_f64(out, f);
    } else {
        optuna_string(out, word);
    }
}

static void add_choices(struct sbuf *out, const struct preset *p, enum knob k)
{
    char **word;
    size_t n = shared_choices(&word, p, k);
    sbuf_add(out, "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [");
    for (size_t c = 0; c < n; c++) {
        sbuf_add(out, c ? ", " : "");
        add_choice(out, k, word[c]);
    }
    sbuf_add(out, "]}}");
    free(word);
}

static void add_float(struct sbuf *out, const struct range *r)
{
    sbuf_add(out, "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": ");
    if (r->step > 0) {
        optuna_f64(out, r->step);
    } else {
        sbuf_add(out, "null");
    }
    sbuf_add(out, ", \"low\": ");
    optuna_f64(out, r->lo);
    sbuf_add(out, ", \"high\": ");
    optuna_f64(out, r->hi);
    sbuf_addf(out, ", \"log\": %s}}", r->log ? "true" : "false");
}

static void add_int(struct sbuf *out, const struct range *r)
{
    sbuf_addf(out, "{\"name\": \"IntDistribution\", \"attributes\": {\"log\": %s, \"step\": %.0f, \"low\": %.0f,"
                   " \"high\": %.0f}}", r->log ? "true" : "false", r->step > 0 ? r->step : 1, r->lo, r->hi);
}

void optuna_distribution(struct sbuf *out, const struct preset *p, size_t range)
{
    const struct range *r = &p->range[range];
    switch (r->kind) {
    case RANGE_FLOAT:
        add_float(out, r);
        break;
    case RANGE_INT:
        add_int(out, r);
        break;
    case RANGE_CHOICE:
        add_choices(out, p, r->knob);
        break;
    }
}

/* The word of a choice value, or NULL if the index is none. */
static const char *choice_word(const struct range *r, double value)
{
    return value >= 0 && value < (double)r->n_choices ? r->choice[(size_t)value] : NULL;
}

double optuna_internal(const struct preset *p, size_t range, double value)
{
    const struct range *r = &p->range[range];
    const char *word = r->kind == RANGE_CHOICE ? choice_word(r, value) : NULL;
    if (!word) {
        return value;
    }
    char **shared;
    size_t n = shared_choices(&shared, p, r->knob), at = 0;
    while (at + 1 < n && strcmp(shared[at], word) != 0) {
        at++;
    }
    free(shared);
    return (double)at;
}

void optuna_external(struct sbuf *out, const struct preset *p, size_t range, double value)
{
    const struct range *r = &p->range[range];
    const char *word = r->kind == RANGE_CHOICE ? choice_word(r, value) : NULL;
    if (word) {
        add_choice(out, r->knob, word);
    } else if (r->kind == RANGE_INT) {
        sbuf_addf(out, "%.0f", value);
    } else {
        optuna_f64(out, value);
    }
}

/* --- reading what others wrote */

static bool same_choice(const json_t *j, const char *word)
{
    double f;
    if (json_is_string(j)) {
        return strcmp(json_string_value(j), word) == 0;
    }
    return json_is_number(j) && str_to_f64(&f, word) && !(f < json_number_value(j)) && !(f > json_number_value(j));
}

static bool find_choice(const struct range *r, const json_t *chosen, double *value)
{
    for (size_t c = 0; c < r->n_choices; c++) {
        if (same_choice(chosen, r->choice[c])) {
            *value = (double)c;
            return true;
        }
    }
    return false;
}

/* Borrowed from root; NULL if the distribution is no list of choices or the index is outside. */
static const json_t *chosen_of(const json_t *root, double internal)
{
    const json_t *list = json_object_get(json_object_get(root, "attributes"), "choices");
    return internal >= 0 && internal < (double)json_array_size(list) ? json_array_get(list, (size_t)internal) : NULL;
}

bool optuna_find_range(const struct preset *p, const char *param, double internal, const char *distribution_json,
                       size_t *range, double *value)
{
    enum knob k = knob_find(param);
    size_t len = strlen(distribution_json);
    if (k == KNOB_NONE || !isfinite(internal) || len > MAX_JSON_BYTES) {
        return false;
    }
    json_t *root = json_loadb(distribution_json, len, 0, NULL);
    const json_t *chosen = chosen_of(root, internal);
    bool found = false;
    for (size_t r = 0; !found && r < p->n_ranges; r++) {
        const struct range *g = &p->range[r];
        if (g->knob != k) {
            continue;
        }
        if (g->kind == RANGE_CHOICE) {
            found = chosen && find_choice(g, chosen, value);
        } else if (!chosen && internal >= g->lo && internal <= g->hi) {
            *value = internal;
            found = true;
        }
        *range = r;
    }
    json_decref(root);
    return found;
}

static bool fits(const struct range *r, const json_t *v, double *value)
{
    if (r->kind == RANGE_CHOICE) {
        return find_choice(r, v, value);
    }
    *value = json_number_value(v);
    return json_is_number(v) && *value >= r->lo && *value <= r->hi && (r->kind == RANGE_FLOAT || *value == floor(*value));
}

static enum err_code fix_knob(struct point *out, const struct preset *p, enum knob k, const json_t *v, struct err *e)
{
    bool searched = false, found = false;
    for (size_t r = 0; r < p->n_ranges; r++) {
        if (p->range[r].knob == k) {
            searched = true;
            out->present[r] = fits(&p->range[r], v, &out->value[r]);
            found = found || out->present[r];
        }
    }
    if (!searched || found) {
        return ERR_OK;
    }
    char *text = json_dumps(v, JSON_ENCODE_ANY), clean[80];
    enum err_code rc = err_set(e, ERR_USAGE, "%s: %s is outside the space", knob_info(k)->full,
                               str_clean(clean, sizeof clean, text ? text : "?"));
    free(text);
    return rc;
}

enum err_code optuna_fixed(struct point *out, const struct preset *p, const char *json, struct err *e)
{
    size_t len = json ? strlen(json) : 0;
    if (len == 0) {
        return ERR_OK;
    }
    json_t *root = len <= MAX_JSON_BYTES ? json_loadb(json, len, 0, NULL) : NULL;
    if (!json_is_object(root)) {
        json_decref(root);
        return err_set(e, ERR_USAGE, "fixed_params is not a JSON object");
    }
    const char *name;
    json_t *v;
    enum err_code rc = ERR_OK;
    json_object_foreach(root, name, v) {
        enum knob k = knob_find(name);
        if (!rc && k != KNOB_NONE) {
            rc = fix_knob(out, p, k, v, e);
        }
    }
    json_decref(root);
    return rc;
}

const char *optuna_value_type(double v)
{
    return isnan(v) ? "NAN" : isfinite(v) ? "FINITE" : v > 0 ? "INF_POS" : "INF_NEG";
}
