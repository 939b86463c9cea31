"""Locatello et al. 2020: two VAEs that learn from pairs of images with factors in common.

Networks and training are those of the study of 2019, whose code this one extends.
"""

from __future__ import annotations

from unbraid.recipes import Recipe
from unbraid.recipes.locatello2019 import DATA, TRAINING, VAE

PAIRS = {**VAE, "beta": 4.0, "pairs": "redraw-one-or-k"}

RECIPE = Recipe(
    source="Locatello et al. 2020, Weakly-Supervised Disentanglement Without Compromises",
    data={"dsprites": DATA, "shapes3d": DATA, "cars3d": DATA},
    methods={"ada-gvae": PAIRS, "ada-ml-vae": {**PAIRS, "variance": "harmonic"}},
    training=TRAINING,
    sweeps=dict.fromkeys(("ada-gvae", "ada-ml-vae"), "beta 1, 2, 4, 6, 8, 16"),
    follows=(
        "The networks and the optimizer are those of the code.",
        "300,000 steps of 64 pairs; all images are trained on.",
        "Pairs are drawn by the rule of the code: one or k factors are drawn again, and may keep "
        "their value.",
        "The variance of Ada-ML-VAE's shared latents is the code's, twice that of the paper.",
        "beta was one of six values; the third is set.",
    ),
    deviates=(
        "The pairs follow from the seed and the step. The code draws them from a generator that is "
        "not seeded.",
        "dSprites and 3D Shapes are drawn unless the published files are given.",
        "Networks compute in bfloat16 where the hardware does; --precision f32 is as in the study.",
    ),
)
