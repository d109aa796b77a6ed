/* Trials that repeat others with other seeds. */
#include "rows.h"
#include "store_private.h"

enum err_code store_rerun(struct store *s, int number, int of, struct err *e)
{
    bool own;
    enum err_code code = write_enter(s, &own, e);
    code = code ? code : db_run(&s->db, ST_RERUN_PUT, e, "ii", number, of);
    code = code ? code : db_run(&s->db, ST_TRIAL_EDITED, e, "li", write_touch(s), number);
    return write_leave(s, own, code, e);
}

static bool read_rerun(void *row, sqlite3_stmt *st)
{
    *(struct rerun_row *)row = (struct rerun_row){db_int(st, 0), db_int(st, 1)};
    return true;
}

enum err_code store_reruns(struct store *s, struct rerun_row **out, size_t *n, struct err *e)
{
    static const struct row_kind kind = {.size = sizeof **out, .read = read_rerun, .table = "vaetop_rerun"};
    struct row_list list;
    enum err_code code = rows_read(&list, &s->db, &kind, ST_RERUNS, e, "");
    *out = list.row;
    *n = list.n;
    return code;
}
