/* Commands that only look: ls, show, presets, and what bare `vaetop` prints. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"

const char *study_standing(const struct study *s)
{
    if (s->live) {
        return s->phase && strcmp(s->phase, "paused") == 0 ? "paused" : "running";
    }
    return !s->phase ? "new" : strcmp(s->phase, "running") == 0 ? "interrupted" : s->phase;
}

int64_t study_last_change(const struct study *s)
{
    int64_t us = 0;
    for (size_t i = 0; i < s->n_trials; i++) {
        us = s->trial[i].start_us > us ? s->trial[i].start_us : us;
        us = s->trial[i].complete_us > us ? s->trial[i].complete_us : us;
    }
    return us;
}

static void ls_line(const struct study *s)
{
    char disk[32];
    char age[32] = "-";
    char best[20];
    int64_t changed = study_last_change(s);
    if (changed > 0) {
        (void)str_duration(age, sizeof age, (double)(clock_utc_us() - changed) * 1e-6);
    }
    (void)printf("%-24s %-11s %5d/%-5d %10s %10s %10s\n", s->name, study_standing(s), study_ended_trials(s), s->total,
                 study_best_text(best, sizeof best, s), age, str_bytes(disk, sizeof disk, fs_tree_bytes(s->dir)));
}

static json_t *ls_json(const struct study *s)
{
    json_t *o = json_object();
    (void)json_object_set_new(o, "study", json_string(s->name));
    (void)json_object_set_new(o, "phase", json_string(study_standing(s)));
    (void)json_object_set_new(o, "engine_running", json_boolean(s->live));
    (void)json_object_set_new(o, "trials_ended", json_integer(study_ended_trials(s)));
    (void)json_object_set_new(o, "trials_total", json_integer(s->total));
    (void)json_object_set_new(o, "best_value_nats",
                              s->best && s->objective != OBJECTIVE_KNN ? json_real(s->best->value) : json_null());
    (void)json_object_set_new(o, "disk_bytes", json_integer((json_int_t)fs_tree_bytes(s->dir)));
    return o;
}

/* Lists every study; one that cannot be opened is named with its reason on stderr and does not hide the others. */
static enum err_code list_studies(const struct options *o, bool heading, size_t *count, struct err *e)
{
    char *parent = studies_dir(o);
    char **name = NULL;
    size_t n = studies_list(&name, parent);
    json_t *list = json_array();
    enum err_code rc = ERR_OK;
    if (heading && n > 0 && !o->json) {
        (void)printf("%-24s %-11s %11s %10s %10s %10s\n", "study", "state", "trials", "best/nats", "age", "disk");
    }
    for (size_t i = 0; i < n; i++) {
        struct study s;
        struct err why;
        if (study_open(&s, o, name[i], &why)) {
            (void)fprintf(stderr, "vaetop: %s: %s\n", name[i], why.text);
        } else {
            if (o->json) {
                (void)json_array_append_new(list, ls_json(&s));
            } else {
                ls_line(&s);
            }
            study_close(&s);
        }
        free(name[i]);
    }
    free(name);
    free(parent);
    *count = n;
    if (o->json) {
        json_t *root = json_pack("{s:i, s:O}", "schema_version", 1, "studies", list);
        char *text = json_dumps(root, JSON_INDENT(2));
        char *line = xasprintf("%s\n", text);
        rc = write_text(o->output, line, strlen(line), e);
        free(line);
        free(text);
        json_decref(root);
    }
    json_decref(list);
    return rc;
}

enum err_code ls_command(const struct options *o, struct err *e)
{
    size_t n;
    enum err_code rc = list_studies(o, true, &n, e);
    if (!rc && n == 0 && !o->json) {
        (void)printf("no studies yet; vaetop run quickstart starts one\n");
    }
    return rc;
}

static void show_heading(const struct study *s)
{
    char banner[400];
    (void)printf("study %s  %s  %d of %d trials ended", s->name, study_standing(s), study_ended_trials(s), s->total);
    if (s->best) {
        char value[64];
        (void)printf("  best #%d %s", s->best->number, study_value_text(value, sizeof value, s, s->best));
    }
    if (study_banner(banner, sizeof banner, s)[0]) {
        (void)printf("\n%s", banner);
    }
    (void)printf("\n\n");
}

static void show_notes(const struct study *s, const struct trial_row *t)
{
    struct trial_note *note = NULL;
    size_t n = 0;
    if (store_notes(s->store, t->number, &note, &n, NULL) == ERR_OK) {
        const int64_t skipped = trial_notes_skipped(note, n);
        if (skipped > 0) {
            (void)printf("skipped: %lld of %lld steps\n", (long long)skipped, (long long)t->step);
        }
        for (size_t i = 0; i < n; i++) {
            (void)printf("note (epoch %d): %s\n", note[i].epoch, note[i].text);
        }
    }
    free(note);
}

static enum err_code show_trial(const struct study *s, const struct trial_row *t, struct err *e)
{
    struct epoch_row *row = NULL;
    struct sbuf point = {0};
    size_t n = 0;
    char clean[192];
    enum err_code rc = store_epochs(s->store, t->number, 0, &row, &n, e);
    if (rc) {
        return rc;
    }
    study_point_text(&point, s, t, "  ");
    (void)printf("trial %d  %s  %s\n", t->number, trial_phase_word(t->phase), point.text ? point.text : "");
    if (t->reason[0]) {
        (void)printf("why: %s\n", str_clean(clean, sizeof clean, t->reason));
    }
    show_notes(s, t);
    (void)printf("\nepoch     step    value      rec       kl    train       lr   beta  active\n");
    for (size_t i = 0; i < n; i++) {
        const double nats[] = {row[i].value, row[i].val_rec, row[i].val_kl, row[i].train_loss};
        char text[32];
        (void)printf("%5d %8lld", row[i].epoch, (long long)row[i].step);
        for (size_t k = 0; k < sizeof nats / sizeof *nats; k++) {
            (void)printf(" %8s", str_fit(text, sizeof text, nats[k], 8, 2));
        }
        (void)printf(" %8.2g %6.3g %7.0f\n", row[i].lr, row[i].beta, row[i].active_units);
    }
    sbuf_release(&point);
    free(row);
    return ERR_OK;
}

enum err_code show_command(const struct options *o, struct err *e)
{
    struct study s;
    const struct trial_row *t = NULL;
    enum err_code rc = study_open(&s, o, o->arg[0], e);
    if (rc) {
        return rc;
    }
    if (o->whole) {
        rc = show_whole_study(&s, o, e);
    } else if (o->trial) {
        rc = study_trial(&t, &s, o->trial, e);
        if (!rc) {
            rc = o->json ? report_trial_json(&s, t, o, e) : show_trial(&s, t, e);
        }
    } else if (o->json_lines) {
        rc = show_json_lines(&s, o, e);
    } else if (o->once || o->plain) {
        rc = show_once(&s, o, e);
    } else if (o->json) {
        rc = report_study_json(&s, o, e);
    } else {
        show_heading(&s);
        study_print_table(&s, 0);
    }
    study_close(&s);
    return rc;
}

static void print_presets(void)
{
    struct preset_entry *list = NULL;
    size_t n = preset_list(&list);
    for (size_t i = 0; i < n; i++) {
        (void)printf("  %-12s %s\n", list[i].name, list[i].lesson);
    }
    preset_list_free(list, n);
}

enum err_code presets_command(const struct options *o, struct err *e)
{
    struct preset p;
    struct preset_entry *list = NULL;
    size_t n;
    enum err_code rc;
    if (o->n_args == 0) {
        (void)printf("presets; vaetop run NAME starts one, vaetop presets NAME prints it\n");
        print_presets();
        return ERR_OK;
    }
    rc = preset_load(&p, o->arg[0], e); /* checks it and knows the nearest name */
    if (rc) {
        return rc;
    }
    n = preset_list(&list);
    rc = err_set(e, ERR_NOTFOUND, "%s: read, but its file has gone", o->arg[0]);
    for (size_t i = 0; i < n && rc; i++) {
        char *text = NULL;
        size_t len = 0;
        if (strcmp(list[i].name, p.name) == 0) {
            rc = fs_read(&text, &len, list[i].path, (size_t)1 << 20, e);
            if (!rc) {
                rc = write_text(o->output, text, len, e);
            }
            free(text);
        }
    }
    preset_list_free(list, n);
    preset_release(&p);
    return rc;
}

enum err_code studies_overview(struct err *e)
{
    const struct options none = {0};
    size_t n;
    enum err_code rc = list_studies(&none, true, &n, e);
    if (!rc) {
        (void)printf("%spresets to start: vaetop run NAME\n", n > 0 ? "\nvaetop attach NAME opens a study\n\n" : "");
        print_presets();
        (void)printf("\nvaetop --help lists the commands\n");
    }
    return rc;
}
