/* `eval`, `sample`, `reconstruct`, `interpolate`, `encode`: a trained model in use. A worker of its own does the work. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/conf/paths.h"
#include "vaetop/ipc/probe.h"
#include "vaetop/ipc/use_client.h"

#define SAMPLES_MAX 100000
#define COUNT_MAX 1000000
#define STEPS_MAX 1000

/* A use from the command line to the answer. */
struct use_command {
    const struct options *o;
    struct study study;
    const struct trial_row *trial;
    struct m_use ask;
    struct use_answer answer;
};

/* A whole number of at least `least`; text NULL: `standard`. Errors: USAGE. */
static enum err_code number(int64_t *out, const char *option, const char *text, int64_t standard, const int64_t bound[2],
                            struct err *e)
{
    char clean[64];
    *out = standard;
    if (!text || (str_to_i64(out, text) && *out >= bound[0] && *out <= bound[1])) {
        return ERR_OK;
    }
    return err_set(e, ERR_USAGE, "--%s: %s: a whole number from %lld to %lld was expected", option,
                   str_clean(clean, sizeof clean, text), (long long)bound[0], (long long)bound[1]);
}

static bool ends_in(const char *path, const char *suffix)
{
    size_t n = strlen(path), m = strlen(suffix);
    return n > m && strcmp(path + n - m, suffix) == 0;
}

/* -o is needed, and its suffix says what is written. */
static enum err_code check_output(const char *what, const char *path, bool images, struct err *e)
{
    const char *kinds = images ? "FILE.png or FILE.npy" : "FILE.npy";
    char clean[128];
    if (!path) {
        return err_set(e, ERR_USAGE, "%s: -o %s says where to write", what, kinds);
    }
    if (ends_in(path, ".npy") || (images && ends_in(path, ".png"))) {
        return ERR_OK;
    }
    return err_set(e, ERR_USAGE, "-o %s: %s was expected: the suffix says what is written",
                   str_clean(clean, sizeof clean, path), kinds);
}

/* The worker's texts are its own to free; what is sent from here is copied. */
static char *text_or_empty(const char *text)
{
    return xstrdup(text ? text : "");
}

static enum err_code read_options(struct m_use *m, const struct options *o, int64_t count, struct err *e)
{
    enum err_code rc = number(&m->count, "count", o->count, count, (int64_t[]){1, COUNT_MAX}, e);
    rc = rc ? rc : number(&m->samples, "samples", o->samples, 64, (int64_t[]){0, SAMPLES_MAX}, e);
    rc = rc ? rc : number(&m->steps, "steps", o->steps, 10, (int64_t[]){2, STEPS_MAX}, e);
    rc = rc ? rc : number(&m->seed, "seed", o->seed, 0, (int64_t[]){0, INT64_C(9007199254740991)}, e);
    if (!rc && o->from && strcmp(o->from, "prior") != 0 && strcmp(o->from, "gmm") != 0) {
        char clean[64];
        rc = err_set(e, ERR_USAGE, "--from %s: prior or gmm was expected", str_clean(clean, sizeof clean, o->from));
    }
    if (!rc && o->test && o->source) {
        rc = err_set(e, ERR_USAGE, "--test or --source, not both");
    }
    m->test = o->test;
    return rc;
}

/* The device that a study would take first. */
static enum err_code ask_device(struct use_command *u, struct err *e)
{
    struct probe probe;
    size_t *chosen = NULL, n = 0;
    enum err_code rc = probe_devices(&probe, e);
    if (rc) {
        return rc;
    }
    rc = probe_choose(&chosen, &n, &probe, u->o->device, e);
    rc = rc ? rc : use_ask(&u->answer, &probe.device[chosen[0]], &u->ask, e);
    free(chosen);
    probe_release(&probe);
    return rc;
}

static enum err_code find_weights(struct use_command *u, struct err *e)
{
    enum err_code rc = study_trial(&u->trial, &u->study, u->o->trial ? u->o->trial : "best", e);
    if (rc) {
        return rc;
    }
    u->ask.checkpoint = path_checkpoint(u->study.dir, u->trial->number);
    if (!fs_exists(u->ask.checkpoint)) {
        return err_set(e, ERR_NOTFOUND, "trial %d has no weights in %s: it has not trained long enough to be checkpointed, "
                                        "or is not among the best that study.keep keeps", u->trial->number, u->study.name);
    }
    return ERR_OK;
}

/* Asks for `what` with `count` as the default of --count; the answer is in *u. Owns: use_close(), also after errors. */
static enum err_code use_open(struct use_command *u, const struct options *o, const char *what, int64_t count, struct err *e)
{
    *u = (struct use_command){.o = o};
    enum err_code rc = read_options(&u->ask, o, count, e);
    u->ask.what = text_or_empty(what);
    u->ask.source = text_or_empty(o->source);
    u->ask.output = text_or_empty(o->output);
    u->ask.labels = text_or_empty(o->labels);
    u->ask.from = text_or_empty(o->from);
    rc = rc ? rc : study_open(&u->study, o, o->arg[0], e);
    rc = rc ? rc : find_weights(u, e);
    return rc ? rc : ask_device(u, e);
}

static void use_close(struct use_command *u)
{
    use_answer_release(&u->answer);
    free_use(&u->ask);
    study_close(&u->study);
}

/* --- eval */

static json_t *real(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static void eval_json(struct sbuf *out, const struct use_command *u)
{
    const struct m_used *m = &u->answer.used;
    json_t *root = json_object(), *dims = json_array();
    (void)json_object_set_new(root, "schema_version", json_integer(1));
    (void)json_object_set_new(root, "study", json_string(u->study.name));
    (void)json_object_set_new(root, "trial", json_integer(u->trial->number));
    (void)json_object_set_new(root, "source", u->ask.source[0] ? json_string(u->ask.source) : json_null());
    (void)json_object_set_new(root, "part", json_string(u->ask.source[0] ? "all" : u->ask.test ? "test" : "validation"));
    (void)json_object_set_new(root, "images", json_integer(m->rows));
    (void)json_object_set_new(root, "neg_elbo_nats", real(m->rec + m->kl));
    (void)json_object_set_new(root, "rec_nats", real(m->rec));
    (void)json_object_set_new(root, "kl_nats", real(m->kl));
    (void)json_object_set_new(root, "active_units", json_integer(m->active_units));
    (void)json_object_set_new(root, "nll_samples", json_integer(m->samples));
    (void)json_object_set_new(root, "nll_nats", real(m->nll));
    (void)json_object_set_new(root, "nll_standard_error_nats", real(m->nll_error));
    (void)json_object_set_new(root, "effective_samples", real(m->ess));
    (void)json_object_set_new(root, "knn_accuracy", real(m->knn));
    for (size_t i = 0; i < u->answer.n_dims; i++) {
        (void)json_array_append_new(dims, real(u->answer.dim_kl[i]));
    }
    (void)json_object_set_new(root, "latent_kl_nats", dims);
    char *text = json_dumps(root, JSON_INDENT(2));
    sbuf_addf(out, "%s\n", text ? text : "{}");
    free(text);
    json_decref(root);
}

struct dim {
    double kl;
    size_t number;
};

static int by_kl(const void *a, const void *b)
{
    const struct dim *p = a, *q = b;
    return p->kl != q->kl ? (p->kl < q->kl ? 1 : -1) : (p->number > q->number) - (p->number < q->number);
}

/* Largest first, eight in a line. */
static void dims_text(struct sbuf *out, const struct use_answer *a)
{
    struct dim *dim = xcalloc(a->n_dims + 1, sizeof *dim);
    for (size_t i = 0; i < a->n_dims; i++) {
        dim[i] = (struct dim){a->dim_kl[i], i};
    }
    qsort(dim, a->n_dims, sizeof *dim, by_kl);
    sbuf_addf(out, "KL by latent dimension, nats, largest first\n");
    for (size_t i = 0; i < a->n_dims; i++) {
        sbuf_addf(out, "  z%-3zu %6.3f%s", dim[i].number, dim[i].kl, i % 6 == 5 || i + 1 == a->n_dims ? "\n" : "");
    }
    free(dim);
}

static void eval_text(struct sbuf *out, const struct use_command *u)
{
    const struct m_used *m = &u->answer.used;
    char source[256];
    sbuf_addf(out, "%s, trial %d, %lld images of %s\n", u->study.name, u->trial->number, (long long)m->rows,
              u->ask.source[0] ? str_clean(source, sizeof source, u->ask.source)
              : u->ask.test    ? "its test part"
                               : "its validation part");
    sbuf_addf(out, "-ELBO         %9.3f nats = reconstruction %.3f + KL %.3f\n", m->rec + m->kl, m->rec, m->kl);
    if (m->samples > 0) {
        sbuf_addf(out, "NLL           %9.3f nats +- %.3f, importance-weighted with %lld samples, effectively %.1f\n", m->nll,
                  m->nll_error, (long long)m->samples, m->ess);
    }
    sbuf_addf(out, "active units  %5lld of %zu\n", (long long)m->active_units, u->answer.n_dims);
    if (isfinite(m->knn)) {
        sbuf_addf(out, "5 neighbours  %9.2f %% of the labels, told by latent means\n", 100 * m->knn);
    } else if (m->text[0]) {
        sbuf_addf(out, "%s\n", str_clean(source, sizeof source, m->text));
    }
    dims_text(out, &u->answer);
}

enum err_code eval_command(const struct options *o, struct err *e)
{
    struct use_command u;
    struct sbuf out = {0};
    enum err_code rc = use_open(&u, o, "eval", 1, e);
    if (!rc) {
        if (o->json) {
            eval_json(&out, &u);
        } else {
            eval_text(&out, &u);
        }
        rc = write_text(o->output, out.text, out.len, e);
    }
    sbuf_release(&out);
    use_close(&u);
    return rc;
}

/* --- what writes a file */

static enum err_code write_file(const struct options *o, const char *what, const char *unit, int64_t count, struct err *e)
{
    struct use_command u;
    enum err_code rc = check_output(what, o->output, strcmp(what, "encode") != 0, e);
    if (!rc && o->labels && !ends_in(o->labels, ".npy")) {
        rc = err_set(e, ERR_USAGE, "--labels: FILE.npy was expected");
    }
    if (rc) {
        return rc;
    }
    rc = use_open(&u, o, what, count, e);
    if (!rc && !o->quiet) {
        char clean[256];
        if (u.answer.used.text[0]) {
            (void)printf("%s\n", str_clean(clean, sizeof clean, u.answer.used.text));
        }
        (void)printf("%lld %s of trial %d written to %s\n", (long long)u.answer.used.rows, unit, u.trial->number, o->output);
    }
    use_close(&u);
    return rc;
}

enum err_code sample_command(const struct options *o, struct err *e)
{
    return write_file(o, "sample", "samples", 64, e);
}

enum err_code reconstruct_command(const struct options *o, struct err *e)
{
    return write_file(o, "reconstruct", "images and their reconstructions", 32, e);
}

enum err_code interpolate_command(const struct options *o, struct err *e)
{
    return write_file(o, "interpolate", "ways between two images", 8, e);
}

enum err_code encode_command(const struct options *o, struct err *e)
{
    return write_file(o, "encode", "latent means", 0, e);
}
