/* The decoder alone, from latent points to logits, against the reference. */
#include <stdlib.h>

#include "shape.h"

#include "vaetop/model/decode.h"

static void check_decode(struct variant v)
{
    struct shape s;
    struct err e;
    shape_init(&s, &v);
    const int most = s.plan.batch_pad, rows[] = {1, most / 2 + 1, most};
    const size_t latent = (size_t)s.net.latent, data = (size_t)s.net.data;
    for (int i = 0; i < 3; i++) {
        const size_t n = (size_t)rows[i];
        double *z = doubles(n * latent), *got = doubles(n * data);
        float *in = calloc(n * latent, sizeof *in), *out = calloc(n * data, sizeof *out);
        fill_random(z, n * latent, -3, 3, 20 + (uint32_t)i);
        for (size_t j = 0; j < n * latent; j++) {
            in[j] = (float)z[j];
        }
        assert_ok(pack_decode(s.pack, SLOT, in, rows[i], out, &e), &e);
        for (size_t j = 0; j < n * data; j++) {
            got[j] = (double)out[j];
        }
        double *x = z;
        for (int k = s.plan.heads + 1; k < s.plan.n_layers; k++) {
            struct ref_layer l = ref_layer(&s.ref, k);
            double *y = doubles(n * (size_t)l.out);
            ref_dense(y, x, s.theta + l.w, s.theta + l.b, rows[i], l.in, l.out);
            if (l.hidden) {
                ref_activate(y, n * (size_t)l.out, s.ref.act);
            }
            free(x);
            x = y;
        }
        /* Errors of the hidden layers come through, hence the sum of both lengths. */
        compare("logits", got, x, n * data, s.v.hidden + s.net.latent);
        free(x);
        free(got);
        free(in);
        free(out);
    }
    shape_release(&s);
}

static void logits_are_the_reference_s_in_the_plain_plan(void **state)
{
    (void)state;
    for_each_size(check_decode, (struct variant){.act = ACT_TANH});
}

static void logits_are_the_reference_s_in_the_chain_plan(void **state)
{
    (void)state;
    for_each_size(check_decode, (struct variant){.kind = PLAN_CHAIN});
}

static void depth_and_provider_make_no_difference(void **state)
{
    (void)state;
    const struct variant base = {.data = 37, .latent = 17, .batch = 31, .hidden = 33};
    for (int depth = 0; depth <= 3; depth += 3) {
        for (int kind = 0; kind < 3; kind++) {
            struct variant v = base;
            v.flat = true;
            v.n_enc = 1;
            v.n_dec = depth;
            v.kind = kind == 1 ? PLAN_CHAIN : PLAN_PLAIN;
            v.provider = kind == 2 ? PROVIDER_CLBLAST : PROVIDER_TILE;
            check_decode(v);
        }
    }
}

int decode_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_the_reference_s_in_the_plain_plan),
        cmocka_unit_test(logits_are_the_reference_s_in_the_chain_plan),
        cmocka_unit_test(depth_and_provider_make_no_difference),
    };
    return cmocka_run_group_tests_name("model decode", tests, NULL, NULL);
}
