from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unbraid import cli
from unbraid.studies.study import Study, open_study

Make = Callable[..., Path]

SPEC = """
[study]
name = "{name}"
seeds = "{seeds}"
[[data]]
name = "{data}"
full = true
[common]
steps = {steps}
batch_size = 32
latent_dim = 3
net = "mlp"
validation = 0.4
precision = "f32"
checkpoint_every = 0.05
[[grid]]
method = "beta-vae"
beta = [1, 4]
[[grid]]
method = "dip-vae-i"
off_diagonal = {off_diagonal}
diagonal = "10 * off_diagonal"
[[metrics]]
metrics = ["mig"]
[resources]
retries = {retries}
{more}
"""


@pytest.fixture
def make_spec(tmp_path: Path, squares_npz: Path) -> Make:
    """Write the file of a tiny study into tmp_path."""

    def make(name: str = "tiny", **options: Any) -> Path:
        values: dict[str, Any] = {"seeds": 0, "steps": 12, "off_diagonal": 1, "more": ""}
        values |= {"retries": 2, "data": squares_npz, **options}
        path = tmp_path / f"{name}.toml"
        path.write_text(SPEC.format(name=name, **values), encoding="utf-8")
        return path

    return make


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[Path], Study]:
    """Open a study in tmp_path/studies."""
    return lambda spec: open_study(spec, tmp_path / "studies")


@pytest.fixture
def unbraid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run ``unbraid study`` in tmp_path/studies; return what it prints on both streams."""

    def run(command: str, spec: Path, *args: str, code: int = 0) -> str:
        words = ["study", command, str(spec), "--root", str(tmp_path / "studies"), *args]
        assert cli.main(words) == code
        return "".join(capsys.readouterr())

    return run
