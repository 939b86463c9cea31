"""Standard errors by resampling: delete-a-block jackknife and half-samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def blocks(rows: int, count: int, seed: int) -> Ints:
    """Return a random balanced assignment of rows to ``count`` blocks, (rows,)."""
    return np.random.default_rng([seed, count]).permutation(np.arange(rows) % count)


def jackknife_error(values: Floats) -> Floats:
    """Return the standard error of ``values[0]`` from the leave-one-block-out values[1:].

    With G blocks it is sqrt((G - 1) / G * sum (value_g - mean)^2), Efron & Stein (1981), taken
    along the first axis.

    >>> x = np.arange(10.0)
    >>> means = np.array([x.mean(), *(np.delete(x, i).mean() for i in range(10))])
    >>> round(float(jackknife_error(means)), 6) == round(float(x.std(ddof=1) / 10**0.5), 6)
    True
    """
    left_out = values[1:]
    count = len(left_out)
    spread = np.square(left_out - left_out.mean(axis=0)).sum(axis=0)
    error: Floats = np.sqrt((count - 1) / count * spread)
    return error


def half_samples(rows: int, count: int, seed: int) -> list[Ints]:
    """Return ``count`` random halves of the rows.

    The spread of a statistic over halves drawn without replacement is its standard error on
    all rows (Shao & Wu 1989), also where it is not smooth.
    """
    rng = np.random.default_rng([seed, rows, count])
    return [np.sort(rng.permutation(rows)[: rows // 2]) for _ in range(count)]


def mean_error(rows: Floats) -> float:
    """Return the standard error of the mean of independent rows."""
    return float(rows.std(ddof=1) / np.sqrt(len(rows)))
