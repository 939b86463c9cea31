"""Scores of training on correlated factors: by method, training set and seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import benchmark
from unbraid.studies.cells import Cell
from unbraid.studies.study import Study

correlated = benchmark("correlated")


def test_scores_and_differences_are_of_the_same_training_set_and_seeds() -> None:
    cells = [
        Cell(f"{method}{pairs}{seed}", "", "d", method, "s", None, seed, {"data": data}, {})
        for pairs, data in (("", {}), ("a:b", {"correlated": "a:b"}))
        for method in ("vae", "hfs")
        for seed in range(3)
    ]
    made: Any = None
    worth = {"vae": 0.1, "vaea:b": 0.2, "hfs": 0.3, "hfsa:b": 0.7}
    rows = [
        {"run": cell.id, "metric": "mig", "setting": "s", "status": "finished",
         "value": worth[cell.id[:-1]] + 0.01 * cell.seed}
        for cell in cells
    ]  # fmt: skip
    rows[-1] |= {"status": "diverged", "value": ""}  # hfs on correlated factors, seed 2
    found = correlated.scores_of(Study(made, Path(), tuple(cells)), rows)
    assert [(row["method"], row["correlated"]) for row in found] == [
        ("vae", ""), ("hfs", ""), ("vae", "a:b"), ("hfs", "a:b"),
    ]  # fmt: skip
    assert found[3]["diverged"] == [2]
    assert list(found[3]["scores"]["mig"]) == [0, 1]
    over = correlated.differences(found)
    assert [(each["correlated"], each["score"], each["seeds"]) for each in over] == [
        ("", "mig", 3), ("a:b", "mig", 2),
    ]  # fmt: skip
    assert [each["mean"] for each in over] == pytest.approx([0.2, 0.5])
