"""FactorVAE: a discriminator estimates the total correlation, which is penalised.

Kim & Mnih 2018, "Disentangling by Factorising", equation 2 and algorithm 2:

    loss = -E log p(x|z) + KL(q(z|x) || p(z)) + gamma TC(z)
    TC(z) = E log D(z) / (1 - D(z))

D(z) is the probability that z was drawn from q(z), and not from the product of its marginals: a
batch of codes, each column in an order of its own. It is trained to tell these apart:

    discriminator loss = -1/2 E log D(z) - 1/2 E log(1 - D(z permuted))

Neither loss moves the other's weights: codes are points to the discriminator's loss, and the
discriminator's weights are constants to that of the VAE. Both are of the same codes, as in
algorithm 2, so that one pass through the discriminator and back serves both. The permuted codes are
those of the same batch, where algorithm 2 has a second one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unbraid.methods import vae
from unbraid.methods._base import require
from unbraid.methods._step import Context, Phase, Rate, Terms
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


class _LogOdds(torch.autograd.Function):
    """Log odds of codes, twice: the first has a gradient by codes alone, the second by weights.

    The odds of a row depend on that row's codes alone, so that the gradient of any loss of them is
    the gradient of the odds times a number a row. What goes back through the layers is the latter,
    once for both losses.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(codes: Tensor, *weights: Tensor) -> tuple[Tensor, ...]:
        layers = [codes]  # and what each hidden layer returns
        for weight, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
            layers.append(F.leaky_relu(F.linear(layers[-1], weight, bias), SLOPE))
        odds = F.linear(layers[-1], *weights[-2:])[:, 0]
        return odds, odds.clone(), *layers[1:]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, ...]) -> None:
        ctx.save_for_backward(*inputs, *output[2:])
        ctx.hidden = len(output) - 2
        ctx.mark_non_differentiable(*output[2:])
        ctx.set_materialize_grads(False)  # would be zeros for each hidden layer

    @staticmethod
    def backward(
        ctx: Any, to_codes: Tensor | None, to_weights: Tensor | None, *_: None
    ) -> tuple[Tensor, ...]:
        codes, *saved = ctx.saved_tensors
        weights, layers = saved[: -ctx.hidden], [codes, *saved[-ctx.hidden :]]
        none = codes.new_zeros(len(codes))  # of a loss that is not derived
        each = (none if to_weights is None else to_weights)[:, None]
        with torch.autocast(codes.device.type, enabled=False):
            gradient = weights[-2].expand_as(layers[-1])  # of the odds by what a layer returns
            found = [each.sum(0), each.T @ layers[-1]]  # by weights, from the last to the first
            for layer in range(ctx.hidden, 0, -1):
                gradient = torch.ops.aten.leaky_relu_backward(gradient, layers[layer], SLOPE, True)
                own = each * gradient
                found += [own.sum(0), own.T @ layers[layer - 1]]
                gradient = gradient @ weights[2 * layer - 2]
        return (none if to_codes is None else to_codes)[:, None] * gradient, *reversed(found)


class Model(vae.Model):
    """FactorVAE."""

    config: Config
    selection = "vae"
    semantics = 2  # both losses are of the same codes
    least_batch = 2  # a code alone is its own permutation

    def __init__(self, config: Config, image_shape: nets.ImageShape) -> None:
        super().__init__(config, image_shape)
        self.discriminator = discriminator(
            config.latent_dim, config.discriminator_hidden, config.discriminator_layers
        )

    def phases(self) -> dict[str, Phase]:
        """Return the one phase, in which the discriminator has its own learning rate."""
        weights = list(self.discriminator.parameters())
        own = Rate(weights, self.config.discriminator_lr, (0.5, 0.9))
        return {"model": Phase(list(self.parameters()), rates=(own,))}

    def log_odds(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Return log D(z) / (1 - D(z)) of codes (B, D) twice, each (B,).

        The first has a gradient by the codes alone, the second by the discriminator's weights
        alone.
        """
        # a density ratio: in bfloat16 its error would be as large as what is measured
        with torch.autocast(codes.device.type, enabled=False):
            by_codes, by_weights, *_ = _LogOdds.apply(  # type: ignore[no-untyped-call]
                codes.float(), *self.discriminator.parameters()
            )
        return by_codes, by_weights

    def terms_at(self, images: Tensor, mean: Tensor, logvar: Tensor, context: Context) -> Terms:
        """Return ``reconstruction``, ``kl``, the estimated ``total_correlation``, and the losses.

        ``vae`` and ``discriminator`` are the two networks' losses, and the loss is their sum.
        """
        z = gaussian_sample(mean, logvar, context.noise)
        log_likelihood = self.log_likelihood(z, images)
        weight = self.kl_weight(context)
        found = vae.elbo_terms(log_likelihood, gaussian_kl(mean, logvar), weight)
        shuffled = permuted(z.detach(), context.noise)
        # in one pass: two would read all weights twice, and add up two gradients of each
        by_codes, by_weights = self.log_odds(torch.cat([z, shuffled]))
        correlation = by_codes[: len(z)].mean()
        own = found.pop("loss") + weight * self.config.gamma * correlation
        judging = discriminator_loss(*by_weights.chunk(2))
        return {
            "loss": own + judging,
            "vae": own,
            **found,
            "total_correlation": correlation,
            "discriminator": judging,
        }
