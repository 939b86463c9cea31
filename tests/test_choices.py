"""What --restarts buys, as benchmarks/discrete_codes.py computes it from measured seeds."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks import benchmark

choices = benchmark("_choices")

ACCURACY = np.array([0.8, 0.9, 0.7, 1.0])
SCORE = np.array([2.0, 3.0, 1.0, 2.5])  # the second best by accuracy is the best by score
WHOLE = np.array([False, True, False, True])


def test_every_choice_of_seeds_keeps_the_one_of_the_highest_score() -> None:
    found = choices.restarts(ACCURACY, SCORE, WHOLE)
    assert (found["kept"], found["accuracy"], found["best"]) == (1, 0.9, 1.0)
    one, two, three, four = found["by count"]
    assert (one["choices"], one["whole"], one["lowest"]) == (4, 2, 0.7)
    assert one["mean"] == one["the best there is, mean"] == pytest.approx(ACCURACY.mean())
    # 01 02 03 12 13 23 keep 1 0 3 1 1 3: only the choice of both failed ones keeps one of them
    assert (two["choices"], two["whole"], two["lowest"]) == (6, 5, 0.8)
    assert two["mean"] == pytest.approx((0.9 + 0.8 + 1.0 + 0.9 + 0.9 + 1.0) / 6, abs=1e-4)
    assert (three["choices"], three["whole"]) == (4, 4)
    assert (four["choices"], four["mean"], four["the best there is, mean"]) == (1, 0.9, 1.0)


def test_one_seed_is_kept_as_it_is() -> None:
    found = choices.restarts(ACCURACY[:1], SCORE[:1], WHOLE[:1])
    assert found["kept"] == 0
    assert [each["whole"] for each in found["by count"]] == [0]
