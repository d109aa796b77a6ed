/* From a network's description to layers, buffers, bytes, FLOPs and the pack key; pure, no device.
 *
 * A network: x (batch, data) -> encoder hidden layers -> [mu | logvar] -> z -> decoder hidden layers -> logits.
 * Widths are padded to 16 and row strides are odd multiples of 16 floats (64 bytes); padding holds zeros. */
#ifndef VAETOP_PLAN_PLAN_H
#define VAETOP_PLAN_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/err.h"
#include "vaetop/conf/config.h"

#define NET_HIDDEN_MAX 16      /* hidden layers on one side */
#define PLAN_DIM_MAX (1 << 24) /* largest data, layer, latent and batch size */

/* What is trained: true sizes, before padding. */
struct net {
    int data; /* values per row */
    int n_enc, enc[NET_HIDDEN_MAX];
    int n_dec, dec[NET_HIDDEN_MAX];
    int latent;
    int batch;
    enum activation activation;
    enum weight_init init;
    enum likelihood likelihood;
    double log_sigma;  /* gaussian: fixed, or where learning starts */
    bool kl_control;   /* capacity or free bits: the KL term needs the batch's means */
    bool layer_norm;   /* hidden layers are normalised before their activation */
    bool norm;         /* the gradient's length is needed before an update: clip, skip */
    bool ema;          /* a moving mean of the weights is kept */
    bool third_moment; /* the optimiser keeps three numbers per weight */
};
/* Errors: USAGE (bad widths text, too many layers). */
WUR enum err_code net_from_config(struct net *out, const struct config *c, size_t data_dim, struct err *e);
bool net_has_sigma(const struct net *n);   /* a deviation among the weights */
bool net_batch_stats(const struct net *n); /* the loss needs sums over the batch before its gradient */
size_t net_params(const struct net *n); /* trained weights and biases, without padding */

/* plain: one fused GEMM per layer, any device. chain: for CPUs, one launch takes 16 batch rows through everything, layer
 * norm and dropout too, for these know one row at a time; one launch does every weight gradient and update. Stored with
 * the study and the checkpoint. */
enum plan_kind { PLAN_PLAIN, PLAN_CHAIN };
const char *plan_kind_name(enum plan_kind k);
/* By table from device type and network, never from a timing. Batch statistics cut the chain: always plain. */
enum plan_kind plan_default(bool device_is_cpu, const struct net *n);

/* One dense layer y = x W + b. W (in, out) row-major with stride ld; rows and columns padded. The two heads are one
 * layer: columns 0 .. latent-1 are mu, columns latent_pad .. are logvar. */
struct plan_layer {
    char name[24];          /* "encoder.0", "heads", "decoder.0", "logits" */
    int in, out;            /* true sizes; heads: out = latent */
    int in_pad, out_pad;    /* multiples of 16; heads: out_pad = 2 * latent_pad */
    int ld;                 /* row stride of W in floats, odd multiple of 16 */
    size_t w, b;            /* offsets into a lane's parameter arena, floats */
    bool activation;        /* hidden layer */
    int ld_in, ld_out;      /* row strides of its input and output activations, odd multiples of 16 */
    size_t x, y, dy;        /* offsets into a lane's activation arena, floats: input (batch_pad, ld_in), output and the
                             * loss's gradient by the output before the activation (batch_pad, ld_out). y of the last
                             * layer is not kept: its loss kernel writes dy at once */
    size_t pre;             /* hidden layers: before the activation, (batch_pad, ld_out), for those whose slope the
                             * output does not tell or dropout hides; with layer norm the normalised values */
    size_t gain;            /* with layer norm: in the parameters, its gain and behind it its shift (out_pad each); else 0 */
    size_t spread;          /* with layer norm: one over each row's deviation (batch_pad) */
    size_t dgain;           /* with layer norm: gradients by gain and shift, sums over 16 rows (batch_pad / 16, 2, out_pad) */
    int tiles;              /* 16 x 16 tiles of W */
};

/* Rows are worked on 16 at a time. */
#define PLAN_TILE 16
/* Rows of the metrics ring: steps between two looks of the host at losses. */
#define PLAN_RING_STEPS_MAX 256
/* 16-row groups of one evaluation pass between two looks of the host. */
#define PLAN_EVAL_TILES 256
/* Rows whose latent means are kept for pictures. As SNAPSHOT_POINTS. */
#define PLAN_MEAN_ROWS 2000

struct plan {
    enum plan_kind kind;
    struct net net;
    int n_layers;
    struct plan_layer layer[2 * NET_HIDDEN_MAX + 2];
    int heads;              /* index of the heads layer */
    int latent_pad;
    int batch_pad;          /* batch rounded up to 16 */
    int data_pad;
    size_t z, noise, dz;    /* offsets into the activation arena, (batch_pad, ld_z) each: latent sample, sigma * noise,
                             * gradient by z for a GEMM library */
    int ld_z;
    int tiles;              /* sum of the layers' tiles */
    int ring_steps;         /* steps the metrics ring holds */
    int eval_steps;         /* evaluation batches between two looks of the host */
    size_t acts;            /* floats in a lane's activation arena */
    size_t parts;           /* floats of per-tile loss sums (plain plan only, else 0) */
    size_t stats, means;    /* floats of per-dimension sums and of latent means that evaluation leaves */
    size_t grad;            /* floats of gradient scratch a lane needs for a GEMM library (plain plan only, else 0) */
    size_t kl_dims;         /* where in parts: KL sums (batch_pad / 16, latent_pad), weights of the KL by dimension
                             * (latent_pad), one over the batch's variance (16); with batch statistics only */
    size_t norms;           /* where in parts: squares of the gradient by tile (tiles), the factor on it (16); with norm */
    size_t sigma;           /* where in the parameters the log-deviation is (16 floats); net_has_sigma() only */
    size_t params;          /* floats in a lane's arena, padding included */
    size_t lane_bytes;      /* device memory one lane takes: weights, moments, best weights, activations, scratch */
    size_t fixed_bytes;     /* device memory a pack takes besides its lanes and the data set */
    double step_flops;      /* useful GEMM FLOPs of one full training step */
};
/* Errors: USAGE (a product overflows). */
WUR enum err_code plan_make(struct plan *out, const struct net *n, enum plan_kind kind, struct err *e);

/* Lanes may share a pack when their keys are equal: padded shapes, batch, plan; and the data's identity.
 * Activation, optimiser, latent size within the padding belong to the lane. */
uint64_t plan_pack_key(const struct plan *p, uint64_t data_hash);

#endif
