"""Clustering accuracy: how often is a categorical code, learned without labels, the class?

Xie et al. 2016, "Unsupervised Deep Embedding for Clustering Analysis", equation 10: the share of
rows whose class is that of their category, under the best one-to-one assignment of categories to
classes (Kuhn 1955, the "Hungarian method"). The majority vote gives each category its most frequent
class instead, so that several categories may share one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from unbraid.metrics._evidence import Evidence
from unbraid.metrics._score import Estimate, Score, settings

NEEDS = ("codes", "factors", "categories")


@dataclass(frozen=True)
class Config:
    """Clustering accuracy takes no options."""


def contingency(
    category: NDArray[np.int64], label: NDArray[np.int64], shape: tuple[int, int]
) -> NDArray[np.int64]:
    """Return how many rows have each category and label, (K, L).

    >>> contingency(np.array([0, 0, 1]), np.array([2, 2, 0]), (2, 3))
    array([[0, 0, 2],
           [1, 0, 0]])
    """
    return np.bincount(category * shape[1] + label, minlength=math.prod(shape)).reshape(shape)


def match(table: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the label of each category, (K,), one to one so that most rows agree.

    Where there are more categories than labels, -1 for those left over.

    >>> match(np.array([[5, 9], [0, 8], [1, 0]]))
    array([ 0,  1, -1])
    """
    labels = np.full(len(table), -1)
    category, label = linear_sum_assignment(table, maximize=True)
    labels[category] = label
    return labels


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return the one-to-one accuracy, 0 to 1, of the categorical code that fits a factor best.

    It is a mean over the categorical factors; others are left out. ``matrix`` has a row for each
    categorical code, ``detail["table"]`` the counts of the best code and the first factor, and
    ``detail["match"]`` the label of each category there.

    >>> from unbraid.metrics import gather
    >>> from unbraid.core.factors import FactorSpec
    >>> label = np.random.default_rng(0).integers(0, 3, (300, 1))
    >>> spec = FactorSpec("shape", "categorical", values=("square", "disc", "heart"))
    >>> evidence = gather((label + 1) % 3, label, [spec], categories=(3,))
    >>> compute(evidence, Config(), seed=0).value
    1.0
    """
    said = settings(evidence.sizes, config, seed, "binomial, assignment held", "scipy")
    said["categories"] = list(evidence.categories)
    variant = " and ".join(f"{size} categories" for size in evidence.categories)
    factors = [j for j, spec in enumerate(evidence.specs) if spec.kind == "categorical"]
    if not factors:
        none = Estimate(math.nan, math.nan)
        parts = {"one-to-one (Hungarian)": none, "majority vote": none}
        note = "no factor is categorical, so there are no classes to find: declare them in specs"
        notes = (note, *evidence.notes())
        return Score("clustering-accuracy", variant, math.nan, math.nan, said, parts, notes=notes)
    names = tuple(evidence.specs[j].name for j in factors)
    tables = [[_table(evidence, i, j) for j in factors] for i in range(len(evidence.categories))]
    one_to_one = np.array([[_one_to_one(table) for table in row] for row in tables])
    majority = np.array(
        [[table.max(axis=1).sum() / table.sum() for table in row] for row in tables]
    )
    best = one_to_one.argmax(axis=0)
    own = np.arange(len(factors))
    rows = len(evidence.codes)
    parts = {
        "one-to-one (Hungarian)": _estimate(one_to_one[best, own], rows),
        "majority vote": _estimate(majority[best, own], rows),
    }
    table = tables[best[0]][0]
    value = parts["one-to-one (Hungarian)"]
    return Score(
        "clustering-accuracy",
        variant,
        value.value,
        value.standard_error,
        said,
        parts,
        per_factor=one_to_one[best, own],
        matrix=one_to_one,
        factor_names=names,
        detail={"table": table, "match": match(table)},
        notes=evidence.notes(),
    )


def _table(evidence: Evidence, code: int, factor: int) -> NDArray[np.int64]:
    column, values = evidence.factors[:, factor], evidence.specs[factor].values
    levels = np.unique(column) if values is None else np.arange(len(values))
    category = evidence.codes[:, code].astype(np.int64)
    label = np.searchsorted(levels, column)
    return contingency(category, label, (evidence.categories[code], len(levels)))


def _one_to_one(table: NDArray[np.int64]) -> float:
    labels = match(table)
    kept = np.flatnonzero(labels >= 0)
    return float(table[kept, labels[kept]].sum() / table.sum())


def _estimate(accuracy: NDArray[np.float64], rows: int) -> Estimate:
    """Return the mean over factors of shares of the same rows, and its binomial error."""
    # the factors share their rows, so their errors need not cancel
    error = np.sqrt(accuracy * (1 - accuracy) / rows).mean()
    return Estimate(float(accuracy.mean()), float(error))
