"""A few commands killed at random moments; benchmarks/hardening.py takes a hundred."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.hardening import kills

NAMES = list(kills.subjects())
CASES = [  # that of each subject and signal with which the rounds begin
    NAMES.index("restarts, ae"),
    NAMES.index("train, infogan") + len(NAMES),
    NAMES.index("generate, infogan") + len(NAMES),
]


@pytest.mark.parametrize("index", CASES)
def test_killed_and_run_again_it_leaves_the_same_bits(
    index: int, materials: Path, tmp_path: Path
) -> None:
    name = NAMES[index % len(NAMES)]
    if not name.startswith(("train", "restarts")):
        kills.prepare(materials, [name.split(", ")[1]])
    found = kills.case(0, index, materials, tmp_path / "case", {})
    assert found["subject"] == name
    assert found["faults"] == []


def test_half_files_and_differences_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"seconds": 3, "loss": [1.5, {"machine": "x"}]}')
    (tmp_path / "b.png").write_bytes(b"\x89PNG")
    (tmp_path / "c.safetensors").write_bytes(b"12345678")
    (tmp_path / ".d-half.json").write_text("{")
    assert [line.split()[0] for line in kills.broken(tmp_path)] == ["b.png", "c.safetensors"]
    found = kills.contents(tmp_path)
    assert found["a.json"] == {"loss": [1.5, {}]}
    other = json.loads(json.dumps({"a.json": {"loss": [1.5, {}]}})) | {"e": b""}
    assert kills.differences(found, other) == [
        *(".d-half.json is left over", "b.png is left over", "c.safetensors is left over"),
        "e is missing",
    ]
