/* Does this device compute what the kernels say? Small fixed networks are trained for a few steps, and losses and
 * weights are compared with figures from the double-precision reference (tests/ref; tests/model holds them to it).
 *
 * All cases run once per device, driver and kernel sources, which a stamp in the cache folder remembers; every later
 * start of a worker runs one small case. Takes the device for itself while it runs. */
#ifndef VAETOP_MODEL_SELFTEST_H
#define VAETOP_MODEL_SELFTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vaetop/base/err.h"
#include "vaetop/device/device.h"

/* What a worker calls when it has opened its device: all cases if the stamp is missing, else one. force: all of them,
 * in every plan. *full (may be NULL) says whether it was all.
 * Errors: NODEVICE (what was computed and what was expected), CL, DEVICE_MEM. */
WUR enum err_code selftest_start(struct device *dev, bool force, bool *full, struct err *e);

/* All cases in the plan that is the default here, or in every plan and with every provider that can be chosen here; one
 * case in the default plan. Errors: as above. */
WUR enum err_code selftest_full(struct device *dev, bool every_plan, struct err *e);
WUR enum err_code selftest_golden(struct device *dev, struct err *e);

/* The stamp's path: device, driver and sources are in its name. Owns: caller frees. */
char *selftest_stamp(const struct device *dev);

/* --- the cases, for the test that computes them anew. */
#define SELFTEST_STEPS 3
#define SELFTEST_LANES 2
#define SELFTEST_ROWS 70  /* of the data set */
#define SELFTEST_VAL 20   /* rows 0 .. 19 are for validation, the others for training */

/* Sums over a batch, nats. print: sum over all weights after the last step of w sin(1 + place), tensors in
 * net_tensors() order and PyTorch's layout. */
struct selftest_figures {
    double rec[SELFTEST_STEPS], kl[SELFTEST_STEPS]; /* training steps 0, 1, 2 */
    double eval_rec, eval_kl;                       /* the validation rows, after the last step */
    double print;
};
struct selftest_case {
    const char *name;
    const char *config; /* config_parse() lines */
    int data;           /* values per row */
    bool is_u8;
    struct selftest_figures want[SELFTEST_LANES]; /* lane i has rng_key(SELFTEST_SEED, i) */
};
#define SELFTEST_SEED 20
extern const struct selftest_case selftest_cases[];
extern const size_t selftest_case_count;

/* The case's data set: (SELFTEST_ROWS, data) uint8 or float32. Owns: caller frees. */
void *selftest_rows(const struct selftest_case *c);

#endif
