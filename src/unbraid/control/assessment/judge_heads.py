"""The outputs of a judge's network: factors as targets, and targets as factors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from unbraid.control.assessment.units import FactorUnits
from unbraid.core.factors import FactorSpec

Floats = NDArray[np.float64]

MARGIN = 0.25  # of a factor's range, by which a reading may exceed it
SMOOTH_L1_BETA = 0.02  # half-widths, below which the loss of a number is quadratic
LABEL_SMOOTHING = 0.02
MAX_LINEAR_RANGE = 0.75  # of a period; a wider range needs sine and cosine as targets


@dataclass(frozen=True)
class Head:
    """Columns of the network's output that encode a factor.

    Args:
        column: of the factor.
        kind: ``category`` (logits), ``linear`` (a number) or ``circular`` (sine and cosine).
        start: first column of the output.
        width: number of columns.
        middle: subtracted from a linear target.
        half: divides a linear target.
        period: of a circular target.
    """

    column: int
    kind: str
    start: int
    width: int
    middle: float = 0.0
    half: float = 1.0
    period: float = 0.0

    @property
    def part(self) -> slice:
        """Its columns."""
        return slice(self.start, self.start + self.width)


class FactorHeads:
    """Converts factors to targets of a network, and its outputs to factors.

    A factor with symmetries has a circular head for each of its periods: the angle of a square is
    defined up to a quarter turn, so its target has that period.

    Args:
        specs: of the factors.
        ranges: (F, 4), middle, half width, minimum and maximum of each factor, in its unit.
    """

    def __init__(self, specs: Sequence[FactorSpec], ranges: Floats) -> None:
        self.specs, self.units, self.ranges = tuple(specs), FactorUnits(specs), ranges
        self.heads: list[Head] = []
        for column, spec in enumerate(specs):
            if spec.kind == "categorical":
                self._add(column, "category", len(spec.values or ()))
                continue
            middle, half, low, high = (float(number) for number in ranges[column])
            turn = self.units.period(column)
            if turn:
                self._add(column, "circular", 2, period=turn)
            else:
                self._add(column, "linear", 1, middle=middle, half=half)
            for period in sorted({symmetry.period for symmetry in spec.symmetries} - {0.0, turn}):
                if turn or high - low > MAX_LINEAR_RANGE * period:
                    self._add(column, "circular", 2, period=period)

    def _add(self, column: int, kind: str, width: int, **options: float) -> None:
        self.heads.append(Head(column, kind, self.width, width, **options))

    @property
    def width(self) -> int:
        """Number of the network's outputs."""
        return sum(head.width for head in self.heads)

    def _active_head(self, column: int, given: Floats) -> NDArray[np.int64]:
        """Return the index of the head that encodes a factor in each row, -1 if it is undefined."""
        own = [index for index, head in enumerate(self.heads) if head.column == column]
        period = self.units.row_periods(column, given)
        found = np.full(len(given), own[0])
        for index in own[1:]:
            found[period == self.heads[index].period] = index
        found[np.isnan(period)] = -1
        return found

    def targets(self, values: Floats) -> Tensor:
        """Return targets of the network (N, width), NaN where there is none.

        Args:
            values: factors in units, NaN where unknown. A factor has no target if its period
                depends on an unknown category.
        """
        found = np.full((len(values), self.width), np.nan)
        for index, head in enumerate(self.heads):
            value = values[:, head.column]
            if head.kind == "category":
                level = np.arange(head.width)
                known = ~np.isnan(value)
                found[known, head.part] = value[known, None] == level
                continue
            here = (self._active_head(head.column, values) == index) & ~self._has_unknown_period(
                head, values
            )
            if head.kind == "linear":
                found[here, head.start] = (value[here] - head.middle) / head.half
            else:
                angle = value[here] * (2 * math.pi / head.period)
                found[here, head.part] = np.stack([np.sin(angle), np.cos(angle)], 1)
        return torch.from_numpy(found).float()

    def _has_unknown_period(self, head: Head, values: Floats) -> NDArray[np.bool_]:
        names = {symmetry.factor for symmetry in self.specs[head.column].symmetries}
        others = [self.units.names.index(name) for name in names if name in self.units.names]
        return np.asarray(np.isnan(values[:, others]).any(1))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss, averaged over labelled images and summed over heads."""
        total = outputs.new_zeros(())
        for head in self.heads:
            output, target = outputs[:, head.part], targets[:, head.part]
            known = ~torch.isnan(target[:, 0])
            count = known.sum().clamp_min(1)
            target = target.nan_to_num()
            if head.kind == "category":
                each = F.cross_entropy(
                    output, target, reduction="none", label_smoothing=LABEL_SMOOTHING
                )
            else:
                each = F.smooth_l1_loss(output, target, reduction="none", beta=SMOOTH_L1_BETA)
                each = 2 * each.sum(1)
            total = total + (each * known).sum() / count
        return total

    def values(self, outputs: Tensor) -> Floats:
        """Return the factors of outputs (N, width), in units, categories as indices."""
        given = outputs.double().numpy()
        found = np.zeros((len(given), len(self.specs)))
        for head in self.heads:
            if head.kind == "category":
                found[:, head.column] = given[:, head.part].argmax(1)
        for column, spec in enumerate(self.specs):
            if spec.kind == "categorical":
                continue
            active = self._active_head(column, found)
            for index, head in enumerate(self.heads):
                if head.column == column:  # where it is undefined, the last of its heads applies
                    rows = np.flatnonzero((active == index) | (active < 0))
                    found[rows, column] = self._value(head, given[rows])
        return found

    def _value(self, head: Head, output: Floats) -> Floats:
        middle, half, low, high = self.ranges[head.column]
        if head.kind == "linear":
            margin = MARGIN * (high - low)
            value = middle + half * output[:, head.start]
            return np.asarray(value.clip(low - margin, high + margin))
        sine, cosine = output[:, head.part].T
        angle = np.arctan2(sine, cosine) * (head.period / (2 * math.pi))
        start = (low + high - head.period) / 2  # of the period centred on the range
        return np.asarray((angle - start) % head.period + start)


def factor_ranges(specs: Sequence[FactorSpec], values: Floats) -> Floats:
    """Return middle, half width, minimum and maximum of each factor's labels, (F, 4), in units.

    The half width is sqrt(3) standard deviations, which is exact for uniform numbers.
    """
    found = np.tile([0.0, 1.0, 0.0, 0.0], (len(specs), 1))
    for column in range(len(specs)):
        known = values[~np.isnan(values[:, column]), column]
        if len(known):
            half = max(math.sqrt(3) * known.std(), 1e-9)
            found[column] = known.mean(), half, known.min(), known.max()
    return found
