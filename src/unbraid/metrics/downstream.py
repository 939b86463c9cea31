"""Downstream: how well are factors predicted from all codes, given few labels?

Locatello et al. 2019, "Challenging Common Assumptions in the Unsupervised Learning of Disentangled
Representations", section 5.5: predictors are trained with 100, 1,000 and 10,000 labelled rows, and
the sample efficiency is the mean accuracy (over factors) with the fewest over that with the most.
The value is the skill with the fewest labels, of which 0 is chance and 1 is perfect:
``mean_j max(0, (A_j - G_j) / (1 - G_j))``, where A_j is the accuracy of boosted trees on test rows
(R^2 of a factor stored as reals) and G_j that of the most frequent value (0 for reals).
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.metrics._evidence import MIN_ROWS, Evidence
from unbraid.metrics._options import at_least
from unbraid.metrics._predictors import accuracy_rows, fit_factor
from unbraid.metrics._resampling import mean_error
from unbraid.metrics._score import Estimate, Score, settings

Floats = NDArray[np.float64]
TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True)
class Config:
    """How the downstream accuracy is found.

    Args:
        labels: numbers of labelled rows, in ascending order; of more than the training rows, all
            of these are taken.
        draws: random choices of the labelled rows, over which accuracies are averaged.
        backend: boosted trees, as those of ``dci``.
        rounds: boosting rounds.
        test_fraction: share of the rows kept for testing, if no test rows are given.
        max_rows: more rows than that are thinned at random; None keeps all.
    """

    labels: tuple[int, ...] = (100, 10_000)
    draws: int = 3
    backend: Literal["lightgbm", "sklearn"] = "lightgbm"
    rounds: int = 100
    test_fraction: float = 1 / 3
    max_rows: int | None = 15_000

    def __post_init__(self) -> None:
        at_least(self, draws=1, rounds=1, max_rows=MIN_ROWS)
        if len(self.labels) < 2 or self.labels[0] < 1 or sorted(set(self.labels)) != [*self.labels]:
            raise UnbraidError(
                "labels must be two or more numbers of rows, each above 0 and in ascending order, "
                f"but they are {', '.join(map(str, self.labels)) or 'none'}."
            )


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return the skill with the fewest labels, 0 (chance) to 1; accuracies are parts.

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> factors = np.random.default_rng(0).integers(0, 3, (600, 2))
    >>> score = compute(gather(factors, factors), Config(), seed=0)
    >>> round(score.value, 2), round(score.parts["efficiency"].value, 2)
    (1.0, 1.0)
    """
    evidence = evidence.thin(config.max_rows, seed)
    train, test = evidence.split(config.test_fraction, seed)
    counts = list(dict.fromkeys(min(count, len(train.codes)) for count in config.labels))
    rows = _fitted(train, test, counts, config, seed)
    found = [each.mean(1) for each in rows]
    guess = np.array([_guess(train, test, j) for j in range(len(evidence.specs))])
    few, most = found[0], found[-1]
    skill = np.maximum(0.0, (few - guess) / np.maximum(1 - guess, TINY))
    names = [f"accuracy with {count:,} labels" for count in counts]
    value = _over(skill.mean(1))
    parts = {"skill": value}
    parts |= {name: _accuracy(each.mean(2)) for name, each in zip(names, rows, strict=True)}
    parts["efficiency"] = _efficiency(few.mean(1), most.mean(1))
    notes = evidence.notes()
    if len(counts) < len(config.labels):
        notes += (f"there are no more than {len(train.codes):,} rows to train on",)
    return Score(
        "downstream",
        f"{config.backend} boosted trees, {config.rounds} rounds",
        value.value,
        value.standard_error,
        settings(
            evidence.sizes, config, seed, "draws of the labelled rows", "lightgbm", "scikit-learn"
        )
        | {"train_rows": len(train.codes), "test_rows": len(test.codes)},
        parts=parts,
        per_factor=skill.mean(0),
        factor_names=evidence.names,
        detail={"accuracy_per_factor": np.stack([each.mean(0) for each in found]), "guess": guess},
        notes=notes,
    )


def _fitted(
    train: Evidence, test: Evidence, counts: Sequence[int], config: Config, seed: int
) -> list[Floats]:
    """Return test rows' shares of the accuracies (draws, n, F) with each number of labels."""
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        warnings.simplefilter("ignore", UserWarning)  # of scikit-learn, on many levels
        jobs = [
            [
                pool.submit(_accuracies, part, test, config, seed)
                for part in _draws(train, count, config, seed)
            ]
            for count in counts
        ]
        return [np.stack([job.result() for job in same]) for same in jobs]


def _draws(train: Evidence, count: int, config: Config, seed: int) -> list[Evidence]:
    """Return random choices of labelled rows; those of fewer labels are among those of more."""
    if count == len(train.codes):
        return [train]
    orders = (
        np.random.default_rng([seed, draw]).permutation(len(train.codes))
        for draw in range(config.draws)
    )
    return [train.take(np.sort(order[:count])) for order in orders]


def _accuracies(train: Evidence, test: Evidence, config: Config, seed: int) -> Floats:
    """Return each test row's share of each factor's accuracy or R^2, (n, F)."""
    found = []
    for j in range(len(train.specs)):
        fit = fit_factor(train, j, config.rounds, config.backend, seed)
        found.append(accuracy_rows(fit, j, train, test))
    return np.stack(found, axis=1)


def _guess(train: Evidence, test: Evidence, j: int) -> float:
    """Return the accuracy on test rows of the most frequent value of factor j, 0 for reals."""
    if train.is_real(j):
        return 0.0
    values, counts = np.unique(train.factors[:, j], return_counts=True)
    return float((test.factors[:, j] == values[counts.argmax()]).mean())


def _accuracy(rows: Floats) -> Estimate:
    """Return the mean of rows' shares (draws, n), and its error over draws, or over rows of one."""
    if len(rows) < 2:
        return Estimate(float(rows.mean()), mean_error(rows[0]))
    return _over(rows.mean(1))


def _over(draws: Floats) -> Estimate:
    """Return the mean over draws, and its standard error; NaN of a single draw."""
    if len(draws) < 2:
        return Estimate(float(draws.mean()), math.nan)
    return Estimate(float(draws.mean()), float(draws.std(ddof=1) / len(draws) ** 0.5))


def _efficiency(few: Floats, most: Floats) -> Estimate:
    """Return the accuracy with the fewest labels over that with the most; NaN if that is 0."""
    if not most.mean():
        return Estimate(math.nan, math.nan)
    ratio = float(few.mean() / most.mean())
    # the draws of fewer labels are among those of more, unless these are all rows
    left = few - ratio * (most if len(most) == len(few) else most.mean())
    return Estimate(ratio, _over(left / most.mean()).standard_error)
