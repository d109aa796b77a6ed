/* k nearest neighbours against a plain search in double. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "vaetop/base/alloc.h"
#include "vaetop/base/rng.h"
#include "vaetop/data/dataset.h"

/* The definition, written plainly: sort by distance, majority of k, ties to the class met first. */
static uint8_t brute(const float *q, const float *train, const uint8_t *label, size_t n, size_t dim, int k)
{
    double *dist = xcalloc(n, sizeof *dist);
    uint8_t near[64] = {0};
    int votes[256] = {0};
    for (size_t i = 0; i < n; i++) {
        for (size_t d = 0; d < dim; d++) {
            double x = (double)q[d] - (double)train[i * dim + d];
            dist[i] += x * x;
        }
    }
    for (int j = 0; j < k; j++) {
        size_t best = 0;
        for (size_t i = 1; i < n; i++) {
            best = dist[i] < dist[best] ? i : best;
        }
        near[j] = label[best];
        dist[best] = 1e300;
    }
    free(dist);
    for (int j = 0; j < k; j++) {
        votes[near[j]]++;
    }
    int winner = 0;
    for (int j = 1; j < k; j++) {
        winner = votes[near[j]] > votes[near[winner]] ? j : winner;
    }
    return near[winner];
}

static void classes_are_those_of_a_search_in_double(void **state)
{
    (void)state;
    /* n_train, n_query, dim, k: nothing a multiple of the tile */
    static const size_t sizes[][4] = {{1, 1, 1, 1},   {1, 3, 2, 5},    {17, 33, 10, 5}, {31, 5, 561, 5},
                                      {64, 4, 17, 1}, {200, 50, 2, 7}, {16, 8, 16, 64}, {333, 41, 20, 5}};
    struct rng r = rng_start(rng_key(1, 2), RNG_SAMPLE, 0);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t n = sizes[s][0], nq = sizes[s][1], dim = sizes[s][2];
        int k = (int)sizes[s][3];
        float *train = xcalloc(n * dim, sizeof *train), *query = xcalloc(nq * dim, sizeof *query);
        uint8_t *label = xcalloc(n, 1), *out = xcalloc(nq, 1);
        for (size_t i = 0; i < n * dim; i++) {
            train[i] = (float)rng_normal(&r);
        }
        for (size_t i = 0; i < nq * dim; i++) {
            query[i] = (float)rng_normal(&r);
        }
        for (size_t i = 0; i < n; i++) {
            label[i] = (uint8_t)(rng_below(&r, 4) * 85);
        }
        knn_classify(out, query, nq, train, label, n, dim, k);
        for (size_t i = 0; i < nq; i++) {
            int used = (size_t)k < n ? k : (int)n;
            assert_int_equal(out[i], brute(query + i * dim, train, label, n, dim, used));
        }
        free(train);
        free(query);
        free(label);
        free(out);
    }
}

static void a_tie_goes_to_the_nearer_class(void **state)
{
    (void)state;
    const float train[] = {0.0f, 1.0f, 3.0f, 4.0f};
    const uint8_t label[] = {1, 2, 2, 1};
    const float query[] = {0.4f, 0.6f, 1e30f};
    uint8_t out[3];
    knn_classify(out, query, 3, train, label, 4, 1, 2);
    assert_int_equal(out[0], 1);
    assert_int_equal(out[1], 2);
    knn_classify(out, query, 3, train, label, 4, 1, 4);
    assert_int_equal(out[0], 1);
    assert_int_equal(out[1], 2);
}

int knn_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_those_of_a_search_in_double),
        cmocka_unit_test(a_tie_goes_to_the_nearer_class),
    };
    return cmocka_run_group_tests_name("data knn", tests, NULL, NULL);
}
