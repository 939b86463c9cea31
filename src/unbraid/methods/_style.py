"""The style of images: its prior, given what they show, and what it shares with their factors."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unbraid.nn.distributions import LOG_2PI
from unbraid.nn.nets import linear

REJECT_PROBABILITY = 0.02  # of another class, above which a style is rejected and drawn again
TRIES = 5  # redraws at most


def sample_with_rejection(
    base: Tensor,
    sample: Callable[[Tensor, Tensor], Tensor],
    rejected: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """Return styles (N, D) of standard normal numbers, with rejected styles drawn again.

    Redraws are computed from the same numbers, so the result is a deterministic function of them.

    Args:
        base: the numbers, (N, K).
        sample: returns the styles (M, D) of rows (M,) and their numbers (M, K).
        rejected: returns which styles (M, D) of rows (M,) are rejected, (M,).
    """
    left = torch.arange(len(base), device=base.device)
    style = sample(left, base)
    for attempt in range(TRIES):
        left = left[rejected(left, style[left])]
        if not len(left):
            break
        other = -base[left] if attempt == 0 else base[left].roll(attempt, 1)
        style = style.index_copy(0, left, sample(left, other))
    return style


class StylePrior(nn.Module):
    """p(z|c), a mixture of Gaussians whose parameters are sums over the categorical factors.

    Args:
        categories: columns of the categorical factors.
        components: of the mixture.
        style_dim: number of style latents.
    """

    def __init__(self, categories: int, components: int, style_dim: int) -> None:
        super().__init__()
        self.shape = components, 2 * style_dim + 1
        self.net = linear(categories, components * self.shape[1])
        with torch.no_grad():
            self.net.weight.normal_(0, 0.3)
            self.net.bias.normal_(0, 0.3)

    def forward(self, categories: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return log weights (B, K), means and log deviations, each (B, K, style_dim)."""
        # written out: autocast would round the product
        found = (categories.float()[:, :, None] * self.net.weight.T).sum(1) + self.net.bias
        found = found.view(-1, *self.shape)
        mean, deviation = found[..., 1:].chunk(2, 2)
        return torch.log_softmax(found[..., 0], 1), mean, 3 * torch.tanh(deviation / 3)

    def each_log_prob(self, z: Tensor, categories: Tensor) -> Tensor:
        """Return log of weight times density of each component at z, (B, K), nats."""
        weight, mean, deviation = self(categories)
        away = (z[:, None] - mean) * torch.exp(-deviation)
        found: Tensor = weight - (0.5 * away.square() + deviation + LOG_2PI / 2).sum(2)
        return found

    def log_prob(self, z: Tensor, categories: Tensor) -> Tensor:
        """Return log p(z|c), (B,), nats."""
        return torch.logsumexp(self.each_log_prob(z, categories), 1)

    def sample(self, base: Tensor, categories: Tensor) -> Tensor:
        """Return a sample of p(z|c), (B, S), from standard normal numbers (B, 1 + S)."""
        weight, mean, deviation = self(categories)
        share = torch.special.ndtr(base[:, :1])
        which = (weight.exp().cumsum(1) < share).sum(1).clamp_max(self.shape[0] - 1)
        return _chosen(mean, which) + _chosen(deviation, which).exp() * base[:, 1:]

    def transfer(self, z: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """Return style z of one class transferred to another: the same component and z-score."""
        which = self.each_log_prob(z, before).argmax(1)
        _, mean, deviation = self(before)
        score = (z - _chosen(mean, which)) * torch.exp(-_chosen(deviation, which))
        _, mean, deviation = self(after)
        return _chosen(mean, which) + torch.exp(_chosen(deviation, which)) * score


def _chosen(values: Tensor, which: Tensor) -> Tensor:
    """Return the values (B, S) of one component a row, out of (B, K, S); for any B once traced."""
    places = which[:, None, None].expand(-1, 1, values.shape[2])
    return values.gather(1, places)[:, 0]


def gaussian_information(style: Tensor, factors: Tensor) -> Tensor:
    """Return -1/2 sum of log(1 - rho^2) over pairs of columns of (B, S) and (B, R), nats.

    >>> column = torch.linspace(-1, 1, 9)[:, None]
    >>> abs(float(gaussian_information(column.abs(), column)))
    0.0
    """
    if not factors.shape[1]:
        return style.new_zeros(())
    one, other = (F.normalize(part - part.mean(0), dim=0) for part in (style, factors))
    rho = (one[:, :, None] * other[:, None, :]).sum(0)  # autocast would round a product
    return -0.5 * torch.log1p(-rho.square().clamp_max(0.999)).sum()
