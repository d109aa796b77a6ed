/* Where a knob's meaning or default comes from. */
#include "vaetop/conf/knob.h"

static const char *const source[KNOB_COUNT] = {
    [KNOB_STUDY_SAMPLER] = "Joe & Kuo 2008 (sobol), Bergstra et al. 2011 (tpe), Ament et al. 2023 (gp)",
    [KNOB_STUDY_PRUNER] = "Li et al. 2020 (asha), Golovin et al. 2017 (median)",
    [KNOB_STUDY_PRUNER_ETA] = "Li et al. 2020",
    [KNOB_STUDY_PRUNER_MIN_EPOCHS] = "Li et al. 2020",
    [KNOB_STUDY_PRUNER_STARTUP] = "as Optuna's MedianPruner",
    [KNOB_STUDY_PRUNER_PERCENTILE] = "as Optuna's PercentilePruner",
    [KNOB_STUDY_OBJECTIVE] = "Kingma & Welling 2014 (elbo), Burda et al. 2016 (nll)",
    [KNOB_DATA_BINARIZE] = "Salakhutdinov & Murray 2008 (static), Burda et al. 2016 (dynamic)",
    [KNOB_MODEL_WIDTH] = "PyTorch's VAE example, 784-400-20",
    [KNOB_MODEL_LATENT] = "PyTorch's VAE example, 784-400-20",
    [KNOB_MODEL_ACTIVATION] = "Clevert et al. 2016 (elu), Elfwing et al. 2018 (silu), Hendrycks & Gimpel 2016 (gelu)",
    [KNOB_MODEL_NORM] = "Ba, Kiros & Hinton 2016; as PyTorch's LayerNorm, eps 1e-5",
    [KNOB_MODEL_DROPOUT] = "Srivastava et al. 2014; kept units are scaled by 1 / (1 - dropout), as PyTorch's",
    [KNOB_MODEL_INIT] = "PyTorch's Linear, Glorot & Bengio 2010, He et al. 2015",
    [KNOB_MODEL_BIAS] = "Burda et al. 2016: the logit of the mean, cut to 0.001 .. 0.999",
    [KNOB_LOSS_LIKELIHOOD] = "Kingma & Welling 2014, appendix C; Rybkin et al. 2021 (learned and optimal deviation)",
    [KNOB_LOSS_SIGMA] = "Rybkin et al. 2021",
    [KNOB_LOSS_BETA] = "Higgins et al. 2017",
    [KNOB_LOSS_BETA_SCHEDULE] = "Bowman et al. 2016 (linear, sigmoid), Fu et al. 2019 (cyclical)",
    [KNOB_LOSS_BETA_CYCLES] = "Fu et al. 2019",
    [KNOB_LOSS_BETA_RATIO] = "Fu et al. 2019",
    [KNOB_LOSS_CAPACITY] = "Burgess et al. 2018",
    [KNOB_LOSS_CAPACITY_WEIGHT] = "Burgess et al. 2018",
    [KNOB_LOSS_CAPACITY_WARMUP] = "Burgess et al. 2018",
    [KNOB_LOSS_FREE_BITS] = "Kingma et al. 2016",
    [KNOB_OPTIMIZER_KIND] = "Kingma & Ba 2015 (adam), Loshchilov & Hutter 2019 (adamw), Tieleman & Hinton 2012 (rmsprop)",
    [KNOB_OPTIMIZER_LR] = "Kingma & Ba 2015",
    [KNOB_OPTIMIZER_LR_SCHEDULE] = "Loshchilov & Hutter 2017 (cosine); plateau as PyTorch's ReduceLROnPlateau, mode abs",
    [KNOB_OPTIMIZER_LR_PATIENCE] = "as PyTorch's ReduceLROnPlateau",
    [KNOB_OPTIMIZER_LR_THRESHOLD] = "as PyTorch's ReduceLROnPlateau, mode abs: a -ELBO may be negative",
    [KNOB_OPTIMIZER_WEIGHT_DECAY] = "Loshchilov & Hutter 2019 (adamw)",
    [KNOB_OPTIMIZER_MOMENTUM] = "as PyTorch's SGD and RMSprop, dampening 0",
    [KNOB_OPTIMIZER_NESTEROV] = "Sutskever et al. 2013; as PyTorch's SGD",
    [KNOB_OPTIMIZER_CENTERED] = "Graves 2013",
    [KNOB_OPTIMIZER_ALPHA] = "as PyTorch's RMSprop",
    [KNOB_OPTIMIZER_BETA1] = "Kingma & Ba 2015",
    [KNOB_OPTIMIZER_BETA2] = "Kingma & Ba 2015",
    [KNOB_OPTIMIZER_EPS] = "Kingma & Ba 2015; outside of the root, as PyTorch's",
    [KNOB_OPTIMIZER_CLIP] = "Pascanu et al. 2013",
    [KNOB_OPTIMIZER_SKIP] = "Child 2021",
    [KNOB_OPTIMIZER_EMA] = "Polyak & Juditsky 1992; it starts short: at most (1 + step) / (10 + step)",
    [KNOB_TRAIN_BATCH] = "PyTorch's VAE example",
    [KNOB_TRAIN_PATIENCE] = "Prechelt 1998",
};

const char *knob_source(enum knob k)
{
    return source[k] ? source[k] : "";
}
