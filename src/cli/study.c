#include "study.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/conf/paths.h"
#include "vaetop/ipc/client.h"

char *studies_dir(const struct options *o)
{
    return o->dir ? xstrdup(o->dir) : path_data_home();
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t studies_list(char ***out, const char *parent)
{
    DIR *d = opendir(parent);
    struct dirent *entry;
    char **name = NULL;
    size_t n = 0;
    while (d && (entry = readdir(d)) != NULL) {
        char *dir;
        char *db;
        if (entry->d_name[0] == '.' || !study_name_ok(entry->d_name)) {
            continue;
        }
        dir = fs_join(parent, entry->d_name);
        db = fs_join(dir, STUDY_DB);
        if (fs_exists(db)) {
            name = xreallocarray(name, n + 1, sizeof *name);
            name[n++] = xstrdup(entry->d_name);
        }
        free(dir);
        free(db);
    }
    if (d) {
        (void)closedir(d);
    }
    if (n > 0) {
        qsort(name, n, sizeof *name, by_name);
    }
    *out = name;
    return n;
}

static enum err_code no_such_study(const char *name, const char *parent, struct err *e)
{
    char **known = NULL;
    size_t n = studies_list(&known, parent);
    const char *near = str_nearest(name, (const char *const *)known, n);
    enum err_code rc = err_set(e, ERR_NOTFOUND, "%s: no such study in %s%s%s%s", name, parent,
                               near ? "; did you mean " : n > 0 ? "; vaetop ls lists them" : ", which has none",
                               near ? near : "", near ? "?" : "");
    for (size_t i = 0; i < n; i++) {
        free(known[i]);
    }
    free(known);
    return rc;
}

/* Looks without creating the file. */
bool study_lock_held(const char *dir)
{
    char *path = fs_join(dir, STUDY_LOCK);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    free(path);
    return held;
}

/* What study_data_note() wrote. */
static enum err_code read_data_note(struct study *s, struct err *e)
{
    char *note = NULL;
    size_t rows, dim, height, width;
    s->objective = objective_of(&s->preset.base);
    enum err_code rc = store_fact_get(s->store, "data", &note, e);
    if (!rc && note && sscanf(note, "%zu x %zu %zux%zu", &rows, &dim, &height, &width) == 4) {
        int scaling = config_choice(&s->preset.base, KNOB_DATA_SCALE);
        bool bytes = strstr(note, "bytes") && (scaling == SCALING_AUTO || scaling == SCALING_255);
        bool density = config_choice(&s->preset.base, KNOB_LOSS_LIKELIHOOD) != LIKE_BERNOULLI;
        s->image_dim = dim;
        s->bits_more = !density ? 0 : bytes ? 8 : (double)NAN;
    }
    free(note);
    return rc;
}

enum err_code study_open(struct study *out, const struct options *o, const char *name, struct err *e)
{
    enum err_code rc;
    char *parent = studies_dir(o);
    *out = (struct study){0};
    if (!study_name_ok(name)) {
        char clean[80];
        rc = err_set(e, ERR_USAGE, "%s: not a study's name: up to 64 of A-Z a-z 0-9 . _ -",
                     str_clean(clean, sizeof clean, name));
        goto out;
    }
    out->name = xstrdup(name);
    out->dir = path_study(parent, name);
    if (!fs_is_dir(out->dir)) {
        rc = no_such_study(name, parent, e);
        goto out;
    }
    rc = store_open(&out->store, out->dir, false, e);
    if (!rc) {
        rc = store_preset(out->store, &out->preset, e);
    }
    if (!rc) {
        rc = read_data_note(out, e);
    }
    if (!rc) {
        rc = study_refresh(out, e);
    }
out:
    free(parent);
    if (rc) {
        study_close(out);
    }
    return rc;
}

void study_close(struct study *s)
{
    trial_rows_free(s->trial, s->n_trials);
    if (s->store) {
        preset_release(&s->preset);
    }
    store_close(s->store);
    free(s->phase);
    free(s->name);
    free(s->dir);
    *s = (struct study){0};
}

enum err_code study_refresh(struct study *s, struct err *e)
{
    enum err_code rc;
    char *total = NULL;
    trial_rows_free(s->trial, s->n_trials);
    s->trial = NULL;
    s->n_trials = 0;
    s->best = NULL;
    memset(s->count, 0, sizeof s->count);
    rc = store_trials(s->store, &s->preset, -1, &s->trial, &s->n_trials, e);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < s->n_trials; i++) {
        const struct trial_row *t = &s->trial[i];
        s->count[t->phase]++;
    }
    size_t *order = study_ranking(s);
    if (s->n_trials > 0 && isfinite(study_scored(s, &s->trial[order[0]]).value[0])) {
        s->best = &s->trial[order[0]];
    }
    free(order);
    free(s->phase);
    s->phase = NULL;
    rc = store_fact_get(s->store, "phase", &s->phase, e);
    if (!rc) {
        rc = store_fact_get(s->store, "trials", &total, e);
    }
    s->total = total ? (int)strtol(total, NULL, 10) : (int)config_i64(&s->preset.base, KNOB_STUDY_TRIALS);
    free(total);
    s->total = s->total > (int)s->n_trials ? s->total : (int)s->n_trials; /* by hand, or a grid's cells once more */
    s->live = study_lock_held(s->dir);
    return rc;
}

static bool phase_final(enum trial_phase p)
{
    enum trial_state s = trial_phase_state(p);
    return s == TRIAL_COMPLETE || s == TRIAL_PRUNED || s == TRIAL_FAIL;
}

const char *study_holder(char *out, size_t cap, const struct study *s)
{
    char *path = fs_join(s->dir, STUDY_LOCK);
    out[0] = '\0';
    if (s->live) {
        (void)fs_line(out, cap, path);
    }
    free(path);
    return out;
}

const char *study_banner(char *out, size_t cap, const struct study *s)
{
    char text[512] = "";
    if (s->live) {
        client_peek(text, sizeof text, s->dir);
    }
    return str_clean(out, cap, text);
}

int study_ended_trials(const struct study *s)
{
    int n = 0;
    for (int p = 0; p < PHASE_COUNT; p++) {
        n += phase_final((enum trial_phase)p) ? s->count[p] : 0;
    }
    return n;
}

bool study_finished(const struct study *s)
{
    return s->phase && strcmp(s->phase, "finished") == 0 && study_ended_trials(s) == (int)s->n_trials;
}

enum err_code study_verdict(const struct study *s, struct err *e)
{
    int failed = s->count[PHASE_DIVERGED] + s->count[PHASE_NOMEM] + s->count[PHASE_FAILED];
    if (failed > 0 && failed == study_ended_trials(s)) {
        return err_set(e, ERR_FAILED, "%s: all %d trials failed; vaetop show %s says why", s->name, failed, s->name);
    }
    return ERR_OK;
}

enum err_code study_trial(const struct trial_row **out, const struct study *s, const char *text, struct err *e)
{
    int64_t number = -1;
    if (strcmp(text, "best") == 0) {
        *out = s->best;
        return s->best ? ERR_OK : err_set(e, ERR_NOTFOUND, "%s: no trial has a value yet", s->name);
    }
    if (!str_to_i64(&number, text)) {
        char clean[64];
        return err_set(e, ERR_USAGE, "--trial %s: a trial's number or best was expected",
                       str_clean(clean, sizeof clean, text));
    }
    for (size_t i = 0; i < s->n_trials; i++) {
        if (s->trial[i].number == number) {
            *out = &s->trial[i];
            return ERR_OK;
        }
    }
    return err_set(e, ERR_NOTFOUND, "%s: no trial %lld; it has 0 to %zd", s->name, (long long)number,
                   (ssize_t)s->n_trials - 1);
}

enum err_code study_config(struct config *out, const struct study *s, const struct trial_row *t, struct err *e)
{
    return preset_apply(out, &s->preset, &t->point, e);
}
