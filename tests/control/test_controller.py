"""Controllers: they draw what was asked, keep what was not, and say what they cannot do."""

from __future__ import annotations

import dataclasses
import warnings
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.control.conftest import SPECS, Drawn
from unbraid.control import api, loading
from unbraid.control.closed_loop import ClosedLoop, corrected_request, refine_samples
from unbraid.control.factor_distance import factor_distance
from unbraid.control.language.parser import build_request, parse
from unbraid.control.native import Native
from unbraid.control.unlabelled import unlabelled_factors
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec, Symmetry
from unbraid.core.files import read_json, write_json
from unbraid.core.store import read_tensors, write_tensors
from unbraid.datasets import Dataset
from unbraid.methods import configure
from unbraid.runs import Run, RunConfig, train_run
from unbraid.training import TrainingConfig

ROWS = np.array([[0, -5.0], [1, 0.0], [2, 5.0], [1, 9.0]])
STYLES = np.array([5, 6, 2**62, 8])


def test_draws_what_is_asked_and_style_is_a_number(drawn: Drawn) -> None:
    native = Native(drawn)
    images = native.draw(ROWS, STYLES)
    assert images.dtype == np.float32
    assert images.shape == (4, 1, 16, 16)
    read = native.read(images)
    np.testing.assert_array_equal(read[:, 0], ROWS[:, 0])
    # a row's image depends on its factors and style alone
    np.testing.assert_array_equal(native.draw(ROWS[2:3], STYLES[2:3])[0], images[2])
    # the same style is the same handwriting under other factors, another is another
    other = native.draw(ROWS[::-1], STYLES)
    codes, others = (drawn.encode(each)[:, 4:].numpy() for each in (images, other))
    np.testing.assert_allclose(codes, others, atol=1e-4)
    assert (np.abs(codes - drawn.encode(native.draw(ROWS, STYLES + 1))[:, 4:].numpy()) > 1e-3).all()


def test_an_edit_changes_what_was_asked_alone(drawn: Drawn) -> None:
    native = Native(drawn)
    images = native.draw(ROWS, STYLES)
    before = drawn.encode(images).numpy()
    after = drawn.encode(native.edit(images, parse("owl", SPECS))).numpy()
    assert (after[:, :3].argmax(1) == 2).all()
    np.testing.assert_allclose(after[:, 4:], before[:, 4:], atol=1e-4)
    moved = native.edit(images, parse("3 px further left", SPECS, relative=True))
    wanted = np.clip(native.read(images)[:, 1] - 3, -9, 9)
    off = drawn.encode(images)[:, 4].numpy() * 2  # the model's own error, made again
    np.testing.assert_allclose(native.read(moved)[:, 1], wanted + off, atol=1e-3)


def test_swap_takes_the_named_factors(drawn: Drawn) -> None:
    native = Native(drawn)
    a, b = native.draw(ROWS, STYLES), native.draw(ROWS[::-1], STYLES + 9)
    swapped = native.swap(a, b, ["kind"])
    np.testing.assert_array_equal(native.read(swapped)[:, 0], ROWS[::-1, 0])
    style = [drawn.encode(each)[:, 4:].numpy() for each in (a, swapped)]
    np.testing.assert_allclose(*style, atol=1e-4)
    with pytest.raises(UnbraidError, match="unknown factor 'kid' \\(did you mean 'kind'"):
        native.swap(a, b, ["kid"])
    with pytest.raises(UnbraidError, match="4 images to change, but 2 to take factors from"):
        native.swap(a, b[:2], ["kind"])


def test_the_loop_closes(drawn: Drawn) -> None:
    rows = np.tile([[1, 0.0]], (200, 1))
    styles = np.arange(200)

    def error(candidates: int = 1, correct: bool = False) -> float:
        native = ClosedLoop(Native(drawn), candidates, correct)
        images = native.draw(rows, styles)
        np.testing.assert_array_equal(images, native.draw(rows, styles))  # whatever ran before
        return float(np.abs(native.read(images)[:, 1]).mean())

    plain, tried = error(), error(candidates=4)
    assert plain == pytest.approx(2 * np.sqrt(2 / np.pi), rel=0.15)  # E|N(0, 2)|
    assert tried < plain / 2
    assert error(correct=True) < 1e-3  # the error is the same again
    with pytest.raises(UnbraidError, match="candidates is 0"):
        ClosedLoop(Native(drawn), candidates=0)


def test_no_candidate_is_worse_than_the_first() -> None:
    rng = np.random.default_rng(0)

    def draw(rows: np.ndarray, styles: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        noise = [np.random.default_rng(style).normal() for style in styles.tolist()]
        return (rows[:, 1] + np.array(noise)).astype(np.float32)[:, None, None, None]

    def read(images: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        return np.stack([np.ones(len(images)), images[:, 0, 0, 0]], 1)

    rows = np.stack([np.ones(50), rng.uniform(-9, 9, 50)], 1)
    gaps = [
        factor_distance(
            SPECS,
            rows,
            read(refine_samples(draw, read, SPECS, rows, np.arange(50), count, correct)),
        )
        for count, correct in ((1, False), (2, False), (5, False), (5, True))
    ]
    for before, after in pairwise(gaps):
        assert (after <= before + 1e-9).all()


def test_gaps_respect_circles_and_symmetries() -> None:
    specs = (
        FactorSpec("digit", "categorical", values=(7, 8)),
        FactorSpec(
            "angle",
            "periodic",
            range=(0, 360),
            period=360,
            symmetries=(Symmetry("digit", 8, 180),),
        ),
        FactorSpec("step", "periodic", values=(0, 90, 180, 270), period=360),
    )
    asked = np.array([[0, 10.0, 0], [1, 10.0, 0], [0, 10.0, 0], [0, 10.0, 0]])
    found = np.array([[0, 350.0, 0], [1, 190.0, 0], [1, 10.0, 0], [0, 10.0, 3]])
    np.testing.assert_allclose(factor_distance(specs, asked, found), [20 / 360, 0, 1, 1 / 4])
    np.testing.assert_allclose(corrected_request(specs, asked, found)[:, 1], [30, 10, 10, 10])


def test_a_factor_without_meaning_is_neither_missed_nor_corrected() -> None:
    specs = (
        FactorSpec("shape", "categorical", values=("square", "disc")),
        FactorSpec(
            "angle", "continuous", range=(-45, 45), symmetries=(Symmetry("shape", "disc", 0),)
        ),
    )
    asked, found = np.array([[0, 10.0], [1, 10.0]]), np.array([[0, 19.0], [1, 19.0]])
    np.testing.assert_allclose(factor_distance(specs, asked, found), [0.1, 0])
    np.testing.assert_allclose(corrected_request(specs, asked, found)[:, 1], [1, 10])


@pytest.mark.parametrize(
    ("rows", "styles", "part"),
    [
        ([[0, 1, 2]], [1], "expected a row of 2 numbers per image: kind, x"),
        ([[0, np.nan]], [1], "not all finite"),
        ([[0, 1.0]], [1, 2], "there are 2 styles for 1 rows"),
    ],
)
def test_rows_that_cannot_be_drawn(
    drawn: Drawn, rows: list[list[float]], styles: list[int], part: str
) -> None:
    with pytest.raises(UnbraidError, match=part):
        Native(drawn).draw(rows, styles)


def test_a_run_of_a_method_that_takes_factors_is_asked_directly(native_run: Run) -> None:
    found = loading.open(native_run.folder)
    assert isinstance(found, Native)
    assert [spec.name for spec in found.specs] == ["grey", "row", "column"]
    request = build_request(found.specs, grey=2, row=3)
    images = found.draw(request.rows(found.specs, 5, seed=1), np.arange(5))
    assert images.shape == (5, 1, 16, 16)
    assert found.read(images).shape == (5, 3)
    assert found.edit(images, request).shape == images.shape
    assert not (native_run.folder / "control.json").exists()


def test_any_other_method_is_fitted_once_and_kept(fitted_run: Run) -> None:
    first = loading.open(fitted_run)
    stored = (fitted_run.folder / "control.json").stat().st_mtime_ns
    again = loading.open(fitted_run)
    assert (fitted_run.folder / "control.json").stat().st_mtime_ns == stored
    rows = build_request(first.specs, row=3).rows(first.specs, 4, seed=0)
    np.testing.assert_array_equal(first.draw(rows, range(4)), again.draw(rows, range(4)))


def test_what_was_fitted_is_learnt_anew_when_it_no_longer_fits(fitted_run: Run) -> None:
    def kept() -> dict[str, Any]:
        found: dict[str, Any] = read_json(fitted_run.folder / "control.json")
        return found

    loading.open(fitted_run)
    before = kept()
    assert before["labels"] == 100
    loading.open(fitted_run, labels=50)
    assert kept()["labels"] == 50
    path = fitted_run.folder / "model.safetensors"
    weights, metadata = read_tensors(path)
    write_tensors(path, {name: value * 0.9 for name, value in weights.items()}, metadata)
    loading.open(fitted_run)
    assert kept()["labels"] == 100
    assert kept()["model"] != before["model"]


def test_a_run_of_data_without_factors_cannot_be_asked(plain_run: Run) -> None:
    with pytest.raises(UnbraidError, match="trained on data without factors, so it cannot be"):
        loading.open(plain_run)


def test_what_is_no_run() -> None:
    with pytest.raises(UnbraidError, match="nosuch does not exist"):
        loading.open("nosuch")


def test_a_factor_left_out_of_the_labels_cannot_be_asked_for(
    squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("run", "train"):
        monkeypatch.setattr(f"unbraid.runs.{module}.load_dataset", lambda *_, **__: squares)
    method = configure("s2-vae", net="mlp", latent_dim=3, labels=60, label_factors=("grey",))
    training = TrainingConfig(epochs=1, batch_size=32)
    run = train_run(RunConfig(method, "squares", {}, training), tmp_path / "run")
    controller = loading.open(run)
    assert unlabelled_factors(controller) == ("row", "column")
    with warnings.catch_warnings(action="ignore"):  # it has hardly been trained
        assert api.generate(model=controller, grey=1, n=2).shape == (2, 1, 16, 16)
    images = squares.images[[3, 5]]
    sentence = "row cannot be requested, .*: request grey, or add row to --label-factors"
    for ask in (
        lambda: api.generate(model=controller, row=3),
        lambda: api.edit(images, model=controller, row=3),
        lambda: api.swap(images, images, "grey,row", model=controller),
    ):
        with pytest.raises(UnbraidError, match=sentence):
            ask()
    # one that knew more, as earlier versions estimated it, is estimated again
    stored = read_json(run.folder / "control.json")
    assert stored["unlabelled"] == ["row", "column"]
    write_json(run.folder / "control.json", stored | {"unlabelled": ["column"], "seed": 5})
    loading.open(run)
    assert read_json(run.folder / "control.json") == stored


def test_a_method_with_few_labels_is_steered_by_the_images_it_was_told_of(
    squares: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    factors = np.array(squares.factors, np.float64)
    factors[::2, 0] = np.nan  # the one factor whose labels are used
    data = dataclasses.replace(squares, factors=factors)
    for module in ("run", "train"):
        monkeypatch.setattr(f"unbraid.runs.{module}.load_dataset", lambda *_, **__: data)
    method = configure("s2-vae", net="mlp", latent_dim=3, labels=20, label_factors=("grey",))
    run = train_run(
        RunConfig(method, "squares", {}, TrainingConfig(epochs=1, batch_size=32)), tmp_path / "run"
    )
    told: list[Any] = []

    def fit(model: object, codes: object, labels: Any, specs: object) -> Any:
        told.append(labels)
        return SimpleNamespace(save=lambda _: None)

    monkeypatch.setattr("unbraid.control.linear_gaussian.controller.fit", fit)
    loading.open(run)
    assert told[0].shape == (20, 3)
    assert np.isnan(told[0]).tolist() == [[False, True, True]] * 20  # no label it was not given
