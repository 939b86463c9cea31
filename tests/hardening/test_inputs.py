"""A few generated bad inputs of each kind; benchmarks/hardening.py takes a thousand."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.hardening import inputs, kills, worker

SEED = 1
EACH = 6


@pytest.mark.parametrize("kind", inputs.KINDS)
def test_bad_input_gets_a_sentence(kind: str, materials: Path, tmp_path: Path) -> None:
    first = list(inputs.KINDS).index(kind)
    indices = range(first, EACH * len(inputs.KINDS), len(inputs.KINDS))
    for found in worker.run(materials, tmp_path, SEED, indices):
        assert found["faults"] == [], (found["index"], found["words"], found["stderr"])


@pytest.mark.parametrize("index", range(3))
def test_a_process_of_its_own_says_the_same(index: int, materials: Path, tmp_path: Path) -> None:
    words = inputs.case(2, index, materials, tmp_path / "case")
    forked = worker.fork(words, tmp_path / "case", 60)
    words = inputs.case(2, index, materials, tmp_path / "again")
    done = subprocess.run(
        kills.command(words), cwd=tmp_path / "again", capture_output=True, text=True, check=False
    )
    assert done.returncode == forked["code"]
    told = [text.replace("again", "case") for text in (done.stderr, forked["stderr"])]
    assert told[0].splitlines()[-1:] == told[1].splitlines()[-1:]


def test_cases_are_functions_of_seed_and_index(materials: Path, tmp_path: Path) -> None:
    for index in range(2 * len(inputs.KINDS)):
        one, other = (
            inputs.case(3, index, materials, tmp_path / name / str(index)) for name in ("a", "b")
        )
        places = [str(tmp_path / name) for name in ("a", "b")]
        assert [word.replace(places[0], places[1]) for word in one] == other
