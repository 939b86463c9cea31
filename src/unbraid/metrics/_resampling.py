"""Standard errors by resampling: delete-a-block jackknife and half-samples."""

from __future__ import annotations

import math

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
    """Return the standard error of the mean of independent rows, NaN for a single one."""
    return float(rows.std(ddof=1) / np.sqrt(len(rows))) if len(rows) > 1 else math.nan


def repeats_error(scores: Floats, overlap: float = 0.0) -> float:
    """Return the standard error of the mean of repeated measurements, NaN for a single one.

    Repeats on random splits of the same rows are alike: with ``overlap`` the number of test rows
    over that of training rows, their variance is multiplied by ``1 / J + overlap`` and not by
    ``1 / J`` (Nadeau & Bengio 2003). ``overlap`` is 0 for independent repeats.

    >>> repeats_error(np.array([0.0, 2.0])), repeats_error(np.array([0.0, 2.0]), 1.5)
    (1.0, 2.0)
    """
    if len(scores) < 2:
        return math.nan
    return float(np.sqrt(scores.var(ddof=1) * (1 / len(scores) + overlap)))
