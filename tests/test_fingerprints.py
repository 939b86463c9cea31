"""Data that changed or moved since a run was trained on them: told, refused, found again."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from unbraid import cli
from unbraid.control import loading
from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.datasets import Dataset, load_dataset
from unbraid.evaluation.scores import Config as Scoring
from unbraid.methods import configure
from unbraid.runs import Run, RunConfig, train_run
from unbraid.runs.evaluating import evaluate
from unbraid.runs.evaluation_data import other_data
from unbraid.runs.fingerprints import MOST_BYTES, DataChanged, Fingerprint, fingerprint
from unbraid.runs.restarts import train_restarts
from unbraid.training import Interrupted, Progress, Recorder, TrainingConfig

Change = Callable[[Path], None]


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (16, 16), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def add(folder: Path) -> None:
    for index in range(10):
        picture(folder / "a" / f"0-more-{index}.png", 1000 + index)


def remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*.png"))[3:8]:
        path.unlink()


def shrink(folder: Path) -> None:
    for path in sorted(folder.rglob("*.png"))[40:]:
        path.unlink()


def negate(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        Image.fromarray(255 - np.asarray(Image.open(path))).save(path)


def rename(folder: Path) -> None:
    """The same images in another order."""
    paths = sorted((folder / "a").glob("*.png"))
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, contents[::-1], strict=True):
        path.write_bytes(content)


CHANGES = [
    (add, r"11 images, not 10 in the test split|99 images, not 90 in the train split"),
    (remove, "8[56] images, not 90|other images"),  # a tenth of 95 is 10, as it was of 100
    (shrink, "4 images, not 10|36 images, not 90"),
    (negate, "other images"),
    (rename, "other images, or the same ones in another order"),
]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """100 pictures in two subfolders."""
    for index in range(100):
        picture(tmp_path / "images" / "ab"[index % 2] / f"{index:03}.png", index)
    return tmp_path / "images"


def config_of(path: Path, method: str = "vae", **training: Any) -> RunConfig:
    options = {"epochs": 2, "batch_size": 16, "precision": "f32", **training}
    return RunConfig(
        configure(method, latent_dim=3, net="mlp"),
        "folder",
        {"path": str(path), "size": 16},
        TrainingConfig(**options),
    )


class StopAt(Recorder):
    def __init__(self, step: int) -> None:
        self.at, self.now = step, 0

    def step(self, progress: Progress, terms: dict[str, float], images_per_second: float) -> None:
        self.now = progress.step

    def stop_requested(self) -> bool:
        return self.now == self.at


def part_of(config: RunConfig, folder: Path) -> Run:
    with pytest.raises(Interrupted):
        train_run(config, folder, display=StopAt(7))
    return Run(folder)


# -- the fingerprint ------------------------------------------------------------------------------


def data(**changes: Any) -> Dataset:
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (50, 1, 4, 4), dtype=np.uint8)
    return replace(Dataset("mine", images), **changes)


def test_a_fingerprint_is_of_what_the_data_are_and_not_of_their_name() -> None:
    assert fingerprint(data()) == fingerprint(data(name="other", split="test"))
    assert fingerprint(data()).rows == 50
    assert fingerprint(data()).pixels == 16


def test_one_pixel_of_one_image_makes_another_fingerprint() -> None:
    changed = np.array(data().images[:])
    changed[31, 0, 2, 1] ^= 1
    before, after = fingerprint(data()), fingerprint(data(images=changed))
    assert "other images" in before.difference(after, factors=False)


class Lazy:
    """Images made when they are asked for."""

    def __init__(self, images: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
        self.all, self.asked = images, 0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.all.shape

    def __len__(self) -> int:
        return len(self.all)

    def __getitem__(self, rows: Any) -> np.ndarray[Any, np.dtype[np.uint8]]:
        self.asked += len(self.all[rows])
        return self.all[rows]


def test_of_lazy_images_some_random_ones_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unbraid.runs.fingerprints.LAZY_ROWS", 20)
    lazy = Lazy(np.array(data().images[:]))
    found = fingerprint(data(images=lazy))
    assert (found.rows, found.pixels, lazy.asked) == (20, 16, 20)
    # the same rows are looked at where the same images are an array
    assert fingerprint(data(), found) == found


def test_of_many_images_some_pixels_of_each_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 1, 32, 32), dtype=np.uint8)
    assert images.nbytes < MOST_BYTES
    monkeypatch.setattr("unbraid.runs.fingerprints.MOST_BYTES", 1000)
    monkeypatch.setattr("unbraid.runs.fingerprints.SAMPLE_BYTES", 3000)
    before = fingerprint(Dataset("mine", images))
    assert (before.rows, before.pixels) == (30, 100)
    for row in (0, 17, 29):
        changed = images.copy()
        changed[row] = 255 - changed[row]
        assert fingerprint(Dataset("mine", changed)).content != before.content


def test_factors_count_where_they_are_learnt_from(squares: Dataset) -> None:
    assert squares.factors is not None
    other = replace(squares, factors=squares.factors[::-1].copy())
    none = replace(squares, factors=None, specs=())
    before = fingerprint(squares)
    assert before.difference(fingerprint(other), factors=True) == "other values of the factors"
    assert before.difference(fingerprint(other), factors=False) == ""
    said = before.difference(fingerprint(none), factors=True)
    assert said == "the factors none, not grey, row, column"


def test_a_fingerprint_is_stored_and_read_back(squares: Dataset) -> None:
    before = fingerprint(squares)
    assert Fingerprint.from_json(json.loads(json.dumps(before.to_json()))) == before


# -- data that changed under a run ----------------------------------------------------------------


@pytest.mark.parametrize(("change", "sentence"), CHANGES)
def test_a_run_is_not_resumed_on_other_data(
    images: Path, tmp_path: Path, change: Change, sentence: str
) -> None:
    run = part_of(config_of(images), tmp_path / "run")
    before = {file.name: file.read_bytes() for file in run.folder.iterdir()}
    change(images)
    with pytest.raises(DataChanged, match=sentence) as caught:
        train_run(config_of(images), tmp_path / "run", resume=True)
    assert "--data PATH" in str(caught.value)
    assert {file.name: file.read_bytes() for file in run.folder.iterdir()} == before


@pytest.mark.parametrize(("change", "sentence"), CHANGES)
def test_a_run_is_not_measured_drawn_or_fitted_on_other_data(
    images: Path, tmp_path: Path, change: Change, sentence: str
) -> None:
    run = train_run(config_of(images), tmp_path / "run")
    folder = str(run.folder)
    result = (run.folder / "result.json").read_bytes()
    change(images)
    with pytest.raises(DataChanged, match=sentence):
        evaluate([folder], Scoring(metrics="reconstruction"))
    with pytest.raises(DataChanged, match=sentence):  # the very place, named
        evaluate([folder], Scoring(metrics="reconstruction", data=str(images)))
    for name in ("reconstruct", "traverse"):
        module = registry.load("figures", name)
        with pytest.raises(DataChanged, match=sentence):
            module.draw(Run(folder), module.Config())
    with pytest.raises(DataChanged):
        loading.open(Run(folder))
    assert (run.folder / "result.json").read_bytes() == result


def test_no_seed_is_added_to_restarts_of_other_data(images: Path, tmp_path: Path) -> None:
    train_restarts(config_of(images), tmp_path / "run", 1)
    negate(images)
    with pytest.raises(DataChanged, match="other images"):
        train_restarts(config_of(images), tmp_path / "run", 2, resume=True)
    assert not (tmp_path / "run" / "seed-1").exists()


def test_data_that_change_while_a_run_trains_are_found_before_its_figures(
    images: Path, tmp_path: Path
) -> None:
    class Changing(Recorder):
        def epoch(self, record: dict[str, Any]) -> None:
            negate(images)

    with pytest.raises(DataChanged, match="in the test split"):
        train_run(config_of(images, epochs=1), tmp_path / "run", display=Changing())
    negate(images)
    assert train_run(config_of(images, epochs=1), tmp_path / "run", resume=True).finished


def test_labels_that_changed_matter_to_a_method_that_learns_from_them(
    images: Path, tmp_path: Path
) -> None:
    config = replace(config_of(images), method=configure("s2-vae", latent_dim=3, net="mlp"))
    train_run(config, tmp_path / "s2")
    train_run(config_of(images), tmp_path / "vae")
    (images / "b").rename(images / "z")  # the same images in the same order, under another name
    for folder in ("s2", "vae"):
        assert len(Run(tmp_path / folder).unseen()) == 10
    first = min((images / "a").iterdir())  # moved to the other class, and still the first of all
    (images / "0").mkdir()
    first.rename(images / "0" / first.name)
    assert len(Run(tmp_path / "vae").unseen()) == 10
    with pytest.raises(DataChanged, match="other values of the factors"):
        Run(tmp_path / "s2").dataset()


def test_a_run_without_a_fingerprint_opens(images: Path, tmp_path: Path) -> None:
    run = train_run(config_of(images), tmp_path / "run")
    stored = json.loads((run.folder / "config.json").read_text())
    assert set(stored.pop("fingerprint")) == {"train", "test"}
    (run.folder / "config.json").write_text(json.dumps(stored))
    negate(images)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(Run(run.folder).unseen()) == 10
        train_run(config_of(images), run.folder, resume=True)


def test_a_run_without_a_fingerprint_is_not_resumed_on_fewer_images(
    images: Path, tmp_path: Path
) -> None:
    run = part_of(config_of(images), tmp_path / "run")
    stored = {key: value for key, value in run.json.items() if key != "fingerprint"}
    (run.folder / "config.json").write_text(json.dumps(stored))
    shrink(images)
    with pytest.raises(DataChanged, match="5 steps an epoch, and its data give 2 now"):
        train_run(config_of(images), run.folder, resume=True)


def test_what_we_draw_ourselves_is_told_of_and_not_refused(tmp_path: Path) -> None:
    options = {"n": 40, "canvas": 16, "stream": True}
    training = TrainingConfig(epochs=1, batch_size=16, precision="f32")
    method = configure("vae", latent_dim=3, net="mlp")
    run = train_run(RunConfig(method, "digits", options, training), tmp_path / "run")
    path = run.folder / "config.json"
    stored = json.loads(path.read_text())
    stored["fingerprint"]["test"]["content"] = "0" * 32
    path.write_text(json.dumps(stored))
    with pytest.warns(UserWarning, match="another version or machine rendered it"):
        Run(run.folder).unseen()
    stored["fingerprint"]["test"]["images"] = 41
    path.write_text(json.dumps(stored))
    with pytest.raises(DataChanged, match="40 images, not 41"):
        Run(run.folder).unseen()


# -- data that moved ------------------------------------------------------------------------------


def moved(images: Path) -> Path:
    place = images.parent / "elsewhere" / "pictures"
    place.parent.mkdir()
    return Path(shutil.move(images, place))


def test_data_that_moved_are_named_and_found_again(images: Path, tmp_path: Path) -> None:
    run = train_run(config_of(images), tmp_path / "run")
    before = np.asarray(run.unseen().images[:])
    place = moved(images)
    for use in (Run(run.folder).unseen, Run(run.folder).dataset):
        with pytest.raises(UnbraidError, match=r"no longer at .*images: .* with --data PATH"):
            use()
    again = Run(run.folder, data=place)
    np.testing.assert_array_equal(again.unseen().images[:], before)
    negate(place)
    with pytest.raises(DataChanged, match=r"pictures holds other data"):
        again.unseen()
    with pytest.raises(UnbraidError, match="nosuch does not exist"):
        Run(run.folder, data="nosuch")


@pytest.mark.parametrize("place", ["tables/labels.csv", "images/labels.csv", "labels.csv"])
def test_a_table_of_labels_that_was_elsewhere_is_found_near_the_data(
    images: Path, tmp_path: Path, place: str
) -> None:
    """As far from the data as it was, in their folder, or beside them."""
    table = tmp_path / "tables" / "labels.csv"
    table.parent.mkdir()
    names = sorted(path.name for path in images.rglob("*.png"))
    rows = [f"{name},{row % 3}" for row, name in enumerate(names)]
    table.write_text("\n".join(["file,kind", *rows]) + "\n")
    config = config_of(images)
    run = train_run(
        replace(config, data_options={**config.data_options, "labels": str(table)}),
        tmp_path / "run",
    )
    before = run.unseen().factors
    assert before is not None
    new = tmp_path / "new"
    new.mkdir()
    shutil.move(images, new / "images")
    (new / place).parent.mkdir(exist_ok=True)
    still = Run(run.folder, data=new / "images").unseen()  # the table is where it was
    np.testing.assert_array_equal(still.factors, before)
    shutil.move(table, new / place)
    again = Run(run.folder, data=new / "images").unseen()
    np.testing.assert_array_equal(again.factors, before)
    (new / place).unlink()
    with pytest.raises(UnbraidError, match=r"tables.labels\.csv"):
        Run(run.folder, data=new / "images").unseen()


def test_commands_open_data_that_moved(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(train_run(config_of(images), tmp_path / "run").folder)
    place = str(moved(images))
    assert cli.main(["reconstruct", folder]) == 2
    assert "with --data PATH" in capsys.readouterr().err
    assert cli.main(["reconstruct", folder, "--data", place]) == 0
    assert cli.main(["evaluate", folder, "--metrics", "reconstruction", "--data", place]) == 0
    told = Run(folder).scores()["reconstruction"]["data"]
    assert (told["split"], told["images"]) == ("test", 10)
    out = str(tmp_path / "made.png")
    assert cli.main(["generate", "a", "--model", folder, "--data", place, "--out", out]) == 0
    capsys.readouterr()


def test_training_goes_on_where_the_data_lie_now(images: Path, tmp_path: Path) -> None:
    whole = train_run(config_of(images), tmp_path / "whole")
    part_of(config_of(images), tmp_path / "part")
    place = moved(images)
    run = train_run(config_of(place), tmp_path / "part", resume=True)
    weights = "model.safetensors"
    assert (run.folder / weights).read_bytes() == (whole.folder / weights).read_bytes()
    assert Run(run.folder).config.data_options["path"] == str(place)
    # a finished run learns of the new place, too
    train_run(config_of(place), tmp_path / "whole", resume=True)
    assert len(Run(tmp_path / "whole").unseen()) == 10
    other = moved_again(place)
    with pytest.raises(DataChanged):
        train_run(config_of(other), tmp_path / "whole", resume=True)
    assert Run(tmp_path / "whole").config.data_options["path"] == str(place)


def moved_again(place: Path) -> Path:
    other = Path(shutil.copytree(place, place.parent / "other"))
    negate(other)
    return other


def test_the_same_data_in_another_format_are_the_same(images: Path, tmp_path: Path) -> None:
    run = train_run(config_of(images), tmp_path / "run")
    whole = load_dataset(str(images), size=16, full=True)
    np.savez(tmp_path / "same.npz", images=whole.images[:])
    assert len(Run(run.folder, data=tmp_path / "same.npz").unseen()) == 10


# -- other data, named for a measurement ----------------------------------------------------------


def metrics_data(folder: Path, place: str) -> dict[str, Any]:
    evaluate([str(folder)], Scoring(metrics="reconstruction", data=place))
    found: dict[str, Any] = Run(folder).scores()["reconstruction"]["data"]
    return {key: found[key] for key in ("name", "split", "images")}


def test_another_data_set_is_measured_as_it_is(images: Path, tmp_path: Path) -> None:
    run = train_run(config_of(images), tmp_path / "run")
    whole = load_dataset(str(images), size=16, full=True)
    np.savez(tmp_path / "new.npz", images=255 - np.asarray(whole.images[:30]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told = metrics_data(run.folder, str(tmp_path / "new.npz"))
    assert told == {"name": "new", "split": "test", "images": 3}


def test_the_own_data_are_never_split_anew(images: Path, tmp_path: Path) -> None:
    """By the default split seed, nine tenths of the test images would have been trained on."""
    config = config_of(images)
    config = replace(config, data_options={**config.data_options, "split_seed": 1})
    run = train_run(config, tmp_path / "run")
    expected = np.asarray(run.unseen().images[:])
    copy = Path(shutil.copytree(images, tmp_path / "copy"))
    for place in (images, copy):
        np.testing.assert_array_equal(other_data(run, str(place)).images[:], expected)


def test_a_changed_copy_of_data_that_are_gone_is_warned_of(images: Path, tmp_path: Path) -> None:
    run = train_run(config_of(images), tmp_path / "run")
    place = moved(images)
    add(place)
    with pytest.warns(UserWarning, match="may have been trained on some of it"):
        other_data(run, str(place))


def test_data_by_name_with_other_split_options_are_the_own(tmp_path: Path) -> None:
    training = TrainingConfig(epochs=1, batch_size=16, precision="f32")
    method = configure("vae", latent_dim=3, net="mlp")
    options = {"n": 40, "canvas": 16, "stream": True}
    run = train_run(RunConfig(method, "digits", options, training), tmp_path / "run")
    # those of other options are others, read as the model takes them
    assert len(other_data(run, "digits")) != 40
    assert other_data(run, "digits").image_shape == (1, 16, 16)


def test_data_that_have_no_path_cannot_have_moved(tmp_path: Path) -> None:
    training = TrainingConfig(epochs=1, batch_size=16, precision="f32")
    options = {"n": 40, "canvas": 16, "stream": True}
    config = RunConfig(configure("vae", latent_dim=3, net="mlp"), "digits", options, training)
    run = train_run(config, tmp_path / "run")
    with pytest.raises(UnbraidError, match="digits is not read from a path: leave out --data"):
        Run(run.folder, data=str(tmp_path))


def test_a_relative_path_is_stored_so_that_it_holds_from_elsewhere(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(images.parent)
    run = train_run(config_of(Path("images")), tmp_path / "run")
    monkeypatch.chdir("/")
    assert len(Run(run.folder).unseen()) == 10
