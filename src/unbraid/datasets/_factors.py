"""Factors drawn at random: any marginal distribution, any correlation, or a full grid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from unbraid.core import memory
from unbraid.core.errors import UnbraidError, did_you_mean
from unbraid.core.factors import FactorSpec

DISTRIBUTIONS = ("uniform", "normal")
_SPREAD = 2.0  # a "normal" factor has its range's ends at two standard deviations


def sample_factors(
    specs: Sequence[FactorSpec],
    count: int,
    seed: Sequence[int],
    correlations: Iterable[tuple[str, str, float]] = (),
    distributions: Mapping[str, str] | None = None,
) -> NDArray[np.float64]:
    """Draw factors: (count, F), float64, discrete ones as indices.

    Correlated factors come from a Gaussian copula: standard normals with the given correlations,
    each turned into its factor by that factor's quantile function. Between two uniform factors a
    copula correlation rho gives the Pearson and rank correlation 6/pi asin(rho/2), a little less.
    Drawing more with the same seed draws the same ones first.

    Args:
        specs: the factors; those without ``values`` are drawn from their ``range``.
        count: how many rows.
        seed: entropy of ``numpy.random.default_rng``.
        correlations: (factor, factor, rho) for each pair that is not independent.
        distributions: ``"uniform"`` (the default) or ``"normal"`` (centred on the range, its ends
            at two standard deviations, cut off there) by factor.

    Raises:
        UnbraidError: an unknown factor or distribution, or correlations no data can have.

    >>> spec = FactorSpec("angle", "continuous", range=(-45, 45), unit="degrees")
    >>> sample_factors([spec], 2, [0]).shape
    (2, 1)
    """
    names = [spec.name for spec in specs]
    distributions = distributions or {}
    for name, distribution in distributions.items():
        _check_name(name, names)
        if distribution not in DISTRIBUTIONS:
            raise UnbraidError(
                f"factor '{name}' cannot be distributed as '{distribution}'"
                f"{did_you_mean(distribution, DISTRIBUTIONS)}: choose 'uniform' or 'normal'."
            )
    _check_room(count, len(specs))
    root = np.linalg.cholesky(correlation_matrix(names, correlations))
    normals = np.random.default_rng(seed).standard_normal((count, len(specs))) @ root.T
    parts = ndtr(normals)
    for column, name in enumerate(names):
        if distributions.get(name) == "normal":
            tail = ndtr(-_SPREAD)
            within = ndtri(tail + parts[:, column] * (1 - 2 * tail))
            parts[:, column] = 0.5 + within / (2 * _SPREAD)
    return np.stack([_at(spec, parts[:, column]) for column, spec in enumerate(specs)], axis=1)


def grid_of(specs: Sequence[FactorSpec], levels: int) -> NDArray[np.float64]:
    """Return every combination once, (N, F), the last factor fastest.

    Continuous factors take ``levels`` equally spaced values from end to end of their range.

    >>> spec = FactorSpec("x", "continuous", range=(-9, 9), unit="pixels")
    >>> grid_of([spec], 3).ravel().tolist()
    [-9.0, 0.0, 9.0]
    """
    if levels < 2:
        raise UnbraidError(f"grid={levels}: a grid needs at least 2 levels a factor.")
    axes = [
        np.arange(len(spec.values), dtype=np.float64)
        if spec.values is not None
        else np.unique(np.linspace(*_ends(spec), levels))
        for spec in specs
    ]
    _check_room(prod(map(len, axes)), len(axes))
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)


def correlation_matrix(
    names: Sequence[str], correlations: Iterable[tuple[str, str, float]]
) -> NDArray[np.float64]:
    """Return the (F, F) matrix of the given correlations, all others zero.

    >>> correlation_matrix(["x", "y"], [("x", "y", 0.5)]).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    matrix = np.eye(len(names))
    for one, other, rho in correlations:
        _check_name(one, names)
        _check_name(other, names)
        if one == other or not abs(rho) < 1:
            raise UnbraidError(
                f"correlation ({one}, {other}, {rho}) needs two different factors and a number "
                "strictly between -1 and 1."
            )
        i, j = names.index(one), names.index(other)
        matrix[i, j] = matrix[j, i] = rho
    lowest = float(np.linalg.eigvalsh(matrix)[0])
    if lowest <= 1e-9:
        raise UnbraidError(
            "the correlations contradict each other (their matrix is not positive definite: its "
            f"lowest eigenvalue is {lowest:.2g}): bring them closer to zero."
        )
    return matrix


def _check_room(rows: int, columns: int) -> None:
    """Raise an UnbraidError unless rows of factors fit into memory, with what they are made of."""
    remedy = "ask for a smaller n, or for fewer levels of a grid"
    memory.check(3 * 8 * rows * columns, f"drawing {rows:,} rows of factors", remedy)


def _at(spec: FactorSpec, part: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the factor's values a part (0 to 1) of the way through its values or range."""
    if spec.values is not None:
        return np.minimum(np.floor(part * len(spec.values)), len(spec.values) - 1)
    low, high = _ends(spec)
    return low + part * (high - low)


def _ends(spec: FactorSpec) -> tuple[float, float]:
    assert spec.range is not None  # FactorSpec has it where it has no values
    return spec.range


def _check_name(name: str, names: Sequence[str]) -> None:
    if name not in names:
        raise UnbraidError(
            f"unknown factor '{name}'{did_you_mean(name, names)}: the factors are "
            f"{', '.join(names)}."
        )
