"""Chen et al. 2016: InfoGAN on MNIST, with the settings of the paper's code."""

from __future__ import annotations

from unbraid.recipes import Recipe

RECIPE = Recipe(
    source=(
        "Chen et al. 2016, InfoGAN: Interpretable Representation Learning by Information "
        "Maximizing Generative Adversarial Nets"
    ),
    data={"mnist": {}},
    methods={
        "infogan": {
            "categories": 10,
            "continuous": 2,
            "noise": 62,
            "channels": 64,
            "hidden": 1024,
            "categorical_weight": 1.0,
            "continuous_weight": 1.0,
            "discriminator_lr": 0.2,
            "spectral_norm": False,
            "invariance": 0.0,
            "steadiness": 0.0,
            "sparseness": 0.0,
            "sparse_from": 3.0,
        }
    },
    training={
        "steps": 5_000,
        "batch_size": 128,
        "lr": 1e-3,
        "sampling": "epochs",
        "validation": 0.0,
    },
    follows=(
        "One code of 10 categories, two uniform on [-1, 1], 62 noise variables; lambda is 1 for "
        "all codes.",
        "Adam with learning rate 1e-3 for the generator and 2e-4 for the discriminator, and a "
        "first moment that decays at 0.5; 5,000 steps of 128 images.",
        "The layers of the paper's table, with batch normalisation. Continuous codes are read with "
        "variance 1. Q is trained in the discriminator's step.",
    ),
    deviates=(
        "Training images are all 60,000; the code's are 55,000 of them.",
        "Leaky rectifiers have slope 0.1, as the paper says; the code's have 0.01.",
        "Weights begin as PyTorch has them; the code's as a Gaussian of standard deviation 0.02.",
        "Networks compute in bfloat16 where the hardware does.",
    ),
)
