#include <assert.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "vaetop/base/alloc.h"
#include "vaetop/data/dataset.h"

/* A tile is QUERIES queries against PANEL training rows, the rows interleaved so that a vector holds one value of each.
 * Differences, not dot products: no cancellation, and with contraction off the same bits whatever the vector unit. */
#define PANEL 16
#define GROUP 4 /* panels per pass over the queries: as many as stay in the cache while the queries stream through */
#define QUERIES 4
#define MAX_K 64

typedef float v8 __attribute__((vector_size(32)));

static inline __attribute__((always_inline)) void tile_body(float *dist, const float *panel, const float *query,
                                                            size_t dim)
{
    v8 acc[QUERIES][2] = {{{0}}};
    for (size_t d = 0; d < dim; d++) {
        v8 t0, t1;
        memcpy(&t0, panel + d * PANEL, sizeof t0);
        memcpy(&t1, panel + d * PANEL + 8, sizeof t1);
        for (int q = 0; q < QUERIES; q++) {
            v8 a = t0 - query[(size_t)q * dim + d];
            v8 b = t1 - query[(size_t)q * dim + d];
            acc[q][0] += a * a;
            acc[q][1] += b * b;
        }
    }
    memcpy(dist, acc, sizeof acc);
}

/* dist (QUERIES, PANEL) = squared distances. Shapes: panel (dim, PANEL), query (QUERIES, dim). */
typedef void tile_fn(float *dist, const float *panel, const float *query, size_t dim);

static void tile_any(float *dist, const float *panel, const float *query, size_t dim)
{
    tile_body(dist, panel, query, dim);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void tile_avx2(float *dist, const float *panel, const float *query, size_t dim)
{
    tile_body(dist, panel, query, dim);
}
#endif

static tile_fn *choose_tile(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") ? tile_avx2 : tile_any;
#else
    return tile_any;
#endif
}

/* The k nearest so far, nearest first. */
struct nearest {
    float dist[MAX_K];
    uint8_t label[MAX_K];
};

static void insert(struct nearest *s, int k, float dist, uint8_t label)
{
    int at = k - 1;
    while (at > 0 && s->dist[at - 1] > dist) {
        s->dist[at] = s->dist[at - 1];
        s->label[at] = s->label[at - 1];
        at--;
    }
    s->dist[at] = dist;
    s->label[at] = label;
}

/* Enters a tile's distances for n queries and the first `rows` training rows. */
static void take_tile(struct nearest *state, size_t n, const float *dist, const uint8_t *label, size_t rows, int k)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t r = 0; r < rows; r++) {
            float d = dist[i * PANEL + r];
            if (d < state[i].dist[k - 1]) {
                insert(&state[i], k, d, label[r]);
            }
        }
    }
}

/* Majority; among equals the class whose nearest member is nearer. */
static uint8_t vote(const struct nearest *s, int k)
{
    int votes[256] = {0};
    int best = 0;
    for (int i = 0; i < k; i++) {
        votes[s->label[i]]++;
    }
    for (int i = 1; i < k; i++) {
        if (votes[s->label[i]] > votes[s->label[best]]) {
            best = i;
        }
    }
    return s->label[best];
}

/* Rows first .. first + PANEL of train, interleaved; rows that are none become zeros and are not looked at. */
static void fill_panel(float *panel, const float *train, size_t first, size_t n_train, size_t dim)
{
    for (size_t r = 0; r < PANEL; r++) {
        for (size_t d = 0; d < dim; d++) {
            panel[d * PANEL + r] = first + r < n_train ? train[(first + r) * dim + d] : 0.0f;
        }
    }
}

void knn_classify(uint8_t *out, const float *query, size_t n_query, const float *train, const uint8_t *train_label,
                  size_t n_train, size_t dim, int k)
{
    tile_fn *tile = choose_tile();
    float dist[QUERIES * PANEL];
    assert(n_train > 0 && dim > 0 && k > 0);
    k = k > MAX_K ? MAX_K : k;
    k = (size_t)k > n_train ? (int)n_train : k;
    if (n_query == 0) {
        return;
    }
    struct nearest *state = xcalloc(n_query, sizeof *state);
    float *panel = xcalloc(dim, GROUP * PANEL * sizeof *panel);
    float *rest = xcalloc(dim, QUERIES * sizeof *rest); /* the last queries, filled up with zeros */
    size_t whole = n_query / QUERIES * QUERIES;
    memcpy(rest, query + whole * dim, (n_query - whole) * dim * sizeof *rest);
    for (size_t i = 0; i < n_query; i++) {
        for (int j = 0; j < k; j++) {
            state[i].dist[j] = FLT_MAX;
        }
    }
    for (size_t first = 0; first < n_train; first += GROUP * PANEL) {
        for (size_t g = 0; g < GROUP; g++) {
            fill_panel(panel + g * PANEL * dim, train, first + g * PANEL, n_train, dim);
        }
        for (size_t q = 0; q < n_query; q += QUERIES) {
            const float *rows = q < whole ? query + q * dim : rest;
            size_t n = n_query - q < QUERIES ? n_query - q : QUERIES;
            for (size_t at = first; at < n_train && at < first + GROUP * PANEL; at += PANEL) {
                tile(dist, panel + (at - first) * dim, rows, dim);
                take_tile(state + q, n, dist, train_label + at, n_train - at < PANEL ? n_train - at : PANEL, k);
            }
        }
    }
    for (size_t i = 0; i < n_query; i++) {
        out[i] = vote(&state[i], k);
    }
    free(rest);
    free(panel);
    free(state);
}
