"""WAE-MMD: a deterministic autoencoder whose distribution of codes is matched to the prior.

Tolstikhin et al. 2018, "Wasserstein Auto-Encoders", algorithm 2:

    loss = -log p(x|z) at z = encoder(x), + scale MMD(q(z), p(z))

It is the deterministic case of InfoVAE at alpha = 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from unbraid.core.latents import Gaussian, Latent
from unbraid.methods import ae
from unbraid.methods._base import require
from unbraid.methods._discrepancy import Kernel, mmd
from unbraid.methods._step import Batch, Context, Terms


@dataclass(frozen=True)
class Config(ae.Config):
    """Options of WAE-MMD.

    Args:
        scale: weight of the discrepancy, lambda of the paper, nats.
        kernel: ``imq``, inverse multiquadrics of seven widths, or ``rbf``.

    >>> Config().kernel
    'imq'
    """

    scale: float = 100.0
    kernel: Kernel = "imq"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.scale, 0, "scale")


class Model(ae.Model):
    """WAE-MMD."""

    config: Config
    latent: ClassVar[Latent] = Gaussian()  # the penalty holds all codes together to N(0, I)
    least_batch = 2

    def terms(self, batch: Batch, context: Context) -> Terms:
        """Return ``reconstruction`` = -log p(x|z) and the unweighted ``discrepancy``."""
        z = self.codes(batch.images)
        reconstruction = -self.log_likelihood(z, batch.images).mean()
        prior = torch.randn(z.shape, generator=context.noise, device=z.device)
        discrepancy = mmd(z, prior, self.config.kernel)
        loss = reconstruction + self.config.scale * discrepancy
        return {"loss": loss, "reconstruction": reconstruction, "discrepancy": discrepancy}
