"""InfoVAE: part of the KL is replaced by the discrepancy between aggregate posterior and prior.

Zhao et al. 2019, "InfoVAE: Balancing Learning and Inference in Variational Autoencoders",
equation 6, as a loss with the maximum mean discrepancy (section 3.3.3):

    loss = -E log p(x|z) + (1 - alpha) KL(q(z|x) || p(z)) + (alpha + lambda - 1) MMD(q(z), p(z))

At alpha = 1 codes may keep all they say of the image: the MMD-VAE.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unbraid.core.errors import UnbraidError
from unbraid.methods import vae
from unbraid.methods._base import require
from unbraid.methods._discrepancy import Kernel, mmd
from unbraid.methods._step import Context, Terms
from unbraid.nn.distributions import gaussian_kl, gaussian_sample


@dataclass(frozen=True)
class Config(vae.Config):
    """Options of InfoVAE.

    Args:
        alpha: share of the KL that is left out, 0 to 1.
        scale: lambda of the paper: alpha + scale - 1 weighs the discrepancy, which is at most 2
            for ``rbf`` and 14 for ``imq``, where a reconstruction is hundreds of nats.
        kernel: ``imq``, inverse multiquadrics of seven widths, or ``rbf``.

    >>> Config(alpha=1.0).scale
    100.0
    """

    alpha: float = 0.0
    scale: float = 100.0
    kernel: Kernel = "imq"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.scale, 0, "scale")
        require(self.alpha, 0, "alpha")
        if self.alpha > 1:
            raise UnbraidError(f"alpha is {self.alpha:g}, expected 0 to 1.")
        if self.alpha + self.scale < 1:
            raise UnbraidError(
                f"alpha is {self.alpha:g} and scale {self.scale:g}: their sum is less than 1, "
                "which would reward codes that differ from the prior; choose a larger scale."
            )


class Model(vae.Model):
    """InfoVAE."""

    config: Config
    least_batch = 2

    def terms_at(self, images: Tensor, mean: Tensor, logvar: Tensor, context: Context) -> Terms:
        """Return ``reconstruction``, ``kl`` and the unweighted ``discrepancy`` of codes drawn."""
        config = self.config
        z = gaussian_sample(mean, logvar, context.noise)
        log_likelihood = self.log_likelihood(z, images)
        weight = self.kl_weight(context)
        kl = gaussian_kl(mean, logvar)
        found = vae.elbo_terms(log_likelihood, kl, weight * (1 - config.alpha))
        prior = torch.randn(z.shape, generator=context.noise, device=z.device)
        discrepancy = mmd(z, prior, config.kernel)
        loss = found["loss"] + weight * (config.alpha + config.scale - 1) * discrepancy
        return {**found, "loss": loss, "discrepancy": discrepancy}
