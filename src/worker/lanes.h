/* The trials on this worker's device: packs of equal shape, each lane with what the engine asked of it.
 * Only the worker process uses it; one device, one data set. */
#ifndef VAETOP_WORKER_LANES_H
#define VAETOP_WORKER_LANES_H

#include <stdbool.h>
#include <stdint.h>

#include "vaetop/base/err.h"
#include "vaetop/ipc/messages.h"
#include "vaetop/train/trainer.h"

enum leave { LEAVE_NOT, LEAVE_PAUSE, LEAVE_STOP, LEAVE_STOP_EPOCH };

/* An edit made before a crash, waiting for its step. */
struct late_edit {
    enum knob knob;
    char *value;
    int64_t at_step;
};

struct lane {
    int trial, handle; /* handle: the trainer's */
    char *checkpoint;
    enum leave leave;
    bool epoch_ended;  /* in the last chunk */
    bool done, diverged, started;
    bool held;         /* stands at the epoch after which it was to leave */
    double value;
    char text[160];
    int64_t retry_ns;  /* no checkpoint is tried before: the disk was full */
    int tries;
    bool disk_full;    /* why the last try failed */
    struct late_edit *edit;
    size_t n_edits;
};

struct pack {
    uint64_t key;
    struct trainer *trainer;
    struct plan plan;
    struct lane *lane;
    size_t n;
};

struct lanes {
    struct conn *conn;
    struct device *dev;
    struct dataset data;
    struct split split;
    struct trainer_data *shared;
    struct pack **pack;
    size_t n_packs;
};

/* Commands. They answer the engine themselves. */
void lanes_assign(struct lanes *l, const struct m_assign *m);
void lanes_edit(struct lanes *l, const struct m_edit *m);
void lanes_leave(struct lanes *l, int trial, enum leave how);

/* One chunk of one pack, and what followed from it. Errors: the device is gone. */
WUR enum err_code lanes_chunk(struct lanes *l, size_t pack, struct err *e);
/* Lets go of lanes that are done or asked to leave; drops empty packs. */
void lanes_settle(struct lanes *l);
/* Everything off the device, with a checkpoint each when asked. */
void lanes_quit(struct lanes *l, bool checkpoint);
void lanes_progress(struct lanes *l);
bool lanes_runnable(const struct pack *p); /* has a lane with steps left */
void lanes_release(struct lanes *l);

/* Keeps the connection's queue small: waits for the engine as long as it takes, ends the process when it is gone. */
void lanes_flush(struct lanes *l);
/* A line for the study's log. */
void lanes_log(struct lanes *l, int trial, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
