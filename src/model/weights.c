/* Weights by name, in PyTorch's layout, and their initialisation. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pack_private.h"

static void add(struct tensor_info *out, int *n, const char *name, struct tensor_info t)
{
    for (int i = 0; i < 2; i++) {
        t.is_bias = i == 1;
        snprintf(t.name, sizeof t.name, "%.20s.%s", name, i ? "bias" : "weight");
        out[*n] = t;
        if (i) out[*n].cols = 1;
        ++*n;
    }
}

int net_tensors(struct tensor_info out[NET_TENSORS_MAX], const struct net *n, const struct plan *p)
{
    int count = 0, width = n->data, layer = 0;
    char name[24];
    for (int i = 0; i < n->n_enc; i++, layer++) {
        snprintf(name, sizeof name, "encoder.%d", i);
        add(out, &count, name, (struct tensor_info){.layer = layer, .rows = n->enc[i], .cols = width});
        width = n->enc[i];
    }
    add(out, &count, "mu", (struct tensor_info){.layer = layer, .rows = n->latent, .cols = width});
    add(out, &count, "logvar",
        (struct tensor_info){.layer = layer, .column = p->latent_pad, .rows = n->latent, .cols = width});
    layer++;
    width = n->latent;
    for (int i = 0; i < n->n_dec; i++, layer++) {
        snprintf(name, sizeof name, "decoder.%d", i);
        add(out, &count, name, (struct tensor_info){.layer = layer, .rows = n->dec[i], .cols = width});
        width = n->dec[i];
    }
    add(out, &count, "logits", (struct tensor_info){.layer = layer, .rows = n->data, .cols = width});
    if (net_has_sigma(n)) {
        out[count++] = (struct tensor_info){.name = "log_sigma", .layer = layer, .is_bias = true, .is_sigma = true,
                                            .rows = 1, .cols = 1};
    }
    return count;
}

/* Place of PyTorch's element (row = output, col = input). */
static size_t place(const struct plan *p, const struct tensor_info *t, int row, int col)
{
    const struct plan_layer *l = &p->layer[t->layer];
    if (t->is_sigma) return p->sigma;
    if (t->is_bias) return l->b + (size_t)(t->column + row);
    return l->w + (size_t)col * (size_t)l->ld + (size_t)(t->column + row);
}

void tensor_from_arena(float *out, const float *arena, const struct plan *p, const struct tensor_info *t)
{
    for (int r = 0; r < t->rows; r++) {
        for (int c = 0; c < t->cols; c++) *out++ = arena[place(p, t, r, c)];
    }
}

void tensor_to_arena(float *arena, const float *in, const struct plan *p, const struct tensor_info *t)
{
    for (int r = 0; r < t->rows; r++) {
        for (int c = 0; c < t->cols; c++) arena[place(p, t, r, c)] = *in++;
    }
}

void weights_init(float *arena, const struct net *n, const struct plan *p, struct rng_key key)
{
    struct tensor_info tensor[NET_TENSORS_MAX];
    const int count = net_tensors(tensor, n, p);
    memset(arena, 0, p->params * sizeof *arena);
    for (int i = 0; i < count; i++) {
        const struct tensor_info *t = &tensor[i];
        if (t->is_sigma) arena[p->sigma] = n->likelihood == LIKE_GAUSS_LEARNED ? (float)n->log_sigma : 0;
        if (t->is_sigma || (t->is_bias && n->init != INIT_TORCH)) continue;
        struct rng rng = rng_start(key, RNG_INIT, (uint64_t)i);
        const double fan_in = t->is_bias ? tensor[i - 1].cols : t->cols;
        const double bound = n->init == INIT_GLOROT ? sqrt(6 / (fan_in + t->rows)) : 1 / sqrt(fan_in);
        for (int r = 0; r < t->rows; r++) {
            for (int c = 0; c < t->cols; c++) {
                double w;
                if (n->init == INIT_HE) w = sqrt(2 / fan_in) * rng_normal(&rng);
                else w = bound * (2 * (((double)rng_u32(&rng) + 0.5) / 4294967296.0) - 1);
                arena[place(p, t, r, c)] = (float)w;
            }
        }
    }
}

void weights_bias_from(float *arena, const struct net *n, const struct plan *p, const double *mean)
{
    struct tensor_info tensor[NET_TENSORS_MAX];
    const struct tensor_info *t = &tensor[net_tensors(tensor, n, p) - 1 - net_has_sigma(n)];
    for (int i = 0; i < t->rows; i++) {
        const double m = fmin(fmax(mean[i], 0.001), 0.999);
        arena[place(p, t, i, 0)] = (float)(n->likelihood == LIKE_BERNOULLI ? log(m / (1 - m)) : mean[i]);
    }
}
