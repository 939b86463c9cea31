"""Factors in their own units: from stored numbers, and how far two rows of them are apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.factors import FactorSpec

Floats = NDArray[np.float64]


def is_ordered(spec: FactorSpec) -> bool:
    """Whether a factor has distances, which categories have not."""
    return spec.kind != "categorical"


def varies(spec: FactorSpec) -> bool:
    """Whether a factor has more than one value."""
    if spec.values is not None:
        return len(spec.values) > 1
    low, high = spec.range or (0.0, 0.0)
    return low < high


def unit_of(spec: FactorSpec) -> str:
    """Return the unit of a factor's errors."""
    if spec.kind == "categorical":
        return "%"
    return spec.unit or ("levels" if spec.values is not None and not _numbers(spec) else "")


def _numbers(spec: FactorSpec) -> bool:
    return all(isinstance(value, int | float | np.number) for value in spec.values or ())


class Scale:
    """Compares rows of factors, each factor in its own unit.

    A level is the number that its spec gives it, fractions between two levels included; levels
    that are words are 0, 1, 2, ... Categories stay indices.

    Args:
        specs: of the factors.

    >>> spec = FactorSpec("angle", "periodic", values=(0, 90, 180, 270), period=360)
    >>> scale = Scale([spec])
    >>> scale.values(np.array([[3.0]])), scale.away(np.array([[270.0]]), np.array([[0.0]]))
    (array([[270.]]), array([[-90.]]))
    """

    def __init__(self, specs: Sequence[FactorSpec]) -> None:
        self.specs = tuple(specs)
        self.names = tuple(spec.name for spec in specs)

    def values(self, rows: Any) -> Floats:
        """Return stored factors (N, F) in their units, NaN where unknown."""
        found = np.array(rows, np.float64)
        for column, spec in enumerate(self.specs):
            if spec.kind != "categorical" and spec.values is not None and _numbers(spec):
                levels = np.array(spec.values, np.float64)
                found[:, column] = np.interp(found[:, column], np.arange(len(levels)), levels)
        return found

    def turn(self, column: int) -> float:
        """Return the length of a factor's turn in its unit, 0 if it does not repeat."""
        spec = self.specs[column]
        if spec.kind != "periodic":
            return float(spec.period or 0.0)
        words = spec.values is not None and not _numbers(spec)
        return float(len(spec.values or ())) if words else float(spec.period or 0.0)

    def periods(self, column: int, given: Floats) -> Floats:
        """Return after how much a factor repeats in each row, (N,).

        Args:
            column: of the factor.
            given: rows whose categories decide, (N, F).

        Returns:
            Infinity where it does not repeat, NaN where it has no meaning.
        """
        spec = self.specs[column]
        found = np.full(len(given), self.turn(column) or np.inf)
        for symmetry in spec.symmetries:
            if symmetry.factor not in self.names:
                continue
            other = self.names.index(symmetry.factor)
            levels = self.specs[other].values or ()
            if symmetry.value in levels:
                here = self._level(other, given[:, other]) == levels.index(symmetry.value)
                found[here] = symmetry.period or np.nan
        return found

    def _level(self, column: int, values: Floats) -> Floats:
        """Return the nearest level of values in units, NaN where unknown."""
        spec = self.specs[column]
        if spec.kind == "categorical" or not _numbers(spec):
            return values
        levels = np.array(spec.values, np.float64)
        nearest = np.abs(values[:, None] - levels).argmin(1)
        return np.where(np.isnan(values), np.nan, nearest)

    def away(self, one: Floats, other: Floats, *given: Floats) -> Floats:
        """Return one less other (N, F), the shorter way round where a factor repeats.

        Categories are 1 where they differ, else 0. NaN where either is unknown or a factor has no
        meaning.

        Args:
            one: rows in units.
            other: as many.
            given: rows whose categories decide after how much a factor repeats; where it would
                sooner by one of them, it does. ``other`` if not given.
        """
        away = one - other
        for column, spec in enumerate(self.specs):
            if spec.kind == "categorical":
                unknown = np.isnan(away[:, column])
                away[:, column] = np.where(unknown, np.nan, away[:, column] != 0)
                continue
            period = np.minimum.reduce([self.periods(column, rows) for rows in given or (other,)])
            away[:, column] = wrapped(away[:, column], period)
        return away


def wrapped(away: Floats, period: Floats) -> Floats:
    """Return differences to the nearest turn, NaN where the period is.

    >>> wrapped(np.array([350.0, 350.0]), np.array([360.0, np.inf]))
    array([-10., 350.])
    """
    found = np.where(np.isnan(period), np.nan, away)
    repeats = np.isfinite(period)
    found[repeats] -= period[repeats] * np.rint(found[repeats] / period[repeats])
    return found
