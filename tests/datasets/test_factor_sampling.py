"""Marginals, correlations and grids of drawn factors."""

import numpy as np
import pytest
from scipy import stats

from unbraid.core import memory
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets._factors import correlation_matrix, grid_of, sample_factors

SPECS = (
    FactorSpec("digit", "categorical", values=tuple(range(10))),
    FactorSpec("size", "continuous", range=(20, 40), unit="pixels"),
    FactorSpec("x", "continuous", range=(-9, 9), unit="pixels"),
)


def test_factors_are_uniform_and_independent_by_default():
    digit, size, x = sample_factors(SPECS, 50_000, [0]).T
    assert stats.chisquare(np.bincount(digit.astype(int), minlength=10)).pvalue > 1e-3
    assert stats.kstest(size, "uniform", args=(20, 20)).pvalue > 1e-3
    assert stats.kstest(x, "uniform", args=(-9, 18)).pvalue > 1e-3
    assert np.abs(np.corrcoef([digit, size, x]) - np.eye(3)).max() < 0.02


@pytest.mark.parametrize("rho", [-0.9, 0.5, 0.8])
def test_a_correlation_is_the_one_asked_for_and_leaves_the_marginals(rho):
    _, size, x = sample_factors(SPECS, 50_000, [0], [("size", "x", rho)]).T
    assert stats.spearmanr(size, x).statistic == pytest.approx(
        6 / np.pi * np.arcsin(rho / 2), abs=0.01
    )
    assert stats.kstest(x, "uniform", args=(-9, 18)).pvalue > 1e-3


def test_a_digit_can_be_confounded():
    digit, size, _ = sample_factors(SPECS, 20_000, [0], [("digit", "size", 0.9)]).T
    means = [size[digit == d].mean() for d in range(10)]
    assert (np.diff(means) > 0).all()


def test_a_normal_factor_is_cut_off_at_two_standard_deviations():
    factors = sample_factors(SPECS, 50_000, [0], distributions={"size": "normal"})
    assert stats.kstest(factors[:, 1], stats.truncnorm(-2, 2, 30, 5).cdf).pvalue > 1e-3


def test_more_rows_begin_with_the_same_ones():
    few, many = (sample_factors(SPECS, count, [3, 1]) for count in (10, 1000))
    np.testing.assert_array_equal(few, many[:10])
    assert not np.array_equal(few, sample_factors(SPECS, 10, [4, 1]))


def test_a_grid_has_every_combination_once():
    grid = grid_of(SPECS, 4)
    assert grid.shape == (10 * 4 * 4, 3)
    assert len(np.unique(grid, axis=0)) == len(grid)
    assert sorted(set(grid[:, 1])) == pytest.approx([20, 80 / 3, 100 / 3, 40])
    fixed = (FactorSpec("x", "continuous", range=(2, 2)),)
    assert grid_of(fixed, 3).tolist() == [[2.0]]


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([("size", "y", 0.5)], "unknown factor 'y'"),
        ([("siz", "x", 0.5)], "did you mean 'size'"),
        ([("size", "size", 0.5)], "two different factors"),
        ([("size", "x", 1.0)], "strictly between -1 and 1"),
        ([("size", "x", float("nan"))], "strictly between -1 and 1"),
        ([("size", "x", 0.9), ("size", "digit", 0.9), ("digit", "x", -0.9)], "positive definite"),
    ],
)
def test_impossible_correlations(pairs, words):
    with pytest.raises(UnbraidError, match=words):
        correlation_matrix([spec.name for spec in SPECS], pairs)


def test_unknown_distributions_and_grids():
    with pytest.raises(UnbraidError, match="did you mean 'normal'"):
        sample_factors(SPECS, 5, [0], distributions={"x": "norma"})
    with pytest.raises(UnbraidError, match="unknown factor 'w'"):
        sample_factors(SPECS, 5, [0], distributions={"w": "normal"})
    with pytest.raises(UnbraidError, match="at least 2 levels"):
        grid_of(SPECS, 1)


def test_more_rows_than_memory_holds_are_refused_before_they_are_drawn(monkeypatch):
    monkeypatch.setattr(memory, "free", lambda: 10**9)
    specs = [FactorSpec(name, "continuous", range=(0, 1)) for name in "abcde"]
    with pytest.raises(UnbraidError, match=r"drawing 24,300,000 rows .* fewer levels of a grid"):
        grid_of(specs, 30)
    with pytest.raises(UnbraidError, match=r"drawing 10,000,000 rows .* smaller n"):
        sample_factors(specs, 10_000_000, [0])
    fixed = [FactorSpec(name, "continuous", range=(1, 1)) for name in "abcde"]
    assert len(grid_of([*specs[:2], *fixed], 30)) == 900
