"""Autoencoder: a deterministic code and its reconstruction, without a prior.

Hinton & Salakhutdinov 2006, "Reducing the Dimensionality of Data with Neural Networks":

    loss = -log p(x|z) at z = encoder(x)

Nothing says where codes lie, so there is nothing to sample from: ``sample`` draws from N(0, I) all
the same, to show how that fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from unbraid.core.latents import Latent, Point
from unbraid.methods._autoencoder import Autoencoder, AutoencoderConfig
from unbraid.methods._step import Batch, Context, Terms
from unbraid.nn import nets


@dataclass(frozen=True)
class Config(AutoencoderConfig):
    """Options of the autoencoder.

    >>> from unbraid.methods import build
    >>> build(Config(latent_dim=2), (1, 28, 28)).latent_dim
    2
    """


class Model(Autoencoder):
    """The autoencoder."""

    latent: ClassVar[Latent] = Point()

    def __init__(self, config: Config, image_shape: nets.ImageShape) -> None:
        super().__init__(config, image_shape, config.latent_dim)

    def terms(self, batch: Batch, context: Context) -> Terms:
        """Return ``reconstruction`` = -log p(x|z), which is the loss."""
        z = self.codes(batch.images)  # (B, D)
        reconstruction = -self.log_likelihood(z, batch.images).mean()
        return {"loss": reconstruction, "reconstruction": reconstruction}
