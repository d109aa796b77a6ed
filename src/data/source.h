/* A data file, opened, and which format it has: told by its first bytes, not by its name. */
#ifndef VAETOP_DATA_SOURCE_H
#define VAETOP_DATA_SOURCE_H

#include "array.h"

enum source_format { SOURCE_IDX, SOURCE_NPY, SOURCE_CSV };

struct source {
    struct input in;
    enum source_format format;
    struct array array; /* not of CSV: its sizes are known at its end */
};

/* On success source_close() is due; the header of IDX and NPY has been read and checked. knob: whose path it is, for
 * messages. Errors: DATA (missing, of no known format, broken), IO, NOMEM. */
WUR enum err_code source_open(struct source *s, const char *knob, const char *path, bool labels, struct err *e);
void source_close(struct source *s);

#endif
