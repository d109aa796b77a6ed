#include "vaetop/data/dataset.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "idx.h"
#include "input.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/base/str.h"

#define DIGITS_SOURCE "builtin:digits"
#define DIGITS_DEFAULT 6000
#define DIGITS_SIDE 28
#define MAX_CLASSES 255

/* The two files of a data set, opened, their headers checked against each other. */
struct pair {
    struct input images, labels;
    bool has_labels;
    struct idx shape;
    size_t n; /* rows wanted, data.count obeyed */
};

/* "~/x" is the shell's, and a preset has no shell. Owns: caller frees. */
static char *expand_home(const char *path)
{
    const char *home = getenv("HOME");
    return str_starts(path, "~/") && home ? xasprintf("%s%s", home, path + 1) : xstrdup(path);
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
 * in "train-labels.idx1". NULL if there is no such file. Owns: caller frees. */
static char *labels_beside(const char *images)
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

/* A missing data set is ERR_DATA: to the user's shell it is the same as a broken one. */
static enum err_code open_input(struct input *in, const char *knob, const char *path, struct err *e)
{
    enum err_code rc = input_open(in, path, true, e);
    if (rc == ERR_NOTFOUND) {
        rc = err_set(e, ERR_DATA, "%s: found no such file, expected an IDX or IDX.gz file: give another path in %s",
                     in->shown, knob);
    }
    return rc;
}

static enum err_code open_labels(struct pair *p, const char *path, struct err *e)
{
    struct idx header;
    enum err_code rc = open_input(&p->labels, "data.labels", path, e);
    if (rc) {
        return rc;
    }
    rc = idx_read_header(&header, &p->labels, true, e);
    if (!rc && header.n != p->shape.n) {
        rc = input_bad(&p->labels, 4, e,
                       "found %zu labels, expected %zu as there are images: set data.labels to their file or none",
                       header.n, p->shape.n);
    }
    if (rc) {
        input_close(&p->labels);
        return rc;
    }
    p->has_labels = true;
    return ERR_OK;
}

static enum err_code find_labels(struct pair *p, const char *images, const char *labels, struct err *e)
{
    if (strcmp(labels, "none") == 0) {
        return ERR_OK;
    }
    char *path = strcmp(labels, "auto") == 0 ? labels_beside(images) : expand_home(labels);
    enum err_code rc = path ? open_labels(p, path, e) : ERR_OK;
    free(path);
    return rc;
}

static void close_pair(struct pair *p)
{
    input_close(&p->images);
    if (p->has_labels) {
        input_close(&p->labels);
    }
}

/* On success close_pair() is due. */
static enum err_code open_pair(struct pair *p, const struct config *c, struct err *e)
{
    const char *source = config_text(c, KNOB_DATA_SOURCE);
    int64_t count = config_i64(c, KNOB_DATA_COUNT);
    memset(p, 0, sizeof *p);
    if (str_starts(source, "builtin:")) {
        char clean[80];
        return err_set(e, ERR_DATA,
                       "data.source: found %s, expected " DIGITS_SOURCE " or the path of an IDX or IDX.gz file",
                       str_clean(clean, sizeof clean, source));
    }
    char *path = expand_home(source);
    enum err_code rc = open_input(&p->images, "data.source", path, e);
    if (rc) {
        free(path);
        return rc;
    }
    rc = idx_read_header(&p->shape, &p->images, false, e);
    p->n = count > 0 ? (size_t)count : p->shape.n;
    if (!rc && p->n > p->shape.n) {
        rc = input_bad(&p->images, 4, e, "found %zu images, expected at least %zu: lower data.count, or 0 for all",
                       p->shape.n, p->n);
    }
    rc = rc ? rc : find_labels(p, path, config_text(c, KNOB_DATA_LABELS), e);
    free(path);
    if (rc) {
        close_pair(p);
    }
    return rc;
}

static bool is_digits(const struct config *c)
{
    return strcmp(config_text(c, KNOB_DATA_SOURCE), DIGITS_SOURCE) == 0;
}

/* The built-in digits know their labels, so a file of others is a mistake. */
static enum err_code digits_header(struct dataset_header *out, const struct config *c, struct err *e)
{
    const char *labels = config_text(c, KNOB_DATA_LABELS);
    int64_t count = config_i64(c, KNOB_DATA_COUNT);
    bool automatic = strcmp(labels, "auto") == 0;
    if (!automatic && strcmp(labels, "none") != 0) {
        char clean[80];
        return err_set(e, ERR_DATA, "data.labels: found %s, expected auto or none: " DIGITS_SOURCE " brings its own",
                       str_clean(clean, sizeof clean, labels));
    }
    *out = (struct dataset_header){.n = count > 0 ? (size_t)count : DIGITS_DEFAULT,
                                   .dim = (size_t)DIGITS_SIDE * DIGITS_SIDE,
                                   .height = DIGITS_SIDE,
                                   .width = DIGITS_SIDE,
                                   .type = DATA_U8,
                                   .has_labels = automatic};
    return ERR_OK;
}

enum err_code dataset_peek(struct dataset_header *out, const struct config *c, struct err *e)
{
    struct pair p;
    if (is_digits(c)) {
        return digits_header(out, c, e);
    }
    enum err_code rc = open_pair(&p, c, e);
    if (rc) {
        return rc;
    }
    *out = (struct dataset_header){.n = p.n,
                                   .dim = p.shape.dim,
                                   .height = p.shape.height,
                                   .width = p.shape.width,
                                   .type = p.shape.type,
                                   .has_labels = p.has_labels};
    close_pair(&p);
    return ERR_OK;
}

/* Memory for what the header says; the caller has checked that the file can hold it. */
static enum err_code allocate(struct dataset *d, const struct dataset_header *h, const struct config *c, struct err *e)
{
    size_t element = h->type == DATA_U8 ? 1 : sizeof(float), values, bytes;
    memset(d, 0, sizeof *d);
    bool fits = mul_size(&values, h->n, h->dim) && mul_size(&bytes, values, element);
    d->x = fits ? try_calloc(values, element) : NULL;
    d->label = d->x && h->has_labels ? try_calloc(h->n, 1) : NULL;
    if (!d->x || (h->has_labels && !d->label)) {
        char clean[256];
        dataset_release(d);
        return err_set(e, ERR_NOMEM, "%s: no memory for %zu images of %zu values: lower data.count",
                       str_clean(clean, sizeof clean, config_text(c, KNOB_DATA_SOURCE)), h->n, h->dim);
    }
    d->source = xstrdup(config_text(c, KNOB_DATA_SOURCE));
    d->n = h->n;
    d->dim = h->dim;
    d->height = h->height;
    d->width = h->width;
    d->type = h->type;
    return ERR_OK;
}

/* Big-endian floats to the host's, in place, and within [0, 1] as a Bernoulli mean must be. */
static enum err_code convert_floats(float *x, size_t count, const struct input *in, uint64_t offset, struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t b[4];
        memcpy(b, &x[i], sizeof b);
        uint32_t bits = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
        memcpy(&x[i], &bits, sizeof bits);
        if (!(x[i] >= 0.0f && x[i] <= 1.0f)) {
            return input_bad(in, offset + 4 * i, e,
                             "found %g, expected values of 0 to 1 for loss.likelihood bernoulli: scale the data or "
                             "store it as bytes",
                             (double)x[i]);
        }
    }
    return ERR_OK;
}

static enum err_code read_images(struct dataset *d, struct pair *p, struct err *e)
{
    uint64_t header_end = p->images.pos;
    enum err_code rc;
    if (d->type == DATA_U8) {
        rc = input_read(&p->images, d->x, d->n * d->dim, "images", e);
    } else {
        rc = input_read(&p->images, d->x, d->n * d->dim * sizeof(float), "images", e);
        rc = rc ? rc : convert_floats(d->x, d->n * d->dim, &p->images, header_end, e);
    }
    /* With data.count the rest stays unread: unpacking it would cost every worker's start. */
    return rc || d->n < p->shape.n ? rc : input_end(&p->images, e);
}

static enum err_code read_labels(struct dataset *d, struct pair *p, struct err *e)
{
    uint64_t header_end = p->labels.pos;
    enum err_code rc = input_read(&p->labels, d->label, d->n, "labels", e);
    if (!rc && d->n == p->shape.n) {
        rc = input_end(&p->labels, e);
    }
    for (size_t i = 0; i < d->n && !rc; i++) {
        if (d->label[i] >= MAX_CLASSES) {
            return input_bad(&p->labels, header_end + i, e,
                             "found label %d, expected 0 to %d: at most %d classes are read", d->label[i],
                             MAX_CLASSES - 1, MAX_CLASSES);
        }
        d->n_classes = d->label[i] >= d->n_classes ? d->label[i] + 1 : d->n_classes;
    }
    return rc;
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

/* Over sizes, type, values and labels in use, as they are in memory: the same for a file, its .gz and a copy. */
static uint64_t hash_dataset(const struct dataset *d)
{
    const uint64_t header[] = {d->n, d->height, d->width, (uint64_t)d->type, d->label ? 1 : 0};
    uint64_t h = hash_bytes(UINT64_C(0x7661657470446174), header, sizeof header);
    h = hash_bytes(h, d->x, d->n * d->dim * (d->type == DATA_U8 ? 1 : sizeof(float)));
    return d->label ? hash_bytes(h, d->label, d->n) : h;
}

static enum err_code load_digits(struct dataset *out, const struct config *c, struct err *e)
{
    struct dataset_header h;
    uint64_t seed = (uint64_t)config_i64(c, KNOB_DATA_SEED);
    enum err_code rc = digits_header(&h, c, e);
    rc = rc ? rc : allocate(out, &h, c, e);
    if (rc) {
        return rc;
    }
    digits_generate(out->x, out->label, out->n, seed);
    out->n_classes = h.has_labels ? 10 : 0;
    return ERR_OK;
}

static enum err_code load_pair(struct dataset *out, const struct config *c, struct err *e)
{
    struct pair p;
    enum err_code rc = open_pair(&p, c, e);
    if (rc) {
        return rc;
    }
    const struct dataset_header h = {p.n, p.shape.dim, p.shape.height, p.shape.width, p.shape.type, p.has_labels};
    rc = allocate(out, &h, c, e);
    if (!rc) {
        rc = read_images(out, &p, e);
        rc = rc || !p.has_labels ? rc : read_labels(out, &p, e);
        if (rc) {
            dataset_release(out);
        }
    }
    close_pair(&p);
    return rc;
}

enum err_code dataset_load(struct dataset *out, const struct config *c, struct err *e)
{
    enum err_code rc = is_digits(c) ? load_digits(out, c, e) : load_pair(out, c, e);
    if (!rc) {
        out->hash = hash_dataset(out);
    }
    return rc;
}

void dataset_release(struct dataset *d)
{
    free(d->source);
    free(d->x);
    free(d->label);
    memset(d, 0, sizeof *d);
}
