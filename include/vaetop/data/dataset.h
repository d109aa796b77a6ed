/* A data set as it is on disk: rows of uint8 or float32, labels beside them. Read once, never changed. */
#ifndef VAETOP_DATA_DATASET_H
#define VAETOP_DATA_DATASET_H

#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/err.h"
#include "vaetop/conf/config.h"

enum data_type { DATA_U8, DATA_F32 };

struct dataset {
    char *source;        /* as given */
    size_t n;            /* rows */
    size_t dim;          /* values per row */
    size_t height, width; /* dim = height * width; height 1: not an image */
    enum data_type type;
    void *x;             /* (n, dim) row-major; u8 stands for x / 255 */
    uint8_t *label;      /* (n), or NULL */
    int n_classes;       /* labels are 0 .. n_classes - 1; 0 without labels */
    uint64_t hash;       /* of header and bytes: the identity kept in checkpoints */
};

/* What a header promises, without reading the rows: for the checks before a study's folder is made. */
struct dataset_header {
    size_t n, dim, height, width;
    enum data_type type;
    bool has_labels;
};

/* Both obey data.source, data.labels, data.count, data.seed. Messages: file, offset, found, expected; before anything
 * large is allocated. Labels `auto`: the file named as the images with "labels" for "images" and idx1, with or without
 * .gz, if there is one. A count above what the file has is refused; with a smaller one the rest of a .gz is not read.
 * Errors: DATA (missing, broken, hostile), IO (no permission, read error), NOMEM. */
WUR enum err_code dataset_peek(struct dataset_header *out, const struct config *c, struct err *e);
WUR enum err_code dataset_load(struct dataset *out, const struct config *c, struct err *e);
void dataset_release(struct dataset *d);

/* Training and validation rows. Owns: split_release() frees. Disjoint, together all n rows, both non-empty;
 * training rows ascending, validation rows ascending. */
struct split {
    uint32_t *train, *val;
    size_t n_train, n_val;
};
/* data.validation: "0.2" drawn by data.seed, or "last 2000". Errors: USAGE. */
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
