/* A study and its trials as JSON: numbers as numbers, the unit in the key, null where unknown. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "report.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/conf/paths.h"

#define SCHEMA_VERSION 1

enum err_code write_text(const char *path, const char *text, size_t len, struct err *e)
{
    if (path && strcmp(path, "-") != 0) {
        return fs_write(path, text, len, e);
    }
    if (fwrite(text, 1, len, stdout) != len || fflush(stdout) != 0) {
        return err_set(e, ERR_IO, "standard output: cannot write");
    }
    return ERR_OK;
}

json_t *report_number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *time_text(int64_t us)
{
    char text[32];
    return us > 0 ? json_string(clock_format_utc(text, sizeof text, us)) : json_null();
}

/* "member_unit": the unit in the key; images/s becomes per_s. */
static void epoch_key(char *key, size_t cap, const char *member, const char *unit)
{
    if (strcmp(unit, "nats") == 0) {
        (void)snprintf(key, cap, "%s_nats", member);
    } else if (strcmp(unit, "s") == 0) {
        (void)snprintf(key, cap, "%s", "time_s");
    } else {
        (void)snprintf(key, cap, "%s", member);
    }
}

static json_t *epoch_json(const struct epoch_row *row)
{
    json_t *o = json_object();
    char key[48];
    (void)json_object_set_new(o, "epoch", json_integer(row->epoch));
    (void)json_object_set_new(o, "step", json_integer(row->step));
#define X(member, unit, meaning)                     \
    epoch_key(key, sizeof key, #member, unit);       \
    (void)json_object_set_new(o, key, report_number(row->member));
    EPOCH_METRIC_LIST(X)
#undef X
    return o;
}

static json_t *knob_json(const struct config *c, enum knob k)
{
    const struct knob_info *info = knob_info(k);
    switch (info->type) {
    case KNOB_INT:
        return json_integer(config_i64(c, k));
    case KNOB_FLOAT:
        return report_number(config_f64(c, k));
    case KNOB_CHOICE:
        return json_string(knob_choice_name(k, config_choice(c, k)));
    default:
        return json_string_nocheck(config_text(c, k));
    }
}

json_t *report_params(const struct study *s, const struct trial_row *t)
{
    json_t *o = json_object();
    struct config c;
    if (study_config(&c, s, t, NULL)) {
        return o;
    }
    for (size_t r = 0; r < s->preset.n_ranges; r++) {
        if (t->point.present[r]) {
            enum knob k = s->preset.range[r].knob;
            (void)json_object_set_new(o, knob_info(k)->full, knob_json(&c, k));
        }
    }
    config_release(&c);
    return o;
}

/* The objectives in their own directions; none: []. */
static json_t *values_json(const struct study *s, const struct trial_row *t)
{
    json_t *list = json_array();
    struct scored x = study_scored(s, t);
    for (int k = 0; k < objective_count(s->objective) && isfinite(x.value[k]); k++) {
        (void)json_array_append_new(list, json_real(objective_shown(s->objective, x.value[k])));
    }
    return list;
}

static json_t *trial_json(const struct study *s, const struct trial_row *t)
{
    json_t *o = json_object();
    char text[sizeof t->reason * 4];
    (void)json_object_set_new(o, "number", json_integer(t->number));
    (void)json_object_set_new(o, "phase", json_string(trial_phase_word(t->phase)));
    (void)json_object_set_new(o, "state", json_string(trial_state_name(trial_phase_state(t->phase))));
    (void)json_object_set_new(o, "value_nats",
                              s->objective == OBJECTIVE_KNN ? json_null() : report_number(t->value));
    (void)json_object_set_new(o, "values", values_json(s, t));
    (void)json_object_set_new(o, "require_broken_by", report_number(study_scored(s, t).violation));
    (void)json_object_set_new(o, "bits_per_dim", report_number(study_bits(s, t)));
    (void)json_object_set_new(o, "params", report_params(s, t));
    (void)json_object_set_new(o, "epoch", json_integer(t->has_epoch ? t->last.epoch : 0));
    (void)json_object_set_new(o, "epochs", json_integer(t->epochs));
    (void)json_object_set_new(o, "step", json_integer(t->step));
    (void)json_object_set_new(o, "steps", json_integer(t->steps));
    (void)json_object_set_new(o, "device", json_string(str_clean(text, sizeof text, t->device)));
    (void)json_object_set_new(o, "attempts", json_integer(t->attempts));
    (void)json_object_set_new(o, "edited", json_boolean(t->edited));
    (void)json_object_set_new(o, "weights_kept", json_boolean(t->kept));
    (void)json_object_set_new(o, "reason", json_string(str_clean(text, sizeof text, t->reason)));
    (void)json_object_set_new(o, "started_utc", time_text(t->start_us));
    (void)json_object_set_new(o, "completed_utc", time_text(t->complete_us));
    (void)json_object_set_new(o, "last", t->has_epoch ? epoch_json(&t->last) : json_null());
    (void)json_object_set_new(o, "best", t->has_epoch ? epoch_json(&t->best) : json_null());
    return o;
}

static json_t *space_json(const struct preset *p)
{
    json_t *list = json_array();
    for (size_t r = 0; r < p->n_ranges; r++) {
        struct sbuf text = {0};
        json_t *o = json_object();
        range_format(&text, &p->range[r]);
        (void)json_object_set_new(o, "knob", json_string(knob_info(p->range[r].knob)->full));
        (void)json_object_set_new(o, "range", json_string_nocheck(text.text ? text.text : ""));
        (void)json_array_append_new(list, o);
        sbuf_release(&text);
    }
    return list;
}

static json_t *counts_json(const struct study *s)
{
    json_t *o = json_object();
    for (int p = 0; p < PHASE_COUNT; p++) {
        char key[32];
        (void)str_copy(key, sizeof key, trial_phase_word((enum trial_phase)p));
        key[strcspn(key, " ")] = key[strcspn(key, " ")] ? '_' : '\0';
        (void)json_object_set_new(o, key, json_integer(s->count[p]));
    }
    return o;
}

enum err_code report_write(json_t *o, const char *path, struct err *e)
{
    char *text = json_dumps(o, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    struct sbuf line = {0};
    enum err_code rc;
    json_decref(o);
    if (!text) {
        return err_set(e, ERR_DATA, "a text in the study is not UTF-8 and cannot become JSON");
    }
    sbuf_add(&line, text);
    sbuf_add(&line, "\n");
    rc = write_text(path, line.text, line.len, e);
    sbuf_release(&line);
    free(text);
    return rc;
}

enum err_code report_study_json(const struct study *s, const struct options *o, struct err *e)
{
    json_t *root = json_object();
    json_t *trials = json_array();
    json_t *fixed = json_object();
    size_t *order = study_ranking(s);
    char banner[400];
    for (int k = 0; k < KNOB_COUNT; k++) {
        (void)json_object_set_new(fixed, knob_info((enum knob)k)->full, knob_json(&s->preset.base, (enum knob)k));
    }
    (void)json_object_set_new(root, "schema_version", json_integer(SCHEMA_VERSION));
    (void)json_object_set_new(root, "study", json_string(s->name));
    (void)json_object_set_new(root, "dir", json_string_nocheck(s->dir));
    (void)json_object_set_new(root, "phase", json_string(s->phase ? s->phase : "new"));
    (void)json_object_set_new(root, "engine_running", json_boolean(s->live));
    (void)json_object_set_new(root, "banner", json_string(study_banner(banner, sizeof banner, s)));
    (void)json_object_set_new(root, "trials_total", json_integer(s->total));
    (void)json_object_set_new(root, "counts", counts_json(s));
    (void)json_object_set_new(root, "best_trial", s->best ? json_integer(s->best->number) : json_null());
    (void)json_object_set_new(root, "best_value_nats", s->best && s->objective != OBJECTIVE_KNN ? report_number(s->best->value) : json_null());
    (void)json_object_set_new(root, "objective",
                              json_string(knob_choice_name(KNOB_STUDY_OBJECTIVE, (int)s->objective)));
    (void)json_object_set_new(root, "best_values", s->best ? values_json(s, s->best) : json_array());
    (void)json_object_set_new(root, "space", space_json(&s->preset));
    (void)json_object_set_new(root, "fixed", fixed);
    for (size_t i = 0; i < s->n_trials; i++) {
        (void)json_array_append_new(trials, trial_json(s, &s->trial[order[i]]));
    }
    (void)json_object_set_new(root, "trials", trials);
    free(order);
    return report_write(root, o->output, e);
}

static json_t *edits_json(const struct study *s, int trial)
{
    json_t *list = json_array();
    struct edit_row *edit = NULL;
    size_t n = 0;
    if (store_edits(s->store, trial, &edit, &n, NULL) == ERR_OK) {
        for (size_t i = 0; i < n; i++) {
            json_t *o = json_object();
            (void)json_object_set_new(o, "knob", json_string(knob_info(edit[i].knob)->full));
            (void)json_object_set_new(o, "value", json_string(edit[i].value));
            (void)json_object_set_new(o, "step", json_integer(edit[i].step));
            (void)json_array_append_new(list, o);
        }
    }
    free(edit);
    return list;
}

/* A trial's notes, and how many of its steps they say were skipped. */
static void put_notes(json_t *root, const struct study *s, int trial)
{
    json_t *list = json_array();
    struct trial_note *note = NULL;
    size_t n = 0;
    if (store_notes(s->store, trial, &note, &n, NULL) == ERR_OK) {
        for (size_t i = 0; i < n; i++) {
            json_t *o = json_object();
            (void)json_object_set_new(o, "epoch", json_integer(note[i].epoch));
            (void)json_object_set_new(o, "kind", json_string(note[i].kind));
            (void)json_object_set_new(o, "text", json_string(note[i].text));
            (void)json_array_append_new(list, o);
        }
    }
    (void)json_object_set_new(root, "skipped_steps", json_integer(trial_notes_skipped(note, n)));
    (void)json_object_set_new(root, "notes", list);
    free(note);
}

enum err_code report_trial_line(const struct study *s, const struct trial_row *t, struct err *e)
{
    json_t *o = trial_json(s, t);
    (void)json_object_set_new(o, "schema_version", json_integer(SCHEMA_VERSION));
    (void)json_object_set_new(o, "study", json_string(s->name));
    char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(o);
    if (!text) {
        return err_set(e, ERR_DATA, "a text in the study is not UTF-8 and cannot become JSON");
    }
    bool ok = printf("%s\n", text) > 0 && fflush(stdout) == 0;
    free(text);
    return ok ? ERR_OK : err_set(e, ERR_IO, "standard output: cannot write");
}

enum err_code report_trial_json(const struct study *s, const struct trial_row *t, const struct options *o, struct err *e)
{
    json_t *root = trial_json(s, t);
    json_t *series = json_array();
    json_t *config = json_object();
    struct epoch_row *row = NULL;
    struct config c;
    size_t n = 0;
    enum err_code rc = store_epochs(s->store, t->number, 0, &row, &n, e);
    if (!rc && (rc = study_config(&c, s, t, e)) == ERR_OK) {
        for (int k = 0; k < KNOB_COUNT; k++) {
            (void)json_object_set_new(config, knob_info((enum knob)k)->full, knob_json(&c, (enum knob)k));
        }
        config_release(&c);
    }
    for (size_t i = 0; !rc && i < n; i++) {
        (void)json_array_append_new(series, epoch_json(&row[i]));
    }
    free(row);
    (void)json_object_set_new(root, "schema_version", json_integer(SCHEMA_VERSION));
    (void)json_object_set_new(root, "study", json_string(s->name));
    (void)json_object_set_new(root, "config", config);
    (void)json_object_set_new(root, "edits", edits_json(s, t->number));
    put_notes(root, s, t->number);
    (void)json_object_set_new(root, "series", series);
    if (rc) {
        json_decref(root);
        return rc;
    }
    return report_write(root, o->output, e);
}
