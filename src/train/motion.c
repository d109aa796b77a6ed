/* How far steps move a lane: the lengths of its gradients, and what the last step of an epoch did to its matrices. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "train_private.h"
#include "vaetop/base/alloc.h"

#define OCTAVE 4         /* counters of lengths between one and its double */
#define OCTAVES_BELOW 24 /* 1 */
#define STEPS_LEAST 20   /* fewer have no 95th percentile */
#define LOOK_EVERY 8     /* epochs; two of these in a row are looked at */
#define LOOK_RATE 0.1    /* share of the full learning rate below which steps are short by schedule */
#define SAMPLE 4096      /* values of a matrix that stand for it */

static const struct moved not_looked_at = {.least = (double)NAN, .most = (double)NAN};

void motion_init(struct motion *m)
{
    *m = (struct motion){.moved = {not_looked_at, not_looked_at}};
}

void motion_norm(struct motion *m, double norm)
{
    const double at = norm > 0 ? floor(OCTAVE * (log2(norm) + OCTAVES_BELOW)) : isnan(norm) ? NORM_BINS : 0;
    m->norm[NORMS_NOW][(int)fmin(fmax(at, 0), NORM_BINS - 1)]++;
}

/* The length that 95 of 100 steps stayed below, as exact as the counters are: within a tenth. */
static double percentile(const uint32_t count[NORM_BINS], uint64_t least)
{
    uint64_t all = 0, below = 0;
    int i = 0;
    for (int k = 0; k < NORM_BINS; k++) all += count[k];
    if (all < least) return (double)NAN;
    while (below += count[i], 100 * below < 95 * all) i++;
    return exp2((i + 0.5) / OCTAVE - OCTAVES_BELOW);
}

void motion_tell(const struct motion *m, struct symptoms *out)
{
    out->norm_before = percentile(m->norm[NORMS_BEFORE], STEPS_LEAST);
    out->norm[0] = percentile(m->norm[NORMS_LAST], 1);
    out->norm[1] = percentile(m->norm[NORMS_NOW], 1);
    out->moved[0] = m->moved[0];
    out->moved[1] = m->moved[1];
}

void motion_turn(struct motion *m)
{
    for (int k = 0; k < NORM_BINS; k++) m->norm[NORMS_BEFORE][k] += m->norm[NORMS_LAST][k];
    memcpy(m->norm[NORMS_LAST], m->norm[NORMS_NOW], sizeof m->norm[NORMS_NOW]);
    memset(m->norm[NORMS_NOW], 0, sizeof m->norm[NORMS_NOW]);
    m->moved[0] = m->moved[1];
    m->moved[1] = not_looked_at;
}

/* The schedule's share of the full learning rate. */
static double rate(const struct trainer *t, const struct train_lane *l, int64_t step)
{
    return schedule_lr(l, step, steps_per_epoch(t)) / config_f64(&l->config, KNOB_OPTIMIZER_LR);
}

bool motion_looks(const struct trainer *t, const struct train_lane *l)
{
    const int64_t per_epoch = steps_per_epoch(t), epoch = l->step / per_epoch + 1;
    const int64_t in = epoch % LOOK_EVERY, last = epoch * per_epoch - 1;
    return (in == 2 || in == 3) && rate(t, l, last) >= LOOK_RATE;
}

static enum err_code sample(struct trainer *t, const struct train_lane *l, float *out, int count[NET_TENSORS_MAX],
                            struct err *e)
{
    struct tensor_info tensor[NET_TENSORS_MAX];
    const int n = net_tensors(tensor, &l->net, &t->plan);
    float *arena = try_calloc(t->plan.params, sizeof *arena);
    if (!arena) return err_set(e, ERR_NOMEM, "%zu weights", t->plan.params);
    const enum err_code rc = pack_read_arena(t->pack, l->slot, ARENA_WEIGHTS, arena, e);
    for (int i = 0; i < n && !rc; i++, out += SAMPLE) {
        count[i] = tensor[i].kind == PARAM_WEIGHT ? tensor_sample(out, SAMPLE, arena, &t->plan, &tensor[i]) : 0;
    }
    free(arena);
    return rc;
}

enum err_code motion_before(struct trainer *t, struct train_lane *l, struct err *e)
{
    const int64_t per_epoch = steps_per_epoch(t);
    int count[NET_TENSORS_MAX];
    if (l->step % per_epoch != per_epoch - 1 || !motion_looks(t, l)) return ERR_OK;
    l->before = xcalloc((size_t)NET_TENSORS_MAX * SAMPLE, sizeof *l->before);
    const enum err_code rc = sample(t, l, l->before, count, e);
    if (rc != ERR_NOMEM) return rc;
    free(l->before); /* not looked at: the trial goes on */
    l->before = NULL;
    return ERR_OK;
}

static double share(const float *after, const float *before, int n)
{
    double way = 0, length = 0;
    for (int i = 0; i < n; i++) {
        const double was = (double)before[i], is = (double)after[i];
        way += (is - was) * (is - was);
        length += was * was;
    }
    return sqrt(way / length);
}

static void compare(struct moved *out, const struct train_lane *l, const struct plan *p, const float *after,
                    const int count[NET_TENSORS_MAX])
{
    struct tensor_info tensor[NET_TENSORS_MAX];
    const int n = net_tensors(tensor, &l->net, p);
    for (int i = 0; i < n; i++, after += SAMPLE) {
        const double moved = share(after, l->before + i * SAMPLE, count[i]);
        if (!isfinite(moved)) continue;
        if (!(moved >= out->least)) {
            out->least = moved;
            snprintf(out->least_tensor, sizeof out->least_tensor, "%.23s", tensor[i].name);
        }
        if (!(moved <= out->most)) {
            out->most = moved;
            snprintf(out->most_tensor, sizeof out->most_tensor, "%.23s", tensor[i].name);
        }
    }
}

enum err_code motion_after(struct trainer *t, struct train_lane *l, struct err *e)
{
    int count[NET_TENSORS_MAX];
    if (!l->before) return ERR_OK;
    enum err_code rc = ERR_OK;
    if (l->state == LANE_ACTIVE && l->skipped_in_a_row == 0) {
        float *after = xcalloc((size_t)NET_TENSORS_MAX * SAMPLE, sizeof *after);
        rc = sample(t, l, after, count, e);
        if (!rc) compare(&l->motion.moved[1], l, &t->plan, after, count);
        l->motion.moved[1].least /= rate(t, l, l->step - 1);
        free(after);
    }
    free(l->before);
    l->before = NULL;
    return rc == ERR_NOMEM ? ERR_OK : rc;
}
