/* A CSV or TSV file as rows of numbers, one column of labels among them or not. */
#ifndef VAETOP_DATA_CSV_TABLE_H
#define VAETOP_DATA_CSV_TABLE_H

#include "labels.h"

struct csv_table {
    size_t n, dim;       /* rows, and numbers per row: labels not counted */
    float *x;            /* (n, dim); NULL if dim is 0 */
    struct labels labels; /* label NULL: none */
    size_t label_column; /* from 1; 0: none */
    bool header;         /* the first record has names */
};

struct csv_want {
    const char *labels; /* "none", "auto" (a column of the usual name) or "column NAME|N" */
    bool only_labels;   /* one column, and it is the labels; then `labels` is not looked at */
    size_t count;       /* rows to read; 0: all */
};

/* Errors: DATA with line and column, IO, NOMEM. Owns: csv_table_release(). */
WUR enum err_code csv_table_read(struct csv_table *out, struct input *in, const struct csv_want *want, struct err *e);
void csv_table_release(struct csv_table *t);

/* The file's column of value `col` of a row, from 1. */
size_t csv_table_column(const struct csv_table *t, size_t col);

#endif
