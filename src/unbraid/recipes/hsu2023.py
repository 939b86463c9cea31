"""Hsu et al. 2023: QLAE, an autoencoder with quantised latents and strong weight decay.

Settings are those of the paper's code, for 3D Shapes, MPI3D and dSprites.
"""

from __future__ import annotations

from unbraid.recipes import Recipe

DATA = {"size": 64, "split_seed": 0, "full": False}

RECIPE = Recipe(
    source="Hsu et al. 2023, Disentanglement via Latent Quantization",
    data={
        "shapes3d": DATA,
        "mpi3d": {"variant": "complex", "split_seed": 0, "full": False},
        "dsprites": DATA,
    },
    methods={
        "qlae": {
            "latent_dim": 12,
            "net": "style",
            "likelihood": "bernoulli",
            "sigma": 0.1,
            "levels": 10,
            "quantiser": "codebook",
            "quantisation": 0.01,
            "commitment": 0.01,
            "weight_decay": 0.1,
        }
    },
    by_data={
        "mpi3d": {"qlae": {"latent_dim": 14, "weight_decay": 0.001}},
        "dsprites": {"qlae": {"latent_dim": 10, "quantisation": 0.001, "commitment": 0.001}},
    },
    training={
        "steps": 200_000,
        "batch_size": 128,
        "lr": 1e-3,
        "sampling": "epochs",
        "validation": 0.0,
    },
    follows=(
        "The networks, AdamW with its weight decay and clipping, 200,000 steps of 128 images.",
        "Twice as many latents as factors, 10 values each; 10 latents for dSprites.",
        "The weights are those of the paper's averages over pixels and latents; the method "
        "converts them to sums.",
    ),
    deviates=(
        "A tenth of the images is held out and measured on. The code measures on 10,000 images "
        "that it also trains on.",
        "Falcor3D and Isaac3D have no reader here; for them the code has 14 and 18 latents.",
        "dSprites and 3D Shapes are drawn unless the published files are given.",
        "Networks compute in bfloat16 where the hardware does; --precision f32 is as in the code.",
    ),
)
