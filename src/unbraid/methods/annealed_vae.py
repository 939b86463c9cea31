"""Annealed VAE: the distance of the KL from a capacity that rises is penalised.

Burgess et al. 2018, "Understanding disentangling in beta-VAE", equation 8:

    loss = -E log p(x|z) + gamma |KL(q(z|x) || p(z)) - C|

with the KL summed over latents and averaged over the batch before the distance is taken, and C
rising from 0 to ``capacity`` over the first ``threshold`` steps.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from unbraid.methods import vae
from unbraid.methods._base import require
from unbraid.methods._step import Context, Terms
from unbraid.nn.distributions import gaussian_kl, gaussian_sample


@dataclass(frozen=True)
class Config(vae.Config):
    """Options of the annealed VAE.

    Args:
        gamma: weight of the distance between the KL and the capacity.
        capacity: C at the end, nats.
        threshold: steps over which it rises, evenly; published runs have 100,000 of 300,000.

    >>> Config().capacity
    25.0
    """

    gamma: float = 1000.0
    capacity: float = 25.0
    threshold: int = 1500

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.gamma, 0, "gamma")
        require(self.capacity, 0, "capacity")
        require(self.threshold, 0, "threshold")


class Model(vae.Model):
    """The annealed VAE."""

    config: Config

    def capacity_at(self, context: Context) -> float:
        """Return C at a step, nats."""
        return self.config.capacity * context.done_steps(self.config.threshold)

    def terms_at(self, images: Tensor, mean: Tensor, logvar: Tensor, context: Context) -> Terms:
        """Return ``reconstruction`` and ``kl``; the loss weighs the KL's distance from C."""
        z = gaussian_sample(mean, logvar, context.noise)
        log_likelihood = self.log_likelihood(z, images)
        found = vae.elbo_terms(log_likelihood, gaussian_kl(mean, logvar), 0.0)
        away = (found["kl"] - self.capacity_at(context)).abs()
        weight = self.config.gamma * self.kl_weight(context)
        return {**found, "loss": found["reconstruction"] + weight * away}
