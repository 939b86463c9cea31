"""Dupont 2018: JointVAE on MNIST, with the schedule of the paper's code to its end.

Both capacities rise by 5 nats in 25,000 steps of a training of 100 epochs; that of the category
stops at log 10 nats, the most it can have.
"""

from __future__ import annotations

import math

from unbraid.recipes import Recipe

BATCH = 64
CAPACITY = 5.0  # nats
RISE = 25_000 / (60_000 // BATCH)  # epochs in which the capacities rise by that

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
            "capacity": CAPACITY,
            "discrete_capacity": CAPACITY,
            "capacity_epochs": RISE,
            "discrete_epochs": RISE * math.log(10) / CAPACITY,  # it stops at log 10
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
        "Capacities rise by 5 nats in 25,000 steps; the discrete one stops at log 10, the most a "
        "category can have, after 11,513 of them. gamma is 30, the temperature 0.67.",
        "10 continuous latents and one of 10 categories.",
    ),
    deviates=(
        "Images have 28 by 28 pixels; the code enlarges them to 32 by 32, at which the maps of the "
        "network are 16, 8 and 4 pixels wide and the first two layers have 32 and 64 maps.",
        "Weights begin as conv has them.",
        "Networks compute in bfloat16 where the hardware does; --precision f32 is as in the code.",
    ),
)
