"""Random requests, as rows of factors, and requests in which one factor is changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from unbraid.core.factors import FactorSpec

Floats = NDArray[np.float64]
Distribution = Literal["independent", "joint"]


def draw_requests(specs: Sequence[FactorSpec], count: int, seed: int) -> Floats:
    """Return random requests (count, F), uniform over ranges and levels.

    >>> rows = draw_requests([FactorSpec("x", "continuous", range=(2, 3))], 100, seed=0)
    >>> rows.shape, bool(rows.min() >= 2 and rows.max() <= 3)
    ((100, 1), True)
    """
    rng = np.random.default_rng([seed, 0])
    return np.column_stack([_uniform(spec, count, rng) for spec in specs])


def change_one(requests: Floats, column: int, spec: FactorSpec, seed: int) -> Floats | None:
    """Return the requests with one factor drawn again; None if it has a single value.

    A level is always replaced by another level.
    """
    rng = np.random.default_rng([seed, 1, column])
    rows = requests.copy()
    if spec.values is not None:
        levels = len(spec.values)
        if levels < 2:
            return None
        rows[:, column] = (rows[:, column] + rng.integers(1, levels, len(rows))) % levels
        return rows
    assert spec.range is not None
    rows[:, column] = _uniform(spec, len(rows), rng)
    return rows if spec.range[0] < spec.range[1] else None


def sample_rows(rows: Floats, count: int, seed: int) -> Floats:
    """Return rows in a random order, each of them equally often up to a difference of one."""
    rng = np.random.default_rng([seed, 0])
    order = np.concatenate([rng.permutation(len(rows)) for _ in range(-(-count // len(rows)))])
    chosen: Floats = rows[order[:count]]
    return chosen


def _uniform(spec: FactorSpec, count: int, rng: np.random.Generator) -> Floats:
    if spec.values is not None:
        return rng.integers(0, len(spec.values), count).astype(np.float64)
    assert spec.range is not None
    return rng.uniform(*spec.range, count)
