"""The report of any data: real images get what is real, and trivial drawers are told apart."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.control import scenes
from unbraid.control.assessment.judge_training import Config, train_judge
from unbraid.control.assessment.learned_judge import LearnedJudge
from unbraid.control.assessment.nearest import Nearest
from unbraid.control.assessment.report import measure
from unbraid.control.assessment.sources import Grid, Rendered
from unbraid.control.assessment.units import FactorUnits
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets import load_dataset
from unbraid.datasets.digits import Config as Digits
from unbraid.datasets.digits import Renderer, factor_specs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Draw = Callable[[Floats, Ints], Any]


@pytest.fixture(scope="module")
def source() -> Nearest:
    """1,500 scenes, of which requests and real images are."""
    rows = scenes.factors(1500, seed=5)
    return Nearest([(scenes.draw(rows, np.arange(1500)), rows)], scenes.SPECS)


@pytest.fixture(scope="module")
def report(scene_judge: LearnedJudge, source: Nearest) -> Callable[..., dict[str, Any]]:
    def found(draw: Draw, drawn: Any = "joint") -> dict[str, Any]:
        told = measure(draw, scene_judge, scenes.SPECS, source, 300, drawn=drawn)
        json.dumps(told, allow_nan=False)
        return told

    return found


def value(told: dict[str, Any], name: str) -> float:
    return float(told["figures"][name]["value"])


def real(told: dict[str, Any], name: str) -> float:
    return float(told["figures"][name]["real"])


@pytest.mark.parametrize("drawn", ["joint", "independent"])
def test_what_draws_as_the_data_are_gets_the_judges_own_error(report: Any, drawn: str) -> None:
    told = report(scenes.draw, drawn)
    assert told["drawn"] == drawn
    for name in ("shape accuracy", "x", "turn", "light", "shape changes"):
        figure = told["figures"][name]
        assert abs(figure["value"] - figure["real"]) < 6 * figure["standard_error"], (name, figure)
    assert 0.4 < value(told, "leakage") < 1.3
    assert 0.9 < value(told, "sharpness") < 1.1
    assert told["figures"]["turn"]["unit"] == "degrees"
    assert "grey ratio" not in told["figures"]  # of colour
    assert "diversity is relative to images with the nearest" in told["notes"][0]
    assert set(told["moves"]) == set(told["leakage"]) == {"shape", "x", "turn", "light"}


def test_requests_come_together_as_in_the_data_or_not(source: Nearest) -> None:
    joint, alone = (source.requests(1500, 0, drawn) for drawn in ("joint", "independent"))
    assert np.corrcoef(joint[:, 1], joint[:, 3])[0, 1] > 0.5
    assert abs(np.corrcoef(alone[:, 1], alone[:, 3])[0, 1]) < 0.1
    known = {tuple(row) for row in source.first.tolist()}
    assert all(tuple(row) in known for row in joint.tolist())
    for column in range(4):  # each by itself is spread as in the data
        assert set(alone[:, column]) <= set(source.first[:, column])


@pytest.mark.parametrize("name", ["diversity", "sharpness", "leakage"])
def test_a_factor_may_have_the_name_of_a_figure(
    scene_judge: LearnedJudge, source: Nearest, name: str
) -> None:
    plain = measure(scenes.draw, scene_judge, scenes.SPECS, source, 100)["figures"]
    specs = tuple(
        dataclasses.replace(spec, name=name) if spec.name == "light" else spec
        for spec in scenes.SPECS
    )
    judge = LearnedJudge(specs, scene_judge.shape, scene_judge.heads.ranges)
    judge.net = scene_judge.net
    same = Nearest([(source.images[0], source.rows)], specs)
    renamed = measure(scenes.draw, judge, specs, same, 100)
    assert renamed["figures"][f"{name} error"] == plain["light"]
    assert renamed["figures"][name] == plain[name]


def test_one_image_obeys_nothing_and_leaks_nothing(report: Any) -> None:
    one = scenes.draw(np.array([[1, 0.0, 45.0, 2]]), np.zeros(1, int))
    told = report(lambda rows, _: np.repeat(one, len(rows), 0))
    assert value(told, "leakage") == value(told, "diversity") == value(told, "shape flips") == 0
    assert value(told, "shape accuracy") < 45
    assert value(told, "x") > 3 * real(told, "x")


def test_ignoring_the_request_leaks_nothing_and_varies(report: Any, source: Nearest) -> None:
    images = source.images[0]
    told = report(lambda _, styles: images[styles % len(images)])
    assert value(told, "leakage") == value(told, "shape flips") == 0
    assert value(told, "diversity") > 1
    assert 0.9 < value(told, "sharpness") < 1.1
    assert value(told, "shape accuracy") < 45


def test_a_template_a_class_obeys_its_class_alone(report: Any) -> None:
    def template(rows: Floats, styles: Ints) -> NDArray[np.uint8]:
        own = np.tile([0, 0.0, 45.0, 2], (len(rows), 1))
        own[:, 0] = rows[:, 0]
        return scenes.draw(own, np.zeros_like(styles))

    told = report(template)
    assert value(told, "shape accuracy") > real(told, "shape accuracy") - 15
    assert value(told, "x") > 3 * real(told, "x")
    assert value(told, "diversity") == 0


def test_factors_tied_together_leak(report: Any) -> None:
    def tied(rows: Floats, styles: Ints) -> NDArray[np.uint8]:
        own = rows.copy()
        own[:, 1] = np.where(rows[:, 3] > 1, 3.5, -3.5)
        return scenes.draw(own, styles)

    told = report(tied)
    assert told["leakage"]["light"] > 3
    assert told["moves"]["light"]["x"]["value"] > 4 * told["moves"]["light"]["x"]["real"]


def test_noise_and_blur_are_not_sharp_as_real(report: Any) -> None:
    rng = np.random.default_rng(0)

    def noisy(rows: Floats, styles: Ints) -> Floats:
        drawn = scenes.draw(rows, styles) / 255
        return drawn + rng.choice([-0.2, 0.2], drawn.shape)

    def blurred(rows: Floats, styles: Ints) -> Floats:
        moved = [scenes.draw(rows + np.array([0, dx, 0, 0]), styles) / 255 for dx in (-2, 0, 2)]
        return np.asarray(np.mean(moved, 0))

    assert value(report(noisy), "sharpness") > 1.3
    assert value(report(blurred), "sharpness") < 0.8


class ShapeJudge:
    """The judge of scenes, asked for the shape alone."""

    names = ("shape",)

    def __init__(self, judge: LearnedJudge) -> None:
        self.judge = judge

    def read(self, images: Any) -> Floats:
        return self.judge.read(images)[:, :1]


def test_where_images_share_their_factors_real_ones_vary_as_much(
    scene_judge: LearnedJudge,
) -> None:
    """Data with classes alone, as MNIST."""
    rows = scenes.factors(1500, seed=5)
    images = scenes.draw(rows, np.arange(1500))
    specs = scenes.SPECS[:1]
    source = Nearest([(images, rows[:, :1])], specs)
    of_shape = [np.flatnonzero(rows[:, 0] == shape) for shape in range(3)]

    def drawn(asked: Floats, styles: Ints) -> NDArray[np.uint8]:
        shapes = asked[:, 0].astype(int)
        chosen = [of_shape[k][s % len(of_shape[k])] for k, s in zip(shapes, styles, strict=True)]
        return images[chosen]

    told = measure(drawn, ShapeJudge(scene_judge), specs, source, 300, drawn="joint")
    assert 0.85 < value(told, "diversity") < 1.15
    figure = told["figures"]["shape accuracy"]
    assert abs(figure["value"] - figure["real"]) < 6 * figure["standard_error"]
    assert not told["leakage"]
    assert not told["notes"]
    first, second = (source.real(rows[:200, :1], [0, 3, which]) for which in (0, 1))
    assert (first[0] != second[0]).any((1, 2, 3)).all()  # never twice the same image
    assert (first[1] == rows[:200, :1]).all()
    assert (second[1] == rows[:200, :1]).all()


def test_the_nearest_image_is_the_nearest(source: Nearest) -> None:
    rows = source.first[:50]
    images, found = source.real(rows, [0, 3, 0])
    np.testing.assert_array_equal(found, rows)
    np.testing.assert_array_equal(images, source.images[0][:50])
    _, second = source.real(rows, [0, 3, 1])
    assert (second[:, 0] == rows[:, 0]).all()
    assert (np.abs(second[:, 1] - rows[:, 1]) < 3).all()
    assert (second != rows).any(1).all()


def test_unknown_labels_are_left_out(scene_judge: LearnedJudge) -> None:
    rows = scenes.factors(600, seed=5)
    images = scenes.draw(rows, np.arange(600))
    rows[np.random.default_rng(0).random(rows.shape) < 0.3] = np.nan
    source = Nearest([(images, rows)], scenes.SPECS)
    asked = source.requests(400, 0, "joint")
    assert np.isfinite(asked).all()
    told = measure(scenes.draw, scene_judge, scenes.SPECS, source, 200, drawn="joint")
    json.dumps(told, allow_nan=False)
    assert abs(value(told, "x") - real(told, "x")) < 0.3


class Guesser:
    """Reads an angle that has nothing to do with the image, and a place without an error."""

    names = ("place", "angle")

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def read(self, images: Any) -> Floats:
        place = np.asarray(images)[:, 0, 0, 0] * 1.0
        return np.column_stack([place, self.rng.uniform(0, 360, len(images))])


def test_unrelated_errors_of_an_angle_are_the_shorter_way_round_apart() -> None:
    """Two angles that are guessed are 90 degrees apart, in drawn images and in real ones."""
    specs = [
        FactorSpec("place", "continuous", range=(0.0, 1.0)),
        FactorSpec("angle", "periodic", range=(0.0, 360.0), unit="degrees", period=360.0),
    ]
    rows = np.random.default_rng(1).uniform(0, (1, 360), (3000, 2))
    images = np.random.default_rng(2).integers(0, 256, (3000, 1, 16, 16), np.uint8)
    source = Nearest([(images, rows)], specs)
    told = measure(lambda asked, _: images[: len(asked)], Guesser(), specs, source, 2000)
    move = told["moves"]["place"]["angle"]
    assert move["value"] == pytest.approx(90, abs=4)
    assert move["real"] == pytest.approx(90, abs=4)
    assert told["leakage"]["place"] == pytest.approx(1, abs=0.08)


class PixelJudge:
    """Reads two numbers from two pixels, without an error."""

    names = ("a", "b")

    def read(self, images: Any) -> Floats:
        array = np.asarray(images, float)
        return array[:, 0, 0, :2] / (255 if array.max() > 1 else 1)


@pytest.mark.parametrize("count", [100, 4000])  # images, of which 2,000 requests are
def test_requests_of_few_images_are_no_independent_draws(count: int) -> None:
    """The error of a mean over 100 images is theirs, however often each is requested."""
    specs = [FactorSpec(name, "continuous", range=(0.0, 1.0)) for name in ("a", "b")]
    rows = np.random.default_rng(1).integers(0, 256, (count, 2)) / 255

    def drawn(rows: Floats, share: float) -> Floats:
        images = np.zeros((len(rows), 1, 16, 16))
        images[:, 0, 0, :2] = share * rows
        images[:, 0, 4:] = rows[:, :1, None]
        return images

    def off(rows: Floats, _: Any) -> Floats:  # more where more is asked for
        return drawn(rows, 0.8)

    real = (drawn(rows, 1.0) * 255).round().astype(np.uint8)
    source = Nearest([(real, rows)], specs)
    told = measure(off, PixelJudge(), specs, source, 2000, drawn="joint")
    asked = np.unique(source.requests(2000, 0, "joint"), axis=0)
    for name, errors in zip(("a", "b"), (0.2 * asked).T, strict=True):
        error = errors.std(ddof=1) / np.sqrt(len(errors))
        assert told["figures"][name]["standard_error"] == pytest.approx(error, rel=0.05)
    # edges of drawn and of real images are in the same ratio whatever is requested
    assert value(told, "sharpness") == pytest.approx(1, abs=0.1)
    assert told["figures"]["sharpness"]["standard_error"] < 0.01


# -- grids ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bars(bars_npz: Any) -> Any:
    return load_dataset(str(bars_npz), full=True)


@pytest.fixture(scope="module")
def bars_judge(bars: Any) -> LearnedJudge:
    some = np.random.default_rng(0).permutation(2000)[:600]
    return train_judge(bars.specs, bars.images[some], bars.factors[some], Config(passes=6))


def test_a_grid_has_the_image_of_any_request(bars: Any) -> None:
    rows = np.asarray(bars.factors[::7], float)
    grid = Grid.of(bars, rows)
    assert grid is not None
    images, found = grid.real(rows, [0, 3, 1])
    np.testing.assert_array_equal(images, bars.images[::7])
    np.testing.assert_array_equal(found, rows)
    changed = grid.changed(rows, 1, seed=0)
    assert changed is not None
    assert (changed != rows).sum(0).tolist() == [0, len(rows), 0]
    assert Grid.of(bars.take(np.arange(1999)), rows) is None
    assert Grid.of(bars.take(np.r_[:1999, 0]), rows) is None


def test_the_grids_own_images_leak_nothing_beside_themselves(
    bars: Any, bars_judge: LearnedJudge
) -> None:
    grid = Grid.of(bars, np.asarray(bars.factors, float))
    assert grid is not None
    told = measure(lambda rows, _: grid.real(rows, [0])[0], bars_judge, bars.specs, grid, 300)
    for name, figure in told["figures"].items():
        assert figure["value"] == figure["real"], name
    assert "diversity" not in told["figures"]
    assert "diversity is not defined" in told["notes"][0]
    assert value(told, "column accuracy") > 20  # by chance 5


def test_requests_of_digits_may_come_together_too() -> None:
    config = Digits(correlations=(("size", "thickness", 0.9),), n=300, canvas=32, stream=True)
    rows = np.array(load_dataset("digits", "test", **vars(config)).factors, float)
    source = Rendered(factor_specs(config), Renderer("test", 32), rows)
    joint, alone = (source.requests(300, 0, drawn) for drawn in ("joint", "independent"))
    assert np.corrcoef(joint[:, 1], joint[:, 5])[0, 1] > 0.7
    assert abs(np.corrcoef(alone[:, 1], alone[:, 5])[0, 1]) < 0.2


def test_a_judge_of_other_data_is_refused(scene_judge: LearnedJudge, source: Nearest) -> None:
    specs = [FactorSpec("label", "categorical", values=(0, 1))]
    with pytest.raises(UnbraidError, match="the judge reads shape, but the factors are label"):
        measure(scenes.draw, scene_judge, specs, source, 10)
    assert FactorUnits(scenes.SPECS).names == scene_judge.names
