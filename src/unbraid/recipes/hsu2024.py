"""Hsu et al. 2024: Tripod, quantised latents whose dependence and interaction are penalised.

Settings are those of the paper's code, for 3D Shapes and MPI3D.
"""

from __future__ import annotations

from unbraid.recipes import Recipe

RECIPE = Recipe(
    source=(
        "Hsu et al. 2024, Tripod: Three Complementary Inductive Biases for Disentangled "
        "Representation Learning"
    ),
    data={
        "shapes3d": {"size": 64, "split_seed": 0, "full": False},
        "mpi3d": {"variant": "complex", "split_seed": 0, "full": False},
    },
    methods={
        "tripod": {
            "latent_dim": 12,
            "net": "residual",
            "likelihood": "bernoulli",
            "sigma": 0.1,
            "levels": 12,
            "multiinformation": 1e-4,
            "hessian": 1e-2,
            "ratio": "image",
        }
    },
    by_data={"mpi3d": {"tripod": {"latent_dim": 14, "multiinformation": 1e-8, "hessian": 1e-4}}},
    training={
        "steps": 250_000,
        "batch_size": 64,
        "lr": 2e-4,
        "sampling": "epochs",
        "validation": 0.0,
    },
    follows=(
        "The network, Adam with clipping and no weight decay, 250,000 steps of 64 images.",
        "Twice as many latents as factors, 12 values each.",
        "The weights that the code has for each data set, of a likelihood averaged over pixels; "
        "the method converts them to sums.",
        "Second differences of the style and of the maps below the image's size, two draws of each "
        "kind, divided image by image.",
    ),
    deviates=(
        "A tenth of the images is held out and measured on. The code measures on 10,000 images "
        "that it also trains on.",
        "The encoder gets pixels on 0..1; the code's gets them on -1..1.",
        "A latent that is constant over a batch has a deviation of 1e-6, with a gradient of 0; the "
        "code adds 1e-6 to every deviation.",
        "Falcor3D and Isaac3D have no reader here; for them the code has weights of 1e-10 and "
        "1e-2, and of 1e-4 and 1e-8.",
        "3D Shapes is drawn unless the published file is given.",
        "Networks compute in bfloat16 where the hardware does, but for second differences; "
        "--precision f32 is as in the code.",
    ),
)
