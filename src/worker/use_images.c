/* Pictures from a trained model: samples, reconstructions, ways between images; as a PNG grid or an array. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "use_job.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/rng.h"
#include "vaetop/data/npy_write.h"
#include "vaetop/data/png_grid.h"

#define COMPONENTS 10      /* of the mixture */
#define FIT_ROWS_MAX 20000 /* more do not move ten Gaussians */
#define PAIR_COLUMNS 16
#define TRIES 50

/* Images as the command makes them: sets of `per` that belong together. x (n, per, dim). */
struct images {
    float *x;
    size_t n, per;
};

static enum err_code images_new(struct images *out, const struct job *j, size_t n, size_t per, struct err *e)
{
    size_t total;
    *out = (struct images){.n = n, .per = per};
    out->x = mul_size(&total, n, per) && mul_size(&total, total, use_dim(j->use)) ? try_calloc(total, sizeof(float)) : NULL;
    return out->x ? ERR_OK : err_set(e, ERR_NOMEM, "no memory for %zu images of %zu values", n * per, use_dim(j->use));
}

static bool is_array(const char *path)
{
    const size_t n = strlen(path);
    return n > 4 && strcmp(path + n - 4, ".npy") == 0;
}

/* (n, [per,] height, width), without height for data that are no images. */
static enum err_code save_array(const struct job *j, const struct images *s, struct err *e)
{
    size_t shape[4] = {s->n}, height, width;
    int rank = 1;
    use_image_size(j->use, &height, &width);
    if (s->per > 1) {
        shape[rank++] = s->per;
    }
    if (height > 1) {
        shape[rank++] = height;
    }
    shape[rank++] = width;
    return npy_save(j->ask.output, DATA_F32, s->x, shape, rank, e);
}

/* Pairs stand above each other, PAIR_COLUMNS side by side: a row of first ones, a row of second ones, a gap. */
static enum err_code save_pairs(const struct job *j, const struct images *s, struct png_grid *g, struct err *e)
{
    const size_t dim = use_dim(j->use), blocks = (s->n + PAIR_COLUMNS - 1) / PAIR_COLUMNS;
    struct images all;
    g->columns = s->n < PAIR_COLUMNS ? s->n : PAIR_COLUMNS;
    g->group = 2;
    g->n = 2 * blocks * g->columns;
    enum err_code rc = images_new(&all, j, g->n, 1, e);
    for (size_t i = 0; i < g->n * dim && !rc; i++) {
        all.x[i] = PNG_GRID_BLANK;
    }
    for (size_t i = 0; i < 2 * s->n && !rc; i++) {
        const size_t pair = i / 2, row = 2 * (pair / g->columns) + i % 2;
        memcpy(all.x + (row * g->columns + pair % g->columns) * dim, s->x + i * dim, dim * sizeof *all.x);
    }
    rc = rc ? rc : png_grid_save(j->ask.output, all.x, g, e);
    free(all.x);
    return rc;
}

/* Values that leave 0 .. 1, as standardised data do, are stretched to it for a picture: smallest black, largest white. */
static void stretch(float *x, size_t n)
{
    float least = 0, most = 1;
    for (size_t i = 0; i < n; i++) {
        least = fminf(least, x[i]);
        most = fmaxf(most, x[i]);
    }
    for (size_t i = 0; i < n && (least < 0 || most > 1); i++) {
        x[i] = (x[i] - least) / (most - least);
    }
}

static enum err_code save(struct job *j, const struct images *s, struct err *e)
{
    j->rows = (int64_t)s->n;
    if (is_array(j->ask.output)) {
        return save_array(j, s, e);
    }
    stretch(s->x, s->n * s->per * use_dim(j->use));
    struct png_grid g = {.n = s->n * s->per, .columns = s->per > 1 ? s->per : 0};
    use_image_size(j->use, &g.height, &g.width);
    return s->per == 2 ? save_pairs(j, s, &g, e) : png_grid_save(j->ask.output, s->x, &g, e);
}

/* --- sample */

static enum err_code draw_mixture(struct job *j, float *z, size_t n, struct err *e)
{
    const struct split *s = use_split(j->use);
    const int latent = use_latent(j->use);
    const size_t rows = s->n_train < FIT_ROWS_MAX ? s->n_train : FIT_ROWS_MAX;
    struct mixture m = {0};
    float *mu = try_calloc(rows * (size_t)latent, sizeof *mu);
    enum err_code rc = mu ? use_encode(j->use, mu, s->train, rows, e) : err_set(e, ERR_NOMEM, "%zu latent means", rows);
    rc = rc ? rc : mixture_fit(&m, mu, rows, latent, COMPONENTS, (uint64_t)j->ask.seed, e);
    if (!rc) {
        mixture_sample(&m, z, n, (uint64_t)j->ask.seed);
        char *text = xasprintf("mixture of %d Gaussians fitted to %zu latent means in %d rounds, log-likelihood %.3f nats",
                               m.k, rows, m.rounds, m.log_likelihood);
        (void)str_copy(j->note, sizeof j->note, text);
        free(text);
    }
    mixture_release(&m);
    free(mu);
    return rc;
}

enum err_code job_sample(struct job *j, struct err *e)
{
    const bool mixture = strcmp(j->ask.from, "gmm") == 0;
    struct images s = {0};
    float *z = NULL;
    const size_t n = (size_t)j->ask.count;
    enum err_code rc = job_open(j, mixture ? USE_OWN_DATA : USE_NO_DATA, e);
    rc = rc ? rc : images_new(&s, j, n, 1, e);
    if (!rc) {
        const int latent = use_latent(j->use);
        z = xcalloc(n, (size_t)latent * sizeof *z);
        if (mixture) {
            rc = draw_mixture(j, z, n, e);
        } else {
            use_prior(z, n, latent, (uint64_t)j->ask.seed);
        }
    }
    rc = rc ? rc : use_decode(j->use, s.x, z, n, e);
    rc = rc ? rc : save(j, &s, e);
    free(z);
    free(s.x);
    return rc;
}

/* --- reconstruct */

static enum err_code open_rows(struct job *j, size_t *n, struct err *e)
{
    enum err_code rc = job_open(j, job_data(j), e);
    if (!rc) {
        const size_t rows = use_split(j->use)->n_val;
        *n = (size_t)j->ask.count < rows ? (size_t)j->ask.count : rows;
    }
    return rc;
}

enum err_code job_reconstruct(struct job *j, struct err *e)
{
    size_t n = 0;
    struct images s = {0};
    float *z = NULL, *x = NULL;
    enum err_code rc = open_rows(j, &n, e);
    rc = rc ? rc : images_new(&s, j, n, 2, e);
    if (!rc) {
        const size_t dim = use_dim(j->use);
        const uint32_t *rows = use_split(j->use)->val;
        z = xcalloc(n, (size_t)use_latent(j->use) * sizeof *z);
        x = xcalloc(n, dim * sizeof *x);
        rc = use_encode(j->use, z, rows, n, e);
        rc = rc ? rc : use_decode(j->use, x, z, n, e);
        for (size_t i = 0; i < n && !rc; i++) {
            use_rows(j->use, s.x + 2 * i * dim, &rows[i], 1);
            memcpy(s.x + (2 * i + 1) * dim, x + i * dim, dim * sizeof *x);
        }
    }
    rc = rc ? rc : save(j, &s, e);
    free(z);
    free(x);
    free(s.x);
    return rc;
}

/* --- interpolate */

/* Two evaluated rows, of different classes where there are labels. */
static void draw_pair(uint32_t pair[2], const struct use *u, struct rng *rng)
{
    const struct split *s = use_split(u);
    const uint8_t *label = use_dataset(u)->label;
    pair[0] = s->val[rng_below(rng, (uint32_t)s->n_val)];
    for (int i = 0; i < TRIES; i++) {
        pair[1] = s->val[rng_below(rng, (uint32_t)s->n_val)];
        if (label ? label[pair[0]] != label[pair[1]] : pair[0] != pair[1]) {
            break;
        }
    }
}

enum err_code job_interpolate(struct job *j, struct err *e)
{
    const size_t n = (size_t)j->ask.count, steps = (size_t)j->ask.steps;
    struct images s = {0};
    float *z = NULL, *ends = NULL;
    uint32_t *rows = NULL;
    enum err_code rc = job_open(j, job_data(j), e);
    rc = rc ? rc : images_new(&s, j, n, steps, e);
    if (!rc) {
        const size_t latent = (size_t)use_latent(j->use);
        struct rng rng = rng_start(rng_key((uint64_t)j->ask.seed, -1), RNG_SAMPLE, 3);
        z = xcalloc(n * steps, latent * sizeof *z);
        ends = xcalloc(2 * n, latent * sizeof *ends);
        rows = xcalloc(2 * n, sizeof *rows);
        for (size_t i = 0; i < n; i++) {
            draw_pair(rows + 2 * i, j->use, &rng);
        }
        rc = use_encode(j->use, ends, rows, 2 * n, e);
        for (size_t i = 0; i < n * steps * latent; i++) {
            const size_t row = i / latent / steps, q = i % latent;
            const float way = (float)(i / latent % steps) / (float)(steps - 1), *from = ends + 2 * row * latent;
            z[i] = (1.0f - way) * from[q] + way * from[latent + q];
        }
        rc = rc ? rc : use_decode(j->use, s.x, z, n * steps, e);
    }
    rc = rc ? rc : save(j, &s, e);
    free(z);
    free(ends);
    free(rows);
    free(s.x);
    return rc;
}
