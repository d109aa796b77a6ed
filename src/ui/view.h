/* What the screens show: a compact copy of the study, filled from rows of the store (view_load.c) or by a test. All
 * memory and all sorting happen here, so that drawing only reads. */
#ifndef VAETOP_UI_VIEW_H
#define VAETOP_UI_VIEW_H

#include "gallery.h"
#include "plot.h"
#include "scatter.h"
#include "vaetop/conf/objective.h"
#include "vaetop/conf/preset.h"
#include "vaetop/conf/trial.h"
#include "vaetop/store/store.h"
#include "vaetop/ui/overview.h"

/* Columns of the leaderboard; every one but RANK, MOVE, MARK and SPARK can be sorted by. A parameter is COL_PARAM + index. */
enum column {
    COL_MARK,
    COL_RANK,
    COL_MOVE,
    COL_NUMBER,
    COL_STATE,
    COL_EPOCH,
    COL_VALUE,
    COL_REC,
    COL_KL,
    COL_ACTIVE,
    COL_RATE,
    COL_SPARK,
    COL_ETA,
    COL_DEVICE,
    COL_PARAM
};

/* A searched knob: one column, however many ranges it has. */
#define VIEW_PARAMS 12
struct view_param {
    enum knob knob;
    char title[12]; /* for the column head */
    bool is_choice, is_log;
    int width;
};

struct view_trial {
    int number, rank; /* rank 0: no value */
    enum trial_phase phase;
    bool edited;
    int attempts, epoch, epochs, latent;
    double place; /* in the order of ranking(); NaN: no value */
    double violation; /* of study.require */
    double value, rec, kl, active, rate, eta_s, train, share; /* NaN unknown; share of the epochs trained */
    int64_t start_us, complete_us, changed;
    double value_was; /* when ranks were last counted */
    int moved;        /* places won by its last new value; below 0: lost */
    int64_t moved_us; /* when */
    char *device, *reason; /* NULL when empty */
};

/* What is kept of every epoch, in the order of struct view_series.y. */
enum series_metric {
    SERIES_VALUE,
    SERIES_TRAIN,
    SERIES_REC,
    SERIES_KL,
    SERIES_LR,
    SERIES_BETA,
    SERIES_RATE,
    SERIES_METRICS
};

/* Epoch series of one trial, for curves and sparklines. */
struct view_series {
    int number; /* -1: slot is free */
    int last_epoch;
    int64_t changed;   /* view_trial.changed when last read */
    uint64_t used;     /* for dropping the longest unused */
    size_t n, cap;
    float *epoch, *y[SERIES_METRICS];
};

struct view_device {
    char name[128], type[16], state[32]; /* state: starting, ready, lost; waiting, off, draining, unusable */
    char use[16], note[160];
    int card;         /* as on the command line */
    int first, cut;   /* its slices, as the store numbers them */
    int slices, slots_used, slots;
    uint64_t bytes_used, bytes_total;
    double busy, temperature_c, power_w, load;
};

struct view_log {
    int trial;
    char time[12]; /* local, HH:MM:SS */
    char text[240];
};

/* KL of one latent dimension. */
struct view_dim {
    float kl;
    int dim;
};

/* The selected trial's newest snapshot, or the one of an earlier epoch. */
struct view_latent {
    int trial, epoch; /* trial -1: none */
    struct view_dim *dim; /* (n_dims), greatest first */
    int n_dims;
    size_t n;
    float *xy;
    uint8_t *label;
    int latent;
    double explained;
    int off; /* points outside the box */
    struct scatter scatter;
    uint8_t *pixels; /* of gallery */
    struct gallery gallery; /* n 0: no images */
};

enum view_link { LINK_OFFLINE, LINK_LIVE, LINK_LOST };

#define VIEW_SERIES 160
#define VIEW_DEVICES 16
#define VIEW_LOGS 64       /* lines kept for the panes */
#define VIEW_LOGS_MOST 10000 /* and for the log screen: all that the store keeps */

struct view {
    char name[80], study_phase[16];
    int planned, slots; /* trials the study will have, and runs at once */
    int64_t batch;
    struct preset preset;
    int space_changes; /* how often its ranges have changed */
    bool has_preset;
    struct view_param param[VIEW_PARAMS];
    int n_params;

    struct view_trial *trial; /* by number */
    float *param_value;       /* (n, n_params): number, or index of the choice; NaN absent */
    size_t n, cap;
    uint32_t *order;  /* (n_order) indices as sorted for the screen */
    uint32_t *ranked; /* (n) indices by value */
    size_t n_order;   /* fewer than n_sorted when a filter hides some */
    size_t n_sorted;  /* trials there were when last sorted */
    int counts[PHASE_COUNT];
    int best; /* number, -1 none */

    struct view_series series[VIEW_SERIES];
    uint64_t series_clock;
    struct plot_span loss;                 /* value and train of the selected trial, in the window shown */
    struct plot_span span[SERIES_METRICS]; /* each by itself */
    int loss_of;

    float *done_x, *done_best; /* (n_done) best value after each finished trial, as steps */
    size_t n_done, done_cap;

    struct view_device device[VIEW_DEVICES];
    int n_devices;
    struct view_log *log; /* oldest first */
    int n_logs, cap_logs;
    bool whole_log; /* all lines, not the newest few */
    struct view_latent latent;
    int snapshot_of;         /* trial and its change when a snapshot was last looked for */
    int64_t snapshot_changed;
    int snapshot_at; /* the epoch asked for; 0: the newest */
    struct trial_note note; /* the newest of the selected trial; its text is empty without one */
    int64_t skipped;        /* its steps that changed nothing, by optimizer.skip */
    int note_of;            /* trial and its change when notes were last looked for */
    int64_t note_changed;

    struct overview all; /* once has_preset; totals as of the last view_overview() */
    bool all_due;

    enum view_link link;
    char banner[160];
    int64_t now_us; /* UTC, given from outside */
    double elapsed_s, eta_s;
    int64_t seen_trials, seen_log; /* how far the store was read */
};

void view_init(struct view *v);
void view_release(struct view *v);

/* Columns and totals from the study's preset; before the first trial. */
void view_set_preset(struct view *v, const struct preset *p);
void view_put_trial(struct view *v, const struct trial_row *r);
/* Appends epochs (ascending, after the last known one). */
void view_put_epochs(struct view *v, int number, const struct epoch_row *row, size_t n);
void view_put_snapshot(struct view *v, const struct snapshot *s);
/* The devices anew: cards, none in a study of an older vaetop, and their workers. live: an engine runs. */
void view_put_devices(struct view *v, const struct card_row *card, size_t n_cards, const struct device_row *slice,
                      size_t n_slices, bool live);
bool view_device_used(const struct view_device *d); /* the study has it, or wants it */
void view_put_log(struct view *v, const struct log_row *r);

/* After trials changed: counts, ranks, best, progress. The order on screen stays. */
void view_total(struct view *v);
/* Elapsed and remaining time at v->now_us. */
void view_clock(struct view *v);
void view_sort(struct view *v, int column, bool invert);
/* Totals of v->all, when trials have changed since: for the Study screen only. */
void view_overview(struct view *v);
/* Prepares the selected trial's curves between two epochs; the trials in `with` are drawn on the loss's axes too. */
void view_select(struct view *v, int number, double lo, double hi, const int *with, int n_with);
/* The row of an epoch in a series: the last one at or before it; n when there is none. */
size_t series_at(const struct view_series *s, int epoch);

const struct view_trial *view_trial(const struct view *v, int number);    /* NULL: none */
const struct view_series *view_series(const struct view *v, int number);  /* NULL: not loaded */
struct view_series *view_series_slot(struct view *v, int number);         /* loads it: takes the longest unused slot */
/* A value as the objective means it: knn's is kept negative. */
double view_shown(const struct view *v, double value);
bool view_maximised(const struct view *v); /* the value is no loss: other axes than the training's */
double view_param(const struct view *v, const struct view_trial *t, int param);
/* A parameter as text for its column, "" when the trial does not have it. */
const char *view_param_text(char *buf, size_t cap, const struct view *v, const struct view_trial *t, int param);
bool view_running(const struct view *v); /* something trains: clocks tick */
bool view_ended(const struct view *v);

/* --- from the store; view_load.c */
/* Preset and name, once. */
WUR enum err_code view_open(struct view *v, struct store *s, struct err *e);
/* What changed since the last call: trials, devices, log, facts. *changed says whether there was anything. */
WUR enum err_code view_load(struct view *v, struct store *s, bool *changed, struct err *e);
/* All of the log, once, for its screen. */
WUR enum err_code view_load_log(struct view *v, struct store *s, struct err *e);
/* Curves of the visible trials, curve and snapshot of the selected one. */
WUR enum err_code view_load_series(struct view *v, struct store *s, const int *number, size_t n, struct err *e);
/* The newest note of the selected trial, and its skipped steps. */
WUR enum err_code view_load_note(struct view *v, struct store *s, int number, struct err *e);
/* epoch 0: the newest snapshot; else the newest at or before it. */
WUR enum err_code view_load_snapshot(struct view *v, struct store *s, int number, int epoch, struct err *e);

#endif
