/* A data set as it is on disk: rows of uint8 or float32, labels beside them. Read once, never changed. */
#ifndef VAETOP_DATA_DATASET_H
#define VAETOP_DATA_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/err.h"
#include "vaetop/conf/config.h"

enum data_type { DATA_U8, DATA_F32 };

/* What data.scale has done: value = (value in the file - shift) * factor, in float. A checkpoint keeps it, so that
 * other rows get the same constants. */
struct data_scale {
    size_t n;              /* pairs of constants: 0 as in the file, 1 for all values, dim: one per column */
    bool clip;             /* to 0 .. 1 (unit): rows not trained on may lie outside */
    float *shift, *factor; /* (n) */
};

struct dataset {
    char *source;        /* as given */
    size_t n;            /* rows */
    size_t dim;          /* values per row */
    size_t height, width; /* dim = height * width; height 1: not an image */
    enum data_type type;
    void *x;             /* (n, dim) row-major; u8 stands for x / 255 */
    uint8_t *label;      /* (n), or NULL */
    int n_classes;       /* labels are 0 .. n_classes - 1; 0 without labels */
    struct data_scale scale; /* already applied to x */
    uint64_t hash;       /* of sizes, values, labels and scale: the identity kept in checkpoints */
};

/* What a header promises, without reading the rows: for the checks before a study's folder is made. */
struct dataset_header {
    size_t n, dim, height, width;
    enum data_type type;
    bool has_labels;
};

/* Both obey data.source, data.labels, data.count, data.seed, data.shape, data.scale; constants of a scale are those of
 * the training rows by split_make(). IDX, NPY (versions 1 to 3), CSV and TSV files, plain or .gz, told by content; all
 * but bytes becomes float32. Values not finite are refused, and values outside 0 .. 1 where loss.likelihood is
 * bernoulli. Messages: file, offset or line and column, found, expected; before anything large is allocated. Labels
 * `auto`: the file named as the images with "labels" for "images" and idx1, with or without .gz, if there is one; of a
 * table the column named label, labels, class or target. A count above what the file has is refused; with a smaller one
 * the rest of a .gz is not read. A peek reads rows only if they are not bytes: their values need the check, too.
 * Errors: DATA (missing, broken, hostile, does not fit), USAGE (split), IO (no permission, read error), NOMEM. */
WUR enum err_code dataset_peek(struct dataset_header *out, const struct config *c, struct err *e);
WUR enum err_code dataset_load(struct dataset *out, const struct config *c, struct err *e);

/* The rows of data.test, where that is a file: all of them, as wide as like->dim, scaled as like->scale says. Labels:
 * the same column, else the file beside it. Errors: as above; NOTFOUND: data.test is no file. */
WUR enum err_code dataset_load_test(struct dataset *out, const struct config *c, const struct dataset *like,
                                    struct err *e);
void dataset_release(struct dataset *d);

/* Training, validation and test rows. Owns: split_release() frees. Disjoint, together all n rows, each ascending;
 * training and validation rows are non-empty. */
struct split {
    uint32_t *train, *val;
    size_t n_train, n_val;
    uint32_t *test; /* NULL: none, or a file of their own */
    size_t n_test;
};
/* data.validation: "0.2" drawn by data.seed, or "last 2000"; data.test the same, taken out first, so that fraction and
 * "last" are of the rest. Errors: USAGE. */
WUR enum err_code split_make(struct split *out, const struct config *c, size_t n, struct err *e);
void split_release(struct split *s);

/* The built-in digits: `count` grey 28 x 28 images of 0..9 in turn-free random order, from stroke skeletons with random
 * slant, scale, thickness, shift and jitter. Same count and seed: same bytes, and a longer run begins with a shorter.
 * Shapes: x (count, 784), label (count). */
void digits_generate(uint8_t *x, uint8_t *label, size_t count, uint64_t seed);

/* Class by majority among the k nearest rows of `train` (squared Euclidean; ties to the smaller distance).
 * Shapes: train (n_train, dim), query (n_query, dim), out (n_query). */
void knn_classify(uint8_t *out, const float *query, size_t n_query, const float *train, const uint8_t *train_label,
                  size_t n_train, size_t dim, int k);

#endif
