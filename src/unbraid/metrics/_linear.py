"""Linear predictors of factors, and what each row contributes to their scores."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

Floats = NDArray[np.float64]


def logistic(
    codes: Floats,
    classes: NDArray[np.generic],
    penalty: float,
    max_iterations: int,
    balanced: bool = False,
) -> LogisticRegression:
    """Fit a multinomial logistic regression; stopping at the last iteration is not an error.

    The published protocols stop after 100 iterations, converged or not.

    Args:
        codes: (n, D).
        classes: (n,), at least two different.
        penalty: C, the inverse strength of the L2 penalty; infinite for none.
        max_iterations: of L-BFGS.
        balanced: weigh rows so that all classes count alike.
    """
    model = LogisticRegression(
        C=penalty, max_iter=max_iterations, class_weight="balanced" if balanced else None
    )
    # The matrices are too narrow for threads: two take six times the processor time of one.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)  # many levels are no regression
        model.fit(codes, classes)
    return model


def standardised(train: Floats, rows: Floats | None = None) -> Floats:
    """Return rows (n, W) with the mean of ``train`` taken off, over its standard deviation.

    Without ``rows`` it is ``train`` itself. A column that is constant in ``train`` becomes 0.

    >>> standardised(np.array([[1e6, 0.1], [1e6 + 2, 0.1]]))
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    # the standard deviation of equal numbers need not be 0, their range is
    spread = np.where(np.ptp(train, axis=0) > 0, train.std(axis=0), np.inf)
    scaled: Floats = ((train if rows is None else rows) - train.mean(axis=0)) / spread
    return scaled


def r2_rows(target: Floats, predicted: Floats) -> Floats:
    """Return each row's share (n,) of R^2 over all columns: their mean is R^2, not below 0.

    R^2 is a ratio of means; the shares are linear in the rows, so that their spread gives its
    standard error.

    >>> target = np.array([[0.0], [1.0], [2.0]])
    >>> float(r2_rows(target, target).mean())
    1.0
    """
    error = np.square(target - predicted).sum(axis=1)
    around = np.square(target - target.mean(axis=0)).sum(axis=1)
    ratio = error.mean() / around.mean() if around.any() else 1.0
    if ratio >= 1:  # no better than the mean
        return np.zeros(len(error))
    shares: Floats = 1 - ratio - (error - ratio * around) / around.mean()
    return shares
