/* The made-up study written through the store, for tests of loading and for a look in a real terminal. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "demo_store.h"
#include "vaetop/base/fs.h"

static enum err_code write_trial(struct store *s, const struct demo *d, size_t i, struct err *e)
{
    const struct trial_row *t = &d->trial[i];
    int number = -1;
    enum err_code rc = store_trial_new(s, &number, &d->preset, &t->point,
                                       t->phase == PHASE_ENQUEUED ? PHASE_ENQUEUED : PHASE_QUEUED, e);
    if (!rc && t->has_epoch) {
        rc = store_trial_phase(s, number, PHASE_ACTIVE, NAN, "", e);
        rc = rc ? rc : store_trial_device(s, number, t->device, 1, e);
    }
    for (size_t k = 0; !rc && k < d->n_epochs[i]; k++) {
        rc = store_epoch(s, &d->epoch[i][k], e);
    }
    if (!rc && t->has_epoch) {
        rc = store_progress(s, number, t->step, t->steps, t->epochs, t->images_per_s, e);
    }
    if (!rc && t->phase != PHASE_ACTIVE && t->phase != PHASE_QUEUED && t->phase != PHASE_ENQUEUED) {
        rc = store_trial_phase(s, number, t->phase, t->value, t->reason, e);
    }
    return rc;
}

static enum err_code write_all(struct store *s, const struct demo *d, struct err *e)
{
    enum err_code rc = store_begin(s, e);
    for (size_t i = 0; !rc && i < d->n; i++) {
        rc = write_trial(s, d, i, e);
    }
    for (int i = 0; !rc && i < d->n_devices; i++) {
        rc = store_device(s, &d->device[i], e);
    }
    for (int i = 0; !rc && i < d->n_cards; i++) {
        rc = store_card(s, &d->card[i], e);
    }
    for (int i = 0; !rc && i < d->n_logs; i++) {
        rc = store_log(s, d->log[i].trial, d->log[i].text, e);
    }
    if (!rc && d->n > 0) {
        rc = store_snapshot(s, &d->snapshot, e);
    }
    rc = rc ? rc : store_fact_set(s, "phase", d->n > 0 ? "running" : "", e);
    return rc ? rc : store_commit(s, e);
}

enum err_code demo_store(const char *dir, enum demo_kind kind, struct err *e)
{
    struct demo d;
    struct store *s = NULL;
    demo_make(&d, kind);
    enum err_code rc = fs_mkdirs(dir, e);
    rc = rc ? rc : store_create(dir, "demo", &d.preset, "builtin:digits", e);
    rc = rc ? rc : store_open(&s, dir, true, e);
    rc = rc ? rc : write_all(s, &d, e);
    store_close(s);
    demo_release(&d);
    return rc;
}
