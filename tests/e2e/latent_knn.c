/* latent_knn CHECKPOINT: labels the held-out images by their 5 nearest neighbours among the training images
 * in latent means, with the weights of the checkpoint, and prints the share labelled right. */
#include <stdio.h>
#include <stdlib.h>

#include "vaetop/base/alloc.h"
#include "vaetop/base/fs.h"
#include "vaetop/data/dataset.h"
#include "vaetop/data/safetensors.h"
#include "vaetop/device/device.h"
#include "vaetop/train/trainer.h"

static void must(enum err_code rc, const struct err *e)
{
    if (rc) {
        (void)fprintf(stderr, "latent_knn: %s\n", e->text);
        exit(1);
    }
}

/* Latent means of some rows and their labels. */
static float *encode(uint8_t **label, struct trainer *t, int lane, const struct dataset *d, const uint32_t *rows, size_t n,
                     size_t latent)
{
    struct err e;
    float *mu = xcalloc(n * latent, sizeof *mu);
    must(trainer_encode(t, lane, mu, rows, n, &e), &e);
    *label = xcalloc(n, 1);
    for (size_t i = 0; i < n; i++) {
        (*label)[i] = d->label[rows[i]];
    }
    return mu;
}

int main(int argc, char **argv)
{
    struct err e;
    struct tensor_file *file;
    struct config config;
    struct dataset data;
    struct split split;
    struct net net;
    struct plan plan;
    struct device *device;
    struct trainer_data *on_device;
    struct trainer *trainer;
    uint8_t *train_label;
    uint8_t *val_label;
    uint8_t *guess;
    size_t right = 0;
    int lane;
    if (argc != 2) {
        return 2;
    }
    config_init(&config);
    must(tensor_file_open(&file, argv[1], true, &e), &e);
    must(config_parse(&config, tensor_file_meta(file, "config"), &e), &e);
    must(dataset_load(&data, &config, &e), &e);
    must(split_make(&split, &config, data.n, &e), &e);
    must(net_from_config(&net, &config, data.dim, &e), &e);
    must(device_open(&device, 0, 0, NULL, &e), &e);
    must(plan_make(&plan, &net, plan_default(device_is_cpu(device), &net), &e), &e);
    must(trainer_data_new(&on_device, device, &data, &split, &e), &e);
    must(trainer_new(&trainer, device, on_device, &plan, &e), &e);
    must(trainer_add(trainer, &lane,
                     &(struct lane_spec){.trial = atoi(tensor_file_meta(file, "trial")),
                                         .study_seed = strtoull(tensor_file_meta(file, "study_seed"), NULL, 10),
                                         .config = &config, .resume = argv[1],
                                         .stored_epoch = 1000000},
                     &e),
         &e);
    float *train = encode(&train_label, trainer, lane, &data, split.train, split.n_train, (size_t)net.latent);
    float *val = encode(&val_label, trainer, lane, &data, split.val, split.n_val, (size_t)net.latent);
    guess = xcalloc(split.n_val, 1);
    knn_classify(guess, val, split.n_val, train, train_label, split.n_train, (size_t)net.latent, 5);
    for (size_t i = 0; i < split.n_val; i++) {
        right += guess[i] == val_label[i];
    }
    (void)printf("%.4f\n", (double)right / (double)split.n_val);
    free(train);
    free(val);
    free(train_label);
    free(val_label);
    free(guess);
    trainer_free(trainer);
    trainer_data_free(on_device);
    device_close(device);
    tensor_file_free(file);
    split_release(&split);
    dataset_release(&data);
    config_release(&config);
    return 0;
}
