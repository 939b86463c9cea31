"""Observations of drawn images: errors and changes as a judge reads them, and pixel statistics."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from unbraid.control.assessment.judge import FACTORS, HALF, MIDDLE, Judge
from unbraid.control.assessment.random_requests import Distribution
from unbraid.control.assessment.sources import Source
from unbraid.control.assessment.units import FactorUnits, has_order, wrap_difference
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.sound import variance_over_time

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_TRAINED_RANGE = 1.15  # half-widths of the default ranges that the judge was trained on


class Reader(Protocol):
    """A judge, of ``digits`` or of any data."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the factors it reads."""

    def read(self, images: Any) -> Floats:
        """Return these factors in their units, (N, F), categories as indices."""


class DigitsReader:
    """The judge of ``digits``, with digits converted to the levels of given specs.

    Args:
        judge: of ``digits``.
        specs: of the factors, including those that the judge reads.
    """

    names = FACTORS

    def __init__(self, judge: Judge, specs: Sequence[FactorSpec]) -> None:
        self.judge = judge
        by_name = {spec.name: spec for spec in specs}
        if missing := [name for name in FACTORS if name not in by_name]:
            raise UnbraidError(
                f"the factors are {', '.join(by_name) or 'unknown'}, without {missing[0]}, but "
                f"this judge needs {', '.join(FACTORS)}, the factors of 'digits': use a judge of "
                "the data (unbraid judge)."
            )
        self.level = np.full(10, -1.0)  # digits that are no level
        for level, digit in enumerate(by_name["digit"].values or ()):
            self.level[int(digit)] = level
        self.notes = _range_notes(by_name)

    def read(self, images: Any) -> Floats:
        """Return digit (an index), size, x, y, angle and thickness, (N, 6)."""
        found = self.judge.read(images)
        found[:, 0] = self.level[found[:, 0].astype(np.int64)]
        return found


def _range_notes(specs: dict[str, FactorSpec]) -> list[str]:
    """Return a remark for each range that exceeds the range the judge was trained on."""
    notes = []
    for name, middle, half in zip(FACTORS[1:], MIDDLE, HALF, strict=True):
        low, high = specs[name].range or (middle, middle)
        if max(high - middle, middle - low) > _TRAINED_RANGE * half:
            notes.append(
                f"The range of {name}, {low:g} to {high:g}, exceeds the {middle - half:g} to "
                f"{middle + half:g} that the judge was trained on: compare its error with that on "
                "real renderings."
            )
    return notes


@dataclass
class Observations:
    """Observations of each request, before averaging: arrays (N,)."""

    errors: dict[str, Floats] = field(default_factory=dict)  # by factor; 0 or 1 for categories
    distance: Floats = field(default_factory=lambda: np.zeros(0))  # squared distance of two styles
    edges: Floats = field(default_factory=lambda: np.zeros(0))  # squared pixel differences
    grey: Floats = field(default_factory=lambda: np.zeros(0))  # sum of x (1 - x)
    ink: Floats = field(default_factory=lambda: np.zeros(0))  # sum of x
    channels: int = 1
    motion: Floats = field(default_factory=lambda: np.zeros(0))  # of voices: variance over time
    moves: dict[str, dict[str, Floats]] = field(default_factory=dict)  # changed, other factor
    changes: dict[str, Floats] = field(default_factory=dict)  # whether a new level was read
    # equal where the same image was observed, as of requests that come from few images, or images
    # of one group
    same: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def leave_out(self, known: Counted) -> None:
        """Set what a request is not counted for to NaN."""
        for name, errors in self.errors.items():
            self.errors[name] = np.where(known.asked[name], errors, np.nan)
        for name, moves in self.moves.items():
            both = known.changed[name]
            # what moves with a factor that a request does not have is no effect of that factor
            self.moves[name] = {
                other: np.where(both[name] & both[other], move, np.nan)
                for other, move in moves.items()
            }
        for name, changes in self.changes.items():
            self.changes[name] = np.where(known.changed[name][name], changes, np.nan)


class Counted(NamedTuple):
    """Which requests count, (N,), by factor: where it is known and not undefined.

    Args:
        asked: in the requests.
        changed: by changed factor, both in the requests and after the change.
    """

    asked: dict[str, Bools]
    changed: dict[str, dict[str, Bools]]


class Observer:
    """Observes images with a judge."""

    def __init__(self, judge: Reader, specs: Sequence[FactorSpec], source: Source) -> None:
        names = [spec.name for spec in specs]
        if unknown := [name for name in judge.names if name not in names]:
            raise UnbraidError(
                f"the judge reads {unknown[0]}, but the factors are {', '.join(names)}: use a "
                "judge that was trained on this data."
            )
        self.judge, self.source = judge, source
        self.columns = [names.index(name) for name in judge.names]
        self.units = FactorUnits([specs[column] for column in self.columns])

    def expected(self, rows: Floats) -> Floats:
        """Return requests (N, F) as a judge without error would read them."""
        return self.units.values(rows[:, self.columns])

    def counted(
        self,
        requests: Floats,
        changed: dict[str, Floats],
        seed: int,
        distribution: Distribution,
    ) -> Counted:
        """Return which requests count for each factor, see ``Source.counted``."""

        def by_factor(found: Bools) -> dict[str, Bools]:
            return dict(zip(self.units.names, found[:, self.columns].T, strict=True))

        before = self.source.counted(requests, seed, distribution)
        after = {k: self.source.counted(rows, seed, distribution) for k, rows in changed.items()}
        both = {name: by_factor(before & found) for name, found in after.items()}
        return Counted(by_factor(before), both)

    def observe(
        self, draw: Callable[[Floats, int], Any], requests: Floats, changed: dict[str, Floats]
    ) -> Observations:
        """Draw and read the requests; ``draw`` takes factors and the number of a style, 0 or 1."""
        first = as_floats(draw(requests, 0), len(requests))
        found = _pixel_statistics(first, as_floats(draw(requests, 1), len(requests)))
        if self.source.heard:
            found.motion = variance_over_time(first)
        before, expected = self.judge.read(first), self.expected(requests)
        # the symmetry is that of the requested category, whatever was read
        difference = self.units.difference(before, expected, expected)
        found.errors = self._errors(difference, expected)
        for name, rows in changed.items():
            after = self.judge.read(as_floats(draw(rows, 0), len(rows)))
            difference = np.abs(self.units.difference(after, before, after, before))
            for each, most in self.source.capped.items():
                if each in self.units.names:
                    at = self.units.names.index(each)
                    difference[:, at] = np.minimum(difference[:, at], most)
            moved = dict(zip(self.units.names, difference.T, strict=True))
            found.moves[name] = {other: moved[other] for other in moved if other != name}
            column = self.units.names.index(name)
            if not has_order(self.units.specs[column]):
                correct = after[:, column] == self.expected(rows)[:, column]
                found.changes[name] = correct.astype(np.float64)
        return found

    def observe_nearest(
        self, requests: Floats, changed: dict[str, Floats], seed: int
    ) -> Observations:
        """Read the real images that are nearest to the requests.

        Errors are relative to the factors of these images. Moves are the differences of two
        unrelated reading errors.
        """
        (images, rows), (other, _) = (self.source.real(requests, [seed, 3, k]) for k in (0, 1))
        first = as_floats(images, len(requests))
        found = _pixel_statistics(first, as_floats(other, len(requests)))
        if (groups := self.source.together(requests, [seed, 3, 0])) is not None:
            found.same = groups
        expected = self.expected(rows)
        difference = self.units.difference(self.judge.read(first), expected, expected)
        found.errors = self._errors(difference, expected)
        order = np.random.default_rng([seed, 5]).permutation(len(difference))
        moves = self._unrelated(difference, order, expected)
        for name in changed:
            found.moves[name] = {other: move for other, move in moves.items() if other != name}
            if not has_order(self.units.specs[self.units.names.index(name)]):
                found.changes[name] = 1 - found.errors[name]
        return found

    def _unrelated(
        self, errors: Floats, order: NDArray[np.int64], expected: Floats
    ) -> dict[str, Floats]:
        """Return how far apart two reading errors are, by factor, (N,): one and the next in order.

        On a circle it is the shorter way round, as where the moves of drawn images are measured.
        """
        found = {}
        for column, spec in enumerate(self.units.specs):
            known = ~np.isnan(errors[:, column])
            one, other = errors[known, column], errors[order[known[order]], column]
            if has_order(spec):
                period = self.units.row_periods(column, expected[known])
                apart = np.abs(wrap_difference(one - other, period))
            else:
                apart = np.maximum(one, other)
            found[spec.name] = np.full(len(errors), np.nan)
            found[spec.name][known] = apart
        return found

    def _errors(self, difference: Floats, expected: Floats) -> dict[str, Floats]:
        errors = dict(zip(self.units.names, np.abs(difference).T, strict=True))
        for name in self.source.relative:
            if name in errors:
                errors[name] = 100 * errors[name] / expected[:, self.units.names.index(name)]
        return errors


def _pixel_statistics(first: NDArray[np.float32], second: NDArray[np.float32]) -> Observations:
    """Return the observations of two images of each request that need no judge."""
    found = Observations(channels=first.shape[1])
    numbers: dict[bytes, int] = {}
    keys = [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in first]
    found.same = np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)
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
            f"images of shape {array.shape} were drawn, expected ({count}, C, H, W)."
        )
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255)
    return np.clip(array.astype(np.float32), 0, 1)
