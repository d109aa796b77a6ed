/* A device, a small data set and packs run to their end, for the tests of training. */
#ifndef VAETOP_TESTS_TRAIN_RIG_H
#define VAETOP_TESTS_TRAIN_RIG_H

#include "check.h"

#include "vaetop/train/trainer.h"

#define RIG_ROWS_MAX 64
#define RIG_SEED 42

/* The first OpenCL device of this machine, opened once; closed at exit. */
struct device *rig_device(void);

/* 37 values a row, 97 rows to train and 53 to validate: no multiple of anything, the last batch of 16 a single row. */
struct rig_data {
    struct dataset set;
    struct split split;
    struct trainer_data *resident;
};
void rig_data_make(struct rig_data *d, size_t dim, size_t n_train, size_t n_val);
void rig_data_release(struct rig_data *d);

/* Knobs as "section.knob=value" lines over the defaults. Owns: config_release(). */
struct config rig_config(const char *lines);
struct trainer *rig_trainer(const struct rig_data *d, const struct config *c, enum plan_kind kind);

#define RIG_NOTES_MAX 16

/* What a lane said: compared bit by bit, so times and rates are wiped. */
struct record {
    struct epoch_row row[RIG_ROWS_MAX]; /* by epoch, from 1 */
    int rows;
    enum trainer_event_kind end; /* EVENT_EPOCH: still running */
    double value;
    char text[160];
    int notes;
    struct trial_note note[RIG_NOTES_MAX];
    uint64_t picture; /* hash of the last snapshot */
};
struct records {
    struct record lane[64]; /* by lane handle */
};
/* trainer_event_fn with a struct records as arg. */
void rig_record(void *arg, struct trainer_event *ev);
/* Chunks until the lane is done, diverged or has finished `epoch`. */
void rig_run_until(struct trainer *t, struct records *r, int lane, int epoch);

/* Adds trial `number` with a seed that is the same everywhere. Returns its lane. */
int rig_add(struct trainer *t, const struct config *c, int number, const char *resume);

/* Weights, moments and best weights, from a checkpoint. Owns: free(). */
struct state_bits {
    unsigned char *bytes;
    size_t n;
};
struct state_bits rig_state(struct trainer *t, int lane);
/* By `what`, which names the comparison in the message. */
void assert_same_state(const struct state_bits *a, const struct state_bits *b, const char *what);
void assert_same_record(const struct record *a, const struct record *b, const char *what);

#endif
