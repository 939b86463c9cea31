"""Roth et al. 2023: HFS, for factors that are dependent in the training images."""

from __future__ import annotations

from unbraid.recipes import Recipe

RECIPE = Recipe(
    source=(
        "Roth et al. 2023, Disentanglement of Correlated Factors via Hausdorff Factorized Support"
    ),
    data={name: {"size": 64, "split_seed": 0, "full": True} for name in ("dsprites", "shapes3d")},
    methods={
        "hfs": {
            "latent_dim": 10,
            "net": "conv",
            "likelihood": "bernoulli",
            "sigma": 0.1,
            "warmup": 0.0,
            "warmup_start": 0.0,
            "gamma": 300.0,
            "beta": 0.0,
            "latent_pairs": 25,
            "points": 0,
            "spread": 0.0,
        }
    },
    sweeps={"hfs": "beta 0, 1, 2, 4, 6, 8, 10, 16; gamma 0.1 to 10,000, with beta 0 80 to 2,000"},
    training={
        "steps": 300_000,
        "batch_size": 64,
        "lr": 1e-4,
        "sampling": "epochs",
        "validation": 0.0,
    },
    follows=(
        "beta 0 and gamma 300, the example of the code; 25 pairs of 10 latents a step, and all "
        "points of the batch.",
        "Both codes of a distance get its gradient, as in the code.",
        "Adam with learning rate 1e-4, 300,000 steps of 64.",
    ),
    deviates=(
        "All images are trained on. The paper's have correlated factors: --data.correlated.",
        "spread, if it is set, is of each latent over the batch; the code's is over latents.",
        "dSprites and 3D Shapes are drawn unless the published files are given.",
        "Networks compute in bfloat16 where the hardware does; --precision f32 is as in the code.",
    ),
)
