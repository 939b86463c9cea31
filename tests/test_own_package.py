"""Data sets, metrics, figures, recipes and loggers of an installed package."""

from __future__ import annotations

import csv
import json
import textwrap
from pathlib import Path

import pytest

from tests.packages import install, run
from unbraid import methods

THINGS = {
    "datasets": {"blobs": "lab.blobs", "mnist": "lab.blobs"},
    "metrics": {"evenness": "lab.evenness"},
    "figures": {"means": "lab.means"},
    "recipes": {"lab2024": "lab.recipe"},
    "loggers": {"lines": "lab.lines"},
}
FILES = {
    "blobs": '''
        """Blobs: squares of two sizes at eight places."""

        from dataclasses import dataclass

        import numpy as np

        from unbraid.core.factors import FactorSpec
        from unbraid.datasets import Dataset


        @dataclass(frozen=True)
        class Config:
            """Options.

            Args:
                n: how many.
            """

            n: int = 200


        def load(config: Config, split: str = "train") -> Dataset:
            random = np.random.default_rng(split == "test")
            factors = random.integers(0, [2, 8], (config.n, 2))
            images = np.zeros((config.n, 1, 16, 16), np.uint8)
            for image, (size, place) in zip(images, factors):
                image[0, place : place + size + 1, : size + 1] = 255
            specs = (
                FactorSpec("size", "ordinal", values=(0, 1)),
                FactorSpec("place", "ordinal", values=tuple(range(8))),
            )
            return Dataset("blobs", images, factors, specs, split)
    ''',
    "evenness": '''
        """Evenness: the smallest variance of a code over the largest."""

        from dataclasses import dataclass

        import numpy as np

        from unbraid.metrics import Evidence, Score

        NEEDS = ("codes",)


        @dataclass(frozen=True)
        class Config:
            """Without options."""


        def compute(evidence: Evidence, config: Config, seed: int) -> Score:
            variances = np.var(evidence.codes, axis=0)
            return Score("evenness", "plain", variances.min() / variances.max(), np.nan, {})
    ''',
    "means": '''
        """The mean of each latent, as bars."""

        from dataclasses import dataclass

        from matplotlib.figure import Figure

        TARGET = "run"


        @dataclass(frozen=True)
        class Config:
            """Options.

            Args:
                color: of the bars.
            """

            color: str = "black"


        def draw(run, config: Config) -> Figure:
            codes = run.model().encode(run.unseen().images)
            figure = Figure()
            figure.subplots().bar(range(codes.shape[1]), codes.mean(0), color=config.color)
            return figure
    ''',
    "recipe": '''
        """Lab 2024: a VAE on blobs."""

        from unbraid.recipes import Recipe

        RECIPE = Recipe(
            source="Lab 2024",
            data={"blobs": {"n": 100}},
            methods={"vae": {"latent_dim": 3, "net": "mlp"}},
            training={"steps": 5, "batch_size": 16},
            follows=("100 images.",),
            deviates=(),
        )
    ''',
    "lines": '''
        """Lines: epochs.txt in the run folder."""

        from unbraid.loggers import Logger


        class Log(Logger):
            def start(self, progress, records) -> None:
                """Write nothing before the first epoch."""

            def epoch(self, record) -> None:
                with (self.folder / "epochs.txt").open("a") as file:
                    file.write(f"{record['epoch']}\\n")
    ''',
}


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """Return a folder in which a package with one of each kind is installed."""
    install(tmp_path, THINGS)
    for name, source in FILES.items():
        (tmp_path / "lab" / f"{name}.py").write_text(textwrap.dedent(source).lstrip())
    return tmp_path


def test_each_kind_is_listed_and_used_as_unbraids_own(lab: Path) -> None:
    for listing, line in (
        ("datasets", "Blobs: squares of two sizes at eight places."),
        ("metrics", "Evenness: the smallest variance of a code over the largest."),
        ("recipes", "Lab 2024: a VAE on blobs."),
        ("--help", "The mean of each latent, as bars."),
    ):
        assert line in " ".join(run(lab, "-m", "unbraid", listing).split())
    options = "--data blobs --data.n 150 --net mlp --epochs 2 --latent-dim 3 --log lines --out run"
    run(lab, "-m", "unbraid", "train", "vae", *options.split())
    assert (lab / "run" / "epochs.txt").read_text() == "1\n2\n"
    assert "evenness" in run(lab, "-m", "unbraid", "evaluate", "run", "--metrics", "evenness,mig")
    run(lab, "-m", "unbraid", "means", "run", "--color", "red")
    assert (lab / "run" / "means.png").is_file()
    run(
        lab, "-m", "unbraid", "train", "vae", "--recipe", "lab2024", "--data", "blobs", "--out", "a"
    )
    assert "--color" in run(lab, "-m", "unbraid", "completion", "bash")
    # unbraid's own names stay its own
    code = "import unbraid; print(unbraid.load_dataset('mnist').image_shape)"
    assert run(lab, "-c", code).strip() == "(1, 28, 28)"


def test_a_study_uses_them(lab: Path) -> None:
    train_and_measure(lab, "evenness")
    run(lab, "-m", "unbraid", "study", "table", "studies/small")
    (table,) = (lab / "studies" / "small").glob("*.csv")
    assert ",evenness," in table.read_text()


def test_a_changed_metric_measures_again_and_a_changed_method_is_told(lab: Path) -> None:
    path = lab / "lab-1.0.dist-info" / "entry_points.txt"
    path.write_text(path.read_text() + "[unbraid.methods]\nown-vae = lab.own_vae\n")
    source = (Path(methods.__file__).parent / "beta_vae.py").read_text()
    (lab / "lab" / "own_vae.py").write_text(source)
    train_and_measure(lab, "evenness", "own-vae")
    (state,) = (lab / "studies" / "runs").glob("*/state.json")
    result = state.with_name("result.json")
    command = ("-m", "unbraid", "study", "summary", "study.toml", "--metrics", "evenness")
    both = ("-c", f"import sys; sys.stderr = sys.stdout; from unbraid import cli; "
            f"cli.main({list(command[2:])})")  # fmt: skip
    assert "has changed" not in run(lab, *both)
    (before,) = json.loads(result.read_text())["scores"].values()
    metric = lab / "lab" / "evenness.py"
    metric.write_text(
        metric.read_text().replace('"evenness", "plain", ', '"evenness", "plain", 2 + ')
    )
    with (lab / "lab" / "own_vae.py").open("a") as file:
        file.write("# another objective\n")
    said = run(lab, *both)
    assert (
        "the code of own-vae has changed since 1 run was trained: give its Model a higher "
        "`semantics` to train it again"
    ) in said
    train_and_measure(lab, "evenness", "own-vae")
    after = list(json.loads(result.read_text())["scores"].values())[-1]
    assert after["value"] == pytest.approx(2 + before["value"])
    (table,) = (lab / "studies" / "small").glob("*.csv")
    with table.open(newline="") as file:
        values = [row["value"] for row in csv.DictReader(file) if row["metric"] == "evenness"]
    assert [float(value) for value in values] == [after["value"]]
    state.with_name("code.json").unlink()  # as of an earlier version
    assert "has changed" not in run(lab, *both)


def train_and_measure(lab: Path, metric: str, method: str = "vae") -> None:
    """Run a study of one training on the package's data, measured by a metric."""
    (lab / "study.toml").write_text(
        textwrap.dedent(f"""
            [study]
            name = "small"
            [[data]]
            name = "blobs"
            [common]
            steps = 3
            net = "mlp"
            [[grid]]
            method = "{method}"
            [[metrics]]
            metrics = ["{metric}"]
        """)
    )
    run(lab, "-m", "unbraid", "study", "run", "study.toml", "--jobs", "1")


def test_listings_say_what_cannot_be_imported_and_why(lab: Path) -> None:
    things = {kind: {"broken": "lab.broken"} for kind in ("methods", "datasets", "metrics")}
    lines = [f"[unbraid.{kind}]\nbroken = lab.broken\n" for kind in (*things, "recipes")]
    (lab / "lab-1.0.dist-info" / "entry_points.txt").write_text("".join(lines))
    note = "announced, but its module lab.broken"
    for text, why in (
        (None, "announced as lab.broken, of which there is no source"),
        ("import torhc\n", f"{note} cannot be imported: No module named 'torhc'"),
        ('raise OSError("no\\nscreen")\n', rf"{note} cannot be imported: no\nscreen"),
        ('"""Documented."""\nraise OSError\n', "Documented."),  # which is read, not imported
    ):
        if text is not None:
            (lab / "lab" / "broken.py").write_text(text)
        for kind in (*things, "recipes"):
            rows = json.loads(run(lab, "-m", "unbraid", kind, "--json"))
            assert {"name": "broken", "summary": why} in rows
            assert sum("cannot be imported" in row["summary"] for row in rows) <= 1
    (lab / "lab" / "broken.py").write_text("Config = None\n")
    rows = json.loads(run(lab, "-m", "unbraid", "datasets", "--json"))
    assert {"name": "broken", "summary": f"{note} has no load"} in rows


def test_a_metric_has_the_name_it_is_announced_by(lab: Path) -> None:
    path = lab / "lab-1.0.dist-info" / "entry_points.txt"
    path.write_text(path.read_text().replace("evenness =", "myrank ="))
    train_and_measure(lab, "myrank")
    (table,) = (lab / "studies" / "small").glob("*.csv")
    with table.open(newline="") as file:
        values = [float(row["value"]) for row in csv.DictReader(file) if row["metric"] == "myrank"]
    assert len(values) == 1
    assert 0 <= values[0] <= 1
    (folder,) = (lab / "studies" / "runs").iterdir()
    said = run(lab, "-m", "unbraid", "evaluate", str(folder), "--metrics", "myrank", "--csv")
    assert [row["metric"] for row in csv.DictReader(said.splitlines())] == ["myrank"]


def test_a_broken_one_is_told_and_others_work(lab: Path) -> None:
    (lab / "lab" / "means.py").write_text('"""Means."""\nfrom nowhere import nothing\n')
    (lab / "lab" / "blobs.py").write_text('"""Blobs, unfinished."""\nConfig = None\n')
    (lab / "lab" / "evenness.py").write_text("def f(:\n")
    said = run(lab, "-m", "unbraid", "means", "run", fails=True)
    assert "its module lab.means cannot be imported (No module named 'nowhere')" in said
    said = run(lab, "-m", "unbraid", "show", "blobs", fails=True)
    assert "lab.blobs has no load: expected a module that defines Config and load." in said
    assert "announced, but evenness.py cannot be read" in run(lab, "-m", "unbraid", "metrics")
    code = (
        "import numpy, unbraid.metrics as m; codes = numpy.random.default_rng(0).random((300, 2)); "
        "print('mig' in m.evaluate(codes, (4 * codes).astype(int)))"
    )
    assert run(lab, "-c", code).strip() == "True"
    (lab / "lab" / "means.py").write_text('"""Means."""\nraise RuntimeError("no screen")\n')
    said = run(lab, "-m", "unbraid", "means", "run", fails=True)
    assert "its module lab.means cannot be imported (no screen)" in said
    assert "traverse" in run(lab, "-m", "unbraid", "completion", "bash")
    (lab / "lab" / "means.py").write_text(
        '"""Means."""\nTARGET = "study"\nConfig = draw = None\n', encoding="utf-8"
    )
    said = run(lab, "-m", "unbraid", "means", "run", fails=True)
    assert "the figure means has the TARGET 'study', expected 'run' or 'dataset'" in said
