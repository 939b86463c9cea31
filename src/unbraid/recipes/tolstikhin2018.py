"""Tolstikhin et al. 2018: WAE-MMD on MNIST, with the weights of the paper's code.

The code's loss is 0.05 of the squared error, summed over pixels, + 10 MMD. A Gaussian likelihood
of variance 10 has the same weight of the error, and a constant besides.
"""

from __future__ import annotations

import math

from unbraid.recipes import Recipe

ERROR = 0.05  # weight of the squared error

RECIPE = Recipe(
    source="Tolstikhin et al. 2018, Wasserstein Auto-Encoders",
    data={"mnist": {}},
    methods={
        "wae-mmd": {
            "latent_dim": 8,
            "net": "conv",
            "likelihood": "gaussian",
            "sigma": math.sqrt(1 / (2 * ERROR)),
            "scale": 10.0,
            "kernel": "imq",
        }
    },
    training={
        "epochs": 100,
        "batch_size": 100,
        "lr": 1e-3,
        "sampling": "epochs",
        "validation": 0.0,
    },
    follows=(
        "8 latents; lambda is 10 where the squared error of an image weighs 0.05.",
        "An unbiased estimate of the discrepancy, with a sum of seven inverse multiquadrics.",
        "Adam with learning rate 1e-3, 100 epochs of 60,000 images, 100 a step.",
    ),
    deviates=(
        "The learning rate is constant. The code's is halved after 30 epochs and a tenth after 50.",
        "Adam's first moment decays at 0.9; the code's at 0.5.",
        "The network is conv, whose pixels under a Gaussian likelihood have no sigmoid. The code's "
        "has one, up to 1,024 maps and batch normalisation.",
        "The encoder is not trained beforehand to codes of the prior's mean and covariance, and "
        "its images have no noise.",
        "Training images are MNIST's. The code draws 60,000 of all 70,000 at random, and those of "
        "a step of all of them.",
        "Networks compute in bfloat16 where the hardware does.",
    ),
)
