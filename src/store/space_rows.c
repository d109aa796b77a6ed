/* A search space that changes while its study lives, and trials of another study that the sampler starts from. */
#include "store_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "optuna.h"
#include "schema.h"

#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"

/* --- rewriting */

/* The range of the old space that a stored parameter belongs to, and its value there. Our trials know; of another
 * program's only the distribution tells. */
static bool find_value(const struct preset *old, enum knob k, sqlite3_stmt *st, size_t *range, double *value)
{
    struct point pt;
    bool ours = sqlite3_column_type(st, 3) == SQLITE_BLOB, found = false;
    if (!ours) {
        return optuna_find_range(old, knob_info(k)->full, db_f64(st, 1), db_text(st, 2), range, value);
    }
    point_init(&pt, old);
    if (point_unpack(&pt, old, sqlite3_column_blob(st, 3), sqlite3_column_bytes(st, 3))) {
        for (size_t r = 0; r < pt.n && !found; r++) {
            found = old->range[r].knob == k && pt.present[r];
            *range = r;
            *value = pt.value[r];
        }
    }
    point_release(&pt);
    return found;
}

/* The indices of wide's choices are those of old: new ones are at the end. */
static enum err_code rewrite(struct store *s, const struct preset *old, const struct preset *wide, enum knob k, int *rows,
                             struct err *e)
{
    int64_t at = 0;
    *rows = 0;
    for (;;) {
        sqlite3_stmt *st;
        bool row;
        size_t range = 0;
        double value = 0;
        enum err_code code = db_bind(&s->db, &st, ST_PARAM_ROWS, e, "tl", knob_info(k)->full, at);
        code = code ? code : db_step(&s->db, st, &row, e);
        if (code || !row) {
            return code;
        }
        at = sqlite3_column_int64(st, 0);
        bool found = find_value(old, k, st, &range, &value);
        db_done(st);
        if (!found) {
            continue; /* outside this space before, too: Optuna's own affair */
        }
        struct sbuf json = {0};
        optuna_distribution(&json, wide, range);
        code = db_run(&s->db, ST_PARAM_SET, e, "dtl", optuna_internal(wide, range, value), json.text, at);
        sbuf_release(&json);
        if (code) {
            return code;
        }
        ++*rows;
    }
}

static enum err_code put_preset(struct store *s, const char *key, const struct preset *p, struct err *e)
{
    struct sbuf yaml = {0};
    preset_format(&yaml, p);
    enum err_code code = store_fact_set(s, key, yaml.text ? yaml.text : "", e);
    if (!code && strcmp(key, "preset") == 0) {
        code = store_put_attr(s, "vaetop_preset", yaml.text ? yaml.text : "", e);
    }
    sbuf_release(&yaml);
    return code;
}

static enum err_code count_change(struct store *s, struct err *e)
{
    char *text = NULL, next[32];
    int64_t n = 0;
    enum err_code code = store_fact_get(s, "space_changes", &text, e);
    if (!code) {
        n = text && str_to_i64(&n, text) ? n : 0;
        (void)snprintf(next, sizeof next, "%lld", (long long)n + 1);
        code = store_fact_set(s, "space_changes", next, e);
    }
    free(text);
    return code;
}

/* The first preset is kept: `run` with it goes on with the study. */
static enum err_code keep_first(struct store *s, const struct preset *old, struct err *e)
{
    char *first = NULL;
    enum err_code code = store_fact_get(s, "preset_first", &first, e);
    code = code || first ? code : put_preset(s, "preset_first", old, e);
    free(first);
    return code;
}

enum err_code store_space(struct store *s, const struct preset *wide, const struct preset *narrow, enum knob k, int *rows,
                          struct err *e)
{
    bool own;
    struct preset old;
    enum err_code code = store_preset(s, &old, e);
    if (code) {
        return code;
    }
    code = write_enter(s, &own, e);
    if (!code) {
        code = keep_first(s, &old, e);
        code = code ? code : rewrite(s, &old, wide, k, rows, e);
        code = code ? code : put_preset(s, "preset", wide, e);
        code = code ? code : put_preset(s, "space", narrow, e);
        code = code ? code : count_change(s, e);
        (void)write_touch(s);
        code = write_leave(s, own, code, e);
    }
    preset_release(&old);
    if (!code && s->have_preset) {
        preset_release(&s->preset);
        s->have_preset = false;
    }
    return code;
}

/* --- another study's trials */

enum err_code store_foreign_add(struct store *s, const struct foreign_row *f, struct err *e)
{
    bool own;
    double *packed = point_pack(&f->point);
    enum err_code code = write_enter(s, &own, e);
    code = code ? code
                : db_run(&s->db, ST_FOREIGN_ADD, e, "tdibdd", trial_phase_word(f->phase), f->value[0], f->epoch,
                         (const void *)packed, (int)(f->point.n * sizeof *packed), f->value[1], f->violation);
    free(packed);
    return write_leave(s, own, code, e);
}

void store_foreign_free(struct foreign_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        point_release(&rows[i].point);
    }
    free(rows);
}

enum err_code store_foreign(struct store *s, const struct preset *p, struct foreign_row **out, size_t *n, struct err *e)
{
    sqlite3_stmt *st;
    bool row = true, there;
    *out = NULL;
    *n = 0;
    enum err_code code = schema_has(&there, &s->db, "vaetop_foreign", e);
    if (code || !there) {
        return code;
    }
    code = db_bind(&s->db, &st, ST_FOREIGN, e, "");
    while (!code && (code = db_step(&s->db, st, &row, e)) == ERR_OK && row) {
        int phase = trial_phase_from_word(db_text(st, 1));
        bool whole = sqlite3_column_count(st) > 6;
        struct foreign_row f = {.phase = phase < 0 ? PHASE_FAILED : (enum trial_phase)phase, .epoch = db_int(st, 3),
                                .value = {db_f64(st, 2), whole ? db_f64(st, 5) : (double)NAN},
                                .violation = whole ? db_f64(st, 6) : 0};
        point_init(&f.point, p);
        if (!point_unpack(&f.point, p, sqlite3_column_blob(st, 4), sqlite3_column_bytes(st, 4))) {
            point_release(&f.point);
            continue;
        }
        *out = xreallocarray(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = f;
    }
    if (code) {
        store_foreign_free(*out, *n);
        *out = NULL;
        *n = 0;
    }
    return code;
}
