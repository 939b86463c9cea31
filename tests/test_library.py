"""What Python users call: any images in, a run or a figure out, and what is shown meanwhile."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

import unbraid
from unbraid import figures
from unbraid.cli import main
from unbraid.core import registry
from unbraid.datasets import Dataset
from unbraid.evaluation.scores import Config
from unbraid.library import dataset_of, memory_run
from unbraid.methods import Method, build, configure
from unbraid.runs import Run, held_out
from unbraid.runs.evaluating import evaluate
from unbraid.runs.results import Measured, with_scores
from unbraid.training import Recorder

UINT8 = np.random.default_rng(0).integers(0, 256, (300, 16, 16), np.uint8)
SHORT: dict[str, Any] = {"epochs": 1, "batch_size": 64, "precision": "f32"}
SMALL = configure("vae", latent_dim=3, net="mlp")
SMALL_BETA = configure("beta-vae", latent_dim=3, net="mlp")
OF_RUNS = [n for n in registry.names("figures") if registry.load("figures", n).TARGET == "run"]


class Pairs(torch.utils.data.Dataset[Any]):
    """Images and labels, one by one, as torchvision's data sets give them."""

    def __len__(self) -> int:
        return len(UINT8)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.from_numpy(UINT8[index][None]).float() / 255, index % 3


@pytest.mark.parametrize(
    "images",
    [
        UINT8,
        UINT8[:, None],
        UINT8[..., None],
        UINT8.astype(np.int64),
        UINT8 / 255,
        (UINT8 / 255).astype(np.float32),
        torch.from_numpy(UINT8),
        torch.from_numpy(UINT8)[:, None].float() / 255,
        torch.from_numpy(UINT8)[:, None].bfloat16() / 255,
        UINT8.tolist(),
        Dataset("mine", UINT8[:, None]),
        torch.utils.data.TensorDataset(torch.from_numpy(UINT8), torch.arange(300)),
        Pairs(),
    ],
    ids=lambda images: type(images).__name__,
)
def test_images_of_every_kind_are_the_same_images(images: Any) -> None:
    data = dataset_of(images)
    assert type(images) is not Pairs or data.factor("label").tolist() == [i % 3 for i in range(300)]
    assert data.image_shape == (1, 16, 16)
    away = np.asarray(data.images[:]).astype(int) - UINT8[:, None]
    assert abs(away).max() <= (1 if getattr(images, "dtype", None) == torch.bfloat16 else 0)


def test_names_and_paths_are_data_too(squares_npz: Path) -> None:
    for place in (squares_npz, str(squares_npz)):
        assert len(dataset_of(place)) == 270
    assert dataset_of("mnist").name == "mnist"


def test_options_of_a_named_method_are_given_to_train() -> None:
    model = unbraid.train("beta-vae", UINT8, beta=7.0, latent_dim=3, net="mlp", **SHORT)
    assert model.config == configure("beta-vae", beta=7.0, latent_dim=3, net="mlp")
    same = unbraid.train(model.config, UINT8, **SHORT)
    images = UINT8[:5, None]
    assert torch.equal(model.encode(images), same.encode(images))
    published = unbraid.train("beta-vae", UINT8, recipe="locatello2019", steps=1, beta=7.0)
    assert published.config == configure("beta-vae", recipe="locatello2019", beta=7.0)
    with pytest.raises(unbraid.UnbraidError, match=r"'beta' is an option of the method.*beta=2\.0"):
        unbraid.train(SMALL_BETA, UINT8, beta=2.0)
    with pytest.raises(unbraid.UnbraidError, match=r"'betta' of method beta-vae \(did you mean"):
        unbraid.train("beta-vae", UINT8, betta=2.0)
    with pytest.raises(
        unbraid.UnbraidError, match=r"'discriminator_hidden' \(an option of factor-vae\): "
    ):
        unbraid.train("vae", UINT8, discriminator_hidden=2.0)
    with pytest.raises(
        unbraid.UnbraidError, match=r"'discriminator_hidden' of method vae \(an option of f"
    ):
        configure("vae", discriminator_hidden=2.0)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (None, "found NoneType, expected a data set: an array of images, a pair of "),
        (7, "found int, expected a data set"),
        (["a", "b"], "images have shape (2,), expected (N, H, W), "),
        ([[1, 2], [3]], "images have 2 shapes, such as (1,) and (2,): bring them to one"),
        (UINT8[0], "images have shape (16, 16), expected (N, H, W)"),
        (UINT8[:2, None, :, :3], "either of axes 1 and 3 can be the 1 to 4 channels: set layout"),
        (UINT8[None], "neither of axes 1 and 3 can be the 1 to 4 channels"),
        (UINT8 * 1.0, "range from 0 to 255, expected 0 to 1"),
        (UINT8[:0], "expected at least one image"),
        (UINT8[:, :8], "images are 8 by 16 pixels, expected at least 16 by 16"),
        ("nosuch", "unknown dataset 'nosuch'"),
        (torch.utils.data.TensorDataset(torch.zeros(0, 16, 16)), "there are no images in it"),
    ],
)
def test_what_is_no_images_is_refused_in_a_sentence(data: Any, sentence: str) -> None:
    with pytest.raises(unbraid.UnbraidError) as refused:
        unbraid.train(SMALL, data, **SHORT)
    assert sentence in str(refused.value)
    assert str(refused.value).endswith(".")


def test_what_is_no_method_is_refused_in_a_sentence() -> None:
    with pytest.raises(unbraid.UnbraidError, match="method is of type int, expected a method's na"):
        unbraid.train(7, UINT8)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def model() -> Method:
    """A model of arrays."""
    return unbraid.train(SMALL, UINT8, **SHORT)


def test_training_on_arrays_is_training_on_the_data_set(model: Method) -> None:
    same = unbraid.train(SMALL, Dataset("mine", UINT8[:, None]), **SHORT)
    for one, other in zip(model.parameters(), same.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", OF_RUNS)
def test_every_figure_is_drawn_of_a_model_a_run_and_its_folder(
    name: str, model: Method, tmp_path: Path, squares: Dataset
) -> None:
    if name == "heatmap":  # needs factors
        model = unbraid.train(SMALL, squares, validation=0.3, **SHORT)
    run = unbraid.save(model, tmp_path / "run")
    drawn = [unbraid.draw(name, target) for target in (model, run, run.folder, str(run.folder))]
    assert all(isinstance(figure, Figure) for figure in drawn)
    paths = [tmp_path / f"{index}.png" for index in range(len(drawn))]
    for figure, path in zip(drawn, paths, strict=True):
        figures.save(figure, path)
    assert len({path.read_bytes() for path in paths}) == 1
    assert figures.write(name, model, tmp_path / "written.svg") == tmp_path / "written.svg"
    assert main([name, str(run.folder)]) == 0
    assert (run.folder / f"{name}.png").is_file()


def test_figures_take_options_and_other_images(model: Method, tmp_path: Path) -> None:
    figure = unbraid.draw("traverse", model, rows=2, steps=3)
    assert len(figure.axes[0].get_yticklabels()) == 2
    with pytest.raises(unbraid.UnbraidError, match="unknown option 'rosw' of figure traverse"):
        unbraid.draw("traverse", model, rosw=2)
    with pytest.raises(unbraid.UnbraidError, match="unknown figure 'traversal'"):
        unbraid.draw("traversal", model)
    with pytest.raises(unbraid.UnbraidError, match="drawn of a run, its folder or a model, found"):
        unbraid.draw("traverse", 7)
    other = unbraid.draw("scatter", model, data=UINT8[:50])
    assert "codes of 50 held-out images" in other.axes[0].get_title(loc="left")
    shown = unbraid.draw("show", UINT8, rows=1)
    assert shown._repr_png_().startswith(b"\x89PNG"), "what a notebook shows"  # type: ignore
    with pytest.raises(unbraid.UnbraidError, match=r"have shape \(1, 20, 20\), but the model was"):
        unbraid.draw("reconstruct", model, data=np.zeros((60, 20, 20)))


def test_a_model_saved_is_a_run_like_any_other(model: Method, tmp_path: Path) -> None:
    run = unbraid.save(model, tmp_path / "run")
    assert isinstance(run, Run)
    assert run.finished
    assert run.json["data"] == {"name": "images", "in_memory": True}
    assert [record["epoch"] for record in run.history()] == [1]
    assert run.result["training"]["steps"] == 4
    for one, other in zip(model.parameters(), run.model().parameters(), strict=True):
        assert torch.equal(one, other)
    # the tenth that was held out is there, and none of the others
    kept = memory_run(model).unseen().images
    assert len(kept) == 30
    np.testing.assert_array_equal(run.unseen().images, kept)
    moved = Path(shutil.copytree(run.folder, tmp_path / "elsewhere"))
    np.testing.assert_array_equal(Run(moved).unseen().images, kept)
    with pytest.raises(unbraid.UnbraidError, match="trained on images in memory, which are not"):
        run.dataset()
    with pytest.raises(unbraid.UnbraidError, match="already holds a run: choose another folder"):
        unbraid.save(model, run.folder)


def test_a_run_without_its_images_says_so(model: Method, tmp_path: Path) -> None:
    run = unbraid.save(model, tmp_path / "run")
    (run.folder / "held_out.npz").write_bytes(b"PK broken")
    with pytest.raises(unbraid.UnbraidError, match=r"held_out\.npz"):
        run.dataset("test")


def test_factors_of_a_data_set_are_kept(squares: Dataset, tmp_path: Path) -> None:
    run = unbraid.save(unbraid.train(SMALL, squares, validation=0.5, **SHORT), tmp_path / "run")
    unseen = run.unseen()
    assert unseen.specs == squares.specs
    assert unseen.factors is not None
    assert len(np.unique(unseen.factor("row"))) == 10
    scores = evaluate([str(run.folder)], Config(metrics="mig"))
    assert np.isfinite(scores[str(run.folder)]["mig"].value)


def test_a_named_data_set_is_loaded_again_and_not_stored(
    squares_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(squares_npz.parent)
    trained = unbraid.train(SMALL, squares_npz.name, **SHORT)
    monkeypatch.chdir("/")
    run = unbraid.save(trained, tmp_path / "run")
    assert run.json["data"] == {"name": "npz", "path": str(squares_npz)}
    assert not (run.folder / "held_out.npz").exists()
    assert len(run.unseen()) == 30
    assert len(run.dataset()) == 270


def test_a_model_of_other_code_needs_images_it_has_not_seen(tmp_path: Path) -> None:
    foreign = build(SMALL, (1, 16, 16))
    with pytest.raises(unbraid.UnbraidError, match=r"give some with data=\.\.\."):
        unbraid.save(foreign, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    run = unbraid.save(foreign, tmp_path / "run", data=UINT8[:40])
    assert len(run.unseen()) == 40
    assert "other code" in run.result["training"]["note"]


def test_many_images_are_stored_in_part_at_random(
    model: Method, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_out, "MOST", 20)
    run = unbraid.save(model, tmp_path / "run", data=UINT8)
    kept = np.asarray(run.unseen().images)[:, 0]
    assert len(kept) == 20
    rows = [int(np.flatnonzero((image == UINT8).all((1, 2)))[0]) for image in kept]
    assert rows == sorted(set(rows))
    assert rows[-1] > 150, "the first rows are no sample"


def test_progress_is_shown_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    unbraid.train(SMALL, UINT8, **SHORT)
    assert capsys.readouterr().err == ""
    unbraid.train(SMALL, UINT8, progress=True, **SHORT)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "training vae on images: epochs 1, steps per epoch 4"
    assert lines[1].startswith("epoch 1/1  validation: reconstruction ")


def test_a_recorder_of_ones_own_hears_instead(capsys: pytest.CaptureFixture[str]) -> None:
    class Listening(Recorder):
        heard: list[str] = []  # noqa: RUF012

        def start(self, progress: Any) -> None:
            self.heard.append(f"start {progress.steps}")

        def epoch(self, record: dict[str, Any]) -> None:
            self.heard.append(f"epoch {record['epoch']}")

    unbraid.train(SMALL, UINT8, recorder=Listening(), progress=True, **SHORT)
    assert Listening.heard == ["start 4", "epoch 1"]
    assert capsys.readouterr().err == ""


def test_train_run_is_shown_too(
    squares_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    config = unbraid.RunConfig(
        SMALL, "npz", {"path": str(squares_npz)}, unbraid.TrainingConfig(**SHORT)
    )
    unbraid.train_run(config, tmp_path / "run", progress=True)
    assert shown.getvalue().startswith("training vae on npz: epochs 1, steps per epoch 3\n")


def test_parts_of_the_package_need_no_import_of_their_own() -> None:
    code = (
        "import unbraid; print(unbraid.metrics.evaluate.__name__, unbraid.figures.write.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "evaluate write\n"


def test_a_notebook_shows_runs_and_scores_as_tables(tiny_run: Run, tmp_path: Path) -> None:
    html = tiny_run._repr_html_()
    kl = tiny_run.result["reconstruction_stats"]["kl"]
    assert "vae on npz" in html
    assert f"<td>kl</td><td>{kl:.4g}</td>" in html
    folder = tmp_path / "<i>run"
    shutil.copytree(tiny_run.folder, folder)
    run = Run(folder)
    score = unbraid.metrics.Score("mig", "20 <bins>", 0.5, 0.1, {}, notes=("a & b",))
    run.record(lambda result: with_scores(result, {"mig": score}, Measured({})))
    html = run._repr_html_()
    assert "&lt;i&gt;run: vae" in html
    assert "<td>mig</td><td>0.500</td><td>20 &lt;bins&gt;</td>" in html
    assert "a &amp; b" in score._repr_html_()
    run.record(lambda result: {**result, "data": {"split": "train", "note": "none held out"}})
    assert "<th>training images</th>" in run._repr_html_()
    assert "none held out" in run._repr_html_()
    (folder / "result.json").write_text("[]")
    assert "expected an object" in run._repr_html_()
    (folder / "result.json").unlink()
    assert "<table>" not in Run(folder)._repr_html_()
    codes = np.random.default_rng(0).normal(size=(60, 2))
    scores = unbraid.metrics.evaluate(codes, codes > 0, metrics="mig")
    assert dict(scores) == scores
    assert "<td>mig</td>" in scores._repr_html_()
