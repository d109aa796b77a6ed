#include "vaetop/data/dataset.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "csv_table.h"
#include "labels.h"
#include "scale.h"
#include "source.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"

#define DIGITS_SOURCE "builtin:digits"
#define DIGITS_DEFAULT 6000
#define DIGITS_SIDE 28

/* One file of rows to load: the training data's or the test's. */
struct request {
    const struct config *c;
    enum knob knob;             /* whose path it is, for messages */
    const char *path, *labels;  /* as data.labels */
    size_t count;               /* rows; 0: all */
    const struct dataset *like; /* width and scale to take over; NULL: made from the rows themselves */
    bool sizes_only;            /* bytes stay unread */
};

/* Where values stand in the file they come from, for messages. */
struct place {
    const struct source *source;   /* NULL: in no file */
    const struct csv_table *table; /* NULL: in an array */
};

/* "~/x" is the shell's, and a preset has no shell. Owns: caller frees. */
static char *expand_home(const char *path)
{
    const char *home = getenv("HOME");
    return str_starts(path, "~/") && home ? xasprintf("%s%s", home, path + 1) : xstrdup(path);
}

static enum err_code bad_value(const struct place *p, const struct dataset *d, size_t at, struct err *e,
                               const char *text)
{
    const size_t row = at / d->dim, col = at % d->dim;
    if (!p->source) {
        return err_set(e, ERR_DATA, "%s: row %zu, value %zu: %s", d->source, row + 1, col + 1, text);
    }
    if (p->table) {
        return err_set(e, ERR_DATA, "%s: row %zu, column %zu: %s", p->source->in.shown, row + 1,
                       csv_table_column(p->table, col), text);
    }
    return input_bad(&p->source->in, array_offset(&p->source->array, row, col), e, "%s", text);
}

static enum err_code check_values(const struct dataset *d, const struct place *p, bool probabilities, struct err *e)
{
    const float *x = d->x;
    char text[256];
    for (size_t i = 0; i < d->n * d->dim; i++) {
        if (!isfinite(x[i])) {
            (void)snprintf(text, sizeof text, "found %g, expected a finite number of float32: leave the row out",
                           (double)x[i]);
            return bad_value(p, d, i, e, text);
        }
        if (probabilities && !(x[i] >= 0.0f && x[i] <= 1.0f)) {
            (void)snprintf(text, sizeof text,
                           "found %g, expected values of 0 to 1 for loss.likelihood bernoulli: set data.scale to %s",
                           (double)x[i], d->scale.n == 0 && x[i] > 1 && x[i] <= 255 ? "255 or unit" : "unit");
            return bad_value(p, d, i, e, text);
        }
    }
    return ERR_OK;
}

/* data.shape, which regroups a row's values and changes none. */
static enum err_code reshape(struct dataset *d, const struct request *r, struct err *e)
{
    const char *shape = config_text(r->c, KNOB_DATA_SHAPE);
    size_t height, width;
    char clean[256], clean_shape[40];
    (void)str_clean(clean, sizeof clean, r->path);
    if (*shape != '\0') {
        if (!config_shape(&height, &width, shape) || height * width != d->dim) {
            return err_set(e, ERR_DATA, "data.shape: found %s, expected a shape of %zu values as the rows of %s have",
                           str_clean(clean_shape, sizeof clean_shape, shape), d->dim, clean);
        }
        d->height = height;
        d->width = width;
    }
    if (r->like && r->like->dim != d->dim) {
        return err_set(e, ERR_DATA, "%s: found rows of %zu values, expected %zu as the training rows have", clean,
                       d->dim, r->like->dim);
    }
    return ERR_OK;
}

/* The rows as in the file become the rows to train on. */
static enum err_code finish_floats(struct dataset *d, const struct request *r, const struct place *p, struct err *e)
{
    const enum data_scaling how = (enum data_scaling)config_choice(r->c, KNOB_DATA_SCALE);
    const char *likelihood = knob_choice_name(KNOB_LOSS_LIKELIHOOD, config_choice(r->c, KNOB_LOSS_LIKELIHOOD));
    struct split split = {0};
    enum err_code rc = check_values(d, p, false, e);
    if (rc) {
        return rc;
    }
    if (r->like) {
        scale_copy(&d->scale, &r->like->scale);
    } else {
        rc = how == SCALING_UNIT || how == SCALING_STANDARD ? split_make(&split, r->c, d->n, e) : ERR_OK;
        if (rc) {
            return rc;
        }
        scale_fit(&d->scale, d, how, &split);
        split_release(&split);
    }
    scale_apply(d, &d->scale);
    return check_values(d, p, strcmp(likelihood, "bernoulli") == 0, e);
}

/* Memory for rows; the caller has checked that the file can hold them. */
static enum err_code allocate(struct dataset *d, struct err *e)
{
    const size_t element = d->type == DATA_U8 ? 1 : sizeof(float);
    size_t values, bytes;
    d->x = mul_size(&values, d->n, d->dim) && mul_size(&bytes, values, element) ? try_calloc(values, element) : NULL;
    if (!d->x) {
        char clean[256];
        return err_set(e, ERR_NOMEM, "%s: no memory for %zu rows of %zu values: lower data.count",
                       str_clean(clean, sizeof clean, d->source), d->n, d->dim);
    }
    return ERR_OK;
}

/* Labels of a file of their own, named or beside the rows. file_rows: of the whole file of rows; 0: not known. */
static enum err_code load_labels(struct dataset *d, const struct request *r, size_t file_rows, struct err *e)
{
    const bool automatic = strcmp(r->labels, "auto") == 0;
    if (strcmp(r->labels, "none") == 0 || d->label) {
        return ERR_OK;
    }
    char *path = expand_home(automatic ? r->path : r->labels);
    char *labels = automatic ? labels_beside(path) : xstrdup(path);
    struct labels l = {0};
    enum err_code rc = labels ? labels_load(&l, labels, file_rows, d->n, e) : ERR_OK;
    free(path);
    free(labels);
    d->label = l.label;
    d->n_classes = l.n_classes;
    return rc;
}

/* Bytes that stand for x / 255 as they are. */
static bool stays_bytes(const struct request *r, enum element type)
{
    const enum data_scaling how = (enum data_scaling)config_choice(r->c, KNOB_DATA_SCALE);
    if (r->like) {
        return type == ELEMENT_U8 ? scale_is_bytes(&r->like->scale) : type == ELEMENT_BOOL && r->like->scale.n == 0;
    }
    return type == ELEMENT_U8     ? how == SCALING_AUTO || how == SCALING_255
           : type == ELEMENT_BOOL ? how == SCALING_AUTO || how == SCALING_NONE
                                  : false;
}

static enum err_code load_array(struct dataset *d, const struct request *r, struct source *s, struct err *e)
{
    const struct array *a = &s->array;
    const bool bytes = stays_bytes(r, a->type);
    enum err_code rc = ERR_OK;
    if (labels_column(r->labels)) {
        return input_bad(&s->in, 0, e,
                         "found an array, expected a CSV or TSV file as data.labels names a column of it");
    }
    if (r->count > a->n) {
        return input_bad(&s->in, 4, e, "found %zu rows, expected at least %zu: lower data.count, or 0 for all", a->n,
                         r->count);
    }
    d->n = r->count > 0 ? r->count : a->n;
    d->dim = a->dim;
    d->height = a->height;
    d->width = a->width;
    d->type = bytes ? DATA_U8 : DATA_F32;
    rc = reshape(d, r, e);
    rc = rc ? rc : load_labels(d, r, a->n, e);
    if (bytes && a->type == ELEMENT_U8) {
        scale_bytes(&d->scale);
    }
    if (rc || (bytes && r->sizes_only)) {
        return rc;
    }
    rc = allocate(d, e);
    if (rc) {
        return rc;
    }
    if (bytes) {
        return array_read_bytes(d->x, d->n, a, &s->in, e);
    }
    rc = array_read_floats(d->x, d->n, a, &s->in, e);
    return rc ? rc : finish_floats(d, r, &(struct place){.source = s}, e);
}

static enum err_code load_table(struct dataset *d, const struct request *r, struct source *s, struct err *e)
{
    struct csv_table t;
    const struct csv_want want = {.labels = r->labels, .count = r->count};
    enum err_code rc = csv_table_read(&t, &s->in, &want, e);
    if (rc) {
        return rc;
    }
    d->n = t.n;
    d->dim = t.dim;
    d->height = 1;
    d->width = t.dim;
    d->type = DATA_F32;
    d->x = t.x;
    d->label = t.labels.label;
    d->n_classes = t.labels.n_classes;
    rc = reshape(d, r, e);
    rc = rc || labels_column(r->labels) ? rc : load_labels(d, r, r->count > 0 ? 0 : t.n, e);
    return rc ? rc : finish_floats(d, r, &(struct place){.source = s, .table = &t}, e);
}

static enum err_code load_file(struct dataset *d, const struct request *r, struct err *e)
{
    struct source s;
    char clean[80];
    if (str_starts(r->path, "builtin:")) {
        return err_set(e, ERR_DATA, "%s: found %s, expected %sthe path of an IDX, NPY, CSV or TSV file",
                       knob_info(r->knob)->full, str_clean(clean, sizeof clean, r->path),
                       r->knob == KNOB_DATA_SOURCE ? DIGITS_SOURCE " or " : "");
    }
    char *path = expand_home(r->path);
    enum err_code rc = source_open(&s, knob_info(r->knob)->full, path, false, e);
    free(path);
    if (rc) {
        return rc;
    }
    rc = s.format == SOURCE_CSV ? load_table(d, r, &s, e) : load_array(d, r, &s, e);
    source_close(&s);
    return rc;
}

/* The built-in digits know their labels, so others are a mistake. */
static enum err_code digits_sizes(struct dataset *d, const struct request *r, struct err *e)
{
    const bool automatic = strcmp(r->labels, "auto") == 0;
    if (!automatic && strcmp(r->labels, "none") != 0) {
        char clean[80];
        return err_set(e, ERR_DATA, "data.labels: found %s, expected auto or none: " DIGITS_SOURCE " brings its own",
                       str_clean(clean, sizeof clean, r->labels));
    }
    d->n = r->count > 0 ? r->count : DIGITS_DEFAULT;
    d->dim = (size_t)DIGITS_SIDE * DIGITS_SIDE;
    d->height = d->width = DIGITS_SIDE;
    d->type = stays_bytes(r, ELEMENT_U8) ? DATA_U8 : DATA_F32;
    d->label = automatic ? xcalloc(d->n, 1) : NULL;
    d->n_classes = automatic ? 10 : 0;
    if (d->type == DATA_U8) {
        scale_bytes(&d->scale);
    }
    return reshape(d, r, e);
}

static enum err_code load_digits(struct dataset *d, const struct request *r, struct err *e)
{
    enum err_code rc = digits_sizes(d, r, e);
    if (rc || (d->type == DATA_U8 && r->sizes_only)) {
        return rc;
    }
    rc = allocate(d, e);
    if (rc) {
        return rc;
    }
    const size_t values = d->n * d->dim;
    uint8_t *bytes = d->type == DATA_U8 ? d->x : try_calloc(values, 1);
    if (!bytes) {
        return err_set(e, ERR_NOMEM, DIGITS_SOURCE ": no memory for %zu images: lower data.count", d->n);
    }
    digits_generate(bytes, d->label, d->n, (uint64_t)config_i64(r->c, KNOB_DATA_SEED));
    if (d->type == DATA_U8) {
        return ERR_OK;
    }
    for (size_t i = 0; i < values; i++) {
        ((float *)d->x)[i] = bytes[i];
    }
    free(bytes);
    return finish_floats(d, r, &(struct place){.source = NULL}, e);
}

/* Mixes words into h; every step is a bijection of h, so that no single change can be lost. Multiplier: 2^64 / golden
 * ratio, odd. */
static uint64_t hash_bytes(uint64_t h, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i += 8) {
        uint64_t w = 0;
        memcpy(&w, p + i, n - i < 8 ? n - i : 8);
        h = (h ^ w) * UINT64_C(0x9E3779B97F4A7C15);
        h ^= h >> 32;
    }
    return h;
}

/* Over sizes, type, values and labels in use, as they are in memory, and the scale's constants: the same for a file,
 * its .gz and a copy. */
static uint64_t hash_dataset(const struct dataset *d)
{
    const uint64_t header[] = {d->n,       d->height,       d->width, (uint64_t)d->type, d->label ? 1 : 0,
                               d->scale.n, d->scale.clip ? 1 : 0};
    uint64_t h = hash_bytes(UINT64_C(0x7661657470446174), header, sizeof header);
    if (d->scale.n > 0) {
        h = hash_bytes(h, d->scale.shift, d->scale.n * sizeof *d->scale.shift);
        h = hash_bytes(h, d->scale.factor, d->scale.n * sizeof *d->scale.factor);
    }
    h = hash_bytes(h, d->x, d->n * d->dim * (d->type == DATA_U8 ? 1 : sizeof(float)));
    return d->label ? hash_bytes(h, d->label, d->n) : h;
}

static enum err_code load(struct dataset *d, const struct request *r, struct err *e)
{
    const bool digits = r->knob == KNOB_DATA_SOURCE && strcmp(r->path, DIGITS_SOURCE) == 0;
    memset(d, 0, sizeof *d);
    d->source = xstrdup(r->path);
    enum err_code rc = digits ? load_digits(d, r, e) : load_file(d, r, e);
    if (rc) {
        dataset_release(d);
    } else if (!r->sizes_only) {
        d->hash = hash_dataset(d);
    }
    return rc;
}

static struct request source_request(const struct config *c)
{
    return (struct request){.c = c,
                            .knob = KNOB_DATA_SOURCE,
                            .path = config_text(c, KNOB_DATA_SOURCE),
                            .labels = config_text(c, KNOB_DATA_LABELS),
                            .count = (size_t)config_i64(c, KNOB_DATA_COUNT)};
}

static bool test_is_file(const struct config *c)
{
    const char *test = config_text(c, KNOB_DATA_TEST);
    return *test != '\0' && config_rows(test, true).kind == ROWS_FILE;
}

/* A labels file is that of the training rows; the test's has one of its own beside it. */
static struct request test_request(const struct config *c, const struct dataset *like)
{
    const char *labels = config_text(c, KNOB_DATA_LABELS);
    const bool same = labels_column(labels) || strcmp(labels, "none") == 0;
    return (struct request){.c = c,
                            .knob = KNOB_DATA_TEST,
                            .path = config_text(c, KNOB_DATA_TEST),
                            .labels = same ? labels : "auto",
                            .like = like};
}

enum err_code dataset_peek(struct dataset_header *out, const struct config *c, struct err *e)
{
    struct dataset d, test;
    struct request r = source_request(c);
    r.sizes_only = true;
    enum err_code rc = load(&d, &r, e);
    if (rc) {
        return rc;
    }
    if (test_is_file(c)) {
        r = test_request(c, &d);
        r.sizes_only = true;
        rc = load(&test, &r, e);
        if (!rc) {
            dataset_release(&test);
        }
    }
    *out = (struct dataset_header){.n = d.n,
                                   .dim = d.dim,
                                   .height = d.height,
                                   .width = d.width,
                                   .type = d.type,
                                   .has_labels = d.label != NULL};
    dataset_release(&d);
    return rc;
}

enum err_code dataset_load(struct dataset *out, const struct config *c, struct err *e)
{
    const struct request r = source_request(c);
    return load(out, &r, e);
}

enum err_code dataset_load_test(struct dataset *out, const struct config *c, const struct dataset *like,
                                struct err *e)
{
    if (!test_is_file(c)) {
        char clean[80];
        memset(out, 0, sizeof *out);
        return err_set(e, ERR_NOTFOUND, "data.test: found \"%s\", expected the path of a file",
                       str_clean(clean, sizeof clean, config_text(c, KNOB_DATA_TEST)));
    }
    const struct request r = test_request(c, like);
    return load(out, &r, e);
}

void dataset_release(struct dataset *d)
{
    free(d->source);
    free(d->x);
    free(d->label);
    scale_release(&d->scale);
    memset(d, 0, sizeof *d);
}
