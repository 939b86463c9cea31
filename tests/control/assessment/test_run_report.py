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
from unbraid.control import loading
from unbraid.control.assessment import run_report
from unbraid.control.assessment.judge_training import Config as JudgeConfig
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.core.files import write_json
from unbraid.datasets import _drawing
from unbraid.datasets.digits import Renderer
from unbraid.methods import configure
from unbraid.pictures import write_png
from unbraid.runs import Run, RunConfig
from unbraid.training import TrainingConfig


def run_of(folder: Path, data: str, side: int = 32, validation: float = 0.1, **options: Any) -> str:
    """Write what a finished run of a method on some data looks like from outside."""
    training = TrainingConfig(validation=validation)
    config = RunConfig(configure("vae"), data, options, training)
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

        return SimpleNamespace(draw=draw, specs=(), model=SimpleNamespace(needs=frozenset()))

    monkeypatch.setattr(loading, "open", open_run)


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
    assert ("training data of this run and of the judge overlap" in capsys.readouterr().out) is seen


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
    assert run_report.setting_name() == "corrected"
    assert run_report.setting_name(candidates=4) == "corrected, best of 4"
    assert run_report.setting_name(False, candidates=4) == "best of 4"


# -- any data -------------------------------------------------------------------------------------


@pytest.fixture
def quick_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let judges learn for seconds."""
    monkeypatch.setattr(run_report, "JudgeConfig", lambda: JudgeConfig(passes=4))


def answers_with(monkeypatch: pytest.MonkeyPatch, draw: Any) -> None:
    monkeypatch.setattr(
        loading,
        "open",
        lambda run: SimpleNamespace(draw=draw, specs=(), model=SimpleNamespace(needs=frozenset())),
    )


@pytest.mark.usefixtures("quick_judge")
def test_a_run_on_a_grid_is_measured_by_a_judge_of_its_own(
    bars_npz: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with np.load(bars_npz) as file:
        images, factors = file["images"], file["factors"]
    row_of = {tuple(row): index for index, row in enumerate(factors.tolist())}

    def draw(rows: NDArray[np.float64], _: NDArray[np.int64]) -> NDArray[np.uint8]:
        return images[[row_of[tuple(map(int, row))] for row in rows]][:, None]

    answers_with(monkeypatch, draw)
    folder = run_of(tmp_path / "run", "npz", 24, validation=0.2, path=str(bars_npz))
    args = ["control", folder, "--requests", "50", "--no-correct"]
    assert main([*args, "--json"]) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert report["drawn"] == "joint"
    assert "independent" not in report  # in a grid that is the same
    assert set(report["judge"]["errors"]) == {"column", "row", "grey"}
    assert (report["judge"]["learnt_from"], report["judge"]["measured_on"]) == (374, 186)
    for figure in report["figures"].values():
        assert figure["value"] == figure["real"]
    assert "training a judge of bars (once)" in err
    assert main(args) == 0
    out, err = capsys.readouterr()
    assert "training a judge" not in err  # it is kept
    assert "column accuracy (higher)" in out
    assert "own error on 186 images that neither the run nor the judge was trained on" in out


@pytest.mark.usefixtures("quick_judge")
def test_a_run_on_a_folder_is_measured_beside_its_own_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    for label, grey in (("dark", 60), ("bright", 200)):
        (tmp_path / "data" / label).mkdir(parents=True)
        for index in range(500):
            image = np.clip(rng.normal(grey, 10, (16, 16)), 0, 255).astype(np.uint8)
            write_png(tmp_path / "data" / label / f"{index}.png", image[None] / 255)

    def draw(rows: NDArray[np.float64], styles: NDArray[np.int64]) -> NDArray[np.float64]:
        grey = np.where(rows[:, 0] == 0, 200, 60)[:, None, None, None]
        noise = np.stack([np.random.default_rng(s).normal(0, 10, (1, 16, 16)) for s in styles])
        return (grey + noise) / 255

    answers_with(monkeypatch, draw)
    options = {"path": str(tmp_path / "data"), "size": 16}
    folder = run_of(tmp_path / "run", "folder", 16, validation=0.4, **options)
    assert main(["control", folder, "--requests", "100", "--no-correct", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["figures"]["label accuracy"]["value"] > 95
    assert report["figures"]["label changes"]["value"] > 95
    assert 0.9 < report["figures"]["diversity"]["value"] < 1.1
    assert "independent" not in report  # of one factor


@pytest.mark.usefixtures("quick_judge")
def test_requests_that_the_data_never_show_are_a_second_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    factors = rng.uniform(0, 1, (1000, 1)) * [1, 1] + rng.uniform(0, 0.2, (1000, 2))

    def draw(rows: NDArray[np.float64], _: Any) -> NDArray[np.float64]:
        images = np.zeros((len(rows), 1, 16, 16))
        images[:, 0, :8] = rows[:, 0, None, None] / 1.2
        images[:, 0, 8:] = rows[:, 1, None, None] / 1.2
        return images

    path = tmp_path / "two.npz"
    names = np.array(["above", "below"])
    np.savez(path, images=draw(factors, 0)[:, 0], factors=factors, factor_names=names)
    answers_with(monkeypatch, draw)
    folder = run_of(tmp_path / "run", "npz", 16, validation=0.4, path=str(path))
    args = ["control", folder, "--requests", "100", "--no-correct"]
    assert main([*args, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report["independent"]) == {"figures", "leakage", "moves"}
    assert set(report["independent"]["figures"]) == set(report["figures"])
    assert main(args) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "joint distribution of factors as in the data" in out
    assert "combinations that are not in the data" in out


@pytest.mark.usefixtures("quick_judge", "obedient")
def test_digits_on_another_canvas_are_measured_beside_renderings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    glyphs = _drawing.load_glyphs  # those of the test split are ready sooner, and will do
    monkeypatch.setattr(_drawing, "load_glyphs", lambda _: glyphs("test"))
    folder = run_of(tmp_path / "run", "digits", 48, canvas=48, n=600, stream=True)
    assert main(["control", folder, "--requests", "40", "--no-correct", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["judge"]["name"] == "digits"
    assert report["judge"]["learnt_from"] == 360
    assert report["figures"]["size"]["unit"] == "%"


@pytest.mark.usefixtures("obedient")
def test_digits_that_hang_together_have_a_second_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"canvas": 32, "n": 300, "correlations": [["size", "thickness", 0.9]]}
    folder = run_of(tmp_path / "run", "digits", stream=True, **options)
    assert main(["control", folder, "--requests", "40", "--no-correct", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["drawn"] == "independent"
    assert report["joint"]["figures"]["x"] != report["figures"]["x"]


def test_too_few_images_for_a_judge_say_how_many_are_needed(
    squares_npz: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run_of(tmp_path / "run", "npz", 16, path=str(squares_npz))
    assert main(["control", folder]) == 2
    assert "a judge needs 300 of them" in capsys.readouterr().err


def test_data_without_factors_have_nothing_to_be_asked_for(
    plain_run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["control", str(plain_run.folder)]) == 2
    assert "noise has no factors" in capsys.readouterr().err


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

    def draw(factors: NDArray[np.float64], styles: NDArray[np.int64]) -> NDArray[np.float32]:
        return (factors - 2).astype(np.float32)[:, :, None, None]

    answers = SimpleNamespace(
        specs=(spec,),
        draw=draw,
        drawing=lambda: draw,
        read=lambda images: images[:, :, 0, 0].astype(np.float64),
        reading_error=None,
    )
    asked, styles = np.array([[3.0], [-4.0]]), np.arange(2)
    plain = run_report.draw_function(answers)(asked, styles)
    np.testing.assert_allclose(plain[:, 0, 0, 0], [1, -6])
    again = run_report.draw_function(answers, correct=True)(asked, styles)
    np.testing.assert_allclose(again[:, 0, 0, 0], [3, -4])
    with pytest.raises(UnbraidError, match="candidates is 0"):
        run_report.draw_function(answers, candidates=0)
