"""The association of each two factors of a data set; confounded factors cannot be separated.

Each factor is brought to a space of features: indicators of its levels (categories), its ranks
(ordered factors) or cosine and sine (circles). With rho_1, rho_2, ... the canonical correlations
of two spaces of dimensions p and q, the association is

    sqrt((sum_i rho_i^2 - b) / (min(p, q) - b)),        b = p q / (n - 1),

which is 0 where factors are independent and 1 where one determines the other. b is the expected
sum for n independent rows (Bergsma 2013, "A bias-correction for Cramer's V and Tschuprow's T"). But
for b it is Cramer's V of two categories, the correlation ratio of a category and a number
(Pearson 1905), Spearman's correlation of two numbers (without its sign), and the circular-linear
correlation of a circle and a number (Mardia 1976).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, issparse
from scipy.stats import rankdata

from unbraid.core.factors import FactorSpec
from unbraid.core.subsets import drawing

LIMIT = 20_000  # rows: a standard error of at most .01


def associations(
    factors: ArrayLike, specs: Sequence[FactorSpec], seed: int = 0
) -> NDArray[np.float64]:
    """Return the association of each two factors, (F, F), 0 to 1; NaN where it is undefined.

    Args:
        factors: (N, F), NaN where unknown; pairs are compared where both are known.
        specs: of the factors.
        seed: draws 20,000 rows if there are more.

    >>> x = np.arange(100) % 10
    >>> specs = [FactorSpec(n, "ordinal", values=tuple(range(10))) for n in "xyz"]
    >>> associations(np.stack([x, 9 - x, np.arange(100) // 10], 1), specs).round(2) + 0.0
    array([[1., 1., 0.],
           [1., 1., 0.],
           [0., 0., 1.]])
    """
    rows = np.asarray(factors, np.float64)
    if len(rows) > LIMIT:
        rows = rows[drawing(seed).choice(len(rows), LIMIT, replace=False)]
    found = np.full((len(specs), len(specs)), np.nan)
    for column in range(len(specs)):
        known = rows[~np.isnan(rows[:, column]), column]
        found[column, column] = 1.0 if len(np.unique(known)) > 1 else np.nan
    for i, j in combinations(range(len(specs)), 2):
        pair = rows[:, [i, j]]
        pair = pair[~np.isnan(pair).any(1)]
        found[i, j] = found[j, i] = _association(pair, specs[i], specs[j])
    return found


def _association(pair: NDArray[np.float64], one: FactorSpec, other: FactorSpec) -> float:
    count = len(pair)
    if count < 3:
        return float("nan")
    (left, p), (right, q) = _basis(pair[:, 0], one), _basis(pair[:, 1], other)
    if not p or not q:  # constant where both are known
        return float("nan")
    product = left.T @ right
    explained = float(abs(product).power(2).sum() if issparse(product) else (product**2).sum())
    if issparse(left) and issparse(right):
        explained -= 1  # both hold the constant
    chance = p * q / (count - 1)
    room = min(p, q) - chance
    if room <= 0:  # too few rows for so many levels
        return float("nan")
    return float(np.sqrt(min(max(explained - chance, 0.0) / room, 1.0)))


def _basis(column: NDArray[np.float64], spec: FactorSpec) -> tuple[Any, int]:
    """Return an orthonormal basis of a factor's features, (N, ...), and their dimension if centred.

    Indicators stay sparse and are not centred: their span contains the constant.
    """
    if spec.kind == "categorical":
        _, index, counts = np.unique(column, return_inverse=True, return_counts=True)
        weights = 1 / np.sqrt(counts)[index]
        return csr_array((weights, (np.arange(len(column)), index))), len(counts) - 1
    if spec.kind == "periodic":
        angle = column * (2 * np.pi / (spec.stored_turn or 1.0))
        features = np.stack([np.cos(angle), np.sin(angle)], 1)
    else:
        features = rankdata(column)[:, None]
    basis, scale, _ = np.linalg.svd(features - features.mean(0), full_matrices=False)
    kept = scale > 1e-9 * len(column)
    return basis[:, kept], int(kept.sum())
