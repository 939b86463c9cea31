"""beta-TCVAE: a VAE with the total correlation weighted, one of three terms of the KL.

Chen et al. 2018, "Isolating Sources of Disentanglement in Variational Autoencoders", equation 4:

    loss = -E log p(x|z) + alpha I(z; n) + beta TC(z) + gamma sum_j KL(q(z_j) || p(z_j))

with I the index-code mutual information and TC the total correlation, each estimated from the
batch (``unbraid.nn.decomposition``). At alpha = beta = gamma = 1 it is the VAE, its KL sampled.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from unbraid.methods import vae
from unbraid.methods._base import require
from unbraid.methods._step import Context, Terms
from unbraid.nn.decomposition import Estimator, log_importance_weights, minibatch_decomposition
from unbraid.nn.distributions import gaussian_kl, gaussian_sample


@dataclass(frozen=True)
class Config(vae.Config):
    """Options of beta-TCVAE.

    Args:
        beta: weight of the total correlation.
        alpha: weight of the index-code mutual information.
        gamma: weight of the dimension-wise KL.
        estimator: of log q(z): ``mss`` (unbiased for q(z)) or ``mws`` (off by constants).

    >>> Config(beta=6.0).estimator
    'mss'
    """

    beta: float = 6.0
    alpha: float = 1.0
    gamma: float = 1.0
    estimator: Estimator = "mss"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("alpha", "beta", "gamma"):
            require(getattr(self, name), 0, name)


def beta_tcvae_terms(
    log_likelihood: Tensor, decomposition: Terms, weights: tuple[float, float, float]
) -> Terms:
    """Return the terms of equation 4, nats per image.

    Args:
        log_likelihood: log p(x|z), (B,).
        decomposition: from ``minibatch_decomposition``.
        weights: alpha, beta and gamma.
    """
    alpha, beta, gamma = weights
    reconstruction = -log_likelihood.mean()
    loss = (
        reconstruction
        + alpha * decomposition["index_code_mi"]
        + beta * decomposition["total_correlation"]
        + gamma * decomposition["dimwise_kl"]
    )
    return {"loss": loss, "reconstruction": reconstruction, **decomposition}


class Model(vae.Model):
    """beta-TCVAE."""

    config: Config
    least_batch = 2  # of one, log q(z) is that of its own posterior

    def terms_at(self, images: Tensor, mean: Tensor, logvar: Tensor, context: Context) -> Terms:
        """Return ``reconstruction``, the three terms of the KL as estimated, and ``kl`` itself."""
        z = gaussian_sample(mean, logvar, context.noise)
        log_likelihood = self.log_likelihood(z, images)  # log p(n|z), (B,)
        log_weights = log_importance_weights(
            len(images), context.total, self.config.estimator, z.device
        )
        decomposition = minibatch_decomposition(z, mean, logvar, log_weights)
        weight = self.kl_weight(context)
        config = self.config
        weights = (weight * config.alpha, weight * config.beta, weight * config.gamma)
        kl = gaussian_kl(mean, logvar).sum(1).mean().detach()
        return {**beta_tcvae_terms(log_likelihood, decomposition, weights), "kl": kl}
