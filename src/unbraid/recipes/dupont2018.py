"""Dupont 2018: JointVAE on MNIST, with the schedule of the paper's code to its end.

Both capacities rise over 25,000 steps of a training of 100 epochs.
"""

from __future__ import annotations

from unbraid.recipes import Recipe

BATCH = 64
RISE = 25_000 / (60_000 // BATCH)  # epochs in which the capacities rise

RECIPE = Recipe(
    source="Dupont 2018, Learning Disentangled Joint Continuous and Discrete Representations",
    data={"mnist": {}},
    methods={
        "joint-vae": {
            "latent_dim": 10,
            "net": "conv",
            "likelihood": "bernoulli",
            "sigma": 0.1,
            "categories": 10,
            "gamma": 30.0,
            "capacity": 5.0,
            "discrete_capacity": 5.0,
            "capacity_epochs": RISE,
            "discrete_epochs": RISE,
            "temperature": 0.67,
            "invariance": 0.0,
        }
    },
    training={
        "epochs": 100,
        "batch_size": BATCH,
        "lr": 5e-4,
        "sampling": "epochs",
        "validation": 0.0,
    },
    follows=(
        "Adam with learning rate 5e-4, 100 epochs of all 60,000 images, 64 a step.",
        "Capacities of 5 nats each, reached after 25,000 steps, with gamma 30; temperature 0.67.",
        "10 continuous latents and one of 10 categories.",
    ),
    deviates=(
        "Images have 28 by 28 pixels; the code enlarges them to 32 by 32, at which the maps of the "
        "network are 16, 8 and 4 pixels wide and the first two layers have 32 and 64 maps.",
        "The discrete capacity stops at log 10, the most a category can have, as in the paper.",
        "Weights begin as conv has them.",
        "Networks compute in bfloat16 where the hardware does; --precision f32 is as in the code.",
    ),
)
