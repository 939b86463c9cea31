"""The few-label regulariser, which ``s2-vae`` and ``s2-beta-tcvae`` add to their objectives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.methods import vae
from unbraid.methods._base import require
from unbraid.methods._labelled import LabelledConfig, scaled
from unbraid.methods._step import Batch, Context, Terms
from unbraid.nn import nets


@dataclass(frozen=True)
class FewLabelsConfig(LabelledConfig):
    """Options of the few-label regulariser.

    Args:
        gamma_sup: weight of the few-label regulariser.
    """

    gamma_sup: float = 10.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.gamma_sup, 0, "gamma_sup")


def few_label_loss(mean: Tensor, factors: Tensor, specs: Sequence[FactorSpec]) -> Tensor:
    """Return the few-label regulariser R_s, a scalar in nats per image.

    Locatello et al. 2020, "Disentangling Factors of Variation Using Few Labels", section 3.2: with
    v_i the label of factor i scaled to [0, 1] and m_i the mean of latent i,

        R_s = -sum_i v_i log s(m_i) + (1 - v_i) log(1 - s(m_i)),  s the sigmoid

    Each factor is averaged over the images whose label is known, so that it weighs the same
    however many those are.

    Args:
        mean: (B, D) with D >= F.
        factors: (B, F), NaN where unknown.
        specs: of the factors.

    >>> spec = FactorSpec("x", "continuous", range=(-9, 9))
    >>> few_label_loss(torch.zeros(2, 1), torch.tensor([[9.0], [float("nan")]]), [spec])
    tensor(0.6931)
    """
    targets = scaled(factors, specs)
    known = ~torch.isnan(targets)
    logits = mean[:, : len(specs)].float()
    each = F.binary_cross_entropy_with_logits(logits, targets.nan_to_num(), reduction="none")
    return ((each * known).sum(0) / known.sum(0).clamp(min=1)).sum()


class FewLabels(vae.Model):
    """Any VAE with the few-label regulariser; goes first among a Model's bases.

    Args:
        config: the method's options, ``FewLabelsConfig`` among them.
        image_shape: (C, H, W).
        specs: of the factors; factor i is matched to latent i.

    Raises:
        UnbraidError: fewer latents than factors.
    """

    needs = frozenset({"labelled"})

    def __init__(
        self, config: vae.Config, image_shape: nets.ImageShape, specs: tuple[FactorSpec, ...]
    ) -> None:
        super().__init__(config, image_shape)
        if len(specs) > config.latent_dim:
            raise UnbraidError(
                f"latent_dim is {config.latent_dim}, but there are {len(specs)} factors "
                f"({', '.join(spec.name for spec in specs)}), each matched to a latent of its "
                f"own: choose latent_dim {len(specs)} or more."
            )
        self.specs = specs

    def terms(self, batch: Batch, context: Context) -> Terms:
        """Return the VAE's terms and ``few_labels``, the regulariser, unweighted."""
        images = batch.images
        mean, logvar = self.posterior(images)  # q(z|x), (B, D)
        terms = self.terms_at(images, mean, logvar, context)
        if batch.labelled is None:  # validation on images without labels
            return terms
        shown, factors = batch.labelled
        read = mean if shown is images else self.posterior(shown)[0]
        assert isinstance(self.config, FewLabelsConfig)
        few = few_label_loss(read, factors, self.specs)
        return {**terms, "loss": terms["loss"] + self.config.gamma_sup * few, "few_labels": few}
