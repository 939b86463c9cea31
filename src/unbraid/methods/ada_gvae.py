"""Ada-GVAE: pairs of images have some factors in common, and share the latents that hardly differ.

Locatello et al. 2020, "Weakly-Supervised Disentanglement Without Compromises", equations 4 to 6.
For a pair x1, x2 and each latent i,

    d_i = KL(q(z_i|x1) || q(z_i|x2)),   i is shared if d_i < (max_j d_j + min_j d_j) / 2

and the posteriors of a shared latent are both replaced by their average: the mean of the means and
of the variances. With these posteriors,

    loss = 1/2 sum over both of [-E log p(x|z) + beta KL(q(z|x) || p(z))]

Which factors are shared is not given. Two equal images share nothing; their loss is the beta-VAE's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unbraid.methods import vae
from unbraid.methods._pairs import PairsConfig, PairsModel
from unbraid.methods._step import Context, Terms
from unbraid.nn.distributions import gaussian_kl


@dataclass(frozen=True)
class Config(PairsConfig):
    """Options of Ada-GVAE.

    >>> Config(pairs="one").beta
    1.0
    """


def divergences(mean: Tensor, logvar: Tensor, other: Tensor, other_logvar: Tensor) -> Tensor:
    """Return KL(q_1 || q_2) of each latent of Gaussians (B, D), (B, D), nats.

    >>> import torch
    >>> zero, one = torch.zeros(1, 1), torch.ones(1, 1)
    >>> divergences(zero, zero, 2 * one, zero).item()
    2.0
    """
    ratio = logvar - other_logvar
    away = (mean - other).square() * torch.exp(-other_logvar)
    return 0.5 * (ratio.exp() + away - 1 - ratio)


def shared_latents(divergence: Tensor) -> Tensor:
    """Return which latents a pair shares, (B, D), by their divergences (B, D)."""
    low, high = divergence.aminmax(dim=1, keepdim=True)
    return divergence < (low + high) / 2


class Model(PairsModel):
    """Ada-GVAE."""

    config: Config

    def average(self, means: Tensor, logvars: Tensor) -> tuple[Tensor, Tensor]:
        """Return one posterior's mean and logvar, (B, D), for two of each, (2, B, D)."""
        return means.mean(0), logvars.exp().mean(0).log()

    def pair_terms(self, images: Tensor, mean: Tensor, logvar: Tensor, context: Context) -> Terms:
        """Return ``reconstruction``, ``kl`` and how many latents are ``shared`` on average."""
        means, logvars = mean.view(2, -1, mean.shape[1]), logvar.view(2, -1, mean.shape[1])
        with torch.no_grad():
            shared = shared_latents(divergences(means[0], logvars[0], means[1], logvars[1]))
        middle, width = self.average(means, logvars)
        mean = torch.where(shared, middle, means).flatten(0, 1)
        logvar = torch.where(shared, width, logvars).flatten(0, 1)
        log_likelihood = self.reconstructed(images, mean, logvar, context.noise)
        weight = self.config.beta * self.kl_weight(context)
        found = vae.elbo_terms(log_likelihood, gaussian_kl(mean, logvar), weight)
        return {**found, "shared": shared.float().sum(1).mean()}
