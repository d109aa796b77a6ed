/* All rows of a statement as an array. */
#ifndef VAETOP_STORE_ROWS_H
#define VAETOP_STORE_ROWS_H

#include "sqlite_db.h"

struct row_kind {
    size_t size;                                /* of one in the array */
    bool (*read)(void *row, sqlite3_stmt *st);  /* false: it is left out, and holds nothing */
    void (*release)(void *row);                 /* NULL: it holds nothing */
    const char *table; /* of studies that a writer has opened since it came; without it there are no rows. NULL: all have it */
    size_t most;       /* 0: any number */
};

struct row_list {
    void *row;
    size_t n;
};

/* Parameters as those of db_bind(). Owns: the caller frees out->row; NULL and 0 on an error. */
WUR enum err_code rows_read(struct row_list *out, struct db *d, const struct row_kind *kind, int id, struct err *e,
                            const char *types, ...);

#endif
