"""Variational autoencoder: trained with the evidence lower bound, and sampled from its prior.

Kingma & Welling 2014, "Auto-Encoding Variational Bayes", equation 10: the evidence lower bound
with q(z|x) = N(mean(x), diag exp(logvar(x))) and p(z) = N(0, I),

    loss = -E_q log p(x|z) + KL(q(z|x) || p(z))
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unbraid.methods._autoencoder import Autoencoder, AutoencoderConfig
from unbraid.methods._base import require
from unbraid.methods._capabilities import HasPosterior
from unbraid.methods._step import Batch, Context, Terms
from unbraid.nn import nets
from unbraid.nn.distributions import gaussian_kl, gaussian_sample


@dataclass(frozen=True)
class Config(AutoencoderConfig):
    """Options of the variational autoencoder.

    Args:
        warmup: epochs over which the weight of the latent terms goes to its full value.
        warmup_start: what it starts from, as a multiple of that; from 0 it rises by the same step
            each epoch, from above 1 it falls by the same factor.

    >>> from unbraid.methods import build
    >>> mean, logvar = build(Config(latent_dim=2), (1, 28, 28)).posterior(torch.zeros(5, 1, 28, 28))
    >>> mean.shape
    torch.Size([5, 2])
    """

    warmup: float = 0.0
    warmup_start: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.warmup, 0, "warmup")
        require(self.warmup_start, 0, "warmup_start")

    def without_effect(self) -> dict[str, str]:
        """Return the options that the other options leave without effect, each with the reason."""
        told = {} if self.warmup else {"warmup_start": "warmup is 0 epochs"}
        return super().without_effect() | told


def elbo_terms(log_likelihood: Tensor, kl: Tensor, weight: float) -> Terms:
    """Return the terms of a weighted evidence lower bound, nats per image.

    Args:
        log_likelihood: log p(x|z), (B,).
        kl: KL(q(z_j|x) || p(z_j)) of each latent, (B, D).
        weight: of the KL term; 1 gives the bound itself.
    """
    reconstruction = -log_likelihood.mean()
    total = kl.sum(1).mean()
    return {"loss": reconstruction + weight * total, "reconstruction": reconstruction, "kl": total}


class Model(Autoencoder, HasPosterior):
    """The variational autoencoder."""

    config: Config

    def __init__(self, config: Config, image_shape: nets.ImageShape) -> None:
        super().__init__(config, image_shape, (config.latent_dim, config.latent_dim))

    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and logvar of q(z|x), each (B, D)."""
        mean, logvar = self.encoder(images).float().chunk(2, 1)
        # exp of more overflows; a posterior this wide or narrow is far outside any use
        return mean, logvar.clamp(-30, 20)

    def draw(self, images: Tensor, noise: torch.Generator) -> Tensor:
        """Draw z ~ q(z|x) for each image, (B, D)."""
        return gaussian_sample(*self.posterior(images), noise)

    def kl(self, images: Tensor) -> Tensor:
        """Return KL(q(z_j|x) || p(z_j)), (B, D), nats."""
        return gaussian_kl(*self.posterior(images))

    def kl_weight(self, context: Context) -> float:
        """Return the weight of the latent terms: from the start's to 1 over the warm-up, then 1."""
        done = context.done(self.config.warmup)
        if not self.config.warmup_start:
            return done
        weight: float = self.config.warmup_start ** (1 - done)
        return weight

    def terms(self, batch: Batch, context: Context) -> Terms:
        """Return ``reconstruction`` and the unweighted ``kl``; the loss sums them, weighted."""
        images = batch.images
        return self.terms_at(images, *self.posterior(images), context)  # q(z|x), (B, D)

    def terms_at(self, images: Tensor, mean: Tensor, logvar: Tensor, context: Context) -> Terms:
        """Return the terms given the images' posteriors, each (B, D)."""
        z = gaussian_sample(mean, logvar, context.noise)
        log_likelihood = self.log_likelihood(z, images)  # log p(x|z), (B,)
        return elbo_terms(log_likelihood, gaussian_kl(mean, logvar), self.kl_weight(context))
