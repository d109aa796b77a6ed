/* Inside the train layer: a model in use. */
#ifndef VAETOP_TRAIN_USE_PRIVATE_H
#define VAETOP_TRAIN_USE_PRIVATE_H

#include <stdbool.h>

#include "train_private.h"
#include "vaetop/data/safetensors.h"
#include "vaetop/model/decode.h"
#include "vaetop/train/use.h"

struct use {
    struct tensor_file *file; /* while it is opened */
    struct config config;     /* the trial's, but its batch and, for other data, its source */
    bool use_best;
    int trial;
    uint64_t study_seed;
    struct net net;
    struct dataset set;
    struct split split;
    struct trainer_data *resident;
    struct trainer *trainer; /* one lane, in slot 0 */
    int lane;
};

#endif
