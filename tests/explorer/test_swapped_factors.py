"""Factors that the page reads from codes, and codes that it moves to others, against Python's."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from tests.control.linear_gaussian.test_controller import (
    ASKED,
    Array,
    Pixels,
    fitted,
    labelled,
    noisy,
    numbers,
    product_codes,
    scaled,
)
from unbraid.control.linear_gaussian.controller import Fitted, fit
from unbraid.core.factors import FactorSpec
from unbraid.core.latents import Categorical, Gaussian, Layout
from unbraid.datasets import sample_factors
from unbraid.explorer import linear

SCRIPTS = ("words-draw.js", "words-read.js")
SWAP = """([about, codes]) => { const reader = new WordsRead.Reader(about);
    const found = codes.map(code => reader.read(code));
    return [found, codes.map((code, at) => Array.from(reader.moved(
        Float32Array.from(code), found[at], found[(at + 1) % codes.length])))]; }"""
NOISE = np.random.default_rng(5)


def of_numbers() -> tuple[Fitted, Array]:
    control, codes = noisy()
    return control, codes[:30]


def of_circles() -> tuple[Fitted, Array]:
    specs = (
        FactorSpec("turn", "periodic", range=(0.0, 360.0), period=360.0),
        FactorSpec("hour", "periodic", values=tuple(range(13)), period=12),  # the last is the first
        FactorSpec("kind", "categorical", values=("a", "b", "c")),
        FactorSpec("shape", "categorical", values=("d", "e")),
        FactorSpec("step", "ordinal", values=(1, 2, 4, 8)),
    )

    def codes(factors: Array) -> Array:
        turn, hour = np.deg2rad(factors[:, 0]), factors[:, 1] * np.pi / 6
        circles = [np.sin(turn), np.cos(turn), np.sin(hour), np.cos(hour)]
        others = [factors[:, 2] + factors[:, 3], factors[:, 3] - factors[:, 2], factors[:, 4]]
        return np.stack([*circles, *others], 1) + 0.1 * NOISE.standard_normal((len(factors), 7))

    few, many = sample_factors(specs, 200, [1]), sample_factors(specs, 30, [2])
    return fit(Pixels(numbers(7)), codes(few), few, specs), codes(many)


def of_categories() -> tuple[Fitted, Array]:
    layout = Layout([Categorical(10), *[Gaussian()] * 2])
    return fitted(product_codes(labelled()), labelled(), layout), product_codes(ASKED[:30])


def of_halves() -> tuple[Fitted, Array]:
    def codes(factors: Array) -> Array:
        left = (factors[:, 2] > 0).astype(int)
        return np.concatenate([np.eye(2)[left], scaled(factors)[:, 3:4]], 1)

    layout = Layout([Categorical(2), Gaussian()])
    return fitted(codes(labelled()), labelled(), layout), codes(ASKED[:30])


@pytest.mark.parametrize("case", [of_numbers, of_circles, of_categories, of_halves])
def test_factors_are_swapped_as_in_python(
    browser: Any, case: Callable[[], tuple[Fitted, Array]]
) -> None:
    control, codes = case()
    codes = codes.astype(np.float32).astype(np.float64)
    table = {
        "factors": [
            {"name": spec.name, "kind": spec.kind, "values": spec.values and list(spec.values)}
            for spec in control.specs
        ]
    }
    page = browser.new_page()
    static = files("unbraid.explorer") / "static"
    page.add_script_tag(content="".join((static / name).read_text() for name in SCRIPTS))
    found, moved = page.evaluate(
        SWAP, [linear.about(control, 2) | {"table": table}, codes.tolist()]
    )
    page.close()
    wanted = control.read_codes(codes)
    lengths = [1.0 if spec.values else np.ptp(spec.range or (0, 1)) for spec in control.specs]
    away = np.abs(np.array(found) - wanted) / lengths
    assert np.minimum(away, np.abs(1 - away)).max() < 1e-3  # round the circle, too
    target = np.roll(wanted, -1, 0)
    np.testing.assert_allclose(moved, control.move(codes, wanted, target), atol=5e-3)
