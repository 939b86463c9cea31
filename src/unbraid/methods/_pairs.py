"""What methods that learn from pairs of images share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from unbraid.core.errors import UnbraidError
from unbraid.methods import vae
from unbraid.methods._base import require
from unbraid.methods._step import Batch, Context, Terms
from unbraid.nn.distributions import gaussian_sample

Rule = Literal["one", "uniform", "redraw-one-or-k", "group", "next"]


@dataclass(frozen=True)
class PairsConfig(vae.Config):
    """Options of every method that learns from pairs of images.

    Args:
        beta: weight of the KL term.
        pairs: how many factors the images of a pair differ in: ``one``; ``uniform``, from 1 to
            all but one; or ``redraw-one-or-k``, the rule of the public code of 2020, under which
            a factor that is drawn again may keep its value. For images in groups, such as the
            frames of clips: ``group``, any other image of the group; or ``next``, the next one.
            See ``Dataset.pairs``.
    """

    beta: float = 1.0
    pairs: Rule = "uniform"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.beta, 0, "beta")


class PairsModel(vae.Model):
    """A VAE whose objective is of pairs; which factors differ is not told."""

    config: PairsConfig
    needs = frozenset({"pairs"})

    def __init__(self, config: PairsConfig, image_shape: tuple[int, int, int]) -> None:
        super().__init__(config, image_shape)
        self.pair_rule = 1 if config.pairs == "one" else config.pairs

    def terms(self, batch: Batch, context: Context) -> Terms:
        """Return the terms of the objective, each averaged over both images of a pair."""
        if batch.pairs is None:
            raise UnbraidError("this method learns from pairs of images, but was given none.")
        images = torch.cat([batch.images, batch.pairs[0].to(batch.images)])
        mean, logvar = self.posterior(images)
        return self.pair_terms(images, mean, logvar, context)

    def pair_terms(self, images: Tensor, mean: Tensor, logvar: Tensor, context: Context) -> Terms:
        """Return the terms given posteriors (2B, D): of first images, then of their partners."""
        raise NotImplementedError

    def reconstructed(
        self, images: Tensor, mean: Tensor, logvar: Tensor, noise: torch.Generator
    ) -> Tensor:
        """Return log p(x|z) of each image with z drawn from the posteriors given, (2B,)."""
        return self.log_likelihood(gaussian_sample(mean, logvar, noise), images)
