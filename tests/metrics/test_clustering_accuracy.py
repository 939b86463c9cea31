"""Clustering accuracy, against counts by hand and every assignment tried."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.metrics import Score, evaluate
from unbraid.metrics.clustering_accuracy import contingency, match

RNG = np.random.default_rng(0)


def score(category: np.ndarray, label: np.ndarray, values: int, sizes: tuple[int, ...]) -> Score:
    spec = FactorSpec("digit", "categorical", values=tuple(range(values)))
    codes, factors = category.reshape(len(category), -1), label[:, None]
    found = evaluate(codes, factors, [spec], metrics="clustering-accuracy", categories=sizes)
    return found["clustering-accuracy"]


def test_a_renamed_class_is_found_in_full() -> None:
    label = RNG.integers(0, 10, 1000)
    renamed = RNG.permutation(10)[label]
    result = score(renamed, label, 10, (10,))
    assert result.value == 1
    assert result.standard_error == 0
    assert [part.value for part in result.parts.values()] == [1, 1]
    assert (result.detail["match"][renamed] == label).all()


def test_by_hand() -> None:
    # Category 0 holds 30 of class 0 and 10 of class 1, category 1 holds 25 of class 0 and 15 of
    # class 1, category 2 holds 20 of class 2: one to one keeps 30 + 15 + 20, the vote 30 + 25 + 20.
    category = np.repeat([0, 0, 1, 1, 2], [30, 10, 25, 15, 20])
    label = np.repeat([0, 1, 0, 1, 2], [30, 10, 25, 15, 20])
    result = score(category, label, 3, (3,))
    assert result.parts["one-to-one (Hungarian)"].value == 0.65
    assert result.parts["majority vote"].value == 0.75
    assert result.standard_error == pytest.approx(math.sqrt(0.65 * 0.35 / 100))
    assert result.detail["match"].tolist() == [0, 1, 2]


def test_one_to_one_is_the_best_of_all_assignments() -> None:
    table = RNG.integers(0, 50, (5, 5))
    best = max(sum(table[i, p[i]] for i in range(5)) for p in permutations(range(5)))
    assert table[np.arange(5), match(table)].sum() == best


@pytest.mark.parametrize(("sizes", "expected"), [((2,), 0.5), ((8,), 0.5)])
def test_too_few_or_too_many_categories_cost_the_rows_left_over(
    sizes: tuple[int, ...], expected: float
) -> None:
    label = np.repeat(np.arange(4), 100)
    category = label // 2 if sizes == (2,) else 2 * label + np.tile([0, 1], 200)
    result = score(category, label, 4, sizes)
    assert result.value == expected
    assert result.parts["majority vote"].value == (0.5 if sizes == (2,) else 1)


def test_a_collapsed_code_finds_one_class() -> None:
    label = np.repeat(np.arange(4), 100)
    result = score(np.zeros(400), label, 4, (4,))
    assert result.value == 0.25
    assert result.notes == ("every code is constant, so nothing is encoded",)


def test_the_best_of_several_codes_counts_and_continuous_ones_do_not() -> None:
    label = RNG.integers(0, 3, 600)
    codes = np.column_stack([RNG.integers(0, 3, 600), (label + 1) % 3, RNG.standard_normal(600)])
    result = score(codes, label, 3, (3, 3))
    assert result.value == 1
    assert result.matrix is not None
    assert result.matrix.shape == (2, 1)
    assert result.matrix[0, 0] < 0.5


def test_without_classes_it_is_undefined_and_says_so() -> None:
    result = evaluate(
        RNG.integers(0, 3, (200, 1)),
        RNG.random((200, 1)),
        metrics="clustering-accuracy",
        categories=(3,),
    )["clustering-accuracy"]
    assert math.isnan(result.value)
    assert "no factor is categorical" in result.notes[0]


def test_without_a_categorical_code_it_is_left_out_or_refused() -> None:
    codes, factors = RNG.random((200, 2)), RNG.integers(0, 3, (200, 1))
    assert "clustering-accuracy" not in evaluate(codes, factors, metrics="all", options=None)
    with pytest.raises(UnbraidError, match="categories were not given"):
        evaluate(codes, factors, metrics="clustering-accuracy")


@pytest.mark.parametrize(
    ("categories", "message"),
    [
        ((1,), "expected at least 2 each"),
        ((2,), "code 0 is said to have 2 categories, so it must hold whole numbers 0 to 1"),
        ((3, 3), "name 2 categorical codes, but there are 1 codes"),
    ],
)
def test_impossible_categories_get_a_sentence(categories: tuple[int, ...], message: str) -> None:
    codes = RNG.integers(0, 3, (200, 1))
    with pytest.raises(UnbraidError, match=message):
        evaluate(codes, codes, categories=categories)


def test_contingency_counts() -> None:
    category, label = RNG.integers(0, 3, 500), RNG.integers(0, 4, 500)
    table = contingency(category, label, (3, 4))
    for k in range(3):
        for j in range(4):
            assert table[k, j] == ((category == k) & (label == j)).sum()
