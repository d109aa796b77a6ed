/* The chain plan where lanes are fewer than units: one launch for many steps, which the work-items do together, task by
 * task. Waking a thread for each launch costs more than a small step, so nobody is sent to sleep between steps.
 *
 * Every work-item has a queue of tasks, in every step the same ones, whose weights and moments its cache then still has.
 * A task begins when the tasks that it needs are done. Who waits holds none, and after a while takes from the others'
 * queues: whatever a work-item waits for is being done by another, so it can be alone, come late or leave early, and the
 * rest is done all the same. The same functions as in row_chain and update, hence the same bits. CPUs only: their caches
 * agree on memory. */

#define TURN_INTS 16 /* a counter has a line of the cache to itself; this and the next as in model/launches.c */
#define QUEUES_MOST 64
#define STRIPS_EACH 8
/* Looks at a queue before a work-item helps others, and before it leaves the rest to them. */
#define HELP_AFTER 2000
#define PATIENCE (1 << 20)

/* What there is to do in each step: `rows` tasks of `each` row tiles and then `updates` of STRIPS_EACH strips, per lane. */
struct work {
    int n_steps, n_lanes, each, rows, updates, strips, queues;
};
struct task {
    int k, lane; /* step, from 0; among the active */
    int at;      /* of its kind */
    int is_update;
    int needs;   /* tasks of its lane that are to be done before */
};

/* Of n things in a row, the first that is a queue's; it has those before the next queue's first. */
FN int first_of(int n, int queue, int queues)
{
    return n * queue / queues;
}

/* The queue's task of that number. False: it has none so late. */
FN bool task_at(struct task *t, const struct work *w, int queue, int number)
{
    const int row = first_of(w->rows * w->n_lanes, queue, w->queues);
    const int rows = first_of(w->rows * w->n_lanes, queue + 1, w->queues) - row;
    const int update = first_of(w->updates * w->n_lanes, queue, w->queues);
    const int all = rows + first_of(w->updates * w->n_lanes, queue + 1, w->queues) - update;
    if (number >= all * w->n_steps) return false;
    t->k = number / all;
    const int turn = number % all;
    t->is_update = turn >= rows;
    const int kind = t->is_update ? w->updates : w->rows, at = t->is_update ? update + turn - rows : row + turn;
    t->lane = at / kind;
    t->at = at % kind;
    t->needs = t->k * (w->rows + w->updates) + t->is_update * w->rows;
    return true;
}

/* Takes a queue's next task if it can begin. -1: the queue is empty; 0: it cannot; 1: taken. */
FN int take(struct task *t, const struct work *w, volatile __global int *turns, int queue)
{
    volatile __global int *next = turns + queue * TURN_INTS;
    const int number = *next;
    if (!task_at(t, w, queue, number)) return -1;
    if (turns[(QUEUES_MOST + t->lane) * TURN_INTS] < t->needs) return 0;
    return atomic_cmpxchg(next, number, number + 1) == number;
}

/* From its own queue or, having waited, from any. */
PART int take_any(struct task *t, const struct work *w, volatile __global int *turns, int queue, int waited)
{
    int got = take(t, w, turns, queue), left = got >= 0;
    for (int i = 1; i < w->queues && got != 1 && (got < 0 || waited > HELP_AFTER); i++) {
        const int other = take(t, w, turns, (queue + i) % w->queues);
        left |= other >= 0;
        if (other == 1) got = 1;
    }
    return got == 1 ? 1 : left ? 0 : -1;
}

/* Steps k .. k + n_steps - 1 of n_lanes lanes. turns (QUEUES_MOST + n_lanes, TURN_INTS), zero before: each queue's next
 * task, and how many of a lane's are done. grid (queues): as many as shall work together. Not where the gradient's length
 * counts. */
ONE_ITEM __kernel void whole_steps(PACK_ARGS, __global float *acts, __global float *weights, __global float *moment1,
                                   __global float *moment2, __global float *moment3, __global float *ema,
                                   __global const uchar *restrict data, __global const uint *restrict order,
                                   __global float *ring, __global float *restrict stats, __global float *restrict means,
                                   volatile __global int *turns, const int n_steps, const int strips, const int each,
                                   const int n_lanes)
{
    const struct arenas arenas = {weights, moment1, moment2, moment3, ema};
    const struct work work = {n_steps, n_lanes, each, (shape->row_tiles + each - 1) / each,
                              (strips + STRIPS_EACH - 1) / STRIPS_EACH, strips, (int)get_global_size(0)};
    int waited = 0;
    while (waited < PATIENCE) {
        struct task t;
        const int got = take_any(&t, &work, turns, (int)get_global_id(0), waited);
        if (got < 0) return;
        if (got == 0) {
            waited++;
            continue;
        }
        const struct view v = view_at(shape, layers, lanes, steps, active, k + t.k, acts, weights, order, (size_t)t.lane);
        if (t.is_update) {
            update_strips(&v, arenas, ring, t.at * STRIPS_EACH, min((t.at + 1) * STRIPS_EACH, strips));
        } else {
            struct rows r;
            r.first = t.at * each;
            r.n = min(each, shape->row_tiles - r.first);
            chain_rows(&v, data, ring, stats, means, r);
        }
        mem_fence(CLK_GLOBAL_MEM_FENCE);
        atomic_inc(turns + (QUEUES_MOST + t.lane) * TURN_INTS);
        waited = 0;
    }
}
