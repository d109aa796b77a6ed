/* From latent points to logits: the decoder alone, for the use of a trained model. */
#ifndef VAETOP_MODEL_DECODE_H
#define VAETOP_MODEL_DECODE_H

#include "vaetop/model/model.h"

/* Logits (rows, data) of latent points z (rows, latent) with a slot's current weights,
 * or those of pack_use_ema(); rows <= plan->batch_pad.
 * Replaces pack_steps(). Reads. */
WUR enum err_code pack_decode(struct pack *pk, int slot, const float *z, int rows, float *logits, struct err *e);

#endif
