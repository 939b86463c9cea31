"""DCI: disentanglement, completeness and informativeness, from the importances of predictors.

Eastwood & Williams 2018, "A Framework for the Quantitative Evaluation of Disentangled
Representations", section 2. R_ij is how much code i helps boosted trees to predict factor j.
Disentanglement weighs ``1 - H_F(R_i. / sum_j R_ij)`` by code i's share of all importance;
completeness is the mean of ``1 - H_D(R_.j)`` (entropies to base F and D) over the factors that some
code helps to predict; informativeness is the accuracy of the predictions (R^2 for factors stored as
reals), higher is better. The importance of a categorical code is that of all columns of its one-hot
block.
"""

from __future__ import annotations

import math
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unbraid.metrics._evidence import MIN_ROWS, Evidence
from unbraid.metrics._options import at_least
from unbraid.metrics._predictors import accuracy_rows, fit_factor
from unbraid.metrics._resampling import half_samples, mean_error
from unbraid.metrics._score import Estimate, Score, settings

SEMANTICS = 2  # importances of the coordinates of angles by scikit-learn's trees

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Config:
    """How DCI is found.

    Args:
        backend: ``lightgbm`` (gain importances, depth 3, leaves of a 50th of the training rows
            but at most 20) or ``sklearn`` (the published gradient
            boosting, some 20 times slower); the two differ in value, so do not mix them.
        rounds: boosting rounds.
        test_fraction: share of the rows kept for testing, if no test rows are given.
        max_rows: more rows than that are thinned at random; None keeps all.
        refits: refits on random halves of the training rows, for the standard errors.
        refit_rounds: boosting rounds of those.
    """

    backend: Literal["lightgbm", "sklearn"] = "lightgbm"
    rounds: int = 100
    test_fraction: float = 1 / 3
    max_rows: int | None = 15_000
    refits: int = 6
    refit_rounds: int = 30

    def __post_init__(self) -> None:
        at_least(self, rounds=1, max_rows=MIN_ROWS, refits=0, refit_rounds=1)


def compute(evidence: Evidence, config: Config, seed: int) -> Score:
    """Return DCI: disentanglement is the value, all three are parts, each 0 to 1 (best).

    >>> import numpy as np
    >>> from unbraid.metrics import gather
    >>> factors = np.random.default_rng(0).integers(0, 4, (600, 2))
    >>> score = compute(gather(factors, factors), Config(), seed=0)
    >>> round(score.value, 3), round(score.parts["completeness"].value, 3)
    (1.0, 1.0)
    """
    evidence = evidence.thin(config.max_rows, seed)
    train, test = evidence.split(config.test_fraction, seed)
    halves = [train.take(h) for h in half_samples(len(train.codes), config.refits, seed)]
    factors = range(len(evidence.specs))
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        warnings.simplefilter("ignore", UserWarning)  # of scikit-learn, on many levels
        fitting = [pool.submit(_fit_and_test, train, test, j, config, seed) for j in factors]
        refitting = [
            [
                pool.submit(fit_factor, half, j, config.refit_rounds, config.backend, seed)
                for j in factors
            ]
            for half in halves
        ]
        fits = [job.result() for job in fitting]
        refitted = [
            np.stack([job.result().importance for job in half], axis=1) for half in refitting
        ]
    sizes = evidence.sizes | {"train_rows": len(train.codes), "test_rows": len(test.codes)}
    return _score(evidence, config, seed, sizes, fits, refitted)


class Tested(NamedTuple):
    """One factor's importances (D,) and each test row's share of its informativeness."""

    importance: Floats
    on_test: Floats


def _score(
    evidence: Evidence,
    config: Config,
    seed: int,
    sizes: dict[str, int],
    fits: list[Tested],
    refitted: list[Floats],
) -> Score:
    matrix = np.stack([fit.importance for fit in fits], axis=1)
    per_code, disentanglement = disentangle(matrix)
    per_factor, completeness = complete(matrix)
    on_test = np.stack([fit.on_test for fit in fits], axis=1)
    parts = {
        "disentanglement": Estimate(disentanglement, _spread([disentangle(r) for r in refitted])),
        "completeness": Estimate(completeness, _spread([complete(r) for r in refitted])),
        "informativeness": Estimate(float(on_test.mean()), mean_error(on_test.mean(axis=1))),
    }
    notes = evidence.notes()
    if math.isnan(disentanglement):
        notes += ("with a single factor no code can mix factors, so it has no disentanglement",)
    if math.isnan(completeness):
        notes += ("with a single code no factor can be spread out, so it has no completeness",)
    error = "half-samples of the training rows; informativeness: spread over rows"
    return Score(
        "dci",
        f"{config.backend} boosted trees, {config.rounds} rounds",
        parts["disentanglement"].value,
        parts["disentanglement"].standard_error,
        settings(sizes, config, seed, error, "lightgbm", "scikit-learn") | {"depth": 3},
        parts=parts,
        per_factor=per_factor,
        per_code=per_code,
        matrix=matrix,
        factor_names=evidence.names,
        detail={"informativeness_per_factor": on_test.mean(axis=0)},
        notes=notes,
    )


def _spread(scores: list[tuple[Floats, float]]) -> float:
    return float(np.std([score for _, score in scores], ddof=1)) if len(scores) > 1 else math.nan


def disentangle(importance: Floats) -> tuple[Floats, float]:
    """Return each code's disentanglement (D,) and their mean weighted by importance.

    >>> disentangle(np.eye(2))[1] > 0.999
    True
    """
    if importance.shape[1] < 2:
        return np.full(len(importance), math.nan), math.nan
    per_code = 1 - _entropy(importance.T, importance.shape[1])
    return per_code, _weighted(per_code, importance.sum(axis=1))


def complete(importance: Floats) -> tuple[Floats, float]:
    """Return each factor's completeness (F,) and their mean weighted by importance.

    >>> complete(np.ones((4, 2)))[1] < 0.001
    True
    """
    if importance.shape[0] < 2:
        return np.full(importance.shape[1], math.nan), math.nan
    per_factor = 1 - _entropy(importance, importance.shape[0])
    return per_factor, _weighted(per_factor, importance.sum(axis=0))


def _entropy(columns: Floats, base: int) -> Floats:
    """Return the entropy of each column's shares, to the given base; the field adds 1e-11."""
    shares = (columns + 1e-11) / (columns + 1e-11).sum(axis=0)
    entropy: Floats = -(shares * np.log(shares)).sum(axis=0) / np.log(base)
    return entropy


def _weighted(scores: Floats, weights: Floats) -> float:
    """Return the weighted mean, 0 where nothing has any weight."""
    return float(scores @ weights / weights.sum()) if weights.sum() > 0 else 0.0


def _fit_and_test(train: Evidence, test: Evidence, j: int, config: Config, seed: int) -> Tested:
    fit = fit_factor(train, j, config.rounds, config.backend, seed)
    return Tested(fit.importance, accuracy_rows(fit, j, train, test))
