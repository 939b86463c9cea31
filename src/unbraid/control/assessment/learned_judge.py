"""A judge of any data: a network that reads the factors of images, with its own errors.

It is trained on labelled images that the assessed model has not seen, and its network shares no
code with the methods. No model is trained on its output.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unbraid.control.assessment.judge_heads import FactorHeads
from unbraid.control.assessment.judge_network import JudgeNetwork, channels_last, to_floats
from unbraid.control.assessment.units import FactorUnits, unit_of
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.nn.nets import ImageShape

Floats = NDArray[np.float64]

MAX_ERROR = 0.6  # of the chance error; above it, a factor counts as hardly readable
_ANSWERS = 25  # constant answers tried for the chance error
_BATCH = 500  # images


class LearnedJudge:
    """Reads the factors of images of a data set.

    Args:
        specs: of the factors that it reads.
        shape: (C, H, W) of the images.
        ranges: of the labels it was trained on, see ``FactorHeads``.
    """

    def __init__(self, specs: Sequence[FactorSpec], shape: ImageShape, ranges: Floats) -> None:
        self.specs, self.shape = tuple(specs), shape
        self.heads = FactorHeads(specs, ranges)
        self.net = JudgeNetwork(shape, self.heads.width)
        self.errors: dict[str, dict[str, Any]] = {}
        self.facts: dict[str, Any] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The factors it reads."""
        return self.heads.units.names

    def read(self, images: Any) -> Floats:
        """Return the factors of images in their own units, (N, F), categories as indices.

        Args:
            images: (N, C, H, W), uint8 or floats on [0, 1].

        Raises:
            UnbraidError: images of another shape than it was trained on.
        """
        return self.heads.values(self._outputs(images))

    def confidence(self, images: Any, name: str) -> Floats:
        """Return the probability of the level that is read of a categorical factor, (N,)."""
        (part,) = (
            head.part
            for head in self.heads.heads
            if self.specs[head.column].name == name and head.kind == "category"
        )
        found: Floats = self._outputs(images)[:, part].double().softmax(1).amax(1).numpy()
        return found

    @torch.no_grad()
    def _outputs(self, images: Any) -> Tensor:
        """Return the outputs of the network for images (N, C, H, W), (N, width)."""
        array = np.asarray(images)
        if array.shape[1:] != self.shape:
            raise UnbraidError(
                f"the judge was given images of shape {array.shape}, expected "
                f"(N, {', '.join(map(str, self.shape))}), the shape that it was trained on."
            )
        device = next(self.net.parameters()).device
        self.net.eval()
        outputs = [
            self.net(channels_last(to_floats(array[start : start + _BATCH])).to(device)).cpu()
            for start in range(0, len(array), _BATCH)
        ]
        return torch.cat(outputs) if outputs else torch.zeros(0, self.heads.width)

    def errors_on(self, images: Any, values: Floats) -> dict[str, dict[str, Any]]:
        """Return the errors on labelled images, by factor.

        Args:
            images: as in ``read``.
            values: factors in units, NaN where unknown.

        Returns:
            ``value`` and ``unit``: the accuracy of a categorical factor in percent, the mean
            absolute error of any other. ``chance``: the same for the best constant answer.
        """
        units = self.heads.units
        error = np.abs(units.difference(self.read(images), values))
        found = {}
        for column, spec in enumerate(self.specs):
            known = error[~np.isnan(error[:, column]), column]
            if len(known):
                mean = float(known.mean())
                value, chance = mean, _chance(units, values, column)
                if spec.kind == "categorical":
                    value, chance = 100 * (1 - value), 100 * (1 - chance)
                found[spec.name] = {"value": value, "unit": unit_of(spec), "chance": chance}
        return found

    @property
    def notes(self) -> list[str]:
        """Warnings about factors that it hardly reads."""
        notes = []
        for name, error in self.errors.items():
            whole = 100.0 if error["unit"] == "%" else 0.0
            if abs(error["value"] - whole) > MAX_ERROR * abs(error["chance"] - whole):
                notes.append(
                    f"The judge hardly reads {name}: {error['value']:.3g}, where the best constant "
                    f"answer has {error['chance']:.3g}. Figures of this factor are not reliable: "
                    "give more labelled images, or check that images show it."
                )
        return notes


def _chance(units: FactorUnits, values: Floats, column: int) -> float:
    """Return the mean error of the best constant answer, for a category its error rate."""
    known = values[~np.isnan(values[:, column])]
    answers = np.unique(known[:, column])
    if units.specs[column].kind != "categorical" and len(answers) > _ANSWERS:
        # quantiles, an odd number: the median is the best where there is no circle
        places = np.linspace(0, 1, _ANSWERS)
        answers = np.unique(np.quantile(known[:, column], places, method="nearest"))
    errors = []
    for answer in answers:
        given = known.copy()
        given[:, column] = answer
        errors.append(np.nanmean(np.abs(units.difference(given, known, known)[:, column])))
    return float(np.min(errors))
