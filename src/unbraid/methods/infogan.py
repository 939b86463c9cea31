"""InfoGAN: a GAN that maximises the mutual information of codes and generated images.

Chen et al. 2016, "InfoGAN: Interpretable Representation Learning by Information Maximizing
Generative Adversarial Nets", equation 6:

    min over G, Q  max over D   V(D, G) - lambda L_I(G, Q)

with L_I = E log Q(c|G(z,c)) + H(c), a lower bound on the mutual information of code and image. The
generator's loss is the non-saturating one; codes are one category and a few uniform numbers.

Q learns from generated images alone, so nothing prevents that it assigns half of the real 4s to the
9s' category. ``invariance`` adds a term on real images: the mutual information of the category of
an image and that of the image slightly warped is maximised (Ji et al. 2019, "Invariant Information
Clustering for Unsupervised Image Classification and Segmentation", equation 3).
``steadiness`` and ``sparseness``, which are not published, are terms of the continuous codes: they
penalise codes that depend on size and position, and several codes that change with one rotation
(after Klindt et al. 2021, "Towards Nonlinear Disentanglement in Natural Data with Temporal Sparse
Coding", where few codes change at a time).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unbraid.core.errors import UnbraidError
from unbraid.core.latents import Categorical, Layout, Uniform
from unbraid.methods._base import Images, Method, MethodConfig, require, require_count
from unbraid.methods._invariance import clarity, shared_information, warp
from unbraid.methods._step import Batch, Context, Phase, Terms
from unbraid.nn import nets
from unbraid.nn.distributions import LOG_2PI, prior_sample

LIMIT = 100.0  # nats: from about 104 on, float32 takes the discriminator's doubt for none at all
ADVICE = "try spectral_norm, a lower lr or another discriminator_lr, or precision f32"


@dataclass(frozen=True)
class Config(MethodConfig):
    """Options of InfoGAN; the defaults are its paper's for MNIST (appendix C.1).

    Args:
        categories: number of values of the categorical code.
        continuous: number of continuous codes, each uniform on [-1, 1].
        noise: number of noise variables, which carry what the codes do not.
        channels: channels of the layers next to the image; deeper ones have up to four times as
            many.
        hidden: width of the fully connected layers.
        categorical_weight: lambda of the categorical code.
        continuous_weight: lambda of the continuous codes.
        discriminator_lr: learning rate of the discriminator, as a share of the generator's.
        spectral_norm: hold the discriminator's layers to Lipschitz constant 1 (Miyato et al.
            2018, "Spectral Normalization for GANs") in place of its batch normalisation.
        invariance: weight of the information that the categories of a real image and of its
            warped copy share; 0, as published, trains Q on generated images alone.
        steadiness: weight of the squared change of the continuous codes of a real image that is
            slightly scaled and shifted, so that they do not encode its size; needs ``invariance``,
            whose warped copies it uses.
        sparseness: weight of the share in which continuous codes change together when the image is
            also rotated and sheared, so that only one encodes it; needs ``invariance``, too.
        sparse_from: number of epochs after which ``sparseness`` starts: codes must first encode
            something.

    >>> Config(categories=12).continuous
    2
    """

    categories: int = 10
    continuous: int = 2
    noise: int = 62
    channels: int = 64
    hidden: int = 1024
    categorical_weight: float = 1.0
    continuous_weight: float = 1.0
    discriminator_lr: float = 0.2
    spectral_norm: bool = False
    invariance: float = 0.0
    steadiness: float = 0.0
    sparseness: float = 0.0
    sparse_from: float = 3.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_count(self.categories, 2, "categories")
        for name in ("continuous", "noise", "channels", "hidden"):
            require_count(getattr(self, name), 1, name)
        for name in ("categorical_weight", "continuous_weight"):
            require(getattr(self, name), 0, name)
        for name in ("invariance", "steadiness", "sparseness", "sparse_from"):
            require(getattr(self, name), 0, name)
        require(self.discriminator_lr, 0, "discriminator_lr", above=True)
        for name in ("steadiness", "sparseness"):
            if getattr(self, name) and not self.invariance:
                raise UnbraidError(
                    f"{name} is {getattr(self, name):g} and invariance 0, but it looks at "
                    "invariance's warped copies: give invariance a weight too."
                )

    def without_effect(self) -> dict[str, str]:
        """Return the options that the other options leave without effect, each with the reason."""
        told = {} if self.sparseness else {"sparse_from": "sparseness is 0"}
        return super().without_effect() | told


def information(outputs: Tensor, codes: Tensor, layout: Layout) -> tuple[Tensor, Tensor]:
    """Return the lower bounds L_I of the categorical and the continuous codes, nats per image.

    Args:
        outputs: of the recognition net, (B, D): logits of the category, then means of Gaussians
            of unit variance.
        codes: what the images were made from, (B, D).
        layout: of both.
    """
    (logits,), mean = layout.split(outputs)
    (category,), value = layout.split(codes)
    log_q = (torch.log_softmax(logits, 1) * category).sum(1)
    categorical = log_q.mean() + math.log(logits.shape[1])
    log_q = -0.5 * ((value - mean).square() + LOG_2PI).sum(1)
    continuous = log_q.mean() + layout.continuous * math.log(2)  # H of U(-1, 1) is log 2
    return categorical, continuous


def plan(shape: nets.ImageShape, channels: int) -> list[nets.ImageShape]:
    """Return the feature shapes from the image down to a map of 7 pixels or less."""
    shapes = [shape]
    _, height, width = shape
    while min(height, width) > 7:
        height, width = -(-height // 2), -(-width // 2)
        shapes.append((min(channels * 2 ** (len(shapes) - 1), 4 * channels), height, width))
    return shapes


def generator(config: Config, shape: nets.ImageShape, inputs: int) -> nn.Sequential:
    """Build G, (B, inputs) to image logits (B, C, H, W)."""
    shapes = plan(shape, config.channels)[::-1]
    flat = math.prod(shapes[0])
    layers: list[nn.Module] = [
        nn.Linear(inputs, config.hidden, bias=False),
        nn.BatchNorm1d(config.hidden),
        nn.ReLU(inplace=True),
        nn.Linear(config.hidden, flat, bias=False),
        nn.BatchNorm1d(flat),
        nn.ReLU(inplace=True),
        nn.Unflatten(1, shapes[0]),
    ]
    for before, after in pairwise(shapes):
        last = after is shapes[-1]
        kernel = nets.kernel(after)
        layers.append(
            nn.ConvTranspose2d(before[0], after[0], kernel, stride=2, padding=1, bias=last)
        )
        if not last:
            layers += [nn.BatchNorm2d(after[0]), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


def trunk(config: Config, shape: nets.ImageShape) -> nn.Sequential:
    """Build what D and Q share, images (B, C, H, W) to (B, hidden)."""
    shapes = plan(shape, config.channels)
    layers: list[nn.Module] = []

    def add(layer: nn.Module, normalise: nn.Module | None) -> None:
        if config.spectral_norm:
            layer = nn.utils.parametrizations.spectral_norm(layer)
            normalise = None
        layers.append(layer)
        if normalise is not None:
            layers.append(normalise)
        layers.append(nn.LeakyReLU(0.1, inplace=True))

    for before, after in pairwise(shapes):
        first = before is shapes[0]
        layer = nn.Conv2d(before[0], after[0], nets.kernel(before), stride=2, padding=1)
        add(layer, None if first else nn.BatchNorm2d(after[0]))
    layers.append(nn.Flatten())
    add(nn.Linear(math.prod(shapes[-1]), config.hidden), nn.BatchNorm1d(config.hidden))
    return nn.Sequential(*layers)


class Model(Method):
    """InfoGAN: generator G, and discriminator D and recognition net Q on one trunk."""

    config: Config
    semantics = 2  # spectral_norm holds the last layer, too
    least_batch = 2  # its layers are normalised over batches
    selection = "restart_score"  # adversarial losses balance, and tell of nothing

    def __init__(self, config: Config, image_shape: nets.ImageShape) -> None:
        numbers = [Uniform()] * config.continuous
        layout = Layout([Categorical(config.categories), *numbers])
        super().__init__(config, image_shape, layout)
        self.generator = generator(config, image_shape, config.noise + layout.width)
        self.trunk = trunk(config, image_shape)
        real = nn.Linear(config.hidden, 1)
        normalise = nn.utils.parametrizations.spectral_norm
        self.real = normalise(real) if config.spectral_norm else real
        self.recognition = nn.Sequential(
            nn.Linear(config.hidden, 128),
            nn.BatchNorm1d(128),
            nn.LeakyReLU(0.1, inplace=True),
            nn.Linear(128, layout.width),
        )
        # decode draws every code with this one noise, so that only the code changes
        still = self.draw_noise(1, torch.Generator().manual_seed(0))
        self.register_buffer("still", still, persistent=False)
        self.still: Tensor

    def phases(self) -> dict[str, Phase]:
        """Return D with Q, then G; Adam's first moment decays at 0.5, as published."""
        reading = [self.trunk, self.real, self.recognition]
        d = [parameter for part in reading for parameter in part.parameters()]
        g = list(self.generator.parameters())
        betas = (0.5, 0.999)
        return {
            "discriminator": Phase(d, self.config.discriminator_lr, betas, LIMIT, ADVICE),
            "generator": Phase(g, 1.0, betas, LIMIT, ADVICE),
        }

    def draw_noise(self, count: int, noise: torch.Generator) -> Tensor:
        """Draw the noise variables, uniform on [-1, 1], (count, noise)."""
        shape = (count, self.config.noise)
        return torch.rand(shape, generator=noise, device=noise.device) * 2 - 1

    def pixel_mean(self, codes: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return G(noise, codes), (B, C, H, W) on [0, 1]; ``noise`` is the same for all if None."""
        noise = self.still.expand(codes.shape[0], -1) if noise is None else noise
        return torch.sigmoid(self.generator(torch.cat([noise, codes], 1)).float())

    def codes(self, images: Tensor) -> Tensor:
        """Return Q(c|x): the category's probabilities and the continuous means, (B, D)."""
        outputs = self.recognition(self.trunk(images)).float()
        (logits,), mean = self.layout.split(outputs)
        return torch.cat([torch.softmax(logits, 1), mean], 1)

    def pixel_sample(self, codes: Tensor, noise: torch.Generator) -> Tensor:
        """Return G(noise, codes) of a noise drawn for each code, (B, C, H, W)."""
        return self.pixel_mean(codes, self.draw_noise(len(codes), noise).to(self.device))

    def restart_score(self, images: Images) -> float:
        """Return how clearly Q files held-out images, and generated ones as they were meant, nats.

        The sum of the information that categories of images and of warped ones share, and of the
        bound L_I of the category; each at most log K.
        """
        codes, drawn = self.draw_with_codes(len(images))
        (meant,), _ = self.layout.split(codes)
        (read,), _ = self.layout.split(self.encode(drawn))
        told = (read.clamp_min(1e-8).log() * meant).sum(1).mean() + math.log(meant.shape[1])
        return clarity(self, images) + float(told)

    def terms(self, batch: Batch, context: Context) -> Terms:
        """Return ``discriminator`` or ``generator``, the adversarial losses, and the bounds L_I."""
        images = batch.images
        codes = prior_sample(self.layout, len(images), context.noise)
        noise = self.draw_noise(len(images), context.noise)
        first = context.phase == "discriminator"
        with torch.set_grad_enabled(torch.is_grad_enabled() and not first):
            drawn = self.pixel_mean(codes, noise)
        features = self.trunk(drawn)
        verdict = self.real(features).float()  # (B, 1)
        categorical, continuous = information(
            self.recognition(features).float(), codes, self.layout
        )
        if first:
            seen = self.trunk(images)
            adversarial = F.softplus(-self.real(seen).float()).mean() + F.softplus(verdict).mean()
        else:
            adversarial = F.softplus(-verdict).mean()
        config = self.config
        told = config.categorical_weight * categorical + config.continuous_weight * continuous
        terms = {
            "loss": adversarial - told,
            context.phase: adversarial,
            "categorical_mi": categorical,
            "continuous_mi": continuous,
        }
        if first and config.invariance:
            found = self.invariance(images, seen, context.noise)
            terms["loss"] = terms["loss"] - config.invariance * found["invariance"]
            terms["loss"] = terms["loss"] + config.steadiness * found["change"]
            if context.epoch >= config.sparse_from:
                terms["loss"] = terms["loss"] + config.sparseness * found["overlap"]
            terms |= found
        return terms

    def invariance(self, images: Tensor, features: Tensor, noise: torch.Generator) -> Terms:
        """Return what Q says alike of real images and of warped ones, and what it does not.

        Args:
            images: (B, C, H, W).
            features: what the trunk makes of them, (B, hidden).
            noise: draws the warps.

        Returns:
            ``invariance``, the information that their categories share, nats; ``change``, that of
            the continuous codes of the half that is only scaled and shifted, squared and summed
            over codes; and ``overlap``, of the other half, sum |change of one| |change of another|
            over pairs of codes, as a share of the squared change: 0 where one code changes alone.
        """
        upright = len(images) // 2
        warped = self.trunk(warp(images, noise, upright))
        (one, before), (other, after) = (
            self.layout.split(self.recognition(part).float()) for part in (features, warped)
        )
        change = (before - after).abs()
        squares = change.square().sum(1)
        pairs = change.sum(1).square() - squares
        return {
            "invariance": shared_information(torch.softmax(one[0], 1), torch.softmax(other[0], 1)),
            "change": squares[:upright].mean(),
            "overlap": pairs[upright:].mean() / (squares[upright:].mean() + 0.01),
        }
