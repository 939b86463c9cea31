"""Runs side by side: intervals, options that differ, what is incomparable, and matched latents."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import unbraid
from unbraid import cli
from unbraid.comparison import formats
from unbraid.comparison.table import Cell, Row
from unbraid.core.errors import UnbraidError
from unbraid.figures._matched import correlations, match
from unbraid.methods import configure
from unbraid.runs import Run, RunConfig, train_run
from unbraid.training import TrainingConfig


def score(value: float, error: float | None, **settings: Any) -> dict[str, Any]:
    return {
        "metric": "mig",
        "value": value,
        "standard_error": error,
        "protocol": "none",
        "settings": {"bins": 20, "codes": 4, **settings},
        "data": {"images": 60, "fingerprint": "same"},
    }


def copied(run: Run, folder: Path, value: float, error: float | None, **changes: Any) -> Path:
    """Copy a run and give it a score of MIG."""
    shutil.copytree(run.folder, folder)
    result = json.loads((folder / "result.json").read_text())
    result["scores"] = {"mig 1": {**score(value, error), **changes}}
    (folder / "result.json").write_text(json.dumps(result))
    return folder


@pytest.fixture
def runs(tiny_run: Run, tmp_path: Path) -> list[Path]:
    one = copied(tiny_run, tmp_path / "one", 0.25, 0.01)
    return [one, copied(tiny_run, tmp_path / "other", 0.5, None)]


@pytest.fixture(scope="module")
def joint(squares_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    config = RunConfig(
        configure("joint-vae", latent_dim=2, categories=3, net="mlp"),
        "npz",
        {"path": str(squares_npz)},
        TrainingConfig(epochs=1, batch_size=16, precision="f32"),
    )
    return train_run(config, tmp_path_factory.mktemp("comparison") / "joint_vae")


def row(found: unbraid.comparison.Comparison, name: str) -> Row:
    (only,) = [each for each in found.rows if each.name == name]
    return only


def test_the_table(runs: list[Path], joint: Run) -> None:
    found = unbraid.compare([*runs, joint])
    assert found.names == ("one", "other", "joint_vae")
    assert [cell.value for cell in row(found, "method").cells] == ["vae", "vae", "joint-vae"]
    assert row(found, "categories").cells == (Cell(), Cell(), Cell("3"))
    assert "batch_size" not in {each.name for each in found.rows}  # the same in all
    mig = row(found, "mig").cells
    assert mig[0].interval == pytest.approx((0.25 - 1.96 * 0.01, 0.25 + 1.96 * 0.01))
    assert mig[1:] == (Cell(0.5), Cell())
    size = row(found, "parameters").cells
    model = Run(runs[0]).model()
    assert size[0].value == sum(weight.numel() for weight in model.parameters())
    assert row(found, "bytes").cells[0].value == (runs[0] / "model.safetensors").stat().st_size
    assert row(found, "images a second").cells[0].value == pytest.approx(
        Run(runs[0]).result["training"]["images_per_second"]
    )
    assert "joint_vae has no score of mig." in found.notes


def test_what_is_not_comparable_is_said(tiny_run: Run, runs: list[Path], tmp_path: Path) -> None:
    changed = {"data": {"images": 60, "fingerprint": "others"}}
    other = copied(tiny_run, tmp_path / "third", 0.5, 0.1, **changed)
    notes = unbraid.compare([runs[0], other]).notes
    assert "of different images, so not comparable: mig." in notes
    bins = copied(tiny_run, tmp_path / "fourth", 0.5, 0.1, settings={"bins": 5, "codes": 4})
    assert (
        "of different settings, so not comparable: mig." in unbraid.compare([runs[0], bins]).notes
    )
    latents = copied(
        tiny_run,
        tmp_path / "fifth",
        0.5,
        0.1,
        settings={"bins": 20, "codes": 9} | {"active_codes": 7},
    )
    assert unbraid.compare([runs[0], latents]).notes[1:] == ()  # but what intervals are over


def test_formats_hold_the_same_numbers() -> None:
    names = ("a_1", "b|2")
    rows = (
        Row("options", "beta_max", (Cell("4"), Cell())),
        Row("scores", "mig", (Cell(0.25, 0.01), Cell(math.nan))),
        Row("size", "bytes", (Cell(1234567.0), Cell(5.0))),
    )
    text = formats.as_csv(names, rows)
    (one, other) = csv.DictReader(io.StringIO(text))
    assert one == {
        "run": "a_1",
        "beta_max": "4",
        "mig": "0.25",
        "mig low": "0.2304",
        "mig high": "0.2696",
        "bytes": "1234567",
    }
    assert (other["beta_max"], other["mig"], other["mig low"]) == ("", "", "")
    markdown = formats.as_markdown(names, rows, ["a note"])
    assert "|  | a_1 | b\\|2 |\n|---|--:|--:|" in markdown
    assert "| mig | 0.250 [0.230, 0.270] | undefined |" in markdown
    assert markdown.endswith("\n\na note\n")
    latex = formats.as_latex(names, rows, ["a note"])
    assert r"mig & 0.250 [0.230, 0.270] & undefined \\" in latex
    assert r" & a\_1 & b\textbar{}2 \\" in latex
    assert latex.count(r"\midrule") == 3
    assert r"bytes & 1,234,567 & 5 \\" in latex


def test_small_and_negative_numbers_and_special_signs() -> None:
    names = ("a<b>", r"c*d\e")
    rows = (
        Row("options", "beta_max", (Cell("-1"), Cell("1e-05"))),
        Row("held-out images", "squared error", (Cell(0.0312), Cell(1234.56))),
        Row("held-out images", "elbo", (Cell(-20.06), Cell(-9.876))),
        Row("scores", "mig", (Cell(0.001, 0.01), Cell(0.0))),
    )
    markdown = formats.as_markdown(names, rows, ())
    assert markdown.startswith("|  | a\\<b> | c\\*d\\\\e |\n")
    assert "| squared error | 0.0312 | 1,234.6 |" in markdown  # the first was 0.0
    assert "| elbo | -20.1 | -9.88 |" in markdown
    latex = formats.as_latex(names, rows, ())
    assert r" & a\textless{}b\textgreater{} & c*d\textbackslash{}e \\" in latex
    assert r"beta\_max & $-$1 & 1e-05 \\" in latex
    assert r"elbo & $-$20.1 & $-$9.88 \\" in latex
    assert r"mig & 0.001 [$-$0.019, 0.021] & 0.000 \\" in latex


def changed(run: Run, folder: Path, part: str, **options: Any) -> Path:
    """Copy a run and change a part of its config.json."""
    shutil.copytree(run.folder, folder)
    config = json.loads((folder / "config.json").read_text())
    config[part] |= options
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_options_that_hardly_differ_are_told(tiny_run: Run, tmp_path: Path) -> None:
    one = changed(tiny_run, tmp_path / "one", "training", lr=0.0012345678)
    other = changed(tiny_run, tmp_path / "other", "training", lr=0.0012345679)
    found = unbraid.compare([one, other])
    assert row(found, "lr").cells == (Cell("0.0012345678"), Cell("0.0012345679"))


def test_options_of_data_that_one_run_was_given(tiny_run: Run, tmp_path: Path) -> None:
    """The other one has the default, which config.json leaves out."""
    given = changed(tiny_run, tmp_path / "given", "data", split_seed=3)
    found = unbraid.compare([tiny_run, given])
    assert row(found, "data.split_seed").cells == (Cell("0"), Cell("3"))


def test_no_column_of_csv_is_there_twice(tiny_run: Run, tmp_path: Path) -> None:
    """The steps asked for and those taken are two quantities."""
    steps = tiny_run.result["training"]["steps"]
    one = changed(tiny_run, tmp_path / "one", "training", epochs=0, steps=steps)
    header = unbraid.compare([tiny_run, one]).to_csv().splitlines()[0].split(",")
    assert "steps" in header
    assert "steps taken" in header
    assert len(set(header)) == len(header)


def test_runs_on_other_images_are_told(tiny_run: Run, tmp_path: Path) -> None:
    said = "held-out images differ, so their errors, KL and ELBO are not comparable."
    stored = json.loads((tiny_run.folder / "config.json").read_text())["fingerprint"]
    prints = {split: {**told, "content": "others"} for split, told in stored.items() if told}
    other = changed(tiny_run, tmp_path / "other", "fingerprint", **prints)
    assert said in unbraid.compare([tiny_run, other]).notes
    assert said not in unbraid.compare([tiny_run, tiny_run]).notes


def test_a_run_with_no_counterpart_of_the_latents_shown(runs: list[Path], tmp_path: Path) -> None:
    images = np.random.default_rng(0).random((80, 16, 16))
    config = configure("vae", latent_dim=1, net="mlp")
    model = unbraid.train(config, images, epochs=1, batch_size=16, progress=False)
    small = unbraid.save(model, tmp_path / "small")
    found = unbraid.compare([runs[0], small])
    for rows in range(1, 5):  # one of the four latents has it
        assert found.figure(rows=rows, steps=2).axes


def codes_of(columns: NDArray[np.float64], sizes: tuple[int, ...]) -> Any:
    """Return codes with latents of so many columns each."""
    ends = np.cumsum(sizes)
    latents = tuple(
        SimpleNamespace(name=f"z{i}", columns=slice(end - size, end), categories=size)
        for i, (size, end) in enumerate(zip(sizes, ends.tolist(), strict=True))
    )
    return SimpleNamespace(mean=columns.astype(np.float32), latents=latents)


def test_latents_are_matched_by_rank_and_one_to_one() -> None:
    rng = np.random.default_rng(0)
    own = rng.standard_normal((500, 3))
    other = np.stack([np.exp(own[:, 2]), -(own[:, 0] ** 3), rng.standard_normal(500)], 1)
    one, two = codes_of(own, (1, 1, 1)), codes_of(other, (1, 1, 1))
    found = match(one, two)
    assert [each.latent.name for each in found if each] == ["z1", "z2", "z0"]
    rho = [each.rho for each in found if each]
    assert rho[0] == pytest.approx(-1, abs=1e-6)
    assert rho[2] == pytest.approx(1, abs=1e-6)
    assert abs(rho[1]) < 0.2
    few = match(one, codes_of(other[:, :1], (1,)))
    assert [each and each.latent.name for each in few] == [None, None, "z0"]


def test_the_sum_of_correlations_is_what_counts() -> None:
    """Not the best pair first: that would leave the second latent the worst partner."""
    rng = np.random.default_rng(1)
    base = rng.standard_normal((2000, 2))
    own = np.stack([base[:, 0], base[:, 0] + 0.8 * base[:, 1]], 1)
    other = np.stack([base[:, 0] + 0.1 * base[:, 1], base[:, 0] - 0.5 * base[:, 1]], 1)
    one, two = codes_of(own, (1, 1)), codes_of(other, (1, 1))
    rho = np.abs(correlations(one, two))
    total = sum(abs(each.rho) for each in match(one, two) if each)
    assert total == pytest.approx(max(rho[0, 0] + rho[1, 1], rho[0, 1] + rho[1, 0]))


def test_categorical_latents_are_matched_too_and_constant_ones_count_nothing() -> None:
    rng = np.random.default_rng(0)
    value = rng.integers(3, size=600)
    blocks = np.eye(3)[value]
    one = codes_of(np.column_stack([blocks, rng.standard_normal(600)]), (3, 1))
    other = codes_of(np.column_stack([np.ones(600), blocks[:, ::-1]]), (1, 3))
    found = match(one, other)
    assert found[0] is not None
    assert (found[0].latent.name, round(found[0].rho, 2)) == ("z1", 1.0)
    assert found[1] is not None
    assert found[1].rho == 0


def test_the_command(runs: list[Path], joint: Run, capsys: pytest.CaptureFixture[str]) -> None:
    names = [str(runs[0]), str(joint.folder)]
    assert cli.main(["compare", *names, "--rows", "3", "--steps", "4"]) == 0
    out = capsys.readouterr().out
    assert "joint_vae has no score of mig." in out
    picture = Image.open(runs[0] / "compare.png")
    assert picture.size[0] > 600
    assert cli.main(["compare", *names, "--csv", "--out", str(runs[0] / "a.svg")]) == 0
    told = capsys.readouterr()
    assert [line["run"] for line in csv.DictReader(io.StringIO(told.out))] == ["one", "joint_vae"]
    assert "joint_vae has no score of mig." in told.err
    assert told.err.strip().endswith("a.svg")
    assert cli.main(["compare", *names, "--latex", "--no-figure"]) == 0
    assert capsys.readouterr().out.endswith("\\end{tabular}\n")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["{0}"], "two or more run folders"),
        (["{0}", "{1}", "--csv", "--latex"], "--csv and --latex are both given"),
        (["{0}", "{1}", "--out", "figure.gif"], "ends in .png, .svg, .pdf"),
        (["{0}", "nowhere"], "nowhere does not exist"),
        (["{0}", "{1}", "--rows", "0"], "rows is 0, expected 1 or more"),
    ],
)
def test_what_is_refused(
    options: list[str], sentence: str, runs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compare", *(option.format(*runs) for option in options)]) == 2
    assert sentence in capsys.readouterr().err


def test_images_of_several_shapes_cannot_be_matched(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = np.random.default_rng(0).random((80, 20, 20))
    model = unbraid.train("vae", images, epochs=1, batch_size=16, progress=False)
    other = unbraid.save(model, tmp_path / "large")
    found = unbraid.compare([runs[0], other])
    with pytest.raises(UnbraidError, match="images of shapes"):
        found.figure()
    assert cli.main(["compare", str(runs[0]), str(other.folder)]) == 2
    assert "--no-figure leaves the figure out" in capsys.readouterr().err


def test_a_protocol_that_is_not_known(runs: list[Path]) -> None:
    with pytest.raises(UnbraidError, match=r"unknown protocol 'locatello' \(did you mean"):
        unbraid.compare(runs, protocol="locatello")
