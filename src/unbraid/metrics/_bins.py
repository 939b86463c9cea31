"""Turning real numbers into bins."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def equal_width(column: Floats, bins: int) -> Ints:
    """Return the bin of each value (N,): equal widths over [min, max], closed on the left.

    >>> equal_width(np.array([0.0, 0.5, 0.99, 1.0]), 2)
    array([0, 1, 1, 1])
    """
    width = np.ptp(column)
    if width == 0:
        return np.zeros(len(column), np.int64)
    place = (column - column.min()) / width * bins
    # A value on an edge belongs above it, wherever rounding at the codes' offset has put it.
    rounding = 4 * np.spacing(np.abs(column).max()) / width * bins
    index: Ints = np.clip(np.floor(place + rounding), 0, bins - 1).astype(np.int64)
    return index


def quantile(column: Floats, bins: int) -> Ints:
    """Return the bin of each value (N,): bins of equal counts, as far as ties allow.

    Where many values are equal to the least, or to the greatest, these have a bin of their own.

    >>> quantile(np.array([0.0, 1.0, 2.0, 100.0]), 2)
    array([0, 0, 1, 1])
    >>> quantile(np.array([0.0, 0.0, 0.0, 100.0]), 2)
    array([0, 0, 0, 1])
    """
    edges = np.quantile(column, np.linspace(0, 1, bins + 1)[1:-1])
    least = column.min()
    if edges.size and edges[0] == least < column.max():
        # an edge belongs to the bin above it, and nothing is below this one
        edges[edges == least] = column[column > least].min()
    edges = np.unique(edges)
    return np.searchsorted(edges, column, side="right").astype(np.int64)


BINNINGS: dict[str, Callable[[Floats, int], Ints]] = {"width": equal_width, "quantile": quantile}
