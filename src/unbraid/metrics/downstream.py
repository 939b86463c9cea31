"""Downstream: how well are factors predicted from all codes, given few labels?

Locatello et al. 2019, "Challenging Common Assumptions in the Unsupervised Learning of Disentangled
Representations", section 5.5: predictors are trained with 100, 1,000 and 10,000 labelled rows, and
the sample efficiency is the mean accuracy (over factors) with the fewest over that with the most.
The value is the skill with the fewest labels, of which 0 is chance and 1 is perfect:
``mean_j max(0, (A_j - G_j) / (1 - G_j))``, where A_j is the accuracy of boosted trees on test rows
(R^2 of a factor stored as reals) and G_j that of the most frequent value (0 for reals). It is
averaged over draws of the labelled rows.
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
from unbraid.metrics._resampling import mean_error, repeats_error
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
        whole = all(isinstance(count, int) and count > 0 for count in self.labels)
        if len(self.labels) < 2 or not whole or sorted(set(self.labels)) != [*self.labels]:
            raise UnbraidError(
                "labels must be two or more whole numbers above 0 in ascending order, "
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
    pool = len(train.codes)
    counts = list(dict.fromkeys(min(count, pool) for count in config.labels))
    rows = _fitted(train, test, counts, config, seed)
    few, most = rows[0], rows[-1]
    skill, guess = _skill(few, train, test)
    value = _estimate(skill.mean(2), counts[0], pool)
    parts = {f"skill with {counts[0]:,} labels": value}
    for count, each in zip(counts, rows, strict=True):
        parts[f"accuracy with {count:,} labels"] = _estimate(each.mean(2), count, pool)
    parts["efficiency"] = _efficiency(few.mean(2), most.mean(2), counts[0], pool)
    notes = evidence.notes()
    if len(counts) < len(config.labels):
        notes += (f"there are no more than {pool:,} rows to train on",)
    if math.isnan(parts["efficiency"].value):
        notes += ("nothing is predicted even with the most labels, so there is no efficiency",)
    error = "spread over test rows, and over draws of the labelled rows where not all are taken"
    return Score(
        "downstream",
        f"{config.backend} boosted trees, {config.rounds} rounds, {counts[0]:,} labels",
        value.value,
        value.standard_error,
        settings(evidence.sizes, config, seed, error, "lightgbm", "scikit-learn")
        | {"train_rows": pool, "test_rows": len(test.codes)},
        parts=parts,
        per_factor=skill.mean((0, 1)),
        factor_names=evidence.names,
        detail={"accuracy_per_factor": np.stack([r.mean((0, 1)) for r in rows]), "guess": guess},
        notes=notes,
    )


def _fitted(
    train: Evidence, test: Evidence, counts: Sequence[int], config: Config, seed: int
) -> list[Floats]:
    """Return test rows' shares of each accuracy or R^2, (draws, n, F), by number of labels."""

    def shares(part: Evidence, j: int) -> Floats:
        fit = fit_factor(part, j, config.rounds, config.backend, seed)
        return accuracy_rows(fit, j, part, test)

    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        warnings.simplefilter("ignore", UserWarning)  # of scikit-learn, on many levels
        jobs = [
            [
                [pool.submit(shares, part, j) for j in range(len(train.specs))]
                for part in _draws(train, count, config, seed)
            ]
            for count in counts
        ]
        return [
            np.stack([np.stack([job.result() for job in of], axis=1) for of in draws])
            for draws in jobs
        ]


def _draws(train: Evidence, count: int, config: Config, seed: int) -> list[Evidence]:
    """Return random choices of labelled rows; those of fewer labels are among those of more."""
    if count == len(train.codes):
        return [train]
    orders = (
        np.random.default_rng([seed, draw]).permutation(len(train.codes))
        for draw in range(config.draws)
    )
    return [train.take(np.sort(order[:count])) for order in orders]


def _skill(rows: Floats, train: Evidence, test: Evidence) -> tuple[Floats, Floats]:
    """Return test rows' shares of the skill (draws, n, F), and what guessing reaches, (F,).

    Guessing is always the most frequent training value, and 0 of reals. Its accuracy is measured
    on the same rows, so that shares are those of the ratio, linear in the rows.
    """
    guesses = np.stack([_guess_rows(train, test, j) for j in range(len(train.specs))], axis=1)
    guess, accuracy = guesses.mean(0), rows.mean(1, keepdims=True)
    room = np.maximum(1 - guess, TINY)
    ratio = (accuracy - guess) / room
    shares = ratio + ((rows - accuracy) - (1 - ratio) * (guesses - guess)) / room
    return np.where(ratio > 0, shares, 0.0), guess


def _guess_rows(train: Evidence, test: Evidence, j: int) -> Floats:
    """Return on which test rows (n,) the most frequent value of factor j is right."""
    if train.is_real(j):
        return np.zeros(len(test.codes))
    values, counts = np.unique(train.factors[:, j], return_counts=True)
    return np.asarray(test.factors[:, j] == values[counts.argmax()], dtype=float)


def _estimate(shares: Floats, count: int, pool: int) -> Estimate:
    """Return the mean of test rows' shares (draws, n), and its standard error.

    Draws of so many of the training rows have rows in common, and differ less than draws from
    new rows would. A single draw tells nothing of how much they differ, unless it is of all rows.
    """
    over_rows = mean_error(shares.mean(0))
    if count == pool:
        return Estimate(float(shares.mean()), over_rows)
    over_draws = repeats_error(shares.mean(1), count / (pool - count))
    return Estimate(float(shares.mean()), math.hypot(over_rows, over_draws))


def _efficiency(few: Floats, most: Floats, count: int, pool: int) -> Estimate:
    """Return the accuracy with the fewest labels over that with the most; NaN if that is 0.

    Both are test rows' shares, (draws, n). Fewer labels of a draw are among the more.
    """
    if not most.mean():
        return Estimate(math.nan, math.nan)
    ratio = float(few.mean() / most.mean())
    left = _estimate((few - ratio * most) / most.mean(), count, pool)
    return Estimate(ratio, left.standard_error)
