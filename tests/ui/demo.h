/* A made-up study, the same on every machine: rows as the store gives them, to fill a view or a store. */
#ifndef VAETOP_TEST_DEMO_H
#define VAETOP_TEST_DEMO_H

#include "vaetop/store/store.h"

enum demo_kind { DEMO_EMPTY, DEMO_ONE, DEMO_THIRTEEN, DEMO_STRANGE, DEMO_MANY, DEMO_SEARCHED, DEMO_TWO, DEMO_KNN };

struct demo {
    struct preset preset;
    struct trial_row *trial;
    size_t n;
    struct epoch_row **epoch; /* (n) arrays of n_epochs[i] */
    size_t *n_epochs;
    struct snapshot snapshot;
    struct device_row device[3];
    int n_devices;
    struct card_row card[4];
    int n_cards;
    struct log_row log[12];
    int n_logs;
};

#define DEMO_NOW_US INT64_C(1767268800000000) /* 2026-01-01 12:00:00 UTC */

void demo_make(struct demo *d, enum demo_kind kind);
void demo_release(struct demo *d);

#endif
