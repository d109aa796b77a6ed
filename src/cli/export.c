/* `export`: the trials as a table (CSV, JSON) or as a file of Optuna's, or one trial's weights as safetensors. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "vaetop/base/alloc.h"
#include "vaetop/conf/paths.h"
#include "vaetop/data/safetensors.h"

/* RFC 4180: quoted when it holds a comma, a quote or a line break. */
static void csv_text(struct sbuf *out, const char *text)
{
    char clean[256];
    (void)str_clean(clean, sizeof clean, text);
    if (!strpbrk(clean, ",\"\n")) {
        sbuf_add(out, clean);
        return;
    }
    sbuf_add(out, "\"");
    for (const char *p = clean; *p; p++) {
        sbuf_add_bytes(out, *p == '"' ? "\"\"" : p, *p == '"' ? 2 : 1);
    }
    sbuf_add(out, "\"");
}

static void csv_number(struct sbuf *out, double v)
{
    char text[32];
    if (isfinite(v)) {
        sbuf_add(out, str_from_f64(text, sizeof text, v));
    }
}

/* True for the first range of its knob: a knob with several conditional ranges is one column. */
static bool first_of_knob(const struct preset *p, size_t r)
{
    for (size_t i = 0; i < r; i++) {
        if (p->range[i].knob == p->range[r].knob) {
            return false;
        }
    }
    return true;
}

static bool knob_present(const struct study *s, const struct trial_row *t, enum knob k)
{
    for (size_t r = 0; r < s->preset.n_ranges; r++) {
        if (s->preset.range[r].knob == k && t->point.present[r]) {
            return true;
        }
    }
    return false;
}

static void csv_row(struct sbuf *out, const struct study *s, const struct trial_row *t)
{
    const struct epoch_row *row = trial_scored(t, &s->preset.base);
    struct config c;
    bool configured = study_config(&c, s, t, NULL) == ERR_OK;
    sbuf_addf(out, "%d,%s,", t->number, trial_phase_word(t->phase));
    csv_number(out, t->value);
    for (size_t r = 0; r < s->preset.n_ranges; r++) {
        if (first_of_knob(&s->preset, r)) {
            char text[128] = "";
            sbuf_add(out, ",");
            if (configured && knob_present(s, t, s->preset.range[r].knob)) {
                csv_text(out, config_format_value(text, sizeof text, &c, s->preset.range[r].knob));
            }
        }
    }
    sbuf_addf(out, ",%d,%lld", t->has_epoch ? row->epoch : 0, (long long)(t->has_epoch ? row->step : 0));
#define X(member, unit, meaning)                \
    sbuf_add(out, ",");                         \
    csv_number(out, t->has_epoch ? row->member : (double)NAN);
    EPOCH_METRIC_LIST(X)
#undef X
    sbuf_add(out, ",");
    csv_text(out, t->reason);
    sbuf_add(out, "\n");
    if (configured) {
        config_release(&c);
    }
}

static enum err_code export_csv(const struct study *s, const struct options *o, struct err *e)
{
    struct sbuf out = {0};
    enum err_code rc;
    sbuf_add(&out, "trial,phase,value_nats");
    for (size_t r = 0; r < s->preset.n_ranges; r++) {
        if (first_of_knob(&s->preset, r)) {
            sbuf_addf(&out, ",%s", knob_info(s->preset.range[r].knob)->full);
        }
    }
    sbuf_add(&out, ",epoch,step");
#define X(member, unit, meaning) sbuf_addf(&out, ",%s", "epoch_" #member);
    EPOCH_METRIC_LIST(X)
#undef X
    sbuf_add(&out, ",reason\n");
    for (size_t i = 0; i < s->n_trials; i++) {
        csv_row(&out, s, &s->trial[i]);
    }
    rc = write_text(o->output, out.text, out.len, e);
    sbuf_release(&out);
    return rc;
}

/* Not optimiser state, not another copy of the weights, not counters. */
static bool is_weight(const char *name)
{
    static const char *const others[] = {"opt.", "best.", "ema.", "vaetop."};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (str_starts(name, others[i])) {
            return false;
        }
    }
    return true;
}

/* Values are (as in the file - data.shift) * data.factor; bytes / 255 without them. */
static void add_scale(struct tensor_writer *w, const struct tensor_file *file)
{
    const struct tensor *shift = tensor_file_find(file, "vaetop.scale.shift");
    const struct tensor *factor = tensor_file_find(file, "vaetop.scale.factor");
    if (shift && factor) {
        tensor_writer_add(w, "data.shift", shift->type, shift->shape, shift->rank, shift->data);
        tensor_writer_add(w, "data.factor", factor->type, factor->shape, factor->rank, factor->data);
    }
}

/* Weights of the trial's value, without optimiser state and counters. */
static enum err_code export_weights(const struct study *s, const struct trial_row *t, const char *path, struct err *e)
{
    char *from = path_checkpoint(s->dir, t->number);
    struct tensor_file *file = NULL;
    struct tensor_writer *w = tensor_writer_new();
    struct config c;
    struct sbuf text = {0};
    size_t n = 0;
    enum err_code rc = tensor_file_open(&file, from, true, e);
    if (rc) {
        err_prefix(e, "trial %d has no weights here", t->number);
        goto out;
    }
    for (size_t i = 0; i < tensor_file_count(file); i++) {
        const struct tensor *tensor = tensor_file_at(file, i);
        if (is_weight(tensor->name)) {
            const bool best = config_choice(&s->preset.base, KNOB_STUDY_VALUE) == VALUE_BEST;
            const struct tensor *value = tensor_file_weight(file, tensor->name, best);
            tensor_writer_add(w, tensor->name, value->type, value->shape, value->rank, value->data);
            n++;
        }
    }
    if (n == 0) {
        rc = err_set(e, ERR_DATA, "%s: holds no weights", from);
        goto out;
    }
    add_scale(w, file);
    rc = study_config(&c, s, t, e);
    if (rc) {
        goto out;
    }
    config_format(&text, &c);
    config_release(&c);
    tensor_writer_meta(w, "format", "pt");
    tensor_writer_meta(w, "vaetop.version", VAETOP_VERSION);
    tensor_writer_meta(w, "vaetop.study", s->name);
    tensor_writer_meta(w, "vaetop.config", text.text);
    rc = tensor_writer_save(w, path, false, false, e);
out:
    sbuf_release(&text);
    tensor_writer_free(w);
    tensor_file_free(file);
    free(from);
    return rc;
}

/* What is asked for goes together, and a file that is no text has a name. */
static enum err_code check_options(const struct options *o, struct err *e)
{
    if (o->csv + o->json + o->optuna > 1) {
        return err_set(e, ERR_USAGE, "export: one of --csv, --json and --optuna");
    }
    if (o->optuna && !o->output) {
        return err_set(e, ERR_USAGE, "export: -o FILE says where the copy for Optuna goes");
    }
    if (!o->csv && !o->json && !o->output) {
        return err_set(e, ERR_USAGE,
                       "export: -o model.safetensors says where the weights go (or --csv, --json, --optuna)");
    }
    return ERR_OK;
}

enum err_code export_command(const struct options *o, struct err *e)
{
    struct study s;
    const struct trial_row *t = NULL;
    enum err_code rc = check_options(o, e);
    rc = rc ? rc : study_open(&s, o, o->arg[0], e);
    if (rc) {
        return rc;
    }
    if (o->csv) {
        rc = export_csv(&s, o, e);
    } else if (o->json) {
        rc = report_study_json(&s, o, e);
    } else if (o->optuna) {
        rc = store_copy(s.store, o->output, e);
    } else {
        rc = study_trial(&t, &s, o->trial ? o->trial : "best", e);
        if (!rc) {
            rc = export_weights(&s, t, o->output, e);
        }
        if (!rc && !o->quiet) {
            (void)printf("weights of trial %d written to %s\n", t->number, o->output);
        }
    }
    study_close(&s);
    return rc;
}
