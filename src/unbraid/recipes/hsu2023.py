"""Hsu et al. 2023: QLAE, an autoencoder with quantised latents, and the methods it is compared to.

Settings are those of the paper's code, for 3D Shapes, MPI3D and dSprites.
"""

from __future__ import annotations

from unbraid.recipes import Recipe

DATA = {"size": 64, "split_seed": 0, "full": False}
NETS = {"latent_dim": 12, "net": "style", "likelihood": "bernoulli", "sigma": 0.1}
VAE = {**NETS, "warmup": 0.0, "warmup_start": 0.0}

RECIPE = Recipe(
    source="Hsu et al. 2023, Disentanglement via Latent Quantization",
    data={
        "shapes3d": DATA,
        "mpi3d": {"variant": "complex", "split_seed": 0, "full": False},
        "dsprites": DATA,
    },
    methods={
        "qlae": {
            **NETS,
            "levels": 10,
            "quantiser": "codebook",
            "quantisation": 0.01,
            "commitment": 0.01,
            "weight_decay": 0.1,
        },
        "beta-vae": {**VAE, "beta": 3.0},
        "beta-tcvae": {**VAE, "beta": 3.0, "alpha": 1.0, "gamma": 1.0, "estimator": "mws"},
        "ae": NETS,
    },
    by_data={
        "mpi3d": {
            "qlae": {"latent_dim": 14, "weight_decay": 0.001},
            "beta-vae": {"latent_dim": 14, "beta": 0.1},
            "beta-tcvae": {"latent_dim": 14, "beta": 0.3},
            "ae": {"latent_dim": 14},
        },
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
        "The weights of QLAE are those of the paper's averages over pixels and latents; the method "
        "converts them to sums.",
        "The weights of beta-VAE and beta-TCVAE that the code has for each data set.",
    ),
    deviates=(
        "A tenth of the images is held out and measured on. The code measures on 10,000 images "
        "that it also trains on.",
        "Gradients of beta-VAE, beta-TCVAE and the autoencoder are not clipped; the code clips "
        "each to -1..1. Its standard deviations are a softplus where here a logvar is.",
        "The code's autoencoder has a weight decay of 0.001 on MPI3D; ae has none.",
        "For dSprites the code has no settings but QLAE's: the others have those of 3D Shapes. Its "
        "folder with these settings has weights of 0.001 for 3D Shapes, too; those of another "
        "folder, 0.01, are taken here.",
        "Falcor3D and Isaac3D have no reader here; for them the code has 14 and 18 latents.",
        "dSprites and 3D Shapes are drawn unless the published files are given.",
        "Networks compute in bfloat16 where the hardware does; --precision f32 is as in the code.",
    ),
)
