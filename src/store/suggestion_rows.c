/* Why each trial got its point, in which order the trials ended, and what they say together. */
#include "store_private.h"

#include <stdlib.h>

#include "schema.h"

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

static void fill(struct suggestion *r, sqlite3_stmt *st)
{
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
    sqlite3_stmt *st;
    bool row = true;
    size_t cap = 0;
    *out = NULL;
    *n = 0;
    bool there;
    enum err_code code = schema_has(&there, &s->db, "vaetop_suggestion", e);
    if (code || !there) { /* no writer has opened the study since the table came */
        return code;
    }
    code = db_bind(&s->db, &st, ST_SUGGESTIONS, e, "ii", first, last);
    while (!code && (code = db_step(&s->db, st, &row, e)) == ERR_OK && row) {
        if (*n == cap) {
            cap = cap ? 2 * cap : 16;
            *out = xreallocarray(*out, cap, sizeof **out);
        }
        fill(&(*out)[(*n)++], st);
    }
    if (code) {
        store_suggestions_free(*out, *n);
        *out = NULL;
        *n = 0;
    }
    return code;
}

enum err_code store_order(struct store *s, struct telling **out, size_t *n, struct err *e)
{
    sqlite3_stmt *st;
    bool row = true;
    size_t cap = 0;
    *out = NULL;
    *n = 0;
    bool there;
    enum err_code code = schema_has(&there, &s->db, "vaetop_order", e);
    if (code || !there) { /* no writer has opened the study since the table came */
        return code;
    }
    code = db_bind(&s->db, &st, ST_ORDER, e, "");
    while (!code && (code = db_step(&s->db, st, &row, e)) == ERR_OK && row) {
        if (*n == cap) {
            cap = cap ? 2 * cap : 64;
            *out = xreallocarray(*out, cap, sizeof **out);
        }
        (*out)[(*n)++] = (struct telling){db_int(st, 0), db_int(st, 1)};
    }
    if (code) {
        free(*out);
        *out = NULL;
        *n = 0;
    }
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
