#include "rig.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "first_device.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/rng.h"
#include "vaetop/data/safetensors.h"

struct device *rig_device(void)
{
    return first_device();
}

/* Soft blobs: something that a net can learn, with values over the whole of 0..255. */
void rig_data_make(struct rig_data *d, size_t dim, size_t n_train, size_t n_val)
{
    struct err e;
    size_t n = n_train + n_val;
    struct rng rng = rng_start(rng_key(RIG_SEED, -1), RNG_DIGITS, 0);
    uint8_t *x = xcalloc(n, dim);
    memset(d, 0, sizeof *d);
    d->set = (struct dataset){.source = xstrdup("blobs"), .n = n, .dim = dim, .height = 1, .width = dim,
                              .type = DATA_U8, .x = x, .label = xcalloc(n, 1), .n_classes = 4, .hash = 0xb10b5 + dim};
    for (size_t i = 0; i < n; i++) {
        d->set.label[i] = (uint8_t)(i % 4);
        double centre = (double)dim * ((double)(i % 4) + rng_uniform(&rng)) / 4, width = 1 + 4 * rng_uniform(&rng);
        for (size_t j = 0; j < dim; j++) {
            double away = ((double)j - centre) / width;
            x[i * dim + j] = (uint8_t)(255 * exp(-away * away / 2));
        }
    }
    d->split = (struct split){.train = xcalloc(n_train, sizeof(uint32_t)), .val = xcalloc(n_val, sizeof(uint32_t)),
                              .n_train = n_train, .n_val = n_val};
    for (size_t i = 0, val = 0, train = 0; i < n; i++) { /* spread, so that a row's number is not its place */
        bool held_out = val * n < i * n_val;
        if ((held_out && val < n_val) || train == n_train) {
            d->split.val[val++] = (uint32_t)i;
        } else {
            d->split.train[train++] = (uint32_t)i;
        }
    }
    assert_ok(trainer_data_new(&d->resident, rig_device(), &d->set, &d->split, &e), &e);
}

void rig_data_release(struct rig_data *d)
{
    trainer_data_free(d->resident);
    split_release(&d->split);
    dataset_release(&d->set);
}

struct config rig_config(const char *lines)
{
    struct config c;
    struct err e;
    config_init(&c);
    assert_ok(config_parse(&c, lines, &e), &e);
    assert_ok(config_check(&c, &e), &e);
    return c;
}

struct trainer *rig_trainer(const struct rig_data *d, const struct config *c, enum plan_kind kind)
{
    struct trainer *t;
    struct net net;
    struct plan plan;
    struct err e;
    assert_ok(net_from_config(&net, c, d->set.dim, &e), &e);
    assert_ok(plan_make(&plan, &net, kind, &e), &e);
    assert_ok(trainer_new(&t, rig_device(), d->resident, &plan, &e), &e);
    return t;
}

static uint64_t hash(uint64_t h, const void *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        h = (h ^ ((const unsigned char *)p)[i]) * 1099511628211u;
    }
    return h;
}

static uint64_t picture_hash(const struct snapshot *s)
{
    uint64_t h = hash(14695981039346656037u, s->kl, (size_t)s->latent * sizeof *s->kl);
    h = hash(h, s->xy, 2 * (size_t)s->n_points * sizeof *s->xy);
    h = hash(h, s->pixels, snapshot_pixels(s));
    h = hash(h, &s->xy_scale, sizeof s->xy_scale);
    return hash(h, &s->explained, sizeof s->explained);
}

void rig_record(void *arg, struct trainer_event *ev)
{
    struct records *all = arg;
    assert_in_range(ev->lane, 0, 63);
    struct record *r = &all->lane[ev->lane];
    if (ev->kind == EVENT_SNAPSHOT) {
        r->picture = picture_hash(&ev->snapshot);
        snapshot_release(&ev->snapshot);
    } else if (ev->kind == EVENT_NOTE) {
        assert_in_range(r->notes, 0, RIG_NOTES_MAX - 1);
        r->note[r->notes++] = ev->note;
    } else if (ev->kind == EVENT_EPOCH) {
        assert_in_range(ev->row.epoch, 1, RIG_ROWS_MAX - 1);
        ev->row.images_per_s = ev->row.seconds = 0;
        r->row[ev->row.epoch] = ev->row;
        r->rows++;
    } else {
        r->end = ev->kind;
        r->value = ev->value;
        memcpy(r->text, ev->text, sizeof r->text);
    }
}

void rig_run_until(struct trainer *t, struct records *r, int lane, int epoch)
{
    struct err e;
    struct record *mine = &r->lane[lane];
    while (mine->end == EVENT_EPOCH && !mine->row[epoch].epoch) {
        assert_ok(trainer_chunk(t, rig_record, r, &e), &e);
    }
}

int rig_add(struct trainer *t, const struct config *c, int number, const char *resume)
{
    int lane = -1;
    struct err e;
    struct lane_spec s = {.trial = number, .study_seed = RIG_SEED, .config = c, .resume = resume};
    assert_ok(trainer_add(t, &lane, &s, &e), &e);
    return lane;
}

struct state_bits rig_state(struct trainer *t, int lane)
{
    struct err e;
    struct tensor_file *f;
    struct state_bits s = {NULL, 0};
    char *path = xasprintf("%s/state.safetensors", temp_dir());
    assert_ok(trainer_checkpoint(t, lane, path, &e), &e);
    assert_ok(tensor_file_open(&f, path, true, &e), &e);
    for (size_t i = 0; i < tensor_file_count(f); i++) {
        const struct tensor *tensor = tensor_file_at(f, i);
        if (strncmp(tensor->name, "vaetop.", 7) == 0) {
            continue; /* sums and rows, which hold times, and the checksum over them */
        }
        assert_int_equal(tensor->type, TENSOR_F32);
        size_t n = tensor->count * sizeof(float);
        s.bytes = xreallocarray(s.bytes, s.n + n, 1);
        memcpy(s.bytes + s.n, tensor->data, n);
        s.n += n;
    }
    tensor_file_free(f);
    free(path);
    return s;
}

void assert_same_state(const struct state_bits *a, const struct state_bits *b, const char *what)
{
    if (a->n != b->n || (a->n && memcmp(a->bytes, b->bytes, a->n) != 0)) {
        fail_msg("%s: weights or optimiser state differ (%zu and %zu bytes)", what, a->n, b->n);
    }
}

void assert_same_record(const struct record *a, const struct record *b, const char *what)
{
    for (int i = 1; i < RIG_ROWS_MAX; i++) {
        if (memcmp(&a->row[i], &b->row[i], sizeof a->row[i]) != 0) {
            fail_msg("%s: epoch %d differs: value %.9g (epoch %d), %.9g (epoch %d)", what, i, a->row[i].value,
                     a->row[i].epoch, b->row[i].value, b->row[i].epoch);
        }
    }
    if (a->picture != b->picture) {
        fail_msg("%s: the last snapshots differ", what);
    }
    if (a->end != b->end || memcmp(&a->value, &b->value, sizeof a->value) != 0 || strcmp(a->text, b->text) != 0) {
        fail_msg("%s: end differs: %d %.9g \"%s\", %d %.9g \"%s\"", what, (int)a->end, a->value, a->text, (int)b->end,
                 b->value, b->text);
    }
}
