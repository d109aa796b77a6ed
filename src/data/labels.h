/* Labels beside the rows: whole numbers, or words that are numbered as they come. */
#ifndef VAETOP_DATA_LABELS_H
#define VAETOP_DATA_LABELS_H

#include "input.h"

#define MAX_CLASSES 255

/* Words seen so far. {0} is an empty list. */
struct classes {
    char **word;
    size_t n;
};
void classes_release(struct classes *c);
/* The word's number, a new one if it is new. False: more than MAX_CLASSES. */
bool classes_number(uint8_t *out, struct classes *c, const char *word);
/* If every word is a whole number of 0 to 254, labels become these numbers. Returns the count of classes. */
int classes_settle(const struct classes *c, uint8_t *label, size_t n);

struct labels {
    uint8_t *label;
    size_t n;
    int n_classes;
};
/* The labels of the first `rows` rows from an IDX, NPY or one-column CSV file. file_rows: how many there must be; 0: at
 * least `rows`. Errors: DATA, IO, NOMEM. Owns: labels_release(). */
WUR enum err_code labels_load(struct labels *out, const char *path, size_t file_rows, size_t rows, struct err *e);
void labels_release(struct labels *l);

/* The labels file beside a file of images. NULL: none. Owns: caller frees. */
char *labels_beside(const char *images);

/* The word of data.labels or of a header names the column: NULL if text is not "column X", else X. */
const char *labels_column(const char *text);
/* A column of this name holds labels, if no one says otherwise. */
bool labels_usual_name(const char *name);

#endif
