/* A study on fake workers and a fake advisor, for tests of the engine without OpenCL: this test program is also
 * supervisor, engine, worker and advisor, by the names it is started under. Tests steer the workers through files in
 * the rig's control folder and read the store; nothing waits for a fixed time. */
#ifndef VAETOP_TEST_RIG_H
#define VAETOP_TEST_RIG_H

#include <stdbool.h>
#include <sys/types.h>

#include "check.h"
#include "vaetop/ipc/client.h"
#include "vaetop/store/store.h"

struct rig {
    const char *dir; /* the study */
    struct client *client;
    struct store *store; /* read only */
    struct preset preset;
    bool finished;  /* CLIENT_FINISHED came */
    bool finished_ok;
    bool closed;
    char banner[512], last[512]; /* last: text of FINISHED */
};

/* Once per program and once at its end: environment, programs, and that no process is left. */
int rig_setup(void **state);
int rig_teardown(void **state);

/* A new study from lines such as "study:\n  trials: 3\n"; not started. */
void rig_study(struct rig *r, const char *yaml);
void rig_start(struct rig *r);                  /* client_start() and the store for reading */
void rig_start_on(struct rig *r, const char *device); /* the same with a --device text */
/* The study started, and the trial held after an epoch; the control file stays. */
void rig_held(struct rig *r, const char *yaml, int trial, int epoch);
void rig_end(struct rig *r);                    /* tells the engine to end, waits until it has; then all is released */
void rig_detach(struct rig *r);                 /* closes the client, leaves the engine */
void rig_wait_engine_gone(struct rig *r);       /* its lock is free */
void rig_do(struct rig *r, enum command c, int trial, const char *arg); /* must succeed */

/* The control folder: rig_set("hold-3-2") stops trial 3 from going past epoch 2. See fake_worker.c. */
void rig_set(const char *name);
void rig_clear(const char *name);
void rig_clear_all(void);

/* Polls (events of the client, rows of the store) until cond, at most 60 s; then fails naming what. */
typedef bool rig_condition(struct rig *r, const void *arg);
void rig_until(struct rig *r, rig_condition *cond, const void *arg, const char *what);
void rig_until_phase(struct rig *r, int trial, enum trial_phase phase);
void rig_until_epoch(struct rig *r, int trial, int epoch);
void rig_until_finished(struct rig *r);
void rig_until_log(struct rig *r, const char *part);

bool rig_trial(struct rig *r, int trial, struct trial_row *out); /* without the point; false: no such trial yet */
size_t rig_count(struct rig *r, enum trial_phase phase);
char *rig_fact(struct rig *r, const char *key); /* Owns: caller frees */
pid_t rig_worker(struct rig *r, int trial);     /* of the worker that has it */
pid_t rig_engine(struct rig *r);
/* Epochs 1 .. n are there, each once, with the fake worker's values. */
void rig_check_epochs(struct rig *r, int trial, int n);
double rig_value(int trial, int epoch); /* what the fake worker measures */
bool rig_has_checkpoint(struct rig *r, int trial);

/* Another program on the study's data base: a transaction of its own, which sql ends. */
struct sqlite3 *rig_meddle(const struct rig *r);
void rig_meddle_end(struct sqlite3 *db, const char *sql);

int fake_worker(int argc, char **argv);
int fake_advisor(void);

#endif
