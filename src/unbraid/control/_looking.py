"""What a judge sees of a drawer: errors, moves, and what images show without a judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unbraid.control._scale import Scale, is_ordered
from unbraid.control.judge import FACTORS, HALF, MIDDLE, Judge
from unbraid.control.sources import Source
from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec

Floats = NDArray[np.float64]

_READ_MARGIN = 1.15  # half-widths of the default ranges up to which the judge saw factors


class Reader(Protocol):
    """What reads images: a judge, of ``digits`` or of any data."""

    @property
    def names(self) -> tuple[str, ...]:
        """The factors it reads."""

    def read(self, images: Any) -> Floats:
        """Return those factors in their units, (N, F), categories as indices."""


class DigitsReader:
    """The judge of ``digits`` with digits as the indices of some specs.

    Args:
        judge: reads the images.
        specs: of the factors, among them the judge's.
    """

    names = FACTORS

    def __init__(self, judge: Judge, specs: Sequence[FactorSpec]) -> None:
        self.judge = judge
        by_name = {spec.name: spec for spec in specs}
        if missing := [name for name in FACTORS if name not in by_name]:
            raise UnbraidError(
                f"the factors are {', '.join(by_name) or 'unknown'}, without {missing[0]}: the "
                f"judge reads {', '.join(FACTORS)}, the factors of 'digits', and can measure no "
                "others."
            )
        self.level = np.full(10, -1.0)  # of a digit that cannot be asked for
        for level, digit in enumerate(by_name["digit"].values or ()):
            self.level[int(digit)] = level
        self.notes = _beyond(by_name)

    def read(self, images: Any) -> Floats:
        """Return digit (an index), size, x, y, angle and thickness, (N, 6)."""
        found = self.judge.read(images)
        found[:, 0] = self.level[found[:, 0].astype(np.int64)]
        return found


def _beyond(specs: dict[str, FactorSpec]) -> list[str]:
    """Say which ranges go beyond what the judge was trained to read."""
    notes = []
    for name, middle, half in zip(FACTORS[1:], MIDDLE, HALF, strict=True):
        low, high = specs[name].range or (middle, middle)
        if max(high - middle, middle - low) > _READ_MARGIN * half:
            notes.append(
                f"{name} goes from {low:g} to {high:g}, beyond the {middle - half:g} to "
                f"{middle + half:g} that the judge knows: read its error beside that on real "
                "renderings."
            )
    return notes


@dataclass
class Observed:
    """What was seen of one drawer, before anything is averaged: arrays of N."""

    errors: dict[str, Floats] = field(default_factory=dict)  # by factor, of categories 0 or 1
    distance: Floats = field(default_factory=lambda: np.zeros(0))  # squared, of two styles
    edges: Floats = field(default_factory=lambda: np.zeros(0))  # squared, of neighbouring pixels
    grey: Floats = field(default_factory=lambda: np.zeros(0))  # sum of x (1 - x)
    ink: Floats = field(default_factory=lambda: np.zeros(0))  # sum of x
    channels: int = 1
    moves: dict[str, dict[str, Floats]] = field(default_factory=dict)
    obeyed: dict[str, Floats] = field(default_factory=dict)  # by category that was changed


class Look:
    """Looks at images through a judge's eye."""

    def __init__(self, judge: Reader, specs: Sequence[FactorSpec], source: Source) -> None:
        names = [spec.name for spec in specs]
        if unknown := [name for name in judge.names if name not in names]:
            raise UnbraidError(
                f"the judge reads {unknown[0]}, but the factors are {', '.join(names)}: it learnt "
                "from other data."
            )
        self.judge, self.source = judge, source
        self.columns = [names.index(name) for name in judge.names]
        self.scale = Scale([specs[column] for column in self.columns])

    def wanted(self, rows: Floats) -> Floats:
        """Return requests (N, F) as the judge would read them."""
        return self.scale.values(rows[:, self.columns])

    def observe(
        self, draw: Callable[[Floats, int], Any], asked: Floats, changed: dict[str, Floats]
    ) -> Observed:
        """Draw all that is asked for and read it; ``draw`` takes factors and a style, 0 or 1."""
        first = as_floats(draw(asked, 0), len(asked))
        found = _seen(first, as_floats(draw(asked, 1), len(asked)))
        before, wanted = self.judge.read(first), self.wanted(asked)
        # The symmetry is that of the category asked for, whatever was read.
        found.errors = self._errors(self.scale.away(before, wanted, wanted), wanted)
        for name, rows in changed.items():
            after = self.judge.read(as_floats(draw(rows, 0), len(rows)))
            away = np.abs(self.scale.away(after, before, after, before))
            moved = dict(zip(self.scale.names, away.T, strict=True))
            found.moves[name] = {other: moved[other] for other in moved if other != name}
            column = self.scale.names.index(name)
            if not is_ordered(self.scale.specs[column]):
                right = after[:, column] == self.wanted(rows)[:, column]
                found.obeyed[name] = right.astype(np.float64)
        return found

    def beside(self, asked: Floats, changed: dict[str, Floats], seed: int) -> Observed:
        """Look at the real images nearest to what is asked, as they are.

        Errors are from the factors that they have. Moves are what two readings differ by that
        have nothing to do with each other.
        """
        (images, rows), (other, _) = (self.source.real(asked, [seed, 3, k]) for k in (0, 1))
        first = as_floats(images, len(asked))
        found = _seen(first, as_floats(other, len(asked)))
        has = self.wanted(rows)
        away = self.scale.away(self.judge.read(first), has, has)
        found.errors = self._errors(away, has)
        shuffled = away[np.random.default_rng([seed, 5]).permutation(len(away))]
        for name in changed:
            moves = {}
            for column, spec in enumerate(self.scale.specs):
                both = away[:, column], shuffled[:, column]
                apart = np.abs(both[0] - both[1]) if is_ordered(spec) else np.maximum(*both)
                moves[spec.name] = apart
            found.moves[name] = {k: apart for k, apart in moves.items() if k != name}
            if not is_ordered(self.scale.specs[self.scale.names.index(name)]):
                found.obeyed[name] = 1 - found.errors[name]
        return found

    def _errors(self, away: Floats, wanted: Floats) -> dict[str, Floats]:
        errors = dict(zip(self.scale.names, np.abs(away).T, strict=True))
        for name in self.source.relative:
            if name in errors:
                errors[name] = 100 * errors[name] / wanted[:, self.scale.names.index(name)]
        return errors


def _seen(first: NDArray[np.float32], second: NDArray[np.float32]) -> Observed:
    """Return what two images of each request show without a judge."""
    found = Observed(channels=first.shape[1])
    found.distance = np.square(first - second).sum((1, 2, 3))
    found.grey, found.ink = (first * (1 - first)).sum((1, 2, 3)), first.sum((1, 2, 3))
    down, right = np.diff(first, axis=2), np.diff(first, axis=3)
    found.edges = np.square(down).sum((1, 2, 3)) + np.square(right).sum((1, 2, 3))
    return found


def as_floats(images: Any, count: int) -> NDArray[np.float32]:
    """Return images as float32 on [0, 1], (N, C, H, W)."""
    array = np.asarray(images)
    if array.ndim != 4 or len(array) != count:
        raise UnbraidError(
            f"the drawer returned images of shape {array.shape}, expected ({count}, C, H, W)."
        )
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255)
    return np.clip(array.astype(np.float32), 0, 1)
