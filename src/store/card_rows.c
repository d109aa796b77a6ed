/* The devices of the machine that the engine runs on, one row each. */
#include "rows.h"
#include "store_private.h"

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

static bool read_card(void *row, sqlite3_stmt *st)
{
    struct card_row *c = row;
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
    return true;
}

enum err_code store_cards(struct store *s, struct card_row **out, size_t *n, struct err *e)
{
    static const struct row_kind kind = {.size = sizeof **out, .read = read_card, .table = "vaetop_card",
                                         .most = CARDS_MOST};
    struct row_list list;
    enum err_code code = rows_read(&list, &s->db, &kind, ST_CARDS, e, "");
    *out = list.row;
    *n = list.n;
    return code;
}
