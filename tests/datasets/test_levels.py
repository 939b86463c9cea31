"""Factors of data sets in memory are indices of their values, not the values."""

from __future__ import annotations

import time

import numpy as np
import pytest

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset

IMAGES = np.zeros((4, 1, 16, 16), np.uint8)
SIZE = FactorSpec("size", "ordinal", values=(10, 20, 30))
X = FactorSpec("x", "continuous", range=(-9, 9))


@pytest.mark.parametrize(
    ("column", "found"),
    [
        ([0, 1, 2, 3], "3 in row 3"),
        ([10, 20, 30, 10], "10 in row 0"),
        ([0, -1, 2, 0], "-1 in row 1"),
        ([0, 0.5, 2, np.nan], "0.5 in row 1"),
        ([0, np.inf, 2, np.nan], "inf in row 1"),
    ],
)
def test_values_in_the_place_of_indices_are_refused(column: list[float], found: str) -> None:
    sentence = f"^mine: factor size is {found}, expected the index of one of its values, 0 to 2, "
    with pytest.raises(UnbraidError, match=sentence):
        Dataset("mine", IMAGES, np.array(column)[:, None], (SIZE,))


def test_indices_and_what_is_unknown_are_taken_and_numbers_may_be_any() -> None:
    factors = np.array([[0, -7.5], [2, 9], [np.nan, 77], [1, np.nan]])
    data = Dataset("mine", IMAGES, factors, (SIZE, X))
    assert data.take(np.array([1])).factors is not None
    assert Dataset("mine", IMAGES, np.array([[True]] * 4), (SIZE,)).factors is not None
    with pytest.raises(UnbraidError, match="factors are of type <U1, expected numbers"):
        Dataset("mine", IMAGES, np.array([["a"]] * 4), (SIZE,))
    values = {"size": [10, 20, 30, 10]}
    found = Dataset.from_arrays(IMAGES, values, kinds={"size": "ordinal"})
    assert found.specs == (SIZE,)
    assert found.factor("size").tolist() == [0, 1, 2, 0]


def test_the_check_takes_little_time() -> None:
    images = np.zeros((100_000, 1, 1, 1), np.uint8)
    factors = np.random.default_rng(0).integers(0, 3, (100_000, 6))
    specs = tuple(FactorSpec(name, "ordinal", values=(1, 2, 3)) for name in "abcdef")
    Dataset("mine", images, factors, specs)
    start = time.perf_counter()
    Dataset("mine", images, factors, specs)
    assert time.perf_counter() - start < 0.2  # 5 ms on an idle machine
