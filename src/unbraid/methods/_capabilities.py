"""What a method can do beyond encode, decode and sample, declared by the classes it extends.

A ``Model`` that has a capability extends its class and gives its functions. Whoever uses one asks
``isinstance(model, HasPosterior)``, and nothing else: not for a method's name, an attribute or an
exception. What is declared of a method besides are attributes of ``Method``: ``needs``,
``layout``, ``selection`` and ``least_batch``. ``tests/methods/test_capabilities.py`` holds all
methods to what they declare.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

import torch
from torch import Tensor

if TYPE_CHECKING:
    from unbraid.methods._base import Images, Method


class HasLikelihood:
    """p(x|z): how probable an image is, given a code."""

    def log_likelihood(self, z: Tensor, images: Tensor) -> Tensor:
        """Return log p(x|z) of each image, shape (B,), nats."""
        raise NotImplementedError

    def draw(self, images: Tensor, noise: torch.Generator) -> Tensor:
        """Return a code of each image as training draws it, (B, D); a point without posterior."""
        raise NotImplementedError

    def floor(self, images: Tensor) -> Tensor | None:
        """Return what -log p(x|z) cannot go below, (B,), nats; None if it has no such bound."""
        return None


class HasPosterior:
    """q(z|x): a Gaussian over the continuous latents of an image, independent of each other."""

    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and logvar of the continuous latents' q(z|x), each (B, continuous)."""
        raise NotImplementedError

    def kl(self, images: Tensor) -> Tensor:
        """Return KL(q(z|x) || p(z)) of each image and latent, (B, latents), nats."""
        raise NotImplementedError


class TakesFactors:
    """Codes that are columns of the factors, then a style: factors can be asked for directly."""

    factor_width: int  # K, columns of factors
    style_dim: int  # S, columns of style
    rejects: ClassVar[bool] = False  # whether ``style_from`` replaces styles that are in doubt

    def factor_codes(self, factors: Tensor) -> Tensor:
        """Return the code columns of factors (N, F), (N, K)."""
        raise NotImplementedError

    def factors_of(self, codes: Tensor) -> Tensor:
        """Return the factors that codes (N, K + S) say, (N, F)."""
        raise NotImplementedError

    def read_factors(self, images: Images) -> Tensor:
        """Return the factors of images (N, C, H, W) as the model reads them, (N, F)."""
        return self.factors_of(cast("Method", self).encode(images))

    def style_from(self, base: Tensor, factors: Tensor) -> Tensor:
        """Return the style, (N, S), of standard normal numbers (N, S + 1) for factors (N, F).

        Of the factors, the categorical ones alone may have a say in it.
        """
        raise NotImplementedError

    def first_style(self, base: Tensor, factors: Tensor) -> Tensor:
        """Return the style as ``style_from`` does, but never replaced."""
        return self.style_from(base, factors)

    def restyle(self, style: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """Return styles (N, S) of images with some factors as they fit others, (N, F) each."""
        raise NotImplementedError

    def reading_error(self) -> Tensor | None:
        """Return by how much factors are usually read wrong, (F,), as stored; None if unknown."""
        return None

    def examples(self) -> Tensor:
        """Return factors that go together, (N, F), NaN where unknown; none if it keeps none."""
        return torch.zeros(0, 0)
