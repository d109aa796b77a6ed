#include "rows.h"

#include <stdarg.h>
#include <stdlib.h>

#include "schema.h"

#include "vaetop/base/alloc.h"

enum { FIRST_CAP = 16 };

static void *at(const struct row_list *r, const struct row_kind *kind, size_t i)
{
    return (char *)r->row + i * kind->size;
}

static void drop(struct row_list *r, const struct row_kind *kind)
{
    for (size_t i = 0; kind->release && i < r->n; i++) {
        kind->release(at(r, kind, i));
    }
    free(r->row);
    *r = (struct row_list){0};
}

enum err_code rows_read(struct row_list *out, struct db *d, const struct row_kind *kind, int id, struct err *e,
                        const char *types, ...)
{
    sqlite3_stmt *st = NULL;
    size_t cap = 0;
    bool row = true, there = true;
    *out = (struct row_list){0};
    enum err_code code = kind->table ? schema_has(&there, d, kind->table, e) : ERR_OK;
    if (code || !there) {
        return code;
    }
    va_list ap;
    va_start(ap, types);
    code = db_vbind(d, &st, id, e, types, &ap);
    va_end(ap);
    while (!code && (!kind->most || out->n < kind->most) && (code = db_step(d, st, &row, e)) == ERR_OK && row) {
        if (out->n == cap) {
            cap = cap ? 2 * cap : FIRST_CAP;
            out->row = xreallocarray(out->row, cap, kind->size);
        }
        out->n += kind->read(at(out, kind, out->n), st);
    }
    if (code) {
        drop(out, kind);
    } else if (row) {
        db_done(st);
    }
    return code;
}
