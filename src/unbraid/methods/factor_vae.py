"""FactorVAE: a discriminator estimates the total correlation, which is penalised.

Kim & Mnih 2018, "Disentangling by Factorising", equation 2 and algorithm 2:

    loss = -E log p(x|z) + KL(q(z|x) || p(z)) + gamma TC(z)
    TC(z) = E log D(z) / (1 - D(z))

D(z) is the probability that z was drawn from q(z), and not from the product of its marginals: a
batch of codes, each column in an order of its own. It is trained in turn to tell these apart:

    discriminator loss = -1/2 E log D(z) - 1/2 E log(1 - D(z permuted))

Neither step moves the other's weights: codes are points to the discriminator's step, and the
discriminator's weights are constants to that of the VAE.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unbraid.methods import vae
from unbraid.methods._base import require
from unbraid.methods._step import Batch, Context, Phase, Terms
from unbraid.nn import nets
from unbraid.nn.distributions import gaussian_kl, gaussian_sample

SLOPE = 0.2  # of leaky ReLU


@dataclass(frozen=True)
class Config(vae.Config):
    """Options of FactorVAE.

    Args:
        gamma: weight of the total correlation.
        discriminator_lr: learning rate of the discriminator, as a share of the training's; the
            paper has 1e-4 for both.
        discriminator_hidden: units of each of its hidden layers.
        discriminator_layers: hidden layers.

    >>> Config(gamma=10.0).discriminator_layers
    6
    """

    gamma: float = 35.0
    discriminator_lr: float = 0.1
    discriminator_hidden: int = 1000
    discriminator_layers: int = 6

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.gamma, 0, "gamma")
        require(self.discriminator_lr, 0, "discriminator_lr", above=True)
        require(self.discriminator_hidden, 1, "discriminator_hidden")
        require(self.discriminator_layers, 1, "discriminator_layers")


def permuted(codes: Tensor, noise: torch.Generator) -> Tensor:
    """Return codes (B, D) with each column in a random order of its own.

    >>> codes = torch.arange(6.0).view(3, 2)
    >>> permuted(codes, torch.Generator().manual_seed(0)).sort(0).values.equal(codes)
    True
    """
    order = torch.rand(codes.shape, generator=noise, device=codes.device).argsort(0)
    return codes.gather(0, order)


def discriminator(inputs: int, hidden: int, layers: int) -> nn.Sequential:
    """Build D: codes (B, D) to the log odds of q(z) against the product of marginals, (B, 1)."""
    parts: list[nn.Module] = []
    for _ in range(layers):
        parts += [nn.Linear(inputs, hidden), nn.LeakyReLU(SLOPE)]
        inputs = hidden
    return nn.Sequential(*parts, nn.Linear(inputs, 1))


def discriminator_loss(drawn: Tensor, shuffled: Tensor) -> Tensor:
    """Return the loss of log odds of codes and of permuted codes, each (B,), nats.

    It is log 2 for one that cannot tell.
    """
    return 0.5 * (F.softplus(-drawn).mean() + F.softplus(shuffled).mean())


class Model(vae.Model):
    """FactorVAE."""

    config: Config
    selection = "vae.loss"
    least_batch = 2  # a code alone is its own permutation

    def __init__(self, config: Config, image_shape: nets.ImageShape) -> None:
        super().__init__(config, image_shape)
        self.discriminator = discriminator(
            config.latent_dim, config.discriminator_hidden, config.discriminator_layers
        )

    def phases(self) -> dict[str, Phase]:
        """Return the VAE's and the discriminator's."""
        judges = list(self.discriminator.parameters())
        known = {id(parameter) for parameter in judges}
        own = [parameter for parameter in self.parameters() if id(parameter) not in known]
        lr = self.config.discriminator_lr
        return {"vae": Phase(own), "discriminator": Phase(judges, lr, (0.5, 0.9))}

    def log_odds(self, codes: Tensor, *, learning: bool = False) -> Tensor:
        """Return log D(z) / (1 - D(z)) of codes (B, D), (B,); constant weights unless learning."""
        weights: dict[str, Tensor] = dict(self.discriminator.named_parameters())
        if not learning:
            weights = {name: weight.detach() for name, weight in weights.items()}
        # a density ratio: in bfloat16 its error would be as large as what is measured
        with torch.autocast(codes.device.type, enabled=False):
            found: Tensor = torch.func.functional_call(
                self.discriminator, weights, (codes.float(),)
            )
        return found[:, 0]

    def terms(self, batch: Batch, context: Context) -> Terms:
        """Return the terms of the VAE's step, or of the discriminator's."""
        if context.phase != "discriminator":
            return super().terms(batch, context)
        with torch.no_grad():
            codes = self.draw(batch.images, context.noise)
            shuffled = permuted(codes, context.noise)
        # in one pass: two would read all weights twice, and add up two gradients of each
        found = self.log_odds(torch.cat([codes, shuffled]), learning=True)
        loss = discriminator_loss(*found.chunk(2))
        return {"loss": loss, "discriminator": loss}

    def terms_at(self, images: Tensor, mean: Tensor, logvar: Tensor, context: Context) -> Terms:
        """Return ``reconstruction``, ``kl`` and the estimated ``total_correlation``."""
        z = gaussian_sample(mean, logvar, context.noise)
        log_likelihood = self.log_likelihood(z, images)
        weight = self.kl_weight(context)
        found = vae.elbo_terms(log_likelihood, gaussian_kl(mean, logvar), weight)
        correlation = self.log_odds(z).mean()
        loss = found["loss"] + weight * self.config.gamma * correlation
        return {**found, "loss": loss, "total_correlation": correlation}
