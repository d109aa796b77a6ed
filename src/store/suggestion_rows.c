/* Why each trial got its point, in which order the trials ended, and what they say together. */
#include "rows.h"
#include "store_private.h"

#include <stdlib.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"

enum err_code store_suggestion(struct store *s, const struct suggestion *made, struct err *e)
{
    bool own;
    enum err_code code = write_enter(s, &own, e);
    code = code ? code
                : db_run(&s->db, ST_SUGGESTION_PUT, e, "lllldddttt", made->number, made->seed, made->told, made->fit,
                         made->mean, made->sd, made->expected, made->sampler, made->running, made->text);
    return write_leave(s, own, code, e);
}

enum err_code store_ended(struct store *s, int number, struct err *e)
{
    bool own;
    enum err_code code = write_enter(s, &own, e);
    code = code ? code : db_run(&s->db, ST_ORDER_ADD, e, "ii", number, 0);
    return write_leave(s, own, code, e);
}

/* Clean for a terminal. Owns: caller frees. */
static char *clean(const char *text)
{
    char buf[400];
    return xstrdup(str_clean(buf, sizeof buf, text));
}

static bool read_suggestion(void *row, sqlite3_stmt *st)
{
    struct suggestion *r = row;
    *r = (struct suggestion){.number = sqlite3_column_int64(st, 0),
                             .seed = sqlite3_column_int64(st, 1),
                             .told = sqlite3_column_int64(st, 2),
                             .fit = sqlite3_column_int64(st, 3),
                             .mean = db_f64(st, 4),
                             .sd = db_f64(st, 5),
                             .expected = db_f64(st, 6),
                             .sampler = clean(db_text(st, 7)),
                             .running = xstrdup(db_text(st, 8)), /* numbers only: for programs */
                             .text = clean(db_text(st, 9))};
    return true;
}

static void release(void *row)
{
    suggestion_release(row);
}

void store_suggestions_free(struct suggestion *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        suggestion_release(&rows[i]);
    }
    free(rows);
}

enum err_code store_suggestions(struct store *s, int first, int last, struct suggestion **out, size_t *n, struct err *e)
{
    static const struct row_kind kind = {.size = sizeof **out, .read = read_suggestion, .release = release,
                                         .table = "vaetop_suggestion"};
    struct row_list list;
    enum err_code code = rows_read(&list, &s->db, &kind, ST_SUGGESTIONS, e, "ii", first, last);
    *out = list.row;
    *n = list.n;
    return code;
}

static bool read_telling(void *row, sqlite3_stmt *st)
{
    *(struct telling *)row = (struct telling){db_int(st, 0), db_int(st, 1)};
    return true;
}

enum err_code store_order(struct store *s, struct telling **out, size_t *n, struct err *e)
{
    static const struct row_kind kind = {.size = sizeof **out, .read = read_telling, .table = "vaetop_order"};
    struct row_list list;
    enum err_code code = rows_read(&list, &s->db, &kind, ST_ORDER, e, "");
    *out = list.row;
    *n = list.n;
    return code;
}

enum err_code store_insight(struct store *s, struct insight *out, struct err *e)
{
    char *text = NULL;
    *out = (struct insight){0};
    enum err_code code = store_fact_get(s, FACT_INSIGHT, &text, e);
    if (!code && (!text || !insight_parse(out, text))) {
        code = err_set(e, ERR_NOTFOUND, "%s: nothing is known of the trials together yet", s->db.path);
    }
    free(text);
    return code;
}
