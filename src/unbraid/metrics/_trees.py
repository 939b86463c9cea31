"""Boosted trees that predict a factor from all codes, and how much each code helped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import lightgbm
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

from unbraid.metrics._linear import standardised
from unbraid.metrics._options import SEEDS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Predict = Callable[[Floats], Floats]


TINY = 1e-20  # columns of smaller values are enlarged


class Fit(NamedTuple):
    """Trees for one factor.

    ``importance`` (D,) sums to 1, or to 0 if no code helped; ``predict`` maps the codes' columns
    (n, W) to class indices (n, 1) or numbers (n, q).
    """

    importance: Floats
    predict: Predict


def leaf_rows(rows: int) -> int:
    """Return the least number of rows in a leaf: LightGBM's default of 20, fewer below 1,000 rows.

    At 20, trees on a few dozen rows could not split at all, and found nothing in perfect codes.

    >>> [leaf_rows(rows) for rows in (39, 500, 1000, 100_000)]
    [1, 10, 20, 20]
    """
    return min(20, max(1, rows // 50))


def fit_classes(
    columns: Floats, owners: Ints, classes: Ints, rounds: int, backend: str, seed: int
) -> Fit:
    """Fit trees to classes 0..K-1 (n,), each of which occurs.

    Args:
        columns: (n, W).
        owners: (W,) the code that each column belongs to.
        classes: (n,).
        rounds: of boosting.
        backend: ``lightgbm`` or ``sklearn``.
        seed: of the trees.
    """
    count = int(classes.max()) + 1
    if count == 1:  # a rare class may have gone to the other rows altogether
        return Fit(np.zeros(int(owners.max()) + 1), lambda z: np.zeros((len(z), 1)))
    if backend == "sklearn":
        model = GradientBoostingClassifier(n_estimators=rounds, random_state=seed % SEEDS)
        model.fit(standardised(columns), classes)  # in float32, which an offset would use up
        return Fit(
            _by_code(owners, model.feature_importances_),
            lambda z: model.predict(standardised(columns, z))[:, None],
        )
    objective = {"objective": "multiclass", "num_class": count}
    importance, predict = _lightgbm(columns, owners, classes, rounds, objective, seed)
    return Fit(_shares(importance), lambda z: predict(z).argmax(axis=1)[:, None].astype(float))


def fit_numbers(
    columns: Floats, owners: Ints, targets: Floats, rounds: int, backend: str, seed: int
) -> Fit:
    """Fit trees to numbers (n, q), one ensemble a number; their importances are added up."""
    importances, predictors = [], []
    for target in targets.T:
        if backend == "sklearn":
            model = GradientBoostingRegressor(n_estimators=rounds, random_state=seed % SEEDS)
            model.fit(standardised(columns), target)
            # not feature_importances_: in shares, trees that fit noise count as much as others
            trees = [tree.tree_ for tree in model.estimators_[:, 0]]
            gains = [tree.compute_feature_importances(normalize=False) for tree in trees]
            gain = _by_code(owners, np.sum(gains, axis=0))
            predict = _of_standardised(model.predict, columns)
        else:
            objective = {"objective": "regression"}
            gain, predict = _lightgbm(columns, owners, target, rounds, objective, seed)
        importances.append(gain)
        predictors.append(predict)
    total: Floats = np.sum(importances, axis=0)
    return Fit(_shares(total), lambda z: np.stack([p(z) for p in predictors], axis=1))


def _by_code(owners: Ints, importance: Floats) -> Floats:
    total: Floats = np.bincount(owners, importance).astype(np.float64)
    return total


def _of_standardised(predict: Predict, columns: Floats) -> Predict:
    return lambda z: predict(standardised(columns, z))


def _shares(importance: Floats) -> Floats:
    total = importance.sum()
    shares: Floats = importance / total if total > 0 else np.zeros_like(importance)
    return shares


def _lightgbm(
    columns: Floats,
    owners: Ints,
    target: NDArray[Any],
    rounds: int,
    objective: dict[str, Any],
    seed: int,
) -> tuple[Floats, Predict]:
    """Return each code's total gain (D,) and the predictor.

    Trees see only the order of a column's values, and LightGBM gives every tie between columns to
    the first. So columns of one order (copies, mirrored copies) enter once, and the codes that
    they belong to share the gain.
    """
    groups = same_order(columns)
    first = [group[0] for group in groups]
    size = _enlarged(columns[:, first])
    leaf = leaf_rows(len(columns))
    options = {
        **objective,
        "max_depth": 3,
        "num_leaves": 8,
        "min_data_in_leaf": leaf,
        "min_data_in_bin": min(3, leaf),
        "learning_rate": 0.1,
        "num_threads": 1,  # factors are fitted side by side; and results never depend on it
        "deterministic": True,
        "force_col_wise": True,
        "seed": seed,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(columns[:, first] * size, target, params=options)
    booster = lightgbm.train(options, data, rounds)
    gain = booster.feature_importance("gain")
    importance = np.zeros(int(owners.max()) + 1)
    for group, total in zip(groups, gain, strict=True):
        codes = np.unique(owners[group])
        importance[codes] += total / len(codes)
    return importance, lambda z: np.asarray(booster.predict(z[:, first] * size, num_threads=1))


def _enlarged(columns: Floats) -> Floats:
    """Return what columns (N, W) are multiplied by, (W,): LightGBM takes 1e-35 and less for 0."""
    largest = np.abs(columns).max(axis=0)
    tiny = (largest > 0) & (largest < TINY)
    return np.where(tiny, 1 / np.where(tiny, largest.clip(1e-300), 1), 1.0)


def same_order(codes: Floats) -> list[list[int]]:
    """Return the codes grouped by the order in which they put the points, mirrored or not.

    >>> same_order(np.array([[0.0, 3.0, -1.0], [1.0, 1.0, -8.0], [2.0, 2.0, -9.0]]))
    [[0, 2], [1]]
    """
    groups: dict[bytes, list[int]] = {}
    for i, code in enumerate(codes.T):
        rank = np.unique(code, return_inverse=True)[1]
        mirrored = rank.max() - rank
        moved = np.flatnonzero(rank != mirrored)
        if len(moved) and rank[moved[0]] > mirrored[moved[0]]:
            rank = mirrored
        groups.setdefault(rank.tobytes(), []).append(i)
    return list(groups.values())
