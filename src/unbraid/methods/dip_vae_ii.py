"""DIP-VAE-II: as DIP-VAE-I, with the covariance of codes drawn from q(z|x).

Kumar et al. 2018, "Variational Inference of Disentangled Latent Concepts from Unlabeled
Observations", equation 7: the loss of DIP-VAE-I with

    C = Cov[mean(x)] + E diag(variance(x))

the covariance of the aggregate posterior q(z), estimated from the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unbraid.methods import dip_vae_i


@dataclass(frozen=True)
class Config(dip_vae_i.Config):
    """Options of DIP-VAE-II.

    >>> Config().diagonal
    10.0
    """

    diagonal: float = 10.0


class Model(dip_vae_i.Model):
    """DIP-VAE-II."""

    config: Config

    def covariances(self, mean: Tensor, logvar: Tensor) -> Tensor:
        """Return the covariance of z ~ q(z|x) over images and draws, (D, D)."""
        return dip_vae_i.covariance(mean) + torch.diag(logvar.exp().mean(0))
