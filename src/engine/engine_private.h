/* The engine's inside: one study, one thread, one poll loop. Every file of this layer works on struct engine.
 *
 * Who owns a trial: `slice` >= 0 means that worker process holds it and only messages from that process are believed
 * about it; -1 means the engine holds it. What the store will say is the trial's `phase`; writes are queued (writer.c)
 * and committed in groups, and nothing is told to clients before it is committed. */
#ifndef VAETOP_ENGINE_PRIVATE_H
#define VAETOP_ENGINE_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "vaetop/base/err.h"
#include "vaetop/base/loop.h"
#include "vaetop/base/proc.h"
#include "vaetop/conf/objective.h"
#include "vaetop/conf/preset.h"
#include "vaetop/conf/trial.h"
#include "vaetop/ipc/client.h"
#include "vaetop/ipc/messages.h"
#include "vaetop/ipc/probe.h"
#include "vaetop/score/pruner.h"
#include "vaetop/store/store.h"

#define SECOND_NS ((int64_t)1000000000)
#define CHECKPOINT_S 60 /* a worker that takes longer to leave is killed */

/* What was asked of the worker that holds the trial and is not answered yet. */
enum wish { WISH_NONE, WISH_PAUSE, WISH_STOP, WISH_YIELD /* checkpoint and come back to the queue */ };

/* What a trial came to at an epoch, as it is minimised. */
struct outcome {
    int epoch;            /* 0: none */
    double value, of[2];  /* epoch_row.value and objective_values() */
    double violation;     /* of study.require */
};

struct run { /* one trial */
    int number;
    enum trial_phase phase;
    enum wish wish;
    bool resume_after; /* resumed while still leaving */
    int64_t stop_due_ns; /* a stop that can be taken back until then; 0: none */
    bool stop_epoch;     /* after the epoch, then */
    bool stored;       /* its row is committed; it may be started */
    bool alone;        /* its next start has a worker to itself */
    bool edited, kept;
    enum err_code unsaved; /* why its newest checkpoint could not be written yet; OK: it was */
    bool foreign;      /* another program's: not ours to run */
    bool refused;      /* it waits with values outside the space, or someone else was faster */
    int slice;
    int attempts;
    int deaths;        /* of its worker while alone on it, since the newest checkpoint */
    int stored_epoch;
    int until;         /* the epoch after which it leaves its worker by itself; 0: its last */
    char *verdict;     /* why it is pruned, once that is decided; it may still have to leave its worker */
    double *curve[3];  /* objectives and violation of `require` after epoch i + 1; NULL: nobody compares */
    int n_curve;
    int first_best;    /* config_first_best() */
    int64_t checkpoint_step; /* 0: none in this engine's life */
    double last_value, value;
    struct outcome last, best; /* its newest epoch, and the one that scores where study.value is best */
    double expected;    /* improvement its suggestion expected; NaN: no model made it */
    struct point point; /* released once final */
    bool progress_new;
    int64_t step, steps;
    int epochs;
    double images_per_s;
};

enum slice_state { SLICE_OFF, SLICE_STARTING, SLICE_READY, SLICE_LOST };

struct slice {
    struct engine *en;
    int index, card;  /* card: index into engine.card */
    int threads;      /* CPU threads of this slice; 0: all there is */
    int most;         /* trials at once */
    enum slice_state state;
    char label[64], name[128], type[16];
    pid_t pid;
    struct proc_id id;
    struct conn *conn;
    bool child_dead, eof, killed_by_us, was_ready, progressed, quitting;
    int quit_s;       /* since it was told to quit */
    int wait_status;
    int64_t oom_at_start;
    int timer;        /* restart, or the wait for a dying process; 0: none */
    int failures;     /* in a row */
    bool worked;      /* a worker of it was ready once: a device that is gone then may come back */
    int silent_s, longest_silence_s;
    bool heard;       /* a word about its trials since the last assignment */
    char fault[sizeof ((struct err *)0)->text]; /* as the worker said it, whole */
    enum err_code fault_code;
    int n_runs;
    uint64_t bytes_used, bytes_total;
    double busy;
};

enum card_use {
    CARD_OFF,
    CARD_ON,
    CARD_DRAINING, /* nothing new; off when its trials have ended */
    CARD_UNUSABLE  /* info.why_not says why */
};

/* A device of this machine, chosen or not, and its lock. */
struct card {
    struct engine *en;
    struct device_info info;
    int index;      /* on the command line, and in engine.card */
    char key[24];   /* names it in the lock's file name and in the store */
    enum card_use use;
    int lock_fd;    /* -1: not ours; it may be another study's */
    char holder[160];
    char note[160]; /* how its last self-test went, or why it was switched off */
    int first, slices; /* its workers: engine.slice[first] and on */
    double temperature_c, power_w, load; /* NaN: the driver says nothing, or no worker asks it */
    struct self_test *test; /* under way, or NULL */
};

struct client_link {
    struct engine *en;
    struct conn *conn;
    bool welcome, owes_commit;
    int silent_s; /* before its HELLO */
    struct client_link *next;
};

enum stage {
    STAGE_RUNNING,
    STAGE_PAUSED,
    STAGE_LEAVING, /* told to end: workers checkpoint and quit */
    STAGE_FINISHED /* all trials final */
};

struct advisor_link {
    pid_t pid;
    struct conn *conn;
    bool open;      /* ADVISING came */
    /* The suggestions under way: of trials first .. first + asked - 1, when the first `told` trials of the order had
     * ended. An advisor that dies over them is asked the very same again. */
    int asked, first;
    int outdated;     /* of those asked, how many before a point came free again that only so many have */
    size_t told;
    bool spoiled;      /* the answers under way are for numbers that have gone */
    bool exhausted;    /* the space has no more */
    bool reviewing;    /* a review is under way */
    size_t reviewed;   /* trials that had ended at the last one */
    int failures, timer;
    int status;        /* how it ended, until its socket says so too */
};

struct writer;

struct engine {
    char *dir, *name;
    char *device_text; /* the --device text; "" default */
    bool device_new;   /* it was given at this start: what was switched before does not count */
    struct loop *loop;
    struct store *store;
    struct writer *writer;
    struct preset preset; /* all that trials may hold */
    struct preset space;  /* what is suggested: narrower once the space was changed; the same ranges one by one */
    int lock_fd, listen_fd, spare_fd;
    enum stage stage;
    bool after_epoch;   /* leaving: trials finish their epoch first */
    bool told_finished;
    int leave_s, finished_s, quiet_s; /* since it leaves; since it finished; since a client told it something */
    struct err fatal; /* why the study cannot go on; code OK: it can */

    struct run *run; /* run[i].number == i */
    size_t n_runs, run_cap;
    size_t first_open; /* no non-final trial below */
    struct telling *order; /* (n_ended) what the advisor is told, in its order */
    size_t n_ended, order_cap;
    int total, slots, keep;
    int n_failed; /* trials of ours that failed, diverged or did not fit */
    int *kept; /* numbers of the finished trials whose weights are kept, in no order */
    size_t n_kept, cap_kept;
    bool may_stop; /* study.stop may end it */
    int objectives;           /* 1 or 2 */
    struct asha_rule rungs;
    int n_waiting; /* trials that another program enqueued and we have not looked at */
    int64_t foreign_version;

    struct probe probe; /* the machine's devices; card[i] is probe.device[i] */
    struct card *card;
    size_t n_cards;     /* 0: not looked for yet */
    struct slice *slice;
    size_t n_slices;
    int failed_in_row; /* trials that killed their worker, with no epoch of any trial in between */
    struct advisor_link advisor;

    struct client_link *client;
    bool had_client;
    int idle_s, idle_limit_s;
    char banner[512];      /* shown now */
    char store_banner[512], checkpoint_banner[512], device_banner[512]; /* what asks for one, by urgency */
    double run_s;          /* counted against study.timeout */
    int64_t tick_ns;       /* when the last tick was */
    int ticks;
};

/* --- engine.c: opening and closing */
WUR enum err_code engine_open(struct engine *en, const char *dir, const char *device, struct err *e);
void engine_close(struct engine *en);
/* Finds and locks the devices and starts their workers, when that has not been done. Errors: NODEVICE, IO. */
WUR enum err_code engine_devices(struct engine *en, struct err *e);

/* --- life.c: from start to end */
void engine_stage(struct engine *en, enum stage stage);
/* Ends the engine: with checkpoints, or at once; after_epoch lets every trial finish its epoch first. */
void engine_leave(struct engine *en, bool checkpoint, bool after_epoch);
void engine_fail(struct engine *en, const struct err *e); /* the study cannot go on */
void engine_tick(void *arg);                              /* once a second */
void engine_check_end(struct engine *en);
/* A line in the study's log, on its screens and in the log file. trial -1: the study. */
void engine_log(struct engine *en, int trial, const char *fmt, ...) PRINTF_LIKE(3, 4);
void engine_banner(struct engine *en); /* shows the most urgent banner */

/* --- runs.c: the table of trials */
struct run *run_find(struct engine *en, int64_t number); /* NULL: no such trial */
struct run *run_new(struct engine *en, const struct point *pt, enum trial_phase phase); /* QUEUED or ENQUEUED */
struct run *run_add_foreign(struct engine *en); /* the next number is another program's */
void run_take(struct engine *en, struct run *r, const struct point *pt); /* it is ours now, stored and queued */
bool run_final(const struct run *r);
void run_epoch(struct engine *en, struct run *r, const struct epoch_row *row); /* its newest */
struct outcome outcome_of(const struct engine *en, const struct epoch_row *row);
const struct outcome *run_scored(const struct engine *en, const struct run *r);
void run_phase(struct engine *en, struct run *r, enum trial_phase phase, double value, const char *reason);
WUR enum err_code runs_load(struct engine *en, struct err *e);
void runs_release(struct engine *en);
/* The trial has ended, or is held after so many epochs: it gets the next place in the order, once for each. */
void run_ended(struct engine *en, int number, int epoch);
/* Weights of finished trials beyond `keep` are deleted. */
void retain(struct engine *en, struct run *r);
void forget_weights(struct engine *en, struct run *r);
void forget_half_written(struct engine *en, const struct run *r, pid_t worker);
/* Its checkpoint was not written (code, text), or was, or matters no longer (ERR_OK). */
void run_unsaved(struct engine *en, struct run *r, enum err_code code, const char *text);
bool runs_lack_room(const struct engine *en); /* a checkpoint waits for room on the disk */
/* Trials the study may have: a grid tries cells whose trials failed again, which takes nothing from its others. */
int runs_most(const struct engine *en);
size_t runs_queued(const struct engine *en);
size_t runs_begun(const struct engine *en); /* those of the queued that have run before */
size_t runs_active(const struct engine *en);
bool runs_all_final(struct engine *en);

/* --- stops.c: trials ended by the person, at once or after a while in which it can be taken back */
WUR enum err_code stop_trial(struct engine *en, struct run *r, bool after_epoch, const char *wait_s, char *reply,
                             size_t cap, struct err *e);
WUR enum err_code stop_undo(struct run *r, char *reply, size_t cap, struct err *e);
void stops_now(struct engine *en); /* all that still wait */

/* --- by_hand.c: trials enqueued by the person, and a space that is changed */
WUR enum err_code enqueue_trial(struct engine *en, const struct run *like, const char *assignments, char *reply,
                                size_t cap, struct err *e);
/* The same values once more; the trial's number makes another seed. */
WUR enum err_code rerun_trial(struct engine *en, const struct run *like, char *reply, size_t cap, struct err *e);
WUR enum err_code change_space(struct engine *en, const char *assignment, char *reply, size_t cap, struct err *e);
/* A finished study goes on when there is something to do again. Errors: as engine_devices(). */
WUR enum err_code wake(struct engine *en, struct err *e);

/* --- schedule.c */
void schedule(struct engine *en); /* assigns what can be assigned, asks for more suggestions, notices the end */
/* The worker gave the trial back, or died with it. */
void take_back(struct engine *en, struct run *r);
/* Takes it back and ends it for good, with a line in the log. */
void run_end(struct engine *en, struct run *r, enum trial_phase phase, double value, const char *reason);

/* --- foreign.c */
void foreign_look(struct engine *en);           /* once a second */
void foreign_take_in(struct engine *en);        /* another program has written */
void foreign_count(struct engine *en);          /* sets n_waiting */
void foreign_adopt(struct engine *en, int most); /* makes so many of its waiting trials ours */

/* --- slices.c, slice_messages.c */
WUR enum err_code slices_make(struct engine *en);
void slices_share(struct engine *en); /* slots over the workers there are; new ones come with the next engine */
void slices_start(struct engine *en);
void slices_quit(struct engine *en, bool checkpoint);
void slice_quit(struct slice *s, bool checkpoint); /* one of them */
void slices_kill(struct engine *en);
void slices_hold(struct engine *en); /* tells them what writer_holds() says */
const struct slice *slices_lost(const struct engine *en); /* one whose device has vanished; NULL: none */
bool slices_gone(const struct engine *en);
void slices_reap(struct engine *en);
void slice_tick(struct slice *s);
void slice_row(struct slice *s);
void slice_read(void *arg, int fd, int revents);
bool slice_message(struct slice *s, uint16_t type, struct msg_reader *r);

/* --- prune.c: who goes on */
/* An epoch came; may decide that the trial ends. */
void prune_epoch(struct engine *en, struct run *r, const struct epoch_row *row);
/* The epoch after which a trial that is to run now comes back by itself; 0: none. */
int prune_until(const struct engine *en, const struct run *r);
/* It has left its worker, without having been asked to end or to pause: queued, held at its rung, or pruned. */
void prune_requeue(struct engine *en, struct run *r);
/* What the trials of the last engine are to this one, told with the store's row. Curves first. */
void prune_load_curve(struct engine *en, struct run *r);
void prune_load(struct engine *en, struct run *r, const char *reason);
/* Lets up to `room` held trials go on. */
void prune_promote(struct engine *en, size_t room);
/* Nothing is left to run: ends what is held, or lets the best go on to its end when no trial has got there. */
void prune_rest(struct engine *en);

/* --- cards.c: the machine's devices, and the locks of those in use */
WUR enum err_code cards_choose(struct engine *en, struct err *e);
void cards_release(struct engine *en);
void cards_lock(struct engine *en); /* those in use and not held yet */
void cards_unlock(struct engine *en);
void card_unlock(struct card *c);
void card_row(struct card *c);

/* --- card_use.c: devices switched on and off while the study runs, and their self-tests */
WUR enum err_code card_command(struct engine *en, enum command c, const char *devices, char *reply, size_t cap,
                               struct err *e);
bool card_runs(const struct card *c); /* it may get trials and workers */
/* Its driver or device has failed: switched off when another is in use. False: it is the last one. */
bool card_give_up(struct card *c, const char *why);
void card_readings(struct card *c, double temperature_c, double power_w, double load);
void cards_settle(struct engine *en); /* drained ones go off, those off are let go */
void cards_tick(struct engine *en);

/* --- suggest.c */
void advisor_start(struct engine *en);
void advisor_ask(struct engine *en, int n);
int advisor_ahead(const struct engine *en);
/* A trial has begun, ended, or is held at a rung; value NaN: its last one. Its point is still there. */
void advisor_tell(struct engine *en, const struct run *r, double value);
void advisor_tell_row(struct engine *en, const struct trial_row *t); /* another program's */
/* This number was given out and is not taken: it no longer counts as running. */
void advisor_forget(struct engine *en, int number);
/* A trial has this number: a suggestion still under way for it is nobody's, and must not count as running. */
void advisor_taken(struct engine *en, int number);
/* The answers under way are for numbers that have gone. */
void advisor_void(struct engine *en);
void advisor_reap(struct engine *en);
void advisor_end(struct engine *en);
void advisor_anew(struct engine *en); /* another space: it begins again, with all that is known */
/* Once a second: asks what all trials say together when some have ended since. */
void advisor_review(struct engine *en);
/* All trials are final: the advisor has its last word and ends. */
void advisor_finish(struct engine *en);

/* --- writer.c: one queue of writes in order, committed in groups */
struct writer *writer_new(struct engine *en);
void writer_free(struct writer *w);
void writer_start(struct engine *en); /* makes the reserve */
void writer_end(struct engine *en);   /* removes it */
enum urgency { WRITE_SOON, WRITE_LATER }; /* 50 ms, 500 ms */
void write_trial(struct engine *en, struct run *r);
void write_phase(struct engine *en, const struct run *r, double value, const char *reason);
void write_device(struct engine *en, const struct run *r, const char *device);
void write_epoch(struct engine *en, const struct epoch_row *row);
void write_snapshot(struct engine *en, struct snapshot *s); /* takes what it owns */
void write_edit(struct engine *en, int number, enum knob k, const char *value, int64_t step);
void write_kept(struct engine *en, int number, bool kept);
void write_fact(struct engine *en, const char *key, const char *value);
void write_slice(struct engine *en, const struct device_row *row);
void write_suggestion(struct engine *en, struct suggestion *made); /* takes what it owns */
void write_ended(struct engine *en, int number);                  /* a trial that another program ended */
void write_card(struct engine *en, const struct card_row *row);
void write_cards_drop(struct engine *en, int from);
void writer_forget(struct engine *en, int trial);                 /* drops all that waits for it */
void write_log(struct engine *en, int trial, const char *text);
void write_rerun(struct engine *en, int number, int of);
void write_note(struct engine *en, const struct trial_note *note);
void write_progress(struct engine *en); /* the runs with progress_new, at the next commit */
/* Commits all that waits now; on a full disk what cannot wait. False: the store refused; it is kept and tried again. */
bool writer_flush(struct engine *en);
bool writer_full(const struct engine *en);  /* the disk is full */
bool writer_holds(const struct engine *en); /* so much waits that trials must not go on */
bool writer_idle(const struct engine *en);

/* --- links.c, commands.c: clients */
void links_accept(void *arg, int fd, int revents);
void links_committed(struct engine *en);
void links_banner(struct engine *en);
void links_finished(struct engine *en);
void links_close(struct engine *en);
void links_tick(struct engine *en); /* lets go of who connected and says nothing */
size_t links_count(const struct engine *en);
/* Does it. Errors: USAGE, NOTFOUND. reply: what was done, cap bytes. */
WUR enum err_code final_already(const struct run *r, struct err *e); /* "trial 3 is done already" */
WUR enum err_code command_do(struct engine *en, const struct m_command *m, char *reply, size_t cap, struct err *e);
/* Sets ERR_BUSY: what was asked for can be had of the next engine. */
enum err_code engine_is_ending(struct err *e);

#endif
