"""Names of files as systems allow them: bytes that are not UTF-8, ``~`` without a home folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unbraid import cli
from unbraid.control import loading, parse
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.files import cache_folder, expand, readable
from unbraid.datasets import load_dataset
from unbraid.methods import configure
from unbraid.runs import Run, RunConfig, train_run
from unbraid.training import TrainingConfig

CAFE = "caf\udce9"  # the bytes of Latin-1


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of images in class folders, in a folder, of data, all of whose names are not UTF-8."""
    place = tmp_path_factory.mktemp("names")
    for index in range(60):
        folder = place / f"im{CAFE}" / (CAFE if index % 2 else "th\udce9")
        folder.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(index).integers(0, 256, (16, 16), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:02}.png")
    config = RunConfig(
        configure("vae", latent_dim=3, net="mlp"),
        "folder",
        {"path": str(place / f"im{CAFE}"), "size": 16},
        TrainingConfig(epochs=1, batch_size=16, precision="f32"),
    )
    return train_run(config, place / f"run{CAFE}")


def test_readable_names() -> None:
    assert readable("plain é 数") == "plain é 数"
    assert readable(CAFE) == r"caf\udce9"
    assert readable("\ud800").isascii()


def test_a_run_of_such_names_opens_again(run: Run) -> None:
    again = Run(run.folder)
    assert again.finished
    again.model()
    assert len(again.unseen()) == 6
    assert again.specs[0].values == (r"caf\udce9", r"th\udce9")
    for name in ("config.json", "result.json"):  # readable by strict readers, too
        (run.folder / name).read_text(encoding="utf-8").encode("utf-8")
        json.loads((run.folder / name).read_bytes())


@pytest.mark.parametrize("name", ["reconstruct", "sample", "scatter", "traverse"])
def test_figures_show_such_names(run: Run, name: str) -> None:
    assert cli.main([name, str(run.folder)]) == 0
    assert (run.folder / f"{name}.png").is_file()


@pytest.mark.parametrize("suffix", [".svg", ".pdf"])
def test_other_formats_hold_such_names(run: Run, suffix: str) -> None:
    assert cli.main(["scatter", str(run.folder), "--out", str(run.folder / f"x{suffix}")]) == 0


def test_data_of_such_names_are_shown(run: Run, tmp_path: Path) -> None:
    module = registry.load("figures", "show")
    module.draw(load_dataset(run.config.data_options["path"]), module.Config())
    np.savez(tmp_path / f"{CAFE}.npz", images=np.zeros((60, 8, 8), np.uint8))
    data = load_dataset(str(tmp_path / f"{CAFE}.npz"))
    assert data.name == r"caf\udce9"
    module.draw(data, module.Config())


def test_such_classes_can_be_asked_for(run: Run) -> None:
    specs = loading.open(run).specs
    assert parse(r"caf\udce9", specs).describe()


@pytest.mark.parametrize(
    ("locale", "encoding"), [("C", ""), ("C", "ascii"), ("C", "latin-1"), ("C.UTF-8", "")]
)
def test_such_names_are_printed_in_any_locale(
    run: Run, tmp_path: Path, locale: str, encoding: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "unbraid", "sample", os.fsencode(run.folder)],
        cwd=tmp_path,
        capture_output=True,
        env={**os.environ, "LC_ALL": locale, "PYTHONIOENCODING": encoding},
    )
    assert done.returncode == 0, done.stderr
    assert b"sample.png" in done.stdout
    assert not done.stderr


# -- home folders ---------------------------------------------------------------------------------


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand("~/x") == tmp_path / "x"
    assert expand(Path("~/x")) == tmp_path / "x"
    assert expand("x/~") == Path("x/~")


def test_every_command_takes_a_quoted_tilde(
    tiny_run: Run,
    squares_npz: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir("/")
    (tmp_path / "data.npz").write_bytes(squares_npz.read_bytes())
    train = ["train", "vae", "--data", "~/data.npz", "--epochs", "1", "--batch-size", "64"]
    assert cli.main([*train, "--net", "mlp", "--out", "~/run"]) == 0
    assert Run("~/run").folder == tmp_path / "run"
    restarts = ["--restarts", "1", "--net", "mlp", "--out", "~/run2"]
    assert cli.main([*train, *restarts]) == 0
    assert cli.main(["sample", "~/run", "--out", "~/s.png"]) == 0
    assert cli.main(["evaluate", "~/run", "--metrics", "reconstruction"]) == 0
    assert cli.main(["generate", "grey 1", "--model", "~/run", "-n", "1", "--out", "~/g.png"]) == 0
    edit = ["edit", "~/g.png", "grey 2", "--model", "~/run", "--out", "~/e.png"]
    assert cli.main([*edit, "--compare", "~/c.png"]) == 0
    made = {"run", "run2", "s.png", "g.png", "e.png", "c.png"}
    assert made <= {file.name for file in tmp_path.iterdir()}
    capsys.readouterr()


def test_without_a_home_folder_there_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["show", "~no-such-user/x"]) == 2
    assert "the home folder that '~no-such-user/x' starts from is not known" in (
        capsys.readouterr().err
    )

    def unknown(*_: object) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    monkeypatch.delenv("UNBRAID_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    with pytest.raises(UnbraidError, match="set UNBRAID_CACHE to a folder, or HOME"):
        cache_folder()
