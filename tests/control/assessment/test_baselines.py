"""Drawers that are easily made, and what the report says of them: the table of the docs page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from unbraid.control.assessment.judge import Judge
from unbraid.control.assessment.report import measure
from unbraid.datasets.digits import Config, Renderer, factor_specs, load

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Draw = Callable[[Floats, Ints], Any]
SPECS = factor_specs(Config())
MIDDLE = (32.0, 0.0, 0.0, 0.0, 3.75)  # size, x, y, angle, thickness
CHANCE = (4, 18)  # per cent of digits that are right by chance


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer("test", canvas=32)


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    """Real images under random factors."""
    return load(Config(n=2000, canvas=32, stream=True), "test").images[:]


@pytest.fixture(scope="module")
def figures(renderer: Renderer) -> Callable[[Draw], dict[str, float]]:
    judge = Judge.load()

    def found(draw: Draw) -> dict[str, float]:
        report = measure(draw, judge, SPECS, renderer, requests=300)
        told = report["figures"]
        return {name: figure["value"] for name, figure in told.items()} | {
            f"real {name}": figure["real"] for name, figure in told.items()
        }

    return found


def one_hand(renderer: Renderer, factors: Floats, number: int = 0) -> NDArray[np.uint8]:
    """Draw factors, each digit in the same handwriting whatever the request."""
    hands = [renderer.glyphs.source[renderer.glyphs.digit == digit] for digit in range(10)]
    return renderer.draw(factors, np.array([hands[d][number] for d in factors[:, 0].astype(int)]))


def middled(factors: Floats, digit: float | None = None) -> Floats:
    """Return factors in the middle of all ranges, of the digit asked for or of another."""
    digits = factors[:, :1] if digit is None else np.full((len(factors), 1), digit)
    return np.hstack([digits, np.tile(MIDDLE, (len(factors), 1))])


def test_a_handwriting_a_digit_obeys_and_is_sharp_but_does_not_vary(
    figures: Any, renderer: Renderer
) -> None:
    found = figures(lambda factors, _: one_hand(renderer, factors))
    assert found["digit accuracy"] > 97
    assert found["digit changes"] > 97
    assert found["angle"] < 4
    assert 0.8 < found["leakage"] < 1.4
    assert abs(found["grey ratio"] - found["real grey ratio"]) < 0.03
    assert found["diversity"] == 0


def test_a_template_a_digit_obeys_the_digit_alone(figures: Any, renderer: Renderer) -> None:
    found = figures(lambda factors, _: one_hand(renderer, middled(factors)))
    assert found["digit accuracy"] > 97
    assert found["digit changes"] > 97
    assert found["leakage"] < 0.4  # only a change of digit moves anything
    assert found["digit flips"] == 0
    assert found["angle"] > 5 * found["real angle"]
    assert found["diversity"] == 0


def test_one_image_is_sharp_and_leaks_nothing(figures: Any, renderer: Renderer) -> None:
    found = figures(lambda factors, _: one_hand(renderer, middled(factors, 7)))
    assert abs(found["grey ratio"] - found["real grey ratio"]) < 0.03
    assert found["leakage"] == found["digit flips"] == found["diversity"] == 0
    assert CHANCE[0] < found["digit accuracy"] < CHANCE[1]
    assert CHANCE[0] < found["digit changes"] < CHANCE[1]


def test_no_ink_at_all_leaks_nothing(figures: Any) -> None:
    found = figures(lambda factors, _: np.zeros((len(factors), 1, 32, 32), np.float32))
    assert found["leakage"] == found["digit flips"] == found["grey ratio"] == 0
    assert found["digit accuracy"] < CHANCE[1]


def test_ignoring_the_request_leaks_nothing_and_varies(
    figures: Any, images: NDArray[np.uint8]
) -> None:
    """The style alone decides which real image is drawn."""
    found = figures(lambda _, styles: images[styles % len(images)])
    assert found["leakage"] == found["digit flips"] == 0
    assert found["diversity"] > 1
    assert abs(found["grey ratio"] - found["real grey ratio"]) < 0.03
    assert CHANCE[0] < found["digit accuracy"] < CHANCE[1]
    assert CHANCE[0] < found["digit changes"] < CHANCE[1]
    assert found["x"] > 20 * found["real x"]


def test_a_random_real_image_at_every_turn_leaks_everything(
    figures: Any, images: NDArray[np.uint8]
) -> None:
    rng = np.random.default_rng(0)
    found = figures(lambda factors, _: images[rng.integers(0, len(images), len(factors))])
    assert found["leakage"] > 20
    assert found["digit flips"] > 70
    assert found["diversity"] > 1
    assert CHANCE[0] < found["digit accuracy"] < CHANCE[1]


def test_a_mean_of_writers_is_read_more_easily_than_a_writer(
    figures: Any, renderer: Renderer
) -> None:
    def mean(factors: Floats, _: Ints) -> NDArray[np.float64]:
        drawn = [one_hand(renderer, factors, number) / 255 for number in range(8)]
        return np.asarray(np.mean(drawn, axis=0))

    found = figures(mean)
    assert found["digit accuracy"] > max(99, found["real digit accuracy"])
    assert found["grey ratio"] > 1.5 * found["real grey ratio"]
    assert found["diversity"] == 0
