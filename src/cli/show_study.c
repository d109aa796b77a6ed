/* `show --study`: the study as a whole, as on the Study screen, as text or JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "report.h"
#include "vaetop/ui/overview.h"

#define SLICES 6     /* parts of a range in the text */
#define FRONT_MOST 20 /* points of the front in the text */
#define FRONT_KNOBS 3 /* and knobs beside each */

static enum err_code open_overview(struct overview *o, struct study *s, struct err *e)
{
    overview_init(o, &s->preset);
    for (size_t i = 0; i < s->n_trials; i++) {
        overview_put(o, &s->trial[i]);
    }
    overview_total(o);
    enum err_code rc = overview_load(o, s->store, e);
    if (rc) {
        overview_release(o);
    }
    return rc;
}

/* --- text */

static void print_knobs(const struct overview *o)
{
    static const char ramp[] = " .:-=+*#%@";
    (void)printf("%-24s %-32s %10s %10s  trials along the range\n", "knob", "range", "best", "importance");
    for (size_t i = 0; i < o->n_knobs; i++) {
        const struct overview_knob *k = &o->knob[o->order[i]];
        char best[32], share[48] = "-", bins[OVERVIEW_BINS + 1];
        int most = 1;
        for (int b = 0; b < k->bins; b++) {
            most = k->all[b] > most ? k->all[b] : most;
        }
        for (int b = 0; b < k->bins; b++) {
            bins[b] = ramp[k->all[b] == 0 ? 0 : 1 + (k->all[b] * 8 + most - 1) / most];
        }
        bins[k->bins] = '\0';
        if (!isnan(k->share[0])) {
            (void)snprintf(share, sizeof share, "%.3f", k->share[0]);
        }
        if (!isnan(k->share[1])) {
            (void)snprintf(share, sizeof share, "%.2f %.2f", k->share[0], k->share[1]);
        }
        (void)printf("%-24s %-32s %10s %10s  |%s|\n", knob_info(k->knob)->full, k->range,
                     overview_text(best, sizeof best, k, k->best), share, bins);
    }
    if (o->insight.complete >= 2) {
        (void)printf("importance: PED-ANOVA of the best tenth of %d trials%s\n", o->insight.complete,
                     o->insight.objectives == 2 ? ", for rec and for kl" : "");
    }
}

/* The least value in each part of every range. */
static void print_slices(const struct overview *o)
{
    (void)printf("\nleast value along each range:\n");
    for (size_t i = 0; i < o->n_knobs; i++) {
        size_t knob = o->order[i];
        const struct overview_knob *k = &o->knob[knob];
        int parts = k->bins < SLICES ? k->bins : SLICES;
        double least[SLICES];
        for (int p = 0; p < parts; p++) {
            least[p] = (double)NAN;
        }
        for (size_t t = 0; t < o->n; t++) {
            double at = overview_at(o, (int)t, knob);
            int p = isnan(at) ? 0 : (int)(overview_place(k, at) * parts);
            p = p >= parts ? parts - 1 : p;
            if (o->trial[t].counts && !isnan(at) && !(o->trial[t].value >= least[p])) {
                least[p] = o->trial[t].value;
            }
        }
        (void)printf("%-24s", knob_info(k->knob)->full);
        for (int p = 0; p < parts; p++) {
            char text[32];
            (void)printf(" %9s", str_fit(text, sizeof text, least[p], 9, 2));
        }
        (void)printf("\n");
    }
}

static void print_best(const struct overview *o)
{
    double best = HUGE_VAL;
    (void)printf("\nbest so far:");
    for (size_t i = 0; i < o->n; i++) {
        if (o->trial[i].counts && o->trial[i].value < best) {
            best = o->trial[i].value;
            char text[32];
            (void)printf(" #%d %s", (int)i, str_fit(text, sizeof text, best, 10, 2));
        }
    }
    (void)printf("\n");
}

/* With the knobs that matter most: what makes the trade-off. */
static void print_front(const struct overview *o)
{
    size_t knobs = o->n_knobs < FRONT_KNOBS ? o->n_knobs : FRONT_KNOBS;
    (void)printf("\nfront of reconstruction and KL, %zu of %zu trials (nats):\n%8s %10s %10s %10s", o->n_front,
                 o->n_counts, "trial", "rec", "kl", "value");
    for (size_t k = 0; k < knobs; k++) {
        (void)printf(" %12s", knob_info(o->knob[o->order[k]].knob)->name);
    }
    (void)printf("\n");
    for (size_t i = 0; i < o->n_front && i < FRONT_MOST; i++) {
        const struct overview_trial *t = &o->trial[o->front[i]];
        char rec[16], kl[16], value[16];
        (void)printf("%8d %10s %10s %10s", o->front[i], str_fit(rec, sizeof rec, t->rec, 10, 2),
                     str_fit(kl, sizeof kl, t->kl, 10, 2), str_fit(value, sizeof value, t->value, 10, 2));
        for (size_t k = 0; k < knobs; k++) {
            char text[40];
            double at = overview_at(o, o->front[i], o->order[k]);
            (void)printf(" %12s", overview_text(text, sizeof text, &o->knob[o->order[k]], at));
        }
        (void)printf("\n");
    }
    if (o->n_front > FRONT_MOST) {
        (void)printf("     ... and %zu more, see --json\n", o->n_front - FRONT_MOST);
    }
}

/* What auto took and why, as its newest suggestion by a model says; nothing of another sampler. */
static void print_sampler(const struct study *s)
{
    struct suggestion *made = NULL;
    size_t n = 0;
    const char *took = NULL;
    if (config_choice(&s->preset.base, KNOB_STUDY_SAMPLER) == SAMPLER_AUTO &&
        store_suggestions(s->store, 0, INT32_MAX, &made, &n, NULL)) {
        n = 0;
    }
    for (size_t i = n; i-- > 0 && !took;) {
        took = strstr(made[i].text, "auto took ");
    }
    if (took) {
        (void)printf("sampler: %.*s\n", (int)strcspn(took, "("), took);
    }
    store_suggestions_free(made, n);
}

static void print_study(const struct study *s, const struct overview *o)
{
    char line[400];
    (void)printf("study %s  %s  %zu of %d trials ended, %zu with a value of their own\n\n", s->name, study_standing(s),
                 o->n_ended, s->total, o->n_counts);
    print_knobs(o);
    if (o->n_counts > 0) {
        print_slices(o);
        print_best(o);
        print_front(o);
    }
    (void)printf("\n");
    print_sampler(s);
    (void)printf("next: %s\n", overview_next(line, sizeof line, o));
    if (o->next.text) {
        (void)printf("why: %s\n", o->next.text);
    }
    (void)printf("%s\n", overview_left(line, sizeof line, o));
}

/* --- JSON */

static json_t *place_json(const struct overview_knob *k, double value)
{
    if (isnan(value)) {
        return json_null();
    }
    if (k->choice) {
        return json_string_nocheck(value >= 0 && value < (double)k->n_words ? k->word[(size_t)value] : "");
    }
    return k->whole ? json_integer((json_int_t)value) : json_real(value);
}

/* The value at the lower end of a histogram's bin. */
static json_t *edge_json(const struct overview_knob *k, int bin)
{
    double u = (double)bin / k->bins;
    return json_real(k->log ? k->lo * pow(k->hi / k->lo, u) : k->lo + u * (k->hi - k->lo));
}

static json_t *bins_json(const struct overview_knob *k)
{
    json_t *list = json_array();
    for (int b = 0; b < k->bins; b++) {
        json_t *o = json_object();
        if (k->choice && (size_t)k->bins == k->n_words) {
            (void)json_object_set_new(o, "choice", json_string_nocheck(k->word[b]));
        } else if (!k->choice) {
            (void)json_object_set_new(o, "from", edge_json(k, b));
            (void)json_object_set_new(o, "to", edge_json(k, b + 1));
        }
        (void)json_object_set_new(o, "trials", json_integer(k->all[b]));
        (void)json_object_set_new(o, "best_tenth", json_integer(k->good[b]));
        (void)json_array_append_new(list, o);
    }
    return list;
}

static json_t *knobs_json(const struct overview *o)
{
    json_t *list = json_array();
    for (size_t i = 0; i < o->n_knobs; i++) {
        const struct overview_knob *k = &o->knob[o->order[i]];
        json_t *j = json_object(), *share = json_array();
        for (size_t m = 0; m < o->insight.objectives; m++) {
            (void)json_array_append_new(share, report_number(k->share[m]));
        }
        (void)json_object_set_new(j, "knob", json_string(knob_info(k->knob)->full));
        (void)json_object_set_new(j, "range", json_string_nocheck(k->range));
        (void)json_object_set_new(j, "best", place_json(k, k->best));
        (void)json_object_set_new(j, "importance", share);
        (void)json_object_set_new(j, "histogram", bins_json(k));
        (void)json_array_append_new(list, j);
    }
    return list;
}

/* Everything a slice, a best-so-far curve and a front are drawn from. */
static json_t *trials_json(const struct study *s, const struct overview *o)
{
    json_t *list = json_array();
    double best = HUGE_VAL;
    for (size_t i = 0; i < s->n_trials; i++) {
        const struct trial_row *row = &s->trial[i];
        if (row->number < 0 || (size_t)row->number >= o->n) {
            continue; /* a damaged row */
        }
        const struct overview_trial *t = &o->trial[row->number];
        json_t *j = json_object();
        best = t->counts && t->value < best ? t->value : best;
        (void)json_object_set_new(j, "number", json_integer(row->number));
        (void)json_object_set_new(j, "phase", json_string(trial_phase_word(t->phase)));
        (void)json_object_set_new(j, "value_nats", report_number(t->value));
        (void)json_object_set_new(j, "rec_nats", report_number(t->rec));
        (void)json_object_set_new(j, "kl_nats", report_number(t->kl));
        (void)json_object_set_new(j, "best_so_far_nats", report_number(best));
        (void)json_object_set_new(j, "best_tenth", json_boolean(t->good));
        (void)json_object_set_new(j, "front", json_boolean(t->front));
        (void)json_object_set_new(j, "params", report_params(s, row));
        (void)json_array_append_new(list, j);
    }
    return list;
}

static json_t *next_json(const struct study *s, const struct overview *o)
{
    const struct suggestion *n = &o->next;
    const struct trial_row *row = NULL;
    for (size_t i = 0; i < s->n_trials && n->text; i++) {
        row = s->trial[i].number == (int)n->number ? &s->trial[i] : row;
    }
    if (!row) {
        return json_null();
    }
    json_t *j = json_object();
    (void)json_object_set_new(j, "number", json_integer(n->number));
    (void)json_object_set_new(j, "params", report_params(s, row));
    (void)json_object_set_new(j, "sampler", json_string_nocheck(n->sampler));
    (void)json_object_set_new(j, "why", json_string_nocheck(n->text));
    (void)json_object_set_new(j, "predicted_nats", report_number(n->mean));
    (void)json_object_set_new(j, "predicted_sd_nats", report_number(n->sd));
    (void)json_object_set_new(j, "expected_gain_sd", report_number(n->expected));
    (void)json_object_set_new(j, "seed", json_integer(n->seed));
    (void)json_object_set_new(j, "trials_ended", json_integer(n->told));
    (void)json_object_set_new(j, "trials_running", json_string_nocheck(n->running));
    (void)json_object_set_new(j, "fit", json_integer(n->fit));
    return j;
}

static json_t *left_json(const struct overview *o)
{
    const struct insight *in = &o->insight;
    if (in->objectives == 0) {
        return json_null();
    }
    json_t *j = json_object();
    (void)json_object_set_new(j, "trials_ended", json_integer(in->finished));
    (void)json_object_set_new(j, "expected_gain_sd", report_number(in->expected));
    (void)json_object_set_new(j, "trials_since_best", json_integer(in->since));
    (void)json_object_set_new(j, "enough", json_boolean(in->stop));
    (void)json_object_set_new(j, "study.stop", json_string(o->stop));
    return j;
}

static enum err_code write_study(const struct study *s, const struct overview *o, const char *path, struct err *e)
{
    json_t *root = json_object(), *front = json_array();
    for (size_t i = 0; i < o->n_front; i++) {
        (void)json_array_append_new(front, json_integer(o->front[i]));
    }
    (void)json_object_set_new(root, "schema_version", json_integer(1));
    (void)json_object_set_new(root, "study", json_string(s->name));
    (void)json_object_set_new(root, "phase", json_string(study_standing(s)));
    (void)json_object_set_new(root, "trials_total", json_integer(s->total));
    (void)json_object_set_new(root, "trials_ended", json_integer((json_int_t)o->n_ended));
    (void)json_object_set_new(root, "trials_with_value", json_integer((json_int_t)o->n_counts));
    (void)json_object_set_new(root, "best_trial", o->best >= 0 ? json_integer(o->best) : json_null());
    (void)json_object_set_new(root, "best_value_nats",
                              o->best >= 0 ? report_number(o->trial[o->best].value) : json_null());
    (void)json_object_set_new(root, "knobs", knobs_json(o));
    (void)json_object_set_new(root, "importance_trials", json_integer(o->insight.complete));
    (void)json_object_set_new(root, "front", front);
    (void)json_object_set_new(root, "next", next_json(s, o));
    (void)json_object_set_new(root, "left", left_json(o));
    (void)json_object_set_new(root, "trials", trials_json(s, o));
    return report_write(root, path, e);
}

enum err_code show_whole_study(struct study *s, const struct options *o, struct err *e)
{
    struct overview all;
    enum err_code rc = open_overview(&all, s, e);
    if (rc) {
        return rc;
    }
    if (o->json) {
        rc = write_study(s, &all, o->output, e);
    } else {
        print_study(s, &all);
    }
    overview_release(&all);
    return rc;
}
