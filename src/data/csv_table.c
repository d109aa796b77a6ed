#include "csv_table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"

#define MAX_COLUMNS ((size_t)1 << 20)
#define LEAST_COUNTED 4 /* columns: "0,1" may well be values */
#define MAX_RECORD ((size_t)16 << 20) /* bytes of one of the first two records */

/* A record kept as text: the first two, which are looked at together. */
struct record {
    struct sbuf text; /* fields, each with a zero byte behind it */
    size_t n, line;
};

struct build {
    struct csv_table *t;
    const struct csv_want *want;
    struct input *in;
    struct csv *csv;
    size_t width, first_line;
    size_t room; /* rows that x and labels have place for */
    struct classes classes;
    struct err *e;
};

size_t csv_table_column(const struct csv_table *t, size_t col)
{
    return col + 1 + (t->label_column > 0 && col + 1 >= t->label_column);
}

void csv_table_release(struct csv_table *t)
{
    free(t->x);
    labels_release(&t->labels);
    memset(t, 0, sizeof *t);
}

/* n is 0 at the end of the file. */
static enum err_code read_record(struct record *r, struct build *b)
{
    struct csv_field f;
    do {
        enum err_code rc = csv_next(b->csv, &f, b->e);
        if (rc || f.end == CSV_FILE) {
            return rc;
        }
        r->line = r->n == 0 ? f.line : r->line;
        if (r->n == MAX_COLUMNS || r->text.len + f.len >= MAX_RECORD) {
            return csv_bad(b->in, f.line, f.column, b->e,
                           "found a longer line, expected at most %zu columns and %zu bytes", MAX_COLUMNS, MAX_RECORD);
        }
        sbuf_add_bytes(&r->text, f.text, f.len + 1);
        r->n++;
    } while (f.end == CSV_FIELD);
    return ERR_OK;
}

/* "0,1,2,3,...", as pandas writes columns that have no names; not the first row of a table that goes on counting. */
static bool counts_columns(const struct record *first, const struct record *second)
{
    const char *p = first->text.text, *q = second->text.text;
    bool goes_on = second->n == first->n;
    if (first->n < LEAST_COUNTED || second->n == 0) {
        return false;
    }
    for (size_t i = 0; i < first->n; i++, p += strlen(p) + 1) {
        char want[24];
        double v;
        (void)snprintf(want, sizeof want, "%zu", i);
        if (strcmp(p, want) != 0) {
            return false;
        }
        if (goes_on) {
            goes_on = csv_number(&v, q) && v == (double)(first->n + i);
            q += strlen(q) + 1;
        }
    }
    return !goes_on;
}

/* The first record is names if one of its fields is text where the second record has a number, or a label's name. */
static bool is_header(const struct record *first, const struct record *second)
{
    const char *p = first->text.text, *q = second->text.text;
    bool number = false;
    double v;
    for (size_t i = 0; i < first->n; i++, p += strlen(p) + 1) {
        const bool here = csv_number(&v, p);
        if (labels_usual_name(p)) {
            return true;
        }
        number = number || here;
        if (i < second->n) {
            if (!here && csv_number(&v, q)) {
                return true;
            }
            q += strlen(q) + 1;
        }
    }
    return (second->n == 0 && !number) || counts_columns(first, second);
}

static enum err_code no_such_column(const struct build *b, const struct record *names, const char *name)
{
    char clean[80], near_clean[80];
    const char *p = names->text.text;
    const size_t n = names->n < 1000 ? names->n : 1000;
    const char **list = xcalloc(n, sizeof *list);
    for (size_t i = 0; i < n; i++, p += strlen(p) + 1) {
        list[i] = p;
    }
    int64_t number;
    const char *near = b->t->header && !str_to_i64(&number, name) ? str_nearest(name, list, n) : NULL;
    free(list);
    (void)str_clean(clean, sizeof clean, name);
    if (near) {
        return csv_bad(b->in, names->line, 1, b->e, "found no column %s, which data.labels asks for: did you mean %s?",
                       clean, str_clean(near_clean, sizeof near_clean, near));
    }
    return csv_bad(b->in, names->line, 1, b->e,
                   "found no column %s, expected the one of data.labels: give its name in the header or its number, "
                   "1 to %zu",
                   clean, names->n);
}

/* Which column has the labels; 0: none. */
static enum err_code find_label_column(struct build *b, const struct record *names)
{
    const char *name = labels_column(b->want->labels);
    const bool automatic = strcmp(b->want->labels, "auto") == 0;
    const char *p = names->text.text;
    int64_t number;
    if (!name && !automatic) {
        return ERR_OK;
    }
    if (name && str_to_i64(&number, name)) {
        if (number < 1 || (uint64_t)number > b->width) {
            return no_such_column(b, names, name);
        }
        b->t->label_column = (size_t)number;
        return ERR_OK;
    }
    for (size_t i = 0; b->t->header && i < names->n; i++, p += strlen(p) + 1) {
        if (name ? strcmp(p, name) == 0 : labels_usual_name(p)) {
            b->t->label_column = i + 1;
            return ERR_OK;
        }
    }
    return automatic ? ERR_OK : no_such_column(b, names, name);
}

static enum err_code grow(struct build *b)
{
    struct csv_table *t = b->t;
    const size_t per_row = t->dim > 0 ? t->dim : 1;
    const size_t room = b->room > 0 ? 2 * b->room : 1 + 65536 / per_row;
    size_t values, bytes;
    float *x = NULL;
    uint8_t *label = NULL;
    if (room <= SIZE_MAX / 2 && mul_size(&values, room, per_row) && mul_size(&bytes, values, sizeof *x)) {
        x = t->dim > 0 ? realloc(t->x, bytes) : NULL;
        t->x = x ? x : t->x;
        label = t->label_column > 0 ? realloc(t->labels.label, room) : NULL;
        t->labels.label = label ? label : t->labels.label;
    }
    if ((t->dim > 0 && !x) || (t->label_column > 0 && !label)) {
        return err_set(b->e, ERR_NOMEM, "%s: no memory for more than %zu rows of %zu values: lower data.count",
                       b->in->shown, t->n, t->dim);
    }
    b->room = room;
    return ERR_OK;
}

static enum err_code bad_number(const struct build *b, const struct csv_field *f)
{
    char clean[80];
    double v;
    (void)str_clean(clean, sizeof clean, f->text);
    if (f->text[strspn(f->text, " \t")] == '\0') {
        return csv_bad(b->in, f->line, f->column, b->e,
                       "found an empty field, expected a number: fill it or leave the row out");
    }
    if (csv_number(&v, f->text)) {
        return csv_bad(b->in, f->line, f->column, b->e, "found %s, expected a number below 3.4e38", clean);
    }
    return csv_bad(b->in, f->line, f->column, b->e,
                   "found %s, expected a number such as 0.5%s; if the column has labels: data.labels: column %zu",
                   clean, strchr(f->text, ',') ? " (with a point)" : "", f->column);
}

static enum err_code take_label(struct build *b, const struct csv_field *f)
{
    char word[CSV_MAX_FIELD + 1];
    const char *p = f->text + strspn(f->text, " \t");
    (void)str_copy(word, sizeof word, p);
    for (size_t n = strlen(word); n > 0 && strchr(" \t", word[n - 1]); n--) {
        word[n - 1] = '\0';
    }
    if (*word == '\0') {
        return csv_bad(b->in, f->line, f->column, b->e, "found an empty field, expected a label");
    }
    if (!classes_number(&b->t->labels.label[b->t->n], &b->classes, word)) {
        char clean[80];
        return csv_bad(b->in, f->line, f->column, b->e,
                       "found %s as another label, expected at most %d classes: data.labels: none leaves them out",
                       str_clean(clean, sizeof clean, word), MAX_CLASSES);
    }
    return ERR_OK;
}

static enum err_code wrong_width(const struct build *b, size_t line, size_t n)
{
    return csv_bad(b->in, line, n < b->width ? n : b->width + 1, b->e,
                   "found %s%zu fields, expected %zu as in line %zu",
                   n > b->width ? "more than " : "", n < b->width ? n : b->width, b->width, b->first_line);
}

static enum err_code take_field(struct build *b, const struct csv_field *f)
{
    struct csv_table *t = b->t;
    double v;
    enum err_code rc = f->column == 1 && t->n == b->room ? grow(b) : ERR_OK;
    if (rc) {
        return rc;
    }
    if (f->column > b->width || (f->end == CSV_RECORD && f->column < b->width)) {
        return wrong_width(b, f->line, f->column);
    }
    if (f->column == t->label_column) {
        return take_label(b, f);
    }
    if (!csv_number(&v, f->text) || !isfinite((float)v)) {
        return bad_number(b, f);
    }
    t->x[t->n * t->dim + f->column - 1 - (t->label_column > 0 && f->column > t->label_column)] = (float)v;
    return ERR_OK;
}

static enum err_code take_record(struct build *b, const struct record *r)
{
    const char *p = r->text.text;
    for (size_t i = 0; i < r->n; i++) {
        const struct csv_field f = {.text = p,
                                    .len = strlen(p),
                                    .line = r->line,
                                    .column = i + 1,
                                    .end = i + 1 == r->n ? CSV_RECORD : CSV_FIELD};
        enum err_code rc = take_field(b, &f);
        if (rc) {
            return rc;
        }
        p += f.len + 1;
    }
    b->t->n += r->n > 0;
    return ERR_OK;
}

static bool enough(const struct build *b)
{
    return b->want->count > 0 && b->t->n == b->want->count;
}

/* The first two records, from which all follows: names, width, label column. */
static enum err_code begin(struct build *b)
{
    struct record first = {0}, second = {0};
    enum err_code rc = read_record(&first, b);
    rc = rc || first.n == 0 ? rc : read_record(&second, b);
    if (!rc && first.n == 0) {
        rc = csv_bad(b->in, 1, 1, b->e, "found no rows, expected at least one");
    }
    if (rc) {
        goto out;
    }
    b->width = first.n;
    b->first_line = first.line;
    b->t->header = is_header(&first, &second);
    if (b->want->only_labels) {
        b->t->label_column = 1;
        rc = b->width == 1 ? ERR_OK
                           : csv_bad(b->in, first.line, 2, b->e, "found %zu columns, expected 1 of labels", b->width);
    } else {
        rc = find_label_column(b, &first);
    }
    b->t->dim = b->width - (b->t->label_column > 0);
    if (!rc && b->t->dim == 0 && !b->want->only_labels) {
        rc = csv_bad(b->in, first.line, 1, b->e, "found labels alone, expected columns of numbers beside them");
    }
    rc = rc || b->t->header ? rc : take_record(b, &first);
    rc = rc || enough(b) ? rc : take_record(b, &second);
    if (!rc && b->t->n == 0) {
        rc = csv_bad(b->in, first.line, 1, b->e, "found names of columns alone, expected rows of numbers below them");
    }
out:
    sbuf_release(&first.text);
    sbuf_release(&second.text);
    return rc;
}

static enum err_code read_rest(struct build *b)
{
    while (!enough(b)) {
        struct csv_field f;
        do {
            enum err_code rc = csv_next(b->csv, &f, b->e);
            if (rc || f.end == CSV_FILE) {
                return rc;
            }
            rc = take_field(b, &f);
            if (rc) {
                return rc;
            }
        } while (f.end == CSV_FIELD);
        b->t->n++;
    }
    return ERR_OK;
}

enum err_code csv_table_read(struct csv_table *out, struct input *in, const struct csv_want *want, struct err *e)
{
    struct build b = {.t = out, .want = want, .in = in, .e = e};
    memset(out, 0, sizeof *out);
    enum err_code rc = csv_new(&b.csv, in, e);
    if (rc) {
        return rc;
    }
    rc = begin(&b);
    rc = rc ? rc : read_rest(&b);
    if (!rc && want->count > out->n) {
        rc = err_set(e, ERR_DATA, "%s: found %zu rows, expected at least %zu: lower data.count, or 0 for all",
                     in->shown, out->n, want->count);
    }
    if (!rc && out->label_column > 0) {
        out->labels.n = out->n;
        out->labels.n_classes = classes_settle(&b.classes, out->labels.label, out->n);
    }
    classes_release(&b.classes);
    csv_free(b.csv);
    if (rc) {
        csv_table_release(out);
    }
    return rc;
}
