#include "labels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "csv.h"
#include "csv_table.h"
#include "source.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"

void classes_release(struct classes *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free(c->word[i]);
    }
    free(c->word);
    *c = (struct classes){0};
}

bool classes_number(uint8_t *out, struct classes *c, const char *word)
{
    for (size_t i = 0; i < c->n; i++) {
        if (strcmp(c->word[i], word) == 0) {
            *out = (uint8_t)i;
            return true;
        }
    }
    if (c->n == MAX_CLASSES) {
        return false;
    }
    c->word = c->word ? c->word : xcalloc(MAX_CLASSES, sizeof *c->word);
    c->word[c->n] = xstrdup(word);
    *out = (uint8_t)c->n++;
    return true;
}

static bool is_class(double v)
{
    return v >= 0 && v < MAX_CLASSES && (double)(int)v == v;
}

int classes_settle(const struct classes *c, uint8_t *label, size_t n)
{
    uint8_t number[MAX_CLASSES] = {0};
    int top = -1;
    for (size_t i = 0; i < c->n; i++) {
        double v;
        if (!csv_number(&v, c->word[i]) || !is_class(v)) {
            return (int)c->n;
        }
        number[i] = (uint8_t)v;
        top = number[i] > top ? number[i] : top;
    }
    for (size_t i = 0; i < n; i++) {
        label[i] = number[label[i]];
    }
    return top + 1;
}

const char *labels_column(const char *text)
{
    return str_starts(text, "column ") ? text + strlen("column ") + strspn(text + strlen("column "), " ") : NULL;
}

bool labels_usual_name(const char *name)
{
    static const char *const usual[] = {"label", "labels", "class", "target"};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        if (strcasecmp(name, usual[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* The file at path with ".gz" put on or taken off, if that one exists. */
static bool with_or_without_gz(char **path)
{
    size_t n = strlen(*path);
    if (fs_exists(*path)) {
        return true;
    }
    char *other = n > 3 && strcmp(*path + n - 3, ".gz") == 0 ? xstrndup(*path, n - 3) : xasprintf("%s.gz", *path);
    if (!fs_exists(other)) {
        free(other);
        return false;
    }
    free(*path);
    *path = other;
    return true;
}

/* MNIST's way of naming: "t10k-images-idx3-ubyte.gz" has its labels in "t10k-labels-idx1-ubyte.gz", "train-images.idx3"
 * in "train-labels.idx1". */
char *labels_beside(const char *images)
{
    const char *base = strrchr(images, '/');
    base = base ? base + 1 : images;
    const char *word = strstr(base, "images");
    if (!word) {
        return NULL;
    }
    char *path = xasprintf("%.*slabels%s", (int)(word - images), images, word + strlen("images"));
    char *rank = strstr(path + (word - images), "idx");
    if (rank && (rank[3] == '2' || rank[3] == '3')) {
        rank[3] = '1';
    }
    if (!with_or_without_gz(&path)) {
        free(path);
        return NULL;
    }
    return path;
}

static enum err_code wrong_count(const struct input *in, size_t found, size_t expected, struct err *e)
{
    return err_set(e, ERR_DATA,
                   "%s: found %zu labels, expected %zu as there are rows: %s", in->shown, found, expected,
                   found == expected + 1 ? "if the first line of data.labels is a name, call it label or leave it out"
                                         : "set data.labels to their file or none");
}

static enum err_code from_table(struct labels *out, struct input *in, size_t file_rows, size_t rows, struct err *e)
{
    struct csv_table t;
    const struct csv_want want = {.only_labels = true};
    enum err_code rc = csv_table_read(&t, in, &want, e);
    if (rc) {
        return rc;
    }
    if (file_rows > 0 ? t.n != file_rows : t.n < rows) {
        rc = wrong_count(in, t.n, file_rows > 0 ? file_rows : rows, e);
        csv_table_release(&t);
        return rc;
    }
    *out = t.labels;
    out->n = rows;
    return ERR_OK;
}

static enum err_code from_array(struct labels *out, const struct array *a, struct input *in, size_t rows, struct err *e)
{
    float *value = try_calloc(rows, sizeof *value);
    out->label = value ? try_calloc(rows, 1) : NULL;
    out->n = rows;
    if (!out->label) {
        free(value);
        return err_set(e, ERR_NOMEM, "%s: no memory for %zu labels: lower data.count", in->shown, rows);
    }
    enum err_code rc = array_read_floats(value, rows, a, in, e);
    for (size_t i = 0; i < rows && !rc; i++) {
        if (!is_class((double)value[i])) {
            rc = input_bad(in, array_offset(a, i, 0), e,
                           "found label %g, expected a whole number of 0 to %d: at most %d classes are read",
                           (double)value[i], MAX_CLASSES - 1, MAX_CLASSES);
            break;
        }
        out->label[i] = (uint8_t)value[i];
        out->n_classes = out->label[i] >= out->n_classes ? out->label[i] + 1 : out->n_classes;
    }
    free(value);
    return rc;
}

enum err_code labels_load(struct labels *out, const char *path, size_t file_rows, size_t rows, struct err *e)
{
    struct source s;
    memset(out, 0, sizeof *out);
    enum err_code rc = source_open(&s, "data.labels", path, true, e);
    if (rc) {
        return rc;
    }
    if (s.format == SOURCE_CSV) {
        rc = from_table(out, &s.in, file_rows, rows, e);
    } else if (file_rows > 0 ? s.array.n != file_rows : s.array.n < rows) {
        rc = wrong_count(&s.in, s.array.n, file_rows > 0 ? file_rows : rows, e);
    } else {
        rc = from_array(out, &s.array, &s.in, rows, e);
    }
    if (rc) {
        labels_release(out);
    }
    source_close(&s);
    return rc;
}

void labels_release(struct labels *l)
{
    free(l->label);
    *l = (struct labels){0};
}
