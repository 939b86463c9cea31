"""The examples of CONTRIBUTING.md, dropped into a copy of the package and used, nothing edited."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```python\n# (\S+\.py)\n(.+?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Copy:
    """A copy of the repository with the examples in it."""

    root: Path

    def run(self, *args: str) -> str:
        """Run Python in the copy; return what it prints."""
        env = {**os.environ, "PYTHONPATH": str(self.root / "src")}
        done = subprocess.run(
            [sys.executable, *args], cwd=self.root, env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def unbraid(self, *commands: str) -> str:
        """Run commands in one process: importing torch takes longest."""
        lines = [f"assert main({command.split()!r}) == 0" for command in commands]
        return self.run("-c", "\n".join(["from unbraid.cli import main", *lines]))


@pytest.fixture(scope="module")
def examples() -> dict[str, str]:
    """The files in CONTRIBUTING.md, by path."""
    return dict(BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def copy(examples: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The repository's sources and tests with the examples added."""
    root = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__", "*.npz")
    shutil.copytree(ROOT / "src", root / "src", ignore=ignored)
    shutil.copytree(ROOT / "tests", root / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    for path, code in examples.items():
        assert not (root / path).exists(), f"{path} is there already: choose another example"
        (root / path).write_text(code, encoding="utf-8")
    return Copy(root)


def test_there_is_an_example_of_each_kind(examples: dict[str, str]) -> None:
    folders = {path.split("/")[2] for path in examples if path.startswith("src/")}
    assert folders == {"methods", "datasets", "metrics", "figures", "recipes"}


def test_examples_work_together(copy: Copy) -> None:
    said = copy.unbraid(
        "methods",
        "datasets",
        "metrics",
        "recipes",
        "train decov-vae --data bars --data.full --net mlp --latent-dim 3 --covariance 5 "
        "--epochs 2 --batch-size 16 --out run",
        "curve run --term covariance --out curve.svg",
        "traverse run --out traverse.png",
        "show bars --out bars.png",
    )
    for name in ("decov-vae", "bars", "rank-gap", "bowman2016"):
        assert re.search(rf"^{name} +[A-Z]", said, re.MULTILINE)
    for file in ("curve.svg", "traverse.png", "bars.png"):
        assert (copy.root / file).stat().st_size > 1000


def test_examples_pass_the_checks_of_their_kind(copy: Copy) -> None:
    said = copy.run(
        *("-m", "pytest", "-p", "no:cacheprovider", "--doctest-modules"),
        *("tests/methods/test_all.py", "tests/methods/test_decov_vae.py"),
        *("tests/metrics/test_known_answers.py", "tests/test_architecture.py"),
        *(
            "tests/test_recipes.py",
            "tests/metrics/test_categories.py",
            "tests/metrics/test_small_data.py",
        ),
        *("src/unbraid/methods", "src/unbraid/datasets/bars.py", "src/unbraid/metrics/rank_gap.py"),
        *("-k", "decov or bars or rank or curve or bowman"),
    )
    found = re.search(r"(\d+) passed", said)
    assert found
    assert int(found[1]) > 20, said


def test_examples_are_in_the_house_style(copy: Copy, examples: dict[str, str]) -> None:
    copy.run("-m", "ruff", "check", *examples)
    copy.run("-m", "ruff", "format", "--check", *examples)
    # torch's types take most of the time, and are in the repository's cache once it was linted
    cache = f"--cache-dir={ROOT / '.mypy_cache'}"
    copy.run("-m", "mypy", cache, *(path for path in examples if path.startswith("src/")))
