/* A study that lives on: trials by hand, another range for a knob, more trials, the trials of another study to start
 * from. A running engine is told; without one the study's lock is taken and its store is written here. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/conf/objective.h"
#include "vaetop/conf/paths.h"
#include "vaetop/conf/search_space.h"

/* --- a study that nobody runs */

struct offline {
    struct study s;
    struct store *store; /* for writing */
    int lock;
};

static void offline_close(struct offline *f)
{
    store_close(f->store);
    if (f->lock >= 0) {
        (void)close(f->lock);
    }
    study_close(&f->s);
}

/* Takes over an open study. Errors: BUSY (an engine has come). */
static enum err_code offline_open(struct offline *f, struct study *s, struct err *e)
{
    *f = (struct offline){.s = *s, .lock = -1};
    char *path = fs_join(s->dir, STUDY_LOCK);
    enum err_code rc = fs_lock(&f->lock, path, e);
    free(path);
    if (rc == ERR_BUSY) {
        rc = err_set(e, rc, "%s: an engine has just taken it; say it again", s->name);
    }
    f->lock = rc ? -1 : f->lock;
    rc = rc ? rc : store_open(&f->store, s->dir, true, e);
    if (rc) {
        offline_close(f);
    }
    return rc;
}

/* There is something to do again: `resume` and `run` go on with it. */
static enum err_code offline_wake(struct offline *f, struct err *e)
{
    bool finished = f->s.phase && strcmp(f->s.phase, "finished") == 0;
    return finished ? store_fact_set(f->store, "phase", "stopped", e) : ERR_OK;
}

static void say_resume(const struct offline *f, const struct options *o, const char *what)
{
    if (!o->quiet) {
        (void)printf("%s; vaetop resume %s goes on\n", what, f->s.name);
    }
}

/* --- trials by hand */

/* All --set as one text. Owns: caller frees. */
static char *assignments(const struct options *o)
{
    struct sbuf all = {0};
    for (size_t i = 0; i < o->n_set; i++) {
        sbuf_addf(&all, "%s%s", i > 0 ? "; " : "", o->set[i]);
    }
    return sbuf_take(&all);
}

static enum err_code enqueue_offline(struct offline *f, const struct options *o, const struct trial_row *like,
                                     const char *text, struct err *e)
{
    struct point pt;
    struct sbuf drawn = {0};
    int number = (int)f->s.n_trials;
    enum err_code rc = point_compose(&pt, &drawn, &f->s.preset, like ? &like->point : NULL, text, number, e);
    if (rc) {
        return rc;
    }
    rc = store_begin(f->store, e);
    rc = rc ? rc : store_trial_new(f->store, &number, &f->s.preset, &pt, PHASE_ENQUEUED, e);
    rc = rc ? rc : store_log(f->store, number, "enqueued by hand", e);
    rc = rc ? rc : offline_wake(f, e);
    rc = rc ? rc : store_commit(f->store, e);
    if (!rc) {
        char *said = xasprintf("trial %d waits%s%s%s", number, drawn.len > 0 ? " (drawn at random: " : "",
                               drawn.len > 0 ? drawn.text : "", drawn.len > 0 ? ")" : "");
        say_resume(f, o, said);
        free(said);
    }
    point_release(&pt);
    sbuf_release(&drawn);
    return rc;
}

static enum err_code by_hand(const struct options *o, enum command c, struct err *e)
{
    struct study s;
    struct offline f;
    const struct trial_row *like = NULL;
    enum err_code rc = study_open(&s, o, o->arg[0], e);
    if (rc) {
        return rc;
    }
    char *text = assignments(o);
    if (s.live) {
        study_close(&s);
        rc = tell(o, c, c, text, e);
    } else {
        rc = offline_open(&f, &s, e);
        if (!rc) {
            rc = o->trial ? study_trial(&like, &f.s, o->trial, e) : ERR_OK;
            rc = rc ? rc : enqueue_offline(&f, o, like, text, e);
            offline_close(&f);
        }
    }
    free(text);
    return rc;
}

enum err_code enqueue_command(const struct options *o, struct err *e)
{
    return o->n_set == 0 ? err_set(e, ERR_USAGE, "enqueue: --set K=V says what the trial shall have") : by_hand(o, COMMAND_ENQUEUE, e);
}

enum err_code clone_command(const struct options *o, struct err *e)
{
    return !o->trial ? err_set(e, ERR_USAGE, "clone: --trial N says which trial") : by_hand(o, COMMAND_CLONE, e);
}

/* --- the same values once more */

static enum err_code rerun_offline(struct offline *f, const struct trial_row *like, int n, struct err *e)
{
    int number;
    enum err_code rc = store_begin(f->store, e);
    for (int i = 0; i < n && !rc; i++) {
        rc = store_trial_new(f->store, &number, &f->s.preset, &like->point, PHASE_ENQUEUED, e);
        rc = rc ? rc : store_rerun(f->store, number, like->number, e);
    }
    rc = rc ? rc : offline_wake(f, e);
    return rc ? rc : store_commit(f->store, e);
}

enum err_code rerun_add(const struct options *o, int of, int n, struct err *e)
{
    struct study s;
    struct offline f;
    const struct trial_row *like = NULL;
    char text[16];
    struct options one = *o;
    (void)snprintf(text, sizeof text, "%d", of);
    one.trial = text;
    one.quiet = true;
    enum err_code rc = study_open(&s, o, o->arg[0], e);
    if (rc) {
        return rc;
    }
    if (s.live) {
        study_close(&s);
        for (int i = 0; i < n && !rc; i++) {
            rc = tell(&one, COMMAND_RERUN, COMMAND_RERUN, "", e);
        }
        return rc;
    }
    rc = offline_open(&f, &s, e);
    if (!rc) {
        rc = study_trial(&like, &f.s, text, e);
        rc = rc ? rc : rerun_offline(&f, like, n, e);
        offline_close(&f);
    }
    return rc;
}

/* --- the space */

static enum err_code space_offline(struct offline *f, const struct options *o, struct err *e)
{
    struct preset wide, narrow;
    enum err_code rc = store_suggested_space(f->store, &narrow, e);
    if (rc) {
        return rc;
    }
    preset_copy(&wide, &f->s.preset);
    for (size_t i = 0; i < o->n_set && !rc; i++) {
        enum knob k;
        int rows = 0;
        rc = space_change(&wide, &narrow, &k, o->set[i], e);
        rc = rc ? rc : store_space(f->store, &wide, &narrow, k, &rows, e);
        rc = rc ? rc : offline_wake(f, e); /* a space that was used up may have more now */
        if (!rc) {
            char *said = xasprintf("suggested from now on: %s; stored distributions rewritten: %d", o->set[i], rows);
            say_resume(f, o, said);
            free(said);
        }
    }
    preset_release(&wide);
    preset_release(&narrow);
    return rc;
}

static void print_space(const struct preset *p)
{
    for (size_t r = 0; r < p->n_ranges; r++) {
        struct sbuf text = {0};
        range_format(&text, &p->range[r]);
        (void)printf("%-22s %s\n", knob_info(p->range[r].knob)->full, text.text);
        sbuf_release(&text);
    }
}

static enum err_code show_space(struct study *s, struct err *e)
{
    struct preset narrow;
    enum err_code rc = store_suggested_space(s->store, &narrow, e);
    if (!rc) {
        print_space(&narrow);
        preset_release(&narrow);
    }
    study_close(s);
    return rc;
}

enum err_code space_command(const struct options *o, struct err *e)
{
    struct study s;
    struct offline f;
    enum err_code rc = study_open(&s, o, o->arg[0], e);
    if (rc || o->n_set == 0) {
        return rc ? rc : show_space(&s, e);
    }
    if (!s.live) {
        rc = offline_open(&f, &s, e);
        if (!rc) {
            rc = space_offline(&f, o, e);
            offline_close(&f);
        }
        return rc;
    }
    study_close(&s);
    for (size_t i = 0; i < o->n_set && !rc; i++) {
        rc = tell(o, COMMAND_SPACE, COMMAND_SPACE, o->set[i], e);
    }
    return rc;
}

/* --- set STUDY --trials N, --slots N */

static enum err_code number_offline(struct offline *f, const struct options *o, enum knob knob, const char *text,
                                    struct err *e)
{
    const struct knob_info *k = knob_info(knob);
    int64_t n;
    if (!str_to_i64(&n, text) || n < (int64_t)k->min || n > (int64_t)k->max) {
        return err_set(e, ERR_USAGE, "%s %s: expected a whole number from %.0f to %.0f", k->name, text, k->min, k->max);
    }
    enum err_code rc = store_fact_set(f->store, k->name, text, e);
    if (!rc && knob == KNOB_STUDY_TRIALS && n > (int64_t)f->s.n_trials) {
        rc = offline_wake(f, e);
    }
    if (!rc) {
        char *said = xasprintf("%s: %s", k->name, text);
        say_resume(f, o, said);
        free(said);
    }
    return rc;
}

enum err_code set_numbers(const struct options *o, struct err *e)
{
    struct study s;
    struct offline f;
    enum err_code rc = study_open(&s, o, o->arg[0], e);
    if (rc) {
        return rc;
    }
    if (s.live) {
        study_close(&s);
        rc = o->trials ? tell(o, COMMAND_TRIALS, COMMAND_TRIALS, o->trials, e) : ERR_OK;
        return rc || !o->slots ? rc : tell(o, COMMAND_SLOTS, COMMAND_SLOTS, o->slots, e);
    }
    rc = offline_open(&f, &s, e);
    if (!rc) {
        rc = o->trials ? number_offline(&f, o, KNOB_STUDY_TRIALS, o->trials, e) : ERR_OK;
        rc = rc || !o->slots ? rc : number_offline(&f, o, KNOB_STUDY_SLOTS, o->slots, e);
        offline_close(&f);
    }
    return rc;
}

/* --- another study's trials */

/* What trials of the other study came to must mean the same here. */
static enum err_code comparable(const struct study *other, const struct preset *p, struct err *e)
{
    static const enum knob knobs[] = {KNOB_STUDY_OBJECTIVE, KNOB_STUDY_VALUE};
    for (size_t i = 0; i < sizeof knobs / sizeof *knobs; i++) {
        char here[64], there[64];
        (void)config_format_value(here, sizeof here, &p->base, knobs[i]);
        (void)config_format_value(there, sizeof there, &other->preset.base, knobs[i]);
        if (strcmp(here, there) != 0) {
            return err_set(e, ERR_USAGE, "--warm-start %s: its values are others: %s is %s there and %s here", other->name,
                           knob_info(knobs[i])->full, there, here);
        }
    }
    return ERR_OK;
}

static bool says_something(const struct trial_row *t)
{
    enum trial_state s = trial_phase_state(t->phase);
    bool ended = s != TRIAL_RUNNING && s != TRIAL_WAITING && t->phase != PHASE_FAILED;
    return ended && !t->edited && !t->foreign;
}

/* What the trial came to, by this study's measure. */
static struct foreign_row as_foreign(const struct trial_row *t, const struct study *other, const struct preset *p)
{
    struct foreign_row f = {.phase = t->phase, .value = {t->value, (double)NAN}, .epoch = t->has_epoch ? t->last.epoch : 0};
    if (t->has_epoch) {
        const struct epoch_row *row = trial_scored(t, &other->preset.base);
        double v[2];
        objective_values(v, objective_of(&p->base), row);
        f.violation = require_violation(&p->base, row);
        f.value[0] = isnan(v[1]) ? t->value : v[0];
        f.value[1] = v[1];
    }
    return f;
}

static enum err_code copy_trials(struct store *to, const struct study *other, const struct preset *p, size_t *in,
                                 size_t *of, struct err *why, struct err *e)
{
    enum err_code rc = store_begin(to, e);
    for (size_t i = 0; !rc && i < other->n_trials; i++) {
        const struct trial_row *t = &other->trial[i];
        struct foreign_row f = as_foreign(t, other, p);
        struct config c;
        if (!says_something(t) || study_config(&c, other, t, NULL)) {
            continue;
        }
        ++*of;
        if (point_of_config(&f.point, p, &c, why->code ? NULL : why) == ERR_OK) {
            ++*in;
            rc = store_foreign_add(to, &f, e);
            point_release(&f.point);
        }
        config_release(&c);
    }
    return rc ? rc : store_commit(to, e);
}

enum err_code warm_start(const char *dir, const struct preset *p, const struct options *o, struct err *e)
{
    struct study other;
    struct store *to = NULL;
    struct err why = {0};
    size_t in = 0, of = 0;
    enum err_code rc = study_open(&other, o, o->warm_start, e);
    if (rc) {
        err_prefix(e, "--warm-start");
        return rc;
    }
    rc = comparable(&other, p, e);
    rc = rc ? rc : store_open(&to, dir, true, e);
    rc = rc ? rc : copy_trials(to, &other, p, &in, &of, &why, e);
    if (!rc && in == 0) {
        rc = err_set(e, ERR_USAGE, "--warm-start %s: none of its %zu ended trials lies in this space%s%.300s", other.name, of,
                     why.code ? ": " : "", why.code ? why.text : "");
    }
    if (!rc) {
        char *text = xasprintf("the sampler starts from trials of %s that lie in this space: %zu of %zu", other.name, in, of);
        rc = store_fact_set(to, "warm_start", other.name, e);
        rc = rc ? rc : store_log(to, -1, text, e);
        if (!rc && !o->quiet) {
            (void)fprintf(stderr, "vaetop: %s\n", text);
        }
        free(text);
    }
    store_close(to);
    study_close(&other);
    return rc;
}
