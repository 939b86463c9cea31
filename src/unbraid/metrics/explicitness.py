"""Explicitness: can a linear classifier predict each value of each factor from all codes?

Ridgeway & Mozer 2018, "Learning Deep Disentangled Embeddings with the F-Statistic Loss":
the area under the ROC curve of one value against the rest, averaged over values and factors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from unbraid.metrics._evidence import MIN_ROWS, Evidence, joint_levels
from unbraid.metrics._linear import logistic, standardised
from unbraid.metrics._options import at_least, positive
from unbraid.metrics._resampling import mean_error
from unbraid.metrics._score import Estimate, Score, settings

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Config:
    """How explicitness is found.

    Args:
        penalty: C of the L2-penalised multinomial logistic regression on standardised codes,
            categorical ones as standardised one-hot blocks.
        max_iterations: of its solver.
        factor_bins: quantile bins (on a circle, equal arcs) of a factor stored as reals.
        test_fraction: share of the rows kept for testing, if no test rows are given.
        max_rows: more rows than that are thinned at random; None keeps all.
    """

    penalty: float = 1.0
    max_iterations: int = 100
    factor_bins: int = 10
    test_fraction: float = 1 / 3
    max_rows: int | None = 15_000

    def __post_init__(self) -> None:
        at_least(self, max_iterations=1, factor_bins=2, max_rows=MIN_ROWS)
        positive(self, "penalty", infinite=True)


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return the explicitness on test rows, 0.5 (chance) to 1.

    Constant codes, at which the published code divides by zero, are ignored.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> factors = np.random.default_rng(0).integers(0, 3, (600, 2))
    >>> compute(gather(factors, factors), Config(), seed=0).value > 0.8
    True
    """
    evidence = evidence.thin(config.max_rows, seed)
    train, test = evidence.split(config.test_fraction, seed)
    fitted = standardised(train.columns())
    scored = standardised(train.columns(), test.columns())
    rows = [
        _factor_rows(fitted, scored, train, test, j, config) for j in range(len(evidence.specs))
    ]
    on_train = np.stack([r[0] for r in rows], axis=1)
    on_test = np.stack([r[1] for r in rows], axis=1)
    parts = {
        "on test rows": Estimate(float(on_test.mean()), mean_error(on_test.mean(axis=1))),
        "on training rows": Estimate(float(on_train.mean()), mean_error(on_train.mean(axis=1))),
    }
    error = "spread over rows (DeLong), classifiers held fixed"
    return Score(
        "explicitness",
        f"logistic regression, C={config.penalty:g}, area under ROC",
        parts["on test rows"].value,
        parts["on test rows"].standard_error,
        settings(evidence.sizes, config, seed, error, "scikit-learn")
        | {"train_rows": len(train.codes), "test_rows": len(test.codes)},
        parts=parts,
        per_factor=on_test.mean(axis=0),
        factor_names=evidence.names,
        detail={"on_training_rows_per_factor": on_train.mean(axis=0)},
        notes=evidence.notes(),
    )


def _factor_rows(
    train_codes: Floats, test_codes: Floats, train: Evidence, test: Evidence, j: int, config: Config
) -> tuple[Floats, Floats]:
    """Return each training and test row's share of factor j's score."""
    target, test_target = joint_levels(train, test, j, config.factor_bins)
    if len(np.unique(target)) == 1:
        return np.full(len(train_codes), 0.5), np.full(len(test_codes), 0.5)
    model = logistic(train_codes, target, config.penalty, config.max_iterations)
    known = model.classes_
    return (
        roc_rows(model.predict_proba(train_codes), target[:, None] == known),
        roc_rows(model.predict_proba(test_codes), test_target[:, None] == known),
    )


def roc_rows(scores: Floats, positive: NDArray[np.bool_]) -> Floats:
    """Return each row's share (n,) of the ROC area averaged over classes: their mean is the area.

    DeLong et al. (1988): a positive row counts the negatives it beats, a negative one the
    positives that beat it, ties by half. A class with no or only such rows says nothing.

    Args:
        scores: (n, K), higher for the class.
        positive: (n, K).

    >>> roc_rows(np.array([[0.9], [0.8], [0.1]]), np.array([[True], [False], [False]])).mean()
    np.float64(1.0)
    """
    count = positive.sum(axis=0)
    usable = (count > 0) & (count < len(positive))
    scores, positive, count = scores[:, usable], positive[:, usable], count[usable]
    if not len(count):
        return np.full(len(scores), 0.5)
    others = len(positive) - count
    rank = rankdata(scores, axis=0)
    own = np.empty_like(rank)
    for k in range(scores.shape[1]):
        for side in (positive[:, k], ~positive[:, k]):
            own[side, k] = rankdata(scores[side, k])
    # Rows of the other side below a row: its rank among all less its rank among its own.
    beaten = rank - own
    placed = np.where(positive, beaten / others, 1 - beaten / count)
    area = np.where(positive, placed, 0).sum(axis=0) / count
    weight = np.where(positive, len(positive) / count, len(positive) / others)
    shares: Floats = (area + weight * (placed - area)).mean(axis=1)
    return shares
