/* Which plan trains a network on a device, and who multiplies in it: by the built-in table, or by the user's own that
 * `vaetop bench --tune` wrote for this device and driver. Never by a timing at a start. */
#ifndef VAETOP_MODEL_CHOICE_H
#define VAETOP_MODEL_CHOICE_H

#include "vaetop/model/model.h"

struct choice {
    double flops; /* useful ones of a step: a network takes the row that is nearest to its own by ratio */
    enum plan_kind kind;
    enum provider provider; /* of the plain plan */
};
#define CHOICES_MAX 64

/* Batch statistics force the plain plan whatever a table says. Errors: DATA (the user's table is broken), IO. */
WUR enum err_code choice_make(struct choice *out, const struct device *dev, const struct net *n, struct err *e);

/* Replaces the user's table for this device. Errors: IO. */
WUR enum err_code choices_write(const struct device *dev, const struct choice *row, int n, struct err *e);
/* $XDG_CONFIG_HOME/vaetop/plans/HASH, the hash of platform, device and driver. Owns: caller frees. */
char *choices_path(const struct device *dev);

#endif
