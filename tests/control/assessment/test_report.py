"""The report catches each way of seeming to obey: a template, a blur, deafness, and others."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from unbraid.control.assessment.judge import Judge
from unbraid.control.assessment.random_requests import change_one, draw_requests
from unbraid.control.assessment.report import measure
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets.digits import Config, Renderer, factor_specs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SPECS = factor_specs(Config())
REQUESTS = 400


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer("test", canvas=32)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge.load()


def writer(renderer: Renderer) -> Callable[[Floats, Ints], NDArray[np.uint8]]:
    """Return the drawer without fault: a style is a real handwriting, whatever else changes."""
    of_digit = [renderer.glyphs.source[renderer.glyphs.digit == d] for d in renderer.digits]

    def draw(factors: Floats, styles: Ints) -> NDArray[np.uint8]:
        digits = factors[:, 0].astype(int)
        hands = [of_digit[d][s % len(of_digit[d])] for d, s in zip(digits, styles, strict=True)]
        return renderer.draw(factors, np.array(hands))

    return draw


def report(draw: Any, judge: Judge, renderer: Renderer, **options: Any) -> dict[str, Any]:
    found = measure(draw, judge, SPECS, renderer, requests=REQUESTS, **options)
    json.dumps(found, allow_nan=False)
    return found


def value(found: dict[str, Any], name: str) -> float:
    return float(found["figures"][name]["value"])


def real(found: dict[str, Any], name: str) -> float:
    return float(found["figures"][name]["real"])


def test_real_handwriting_is_at_the_floor(judge: Judge, renderer: Renderer) -> None:
    found = report(writer(renderer), judge, renderer)
    for name, figure in found["figures"].items():
        near = 5 * figure["standard_error"] + 1e-6
        assert abs(figure["value"] - figure["real"]) < 2 * near, (name, figure)
    assert 0.9 < value(found, "diversity") < 1.1
    assert 0.85 < value(found, "leakage") < 1.15
    assert value(found, "digit accuracy") > 95
    assert value(found, "digit changes") > 95
    assert value(found, "digit flips") < 5
    assert set(found["leakage"]) == set(found["moves"])
    assert all(0.7 < leak < 1.4 for leak in found["leakage"].values())


def test_a_template_for_each_class_obeys_but_does_not_vary(
    judge: Judge, renderer: Renderer
) -> None:
    draw = writer(renderer)
    found = report(lambda f, s: draw(f, np.zeros_like(s)), judge, renderer)
    assert value(found, "diversity") == 0
    assert abs(value(found, "grey ratio") - real(found, "grey ratio")) < 0.05


def test_a_mean_of_writers_is_grey(judge: Judge, renderer: Renderer) -> None:
    draw = writer(renderer)

    def blurred(factors: Floats, styles: Ints) -> NDArray[np.float32]:
        drawn = [draw(factors, styles + k).astype(np.float32) / 255 for k in range(8)]
        mean: NDArray[np.float32] = np.mean(drawn, axis=0)
        return mean

    found = report(blurred, judge, renderer)
    assert value(found, "grey ratio") > 2 * real(found, "grey ratio")
    assert value(found, "diversity") < 0.3


def test_a_drawer_deaf_to_the_digit_is_heard_out(judge: Judge, renderer: Renderer) -> None:
    draw = writer(renderer)

    def deaf(factors: Floats, styles: Ints) -> NDArray[np.uint8]:
        own = factors.copy()
        own[:, 0] = styles % 10
        return draw(own, styles // 10)

    found = report(deaf, judge, renderer)
    assert 4 < value(found, "digit accuracy") < 18
    assert value(found, "digit changes") < 18
    assert value(found, "digit flips") < 5  # it keeps to its own digit
    assert abs(value(found, "x") - real(found, "x")) < 0.1  # and does all else as told


def test_factors_tied_together_leak(judge: Judge, renderer: Renderer) -> None:
    """Bold when large: the size changes alone, and the thickness moves with it."""
    draw = writer(renderer)

    def tied(factors: Floats, styles: Ints) -> NDArray[np.uint8]:
        own = factors.copy()
        own[:, 5] = 2 + 3.5 * (own[:, 1] - 24) / 16
        return draw(own, styles)

    found = report(tied, judge, renderer)
    assert found["leakage"]["size"] > 3
    assert found["moves"]["size"]["thickness"]["value"] > 0.5
    assert found["moves"]["thickness"]["size"]["value"] < 0.1
    assert value(found, "thickness") > 0.5


def test_a_drawer_of_new_handwriting_each_time_flips(judge: Judge, renderer: Renderer) -> None:
    """Styles that are not kept show as leakage, though every request is met."""
    draw, calls = writer(renderer), iter(range(1000))
    found = report(lambda f, s: draw(f, s + 7 * next(calls)), judge, renderer)
    assert value(found, "digit accuracy") > 95
    assert value(found, "leakage") > 1.1


def test_angles_are_compared_modulo_the_symmetry_of_the_digit(
    judge: Judge, renderer: Renderer
) -> None:
    """Every 8, 0 and 1 upside down, asked for by its index among those three."""
    draw, digits = writer(renderer), np.array([8, 0, 1])

    def turned(factors: Floats, styles: Ints) -> NDArray[np.uint8]:
        own = factors.copy()
        own[:, 0] = digits[factors[:, 0].astype(int)]
        own[:, 4] += 180
        return draw(own, styles)

    specs = factor_specs(Config(digits=(8, 0, 1)))
    few = Renderer("test", 32, digits=(8, 0, 1))
    found = measure(turned, judge, specs, few, requests=200)
    assert found["figures"]["digit accuracy"]["value"] > 85  # of digits, not of their indices
    assert found["figures"]["angle"]["value"] < 6


def test_the_same_seed_repeats_and_another_asks_for_other_things(
    judge: Judge, renderer: Renderer
) -> None:
    draw = writer(renderer)
    one, same, other = (
        measure(draw, judge, SPECS, renderer, requests=50, seed=seed) for seed in (0, 0, 1)
    )
    assert one == same
    assert one["figures"]["x"] != other["figures"]["x"]


def test_requests_span_the_ranges_and_change_alone() -> None:
    asked = draw_requests(SPECS, 2000, seed=3)
    for column, spec in enumerate(SPECS):
        low, high = spec.range or (0, 9)
        assert asked[:, column].min() == pytest.approx(low, abs=0.03 * (high - low))
        assert asked[:, column].max() == pytest.approx(high, abs=0.03 * (high - low))
        rows = change_one(asked, column, spec, seed=3)
        assert rows is not None
        moved = (rows != asked).mean(0)
        assert moved[column] == 1
        assert moved.sum() == 1


def test_a_factor_with_one_value_is_not_changed(judge: Judge, renderer: Renderer) -> None:
    specs = factor_specs(Config(angle=(0, 0)))
    found = measure(writer(renderer), judge, specs, renderer, requests=50)
    assert "angle" not in found["leakage"]
    assert "angle" in found["moves"]["digit"]


def test_ranges_that_the_judge_does_not_know_are_noted(judge: Judge, renderer: Renderer) -> None:
    wide = factor_specs(Config(angle=(-90, 90)))
    found = measure(writer(renderer), judge, wide, renderer, requests=50)
    assert "The range of angle, -90 to 90, exceeds" in found["notes"][0]
    assert not measure(writer(renderer), judge, SPECS, renderer, requests=50)["notes"]


def test_what_cannot_be_measured_is_refused(judge: Judge, renderer: Renderer) -> None:
    draw = writer(renderer)
    with pytest.raises(UnbraidError, match="without digit, but this judge needs"):
        measure(draw, judge, [FactorSpec("hue", "continuous", range=(0, 1))], renderer)
    with pytest.raises(UnbraidError, match="requests is 1"):
        measure(draw, judge, SPECS, renderer, requests=1)
    with pytest.raises(UnbraidError, match="seed is -1, expected 0 or more"):
        measure(draw, judge, SPECS, renderer, requests=10, seed=-1)
    with pytest.raises(UnbraidError, match="images of shape"):
        measure(lambda f, s: draw(f, s)[:, 0], judge, SPECS, renderer, requests=10)
