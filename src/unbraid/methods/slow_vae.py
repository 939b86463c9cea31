"""SlowVAE: between the images of a pair, few latents change much and most hardly change.

Klindt et al. 2021, "Towards Nonlinear Disentanglement in Natural Data with Temporal Sparse Coding":
the bound of the likelihood of two successive images, the first of which has the prior N(0, I) and
the second a Laplace distribution of rate ``rate`` about the mean of the first. Per image, and
averaged over both directions of time,

    loss = -E log p(x|z) + beta/2 KL(q(z|x) || N(0, I)) + gamma/2 KL(q(z|x) || Laplace(mean', rate))

averaged over both images; mean' is the other image's. Each KL counts half, as only one of two
images has it in either direction. The public code counts the cross-entropy with the Laplace
distribution twice, and not the entropy: ``as_published``, which is, with H the posterior's entropy,

    loss = -E log p(x|z) + beta/2 KL(q(z|x) || N(0, I))
           + gamma (-E log Laplace(z; mean', rate) - H/2)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from unbraid.methods import vae
from unbraid.methods._base import require
from unbraid.methods._pairs import PairsConfig, PairsModel
from unbraid.methods._step import Context, Terms
from unbraid.nn.distributions import LOG_2PI, gaussian_kl


@dataclass(frozen=True)
class Config(PairsConfig):
    """Options of SlowVAE.

    Args:
        gamma: weight of the KL to the Laplace distributions.
        rate: of them: the mean distance that latents move is 1 / rate.
        as_published: weigh the terms as the public code does: the cross-entropy counts twice.

    >>> Config().rate
    6.0
    """

    gamma: float = 10.0
    rate: float = 6.0
    as_published: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.gamma, 0, "gamma")
        require(self.rate, 0, "rate", above=True)


def laplace_cross_entropy(away: Tensor, logvar: Tensor, rate: float) -> Tensor:
    """Return -E log Laplace(z; 0, rate) for z ~ N(away, exp logvar), elementwise, nats.

    >>> import torch
    >>> narrow = torch.tensor([-60.0])
    >>> laplace_cross_entropy(torch.tensor([3.0]), narrow, 2.0).item()  # here rate |away|
    6.0
    """
    std = torch.exp(0.5 * logvar)
    spread = std * math.sqrt(2 / math.pi) * torch.exp(-0.5 * (away / std).square())
    expected = spread + away * torch.erf(away / (std * math.sqrt(2)))  # E |z|
    return rate * expected - math.log(rate / 2)


class Model(PairsModel):
    """SlowVAE."""

    config: Config
    semantics = 2  # each KL counts half

    def pair_terms(self, images: Tensor, mean: Tensor, logvar: Tensor, context: Context) -> Terms:
        """Return ``reconstruction``, ``kl`` and ``slowness``, the KL to the other's Laplace.

        As published, the latter is the cross-entropy less half of the posterior's entropy.
        """
        config, weight = self.config, self.kl_weight(context)
        log_likelihood = self.reconstructed(images, mean, logvar, context.noise)
        kl = gaussian_kl(mean, logvar)
        found = vae.elbo_terms(log_likelihood, kl, weight * config.beta / 2)
        other = mean.roll(len(mean) // 2, 0)
        cross = laplace_cross_entropy(mean - other, logvar, config.rate).sum(1).mean()
        entropy = 0.5 * (logvar + LOG_2PI + 1).sum(1).mean()
        if config.as_published:
            slowness, share = cross - entropy / 2, 1.0
        else:
            slowness, share = cross - entropy, 0.5
        loss = found["loss"] + weight * config.gamma * share * slowness
        return {**found, "loss": loss, "slowness": slowness}
