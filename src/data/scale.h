/* data.scale: constants from the training rows, and their use. */
#ifndef VAETOP_DATA_SCALE_H
#define VAETOP_DATA_SCALE_H

#include "vaetop/data/dataset.h"

/* Constants for d, whose x holds floats as in the file. */
void scale_fit(struct data_scale *s, const struct dataset *d, enum data_scaling how, const struct split *split);
void scale_apply(struct dataset *d, const struct data_scale *s);

/* x / 255, which bytes stand for without being converted. */
void scale_bytes(struct data_scale *s);
bool scale_is_bytes(const struct data_scale *s);

void scale_copy(struct data_scale *dst, const struct data_scale *src);
void scale_release(struct data_scale *s);

#endif
