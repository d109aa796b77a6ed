/* Every message between the roles, once: its fields make the struct, the encoder, the decoder and the release.
 * Bump PROTOCOL_VERSION (frame.h) when anything here changes. Field kinds: I int64_t, D double, S text.
 *
 * For a message `name` there are
 *   struct m_name                                    plain values; texts are owned by the struct
 *   bool send_name(struct conn *, const struct m_name *)   as conn_send()
 *   bool read_name(struct m_name *, struct msg_reader *)   false when the payload is not exactly these fields;
 *                                                          then *m holds nothing. Owns: free_name()
 *   void free_name(struct m_name *) */
#ifndef VAETOP_IPC_MESSAGES_H
#define VAETOP_IPC_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "vaetop/conf/insight.h"
#include "vaetop/conf/preset.h"
#include "vaetop/conf/trial.h"
#include "vaetop/ipc/frame.h"

/* --- engine -> worker */
/* First message: which device, and what every trial shares. data: a config as text.
 * among: workers that share the device's memory, this one too. */
#define M_OPEN(I, D, S) I(platform) I(device) S(log_dir) S(study_dir) S(data) I(among)
/* resume: a checkpoint to continue from, or "". stored_epoch: the last epoch the store has. until: the trial leaves by
 * itself, with a checkpoint and LEFT, after this epoch; 0: it trains to its end. */
#define M_ASSIGN(I, D, S) I(trial) I(seed) S(config) S(resume) I(stored_epoch) S(checkpoint) I(until)
#define M_PAUSE(I, D, S) I(trial)
/* after_epoch 0: at the next chunk's end. Answered by LEFT, or by DONE if it got there first. */
#define M_STOP(I, D, S) I(trial) I(after_epoch)
/* at_step 0: now; else an edit made before, applied again once the trial gets there. */
#define M_EDIT(I, D, S) I(trial) I(knob) S(value) I(at_step)
/* checkpoint 1: write one for every trial first. The worker answers LEFT for each and ends. */
#define M_QUIT(I, D, S) I(checkpoint)
/* hold 1: no more chunks, the trials stay in memory; 0: on with them. */
#define M_HOLD(I, D, S) I(hold)

/* --- worker -> engine */
#define M_READY(I, D, S) S(device) S(type) I(bytes_total)
/* The worker cannot go on; it ends after this. code: enum err_code. */
#define M_FAULT(I, D, S) I(code) S(text)
#define M_PROGRESS(I, D, S) I(trial) I(step) I(steps) I(epochs) D(images_per_s)
#define M_CHECKPOINTED(I, D, S) I(trial) I(epoch) I(step)
/* A checkpoint could not be written; it is tried again until CHECKPOINTED or until the trial leaves. code: enum err_code. */
#define M_UNSAVED(I, D, S) I(trial) I(code) S(text)
/* The trial is off the device. why: enum left_why. checkpointed 0: none was asked for, or text says why there is none. */
#define M_LEFT(I, D, S) I(trial) I(why) I(checkpointed) S(text)
#define M_DONE(I, D, S) I(trial) D(value)
#define M_DIVERGED(I, D, S) I(trial) S(text)
/* The trial cannot start here. code: enum err_code. */
#define M_REFUSED(I, D, S) I(trial) I(code) S(text)
/* ok 0: text says why not. */
#define M_EDITED(I, D, S) I(trial) I(knob) S(value) I(at_step) I(ok) S(text)
/* What our queue did, and what the driver says of the whole device; NaN: it says nothing. */
#define M_STATUS(I, D, S) I(bytes_used) D(busy) D(temperature_c) D(power_w) D(load)
#define M_LOGLINE(I, D, S) I(trial) S(text)
/* A struct trial_note. */
#define M_NOTE(I, D, S) I(trial) I(epoch) S(kind) S(text)

/* --- engine <-> advisor. Points and their messages are below. */
#define M_ADVISE(I, D, S) S(preset)
/* code 0: cells is the size of a grid, 0 without end. */
#define M_ADVISING(I, D, S) I(code) S(text) I(cells)
#define M_SUGGEST(I, D, S) I(number)
/* What do all observed trials say? told: trials that have ended, for the answer. insight: an insight as text. */
#define M_REVIEW(I, D, S) I(told)
#define M_REVIEWED(I, D, S) S(insight)

/* --- client <-> engine */
#define M_HELLO(I, D, S) I(pid)
/* banner: as in BANNER. */
#define M_WELCOME(I, D, S) I(pid) S(banner)
#define M_COMMAND(I, D, S) I(id) I(command) I(trial) S(arg)
/* code: enum err_code of the command. */
#define M_REPLY(I, D, S) I(id) I(code) S(text)
#define M_COMMITTED(I, D, S) I(counter)
#define M_BANNER(I, D, S) S(text)
/* code: 0, or why the study could not go on. */
#define M_FINISHED(I, D, S) I(code) S(text)

/* --- probe worker -> client: one FOUND for each device, then PROBED. error: "" or why the drivers gave no list. */
#define M_FOUND(I, D, S)                                                                     \
    I(platform_index) I(device_index) S(platform) S(name) S(type) S(cl_version) S(driver)   \
    I(compute_units) I(memory_bytes) I(max_alloc_bytes) I(local_bytes) I(usable) S(why_not)
#define M_PROBED(I, D, S) S(error)

/* --- client -> one-off worker: what to do with a trained model, in words of the command line. output: a file, with
 * its suffix. source "": the study's own data; test 1: its test rows. steps: of an interpolation. samples: for nll; 0:
 * none. */
#define M_USE(I, D, S)                                                                       \
    I(platform) I(device) S(what) S(checkpoint) S(source) S(output) S(labels) S(from)       \
    I(test) I(count) I(steps) I(samples) I(seed)
/* The worker's answer: after `eval` a USED_DIM for each latent dimension, then USED. code: enum err_code.
 * Figures as struct use_figures; knn NaN: no labels. text: what went wrong, else something worth knowing or "". */
#define M_USED_DIM(I, D, S) D(kl)
#define M_USED(I, D, S)                                                                      \
    I(code) S(text) I(rows) D(rec) D(kl) I(active_units) I(samples) D(nll) D(nll_error) D(ess) D(knn)

/* --- client -> one-off worker: measure a device. networks: "784-400-20:128" and more, blank between. clblast 1: it too.
 * tune 1: in every plan, and keep which is fastest. */
#define M_BENCH(I, D, S) I(platform) I(device) I(rounds) I(clblast) I(tune) S(networks)
/* One row of figures, and at the end BENCHED. section: gemm (name nn, tn or nt, m, n, k; by: whose) or step (name: the
 * network; m: its batch; by: the plan). flops: useful ones of one call; *_s: quartiles of the time of one call; peak:
 * the device's FLOP/s in the same rounds. Bytes: of step only. */
#define M_MEASURED(I, D, S)                                                                  \
    S(section) S(name) S(by) I(threads) I(m) I(n) I(k) I(lanes) D(flops)                     \
    D(low_s) D(median_s) D(high_s) D(peak) I(predicted_bytes) I(buffer_bytes) I(resident_bytes)
/* code: enum err_code. table: the file that chooses plans on this device, "": the built-in table. note: worth knowing. */
#define M_BENCHED(I, D, S) I(code) S(text) S(table) S(note)

/* X(ID, name, fields) */
#define MESSAGE_LIST(X)                                                                                   \
    X(OPEN, open, M_OPEN) X(ASSIGN, assign, M_ASSIGN) X(PAUSE, pause, M_PAUSE) X(STOP, stop, M_STOP)      \
    X(EDIT, edit, M_EDIT) X(QUIT, quit, M_QUIT) X(HOLD, hold, M_HOLD)                                   \
    X(READY, ready, M_READY) X(FAULT, fault, M_FAULT) X(PROGRESS, progress, M_PROGRESS)                   \
    X(CHECKPOINTED, checkpointed, M_CHECKPOINTED) X(UNSAVED, unsaved, M_UNSAVED)                          \
    X(LEFT, left, M_LEFT) X(DONE, done, M_DONE)                                                           \
    X(DIVERGED, diverged, M_DIVERGED) X(REFUSED, refused, M_REFUSED) X(EDITED, edited, M_EDITED)          \
    X(STATUS, status, M_STATUS) X(LOGLINE, logline, M_LOGLINE) X(NOTE, note, M_NOTE)                      \
    X(ADVISE, advise, M_ADVISE) X(ADVISING, advising, M_ADVISING) X(SUGGEST, suggest, M_SUGGEST)          \
    X(REVIEW, review, M_REVIEW) X(REVIEWED, reviewed, M_REVIEWED)                                         \
    X(HELLO, hello, M_HELLO) X(WELCOME, welcome, M_WELCOME) X(COMMAND, command, M_COMMAND)                \
    X(REPLY, reply, M_REPLY) X(COMMITTED, committed, M_COMMITTED) X(BANNER, banner, M_BANNER)             \
    X(FINISHED, finished, M_FINISHED) X(FOUND, found, M_FOUND) X(PROBED, probed, M_PROBED)                 \
    X(USE, use, M_USE) X(USED_DIM, used_dim, M_USED_DIM) X(USED, used, M_USED)                            \
    X(BENCH, bench, M_BENCH) X(MEASURED, measured, M_MEASURED) X(BENCHED, benched, M_BENCHED)

enum message {
    MESSAGE_NONE,
#define X(id, name, fields) MESSAGE_##id,
    MESSAGE_LIST(X)
#undef X
    MESSAGE_EPOCH,     /* struct epoch_row */
    MESSAGE_SNAPSHOT,  /* struct snapshot */
    MESSAGE_SUGGESTED, /* struct m_suggested */
    MESSAGE_OBSERVE,   /* struct m_observe */
    MESSAGE_END
};

#define M_FIELD_I(name) int64_t name;
#define M_FIELD_D(name) double name;
#define M_FIELD_S(name) char *name;
#define X(id, name, fields)                         \
    struct m_##name {                               \
        fields(M_FIELD_I, M_FIELD_D, M_FIELD_S)     \
    };                                              \
    bool send_##name(struct conn *c, const struct m_##name *m); \
    bool read_##name(struct m_##name *m, struct msg_reader *r); \
    void free_##name(struct m_##name *m);
MESSAGE_LIST(X)
#undef X
#undef M_FIELD_I
#undef M_FIELD_D
#undef M_FIELD_S

enum left_why { LEFT_PAUSED, LEFT_STOPPED, LEFT_QUIT };

/* An epoch's row; worker -> engine. */
bool send_epoch(struct conn *c, const struct epoch_row *row);
bool read_epoch(struct epoch_row *row, struct msg_reader *r);

/* A snapshot. Owns: read_snapshot() fills a new one for snapshot_release(). */
bool send_snapshot(struct conn *c, const struct snapshot *s);
bool read_snapshot(struct snapshot *s, struct msg_reader *r);

/* What became of a trial, for samplers that learn; engine -> advisor, in the order in which trials finish. A trial told
 * again replaces what was told before. The reader gives the point's size. */
struct m_observe { /* number below 0: a trial of another study, never ranked with this one's */
    int64_t number, phase, edited, epoch; /* phase: enum trial_phase; epoch: the last one with a value */
    double value[2], violation;           /* as the study minimises them; the last ones of a pruned trial */
    double expected;                      /* improvement its suggestion expected; NaN: no model made it */
};
bool send_observe(struct conn *c, const struct m_observe *m, const struct point *pt);
bool read_observe(struct m_observe *m, struct point *pt, struct msg_reader *r);

/* A suggestion: code ERR_OK with the point and why it was chosen, ERR_NOTFOUND when the space has no more, else its text
 * says what went wrong. made.seed and made.told are not sent: the engine knows them. The reader gives the point's size;
 * a point of another size is refused. Owns: made; suggestion_release(). */
struct m_suggested {
    int64_t code;
    struct suggestion made;
};
bool send_suggested(struct conn *c, const struct m_suggested *m, const struct point *pt);
bool read_suggested(struct m_suggested *m, struct point *pt, struct msg_reader *r);

#endif
