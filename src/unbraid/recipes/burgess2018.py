"""Burgess et al. 2018: beta-VAE with a capacity that rises, on dSprites.

The authors published no code. What follows the paper was checked against public code that
reproduces it; ``deviates`` has what could not be checked, and what was chosen in its place.
"""

from __future__ import annotations

from unbraid.recipes import Recipe

RECIPE = Recipe(
    source="Burgess et al. 2018, Understanding disentangling in beta-VAE",
    data={"dsprites": {"size": 64, "split_seed": 0, "full": True}},
    methods={
        "annealed-vae": {
            "latent_dim": 10,
            "net": "conv",
            "likelihood": "bernoulli",
            "sigma": 0.1,
            "warmup": 0.0,
            "warmup_start": 0.0,
            "gamma": 1000.0,
            "capacity": 25.0,
            "threshold": 100_000,
        }
    },
    training={
        "steps": 300_000,
        "batch_size": 64,
        "lr": 5e-4,
        "sampling": "iid",
        "validation": 0.0,
    },
    follows=(
        "The capacity rises from 0 to 25 nats over 100,000 steps; gamma is 1000.",
        "Adam with learning rate 5e-4; 10 latents; a Bernoulli likelihood.",
        "Four convolutions of 4 by 4 taps with stride 2, then 256 units.",
    ),
    deviates=(
        "The third and fourth convolution have 64 maps, not 32, and there is one layer of 256 "
        "units on either side of the codes, not two: conv is the network of Locatello et al. 2019, "
        "made after the paper's.",
        "Batch size, number of steps and drawing of batches are those of the study of Locatello "
        "et al. 2019: no source for the paper's was found. Training goes on for 200,000 steps "
        "at the full capacity.",
        "Weights begin as conv has them.",
        "dSprites is drawn unless the published file is given.",
        "Networks compute in bfloat16 where the hardware does.",
    ),
)
