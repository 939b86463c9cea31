"""Some rows of many: the one way in which all that looks at a part of the data chooses it.

Data may come sorted, by class or in the order of a grid, and its first rows then show a few classes
alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def some_rows(total: int, limit: int, seed: int = 0) -> NDArray[np.int64]:
    """Return at most ``limit`` of ``total`` rows, drawn at random and in ascending order.

    All rows, if there are no more than that. Fewer of the same seed are among the more.

    >>> some_rows(10, 3)
    array([2, 4, 6])
    >>> some_rows(3, 10)
    array([0, 1, 2])
    """
    return np.sort(np.random.default_rng(seed).permutation(total)[:limit])
