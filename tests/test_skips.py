"""Under CI, what is skipped without a listed reason fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import skips

TESTS = """
import pytest

def test_runs(): pass

@pytest.mark.skip(reason="no browser")
def test_marked(): pass

def test_inside(): pytest.skip("no disk")

@pytest.mark.skipif(True, reason="REASON, and so on")
def test_listed(): pass

@pytest.mark.xfail
def test_known(): assert False
"""
WHOLE = "import pytest; pytest.importorskip('nosuchmodule')"


@pytest.mark.parametrize("ci", ["true", ""])
def test_skips_fail_under_ci_alone(tmp_path: Path, ci: str) -> None:
    reason = next(iter(skips.ALLOWED))
    (tmp_path / "test_some.py").write_text(TESTS.replace("REASON", reason))
    (tmp_path / "test_whole.py").write_text(WHOLE)
    words = [sys.executable, "-m", "pytest", "-p", "tests.skips", "-p", "no:cacheprovider", "-rA"]
    root = Path(__file__).parent.parent
    done = subprocess.run(
        [*words, f"--rootdir={tmp_path}", str(tmp_path), "--continue-on-collection-errors"],
        cwd=root,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stdout.splitlines()[-1]
    if ci:
        assert "1 failed, 1 passed, 1 skipped, 1 xfailed, 2 errors" in last, done.stdout
        assert done.returncode == 1
        assert "skipped under CI, where all tests run: no browser" in done.stdout
        assert "could not import 'nosuchmodule'" in done.stdout
    else:
        assert "1 passed, 4 skipped, 1 xfailed" in last, done.stdout
        assert done.returncode == 0
