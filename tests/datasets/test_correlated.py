"""Correlated factors: the density of the papers, and independent images to measure on."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import unbraid
from unbraid import cli
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset, load_dataset
from unbraid.datasets._correlated import weights
from unbraid.runs import Run

LOTS = {"n": 20_000, "canvas": 16, "stream": True, "thickness": (4.0, 5.5)}


def ridge(one: Any, other: Any, width: float) -> Any:
    return np.exp(-((one - other) ** 2) / (2 * width**2))


def levels(count: int) -> NDArray[np.float64]:
    return np.arange(count) / (count - 1)


def correlation_of_density(density: NDArray[np.float64]) -> float:
    """Return Pearson's correlation of two factors whose levels have a joint density (A, B)."""
    p = density / density.sum()
    a, b = (axis.ravel() for axis in np.indices(p.shape, float))
    p = p.ravel()
    away = a - p @ a, b - p @ b
    return float((p * away[0] * away[1]).sum() / np.sqrt((p @ away[0] ** 2) * (p @ away[1] ** 2)))


def found_in(data: Dataset, one: str, other: str) -> float:
    return float(np.corrcoef(data.factor(one), data.factor(other))[0, 1])


@pytest.mark.parametrize("width", [0.1, 0.4])
def test_levels_have_the_published_density(width: float) -> None:
    data = load_dataset("shapes3d", correlated="floor_hue:wall_hue", correlated_width=width)
    expected = ridge(levels(10)[:, None], levels(10)[None], width)
    pairs = data.factor("floor_hue") * 10 + data.factor("wall_hue")
    share = np.bincount(pairs, minlength=100).reshape(10, 10) / len(data)
    error = np.sqrt(expected / expected.sum() / len(data))
    assert (np.abs(share - expected / expected.sum()) < 5 * error + 1e-5).all()
    found = found_in(data, "floor_hue", "wall_hue")
    assert found == pytest.approx(correlation_of_density(expected), abs=0.005)
    assert abs(found_in(data, "floor_hue", "shape")) < 0.02  # others are as they were


def test_levels_of_other_numbers_and_several_pairs() -> None:
    """Each factor goes from 0 to 1, whatever its number of levels; densities are multiplied."""
    data = load_dataset("shapes3d", correlated="scale:shape, object_hue:wall_hue")
    expected = ridge(levels(8)[:, None], levels(4)[None], 0.1)
    assert found_in(data, "scale", "shape") == pytest.approx(
        correlation_of_density(expected), abs=0.01
    )
    assert found_in(data, "object_hue", "wall_hue") > 0.9
    assert abs(found_in(data, "scale", "wall_hue")) < 0.03


def test_reals_have_it_too_and_are_drawn_anew() -> None:
    plain = load_dataset("digits", "test", **LOTS)  # whose handwriting other tests prepare, too
    data = plain.correlated("size:x", 0.2)
    assert len(data) == 18_000  # all but those held out
    fine = levels(400)
    expected = correlation_of_density(ridge(fine[:, None], fine[None], 0.2))
    assert found_in(data, "size", "x") == pytest.approx(expected, abs=0.01)
    assert abs(found_in(data, "size", "y")) < 0.03
    assert not set(data.factor("size")) & set(plain.factor("size"))
    assert data.held_out is not None
    assert abs(found_in(data.held_out, "size", "x")) < 0.1
    rows = np.arange(3)
    drawn = data.renderer.draw(data.factors[rows], data.style[rows])  # type: ignore
    assert (data.images[rows] == drawn).all()
    with pytest.raises(UnbraidError, match="a correlation of size and x"):
        data.pairs(rows)


def test_no_image_is_there_twice_and_a_wider_ridge_has_all_of_a_narrower_one(
    squares: Dataset,
) -> None:
    narrow, wide = (squares.correlated("row:column", width) for width in (0.1, 0.3))
    rows = [{tuple(row) for row in np.asarray(data.factors)} for data in (narrow, wide)]
    assert len(rows[0]) == len(narrow) < len(rows[1]) == len(wide)
    assert rows[0] < rows[1]
    again = squares.correlated([("row", "column")], 0.1)
    assert np.array_equal(again.images[:], narrow.images[:])
    other = squares.correlated("row:column", 0.1, seed=1)
    assert {tuple(row) for row in np.asarray(other.factors)} != rows[0]


def test_images_belong_to_their_factors(squares: Dataset) -> None:
    data = squares.correlated("row:column")
    for image, (grey, row, column) in zip(data.images[:], np.asarray(data.factors), strict=True):
        assert image[0, row + 1, column + 1] == 85 * (grey + 1)
        assert image[0].sum() == 25 * 85 * (grey + 1)


def test_those_left_out_are_independent_and_never_trained_on(squares: Dataset) -> None:
    data = squares.correlated("row:column", 0.1)
    held_out = data.held_out
    assert held_out is not None
    assert len(held_out) == 30
    trained = {tuple(row) for row in np.asarray(data.factors)}
    assert not trained & {tuple(row) for row in np.asarray(held_out.factors)}
    assert found_in(data, "row", "column") > 0.9
    assert abs(found_in(held_out, "row", "column")) < 0.4


def test_what_has_no_test_split_gets_one(squares_npz: Path) -> None:
    options: Any = {"full": True, "correlated": "row:column"}
    train, test = (load_dataset(str(squares_npz), split, **options) for split in ("train", "test"))
    assert (train.split, test.split, len(test)) == ("train", "test", 30)
    there = {tuple(row) for row in np.asarray(train.factors)}
    assert not there & {tuple(row) for row in np.asarray(test.factors)}


def test_rows_of_unknown_factors_are_left_out(squares: Dataset) -> None:
    factors = np.array(squares.factors, float)
    factors[::2, 1] = np.nan
    data = dataclasses.replace(squares, factors=factors).correlated("row:column", 0.5)
    assert not np.isnan(data.factor("row")).any()


def test_pairs_of_images_stay_among_those_kept(squares: Dataset) -> None:
    data = squares.correlated("row:column", 0.1)
    rows = np.arange(20)
    partners, changed = data.pairs(rows, 1)
    kept = {image.tobytes() for image in data.images[:]}
    assert all(image.tobytes() in kept for image in partners)
    assert (changed.sum(1) == 1).all()


@pytest.mark.parametrize(
    ("pairs", "width", "sentence"),
    [
        ("row", 0.1, "expected two different names"),
        ("row:row", 0.1, "expected two different names"),
        ("row:column:grey", 0.1, "expected two different names"),
        (["row", "column"], 0.1, "expected two different names"),
        ("row:column,column:row", 0.1, "name each pair once"),
        ("row:colum", 0.1, r"no factor 'colum' to correlate \(did you mean 'column'\?\)"),
        ("row:column", 0.0, "expected a number above 0"),
        ("row:column", float("nan"), "expected a number above 0"),
    ],
)
def test_what_is_refused(pairs: Any, width: float, sentence: str, squares: Dataset) -> None:
    with pytest.raises(UnbraidError, match=sentence):
        squares.correlated(pairs, width)


def test_data_without_such_factors_are_refused(squares: Dataset) -> None:
    with pytest.raises(UnbraidError, match="there are none"):
        dataclasses.replace(squares, factors=None, specs=()).correlated("row:column")
    with pytest.raises(UnbraidError, match="color has a single value"):
        load_dataset("dsprites", correlated="color:shape")
    with pytest.raises(UnbraidError, match="images are left"):
        squares.take(np.array([1, 2, 3, 4, 5])).correlated("row:column", 1e-4)
    spec = FactorSpec("a", "continuous", range=(0.0, 1.0))
    assert weights(np.zeros((0, 1)), [spec], unbraid.datasets.Correlation((), 0.1)).shape == (0,)


NOTE = "trained on images with a correlation of row and column (width 0.2)"


def test_a_run_stores_it_and_is_measured_without_it(
    squares: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, path = tmp_path / "run", tmp_path / "twice.npz"
    names = np.array(squares.factor_names)
    twice = [np.concatenate([array, array]) for array in (squares.images[:], squares.factors)]
    np.savez(path, images=twice[0], factors=twice[1], factor_names=names)
    how = f"--data {path} --data.correlated row:column --data.correlated-width 0.2"
    small = "--net mlp --latent-dim 3 --epochs 1 --batch-size 16 --precision f32"
    assert cli.main(["train", "vae", *how.split(), *small.split(), "--out", str(out)]) == 0
    assert NOTE in capsys.readouterr().out
    stored = json.loads((out / "config.json").read_text())["data"]
    assert (stored["correlated"], stored["correlated_width"]) == ("row:column", 0.2)
    run = Run(out)
    assert found_in(run.dataset(), "row", "column") > 0.8
    plain = load_dataset(str(path), "test")
    assert np.array_equal(run.unseen().images[:], plain.images[:])
    assert NOTE in run.result["data"]["note"]
    assert cli.main(["evaluate", str(out), "--metrics", "mig"]) == 0
    assert "a correlation of row and column" in " ".join(capsys.readouterr().out.split())
    (score,) = Run(out).scores().values()
    assert score["data"]["images"] == len(plain)
    assert NOTE in score["data"]["note"]


def test_a_model_in_memory_is_measured_without_it(squares: Dataset, tmp_path: Path) -> None:
    config = unbraid.configure("vae", net="mlp", latent_dim=3)
    data = squares.correlated("row:column", 0.2)
    model = unbraid.train(config, data, epochs=1, batch_size=16, progress=False)
    run = unbraid.save(model, tmp_path / "run")
    assert len(run.unseen()) == 30
    assert abs(found_in(run.unseen(), "row", "column")) < 0.4
    assert NOTE in run.result["data"]["note"]
    assert run.config.data_options["correlated"] == "row:column"
    assert Run(tmp_path / "run").unseen().correlation == data.correlation
