"""Klindt et al. 2021: SlowVAE, for latents that rarely change from one image to the next.

Settings are those of the paper's code for pairs in which k factors change.
"""

from __future__ import annotations

from unbraid.recipes import Recipe

DATA = {"size": 64, "split_seed": 0, "full": True}

RECIPE = Recipe(
    source=(
        "Klindt et al. 2021, Towards Nonlinear Disentanglement in Natural Data with Temporal "
        "Sparse Coding"
    ),
    data={"dsprites": DATA, "shapes3d": DATA, "cars3d": DATA},
    methods={
        "slow-vae": {
            "latent_dim": 10,
            "net": "conv",
            "likelihood": "bernoulli",
            "sigma": 0.1,
            "warmup": 0.0,
            "warmup_start": 0.0,
            "beta": 1.0,
            "pairs": "uniform",
            "gamma": 10.0,
            "rate": 6.0,
            "as_published": True,
        }
    },
    training={
        "steps": 300_000,
        "batch_size": 32,  # pairs, of the 64 images that the code counts
        "lr": 1e-4,
        "sampling": "epochs",
        "validation": 0.0,
    },
    follows=(
        "beta 1, gamma 10, rate 6, 10 latents; Adam with learning rate 1e-4, 300,000 steps of 32 "
        "pairs, the first images of which are shuffled anew in each epoch.",
        "The terms are weighed as in the code: of each pair, both reconstructions and "
        "cross-entropies, but the means of both KLs and entropies.",
        "The number of factors that change is uniform.",
    ),
    deviates=(
        "The network is conv. The layer that the code makes a transposed convolution of one pixel "
        "has a bias for each number here, not for each channel, and weights are initialised as "
        "those of all networks here.",
        "Pairs by a Laplace distribution over factors, the code's other kind, are not made here.",
        "No run is left out. The code stops runs on dSprites whose reconstruction is bad, and its "
        "table is of those that remain.",
        "dSprites and 3D Shapes are drawn unless the published files are given.",
        "Networks compute in bfloat16 where the hardware does; --precision f32 is as in the code.",
    ),
)
