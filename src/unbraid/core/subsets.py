"""Some rows of many: the one way in which all that looks at a part of the data chooses it.

Data may come sorted, by class or in the order of a grid, and its first rows then show a few classes
alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError


def drawing(seed: int) -> np.random.Generator:
    """Return the generator of a seed that a user gave.

    Raises:
        UnbraidError: it is below 0.

    >>> drawing(1).integers(10) == drawing(1).integers(10)
    np.True_
    """
    if seed < 0:
        raise UnbraidError(f"seed is {seed}, expected 0 or more.")
    return np.random.default_rng(seed)


def some_rows(total: int, limit: int, seed: int = 0) -> NDArray[np.int64]:
    """Return at most ``limit`` of ``total`` rows, drawn at random and in ascending order.

    All rows, if there are no more than that. Fewer of the same seed are among the more.

    >>> some_rows(10, 3)
    array([2, 4, 6])
    >>> some_rows(3, 10)
    array([0, 1, 2])
    """
    return np.sort(drawing(seed).permutation(total)[:limit])
