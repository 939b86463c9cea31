"""Tripod: an autoencoder of quantised latents whose dependence and interaction are penalised.

Hsu et al. 2024, "Tripod: Three Complementary Inductive Biases for Disentangled Representation
Learning"; the terms are those of its code. Each of D latents z_j on (-1, 1) is decoded at the
nearest of evenly spaced values q_j:

    z^ = z + stop(q - z)
    loss = -log p(x|z^) + P [multiinformation M + hessian H]

    M = mean_i [log f(z^_i) - sum_j log f_j(z^_ij)]
    H = sum_layers [mean_i V_i(signs)] / [mean_i V_i(normal) + 1e-10]

stop passes no gradient. f and f_j are Gaussian kernel densities of the batch, its own row included:
of standard deviation s_j in f_j and s_j S in f, where s_j is that of z_j over the batch and S
Silverman's factor, (4 / (D + 2))^(1 / (D + 4)) B^(-1 / (D + 4)). V is the mean over a layer's
units of the variance, over draws of v, of [h(z^ + v) - 2 h(z^) + h(z^ - v)] / EPSILON^2, where v_j
is EPSILON s_j times a random sign, or times a standard normal number. Where no two latents
interact, signs change nothing, and H is 0. The paper's code divides image by image and averages
the ratios, here ``ratio="image"``. That is for smooth networks, such as its own: of rectified
layers, an image's second differences may all be 0 for normal steps, and its ratio 10^10 as large.

The paper averages the likelihood over the P pixels of all channels where we add up: P makes its
weights mean the same here. The optimizer gets the loss divided by P, as clips do not scale along.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from unbraid.core.latents import Layout, Quantised
from unbraid.methods._autoencoder import Autoencoder, AutoencoderConfig
from unbraid.methods._base import require
from unbraid.methods._step import Batch, Context, Phase, Terms
from unbraid.nn import nets

CLIP = 1.0  # of each number of the gradient, of the loss as the paper averages it
EPSILON = 0.1  # of a step between codes, in standard deviations of a latent
DRAWS = 2  # of each kind of step
LEAST = 1e-10  # added to the variance that another is divided by
FLAT = 1e-6  # standard deviation of a latent that is constant over a batch


@dataclass(frozen=True)
class Config(AutoencoderConfig):
    """Options of Tripod.

    Args:
        levels: values that each latent has.
        multiinformation: weight of the dependence of latents, as the paper counts it.
        hessian: weight of how latents interact in the decoder, as the paper counts it.
        ratio: variances that are divided are those of the ``batch``, or of each ``image``, as
            published, which is for ``residual``.

    >>> Config().levels
    12
    """

    levels: int = 12
    multiinformation: float = 1e-4
    hessian: float = 1e-2
    ratio: Literal["batch", "image"] = "batch"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.levels, 2, "levels")
        for name in ("multiinformation", "hessian"):
            require(getattr(self, name), 0, name)

    def without_effect(self) -> dict[str, str]:
        """Return the options that the other options leave without effect, each with the reason."""
        told = {} if self.hessian else {"ratio": "hessian is 0"}
        return super().without_effect() | told


def fixed_values(levels: int) -> tuple[float, ...]:
    """Return the values of a latent, evenly spaced from -1 to 1.

    >>> fixed_values(3)
    (-1.0, 0.0, 1.0)
    """
    return tuple(_value(torch.arange(levels), levels).tolist())


def nearest(z: Tensor, levels: int) -> Tensor:
    """Return the nearest of ``fixed_values`` to latents on [-1, 1].

    >>> nearest(torch.tensor([-0.6, 0.4, 0.9]), 3).tolist()
    [-1.0, 0.0, 1.0]
    """
    return _value(((z + 1) / 2 * (levels - 1)).round(), levels)


def quantised(z: Tensor, levels: int) -> Tensor:
    """Return z^ of latents: ``nearest``, with the gradient of latents."""
    return nearest(z, levels) + (z - z.detach())  # so that values are the same to the last bit


def _value(level: Tensor, levels: int) -> Tensor:
    return 2 * level.float() / (levels - 1) - 1


def deviation(z: Tensor) -> Tensor:
    """Return the standard deviation of each latent over a batch (B, D), above 0, shape (D,)."""
    return (z.var(0, correction=0) + FLAT**2).sqrt()


def multiinformation(codes: Tensor, deviation: Tensor) -> Tensor:
    """Return M of codes (B, D) and the standard deviation of each latent (D,), nats."""
    count, latents = codes.shape
    power = 1 / (latents + 4)
    silverman = (4 / (latents + 2)) ** power * count**-power

    def log_kernels(width: Tensor) -> Tensor:  # (B, B, D); what both densities share is left out
        apart = (codes[:, None] - codes[None]) / width
        return -0.5 * apart.square() - width.log()

    joint = log_kernels(deviation * silverman).sum(2).logsumexp(1) - math.log(count)
    marginal = (log_kernels(deviation).logsumexp(1) - math.log(count)).sum(1)
    return (joint - marginal).mean()


def steps(deviation: Tensor, count: int, noise: torch.Generator) -> Tensor:
    """Return steps v of random signs, then of normal numbers, (2, DRAWS, count, D)."""
    shape, device = (DRAWS, count, len(deviation)), deviation.device
    signs = torch.randint(2, shape, generator=noise, device=device) * 2.0 - 1
    normal = torch.randn(shape, generator=noise, device=device)
    return torch.stack([signs, normal]) * (EPSILON * deviation)


def variances(plus: Tensor, minus: Tensor) -> tuple[Tensor, Tensor]:
    """Return V of a layer for signs and for normal numbers, each (B,).

    Args:
        plus: h(z^ + v) of ``steps``, (2, DRAWS, B, ...).
        minus: h(z^ - v), of the same shape.

    >>> signs, normal = torch.tensor([[0.01], [0.03]]), torch.tensor([[0.0], [0.04]])
    >>> h = torch.stack([signs, normal])[..., None]
    >>> [round(float(each), 4) for each in variances(h, torch.zeros_like(h))]
    [1.0, 4.0]
    """
    first, second = (plus + minus).flatten(3).unbind(1)  # h(z^) is the same in both draws
    # of two numbers, the variance is a quarter of the squared difference
    signs, normal = ((first - second).square().mean(2) / (4 * EPSILON**4)).unbind()
    return signs, normal


def quotient(signs: Tensor, normal: Tensor, ratio: Literal["batch", "image"]) -> Tensor:
    """Return a layer's share of H of both kinds of variances, (B,) each.

    >>> signs, normal = torch.tensor([1.0, 3.0]), torch.tensor([1.0, 4.0])
    >>> float(quotient(signs, normal, "batch")), float(quotient(signs, normal, "image"))
    (0.800000011920929, 0.875)
    """
    if ratio == "batch":
        signs, normal = signs.mean(), normal.mean()
    return (signs / (normal + LEAST)).mean()


class Model(Autoencoder):
    """Tripod; codes are the values of its latents."""

    config: Config
    least_batch = 2  # of one, latents have no deviation

    def __init__(self, config: Config, image_shape: nets.ImageShape) -> None:
        layout = Layout([Quantised(fixed_values(config.levels))] * config.latent_dim)
        super().__init__(config, image_shape, config.latent_dim, layout)

    def phases(self) -> dict[str, Phase]:
        """Return one phase: Adam, which gets the mean over pixels and clips the gradient."""
        scale = 1 / math.prod(self.image_shape)
        return {"model": Phase(list(self.parameters()), clip_value=CLIP, loss_scale=scale)}

    def latents(self, images: Tensor) -> Tensor:
        """Return the latents as numbers on (-1, 1), (B, D)."""
        return torch.tanh(Tensor.float(self.encoder(images)))

    def codes(self, images: Tensor) -> Tensor:
        """Return the value of each latent, (B, D)."""
        return nearest(self.latents(images), self.config.levels)

    def terms(self, batch: Batch, context: Context) -> Terms:
        """Return ``reconstruction``, and ``multiinformation`` and ``hessian`` without weights.

        ``hessian``, which is most of the cost, is left out where its weight is 0.
        """
        config, z = self.config, self.latents(batch.images)
        codes, spread = quantised(z, config.levels), deviation(z)
        reconstruction = -self.log_likelihood(codes, batch.images).mean()
        dependence = multiinformation(codes, spread)
        found = {"reconstruction": reconstruction, "multiinformation": dependence}
        weighed = config.multiinformation * dependence
        if config.hessian:
            found["hessian"] = self.hessian(codes, steps(spread, len(codes), context.noise))
            weighed = weighed + config.hessian * found["hessian"]
        return {"loss": reconstruction + math.prod(self.image_shape) * weighed, **found}

    def hessian(self, codes: Tensor, steps: Tensor) -> Tensor:
        """Return H of codes (B, D) and steps from them, (2, DRAWS, B, D)."""
        # differences of nearly equal numbers: bfloat16 would leave nothing but rounding
        with torch.autocast(codes.device.type, enabled=False):
            around = torch.cat([codes + steps, codes - steps]).flatten(0, 2)
            layers = nets.hidden(self.decoder, around)
            shape = 2, *steps.shape[:3]  # plus and minus, kind, draw, image
            found, ratio = codes.new_zeros(()), self.config.ratio
            for each in layers:
                plus, minus = each.reshape(*shape, *each.shape[1:]).unbind()
                found = found + quotient(*variances(plus, minus), ratio)
            return found
