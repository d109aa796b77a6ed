#include "vaetop/conf/config.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "vaetop/base/alloc.h"
#include "vaetop/conf/paths.h"

#define TEXT_MAX 4096   /* PATH_MAX */
#define WIDTHS_MAX 16   /* as model.depth */
#define UNITS_MAX 16384 /* as model.width */
#define SHAPE_MAX ((int64_t)1 << 24) /* values per row that are read */

void config_init(struct config *c)
{
    *c = (struct config){{0}, {0}};
    for (int k = 0; k < KNOB_COUNT; k++) {
        enum err_code rc = config_set(c, (enum knob)k, knob_info((enum knob)k)->default_text, NULL);
        assert(rc == ERR_OK);
        (void)rc;
    }
}

void config_release(struct config *c)
{
    for (int k = 0; k < KNOB_COUNT; k++) {
        free(c->text[k]);
        c->text[k] = NULL;
    }
}

void config_copy(struct config *dst, const struct config *src)
{
    *dst = *src;
    for (int k = 0; k < KNOB_COUNT; k++) {
        dst->text[k] = src->text[k] ? xstrdup(src->text[k]) : NULL;
    }
}

int config_widths(int *out, int max, const char *text)
{
    int n = 0;
    const char *p = text + strspn(text, " ");
    if (*p == '\0') {
        return 0;
    }
    for (;; p++) {
        long v = 0;
        p += strspn(p, " ");
        if (*p < '0' || *p > '9') {
            return -1;
        }
        for (; *p >= '0' && *p <= '9'; p++) {
            v = v > UNITS_MAX ? v : v * 10 + (*p - '0');
        }
        if (v < 1 || v > UNITS_MAX || n == max) {
            return -1;
        }
        out[n++] = (int)v;
        p += strspn(p, " ");
        if (*p == '\0') {
            return n;
        }
        if (*p != ',') {
            return -1;
        }
    }
}

enum err_code value_number(double *out, enum knob k, const char *text, struct err *e)
{
    const struct knob_info *i = knob_info(k);
    char shown[SHOWN_CAP], bound[32];
    double v;
    (void)show(shown, text);
    if (*text == '\0') {
        return err_set(e, ERR_USAGE, "%s: no value, a number expected", i->full);
    }
    if (!str_to_f64(&v, text)) {
        return err_set(e, ERR_USAGE, "%s: \"%s\" is not a %s", i->full, shown,
                       i->type == KNOB_INT ? "whole number" : "finite number such as 0.5 or 1e-3");
    }
    if (i->type == KNOB_INT && v != floor(v)) {
        return err_set(e, ERR_USAGE, "%s: %s is not a whole number", i->full, shown);
    }
    if (v < i->min) {
        return err_set(e, ERR_USAGE, "%s: %s is below %s, the smallest allowed", i->full, shown,
                       str_from_f64(bound, sizeof bound, i->min));
    }
    if (v > i->max) {
        return err_set(e, ERR_USAGE, "%s: %s is above %s, the largest allowed", i->full, shown,
                       str_from_f64(bound, sizeof bound, i->max));
    }
    *out = v + 0.0; /* -0 becomes 0 */
    return ERR_OK;
}

static enum err_code value_word(double *out, enum knob k, const char *text, struct err *e)
{
    const char *names[32];
    char shown[SHOWN_CAP];
    const char *near;
    int n = knob_choice_count(k);
    int index = knob_choice_index(k, text);
    if (index >= 0) {
        *out = index;
        return ERR_OK;
    }
    for (int i = 0; i < n; i++) {
        names[i] = knob_choice_name(k, i);
    }
    near = str_nearest(text, names, (size_t)n);
    return err_set(e, ERR_USAGE, "%s: \"%s\" is none of %s%s%s%s", knob_info(k)->full, show(shown, text),
                   knob_info(k)->choices, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

bool config_shape(size_t *height, size_t *width, const char *text)
{
    char left[16], right[16];
    int64_t h, w;
    const char *x = strchr(text, 'x');
    if (!x || (size_t)(x - text) >= sizeof left || strspn(text, "0123456789x") != strlen(text)) {
        return false;
    }
    memcpy(left, text, (size_t)(x - text));
    left[x - text] = '\0';
    if (!str_copy(right, sizeof right, x + 1) || !str_to_i64(&h, left) || !str_to_i64(&w, right) || h < 1 || w < 1 ||
        h > SHAPE_MAX || w > SHAPE_MAX / h) {
        return false;
    }
    *height = (size_t)h;
    *width = (size_t)w;
    return true;
}

struct rows_out config_rows(const char *text, bool bare_count)
{
    struct rows_out out = {.kind = ROWS_BAD};
    double f;
    if (str_starts(text, "last ")) {
        out.kind = str_to_i64(&out.last, text + 5) && out.last > 0 ? ROWS_LAST : ROWS_BAD;
    } else if (bare_count && str_to_i64(&out.last, text)) {
        out.kind = out.last > 0 ? ROWS_LAST : ROWS_BAD;
    } else if (str_to_f64(&f, text)) {
        out.fraction = f;
        out.kind = f > 0 && f < 1 ? ROWS_FRACTION : ROWS_BAD;
    } else {
        out.kind = ROWS_FILE;
    }
    return out;
}

static bool validation_ok(const char *text)
{
    const enum rows_kind k = config_rows(text, false).kind;
    return k == ROWS_FRACTION || k == ROWS_LAST;
}

/* True if cleaning changes nothing and YAML can hold it: what is shown and stored is then what was meant. */
static bool printable(const char *text)
{
    size_t cap = 4 * strlen(text) + 1;
    char *clean = xcalloc(cap, 1);
    bool same = strcmp(str_clean(clean, cap, text), text) == 0;
    free(clean);
    return same && !strstr(text, "\xef\xbf\xbe") && !strstr(text, "\xef\xbf\xbf"); /* U+FFFE, U+FFFF */
}

/* Texts that mean something are checked here, where the error still has a line and a column. */
static enum err_code value_text(enum knob k, const char *text, struct err *e)
{
    const struct knob_info *i = knob_info(k);
    char shown[SHOWN_CAP];
    int widths[WIDTHS_MAX];
    size_t height, width;
    (void)show(shown, text);
    if (strlen(text) >= TEXT_MAX) {
        return err_set(e, ERR_USAGE, "%s: longer than %d bytes", i->full, TEXT_MAX - 1);
    }
    if (!printable(text)) {
        return err_set(e, ERR_USAGE, "%s: %s has control characters or is not UTF-8", i->full, shown);
    }
    if (*text == '\0') {
        return *i->default_text == '\0' ? ERR_OK : err_set(e, ERR_USAGE, "%s: no value", i->full);
    }
    if (k == KNOB_STUDY_NAME && !study_name_ok(text)) {
        return err_set(e, ERR_USAGE, "%s: \"%s\" is no name for a study; up to 64 of A-Z a-z 0-9 . _ - expected",
                       i->full, shown);
    }
    if ((k == KNOB_MODEL_ENCODER || k == KNOB_MODEL_DECODER) && config_widths(widths, WIDTHS_MAX, text) < 0) {
        return err_set(e, ERR_USAGE,
                       "%s: \"%s\" is no list of widths; up to %d numbers from 1 to %d such as 512,256 expected",
                       i->full, shown, WIDTHS_MAX, UNITS_MAX);
    }
    if (k == KNOB_DATA_VALIDATION && !validation_ok(text)) {
        return err_set(e, ERR_USAGE, "%s: \"%s\" is neither a fraction between 0 and 1 nor \"last N\"", i->full, shown);
    }
    if (k == KNOB_DATA_TEST && config_rows(text, true).kind == ROWS_BAD) {
        return err_set(e, ERR_USAGE, "%s: \"%s\" is neither \"last N\", a fraction between 0 and 1 nor a path", i->full,
                       shown);
    }
    if (k == KNOB_DATA_SHAPE && !config_shape(&height, &width, text)) {
        return err_set(e, ERR_USAGE, "%s: \"%s\" is no shape; height x width such as 28x28 expected", i->full, shown);
    }
    return ERR_OK;
}

/* "512, 256" and "512,256" are one value: kept without blanks. Owns: caller frees. */
static char *text_canonical(enum knob k, const char *text)
{
    char *out = xstrdup(text);
    if (k == KNOB_MODEL_ENCODER || k == KNOB_MODEL_DECODER) {
        char *to = out;
        for (const char *p = text; *p; p++) {
            if (*p != ' ') {
                *to++ = *p;
            }
        }
        *to = '\0';
    }
    return out;
}

/* Owns: caller frees the copy without the blanks around it. */
static char *trimmed(const char *text)
{
    size_t n;
    text += strspn(text, " \t");
    n = strlen(text);
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t')) {
        n--;
    }
    return xstrndup(text, n);
}

enum err_code config_set(struct config *c, enum knob k, const char *text, struct err *e)
{
    char *value = trimmed(text);
    enum err_code rc;
    switch (knob_info(k)->type) {
    case KNOB_INT:
    case KNOB_FLOAT:
        rc = value_number(&c->num[k], k, value, e);
        break;
    case KNOB_CHOICE:
        rc = value_word(&c->num[k], k, value, e);
        break;
    default:
        rc = value_text(k, value, e);
        if (!rc) {
            free(c->text[k]);
            c->text[k] = text_canonical(k, value);
        }
        break;
    }
    free(value);
    return rc;
}

enum err_code value_canonical(char **out, enum knob k, const char *text, struct err *e)
{
    struct config one = {{0}, {0}};
    char number[32];
    enum err_code rc = config_set(&one, k, text, e);
    if (!rc) {
        *out = knob_info(k)->type == KNOB_TEXT ? xstrdup(config_text(&one, k))
                                               : xstrdup(config_format_value(number, sizeof number, &one, k));
    }
    config_release(&one);
    return rc;
}

double config_f64(const struct config *c, enum knob k)
{
    assert(knob_info(k)->type == KNOB_FLOAT || knob_info(k)->type == KNOB_INT);
    return c->num[k];
}

int64_t config_i64(const struct config *c, enum knob k)
{
    assert(knob_info(k)->type == KNOB_INT);
    return (int64_t)c->num[k];
}

int config_choice(const struct config *c, enum knob k)
{
    assert(knob_info(k)->type == KNOB_CHOICE);
    return (int)c->num[k];
}

const char *config_text(const struct config *c, enum knob k)
{
    assert(knob_info(k)->type == KNOB_TEXT);
    return c->text[k] ? c->text[k] : "";
}

const char *config_format_value(char *buf, size_t cap, const struct config *c, enum knob k)
{
    switch (knob_info(k)->type) {
    case KNOB_INT:
    case KNOB_FLOAT:
        return str_from_f64(buf, cap, c->num[k]);
    case KNOB_CHOICE:
        (void)str_copy(buf, cap, knob_choice_name(k, (int)c->num[k]));
        return buf;
    default:
        return str_clean(buf, cap, config_text(c, k));
    }
}

void config_format(struct sbuf *out, const struct config *c)
{
    for (int i = 0; i < KNOB_COUNT; i++) {
        enum knob k = (enum knob)i;
        char number[32];
        const char *value =
            knob_info(k)->type == KNOB_TEXT ? config_text(c, k) : config_format_value(number, sizeof number, c, k);
        sbuf_addf(out, "%s=%s\n", knob_info(k)->full, value);
    }
}

/* One line "section.knob=value". */
static enum err_code parse_line(struct config *c, const char *line, struct err *e)
{
    char shown[SHOWN_CAP];
    const char *equals = strchr(line, '=');
    char *name;
    enum knob k;
    enum err_code rc;
    if (!equals) {
        return err_set(e, ERR_USAGE, "%s: section.knob=value expected", show(shown, line));
    }
    name = xstrndup(line, (size_t)(equals - line));
    k = strchr(name, '.') ? knob_find(name) : KNOB_NONE;
    rc = k == KNOB_NONE ? err_set(e, ERR_USAGE, "unknown knob %s", show(shown, name)) : config_set(c, k, equals + 1, e);
    free(name);
    return rc;
}

enum err_code config_parse(struct config *c, const char *lines, struct err *e)
{
    int number = 1;
    for (const char *p = lines; *p; number++) {
        size_t n = strcspn(p, "\n");
        enum err_code rc = ERR_OK;
        if (n > 0) {
            char *line = xstrndup(p, n);
            rc = parse_line(c, line, e);
            free(line);
        }
        if (rc) {
            err_prefix(e, "line %d", number);
            return rc;
        }
        p += n + (p[n] == '\n');
    }
    return ERR_OK;
}

enum err_code config_check(const struct config *c, struct err *e)
{
    double warmup = config_f64(c, KNOB_LOSS_BETA_WARMUP);
    double epochs = config_f64(c, KNOB_TRAIN_EPOCHS);
    char w[32], n[32];
    int schedule = config_choice(c, KNOB_LOSS_BETA_SCHEDULE);
    if ((schedule == BETA_LINEAR || schedule == BETA_SIGMOID) && config_choice(c, KNOB_STUDY_VALUE) == VALUE_BEST &&
        epochs > 0 && warmup > epochs) {
        return err_set(e, ERR_USAGE,
                       "loss.beta_warmup: %s epochs of warm-up do not fit into train.epochs %s, and no epoch after it "
                       "could give the trial's value; lower beta_warmup, raise epochs or set study.value: last",
                       str_from_f64(w, sizeof w, warmup), str_from_f64(n, sizeof n, epochs));
    }
    if (config_f64(c, KNOB_LOSS_CAPACITY) > 0 && config_f64(c, KNOB_LOSS_FREE_BITS) > 0) {
        return err_set(e, ERR_USAGE, "loss.capacity: together with loss.free_bits the two would pull apart; set one to 0");
    }
    if (config_choice(c, KNOB_DATA_BINARIZE) != BINARIZE_NO &&
        config_choice(c, KNOB_LOSS_LIKELIHOOD) != LIKE_BERNOULLI) {
        return err_set(e, ERR_USAGE, "data.binarize: zeros and ones have no density; use loss.likelihood: bernoulli");
    }
    return ERR_OK;
}

int config_first_best(const struct config *c)
{
    const double epochs = (double)config_i64(c, KNOB_TRAIN_EPOCHS);
    double warmup = 0;
    switch ((enum beta_schedule)config_choice(c, KNOB_LOSS_BETA_SCHEDULE)) {
    case BETA_LINEAR:
    case BETA_SIGMOID:
        warmup = config_f64(c, KNOB_LOSS_BETA_WARMUP);
        break;
    case BETA_CYCLICAL:
        warmup = epochs / (double)config_i64(c, KNOB_LOSS_BETA_CYCLES);
        break;
    case BETA_CONSTANT:
        break;
    }
    return (int)fmin(epochs, fmax(1, ceil(warmup)));
}
