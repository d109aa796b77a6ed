/* Trials that repeat others with other seeds. */
#include "store_private.h"

#include <stdlib.h>

#include "schema.h"

#include "vaetop/base/alloc.h"

enum err_code store_rerun(struct store *s, int number, int of, struct err *e)
{
    bool own;
    enum err_code code = write_enter(s, &own, e);
    code = code ? code : db_run(&s->db, ST_RERUN_PUT, e, "ii", number, of);
    code = code ? code : db_run(&s->db, ST_TRIAL_EDITED, e, "li", write_touch(s), number);
    return write_leave(s, own, code, e);
}

enum err_code store_reruns(struct store *s, struct rerun_row **out, size_t *n, struct err *e)
{
    sqlite3_stmt *st;
    bool row = true;
    size_t cap = 0;
    *out = NULL;
    *n = 0;
    bool there;
    enum err_code code = schema_has(&there, &s->db, "vaetop_rerun", e);
    if (code || !there) { /* no writer has opened the study since the table came */
        return code;
    }
    code = db_bind(&s->db, &st, ST_RERUNS, e, "");
    while (!code && (code = db_step(&s->db, st, &row, e)) == ERR_OK && row) {
        if (*n == cap) {
            cap = cap ? 2 * cap : 16;
            *out = xreallocarray(*out, cap, sizeof **out);
        }
        (*out)[(*n)++] = (struct rerun_row){db_int(st, 0), db_int(st, 1)};
    }
    if (code) {
        free(*out);
        *out = NULL;
        *n = 0;
    }
    return code;
}
