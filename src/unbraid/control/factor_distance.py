"""Distances between factors: requested, and as read from images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unbraid.core.factors import FactorSpec

Floats = NDArray[np.float64]


def factor_distance(specs: Sequence[FactorSpec], requested: Floats, read: Floats) -> Floats:
    """Return the distance between requests (N, F) and readings (N, F), summed over factors, (N,).

    Each factor adds at most 1: a wrong category, or a difference of the whole range. On a circle
    the largest difference, half a turn, adds 0.5.

    >>> spec = FactorSpec("x", "continuous", range=(-9, 9))
    >>> factor_distance([spec], np.array([[0.0]]), np.array([[4.5]])).tolist()
    [0.25]
    """
    total = np.zeros(len(requested))
    for column, spec in enumerate(specs):
        if spec.kind == "categorical":
            total += np.rint(read[:, column]) != requested[:, column]
            continue
        difference = np.abs(factor_difference(specs, requested, read, column))
        total += np.minimum(difference / range_length(spec), 1.0)
    return total


def factor_difference(
    specs: Sequence[FactorSpec], requested: Floats, read: Floats, column: int
) -> Floats:
    """Return read minus requested of one factor (N,), the shorter way round if it is periodic.

    Symmetries are those of the requested categories. The difference is 0 where a factor is
    undefined, such as the angle of a disc.

    Args:
        specs: of the factors.
        requested: (N, F), as stored.
        read: (N, F), as stored.
        column: of the factor, which is not categorical.
    """
    spec = specs[column]
    difference = read[:, column] - requested[:, column]
    turn = spec.stored_turn or 0.0
    unit = turn / spec.period if spec.period else 1.0  # stored numbers per unit of the factor
    period = np.full(len(requested), turn)
    for symmetry in spec.symmetries:
        for other, other_spec in enumerate(specs):
            values = other_spec.values or ()
            if other_spec.name == symmetry.factor and symmetry.value in values:
                here = requested[:, other] == values.index(symmetry.value)
                period[here] = symmetry.period * unit
                if not symmetry.period:
                    difference[here] = 0
    repeats = period > 0
    difference[repeats] -= period[repeats] * np.rint(difference[repeats] / period[repeats])
    return difference


def range_length(spec: FactorSpec) -> float:
    """Return the difference of stored values that counts as the whole range of a factor."""
    if spec.values is not None:
        return spec.stored_turn or float(max(len(spec.values) - 1, 1))
    low, high = spec.range or (0.0, 1.0)
    return max(high - low, 1e-9)
