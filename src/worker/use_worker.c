/* A one-off worker that uses a trained model: reads USE, answers USED. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "use_job.h"
#include "vaetop/base/alloc.h"
#include "vaetop/data/npy_write.h"
#include "vaetop/model/selftest.h"
#include "vaetop/worker/worker.h"

#define REQUEST_MS 10000
#define ANSWER_MS 10000
#define NEIGHBOURS 5
#define SAMPLES_MAX 100000

enum use_data job_data(const struct job *j)
{
    return j->ask.test ? USE_TEST_DATA : j->ask.source[0] ? USE_OTHER_DATA : USE_OWN_DATA;
}

enum err_code job_open(struct job *j, enum use_data which, struct err *e)
{
    use_free(j->use);
    j->use = NULL;
    return use_open(&j->use, j->dev, j->ask.checkpoint, which, j->ask.source, e);
}

/* --- eval */

/* Encoded rows with their class, to find neighbours among or for. */
struct encoded {
    float *mu;
    uint8_t *label;
    size_t n;
};

static void encoded_release(struct encoded *s)
{
    free(s->mu);
    free(s->label);
    *s = (struct encoded){0};
}

/* Nothing where the data have no labels. */
static enum err_code encode_rows(struct encoded *out, struct use *u, const uint32_t *rows, size_t n, struct err *e)
{
    const uint8_t *label = use_dataset(u)->label;
    *out = (struct encoded){0};
    if (!label) {
        return ERR_OK;
    }
    out->mu = try_calloc(n * (size_t)use_latent(u), sizeof *out->mu);
    out->label = try_calloc(n, 1);
    out->n = n;
    if (!out->mu || !out->label) {
        return err_set(e, ERR_NOMEM, "no memory for %zu latent means", n);
    }
    for (size_t i = 0; i < n; i++) {
        out->label[i] = label[rows[i]];
    }
    return use_encode(u, out->mu, rows, n, e);
}

/* Neighbours are the rows the model was trained on; where they cannot be had, eval does without and says so. */
static enum err_code encode_neighbours(struct encoded *out, struct job *j, struct err *e)
{
    struct err why = {0};
    *out = (struct encoded){0};
    enum err_code rc = job_open(j, USE_OWN_DATA, &why);
    if (rc && job_data(j) == USE_OWN_DATA) {
        *e = why;
        return rc;
    }
    if (rc) {
        (void)str_copy(j->note, sizeof j->note, "no knn: the study's own data cannot be read");
        return ERR_OK;
    }
    const struct split *s = use_split(j->use);
    return encode_rows(out, j->use, s->train, s->n_train, e);
}

static double share_right(const struct encoded *query, const struct encoded *known, size_t latent)
{
    size_t right = 0;
    uint8_t *guess = xcalloc(query->n, 1);
    knn_classify(guess, query->mu, query->n, known->mu, known->label, known->n, latent, NEIGHBOURS);
    for (size_t i = 0; i < query->n; i++) {
        right += guess[i] == query->label[i];
    }
    free(guess);
    return (double)right / (double)query->n;
}

static enum err_code job_eval(struct job *j, struct err *e)
{
    struct encoded known = {0}, query = {0};
    enum err_code rc = encode_neighbours(&known, j, e);
    if (!rc && job_data(j) != USE_OWN_DATA) {
        rc = job_open(j, job_data(j), e);
    }
    if (!rc && known.label) {
        rc = encode_rows(&query, j->use, use_split(j->use)->val, use_split(j->use)->n_val, e);
    }
    if (!rc && query.label) {
        j->knn = share_right(&query, &known, (size_t)use_latent(j->use));
    }
    encoded_release(&known);
    encoded_release(&query);
    rc = rc ? rc : use_eval(j->use, (int)j->ask.samples, &j->figures, e);
    j->rows = (int64_t)j->figures.rows;
    return rc;
}

/* --- encode */

static enum err_code save_labels(const struct job *j, size_t n, struct err *e)
{
    const struct dataset *d = use_dataset(j->use);
    if (!j->ask.labels[0]) {
        return ERR_OK;
    }
    if (!d->label) {
        return err_set(e, ERR_DATA, "%s: has no labels that --labels could write", d->source);
    }
    return npy_save(j->ask.labels, DATA_U8, d->label, &n, 1, e);
}

/* Every row in the data's own order, so that row i of the array is image i of the file. */
static enum err_code job_encode(struct job *j, struct err *e)
{
    enum err_code rc = job_open(j, job_data(j), e);
    if (rc) {
        return rc;
    }
    size_t n = use_dataset(j->use)->n;
    n = j->ask.count > 0 && (uint64_t)j->ask.count < n ? (size_t)j->ask.count : n;
    const size_t shape[2] = {n, (size_t)use_latent(j->use)};
    float *mu = try_calloc(n * shape[1], sizeof *mu);
    uint32_t *rows = try_calloc(n, sizeof *rows);
    rc = mu && rows ? ERR_OK : err_set(e, ERR_NOMEM, "no memory for %zu latent means", n);
    for (size_t i = 0; i < n && !rc; i++) {
        rows[i] = (uint32_t)i;
    }
    rc = rc ? rc : use_encode(j->use, mu, rows, n, e);
    rc = rc ? rc : npy_save(j->ask.output, DATA_F32, mu, shape, 2, e);
    rc = rc ? rc : save_labels(j, n, e);
    j->rows = (int64_t)n;
    free(mu);
    free(rows);
    return rc;
}

/* --- the conversation */

static enum err_code perform(struct job *j, struct err *e)
{
    static const struct {
        const char *word;
        enum err_code (*run)(struct job *j, struct err *e);
    } use[] = {{"eval", job_eval},
               {"encode", job_encode},
               {"sample", job_sample},
               {"reconstruct", job_reconstruct},
               {"interpolate", job_interpolate}};
    if (j->ask.platform < 0 || j->ask.platform > 9999 || j->ask.device < 0 || j->ask.device > 9999 || j->ask.samples < 0 ||
        j->ask.samples > SAMPLES_MAX) {
        return err_set(e, ERR_PROTO, "use: a number is out of range");
    }
    enum err_code rc = device_open(&j->dev, (int)j->ask.platform, (int)j->ask.device, NULL, e);
    rc = rc ? rc : selftest_start(j->dev, false, NULL, e);
    for (size_t i = 0; i < sizeof use / sizeof *use && !rc; i++) {
        if (strcmp(j->ask.what, use[i].word) == 0) {
            return use[i].run(j, e);
        }
    }
    return rc ? rc : err_set(e, ERR_PROTO, "use: an unknown use of a model");
}

static bool answer(struct conn *c, const struct job *j, enum err_code rc, char *text)
{
    const struct use_figures *f = &j->figures;
    const struct m_used m = {.code = rc, .text = text, .rows = j->rows, .rec = f->rec, .kl = f->kl,
                             .active_units = f->active_units, .samples = f->samples, .nll = f->nll,
                             .nll_error = f->nll_error, .ess = f->ess, .knn = j->knn};
    bool sent = true;
    for (int i = 0; i < f->latent && sent; i++) {
        sent = send_used_dim(c, &(struct m_used_dim){f->dim_kl[i]}) && conn_drain(c, ANSWER_MS);
    }
    return sent && send_used(c, &m) && conn_drain(c, ANSWER_MS);
}

int worker_use(int fd)
{
    uint16_t type;
    struct msg_reader r;
    struct job j = {.knn = (double)NAN};
    struct err e = {0};
    (void)signal(SIGPIPE, SIG_IGN);
    struct conn *c = conn_new(fd);
    if (conn_wait(c, &type, &r, REQUEST_MS) != CONN_FRAME || type != MESSAGE_USE || !read_use(&j.ask, &r)) {
        return 1;
    }
    enum err_code rc = perform(&j, &e);
    /* Not through the exit handlers: a driver's own may hang. */
    _exit(answer(c, &j, rc, rc ? e.text : j.note) ? 0 : 1);
}
