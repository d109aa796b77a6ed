/* The images that a snapshot keeps: inputs, reconstructions, samples of the prior, as bytes and not too large. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train_private.h"
#include "vaetop/base/alloc.h"
#include "vaetop/model/decode.h"
#include "vaetop/train/use.h"

void row_as_seen(float *x, const struct dataset *set, const struct pack_lane *lane, uint32_t row)
{
    const size_t from = (size_t)row * set->dim;
    for (size_t j = 0; j < set->dim; j++) {
        x[j] = set->type == DATA_U8 ? (float)((const uint8_t *)set->x)[from + j] / 255.0f
                                    : ((const float *)set->x)[from + j];
    }
    if (lane->binarize) binarize_row(x, set->dim, lane, 0, row);
}

void mean_of_logits(float *x, size_t n, const struct net *net)
{
    if (net->likelihood != LIKE_BERNOULLI) return; /* a Gaussian's output is its mean */
    for (size_t i = 0; i < n; i++) x[i] = (float)(1 / (1 + exp(-(double)x[i])));
}

/* Black and white: 0 and 1, or what the inputs reach beyond, so that every epoch is shown alike. */
struct tones {
    float black, white;
};

static struct tones tones_of(const float *x, size_t n)
{
    struct tones t = {0, 1};
    for (size_t i = 0; i < n; i++) {
        t.black = fminf(t.black, x[i]);
        t.white = fmaxf(t.white, x[i]);
    }
    return t;
}

/* One image, each pixel the mean of up to side x side values. */
static void shrink(uint8_t *out, const struct snapshot *s, const float *x, const struct dataset *set, size_t side,
                   struct tones tones)
{
    for (int r = 0; r < s->image_h; r++) {
        for (int c = 0; c < s->image_w; c++) {
            double sum = 0;
            int n = 0;
            for (size_t y = (size_t)r * side; y < ((size_t)r + 1) * side && y < set->height; y++) {
                for (size_t k = (size_t)c * side; k < ((size_t)c + 1) * side && k < set->width; k++, n++) {
                    sum += (double)x[y * set->width + k];
                }
            }
            const double v = (sum / n - (double)tones.black) / (double)(tones.white - tones.black);
            out[r * s->image_w + c] = v > 0 ? (uint8_t)lrint(255 * fmin(v, 1)) : 0;
        }
    }
}

enum err_code strips_make(struct trainer *t, const struct train_lane *l, const float *mu, struct snapshot *out,
                          struct err *e)
{
    const struct dataset *set = t->data->set;
    const struct split *sp = t->data->split;
    const size_t n = sp->n_val < SNAPSHOT_IMAGES ? sp->n_val : SNAPSHOT_IMAGES, dim = set->dim;
    const size_t latent = (size_t)l->net.latent, longer = set->height > set->width ? set->height : set->width;
    const size_t side = (longer + SNAPSHOT_SIDE - 1) / SNAPSHOT_SIDE;
    if (set->height <= 1 || set->width <= 1 || n == 0 || (int)(2 * n) > t->plan.batch_pad) return ERR_OK;
    float *z = xcalloc(2 * n * latent, sizeof *z), *x = xcalloc(3 * n * dim, sizeof *x);
    memcpy(z, mu, n * latent * sizeof *z);
    use_prior(z + n * latent, n, (int)latent, l->study_seed);
    for (size_t i = 0; i < n; i++) row_as_seen(x + i * dim, set, &l->constants, sp->val[i]);
    if (t->plan.net.ema) pack_use_ema(t->pack, true);
    const enum err_code rc = pack_decode(t->pack, l->slot, z, (int)(2 * n), x + n * dim, e);
    if (t->plan.net.ema) pack_use_ema(t->pack, false);
    if (!rc) {
        const struct tones tones = tones_of(x, n * dim);
        mean_of_logits(x + n * dim, 2 * n * dim, &l->net);
        out->n_images = (int)n;
        out->image_h = (int)((set->height + side - 1) / side);
        out->image_w = (int)((set->width + side - 1) / side);
        out->pixels = xcalloc(snapshot_pixels(out), 1);
        const size_t bytes = snapshot_pixels(out) / (3 * n);
        for (size_t i = 0; i < 3 * n; i++) shrink(out->pixels + i * bytes, out, x + i * dim, set, side, tones);
    }
    free(z);
    free(x);
    return rc;
}
