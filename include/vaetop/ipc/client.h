/* A client's end of the engine's socket: find or start the engine of a study, send commands, hear of commits.
 * Rows are read from the store; the engine only says "committed up to N", banners and replies. */
#ifndef VAETOP_IPC_CLIENT_H
#define VAETOP_IPC_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/err.h"

/* X(ID, word, what it does to a trial; to the study when trial is -1) */
#define COMMAND_LIST(X)                                                                                  \
    X(PAUSE, "pause", "checkpoint at the next chunk's end and leave the device")                          \
    X(RESUME, "resume", "go on from the checkpoint; a study that is not paused: all its paused trials")   \
    X(STOP_NOW, "stop", "a trial: end now, keeping the last value; the study: as shutdown")               \
    X(STOP_EPOCH, "stop-epoch", "the same after this epoch; a trial: argument \"\", or seconds to wait")    \
    X(UNDO, "undo", "a trial's stop that still waits is taken back")                                       \
    X(EDIT, "set", "argument knob=value: lr, beta or epochs of a running trial")                          \
    X(TRIALS, "trials", "study only: argument N, the new total number of trials")                         \
    X(SLOTS, "slots", "study only: argument N, trials running at once from now on")                       \
    X(CLONE, "clone", "a trial: a new one with its values; argument \"knob=value; ...\" changes some")      \
    X(RERUN, "rerun", "a trial: a new one with its values and another seed, of which the sampler hears nothing")   \
    X(ENQUEUE, "enqueue", "study only: a new trial of \"knob=value; ...\"; what is not given is drawn")     \
    X(SPACE, "space", "study only: argument knob=RANGE, what is suggested from now on")                    \
    X(DEVICE_ON, "device-on", "study only: argument as --device: use these again")                        \
    X(DEVICE_OFF, "device-off", "study only: no longer use these; their trials go on elsewhere or wait")  \
    X(DEVICE_DRAIN, "device-drain", "study only: nothing new on these; off once their trials have ended") \
    X(DEVICE_ONLY, "device-only", "study only: use these and no others")                                  \
    X(DEVICE_TEST, "device-test", "study only: run the self-test of these in processes of their own")     \
    X(SHUTDOWN, "shutdown", "study only: checkpoint all, mark the study stopped, end the engine")         \
    X(SHUTDOWN_NOW, "shutdown-now", "study only: end at once; what was trained since the checkpoint is repeated")
enum command {
#define X(id, ...) COMMAND_##id,
    COMMAND_LIST(X)
#undef X
    COMMAND_COUNT
};
const char *command_word(enum command c);

struct client;
/* Connects to the running engine of the study in dir. Errors: NOTFOUND (no engine runs), BUSY (another version or
 * host, named in the text), IO. */
WUR enum err_code client_connect(struct client **out, const char *study_dir, struct err *e);
/* What the engine's banner says now; "" when nothing, no engine runs, or it does not answer within a second. */
void client_peek(char *banner, size_t cap, const char *study_dir);
/* The same as client_connect(), starting supervisor and engine when none runs, waiting until it answers. device: the
 * --device text (NULL: as stored in the study, else the default). *fresh, which may be NULL: the engine was started for
 * this call; another one runs on its own devices. Errors: NODEVICE, BUSY (an engine on another host, or of another
 * version, has the study), CANCELLED (the study was stopped meanwhile), IO. */
WUR enum err_code client_start(struct client **out, bool *fresh, const char *study_dir, const char *device,
                               struct err *e);
/* Ends the supervisor on this host, whose engine died and is to be started again, or is just starting. Errors: NOTFOUND
 * (there is none), IO. */
WUR enum err_code client_stop_waiting(const char *study_dir, struct err *e);
void client_free(struct client *c);

/* Sends and waits for the reply's text (at most 10 s). trial -1: the study. Owns: caller frees *reply; reply may be
 * NULL. Errors: what the engine answered, BUSY when it ended instead (it was about to: try again), IO when it is silent. */
WUR enum err_code client_command(struct client *c, enum command cmd, int trial, const char *arg, char **reply,
                                 struct err *e);
/* The same without waiting; the reply arrives as an event. */
void client_send(struct client *c, enum command cmd, int trial, const char *arg);

/* For poll loops. */
int client_fd(const struct client *c);
enum client_event_kind {
    CLIENT_NOTHING,   /* no more events now */
    CLIENT_COMMITTED, /* the store has new rows */
    CLIENT_BANNER,    /* text: a message for the person, "" clears it */
    CLIENT_REPLY,     /* text: answer to client_send; ok says whether it was done */
    CLIENT_FINISHED,  /* the study has ended (all trials final, or stopped). not ok: it could not go on; text, code */
    CLIENT_CLOSED     /* the engine is gone */
};
struct client_event {
    enum client_event_kind kind;
    bool ok;
    enum err_code code; /* CLIENT_FINISHED that is not ok: why */
    char text[512];
};
void client_next(struct client *c, struct client_event *ev);

#endif
