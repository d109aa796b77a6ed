/* The study on disk: Optuna's tables and ours in study.db, pictures in snapshots.db.
 * One writer (the engine), any number of readers. Source: shared facts on Optuna's schema; unstamped, UTC. */
#ifndef VAETOP_STORE_STORE_H
#define VAETOP_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/err.h"
#include "vaetop/base/proc.h"
#include "vaetop/conf/insight.h"
#include "vaetop/conf/preset.h"
#include "vaetop/conf/trial.h"

struct store;

/* Makes study.db and snapshots.db in dir (which exists, without them); nothing is left after an error. p has passed
 * preset_check(): its order of ranges is that of the stored points. Sets the facts "data" (data_note), "uuid" and
 * "version". Errors: DB, IO. */
WUR enum err_code store_create(const char *dir, const char *study_name, const struct preset *p, const char *data_note,
                               struct err *e);
/* rw only in the engine. Checks the schema version; a writer also checks a small file whole. A reader works in a folder
 * without write permission too. Errors: NOTFOUND, DB (damaged, no study, newer), BUSY, IO (permission). */
WUR enum err_code store_open(struct store **out, const char *dir, bool rw, struct err *e);
void store_close(struct store *s);

/* --- writing; everything between begin and commit is one transaction, a call outside is one of its own.
 * Errors of every call: DB; IO (disk full, no permission) and BUSY (another program holds the file for over a second):
 * then store_rollback() and the whole group again, later. USAGE and NOTFOUND have written nothing, and the transaction
 * stands. A failed store_commit() has rolled back. */
WUR enum err_code store_begin(struct store *s, struct err *e);
WUR enum err_code store_commit(struct store *s, struct err *e);
void store_rollback(struct store *s);

/* A new trial with its values; *number is dense from 0. phase QUEUED or ENQUEUED. Errors: USAGE (values outside p). */
WUR enum err_code store_trial_new(struct store *s, int *number, const struct preset *p, const struct point *pt,
                                  enum trial_phase phase, struct err *e);
/* The phase a person sees and Optuna's state with it; reason may be NULL. A final phase sets datetime_complete, value
 * and reason; DONE needs a finite value, PRUNED and STOPPED take the last epoch's for NaN, FAIL states have none.
 * A final trial never changes again: every call on it but store_trial_kept() is ERR_USAGE, also when Optuna
 * finished it. */
WUR enum err_code store_trial_phase(struct store *s, int number, enum trial_phase phase, double value,
                                    const char *reason, struct err *e);
/* Which device runs it ("" when none), how often it was started. */
WUR enum err_code store_trial_device(struct store *s, int number, const char *device, int attempts, struct err *e);
/* Where a running trial stands inside its epoch; cheap, at most twice a second. */
WUR enum err_code store_progress(struct store *s, int number, int64_t step, int64_t steps, int epochs,
                                 double images_per_s, struct err *e);
/* Epoch row (replaces a row of the same epoch: re-sends are harmless) and Optuna's intermediate value at that step. */
WUR enum err_code store_epoch(struct store *s, const struct epoch_row *row, struct err *e);
/* In snapshots.db, by itself at once: no part of the transaction. Losing one is no harm. At most 32 epochs a trial
 * (every second dropped when full) and 256 MiB a study (oldest dropped). */
WUR enum err_code store_snapshot(struct store *s, const struct snapshot *snap, struct err *e);
/* A recorded edit of a running trial (knob, value, step); the trial is marked edited. */
WUR enum err_code store_edit(struct store *s, int number, enum knob k, const char *value, int64_t step, struct err *e);
/* The trial repeats another with another seed: marked as an edited one, ranked, and no word to the sampler. */
WUR enum err_code store_rerun(struct store *s, int number, int of, struct err *e);
/* A word about a trial; replaces the one of the same kind. Of a trial that is final too. */
WUR enum err_code store_note(struct store *s, const struct trial_note *note, struct err *e);
/* Weights kept or deleted for a finished trial. */
WUR enum err_code store_trial_kept(struct store *s, int number, bool kept, struct err *e);

/* The space changed as by space_change(): wide becomes the study's preset, narrow what is suggested, and every stored
 * distribution and index of the knob is rewritten, so that Optuna still opens the study. *rows: how many. The fact
 * "space_changes" counts these. One transaction. */
WUR enum err_code store_space(struct store *s, const struct preset *wide, const struct preset *narrow, enum knob k,
                              int *rows, struct err *e);

/* What another study's trial says about this one's space: for the sampler only, never ranked. */
struct foreign_row {
    enum trial_phase phase;
    double value[2]; /* as they are minimised; [1] is NaN with one objective */
    double violation; /* of this study's study.require */
    int epoch;
    struct point point;
};
WUR enum err_code store_foreign_add(struct store *s, const struct foreign_row *f, struct err *e);
/* In the order in which they were added. Owns: store_foreign_free(). */
WUR enum err_code store_foreign(struct store *s, const struct preset *p, struct foreign_row **out, size_t *n,
                                struct err *e);
void store_foreign_free(struct foreign_row *rows, size_t n);

/* Facts of the study, one row a key: "phase" (running, paused, stopped, finished), "engine" and others. */
WUR enum err_code store_fact_set(struct store *s, const char *key, const char *value, struct err *e);
/* Owns: caller frees *value; NULL when absent. */
WUR enum err_code store_fact_get(struct store *s, const char *key, char **value, struct err *e);

/* Takes the trials of the one study in an Optuna file into a new study, all of them or none: under their numbers, shown
 * as another program's; what waits there will run here, what runs there counts as failed. Errors: USAGE (several studies,
 * another direction, no value in the space), NOTFOUND, IO, DB. */
WUR enum err_code store_begun(struct store *s, const char *path, const struct preset *p, int *trials, struct err *e);

/* Replaces path by a copy of study.db that bears Optuna's mark (alembic_version), for tools that ask for it. One state of
 * the study, also while it runs; mode 0600. Errors: USAGE (path is the study itself), IO, FULL, DB. */
WUR enum err_code store_copy(struct store *s, const char *path, struct err *e);

/* --- what another program (Optuna) writes to the same file */
/* Differs from the last call's when another connection has written since; costs next to nothing. */
WUR enum err_code store_foreign_version(struct store *s, int64_t *version, struct err *e);
/* The values that another program's waiting trial was given. out is initialised for p; present where a value was given,
 * in every range of the knob that admits it. Names that are no knobs of the space are passed over. Errors: NOTFOUND (it
 * does not wait, or not any more), USAGE (a value outside the space). */
WUR enum err_code store_waiting(struct store *s, int number, const struct preset *p, struct point *out, struct err *e);
/* Makes it ours, queued, unless another program was faster (NOTFOUND). In a transaction of its own. */
WUR enum err_code store_adopt(struct store *s, int number, const struct preset *p, const struct point *pt, struct err *e);

/* Why a trial got its point; replaces what was stored for its number. */
WUR enum err_code store_suggestion(struct store *s, const struct suggestion *made, struct err *e);
/* A trial that another program ended takes its place in the order now; store_trial_phase() does it for ours. */
WUR enum err_code store_ended(struct store *s, int number, struct err *e);
/* What the advisor last said of the study. */
#define FACT_INSIGHT "insight"

/* The device line: one row per worker (slice). */
struct device_row {
    int index;
    char name[128], type[16], state[32]; /* state: starting, ready, lost, off */
    int slots_used, slots;
    uint64_t bytes_used, bytes_total;
    double busy;            /* share of the last interval spent in our launches, 0..1; NaN unknown */
    struct proc_id worker;  /* so that a new engine can kill a stray one */
};
WUR enum err_code store_device(struct store *s, const struct device_row *d, struct err *e);

/* A device of this machine, whether the study uses it or not; its workers are the slices first .. first + slices - 1.
 * Readings are the driver's own, NaN where it says nothing. */
struct card_row {
    int index;               /* as on the command line */
    char key[24];            /* the same device in every process and after every restart */
    char name[128], type[16];
    char use[16];            /* on, draining, off, unusable */
    char note[160];          /* why it is not in use, or how its last self-test went */
    int first, slices;
    double temperature_c, power_w, load; /* load: the whole device's, 0..1 */
};
WUR enum err_code store_card(struct store *s, const struct card_row *c, struct err *e);
/* Forgets the cards from this index on: the machine has fewer now. */
WUR enum err_code store_cards_drop(struct store *s, int from, struct err *e);

/* A line of the study's log shown by the screens. */
WUR enum err_code store_log(struct store *s, int trial, const char *text, struct err *e);

/* --- reading; each call is one short read of one state of the file. Texts in rows are clean for a terminal. */
struct trial_row {
    int number;
    enum trial_phase phase;
    struct point point;      /* values in the space */
    double value;            /* final value, or the best/last so far by study.value; NaN none */
    char device[64];
    int attempts;
    bool edited, kept;
    bool foreign;            /* another program (Optuna) added or took it: shown, not ours to run */
    char reason[160];
    int64_t start_us, complete_us; /* UTC; 0 none; start: when it first was ACTIVE */
    int64_t step, steps;     /* optimiser steps done and planned; 0 unknown */
    int epochs;              /* planned */
    double images_per_s;     /* now; NaN unknown */
    bool has_epoch;
    struct epoch_row last;   /* newest epoch */
    struct epoch_row best;   /* epoch >= the KL warm-up's length with the least value; the newest until there is one */
    int64_t changed;         /* change counter at its last change; see store_changed() */
};
/* The epoch that gives a trial's value, of one with epochs: its last where it was ended early or study.value says so,
 * else its best. */
const struct epoch_row *trial_scored(const struct trial_row *t, const struct config *study);
/* The study's preset as stored. Owns: preset_release(). */
WUR enum err_code store_preset(struct store *s, struct preset *out, struct err *e);
WUR enum err_code store_name(struct store *s, char **name, struct err *e);
/* The space as suggestions are made in it: narrower than the preset's once it was changed. Owns: preset_release(). */
WUR enum err_code store_suggested_space(struct store *s, struct preset *out, struct err *e);
/* The preset as the study began, before its space was changed. Owns: preset_release(). */
WUR enum err_code store_first_preset(struct store *s, struct preset *out, struct err *e);
/* The values of one of our trials. Errors: DB (damaged, or another program's trial). Owns: point_release(). */
WUR enum err_code store_trial_point(struct store *s, int number, const struct preset *p, struct point *out,
                                    struct err *e);
/* Grows with every commit that changed a trial; compare with trial_row.changed. Changes that another program made to
 * its own trials do not count. */
WUR enum err_code store_changed(struct store *s, int64_t *counter, struct err *e);
/* Trials with changed > since (0: all), by number; foreign ones come every time. A client keeps the counter it read
 * before the call: a row may then come twice but is never missed. p: from store_preset(). Owns: trial_rows_free(). */
WUR enum err_code store_trials(struct store *s, const struct preset *p, int64_t since, struct trial_row **out,
                               size_t *n, struct err *e);
void trial_rows_free(struct trial_row *rows, size_t n);
/* All epochs of one trial after `after_epoch`, ascending. Owns: caller frees. */
WUR enum err_code store_epochs(struct store *s, int number, int after_epoch, struct epoch_row **out, size_t *n,
                               struct err *e);
/* Newest snapshot at or before epoch (0: newest of all). ERR_NOTFOUND if none. Owns: snapshot_release(). */
WUR enum err_code store_snapshot_get(struct store *s, int number, int epoch, struct snapshot *out, struct err *e);
WUR enum err_code store_devices(struct store *s, struct device_row **out, size_t *n, struct err *e);
/* By index; none in a study that has not been run since cards are stored. Owns: caller frees. */
WUR enum err_code store_cards(struct store *s, struct card_row **out, size_t *n, struct err *e);
struct log_row {
    int64_t id, utc_us;
    int trial; /* -1: the study */
    char text[240];
};
WUR enum err_code store_logs(struct store *s, int64_t after_id, size_t most, struct log_row **out, size_t *n,
                             struct err *e);
/* Suggestions of trials first .. last, ascending; a study from before they were stored has none.
 * Owns: store_suggestions_free(). */
WUR enum err_code store_suggestions(struct store *s, int first, int last, struct suggestion **out, size_t *n,
                                    struct err *e);
void store_suggestions_free(struct suggestion *rows, size_t n);
/* Final trials in the order in which they ended, and those that were held at a rung, in between. Owns: caller frees. */
WUR enum err_code store_order(struct store *s, struct telling **out, size_t *n, struct err *e);
/* ERR_NOTFOUND: none yet. Owns: insight_release(). */
WUR enum err_code store_insight(struct store *s, struct insight *out, struct err *e);

/* Trials that repeat another with another seed, by number. Owns: caller frees. */
struct rerun_row {
    int number, of;
};
WUR enum err_code store_reruns(struct store *s, struct rerun_row **out, size_t *n, struct err *e);

/* Notes of a trial by epoch; a study from before they were stored has none. Owns: caller frees. */
WUR enum err_code store_notes(struct store *s, int number, struct trial_note **out, size_t *n, struct err *e);

/* Edits of a trial in order of their step. Owns: caller frees. */
struct edit_row {
    enum knob knob;
    char value[64];
    int64_t step;
};
WUR enum err_code store_edits(struct store *s, int number, struct edit_row **out, size_t *n, struct err *e);

#endif
