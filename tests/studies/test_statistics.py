from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from unbraid.studies.statistics import (
    chance_of_beating,
    choice_by,
    rank_correlations,
    variance_components,
)

TRUE = np.array([0.37, 0.22, 0.41])  # variances of method, setting and seed
METHODS, SETTINGS, SEEDS = 6, 3, 5
NAMES = [(m, s) for m in range(METHODS) for s in range(SETTINGS) for _ in range(SEEDS)]


def simulated(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return scores (90,), and the components of the effects that were drawn, (3,)."""
    method, setting, seed = np.sqrt(TRUE)
    effects = method * rng.standard_normal((METHODS, 1)) + setting * rng.standard_normal(
        (METHODS, SETTINGS)
    )
    scores = effects[:, :, None] + seed * rng.standard_normal((METHODS, SETTINGS, SEEDS))
    of_setting = effects.var(axis=1, ddof=1).mean()
    of_method = effects.mean(axis=1).var(ddof=1) - of_setting / SETTINGS
    return scores.ravel(), np.array([of_method, of_setting, TRUE[2]])


def test_variance_components_are_unbiased_at_five_seeds() -> None:
    rng = np.random.default_rng(0)
    found = np.array(
        [variance_components(simulated(rng)[0], *zip(*NAMES, strict=True), draws=1).values
         for _ in range(300)]
    )  # fmt: skip
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - TRUE) < 3 * error).all()
    shares = found.mean(axis=0) / found.mean(axis=0).sum()
    np.testing.assert_allclose(shares, TRUE, atol=0.03)  # a plain R^2 gives .33 for the seeds


def test_intervals_hold_the_share_that_other_seeds_would_give() -> None:
    rng = np.random.default_rng(1)
    held = []
    for _ in range(120):
        scores, true = simulated(rng)
        found = variance_components(scores, *zip(*NAMES, strict=True), draws=200)
        share = true / true.sum()
        held.append((found.low <= share) & (share <= found.high))
    assert (np.mean(held, axis=0) > 0.86).all()


def test_components_of_runs_that_are_not_balanced_are_unbiased() -> None:
    rng = np.random.default_rng(2)
    kept = rng.random(len(NAMES)) < 0.8  # some runs diverged
    names = [name for name, keep in zip(NAMES, kept, strict=True) if keep]
    found = np.array(
        [variance_components(simulated(rng)[0][kept], *zip(*names, strict=True), draws=1).values
         for _ in range(300)]
    )  # fmt: skip
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found))
    assert (np.abs(found.mean(axis=0) - TRUE) < 3 * error).all()


def test_intervals_hold_where_most_settings_have_a_single_seed() -> None:
    rng = np.random.default_rng(3)
    held = []
    for _ in range(150):
        # five seeds of every third setting, one of the others
        kept = np.arange(len(NAMES)) % SEEDS < np.repeat([5, 1, 1] * METHODS, SEEDS)
        names = [name for name, keep in zip(NAMES, kept, strict=True) if keep]
        scores, true = simulated(rng)
        found = variance_components(scores[kept], *zip(*names, strict=True), draws=200)
        share = true / true.sum()
        held.append((found.low <= share) & (share <= found.high))
    # without residuals for single seeds: 0.6 to 0.8
    assert (np.mean(held, axis=0) > 0.86).all()


def test_scores_that_do_not_vary_have_no_shares() -> None:
    with pytest.raises(ValueError, match="do not vary"):
        variance_components(np.ones(len(NAMES)).tolist(), *zip(*NAMES, strict=True))


def test_too_few_runs_have_no_components() -> None:
    with pytest.raises(ValueError, match="2 methods"):
        variance_components([1.0, 2.0], ["a", "a"], [0, 1])


def test_chances_correlations_and_choices_by_hand() -> None:
    assert chance_of_beating([1, 2], [0, 2]) == 0.625
    nan, gone = float("nan"), float("-inf")
    assert chance_of_beating([1, nan, 2], [0, 2, nan]) == 0.625
    # a run that diverged loses to any that did not, and ties with another
    assert chance_of_beating([3, gone], [1, gone]) == (1 + 1 + 0 + 0.5) / 4
    assert chance_of_beating([3, -gone], [1, -gone], lower_is_better=True) == (0 + 1 + 0 + 0.5) / 4
    assert np.isnan(chance_of_beating([nan], [1]))
    table = np.array([[1, 1, 5], [2, 4, 4], [3, 9, 3], [nan, 0, 9], [0, 0, 6.0]])
    found = rank_correlations(np.column_stack([table, np.ones(5)]))
    assert found[0, 1] == pytest.approx(1)
    assert found[0, 2] == pytest.approx(-1)
    assert np.isnan(found[0, 3])
    choice = choice_by([0.1, 0.9, nan, 0.5], [0.3, 0.4, 1.0, 0.6])
    assert (choice.chosen, choice.best, choice.median) == (0.4, 0.6, 0.4)
    # the median of all five, of which two diverged
    assert choice_by([0.1, 0.9, 0.5], [0.3, 0.4, 0.6], diverged=2).median == 0.3
    # runs that few labels do not tell apart: what a random one of them gives, in whatever order
    lower = choice_by([0.1, 0.9, 0.5], [0.3, 0.4, 0.6], diverged=2, lower_is_better=True)
    assert (lower.chosen, lower.best, lower.median) == (0.3, 0.3, 0.6)
    assert choice_by([0.9, 0.1, 0.9], [0.2, 0.7, 0.6]).chosen == pytest.approx(0.4)
