/* Studies as the command line sees them: where they are, how they stand, what their table looks like. */
#ifndef VAETOP_CLI_STUDY_H
#define VAETOP_CLI_STUDY_H

#include <stdbool.h>
#include <stddef.h>

#include "options.h"
#include "vaetop/base/err.h"
#include "vaetop/conf/objective.h"
#include "vaetop/conf/preset.h"
#include "vaetop/data/dataset.h"
#include "vaetop/score/ranking.h"
#include "vaetop/store/store.h"

/* An open study for reading: everything `show`, `ls` and the progress lines need. */
struct study {
    char *name, *dir;
    struct store *store;
    struct preset preset;
    struct trial_row *trial;
    size_t n_trials;
    int total;         /* study.trials */
    int count[PHASE_COUNT];
    const struct trial_row *best; /* first of study_ranking() among trials that have a value; NULL none */
    enum objective objective;
    size_t image_dim;  /* values of an image; 0: the data are none, or of an older vaetop */
    double bits_more;  /* bits per value that go with a density of scaled bytes; NaN: unknown */
    char *phase;       /* running, paused, stopped, finished, as the engine last wrote it */
    bool live;         /* an engine holds the lock now */
};

/* Parent folder of studies: --dir or the default. Owns: caller frees. */
char *studies_dir(const struct options *o);
/* Errors: NOTFOUND (with the nearest name), DB, USAGE (bad name). Owns: study_close(). */
WUR enum err_code study_open(struct study *out, const struct options *o, const char *name, struct err *e);
WUR enum err_code study_refresh(struct study *s, struct err *e);
void study_close(struct study *s);

/* running, paused, stopped, finished; interrupted: the store says running but no engine lives; new. */
const char *study_standing(const struct study *s);
/* When anything last happened in it, UTC microseconds; 0 never. */
int64_t study_last_change(const struct study *s);

/* True when every trial that shall be has ended. */
bool study_finished(const struct study *s);
/* "process N on HOST", the engine that holds the study; "" when none. Returns out. */
const char *study_holder(char *out, size_t cap, const struct study *s);
/* What the running engine says to whoever looks; "" when nothing. Returns out. */
const char *study_banner(char *out, size_t cap, const struct study *s);
int study_ended_trials(const struct study *s); /* in a final phase */
/* ERR_FAILED when all ended trials failed, else ERR_OK. */
WUR enum err_code study_verdict(const struct study *s, struct err *e);

bool study_lock_held(const char *dir); /* an engine runs it */

/* Names below a parent folder that are studies, sorted. Owns: caller frees each and the array. */
size_t studies_list(char ***out, const char *parent);

/* A trial by "--trial" text: a number or best. Errors: USAGE, NOTFOUND. */
WUR enum err_code study_trial(const struct trial_row **out, const struct study *s, const char *text, struct err *e);

/* The trial's configuration. Owns: config_release(). */
WUR enum err_code study_config(struct config *out, const struct study *s, const struct trial_row *t, struct err *e);

/* The leaderboard as text: best first, at most `most` rows (0: all). */
void study_print_table(const struct study *s, size_t most);
/* Indices of trials, best first: those with a value, then running, queued, failed. Owns: caller frees. */
size_t *study_ranking(const struct study *s);

/* Fact "data" of a study: "6000 x 784 28x28 bytes". Owns: caller frees. */
char *study_data_note(const struct dataset_header *h);
/* Bits per dimension of a trial's scored epoch, by its NLL where that is the objective, else by -ELBO; NaN where the data
 * are no images. Source: nats / (dimensions ln 2), and 8 more for a density over bytes / 255. */
double study_bits(const struct study *s, const struct trial_row *t);
/* Its values as they are minimised; [0] NaN: none. */
struct scored study_scored(const struct study *s, const struct trial_row *t);
/* "116.96 nats", "93.1 %", "rec 99.02 kl 17.94 nats" of a trial with a value. Returns buf. */
const char *study_value_text(char *buf, size_t cap, const struct study *s, const struct trial_row *t);

/* The best trial's value in a table: "116.96", "0.9312", "99.0/17.9"; "-": none. Returns buf. cap >= 20. */
const char *study_best_text(char *buf, size_t cap, const struct study *s);

/* Values of a trial's searched knobs: "lr=0.001 latent=16". */
void study_point_text(struct sbuf *out, const struct study *s, const struct trial_row *t, const char *separator);

#endif
