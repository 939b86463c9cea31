"""The network of a judge of any data, and what its outputs mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from unbraid.control._scale import Scale
from unbraid.control.judge import Block
from unbraid.factors import FactorSpec
from unbraid.nets import ImageShape

Floats = NDArray[np.float64]

LARGEST = 96  # pixels of a side above which images are averaged down
BEYOND = 0.25  # of a number's range, that a reading may lie outside it
SMOOTH = 0.02  # half-widths below which the loss of a number is quadratic
SMOOTHED = 0.02  # of a category's probability, spread over all levels
AMBIGUOUS = 0.75  # of a period; where a range is wider, both its ends look much the same
_HIDDEN = 96
_MOMENTS = 7


@dataclass(frozen=True)
class Head:
    """Columns of the network's output that say a factor.

    Args:
        column: of the factor.
        kind: ``category``, ``line`` (a number) or ``circle`` (sine and cosine).
        start: first column of the output.
        width: number of columns.
        middle: of a line, subtracted from the number.
        half: of a line, that the number is then divided by.
        period: of a circle.
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


class Heads:
    """Turns factors into targets of a network, and its outputs into factors.

    A factor with symmetries has a circle for each period it may have besides its own: the angle of
    a square is known up to a quarter of a turn, and only so is it learnt.

    Args:
        specs: of the factors.
        spread: (F, 4), middle, half the width, lowest and highest of each factor, in its unit.
    """

    def __init__(self, specs: Sequence[FactorSpec], spread: Floats) -> None:
        self.specs, self.scale, self.spread = tuple(specs), Scale(specs), spread
        self.heads: list[Head] = []
        for column, spec in enumerate(specs):
            if spec.kind == "categorical":
                self._add(column, "category", len(spec.values or ()))
                continue
            middle, half, low, high = (float(number) for number in spread[column])
            turn = self.scale.turn(column)
            if turn:
                self._add(column, "circle", 2, period=turn)
            else:
                self._add(column, "line", 1, middle=middle, half=half)
            for period in sorted({symmetry.period for symmetry in spec.symmetries} - {0.0, turn}):
                if turn or high - low > AMBIGUOUS * period:
                    self._add(column, "circle", 2, period=period)

    def _add(self, column: int, kind: str, width: int, **facts: float) -> None:
        self.heads.append(Head(column, kind, self.width, width, **facts))

    @property
    def width(self) -> int:
        """Number of the network's outputs."""
        return sum(head.width for head in self.heads)

    def _head_of(self, column: int, given: Floats) -> NDArray[np.int64]:
        """Return which head says a factor in each row, -1 where it has no meaning."""
        mine = [index for index, head in enumerate(self.heads) if head.column == column]
        period = self.scale.periods(column, given)
        found = np.full(len(given), mine[0])
        for index in mine[1:]:
            found[period == self.heads[index].period] = index
        found[np.isnan(period)] = -1
        return found

    def targets(self, values: Floats) -> Tensor:
        """Return what the network should say (N, width), NaN where nothing is asked of it.

        Args:
            values: factors in units, NaN where unknown. A factor whose period hangs on an unknown
                category is not learnt from.
        """
        found = np.full((len(values), self.width), np.nan)
        for index, head in enumerate(self.heads):
            value = values[:, head.column]
            if head.kind == "category":
                level = np.arange(head.width)
                known = ~np.isnan(value)
                found[known, head.part] = value[known, None] == level
                continue
            here = (self._head_of(head.column, values) == index) & ~self._unsure(head, values)
            if head.kind == "line":
                found[here, head.start] = (value[here] - head.middle) / head.half
            else:
                angle = value[here] * (2 * math.pi / head.period)
                found[here, head.part] = np.stack([np.sin(angle), np.cos(angle)], 1)
        return torch.from_numpy(found).float()

    def _unsure(self, head: Head, values: Floats) -> NDArray[np.bool_]:
        names = {symmetry.factor for symmetry in self.specs[head.column].symmetries}
        others = [self.scale.names.index(name) for name in names if name in self.scale.names]
        return np.asarray(np.isnan(values[:, others]).any(1))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the loss, averaged over the images that have a label, summed over factors."""
        total = outputs.new_zeros(())
        for head in self.heads:
            out, want = outputs[:, head.part], targets[:, head.part]
            known = ~torch.isnan(want[:, 0])
            count = known.sum().clamp_min(1)
            want = want.nan_to_num()
            if head.kind == "category":
                each = F.cross_entropy(out, want, reduction="none", label_smoothing=SMOOTHED)
            else:
                each = 2 * F.smooth_l1_loss(out, want, reduction="none", beta=SMOOTH).sum(1)
            total = total + (each * known).sum() / count
        return total

    def values(self, outputs: Tensor) -> Floats:
        """Return the factors that outputs (N, width) say, in units, categories as indices."""
        said = outputs.double().numpy()
        found = np.zeros((len(said), len(self.specs)))
        for head in self.heads:
            if head.kind == "category":
                found[:, head.column] = said[:, head.part].argmax(1)
        for column, spec in enumerate(self.specs):
            if spec.kind == "categorical":
                continue
            which = self._head_of(column, found)
            for index, head in enumerate(self.heads):
                rows = np.flatnonzero(
                    (which == index) | ((which < 0) & (head.column == column))
                )  # where it has no meaning, the last of its heads says something
                if head.column == column:
                    found[rows, column] = self._said(head, said[rows])
        return found

    def _said(self, head: Head, said: Floats) -> Floats:
        middle, half, low, high = self.spread[head.column]
        if head.kind == "line":
            spare = BEYOND * (high - low)
            value = middle + half * said[:, head.start]
            return np.asarray(value.clip(low - spare, high + spare))
        sine, cosine = said[:, head.part].T
        angle = np.arctan2(sine, cosine) * (head.period / (2 * math.pi))
        start = (low + high - head.period) / 2  # of the turn around the middle of the range
        return np.asarray((angle - start) % head.period + start)


class Net(nn.Module):
    """Residual blocks behind a strided stem, and the moments of what differs from the border.

    Args:
        shape: (C, H, W) of the images, 16 pixels or more.
        outputs: how many numbers it says.
    """

    def __init__(self, shape: ImageShape, outputs: int) -> None:
        super().__init__()
        channels, height, width = shape
        self.pool = max(1, -(-max(height, width) // LARGEST))
        height, width = height // self.pool, width // self.pool
        side = max(height, width)
        first = 1 if side <= 20 else 2
        plan = [(32, 1), (64, 2), (64, 1), (96, 2)]
        if side > 48:
            plan = [(32, 2), *plan]
        at = 32
        self.stem = nn.Conv2d(channels, at, 5, first, 2)
        blocks = []
        for size, stride in plan:
            blocks.append(Block(at, size, stride))
            at = size
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(at)
        shrunk = first * math.prod(stride for _, stride in plan)
        seen = at * -(-height // shrunk) * -(-width // shrunk)
        self.hidden = nn.Sequential(
            nn.Dropout(0.1), nn.Linear(seen + _MOMENTS, 2 * _HIDDEN), nn.ReLU()
        )
        self.out = nn.Linear(2 * _HIDDEN + _MOMENTS, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Return outputs (B, outputs) for images (B, C, H, W) on [0, 1]."""
        if self.pool > 1:
            images = F.avg_pool2d(images, self.pool)
        maps = F.relu(self.norm(self.blocks(self.stem(images - 0.5)))).flatten(1).float()
        with torch.autocast(images.device.type, enabled=False):  # places need more than 8 bits
            ink = moments(images.float())
            hidden = self.hidden(torch.cat([maps, ink], 1))
            out: Tensor = self.out(torch.cat([hidden, ink], 1))
            return out


def moments(images: Tensor) -> Tensor:
    """Return log mass, centroid, spreads and log extent of what differs from the border, (B, 7).

    Args:
        images: (B, C, H, W) on [0, 1]; one without differences counts as having a few faint ones.
    """
    _, _, height, width = images.shape
    edge = torch.cat([images[:, :, 0], images[:, :, -1], images[..., 0], images[..., -1]], 2)
    border = edge.median(2).values[:, :, None, None]  # (B, C, 1, 1)
    ink = (images - border).abs().mean(1)  # (B, H, W)
    across = (torch.arange(width, device=images.device) + 0.5) / (width / 2) - 1
    up = 1 - (torch.arange(height, device=images.device) + 0.5) / (height / 2)
    rows, columns = ink.sum(2), ink.sum(1)
    share = columns.sum(1, keepdim=True) / (height * width)
    mass = (share.clamp(min=1e-5)) * (height * width)
    x, y = (columns @ across)[:, None] / mass, (rows @ up)[:, None] / mass
    xx = (columns @ across.square())[:, None] / mass - x.square()
    yy = (rows @ up.square())[:, None] / mass - y.square()
    xy = torch.einsum("bij,i,j->b", ink, up, across)[:, None] / mass - x * y
    extent = (xx + yy).clamp(min=1e-4).log() / 2 + 1
    amount = share.clamp(min=1e-5).log() / 2 + 1
    return torch.cat([amount, 3 * x, 3 * y, 5 * xx, 5 * yy, 10 * xy, extent], 1)


def spread_of(specs: Sequence[FactorSpec], values: Floats) -> Floats:
    """Return middle, half width, lowest and highest of each factor as labelled, (F, 4), in units.

    Half the width is the square root of 3 standard deviations, that of evenly spread numbers.
    """
    found = np.tile([0.0, 1.0, 0.0, 0.0], (len(specs), 1))
    for column in range(len(specs)):
        known = values[~np.isnan(values[:, column]), column]
        if len(known):
            half = max(math.sqrt(3) * known.std(), 1e-9)
            found[column] = known.mean(), half, known.min(), known.max()
    return found


def pixels(images: Any) -> Tensor:
    """Return images as float32 on [0, 1]."""
    tensor = torch.as_tensor(np.asarray(images))
    return tensor.float() / 255 if tensor.dtype == torch.uint8 else tensor.float().clamp(0, 1)
