/* Inside the model layer: a pack's buffers and launches, and the tables as the kernels see them. */
#ifndef VAETOP_MODEL_PACK_PRIVATE_H
#define VAETOP_MODEL_PACK_PRIVATE_H

#include "vaetop/model/model.h"

#define TURN_INTS 16   /* of a counter in BUF_TURNS, and the queues before the lanes' there: as in cl/whole_steps.cl */
#define QUEUES_MOST 64
#define RING_FLOATS 4 /* of 16 rows in the ring: reconstruction, KL, squared errors, the step's KL term */

/* As struct shape and struct layer in cl/prelude.clh. */
struct cl_shape {
    int32_t n_layers, heads, batch_pad, row_tiles;
    int32_t data, data_pad, is_u8, n_train;
    int32_t n_val, latent_pad, ld_z, z;
    int32_t noise, dz, loss_tiles, latent_tiles;
    uint32_t params, acts, parts, grads;
    int32_t likelihood, sigma, kl_dims, norms;
    int32_t tiles, wide, unused[2];
};
struct cl_layer {
    int32_t in_pad, out_pad, ld_w, ld_x, ld_y, w, b, x, y, dy;
    int32_t first_tile, pre, gain, spread, dgain, first_strip;
};
_Static_assert(sizeof(struct cl_shape) == 112, "layout of cl/prelude.clh");
_Static_assert(sizeof(struct cl_layer) == 64, "layout of cl/prelude.clh");
_Static_assert(sizeof(struct pack_lane) == 256, "layout of cl/prelude.clh");
_Static_assert(sizeof(struct pack_step) == 80, "layout of cl/prelude.clh");

struct pack_data {
    struct buffer *x, *order; /* order (n_val + n_train): validation rows, then training rows */
    size_t n, n_train, n_val, dim;
    bool is_u8;
};

enum pack_buffer {
    BUF_SHAPE,
    BUF_LAYERS,
    /* one part per slot */
    BUF_LANES,
    BUF_STEPS,
    BUF_ACTIVE,
    BUF_WEIGHTS, /* from here to BUF_EMA as enum arena */
    BUF_MOMENT1,
    BUF_MOMENT2,
    BUF_BEST,
    BUF_MOMENT3,
    BUF_EMA,
    BUF_ACTS,
    BUF_GRADS,
    BUF_PARTS,
    BUF_RING,
    BUF_NORMS,
    BUF_STATS,
    BUF_MEANS,
    BUF_TURNS,
    BUF_OWNED, /* how many are the pack's own */
    /* the data set's */
    BUF_DATA = BUF_OWNED,
    BUF_ORDER,
    BUF_COUNT
};

enum pack_kernel {
    KERNEL_GATHER,
    KERNEL_FORWARD,
    KERNEL_LAYER_NORM,
    KERNEL_LATENT,
    KERNEL_LOSS,
    KERNEL_SUMS,
    KERNEL_BATCH,
    KERNEL_RESCALE,
    KERNEL_BACKWARD,
    KERNEL_BACK_LAYER_NORM,
    KERNEL_BACK_LATENT,
    KERNEL_GRADIENTS,
    KERNEL_NORM,
    KERNEL_UPDATE,
    KERNEL_ROW_CHAIN,
    KERNEL_WHOLE_LANE,
    KERNEL_WHOLE_STEPS,
    KERNEL_KEEP_BEST,
    KERNEL_COUNT
};

struct pack {
    struct device *dev;
    struct pack_data *data;
    struct plan plan;
    enum provider provider;
    int slots;
    struct pack_lane *lane; /* (slots) */
    bool lanes_changed;
    bool use_ema;           /* evaluations use BUF_EMA */
    struct buffer *buf[BUF_COUNT];
    struct launch *launch[KERNEL_COUNT];
    int *active;            /* (1 + slots): n_steps, then the slots named by pack_steps() */
    int n_active, n_steps;
    float *ring, *stats;    /* what the last fetch read */
    float *norms;           /* (slots, ring_steps) */
};

/* Tiles side by side that one work-item makes. On a GPU, whose work-items have few registers, one. */
int pack_wide(const struct pack *pk);
int pack_strips(const struct pack *pk, int tiles);                         /* of a row of tiles */
int pack_layer_strips(const struct pack *pk, const struct plan_layer *l);  /* of its W */

/* Binds the buffers to every launch; weights and order replace the pack's own when not NULL. */
void pack_bind(struct pack *pk, const struct buffer *weights, const struct buffer *order);
WUR enum err_code pack_launches_new(struct pack *pk, struct err *e);
void pack_launches_free(struct pack *pk);
/* Evaluation step k as far as the latent means. */
WUR enum err_code pack_forward(struct pack *pk, int k, struct err *e);

#endif
