"""The machine's bad days, each in short; benchmarks/hardening.py takes them in full."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hardening import days


@pytest.mark.parametrize("name", days.CHECKS)
def test_a_bad_day(name: str, materials: Path, tmp_path: Path) -> None:
    try:
        days.CHECKS[name](materials, tmp_path)
    except days.NotHere as error:
        pytest.skip(str(error))
