"""DIP-VAE-I: correlations of posterior means and variances other than 1 are penalised.

Kumar et al. 2018, "Variational Inference of Disentangled Latent Concepts from Unlabeled
Observations", equation 6:

    loss = -E log p(x|z) + KL(q(z|x) || p(z))
           + off_diagonal sum_{i!=j} C_ij^2 + diagonal sum_i (C_ii - 1)^2

with C = Cov[mean(x)], estimated from the batch; the sum counts both triangles.
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
    """Options of DIP-VAE-I.

    Args:
        off_diagonal: weight of the squared covariances between latents, nats.
        diagonal: weight of the squared distance of variances from 1, nats.

    >>> Config(off_diagonal=5.0).diagonal
    100.0
    """

    off_diagonal: float = 10.0
    diagonal: float = 100.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.off_diagonal, 0, "off_diagonal")
        require(self.diagonal, 0, "diagonal")


def covariance(means: Tensor) -> Tensor:
    """Return the covariance of rows (B, D), (D, D), divided by B as in the paper.

    >>> import torch
    >>> covariance(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]))
    tensor([[1., 0.],
            [0., 0.]])
    """
    away = means - means.mean(0)
    # written out: autocast would round the product
    return (away[:, :, None] * away[:, None, :]).mean(0)


def penalties(covariances: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sums of squares of a matrix (D, D) off its diagonal, and of it less 1 on it."""
    diagonal = covariances.diagonal()
    off = covariances.square().sum() - diagonal.square().sum()
    return off, (diagonal - 1).square().sum()


class Model(vae.Model):
    """DIP-VAE-I."""

    config: Config
    least_batch = 2  # of one, all covariances are 0

    def covariances(self, mean: Tensor, logvar: Tensor) -> Tensor:
        """Return the matrix whose distance from the identity is penalised, (D, D)."""
        return covariance(mean)

    def terms_at(self, images: Tensor, mean: Tensor, logvar: Tensor, context: Context) -> Terms:
        """Return ``reconstruction``, ``kl`` and both unweighted penalties."""
        z = gaussian_sample(mean, logvar, context.noise)
        log_likelihood = self.log_likelihood(z, images)
        found = vae.elbo_terms(log_likelihood, gaussian_kl(mean, logvar), self.kl_weight(context))
        off, on = penalties(self.covariances(mean, logvar))
        weighed = self.config.off_diagonal * off + self.config.diagonal * on
        loss = found["loss"] + self.kl_weight(context) * weighed
        return {**found, "loss": loss, "off_diagonal": off, "diagonal": on}
