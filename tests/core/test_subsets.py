"""The one way to choose some rows, and that nothing chooses the first ones instead."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

import unbraid
from unbraid.core.subsets import some_rows

ROOT = Path(unbraid.__file__).parent
CHECKED = [*ROOT.rglob("*.py"), *(ROOT.parent.parent / "benchmarks").glob("*.py")]
# The only places where the first of a data set's images stand for nothing but themselves: their
# type, whether they can be had, whether any other image differs, an image that was asked for, and
# digits whose factors are independent draws, row by row.
ALLOWED = {
    "training/batches.py: images[:1]",
    "training/batches.py: data.images[:1]",
    "evaluation/scores.py: data.images[:1]",
}


def test_rows_are_drawn_evenly_and_each_once() -> None:
    counts = np.zeros(20)
    for seed in range(2000):
        rows = some_rows(20, 5, seed)
        assert len(set(rows.tolist())) == 5
        assert (np.diff(rows) > 0).all()
        counts[rows] += 1
    assert abs(counts - 500).max() < 4 * (2000 * 0.25 * 0.75) ** 0.5


def test_fewer_are_among_the_more_and_the_seed_chooses() -> None:
    assert set(some_rows(100, 10, 3).tolist()) < set(some_rows(100, 40, 3).tolist())
    assert some_rows(100, 10, 3).tolist() == some_rows(100, 10, 3).tolist()
    assert some_rows(100, 10, 3).tolist() != some_rows(100, 10, 4).tolist()
    assert some_rows(4, 10).tolist() == [0, 1, 2, 3]
    assert some_rows(10, 0).tolist() == []


@pytest.mark.parametrize("path", CHECKED, ids=lambda path: path.name)
def test_nothing_takes_the_first_images(path: Path) -> None:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice)):
            continue
        cut = node.slice
        of = ast.unparse(node.value)
        if cut.lower is None and cut.upper is not None and of.split(".")[-1] == "images":
            where = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path.name
            found.add(f"{where}: {ast.unparse(node)}")
    # a batch is in random order already, and methods see nothing else
    found = {each for each in found if not each.startswith("methods/")}
    assert found <= ALLOWED
