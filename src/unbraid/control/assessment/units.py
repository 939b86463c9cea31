"""Factors in their own units: conversion from stored values, and differences of rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unbraid.core.factors import FactorSpec

Floats = NDArray[np.float64]


def has_order(spec: FactorSpec) -> bool:
    """Whether the values of a factor have an order and distances."""
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
    return spec.unit or ("levels" if spec.values is not None and not _has_numbers(spec) else "")


def _has_numbers(spec: FactorSpec) -> bool:
    return all(isinstance(value, int | float | np.number) for value in spec.values or ())


class FactorUnits:
    """Converts stored factors to their units, and computes differences in these units.

    A level becomes the number in the factor's spec, interpolated between levels; levels that are
    words become 0, 1, 2, ... Categories stay indices.

    Args:
        specs: of the factors.

    >>> spec = FactorSpec("angle", "periodic", values=(0, 90, 180, 270), period=360)
    >>> units = FactorUnits([spec])
    >>> units.values(np.array([[3.0]])), units.difference(np.array([[270.0]]), np.array([[0.0]]))
    (array([[270.]]), array([[-90.]]))
    """

    def __init__(self, specs: Sequence[FactorSpec]) -> None:
        self.specs = tuple(specs)
        self.names = tuple(spec.name for spec in specs)

    def values(self, rows: Any) -> Floats:
        """Return stored factors (N, F) in their units, NaN where unknown."""
        found = np.array(rows, np.float64)
        for column, spec in enumerate(self.specs):
            if spec.kind != "categorical" and spec.values is not None and _has_numbers(spec):
                levels = np.array(spec.values, np.float64)
                found[:, column] = np.interp(found[:, column], np.arange(len(levels)), levels)
        return found

    def period(self, column: int) -> float:
        """Return the period of a factor in its unit, 0 if it has none."""
        spec = self.specs[column]
        if spec.kind != "periodic":
            return float(spec.period or 0.0)
        has_words = spec.values is not None and not _has_numbers(spec)
        return float(len(spec.values or ())) if has_words else float(spec.period or 0.0)

    def row_periods(self, column: int, given: Floats) -> Floats:
        """Return the period of a factor in each row, (N,), with the symmetries of its categories.

        Args:
            column: of the factor.
            given: rows whose categories apply, (N, F).

        Returns:
            Infinity where the factor is not periodic, NaN where it is undefined.
        """
        spec = self.specs[column]
        found = np.full(len(given), self.period(column) or np.inf)
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
        if spec.kind == "categorical" or not _has_numbers(spec):
            return values
        levels = np.array(spec.values, np.float64)
        nearest = np.abs(values[:, None] - levels).argmin(1)
        return np.where(np.isnan(values), np.nan, nearest)

    def difference(self, one: Floats, other: Floats, *given: Floats) -> Floats:
        """Return one minus other (N, F), the shorter way round for periodic factors.

        Categories are 1 where they differ, otherwise 0. The result is NaN where either is unknown
        or a factor is undefined.

        Args:
            one: rows in units.
            other: as many.
            given: rows whose categories determine the period; the smallest period applies.
                ``other`` if not given.
        """
        found = one - other
        for column, spec in enumerate(self.specs):
            if spec.kind == "categorical":
                unknown = np.isnan(found[:, column])
                found[:, column] = np.where(unknown, np.nan, found[:, column] != 0)
                continue
            period = np.minimum.reduce(
                [self.row_periods(column, rows) for rows in given or (other,)]
            )
            found[:, column] = wrap_difference(found[:, column], period)
        return found


def as_text(*numbers: float) -> list[str]:
    """Return numbers of one unit as text with equally many decimals.

    There are two, or more where the largest would have fewer than three digits.

    >>> as_text(12.345, 0.3), as_text(0.00123, 0.0001)
    (['12.35', '0.30'], ['0.00123', '0.00010'])
    """
    largest = max((abs(number) for number in numbers), default=0.0)
    decimals = 2 - math.floor(math.log10(largest)) if 0 < largest < 0.1 else 2
    return [f"{number:.{decimals}f}" for number in numbers]


def wrap_difference(difference: Floats, period: Floats) -> Floats:
    """Return differences modulo the period, between minus and plus half of it; NaN where it is NaN.

    >>> wrap_difference(np.array([350.0, 350.0]), np.array([360.0, np.inf]))
    array([-10., 350.])
    """
    found = np.where(np.isnan(period), np.nan, difference)
    repeats = np.isfinite(period)
    found[repeats] -= period[repeats] * np.rint(found[repeats] / period[repeats])
    return found
