/* The devices of the machine that the engine runs on, one row each. */
#include "store_private.h"

#include <stdlib.h>

#include "schema.h"

#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"

enum { CARDS_MOST = 4096 };

enum err_code store_card(struct store *s, const struct card_row *c, struct err *e)
{
    bool own;
    enum err_code code = write_enter(s, &own, e);
    code = code ? code
                : db_run(&s->db, ST_CARD_PUT, e, "itttttiiddd", c->index, c->key, c->name, c->type, c->use, c->note,
                         c->first, c->slices, c->temperature_c, c->power_w, c->load);
    return write_leave(s, own, code, e);
}

enum err_code store_cards_drop(struct store *s, int from, struct err *e)
{
    bool own;
    enum err_code code = write_enter(s, &own, e);
    code = code ? code : db_run(&s->db, ST_CARDS_DROP, e, "i", from);
    return write_leave(s, own, code, e);
}

static void fill_card(struct card_row *c, sqlite3_stmt *st)
{
    *c = (struct card_row){.index = db_int(st, 0),
                           .first = db_int(st, 6),
                           .slices = db_int(st, 7),
                           .temperature_c = db_f64(st, 8),
                           .power_w = db_f64(st, 9),
                           .load = db_f64(st, 10)};
    (void)str_clean(c->key, sizeof c->key, db_text(st, 1));
    (void)str_clean(c->name, sizeof c->name, db_text(st, 2));
    (void)str_clean(c->type, sizeof c->type, db_text(st, 3));
    (void)str_clean(c->use, sizeof c->use, db_text(st, 4));
    (void)str_clean(c->note, sizeof c->note, db_text(st, 5));
}

enum err_code store_cards(struct store *s, struct card_row **out, size_t *n, struct err *e)
{
    sqlite3_stmt *st;
    bool row = true, there = false;
    *out = NULL;
    *n = 0;
    enum err_code code = schema_has(&there, &s->db, "vaetop_card", e);
    if (code || !there) {
        return code;
    }
    code = db_bind(&s->db, &st, ST_CARDS, e, "");
    while (!code && *n < CARDS_MOST && (code = db_step(&s->db, st, &row, e)) == ERR_OK && row) {
        *out = xreallocarray(*out, *n + 1, sizeof **out);
        fill_card(&(*out)[(*n)++], st);
    }
    if (code) {
        free(*out);
        *out = NULL;
        *n = 0;
    } else if (row) {
        db_done(st);
    }
    return code;
}
