/* Weights by name, in PyTorch's layout, and their initialisation. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pack_private.h"

/* A tensor of each row's weights and one of as many rows' biases; gain and shift in the same way. */
static void add(struct tensor_info *out, int *n, const char *name, enum tensor_kind first, struct tensor_info t)
{
    for (int i = 0; i < 2; i++) {
        t.kind = first + (unsigned)i;
        snprintf(t.name, sizeof t.name, "%.20s.%s", name, i ? "bias" : "weight");
        out[*n] = t;
        if (t.kind != PARAM_WEIGHT) out[*n].cols = 1;
        ++*n;
    }
}

static void add_hidden(struct tensor_info *out, int *n, const char *side, int i, bool norm, struct tensor_info t)
{
    char name[24];
    snprintf(name, sizeof name, "%s.%d", side, i);
    add(out, n, name, PARAM_WEIGHT, t);
    snprintf(name, sizeof name, "%s.%d.norm", side, i);
    if (norm) add(out, n, name, PARAM_GAIN, t);
}

int net_tensors(struct tensor_info out[NET_TENSORS_MAX], const struct net *n, const struct plan *p)
{
    int count = 0, width = n->data, layer = 0;
    for (int i = 0; i < n->n_enc; i++, layer++) {
        add_hidden(out, &count, "encoder", i, n->layer_norm,
                   (struct tensor_info){.layer = layer, .rows = n->enc[i], .cols = width});
        width = n->enc[i];
    }
    add(out, &count, "mu", PARAM_WEIGHT, (struct tensor_info){.layer = layer, .rows = n->latent, .cols = width});
    add(out, &count, "logvar", PARAM_WEIGHT,
        (struct tensor_info){.layer = layer, .column = p->latent_pad, .rows = n->latent, .cols = width});
    layer++;
    width = n->latent;
    for (int i = 0; i < n->n_dec; i++, layer++) {
        add_hidden(out, &count, "decoder", i, n->layer_norm,
                   (struct tensor_info){.layer = layer, .rows = n->dec[i], .cols = width});
        width = n->dec[i];
    }
    add(out, &count, "logits", PARAM_WEIGHT, (struct tensor_info){.layer = layer, .rows = n->data, .cols = width});
    if (net_has_sigma(n)) {
        out[count++] = (struct tensor_info){.name = "log_sigma", .layer = layer, .kind = PARAM_SIGMA, .rows = 1, .cols = 1};
    }
    return count;
}

/* Place of PyTorch's element (row = output, col = input). */
static size_t place(const struct plan *p, const struct tensor_info *t, int row, int col)
{
    const struct plan_layer *l = &p->layer[t->layer];
    switch (t->kind) {
    case PARAM_BIAS: return l->b + (size_t)(t->column + row);
    case PARAM_GAIN: return l->gain + (size_t)row;
    case PARAM_SHIFT: return l->gain + (size_t)(l->out_pad + row);
    case PARAM_SIGMA: return p->sigma;
    case PARAM_WEIGHT: break;
    }
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

static size_t common_divisor(size_t a, size_t b)
{
    while (b > 0) {
        const size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* A stride that shares no divisor with a row's length comes to all of its columns. */
int tensor_sample(float *out, int most, const float *arena, const struct plan *p, const struct tensor_info *t)
{
    const size_t cols = (size_t)t->cols, all = (size_t)t->rows * cols;
    size_t stride = (all + (size_t)most - 1) / (size_t)most;
    int n = 0;
    while (common_divisor(stride, cols) != 1) stride++;
    for (size_t i = 0; i < all; i += stride) out[n++] = arena[place(p, t, (int)(i / cols), (int)(i % cols))];
    return n;
}

/* Weights and biases of one tensor, from the tensors' random numbers. */
static void draw(float *arena, const struct net *n, const struct plan *p, const struct tensor_info *t, double fan_in,
                 struct rng *rng)
{
    const double bound = n->init == INIT_GLOROT ? sqrt(6 / (fan_in + t->rows)) : 1 / sqrt(fan_in);
    for (int r = 0; r < t->rows; r++) {
        for (int c = 0; c < t->cols; c++) {
            double w;
            if (n->init == INIT_HE) w = sqrt(2 / fan_in) * rng_normal(rng);
            else w = bound * (2 * (((double)rng_u32(rng) + 0.5) / 4294967296.0) - 1);
            arena[place(p, t, r, c)] = (float)w;
        }
    }
}

void weights_init(float *arena, const struct net *n, const struct plan *p, struct rng_key key)
{
    struct tensor_info tensor[NET_TENSORS_MAX];
    const int count = net_tensors(tensor, n, p);
    uint64_t stream = 0;
    memset(arena, 0, p->params * sizeof *arena);
    for (int i = 0; i < count; i++) {
        const struct tensor_info *t = &tensor[i];
        if (t->kind == PARAM_WEIGHT || t->kind == PARAM_BIAS) {
            struct rng rng = rng_start(key, RNG_INIT, stream++);
            const double fan_in = t->kind == PARAM_BIAS ? tensor[i - 1].cols : t->cols;
            if (t->kind == PARAM_WEIGHT || n->init == INIT_TORCH) draw(arena, n, p, t, fan_in, &rng);
        } else if (t->kind == PARAM_GAIN) {
            for (int r = 0; r < t->rows; r++) arena[place(p, t, r, 0)] = 1;
        } else if (t->kind == PARAM_SIGMA && n->likelihood == LIKE_GAUSS_LEARNED) {
            arena[p->sigma] = (float)n->log_sigma;
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
