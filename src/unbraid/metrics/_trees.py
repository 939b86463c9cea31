"""Boosted trees that predict a factor from all codes, and how much each code helped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import lightgbm
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Predict = Callable[[Floats], Floats]


class Fit(NamedTuple):
    """Trees for one factor.

    ``importance`` (D,) sums to 1, or to 0 if no code helped; ``predict`` maps codes (n, D) to
    class indices (n, 1) or numbers (n, q).
    """

    importance: Floats
    predict: Predict


def fit_classes(codes: Floats, classes: Ints, rounds: int, backend: str, seed: int) -> Fit:
    """Fit trees to classes 0..K-1 (n,), each of which occurs."""
    count = int(classes.max()) + 1
    if count == 1:  # a rare class may have gone to the other rows altogether
        return Fit(np.zeros(codes.shape[1]), lambda z: np.zeros((len(z), 1)))
    if backend == "sklearn":
        model = GradientBoostingClassifier(n_estimators=rounds, random_state=seed)
        model.fit(codes, classes)
        return Fit(model.feature_importances_, lambda z: model.predict(z)[:, None])
    objective = {"objective": "multiclass", "num_class": count}
    importance, predict = _lightgbm(codes, classes, rounds, objective, seed)
    return Fit(_shares(importance), lambda z: predict(z).argmax(axis=1)[:, None].astype(float))


def fit_numbers(codes: Floats, targets: Floats, rounds: int, backend: str, seed: int) -> Fit:
    """Fit trees to numbers (n, q), one ensemble a column; their importances are added up."""
    importances, predictors = [], []
    for target in targets.T:
        if backend == "sklearn":
            model = GradientBoostingRegressor(n_estimators=rounds, random_state=seed)
            model.fit(codes, target)
            # Shares of each column's own gain, put back on the scale of that gain.
            importances.append(model.feature_importances_ * target.var())
            predictors.append(model.predict)
        else:
            gain, predict = _lightgbm(codes, target, rounds, {"objective": "regression"}, seed)
            importances.append(gain)
            predictors.append(predict)
    total: Floats = np.sum(importances, axis=0)
    return Fit(_shares(total), lambda z: np.stack([p(z) for p in predictors], axis=1))


def _shares(importance: Floats) -> Floats:
    total = importance.sum()
    shares: Floats = importance / total if total > 0 else np.zeros_like(importance)
    return shares


def _lightgbm(
    codes: Floats, target: NDArray[Any], rounds: int, objective: dict[str, Any], seed: int
) -> tuple[Floats, Predict]:
    """Return each code's total gain (D,) and the predictor.

    Trees see only the order of a code's values, and LightGBM gives every tie between codes to
    the first. So codes of one order (copies, mirrored copies) enter once, and share the gain.
    """
    groups = same_order(codes)
    first = [group[0] for group in groups]
    options = {
        **objective,
        "max_depth": 3,
        "num_leaves": 8,
        "learning_rate": 0.1,
        "num_threads": 1,  # factors are fitted side by side; and results never depend on it
        "deterministic": True,
        "force_col_wise": True,
        "seed": seed,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(codes[:, first], target, params=options)
    booster = lightgbm.train(options, data, rounds)
    gain = booster.feature_importance("gain")
    importance = np.zeros(codes.shape[1])
    for group, total in zip(groups, gain, strict=True):
        importance[group] = total / len(group)
    return importance, lambda z: np.asarray(booster.predict(z[:, first], num_threads=1))


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
