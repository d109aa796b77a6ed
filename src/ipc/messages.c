#include "vaetop/ipc/messages.h"

#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"

static bool send_and_release(struct conn *c, enum message type, struct msg_writer *w)
{
    bool ok = conn_send(c, (uint16_t)type, w);
    sbuf_release(&w->bytes);
    return ok;
}

/* A payload must be exactly its fields. */
static bool whole(const struct msg_reader *r)
{
    return !r->bad && r->left == 0;
}

#define PUT_I(name) msg_i64(&w, m->name);
#define PUT_D(name) msg_f64(&w, m->name);
#define PUT_S(name) msg_str(&w, m->name);
#define GET_I(name) m->name = get_i64(r);
#define GET_D(name) m->name = get_f64(r);
#define GET_S(name) m->name = get_str(r);
#define FREE_NONE(name)
#define FREE_S(name) free(m->name);
#define X(id, name, fields)                                    \
    bool send_##name(struct conn *c, const struct m_##name *m) \
    {                                                          \
        struct msg_writer w = {0};                             \
        fields(PUT_I, PUT_D, PUT_S)                            \
        return send_and_release(c, MESSAGE_##id, &w);          \
    }                                                          \
    bool read_##name(struct m_##name *m, struct msg_reader *r) \
    {                                                          \
        fields(GET_I, GET_D, GET_S)                            \
        if (!whole(r)) {                                       \
            free_##name(m);                                    \
            return false;                                      \
        }                                                      \
        return true;                                           \
    }                                                          \
    void free_##name(struct m_##name *m)                       \
    {                                                          \
        fields(FREE_NONE, FREE_NONE, FREE_S)                   \
        memset(m, 0, sizeof *m);                               \
    }
MESSAGE_LIST(X)
#undef X

bool send_epoch(struct conn *c, const struct epoch_row *row)
{
    struct msg_writer w = {0};
    msg_i64(&w, row->trial);
    msg_i64(&w, row->epoch);
    msg_i64(&w, row->step);
#define X(member, unit, meaning) msg_f64(&w, row->member);
    EPOCH_METRIC_LIST(X)
#undef X
    return send_and_release(c, MESSAGE_EPOCH, &w);
}

/* Numbers that become int: out of range is bad. */
static int get_int(struct msg_reader *r, int64_t least, int64_t most)
{
    int64_t v = get_i64(r);
    if (v < least || v > most) {
        r->bad = true;
        return 0;
    }
    return (int)v;
}

bool read_epoch(struct epoch_row *row, struct msg_reader *r)
{
    row->trial = get_int(r, 0, INT32_MAX);
    row->epoch = get_int(r, 0, INT32_MAX);
    row->step = get_i64(r);
#define X(member, unit, meaning) row->member = get_f64(r);
    EPOCH_METRIC_LIST(X)
#undef X
    return whole(r);
}

bool send_snapshot(struct conn *c, const struct snapshot *s)
{
    struct msg_writer w = {0};
    size_t points = (size_t)s->n_points;
    msg_i64(&w, s->trial);
    msg_i64(&w, s->epoch);
    msg_i64(&w, s->latent);
    msg_i64(&w, s->n_points);
    msg_f64(&w, (double)s->xy_scale);
    msg_f64(&w, (double)s->explained);
    msg_bytes(&w, s->kl, (size_t)s->latent * sizeof *s->kl); /* one host: its byte order on both sides */
    msg_bytes(&w, s->xy, points * 2 * sizeof *s->xy);
    msg_bytes(&w, s->label, points);
    msg_i64(&w, s->n_images);
    msg_i64(&w, s->image_h);
    msg_i64(&w, s->image_w);
    msg_bytes(&w, s->pixels, snapshot_pixels(s));
    return send_and_release(c, MESSAGE_SNAPSHOT, &w);
}

/* n items of size bytes each, which must be what the frame holds. Owns: caller frees; NULL when none or bad. */
static void *copy_array(struct msg_reader *r, int n, size_t size)
{
    size_t got;
    const void *p = get_bytes(r, &got);
    if (got != (size_t)n * size) {
        r->bad = true;
    }
    if (r->bad || got == 0) {
        return NULL;
    }
    void *out = xcalloc((size_t)n, size);
    memcpy(out, p, got);
    return out;
}

bool read_snapshot(struct snapshot *s, struct msg_reader *r)
{
    *s = (struct snapshot){0};
    s->trial = get_int(r, 0, INT32_MAX);
    s->epoch = get_int(r, 0, INT32_MAX);
    s->latent = get_int(r, 0, 65536);
    s->n_points = get_int(r, 0, SNAPSHOT_POINTS);
    s->xy_scale = (float)get_f64(r);
    s->explained = (float)get_f64(r);
    s->kl = copy_array(r, s->latent, sizeof *s->kl);
    s->xy = copy_array(r, s->n_points, 2 * sizeof *s->xy);
    s->label = copy_array(r, s->n_points, 1);
    s->n_images = get_int(r, 0, SNAPSHOT_IMAGES);
    s->image_h = get_int(r, 0, SNAPSHOT_SIDE);
    s->image_w = get_int(r, 0, SNAPSHOT_SIDE);
    s->pixels = copy_array(r, (int)snapshot_pixels(s), 1);
    if (whole(r)) {
        return true;
    }
    snapshot_release(s);
    return false;
}

static void put_point(struct msg_writer *w, const struct point *pt, size_t n)
{
    msg_i64(w, (int64_t)n);
    for (size_t i = 0; i < n; i++) {
        msg_u8(w, pt->present[i]);
        msg_f64(w, pt->value[i]);
    }
}

static void get_point(struct point *pt, size_t n, struct msg_reader *r)
{
    if (get_i64(r) != (int64_t)n) {
        r->bad = true;
    }
    for (size_t i = 0; i < n && !r->bad; i++) {
        pt->present[i] = get_u8(r) != 0;
        pt->value[i] = get_f64(r);
    }
}

bool send_observe(struct conn *c, const struct m_observe *m, const struct point *pt)
{
    struct msg_writer w = {0};
    msg_i64(&w, m->number);
    msg_i64(&w, m->phase);
    msg_i64(&w, m->edited);
    msg_i64(&w, m->epoch);
    msg_f64(&w, m->value[0]);
    msg_f64(&w, m->value[1]);
    msg_f64(&w, m->violation);
    msg_f64(&w, m->expected);
    put_point(&w, pt, pt->n);
    return send_and_release(c, MESSAGE_OBSERVE, &w);
}

bool read_observe(struct m_observe *m, struct point *pt, struct msg_reader *r)
{
    m->number = get_i64(r);
    m->phase = get_i64(r);
    m->edited = get_i64(r);
    m->epoch = get_i64(r);
    m->value[0] = get_f64(r);
    m->value[1] = get_f64(r);
    m->violation = get_f64(r);
    m->expected = get_f64(r);
    get_point(pt, pt->n, r);
    return whole(r);
}

bool send_suggested(struct conn *c, const struct m_suggested *m, const struct point *pt)
{
    struct msg_writer w = {0};
    const struct suggestion *s = &m->made;
    msg_i64(&w, m->code);
    msg_i64(&w, s->number);
    msg_i64(&w, s->fit);
    msg_f64(&w, s->mean);
    msg_f64(&w, s->sd);
    msg_f64(&w, s->expected);
    msg_str(&w, s->sampler);
    msg_str(&w, s->running);
    msg_str(&w, s->text);
    put_point(&w, pt, m->code == ERR_OK ? pt->n : 0);
    return send_and_release(c, MESSAGE_SUGGESTED, &w);
}

bool read_suggested(struct m_suggested *m, struct point *pt, struct msg_reader *r)
{
    struct suggestion *s = &m->made;
    *m = (struct m_suggested){.code = get_i64(r)};
    s->number = get_i64(r);
    s->fit = get_i64(r);
    s->mean = get_f64(r);
    s->sd = get_f64(r);
    s->expected = get_f64(r);
    s->sampler = get_str(r);
    s->running = get_str(r);
    s->text = get_str(r);
    get_point(pt, m->code == ERR_OK ? pt->n : 0, r);
    if (!whole(r)) {
        suggestion_release(s);
        return false;
    }
    return true;
}
