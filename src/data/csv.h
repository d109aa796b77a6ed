/* The fields of a CSV or TSV file, one after another (RFC 4180: quotes, doubled quotes, line ends within quotes), and
 * numbers in them. The delimiter - tab, semicolon, comma, bar or blanks - is found from the first two records. */
#ifndef VAETOP_DATA_CSV_H
#define VAETOP_DATA_CSV_H

#include "input.h"

#define CSV_MAX_FIELD 4096 /* bytes */

enum csv_end {
    CSV_FIELD,  /* another field of this record follows */
    CSV_RECORD, /* the record's last */
    CSV_FILE    /* no field: the file has ended */
};

struct csv_field {
    const char *text; /* until the next call; no zero bytes in it */
    size_t len;
    size_t line, column; /* where it begins, from 1; the column counts fields */
    enum csv_end end;
};

struct csv;
/* The input must outlive it. Errors: DATA, IO. Owns: csv_free(). */
WUR enum err_code csv_new(struct csv **out, struct input *in, struct err *e);
void csv_free(struct csv *c);

/* Blank lines are skipped. At the end of the file its checksum, if it has one, is checked. Errors: DATA, IO. */
WUR enum err_code csv_next(struct csv *c, struct csv_field *out, struct err *e);

/* A decimal number with a point, blanks around it allowed; false for all else, "nan" and "" among it. Whatever the
 * locale is. */
bool csv_number(double *out, const char *text);

/* Fills e with "PATH: line L, column C: text" as DATA and returns it. */
enum err_code csv_bad(const struct input *in, size_t line, size_t column, struct err *e, const char *fmt, ...)
    PRINTF_LIKE(5, 6);

#endif
