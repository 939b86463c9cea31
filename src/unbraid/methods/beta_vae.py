"""beta-VAE: a VAE with the KL weighted, which trades reconstruction for independent latents.

Higgins et al. 2017, "beta-VAE: Learning Basic Visual Concepts with a Constrained Variational
Framework", equation 4:

    loss = -E_q log p(x|z) + beta KL(q(z|x) || p(z))

Both terms are sums in nats per image, as in the paper; where a paper gives the normalised
beta_norm, beta = beta_norm * pixels / latent_dim.
"""

from __future__ import annotations

from dataclasses import dataclass

from unbraid.methods import vae
from unbraid.methods._base import require
from unbraid.methods._step import Context


@dataclass(frozen=True)
class Config(vae.Config):
    """Options of beta-VAE.

    Args:
        beta: weight of the KL term; 1 is the VAE.

    >>> Config(beta=8.0).beta
    8.0
    """

    beta: float = 4.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.beta, 0, "beta")


class Model(vae.Model):
    """beta-VAE."""

    config: Config

    def kl_weight(self, context: Context) -> float:
        """Return beta, reached over the warm-up."""
        return self.config.beta * super().kl_weight(context)
