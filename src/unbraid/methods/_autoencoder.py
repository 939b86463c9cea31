"""What methods with an encoder, a decoder and a likelihood share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unbraid.core.latents import Gaussian, Latent, Layout
from unbraid.methods._base import Method, MethodConfig, require, require_count
from unbraid.methods._capabilities import HasLikelihood, HasPosterior
from unbraid.nn import nets
from unbraid.nn.distributions import (
    bernoulli_entropy,
    bernoulli_log_likelihood,
    gaussian_log_likelihood,
)


@dataclass(frozen=True)
class AutoencoderConfig(MethodConfig):
    """Options of every method with an encoder and a decoder.

    Args:
        latent_dim: number of continuous latents.
        net: ``conv``, ``mlp``, or a published one that costs more: ``conv-2019``, ``style`` or
            ``residual``, see ``unbraid.nn.nets``.
        likelihood: p(x|z) of a pixel: ``bernoulli``, ``gaussian`` of standard deviation
            ``sigma``, or ``gaussian-learned``, whose single variance is learned (Rybkin et
            al. 2021, "Simple and Effective VAE Training with Calibrated Decoders").
        sigma: standard deviation of a pixel, on [0, 1]; where training starts if learned.
    """

    latent_dim: int = 10
    net: nets.Net = "conv"
    likelihood: Literal["bernoulli", "gaussian", "gaussian-learned"] = "bernoulli"
    sigma: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count(self.latent_dim, 1, "latent_dim")
        require(self.sigma, 0, "sigma", above=True)

    def without_effect(self) -> dict[str, str]:
        """Return the options that the other options leave without effect, each with the reason."""
        told = {"sigma": "likelihood is bernoulli"} if self.likelihood == "bernoulli" else {}
        return super().without_effect() | told


class Autoencoder(Method, HasLikelihood):
    """An encoder, a decoder and p(x|z).

    Args:
        config: the method's options.
        image_shape: (C, H, W).
        heads: how many numbers the encoder gives for an image, or how many of each kind.
        layout: of the codes; ``latent_dim`` latents of the kind ``latent`` if not given.
    """

    config: AutoencoderConfig
    latent: ClassVar[Latent] = Gaussian()  # what each latent is, where all are alike

    def __init__(
        self,
        config: AutoencoderConfig,
        image_shape: nets.ImageShape,
        heads: int | tuple[int, ...],
        layout: Layout | None = None,
    ) -> None:
        super().__init__(config, image_shape, layout or Layout([self.latent] * config.latent_dim))
        self.encoder = nets.encoder(
            config.net, image_shape, *(heads if isinstance(heads, tuple) else (heads,))
        )
        self.decoder = nets.decoder(config.net, image_shape, self.latent_dim)
        if config.likelihood == "gaussian-learned":
            self.pixel_logvar = nn.Parameter(torch.tensor(2 * np.log(config.sigma)).float())

    def codes(self, images: Tensor) -> Tensor:
        """Return the code of each image, (B, D): the posterior's mean where there is one."""
        if isinstance(self, HasPosterior):
            return self.posterior(images)[0]
        return Tensor.float(self.encoder(images))

    def draw(self, images: Tensor, noise: torch.Generator) -> Tensor:
        """Return a code of each image as training draws it, (B, D); a point without posterior."""
        return self.codes(images)

    def log_likelihood(self, z: Tensor, images: Tensor) -> Tensor:
        """Return log p(x|z) of each image, shape (B,), nats."""
        pixels = self.decoder(z).float()
        if self.config.likelihood == "bernoulli":
            return bernoulli_log_likelihood(pixels, images)
        return gaussian_log_likelihood(pixels, images, self.pixel_log_variance())

    def floor(self, images: Tensor) -> Tensor | None:
        """Return the entropy of the pixels where the likelihood is Bernoulli, (B,), nats."""
        return bernoulli_entropy(images) if self.config.likelihood == "bernoulli" else None

    def pixel_log_variance(self) -> Tensor | float:
        """Return the log variance of a pixel under a Gaussian likelihood."""
        if self.config.likelihood == "gaussian-learned":
            # A perfectly reconstructed pixel would send it to minus infinity: level off at 1/1000,
            # softly, so that it can come back.
            least = 2 * float(np.log(1e-3))
            return least + F.softplus(self.pixel_logvar - least)
        return 2 * float(np.log(self.config.sigma))

    def pixel_mean(self, codes: Tensor) -> Tensor:
        """Return E[x|z] on [0, 1] for codes (B, D), shape (B, C, H, W)."""
        pixels = self.decoder(codes).float()
        if self.config.likelihood == "bernoulli":
            return torch.sigmoid(pixels)
        return Tensor.clamp(pixels, 0, 1)
