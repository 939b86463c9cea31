"""``unbraid control RUN``: the report of a run folder, as a table and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from unbraid.cli import main
from unbraid.control import checking, controller
from unbraid.datasets.digits import Renderer
from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec
from unbraid.files import write_json
from unbraid.methods import configure
from unbraid.runs import Run, RunConfig
from unbraid.training import TrainingConfig


def run_of(folder: Path, data: str, side: int = 32, **options: Any) -> str:
    """Write what a finished run of a method on some data looks like from outside."""
    config = RunConfig(configure("vae"), data, options, TrainingConfig())
    write_json(folder / "config.json", config.to_json((1, side, side)))
    write_json(folder / "result.json", {})
    return str(folder)


@pytest.fixture
def obedient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every run be controlled by one that draws a real digit, whose style is ignored."""

    def open_run(run: Run) -> Any:
        digits = tuple(run.config.data_options.get("digits", range(10)))
        renderer = Renderer("test", run.image_shape[1], digits=digits)

        def draw(factors: NDArray[np.float64], _: NDArray[np.int64]) -> NDArray[np.uint8]:
            return renderer.draw(factors, renderer.choose(factors, 5))

        return SimpleNamespace(draw=draw)

    monkeypatch.setattr(controller, "open", open_run)


@pytest.mark.usefixtures("obedient")
def test_a_table_beside_the_floor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run_of(tmp_path / "run", "digits", canvas=32)
    assert main(["control", folder, "--requests", "60", "--no-correct"]) == 0
    out = capsys.readouterr().out
    assert "60 random requests" in out
    for name in ("digit accuracy (higher)", "thickness (lower)", "leakage of digit", "real"):
        assert name in out


@pytest.mark.usefixtures("obedient")
@pytest.mark.parametrize("canvas", [32, 64])
def test_json_holds_the_whole_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], canvas: int
) -> None:
    digits = [3, 8, 0]  # as JSON stores them
    folder = run_of(tmp_path / "run", "digits", canvas, canvas=canvas, digits=digits)
    args = ["--requests", "60", "--seed", "4", "--no-correct", "--json"]
    assert main(["control", folder, *args]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["requests"], report["seed"]) == (60, 4)
    assert report["figures"]["digit accuracy"]["value"] > 85
    assert report["figures"]["diversity"]["value"] == 0  # both styles are the same here


@pytest.mark.usefixtures("obedient")
@pytest.mark.parametrize(
    ("glyphs", "seen"),
    [(None, True), ([0, 40_000], False), ([0, 40_001], True), ([59_999, 60_000], True)],
)
def test_the_judges_writers_in_training_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], glyphs: list[int] | None, seen: bool
) -> None:
    options = {} if glyphs is None else {"glyphs": glyphs}
    folder = run_of(tmp_path / "run", "digits", canvas=32, **options)
    args = ["control", folder, "--requests", "10"]
    assert main([*args, "--json", "--no-correct"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["judge"]["writers_in_training"] is seen
    assert main([*args, "--no-correct"]) == 0
    assert ("judge's writers were in training" in capsys.readouterr().out) is seen


@pytest.mark.usefixtures("obedient")
@pytest.mark.parametrize(
    ("args", "name"),
    [
        (["--no-correct"], "first draw"),
        (["--no-correct", "--no-reject"], "first draw, no rejection"),
        (["--no-correct", "--candidates", "1"], "first draw"),
    ],
)
def test_the_setting_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], args: list[str], name: str
) -> None:
    folder = run_of(tmp_path / "run", "digits", canvas=32)
    assert main(["control", folder, "--requests", "10", "--json", *args]) == 0
    assert json.loads(capsys.readouterr().out)["setting"] == name


def test_settings_have_names() -> None:
    assert checking.setting_name() == "corrected"
    assert checking.setting_name(candidates=4) == "corrected, best of 4"
    assert checking.setting_name(False, candidates=4) == "best of 4"


@pytest.mark.parametrize(
    ("data", "side", "options", "sentence"),
    [
        ("mnist", 28, {}, "was trained on mnist, but the judge reads 'digits' alone"),
        ("digits", 48, {"canvas": 48}, "canvas of 48 pixels, but the judge reads 32 and 64"),
    ],
)
def test_what_the_judge_cannot_read_is_said(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    data: str,
    side: int,
    options: dict[str, Any],
    sentence: str,
) -> None:
    folder = run_of(tmp_path / "run", data, side, **options)
    assert main(["control", folder]) == 2
    assert sentence in capsys.readouterr().err


def test_mistakes_are_sentences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run_of(tmp_path / "run", "digits", canvas=32)
    (tmp_path / "run/result.json").unlink()
    for args, sentence in (
        ([], "takes a run folder"),
        (["--json"], "takes a run folder first, found '--json'"),
        ([folder], "is not finished"),
        ([str(tmp_path / "none")], "does not exist"),
        ([folder, "--request", "3"], "--requests"),
    ):
        assert main(["control", *args]) == 2
        errors = capsys.readouterr().err.splitlines()
        assert len(errors) == 1
        assert sentence in errors[0]


def test_help_explains_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["control", "--help"]) == 0
    assert "--requests" in capsys.readouterr().out


def test_a_drawer_may_look_at_what_it_drew() -> None:
    """One whose x is off by 2 is told so by its own reading, and asks again."""
    spec = FactorSpec("x", "continuous", range=(-9, 9))
    answers = SimpleNamespace(
        specs=(spec,),
        draw=lambda factors, styles: (factors - 2).astype(np.float32)[:, :, None, None],
        read=lambda images: images[:, :, 0, 0].astype(np.float64),
    )
    asked, styles = np.array([[3.0], [-4.0]]), np.arange(2)
    plain = checking.as_asked(answers)(asked, styles)
    np.testing.assert_allclose(plain[:, 0, 0, 0], [1, -6])
    again = checking.as_asked(answers, correct=True)(asked, styles)
    np.testing.assert_allclose(again[:, 0, 0, 0], [3, -4])
    with pytest.raises(UnbraidError, match="candidates is 0"):
        checking.as_asked(answers, candidates=0)
