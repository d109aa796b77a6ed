/* Words about a trial that a person should know, one of each kind. */
#include "store_private.h"

#include <stdlib.h>

#include "schema.h"

#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"

enum err_code store_note(struct store *s, const struct trial_note *note, struct err *e)
{
    bool own;
    enum err_code code = write_enter(s, &own, e);
    code = code ? code : db_run(&s->db, ST_NOTE_PUT, e, "itit", note->trial, note->kind, note->epoch, note->text);
    code = code ? code : db_run(&s->db, ST_TRIAL_TOUCH, e, "li", write_touch(s), note->trial);
    return write_leave(s, own, code, e);
}

enum err_code store_notes(struct store *s, int number, struct trial_note **out, size_t *n, struct err *e)
{
    sqlite3_stmt *st;
    bool row = true;
    size_t cap = 0;
    *out = NULL;
    *n = 0;
    bool there;
    enum err_code code = schema_has(&there, &s->db, "vaetop_note", e);
    if (code || !there) { /* no writer has opened the study since the table came */
        return code;
    }
    code = db_bind(&s->db, &st, ST_NOTES, e, "i", number);
    while (!code && (code = db_step(&s->db, st, &row, e)) == ERR_OK && row) {
        if (*n == cap) {
            cap = cap ? 2 * cap : 8;
            *out = xreallocarray(*out, cap, sizeof **out);
        }
        struct trial_note *note = &(*out)[(*n)++];
        *note = (struct trial_note){.trial = db_int(st, 0), .epoch = db_int(st, 1)};
        (void)str_clean(note->kind, sizeof note->kind, db_text(st, 2));
        (void)str_clean(note->text, sizeof note->text, db_text(st, 3));
    }
    if (code) {
        free(*out);
        *out = NULL;
        *n = 0;
    }
    return code;
}
