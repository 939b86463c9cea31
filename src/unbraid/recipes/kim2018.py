"""Kim & Mnih 2018: FactorVAE on dSprites.

The authors published no code. What follows the paper was checked against public code that
reproduces it; where such code disagrees, or a value could not be checked, ``deviates`` says so.
"""

from __future__ import annotations

from unbraid.recipes import Recipe

RECIPE = Recipe(
    source="Kim & Mnih 2018, Disentangling by Factorising",
    data={"dsprites": {"size": 64, "split_seed": 0, "full": True}},
    methods={
        "factor-vae": {
            "latent_dim": 10,
            "net": "conv",
            "likelihood": "bernoulli",
            "sigma": 0.1,
            "warmup": 0.0,
            "warmup_start": 0.0,
            "gamma": 35.0,
            "discriminator_lr": 1.0,
            "discriminator_hidden": 1000,
            "discriminator_layers": 6,
        }
    },
    training={
        "steps": 300_000,
        "batch_size": 64,
        "lr": 1e-4,
        "sampling": "iid",
        "validation": 0.0,
    },
    follows=(
        "Adam with learning rate 1e-4 for both networks, with betas 0.9 and 0.999 for the VAE and "
        "0.5 and 0.9 for the discriminator.",
        "300,000 steps of 64 images, 10 latents, gamma 35.",
        "Four convolutions of 32, 32, 64 and 64 maps, 4 by 4 taps and stride 2.",
        "The discriminator has six hidden layers of 1,000 units with leaky ReLU.",
    ),
    deviates=(
        "The fully connected layer on either side of the codes has 256 units, not 128.",
        "The permuted codes are those of the step's images. The paper's algorithm permutes codes "
        "of a second batch.",
        "Public code has six hidden layers in the discriminator, as here, or five.",
        "Images are drawn with replacement, as in the study of Locatello et al. 2019; how the "
        "paper draws its batches could not be checked.",
        "Weights begin as conv has them.",
        "Settings are those for dSprites. For colour images, public code has a discriminator's "
        "learning rate of 1e-5 and more steps.",
        "dSprites is drawn unless the published file is given.",
        "Networks compute in bfloat16 where the hardware does, but for the discriminator.",
    ),
)
