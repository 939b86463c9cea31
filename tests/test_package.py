"""What is built for installing is complete: it runs from the wheel alone."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_every_source_and_the_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    sources = {str(path.relative_to(ROOT / "src")) for path in (ROOT / "src").rglob("*.py")}
    assert sources <= names
    packed = {f"unbraid/datasets/data/{name}.npz" for name in ("mnist", "fsdd")}
    assert {"unbraid/py.typed", *packed} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    for notice in ("mnist.LICENSE.txt", "fsdd.LICENSE.txt"):
        assert any(name.endswith(notice) for name in names)
    assert not any(name.startswith(("tests", "docs", "benchmarks")) for name in names)
    assert wheel.stat().st_size < 100e6  # what the package index takes


def test_it_runs_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "import unbraid; print(unbraid.__file__, len(unbraid.load_dataset('mnist', split='test')))"
    )
    env = {**os.environ, "PYTHONPATH": str(tmp_path), "UNBRAID_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, check=True, capture_output=True
    )
    assert done.stdout.decode().split() == [str(tmp_path / "unbraid/__init__.py"), "10000"]


def test_the_docs_of_releases_are_listed_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    listed = importlib.import_module("versioned_docs").versions
    assert listed(["v0.9.0", "v0.10.0", "draft", "v1.0.0rc1"]) == ["latest", "v0.10.0", "v0.9.0"]
    assert listed([]) == ["latest"]
