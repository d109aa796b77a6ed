/* `run`: from a preset to a study on disk and its engine; and `attach`. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/clock.h"
#include "vaetop/base/fs.h"
#include "vaetop/conf/objective.h"
#include "vaetop/conf/paths.h"
#include "vaetop/data/dataset.h"
#include "vaetop/ipc/advice.h"
#include "vaetop/ipc/client.h"
#include "vaetop/ipc/probe.h"

static enum err_code set_number(struct preset *p, const char *knob, const char *value, struct err *e)
{
    char *assignment;
    enum err_code rc;
    if (!value) {
        return ERR_OK;
    }
    assignment = xasprintf("%s=%s", knob, value);
    rc = preset_set(p, assignment, e);
    free(assignment);
    return rc;
}

/* The preset with everything the command line changes in it. Owns: preset_release() when ERR_OK. */
static enum err_code load(struct preset *p, const struct options *o, struct err *e)
{
    enum err_code rc = preset_load(p, o->arg[0], e);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < o->n_set && !rc; i++) {
        rc = preset_set(p, o->set[i], e);
    }
    if (!rc) {
        rc = set_number(p, "study.trials", o->trials, e);
    }
    if (!rc) {
        rc = set_number(p, "study.slots", o->slots, e);
    }
    if (!rc) {
        rc = set_number(p, "study.seed", o->seed, e);
    }
    if (!rc && o->name) {
        rc = set_number(p, "study.name", o->name, e);
    }
    if (!rc) {
        rc = preset_check(p, e);
    }
    if (rc) {
        preset_release(p);
    }
    return rc;
}

static enum err_code dry_run(const struct preset *p, struct err *e)
{
    enum { N = 10 };
    struct point point[N];
    struct sbuf text = {0};
    size_t got = 0;
    enum err_code rc;
    (void)printf("%zu searched\n", p->n_ranges);
    for (size_t r = 0; r < p->n_ranges; r++) {
        sbuf_clear(&text);
        range_format(&text, &p->range[r]);
        (void)printf("  %-22s %s\n", knob_info(p->range[r].knob)->full, text.text);
    }
    for (int i = 0; i < N; i++) {
        point_init(&point[i], p);
    }
    rc = advice_once(point, N, &got, p, 0, e);
    if (!rc) {
        const struct study s = {.preset = *p};
        (void)printf("\nfirst %zu of %lld trials (%s)\n", got, (long long)config_i64(&p->base, KNOB_STUDY_TRIALS),
                     knob_choice_name(KNOB_STUDY_SAMPLER, config_choice(&p->base, KNOB_STUDY_SAMPLER)));
        for (size_t i = 0; i < got; i++) {
            const struct trial_row row = {.number = (int)i, .point = point[i]};
            sbuf_clear(&text);
            study_point_text(&text, &s, &row, "  ");
            (void)printf("  %4zu  %s\n", i, text.text ? text.text : "");
        }
    }
    for (int i = 0; i < N; i++) {
        point_release(&point[i]);
    }
    sbuf_release(&text);
    return rc;
}

/* What must hold before anything is made: data that can be read, a device. */
static enum err_code check_world(char **note, const struct preset *p, const struct options *o, struct err *e)
{
    struct dataset_header h;
    struct probe probe;
    size_t *chosen = NULL;
    size_t n = 0;
    struct split split = {0};
    enum err_code rc = dataset_peek(&h, &p->base, e);
    rc = rc ? rc : split_make(&split, &p->base, h.n, e);
    split_release(&split);
    if (rc) {
        return rc;
    }
    if (objective_of(&p->base) == OBJECTIVE_KNN && !h.has_labels) {
        return err_set(e, ERR_USAGE, "study.objective: knn needs labels, and the data has none; set data.labels");
    }
    *note = study_data_note(&h);
    rc = probe_devices(&probe, e);
    if (!rc) {
        rc = probe_choose(&chosen, &n, &probe, o->device, e);
        probe_release(&probe);
    }
    free(chosen);
    return rc;
}

/* A study of Optuna's goes on in this one. */
static enum err_code go_on_here(const char *dir, const struct preset *p, const struct options *o, struct err *e)
{
    struct store *to = NULL;
    int trials = 0;
    enum err_code rc = store_open(&to, dir, true, e);
    rc = rc ? rc : store_begun(to, o->begun, p, &trials, e);
    if (rc) {
        err_prefix(e, "--continue");
    } else if (!o->quiet) {
        (void)fprintf(stderr, "vaetop: goes on with %d trials of an Optuna study\n", trials);
    }
    store_close(to);
    return rc;
}

/* Builds the study in a hidden folder beside its place and renames it: a refused start leaves nothing. */
static enum err_code create(const char *dir, const struct preset *p, const char *name, const char *note,
                            const struct options *o, struct err *e)
{
    char *parent = xstrndup(dir, (size_t)(strrchr(dir, '/') - dir));
    char *hidden = xasprintf("%s/.%s.%d", parent, name, (int)getpid());
    char *path = fs_join(hidden, STUDY_PRESET);
    char *checkpoints = fs_join(hidden, STUDY_CHECKPOINTS);
    struct sbuf yaml = {0};
    enum err_code rc = fs_mkdirs(parent, e);
    if (!rc && mkdir(hidden, 0700) != 0) {
        rc = err_set(e, ERR_IO, "%s: cannot make a study's folder here: %s; another place: --dir DIR", parent,
                     strerror(errno));
    }
    if (rc) {
        goto out;
    }
    preset_format(&yaml, p);
    rc = fs_mkdirs(checkpoints, e);
    if (!rc) {
        rc = store_create(hidden, name, p, note, e);
    }
    if (!rc && o->warm_start) {
        rc = warm_start(hidden, p, o, e);
    }
    if (!rc && o->begun) {
        rc = go_on_here(hidden, p, o, e);
    }
    if (!rc) {
        rc = fs_write(path, yaml.text, yaml.len, e);
    }
    if (!rc && rename(hidden, dir) != 0) {
        rc = err_set(e, errno == EEXIST || errno == ENOTEMPTY ? ERR_BUSY : ERR_IO, "%s: %s", dir, strerror(errno));
    }
    if (!rc) {
        rc = fs_sync_dir(parent, e);
    } else {
        struct err second;
        if (fs_remove_tree(hidden, &second)) {
            (void)fprintf(stderr, "vaetop: %s\n", second.text);
        }
    }
out:
    sbuf_release(&yaml);
    free(parent);
    free(hidden);
    free(path);
    free(checkpoints);
    return rc;
}

enum err_code study_start(char **dir, struct client **client, const struct preset *p, const char *name,
                          const struct options *o, struct err *e)
{
    char *parent = studies_dir(o), *path = path_study(parent, name), *note = NULL;
    enum err_code rc = fs_exists(path) ? err_set(e, ERR_BUSY, "%s: a study of this name exists", name)
                                       : check_world(&note, p, o, e);
    rc = rc ? rc : create(path, p, name, note, o, e);
    rc = rc ? rc : client_start(client, NULL, path, o->device, e);
    if (!rc) {
        *dir = path;
        path = NULL;
    }
    free(note);
    free(path);
    free(parent);
    return rc;
}

/* What a preset says of one knob: its ranges, or its value. */
static void knob_text(struct sbuf *out, const struct preset *p, enum knob k)
{
    char value[96];
    for (size_t r = 0; r < p->n_ranges; r++) {
        if (p->range[r].knob == k) {
            sbuf_add(out, out->len > 0 ? "; " : "");
            range_format(out, &p->range[r]);
        }
    }
    if (out->len == 0) {
        sbuf_add(out, config_format_value(value, sizeof value, &p->base, k));
    }
}

/* An existing study may only be continued with the same preset. */
static enum err_code compare(const struct study *s, const struct preset *p, struct err *e)
{
    struct preset first;
    struct sbuf was = {0};
    struct sbuf is = {0};
    enum err_code rc = store_first_preset(s->store, &first, e); /* its space may have changed since */
    if (rc) {
        return rc;
    }
    enum knob k = preset_difference(&first, p);
    if (k == KNOB_NONE || preset_difference(&s->preset, p) == KNOB_NONE) {
        preset_release(&first);
        return ERR_OK;
    }
    preset_release(&first);
    knob_text(&was, &s->preset, k);
    knob_text(&is, p, k);
    rc = err_set(e, ERR_USAGE, "%s: a study of this name exists with another %s (%s there, %s here); another name: --name",
                 s->name, knob_info(k)->full, was.text, is.text);
    sbuf_release(&was);
    sbuf_release(&is);
    return rc;
}

static void say_started(const char *name, const struct options *o)
{
    if (!o->quiet) {
        (void)printf("study %s runs in the background; vaetop attach %s shows it, vaetop stop %s ends it\n", name, name,
                     name);
    }
}

/* Starts or finds the engine, then shows the study. */
static enum err_code go(const struct options *o, const char *name, bool extend, struct err *e)
{
    struct study s;
    struct client *client = NULL;
    enum err_code rc = study_open(&s, o, name, e);
    if (rc) {
        return rc;
    }
    rc = extend ? resume_engine(&client, NULL, s.dir, o, e) : client_start(&client, NULL, s.dir, o->device, e);
    if (!rc && !o->quiet) {
        say_what_ends_it(name);
    }
    if (!rc && o->detach) {
        say_started(name, o);
    } else if (!rc) {
        rc = watch_study(&s, client, o, true, e);
    }
    client_free(client);
    study_close(&s);
    return rc;
}

/* The study's place is taken: continue it, or show what it came to. */
static enum err_code go_on(const struct options *o, const struct preset *p, const char *name, struct err *e)
{
    struct study s;
    int64_t trials = config_i64(&p->base, KNOB_STUDY_TRIALS);
    bool done;
    enum err_code rc = study_open(&s, o, name, e);
    if (rc) {
        return rc;
    }
    rc = compare(&s, p, e);
    done = !rc && study_finished(&s) && !(o->trials && trials > s.total);
    if (done) {
        (void)printf("study %s is finished; a higher --trials extends it\n\n", name);
        study_print_table(&s, 0);
        rc = study_verdict(&s, e);
    }
    study_close(&s);
    return rc || done ? rc : go(o, name, true, e);
}

enum err_code run_command(const struct options *o, struct err *e)
{
    struct preset p;
    char *parent = NULL;
    char *dir = NULL;
    char *note = NULL;
    const char *name;
    enum err_code rc = load(&p, o, e);
    if (rc) {
        return rc;
    }
    char advice[240];
    if (objective_advice(advice, sizeof advice, &p)[0] && !o->quiet) {
        (void)fprintf(stderr, "vaetop: %s\n", advice);
    }
    if (o->dry_run) {
        rc = dry_run(&p, e);
        goto out;
    }
    name = *config_text(&p.base, KNOB_STUDY_NAME) ? config_text(&p.base, KNOB_STUDY_NAME) : p.name;
    if (!study_name_ok(name)) {
        char clean[80];
        rc = err_set(e, ERR_USAGE, "%s: not a study's name: up to 64 of A-Z a-z 0-9 . _ -; choose one with --name",
                     str_clean(clean, sizeof clean, name));
        goto out;
    }
    parent = studies_dir(o);
    dir = path_study(parent, name);
    if (fs_exists(dir) && (o->warm_start || o->begun)) {
        rc = err_set(e, ERR_USAGE, "%s: --%s is for a new study, and this one exists; another name: --name", name,
                     o->warm_start ? "warm-start" : "continue");
        goto out;
    }
    if (fs_exists(dir)) {
        rc = go_on(o, &p, name, e);
        goto out;
    }
    rc = check_world(&note, &p, o, e);
    if (!rc) {
        rc = create(dir, &p, name, note, o, e);
    }
    if (!rc) {
        rc = go(o, name, false, e);
    }
out:
    free(note);
    free(dir);
    free(parent);
    preset_release(&p);
    return rc;
}

/* The study to attach to when none is named: the only running one, else the only one there is. */
static enum err_code pick_study(char **out, const struct options *o, struct err *e)
{
    char *parent = studies_dir(o);
    char **name = NULL;
    size_t n = studies_list(&name, parent);
    size_t live = 0;
    char *running = NULL;
    for (size_t i = 0; i < n; i++) {
        struct study s;
        if (study_open(&s, o, name[i], NULL) == ERR_OK) {
            if (s.live) {
                live++;
                running = name[i];
            }
            study_close(&s);
        }
    }
    *out = live == 1 ? xstrdup(running) : n == 1 && live == 0 ? xstrdup(name[0]) : NULL;
    for (size_t i = 0; i < n; i++) {
        free(name[i]);
    }
    free(name);
    free(parent);
    if (*out) {
        return ERR_OK;
    }
    if (n == 0) {
        return err_set(e, ERR_NOTFOUND, "no studies yet; vaetop run quickstart starts one");
    }
    return err_set(e, ERR_USAGE, "attach: %zu studies, %zu of them running; name one (vaetop ls lists them)", n, live);
}

/* The engine's connection, or NULL when none runs. A study that was running may be between two engines: its supervisor
 * gets a few seconds to bring the next one. */
static enum err_code connect_patiently(struct client **out, const struct study *s, struct err *e)
{
    bool was_running = s->phase && strcmp(s->phase, "running") == 0;
    int64_t deadline = clock_mono_ns() + (was_running ? 3000000000 : 0);
    enum err_code rc;
    while ((rc = client_connect(out, s->dir, e)) == ERR_NOTFOUND && clock_mono_ns() < deadline) {
        (void)poll(NULL, 0, 50);
    }
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

enum err_code attach_command(const struct options *o, struct err *e)
{
    struct study s;
    struct client *client = NULL;
    char *name = NULL;
    enum err_code rc = o->n_args > 0 ? ERR_OK : pick_study(&name, o, e);
    if (!rc) {
        rc = study_open(&s, o, name ? name : o->arg[0], e);
    }
    free(name);
    if (rc) {
        return rc;
    }
    rc = connect_patiently(&client, &s, e);
    if (!rc && !client && s.live) {
        char holder[200];
        (void)fprintf(stderr, "vaetop: %s is run by %s, which does not answer here; what is stored is shown, to steer it "
                              "attach on that host\n", s.name, study_holder(holder, sizeof holder, &s));
    } else if (!rc && !client && s.phase && strcmp(s.phase, "running") == 0) {
        (void)fprintf(stderr, "vaetop: nothing trains %s now; vaetop resume %s goes on\n", s.name, s.name);
    }
    if (!rc) {
        rc = watch_study(&s, client, o, false, e);
    }
    client_free(client);
    study_close(&s);
    return rc;
}
