"""Ada-ML-VAE: as Ada-GVAE, but posteriors of a shared latent are multiplied, not averaged.

Locatello et al. 2020, "Weakly-Supervised Disentanglement Without Compromises", section 3.2, with
the product of Gaussians of Bouchacourt et al. 2018, "Multi-Level Variational Autoencoder":

    1 / v = 1 / v1 + 1 / v2,   mean = v (mean1 / v1 + mean2 / v2)

and with these posteriors the same

    loss = 1/2 sum over both of [-E log p(x|z) + beta KL(q(z|x) || p(z))]

The public code of the former doubles this variance, which makes it the harmonic mean of the two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from unbraid.methods import ada_gvae


@dataclass(frozen=True)
class Config(ada_gvae.Config):
    """Options of Ada-ML-VAE.

    Args:
        variance: of a shared latent: ``product``, as in the papers, or ``harmonic``, twice that,
            as in the public code.

    >>> Config().variance
    'product'
    """

    variance: Literal["product", "harmonic"] = "product"


class Model(ada_gvae.Model):
    """Ada-ML-VAE."""

    config: Config

    def average(self, means: Tensor, logvars: Tensor) -> tuple[Tensor, Tensor]:
        """Return the product's mean and logvar, (B, D), of two posteriors, (2, B, D) each."""
        logvar = -torch.logsumexp(-logvars, 0)
        mean = (means * torch.exp(logvar - logvars)).sum(0)
        return mean, logvar + (math.log(2) if self.config.variance == "harmonic" else 0.0)
