"""Boosted trees that predict a factor from all codes; metrics share those of the same rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unbraid.metrics._evidence import Evidence
from unbraid.metrics._linear import r2_rows
from unbraid.metrics._trees import Fit, fit_classes, fit_numbers

Floats = NDArray[np.float64]


def fit_factor(train: Evidence, j: int, rounds: int, backend: str, seed: int) -> Fit:
    """Return trees that predict factor j, a class where it has levels, else numbers."""

    def make() -> Fit:
        columns, owners = train.columns(), train.latents.owners
        if train.is_real(j):
            return fit_numbers(columns, owners, train.coordinates(j), rounds, backend, seed)
        classes = np.unique(train.factors[:, j], return_inverse=True)[1]
        return fit_classes(columns, owners, classes, rounds, backend, seed)

    return train.shared(("trees", j, rounds, backend, seed), make)


def accuracy_rows(fit: Fit, j: int, train: Evidence, rows: Evidence) -> Floats:
    """Return each row's share (n,) of factor j's accuracy or R^2: their mean is the score."""
    predicted = fit.predict(rows.columns())
    if not train.is_real(j):
        known = np.unique(train.factors[:, j])
        right = known[predicted[:, 0].astype(int)] == rows.factors[:, j]
        return np.asarray(right, dtype=float)
    return r2_rows(rows.coordinates(j), predicted)
