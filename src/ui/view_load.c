/* The view from the store: short reads of what changed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/str.h"
#include "view.h"

enum err_code view_open(struct view *v, struct store *s, struct err *e)
{
    struct preset p;
    char *name = NULL;
    enum err_code rc = store_preset(s, &p, e);
    if (rc) {
        return rc;
    }
    view_set_preset(v, &p);
    preset_release(&p);
    rc = store_name(s, &name, e);
    if (!rc && name) {
        (void)str_clean(v->name, sizeof v->name, name);
    }
    free(name);
    return rc;
}

static enum err_code load_trials(struct view *v, struct store *s, bool *changed, struct err *e)
{
    struct trial_row *row = NULL;
    size_t n = 0;
    int64_t now = 0;
    enum err_code rc = store_changed(s, &now, e);
    if (rc || now <= v->seen_trials) {
        return rc;
    }
    rc = store_trials(s, &v->preset, v->seen_trials, &row, &n, e);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < n; i++) {
        view_put_trial(v, &row[i]);
        v->seen_trials = row[i].changed > v->seen_trials ? row[i].changed : v->seen_trials;
    }
    /* Rows may be newer than the counter read before them, never older. */
    v->seen_trials = now > v->seen_trials ? now : v->seen_trials;
    *changed = *changed || n > 0;
    trial_rows_free(row, n);
    return ERR_OK;
}

static enum err_code load_devices(struct view *v, struct store *s, bool *changed, struct err *e)
{
    struct device_row *row = NULL;
    struct card_row *card = NULL;
    size_t n = 0, n_cards = 0;
    struct view_device old[VIEW_DEVICES];
    int n_old = v->n_devices;
    enum err_code rc = store_devices(s, &row, &n, e);
    rc = rc ? rc : store_cards(s, &card, &n_cards, e);
    if (!rc) {
        memcpy(old, v->device, sizeof old);
        memset(v->device, 0, sizeof v->device);
        view_put_devices(v, card, n_cards, row, n, v->link == LINK_LIVE);
        *changed = *changed || n_old != v->n_devices || memcmp(old, v->device, (size_t)n_old * sizeof old[0]) != 0;
    }
    free(card);
    free(row);
    return rc;
}

static enum err_code load_logs(struct view *v, struct store *s, bool *changed, struct err *e)
{
    struct log_row *row = NULL;
    size_t n = 0;
    enum err_code rc = store_logs(s, v->seen_log, VIEW_LOGS, &row, &n, e);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < n; i++) {
        view_put_log(v, &row[i]);
        v->seen_log = row[i].id > v->seen_log ? row[i].id : v->seen_log;
        *changed = true;
    }
    free(row);
    return ERR_OK;
}

/* A number changed since the preset; what it was when not. */
static enum err_code load_number(int *to, struct store *s, const char *key, bool *changed, struct err *e)
{
    char *text = NULL;
    int64_t n;
    enum err_code rc = store_fact_get(s, key, &text, e);
    if (!rc && text && str_to_i64(&n, text) && n > 0 && n <= INT32_MAX && (int)n != *to) {
        *to = (int)n;
        *changed = true;
    }
    free(text);
    return rc;
}

enum err_code view_load_log(struct view *v, struct store *s, struct err *e)
{
    struct log_row *row = NULL;
    size_t n = 0;
    if (v->whole_log) {
        return ERR_OK;
    }
    enum err_code rc = store_logs(s, 0, VIEW_LOGS_MOST, &row, &n, e);
    if (rc) {
        return rc;
    }
    v->whole_log = true;
    v->n_logs = 0;
    for (size_t i = 0; i < n; i++) {
        view_put_log(v, &row[i]);
        v->seen_log = row[i].id > v->seen_log ? row[i].id : v->seen_log;
    }
    free(row);
    return ERR_OK;
}

/* Ranges that grew and choices that came: the columns stay. */
static enum err_code load_space(struct view *v, struct store *s, bool *changed, struct err *e)
{
    struct preset p;
    int was = v->space_changes;
    enum err_code rc = load_number(&v->space_changes, s, "space_changes", changed, e);
    if (rc || was == v->space_changes) {
        return rc;
    }
    rc = store_preset(s, &p, e);
    if (!rc) {
        view_set_preset(v, &p);
        preset_release(&p);
        v->seen_trials = -1; /* values of new choices are read again */
    }
    return rc;
}

static enum err_code load_phase(struct view *v, struct store *s, bool *changed, struct err *e)
{
    char *phase = NULL, clean[sizeof v->study_phase];
    enum err_code rc = store_fact_get(s, "phase", &phase, e);
    if (rc) {
        return rc;
    }
    (void)str_clean(clean, sizeof clean, phase ? phase : "");
    *changed = *changed || strcmp(clean, v->study_phase) != 0;
    (void)str_copy(v->study_phase, sizeof v->study_phase, clean);
    free(phase);
    return ERR_OK;
}

static enum err_code load_overview(struct view *v, struct store *s, bool *changed, struct err *e)
{
    int finished = v->all.insight.finished;
    int64_t next = v->all.next.text ? v->all.next.number : -1;
    enum err_code rc = overview_load(&v->all, s, e);
    *changed = *changed || finished != v->all.insight.finished || next != (v->all.next.text ? v->all.next.number : -1);
    return rc;
}

enum err_code view_load(struct view *v, struct store *s, bool *changed, struct err *e)
{
    *changed = false;
    enum err_code rc = load_space(v, s, changed, e);
    rc = rc ? rc : load_trials(v, s, changed, e);
    rc = rc ? rc : load_devices(v, s, changed, e);
    rc = rc ? rc : load_logs(v, s, changed, e);
    rc = rc ? rc : load_number(&v->planned, s, "trials", changed, e);
    rc = rc ? rc : load_number(&v->slots, s, "slots", changed, e);
    rc = rc ? rc : load_phase(v, s, changed, e);
    return rc ? rc : load_overview(v, s, changed, e);
}

enum err_code view_load_series(struct view *v, struct store *s, const int *number, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        const struct view_trial *t = view_trial(v, number[i]);
        struct epoch_row *row = NULL;
        size_t n_rows = 0;
        if (!t) {
            continue;
        }
        struct view_series *series = view_series_slot(v, t->number);
        if (series->changed == t->changed || t->epoch == series->last_epoch) {
            continue;
        }
        enum err_code rc = store_epochs(s, t->number, series->last_epoch, &row, &n_rows, e);
        if (rc) {
            return rc;
        }
        view_put_epochs(v, t->number, row, n_rows);
        series->changed = t->changed;
        free(row);
    }
    return ERR_OK;
}

enum err_code view_load_note(struct view *v, struct store *s, int number, struct err *e)
{
    const struct view_trial *t = view_trial(v, number);
    struct trial_note *note = NULL;
    size_t n = 0;
    if (!t || (v->note_of == number && v->note_changed == t->changed)) {
        return ERR_OK;
    }
    enum err_code rc = store_notes(s, number, &note, &n, e);
    if (rc) {
        return rc;
    }
    v->note = n > 0 ? note[n - 1] : (struct trial_note){0};
    v->skipped = trial_notes_skipped(note, n);
    v->note_of = number;
    v->note_changed = t->changed;
    free(note);
    return ERR_OK;
}

enum err_code view_load_snapshot(struct view *v, struct store *s, int number, int epoch, struct err *e)
{
    const struct view_trial *t = view_trial(v, number);
    struct snapshot snap = {0};
    if (!t || t->epoch == 0) {
        return ERR_OK; /* nothing selected yet, or nothing to see of it */
    }
    int want = epoch > 0 ? epoch : t->epoch;
    bool asked = v->snapshot_of == number && v->snapshot_at == epoch && (epoch > 0 || v->snapshot_changed == t->changed);
    if (asked || (v->latent.trial == number && v->latent.epoch == want)) {
        return ERR_OK;
    }
    v->snapshot_of = number;
    v->snapshot_changed = t->changed;
    v->snapshot_at = epoch;
    enum err_code rc = store_snapshot_get(s, number, epoch, &snap, e);
    if (rc == ERR_NOTFOUND) {
        return ERR_OK;
    }
    if (!rc) {
        if (snap.trial != v->latent.trial || snap.epoch != v->latent.epoch) {
            view_put_snapshot(v, &snap);
        }
        snapshot_release(&snap);
    }
    return rc;
}
