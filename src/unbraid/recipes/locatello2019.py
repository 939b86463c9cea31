"""Locatello et al. 2019: six unsupervised VAEs with one network and one training.

Settings are those of the study's code and its configuration ``unsupervised_study_v1``.
"""

from __future__ import annotations

from unbraid.recipes import Recipe

VAE = {
    "latent_dim": 10,
    "net": "conv-2019",
    "likelihood": "bernoulli",
    "sigma": 0.1,
    "warmup": 0.0,
    "warmup_start": 0.0,
}
DATA = {"size": 64, "split_seed": 0, "full": True}
TRAINING = {
    "steps": 300_000,
    "batch_size": 64,
    "lr": 1e-4,
    "sampling": "iid",
    "validation": 0.0,
}

RECIPE = Recipe(
    source=(
        "Locatello et al. 2019, Challenging Common Assumptions in the Unsupervised Learning of "
        "Disentangled Representations"
    ),
    data={"dsprites": DATA, "shapes3d": DATA, "cars3d": DATA},
    methods={
        "beta-vae": {**VAE, "beta": 4.0},
        "annealed-vae": {**VAE, "gamma": 1000.0, "capacity": 25.0, "threshold": 100_000},
        "factor-vae": {
            **VAE,
            "gamma": 30.0,
            "discriminator_lr": 1.0,
            "discriminator_hidden": 1000,
            "discriminator_layers": 6,
        },
        "dip-vae-i": {**VAE, "off_diagonal": 5.0, "diagonal": 50.0},
        "dip-vae-ii": {**VAE, "off_diagonal": 5.0, "diagonal": 5.0},
        "beta-tcvae": {**VAE, "beta": 4.0, "alpha": 1.0, "gamma": 1.0, "estimator": "mws"},
    },
    training=TRAINING,
    sweeps={
        "beta-vae": "beta 1, 2, 4, 6, 8, 16",
        "annealed-vae": "capacity 5, 10, 25, 50, 75, 100",
        "factor-vae": "gamma 10, 20, 30, 40, 50, 100",
        "dip-vae-i": "off_diagonal 1, 2, 5, 10, 20, 50, and diagonal 10 times that",
        "dip-vae-ii": "off_diagonal 1, 2, 5, 10, 20, 50, and diagonal the same",
        "beta-tcvae": "beta 1, 2, 4, 6, 8, 10",
    },
    follows=(
        "The networks are those of the code, with their initialisation.",
        "Adam with learning rate 1e-4, 300,000 steps of 64 images, drawn with replacement from all "
        "images; none is held out.",
        "Each strength was one of six values; the third is set.",
        "FactorVAE's discriminator has six layers of 1,000 units and Adam's betas 0.5 and 0.9.",
        "The capacity of the annealed VAE rises over 100,000 steps.",
    ),
    deviates=(
        "FactorVAE trains for all 300,000 steps. In the study's code both of its optimizers "
        "advance one counter, so that training may have stopped after 150,000 updates: "
        "--steps 150000 does.",
        "The KL of beta-TCVAE is the sum of its three estimated parts, not the analytic KL with "
        "the total correlation added.",
        "SmallNORB and the coloured, noisy and textured dSprites of the study are left out: the "
        "settings of the data are of dSprites, Cars3D and 3D Shapes.",
        "dSprites and 3D Shapes are drawn unless the published files are given.",
        "Networks compute in bfloat16 where the hardware does; --precision f32 is as in the study.",
    ),
)
