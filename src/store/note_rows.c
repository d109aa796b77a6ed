/* Words about a trial that a person should know, one of each kind. */
#include "rows.h"
#include "store_private.h"

#include "vaetop/base/str.h"

enum err_code store_note(struct store *s, const struct trial_note *note, struct err *e)
{
    bool own;
    enum err_code code = write_enter(s, &own, e);
    code = code ? code : db_run(&s->db, ST_NOTE_PUT, e, "itit", note->trial, note->kind, note->epoch, note->text);
    code = code ? code : db_run(&s->db, ST_TRIAL_TOUCH, e, "li", write_touch(s), note->trial);
    return write_leave(s, own, code, e);
}

static bool read_note(void *row, sqlite3_stmt *st)
{
    struct trial_note *note = row;
    *note = (struct trial_note){.trial = db_int(st, 0), .epoch = db_int(st, 1)};
    (void)str_clean(note->kind, sizeof note->kind, db_text(st, 2));
    (void)str_clean(note->text, sizeof note->text, db_text(st, 3));
    return true;
}

enum err_code store_notes(struct store *s, int number, struct trial_note **out, size_t *n, struct err *e)
{
    static const struct row_kind kind = {.size = sizeof **out, .read = read_note, .table = "vaetop_note"};
    struct row_list list;
    enum err_code code = rows_read(&list, &s->db, &kind, ST_NOTES, e, "i", number);
    *out = list.row;
    *n = list.n;
    return code;
}
