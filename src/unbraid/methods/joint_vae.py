"""JointVAE: a VAE with continuous and categorical latents, each with its own KL capacity.

Dupont 2018, "Learning Disentangled Joint Continuous and Discrete Representations", equation 7:

    loss = -E log p(x|z,c) + gamma |KL(q(z|x) || p(z)) - C_z| + gamma |KL(q(c|x) || p(c)) - C_c|

with C_z and C_c rising from 0 over the first epochs, c drawn by Gumbel-softmax and p(c) uniform.
Reconstruction and KL are sums over all pixels and channels, in nats per image; the KL of c is that
of the categorical itself, so with relaxed samples the loss is no bound on the likelihood.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from unbraid.core.latents import Categorical, Gaussian, Layout
from unbraid.methods._autoencoder import Autoencoder, AutoencoderConfig
from unbraid.methods._base import Images, require, require_count
from unbraid.methods._capabilities import HasPosterior
from unbraid.methods._invariance import clarity, shared_information, warp
from unbraid.methods._step import Batch, Context, Terms
from unbraid.nn import nets
from unbraid.nn.distributions import (
    categorical_kl,
    gaussian_kl,
    gaussian_sample,
    gumbel_softmax_sample,
)


@dataclass(frozen=True)
class Config(AutoencoderConfig):
    """Options of JointVAE; the defaults are its paper's for MNIST.

    Args:
        categories: number of values of the categorical code.
        gamma: weight of the distances between KL and capacity.
        capacity: of the continuous code, nats, once risen.
        discrete_capacity: of the categorical code, nats; log(categories) is all it can use.
        capacity_epochs: epochs over which the continuous code's capacity rises.
        discrete_epochs: epochs over which the categorical code's capacity rises to what it can
            use; that of the paper rises by 5 nats in 25 epochs, so to log 10 in 11.5.
        temperature: of the Gumbel-softmax.
        invariance: weight of the information, nats, that the categories of an image and of its
            warped copy share; 0, as published, leaves it out.

    >>> Config(categories=12).temperature
    0.67
    """

    categories: int = 10
    gamma: float = 30.0
    capacity: float = 5.0
    discrete_capacity: float = 5.0
    capacity_epochs: float = 25.0
    discrete_epochs: float = 11.5
    temperature: float = 0.67
    invariance: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count(self.categories, 2, "categories")
        require(self.temperature, 0, "temperature", above=True)
        for name in ("gamma", "capacity", "discrete_capacity", "invariance"):
            require(getattr(self, name), 0, name)
        for name in ("capacity_epochs", "discrete_epochs"):
            require(getattr(self, name), 0, name)


def joint_terms(
    log_likelihood: Tensor,
    kl: tuple[Tensor, Tensor],
    capacity: tuple[float, float],
    gamma: float,
) -> Terms:
    """Return the terms of equation 7, nats per image.

    Args:
        log_likelihood: log p(x|z,c), (B,).
        kl: of the continuous and of the categorical code, each (B,).
        capacity: C_z and C_c.
        gamma: weight of the distances.
    """
    reconstruction = -log_likelihood.mean()
    continuous, discrete = kl[0].mean(), kl[1].mean()
    away = (continuous - capacity[0]).abs() + (discrete - capacity[1]).abs()
    return {
        "loss": reconstruction + gamma * away,
        "reconstruction": reconstruction,
        "kl": continuous,
        "discrete_kl": discrete,
    }


class Model(Autoencoder, HasPosterior):
    """JointVAE; a code is the category's probabilities, then the continuous latents."""

    config: Config
    selection = "restart_score"

    def __init__(self, config: Config, image_shape: nets.ImageShape) -> None:
        numbers = [Gaussian()] * config.latent_dim
        layout = Layout([Categorical(config.categories), *numbers])
        heads = (config.categories, config.latent_dim, config.latent_dim)
        super().__init__(config, image_shape, heads, layout)

    def parameters_of(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the category's logits (B, K), and mean and logvar of q(z|x), each (B, C)."""
        config = self.config
        sizes = [config.categories, config.latent_dim, config.latent_dim]
        logits, mean, logvar = torch.split(self.encoder(images).float(), sizes, dim=1)
        return logits, mean, logvar.clamp(-30, 20)

    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and logvar of the continuous latents, each (B, C)."""
        _, mean, logvar = self.parameters_of(images)
        return mean, logvar

    def codes(self, images: Tensor) -> Tensor:
        """Return the category's probabilities and the continuous means, (B, K + C)."""
        logits, mean, _ = self.parameters_of(images)
        return torch.cat([torch.softmax(logits, 1), mean], 1)

    def draw(self, images: Tensor, noise: torch.Generator) -> Tensor:
        """Draw a category, one-hot, and z ~ q(z|x) for each image, (B, K + C)."""
        logits, mean, logvar = self.parameters_of(images)
        category = gumbel_softmax_sample(logits, 1.0, noise).argmax(1)
        one_hot = torch.nn.functional.one_hot(category, self.config.categories)
        return torch.cat([one_hot, gaussian_sample(mean, logvar, noise)], 1)

    def kl(self, images: Tensor) -> Tensor:
        """Return the KL of the categorical latent, then of each continuous one, (B, 1 + C)."""
        logits, mean, logvar = self.parameters_of(images)
        return torch.cat([categorical_kl(logits)[:, None], gaussian_kl(mean, logvar)], 1)

    def restart_score(self, images: Images) -> float:
        """Return the information, nats, that categories of images and of warped ones share."""
        return clarity(self, images)

    def terms(self, batch: Batch, context: Context) -> Terms:
        """Return ``reconstruction``, ``kl`` of the continuous code and ``discrete_kl``."""
        config, images = self.config, batch.images
        logits, mean, logvar = self.parameters_of(images)  # q(c|x), q(z|x)
        category = gumbel_softmax_sample(logits, config.temperature, context.noise)
        codes = torch.cat([category, gaussian_sample(mean, logvar, context.noise)], 1)
        most = min(config.discrete_capacity, math.log(config.categories))
        risen, discrete = (
            context.done(epochs) for epochs in (config.capacity_epochs, config.discrete_epochs)
        )
        terms = joint_terms(
            self.log_likelihood(codes, images),  # log p(x|z,c), (B,)
            (gaussian_kl(mean, logvar).sum(1), categorical_kl(logits)),
            (risen * config.capacity, discrete * most),
            config.gamma,
        )
        if config.invariance:
            warped = self.parameters_of(warp(images, context.noise))[0]
            shared = shared_information(torch.softmax(logits, 1), torch.softmax(warped, 1))
            terms["loss"] = terms["loss"] - config.invariance * shared
            terms["invariance"] = shared
        return terms
