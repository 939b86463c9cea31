"""Associations against their textbook forms, and against chance."""

import numpy as np
import pytest
from scipy.stats import contingency, spearmanr

from unbraid.core.factors import FactorSpec
from unbraid.datasets._association import associations

N = 4000
RANDOM = np.random.default_rng(0)
CATEGORY = FactorSpec("c", "categorical", values=tuple(range(5)))
OTHER = FactorSpec("d", "categorical", values=tuple(range(4)))
NUMBER = FactorSpec("n", "continuous", range=(0, 1))
LEVEL = FactorSpec("o", "ordinal", values=tuple(range(9)))
CIRCLE = FactorSpec("a", "periodic", range=(0, 360), period=360)
SPECS = (CATEGORY, OTHER, NUMBER, LEVEL, CIRCLE)


def both(one: np.ndarray, other: np.ndarray, *specs: FactorSpec) -> float:
    matrix = associations(np.stack([one, other], 1), specs)
    assert matrix[0, 1] == matrix[1, 0]
    return float(matrix[0, 1])


def test_two_categories_have_cramers_v() -> None:
    c = RANDOM.integers(0, 5, N)
    d = np.where(RANDOM.random(N) < 0.4, c % 4, RANDOM.integers(0, 4, N))
    table = contingency.crosstab(c, d).count
    assert both(c, d, CATEGORY, OTHER) == pytest.approx(contingency.association(table), abs=2e-3)


def test_a_category_and_a_number_have_the_correlation_ratio() -> None:
    c = RANDOM.integers(0, 5, N)
    ranks = np.argsort(np.argsort(RANDOM.normal(size=N) + c)).astype(float)
    means = np.array([ranks[c == level].mean() for level in range(5)])[c]
    eta = np.sqrt(means.var() / ranks.var())
    assert both(c, ranks, CATEGORY, NUMBER) == pytest.approx(eta, abs=2e-3)


def test_two_numbers_have_spearmans_correlation() -> None:
    x = RANDOM.normal(size=N)
    y = -x + RANDOM.normal(size=N)
    rho = abs(spearmanr(x, y).statistic)
    assert both(x, y, NUMBER, NUMBER) == pytest.approx(rho, abs=1e-3)
    assert both(x, np.exp(x), NUMBER, NUMBER) == pytest.approx(1)


def test_a_circle_and_a_number_have_mardias_correlation() -> None:
    angle = RANDOM.uniform(0, 360, N)
    x = np.argsort(np.argsort(np.cos(np.radians(angle)) + RANDOM.normal(size=N)))
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    xc, xs, cs = (np.corrcoef(a, b)[0, 1] for a, b in ((x, cos), (x, sin), (cos, sin)))
    squared = (xc**2 + xs**2 - 2 * xc * xs * cs) / (1 - cs**2)
    assert both(angle, x, CIRCLE, NUMBER) == pytest.approx(np.sqrt(squared), abs=2e-3)


def test_two_circles() -> None:
    angle = RANDOM.uniform(0, 360, N)
    assert both(angle, (90 - angle) % 360, CIRCLE, CIRCLE) == pytest.approx(1)
    c = np.arange(N) % 4
    assert both(c, c * 90.0, OTHER, CIRCLE) == pytest.approx(1)


def test_independent_factors_have_none_even_with_many_levels_and_few_rows() -> None:
    for count in (60, 4000):
        matrices = []
        for _ in range(40):
            columns = [
                RANDOM.integers(0, 5, count),
                RANDOM.integers(0, 4, count),
                RANDOM.normal(size=count),
                RANDOM.integers(0, 9, count),
                RANDOM.uniform(0, 360, count),
            ]
            matrices.append(associations(np.stack(columns, 1), SPECS) ** 2)
        apart = np.mean(matrices, 0)[~np.eye(5, dtype=bool)]
        assert apart.max() < 2.5 / count  # as often above 0 as below, and cut off there


def test_unknown_and_constant_factors() -> None:
    c = RANDOM.integers(0, 5, N).astype(float)
    d = c % 4
    d[::2] = np.nan
    matrix = associations(np.stack([c, d, np.zeros(N), np.full(N, np.nan)], 1), (CATEGORY,) * 4)
    assert matrix[0, 1] > 0.8
    assert matrix[1, 1] == 1
    assert np.isnan(matrix[2]).all()
    assert np.isnan(matrix[3]).all()


def test_a_grid_has_none_and_a_thousand_levels_are_quick() -> None:
    specs = [FactorSpec(n, "categorical", values=tuple(range(1000))) for n in "ab"]
    many = RANDOM.integers(0, 1000, (20_000, 2))
    assert associations(many, specs)[0, 1] < 0.1
    assert associations(many[:, [0, 0]], specs)[0, 1] == pytest.approx(1)
