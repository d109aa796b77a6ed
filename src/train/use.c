/* A trained model: its weights from a checkpoint into a pack of one lane, and the data it looks at. */
#include "vaetop/train/use.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "use_private.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/str.h"

/* Rows worked on at once: a launch then fills any device, and an epoch's evaluation sums the same 16 rows at a time. */
#define USE_BATCH "512"

/* --- the checkpoint */

/* What only training needs is left out: the weights in use are the only ones. */
static const struct {
    enum knob knob;
    const char *value;
} in_use[] = {{KNOB_TRAIN_BATCH, USE_BATCH}, {KNOB_OPTIMIZER_KIND, "sgd"}, {KNOB_OPTIMIZER_EMA, "0"},
              {KNOB_OPTIMIZER_CLIP, "0"},    {KNOB_OPTIMIZER_SKIP, "0"}};

static enum err_code read_config(struct use *u, const char *path, struct err *e)
{
    const char *text = tensor_file_meta(u->file, "config");
    if (!text) return err_set(e, ERR_DATA, "%s: holds no config; expected a checkpoint of vaetop", path);
    enum err_code rc = config_parse(&u->config, text, e);
    if (rc) {
        err_prefix(e, "%s", path);
        return ERR_DATA;
    }
    u->use_best = config_choice(&u->config, KNOB_STUDY_VALUE) == VALUE_BEST;
    for (size_t i = 0; i < sizeof in_use / sizeof *in_use && !rc; i++) {
        rc = config_set(&u->config, in_use[i].knob, in_use[i].value, e);
    }
    return rc;
}

static enum err_code read_net(struct use *u, const char *path, struct err *e)
{
    const struct tensor *last = tensor_file_find(u->file, "logits.bias");
    if (!last) return err_set(e, ERR_DATA, "%s: tensor logits.bias is missing; expected a checkpoint of vaetop", path);
    enum err_code rc = net_from_config(&u->net, &u->config, last->count, e);
    if (rc) err_prefix(e, "%s", path);
    return rc ? ERR_DATA : ERR_OK;
}

/* The tensor as the trial's value was reached with it. */
static enum err_code weight(const struct tensor **out, const struct use *u, const struct tensor_info *t, const char *path,
                            struct err *e)
{
    *out = tensor_file_weight(u->file, t->name, u->use_best);
    const size_t count = (size_t)t->rows * (size_t)t->cols;
    if (*out && (*out)->type == TENSOR_F32 && (*out)->count == count && (*out)->shape[0] == (size_t)t->rows) return ERR_OK;
    return err_set(e, ERR_DATA, "%s: tensor %s is %s; expected %d x %d numbers", path, t->name,
                   *out ? "of another shape" : "missing", t->rows, t->cols);
}

static enum err_code load_weights(struct use *u, const char *path, struct err *e)
{
    struct tensor_info tensor[NET_TENSORS_MAX];
    const struct plan *p = &u->trainer->plan;
    const int n = net_tensors(tensor, &u->net, p);
    const struct tensor *x;
    float *arena = try_calloc(p->params, sizeof *arena);
    if (!arena) return err_set(e, ERR_NOMEM, "%s: no memory for %zu weights", path, p->params);
    enum err_code rc = ERR_OK;
    for (int i = 0; i < n && !rc; i++) {
        rc = weight(&x, u, &tensor[i], path, e);
        if (!rc) tensor_to_arena(arena, x->data, p, &tensor[i]);
    }
    if (!rc) rc = pack_write_arena(u->trainer->pack, 0, ARENA_WEIGHTS, arena, e);
    free(arena);
    return rc;
}

/* --- the data */

/* One black row, so that there is a data set on the device. */
static void no_data(struct use *u)
{
    const size_t dim = (size_t)u->net.data;
    u->set = (struct dataset){.source = xstrdup("none"), .n = 1, .dim = dim, .height = 1, .width = dim,
                              .type = DATA_U8, .x = xcalloc(dim, 1)};
    u->split = (struct split){.train = xcalloc(1, sizeof(uint32_t)), .val = xcalloc(1, sizeof(uint32_t)),
                              .n_train = 1, .n_val = 1};
}

/* The header alone tells an image's shape; without it a square. */
static void guess_shape(struct use *u)
{
    struct dataset_header h;
    struct err why;
    const size_t dim = (size_t)u->net.data, side = (size_t)(sqrt((double)dim) + 0.5);
    if (dataset_peek(&h, &u->config, &why) == ERR_OK && h.dim == dim) {
        u->set.height = h.height;
        u->set.width = h.width;
    } else if (side * side == dim) {
        u->set.height = u->set.width = side;
    }
}

/* The rows as in training, or nothing. */
static enum err_code trained_on(struct dataset *out, const struct use *u, const char *path, struct err *e)
{
    char hash[32];
    const char *then = tensor_file_meta(u->file, "data_hash");
    enum err_code rc = dataset_load(out, &u->config, e);
    if (rc) return rc;
    snprintf(hash, sizeof hash, "%016" PRIx64, out->hash);
    if (then && strcmp(then, hash) == 0) return ERR_OK;
    rc = err_set(e, ERR_DATA, "%s: is not the data that %s was trained on; bring it back, or name data with --source",
                 out->source, path);
    dataset_release(out);
    return rc;
}

static enum err_code own_data(struct use *u, const char *path, struct err *e)
{
    const enum err_code rc = trained_on(&u->set, u, path, e);
    return rc ? rc : split_make(&u->split, &u->config, u->set.n, e);
}

/* Every row is evaluated. */
static void take_all_rows(struct use *u)
{
    split_release(&u->split);
    u->split = (struct split){.train = xcalloc(1, sizeof(uint32_t)), .val = xcalloc(u->set.n, sizeof(uint32_t)),
                              .n_train = 1, .n_val = u->set.n};
    for (size_t i = 0; i < u->set.n; i++) u->split.val[i] = (uint32_t)i;
}

/* data.scale's constants as the checkpoint has them; borrowed from the file. Only n is 0 where there are none. */
static enum err_code kept_scale(struct data_scale *out, const struct use *u, const char *path, struct err *e)
{
    const struct tensor *shift = tensor_file_find(u->file, "vaetop.scale.shift");
    const struct tensor *factor = tensor_file_find(u->file, "vaetop.scale.factor");
    const size_t n = shift ? shift->count : 0, dim = (size_t)u->net.data;
    *out = (struct data_scale){.n = n};
    if (!shift && !factor) return ERR_OK;
    if (!shift || !factor || (n != 1 && n != dim) || factor->count != n || shift->type != TENSOR_F32 ||
        factor->type != TENSOR_F32) {
        return err_set(e, ERR_DATA, "%s: vaetop.scale holds %zu and %zu numbers; expected 1 or %zu of each", path, n,
                       factor ? factor->count : 0, dim);
    }
    memcpy(&out->shift, &shift->data, sizeof shift->data); /* read only, as dataset_load_test() has it */
    memcpy(&out->factor, &factor->data, sizeof factor->data);
    out->clip = config_choice(&u->config, KNOB_DATA_SCALE) == SCALING_UNIT;
    return ERR_OK;
}

/* Rows of a file, prepared as those of training; where data.scale has constants of the training rows, by those. */
static enum err_code other_data(struct use *u, const char *path, const char *source, struct err *e)
{
    const int scale = config_choice(&u->config, KNOB_DATA_SCALE);
    const char *labels = config_text(&u->config, KNOB_DATA_LABELS);
    enum err_code rc = ERR_OK;
    if (scale == SCALING_UNIT || scale == SCALING_STANDARD) {
        struct dataset like = {.dim = (size_t)u->net.data};
        rc = kept_scale(&like.scale, u, path, e);
        if (!rc) rc = config_set(&u->config, KNOB_DATA_TEST, source, e);
        if (!rc) rc = dataset_load_test(&u->set, &u->config, &like, e);
    } else {
        /* A column has the same name there; a labels file is that of the training rows. */
        if (!str_starts(labels, "column ")) rc = config_set(&u->config, KNOB_DATA_LABELS, "auto", e);
        if (!rc) rc = config_set(&u->config, KNOB_DATA_SOURCE, source, e);
        if (!rc) rc = config_set(&u->config, KNOB_DATA_COUNT, "0", e);
        if (!rc) rc = dataset_load(&u->set, &u->config, e);
    }
    if (!rc) take_all_rows(u);
    return rc;
}

/* The rows of data.test: some of the data's own, or a file. */
static enum err_code test_data(struct use *u, const char *path, struct err *e)
{
    struct dataset test;
    enum err_code rc = own_data(u, path, e);
    if (rc) return rc;
    if (u->split.n_test > 0) {
        free(u->split.val);
        u->split.val = u->split.test;
        u->split.n_val = u->split.n_test;
        u->split.test = NULL;
        u->split.n_test = 0;
        return ERR_OK;
    }
    rc = dataset_load_test(&test, &u->config, &u->set, e);
    if (rc == ERR_NOTFOUND) {
        return err_set(e, ERR_DATA, "data.test: the study keeps no rows for a test; name data with --source");
    }
    if (rc) return rc;
    dataset_release(&u->set);
    u->set = test;
    take_all_rows(u);
    return ERR_OK;
}

static enum err_code load_data(struct use *u, enum use_data which, const char *path, const char *source, struct err *e)
{
    if (which == USE_NO_DATA) {
        no_data(u);
        guess_shape(u);
        return ERR_OK;
    }
    enum err_code rc = which == USE_OWN_DATA    ? own_data(u, path, e)
                       : which == USE_TEST_DATA ? test_data(u, path, e)
                                                : other_data(u, path, source, e);
    if (!rc && u->set.dim != (size_t)u->net.data) {
        rc = err_set(e, ERR_DATA, "%s: found rows of %zu values, expected %d as the model has", u->set.source, u->set.dim,
                     u->net.data);
    }
    return rc;
}

/* --- both on the device */

static enum err_code on_device(struct use *u, struct device *dev, struct err *e)
{
    struct plan plan;
    const struct lane_spec lane = {.study_seed = u->study_seed, .trial = u->trial, .config = &u->config};
    enum err_code rc = trainer_plan(&plan, dev, &u->net, e);
    if (!rc) rc = trainer_data_new(&u->resident, dev, &u->set, &u->split, e);
    if (!rc) rc = trainer_new(&u->trainer, dev, u->resident, &plan, e);
    return rc ? rc : trainer_add(u->trainer, &u->lane, &lane, e);
}

/* The trial's random numbers: evaluation uses the same noise as in training. */
static enum err_code read_key(struct use *u, const char *path, struct err *e)
{
    const char *trial = tensor_file_meta(u->file, "trial"), *seed = tensor_file_meta(u->file, "study_seed");
    int64_t number, key;
    if (!trial || !seed || !str_to_i64(&number, trial) || number < 0 || number > INT32_MAX || !str_to_i64(&key, seed)) {
        return err_set(e, ERR_DATA, "%s: trial or study_seed is missing or no number; expected a checkpoint of vaetop", path);
    }
    u->trial = (int)number;
    u->study_seed = (uint64_t)key;
    return ERR_OK;
}

enum err_code use_open(struct use **out, struct device *dev, const char *checkpoint, enum use_data which,
                       const char *source, struct err *e)
{
    struct use *u = xcalloc(1, sizeof *u);
    config_init(&u->config);
    enum err_code rc = tensor_file_open(&u->file, checkpoint, true, e);
    if (!rc) rc = read_config(u, checkpoint, e);
    if (!rc) rc = read_net(u, checkpoint, e);
    if (!rc) rc = read_key(u, checkpoint, e);
    if (!rc) rc = load_data(u, which, checkpoint, source, e);
    if (!rc) rc = on_device(u, dev, e);
    if (!rc) rc = load_weights(u, checkpoint, e);
    tensor_file_free(u->file);
    u->file = NULL;
    if (rc) use_free(u);
    *out = rc ? NULL : u;
    return rc;
}

void use_free(struct use *u)
{
    if (!u) return;
    trainer_free(u->trainer);
    trainer_data_free(u->resident);
    split_release(&u->split);
    dataset_release(&u->set);
    config_release(&u->config);
    free(u);
}

int use_latent(const struct use *u)
{
    return u->net.latent;
}

size_t use_dim(const struct use *u)
{
    return (size_t)u->net.data;
}

void use_image_size(const struct use *u, size_t *height, size_t *width)
{
    *height = u->set.height;
    *width = u->set.width;
}

const struct dataset *use_dataset(const struct use *u)
{
    return &u->set;
}

const struct split *use_split(const struct use *u)
{
    return &u->split;
}

enum err_code use_encode(struct use *u, float *mu, const uint32_t *rows, size_t n, struct err *e)
{
    return trainer_encode(u->trainer, u->lane, mu, rows, n, e);
}

enum err_code use_decode(struct use *u, float *x, const float *z, size_t n, struct err *e)
{
    const size_t dim = use_dim(u), latent = (size_t)u->net.latent, most = (size_t)u->trainer->plan.batch_pad;
    enum err_code rc = ERR_OK;
    for (size_t at = 0; at < n && !rc; at += most) {
        const size_t rows = n - at < most ? n - at : most;
        rc = pack_decode(u->trainer->pack, 0, z + at * latent, (int)rows, x + at * dim, e);
    }
    if (!rc) mean_of_logits(x, n * dim, &u->net);
    return rc;
}

void use_rows(const struct use *u, float *x, const uint32_t *rows, size_t n)
{
    const size_t dim = use_dim(u);
    const struct pack_lane *lane = &u->trainer->lane[u->lane].constants;
    for (size_t i = 0; i < n; i++) row_as_seen(x + i * dim, &u->set, lane, rows[i]);
}
