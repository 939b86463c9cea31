"""What methods that learn from labels share: how many they are given, and labels as targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.methods._base import MethodConfig, require


@dataclass(frozen=True)
class LabelledConfig(MethodConfig):
    """Options of every method that learns from labels; goes first among a Config's bases.

    Args:
        labels: number of training images whose labels are used; labels of other images are never
            read. 0 uses those of all images, and those of held-out images for validation. Factors
            that are measured from the images are known for all images.
        label_seed: seed of the choice of those images; of one seed, a smaller number is a subset
            of a larger one.
        label_factors: the factors whose labels are used; all if none is named.
    """

    labels: int = 0
    label_seed: int = 0
    label_factors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.label_factors, list):  # as read back from config.json
            object.__setattr__(self, "label_factors", tuple(self.label_factors))
        super().__post_init__()
        require(self.labels, 0, "labels")
        require(self.label_seed, 0, "label_seed")
        names = self.label_factors
        if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
            raise UnbraidError(
                f"label_factors is {names!r}, expected names of factors, such as ('digit',)."
            )

    def without_effect(self) -> dict[str, str]:
        """Return the options that the other options leave without effect, each with the reason."""
        told = {} if self.labels else {"label_seed": "labels is 0, which takes all of them"}
        return super().without_effect() | told


def scaled(factors: Tensor, specs: Sequence[FactorSpec]) -> Tensor:
    """Return labels brought to [0, 1], (B, F), unknown ones still NaN.

    A level becomes its index over the highest one, a real its place in its range, and what lies
    on a circle its part of a turn.

    >>> spec = FactorSpec("x", "continuous", range=(-9, 9))
    >>> scaled(torch.tensor([[-9.0], [0.0], [float("nan")]]), [spec]).ravel().tolist()
    [0.0, 0.5, nan]
    >>> hours = FactorSpec("hour", "periodic", values=(0, 6, 12, 18, 24), period=24)
    >>> scaled(torch.tensor([[0.0], [1.0], [4.0]]), [hours]).ravel().tolist()  # 24 is 0
    [0.0, 0.25, 0.0]
    """
    columns = [_scaled(factors[:, i], spec) for i, spec in enumerate(specs)]
    return torch.stack(columns, 1)


def _scaled(column: Tensor, spec: FactorSpec) -> Tensor:
    if spec.values is not None and spec.stored_turn:
        return column % spec.stored_turn / spec.stored_turn
    if spec.values is not None:
        return column / max(len(spec.values) - 1, 1)
    assert spec.range is not None  # FactorSpec has it where it has no values
    low, high = spec.range
    if spec.period:
        return (column - low) % spec.period / spec.period
    return ((column - low) / max(high - low, 1e-12)).clamp(0, 1)
