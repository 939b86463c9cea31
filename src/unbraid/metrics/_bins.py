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
    edges = np.linspace(column.min(), column.max(), bins + 1)
    return (np.digitize(column, edges[:-1]) - 1).astype(np.int64)


def quantile(column: Floats, bins: int) -> Ints:
    """Return the bin of each value (N,): bins of equal counts, as far as ties allow.

    >>> quantile(np.array([0.0, 1.0, 2.0, 100.0]), 2)
    array([0, 0, 1, 1])
    """
    edges = np.unique(np.quantile(column, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.searchsorted(edges, column, side="right").astype(np.int64)


BINNINGS: dict[str, Callable[[Floats, int], Ints]] = {"width": equal_width, "quantile": quantile}
