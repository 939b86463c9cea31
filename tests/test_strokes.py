"""Slant and stroke width, on bars and handwriting drawn with known ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from unbraid.datasets.digits import Renderer
from unbraid.strokes import rank_correlations, slant, stroke_width


def bar(width: float, lean: float, size: int = 64, finer: int = 8) -> np.ndarray:
    """A bar sheared by ``lean`` degrees to the right, drawn finely and averaged."""
    y, x = (np.mgrid[: size * finer, : size * finer] + 0.5) / finer - size / 2
    ink = (abs(x + y * np.tan(np.radians(lean))) < width / 2) & (abs(y) < size * 0.4)
    return ink.reshape(size, finer, size, finer).mean(axis=(1, 3))[None, None]


@pytest.mark.parametrize("lean", [-40.0, -10.0, 0.0, 5.0, 30.0])
def test_the_slant_of_a_sheared_bar(lean: float) -> None:
    assert slant(bar(4, lean))[0] == pytest.approx(lean, abs=0.05)


@pytest.mark.parametrize("width", [2.0, 3.3, 5.0, 8.0])
def test_the_width_of_a_bar_but_for_its_ends(width: float) -> None:
    length = 64 * 0.8
    expected = width / (1 + width / length)  # the two ends are edges, too
    assert stroke_width(bar(width, 0))[0] == pytest.approx(expected, rel=0.03)


def test_faint_and_blurred_strokes_are_as_wide() -> None:
    sharp = bar(4, 0)
    blurred = (sharp[..., 1:] + sharp[..., :-1]) / 2
    assert stroke_width(0.3 * sharp)[0] == pytest.approx(stroke_width(sharp)[0])
    assert stroke_width(blurred)[0] == pytest.approx(stroke_width(sharp)[0], rel=0.02)
    np.testing.assert_allclose(
        stroke_width(np.rint(sharp * 255).astype(np.uint8)), stroke_width(sharp), rtol=0.01
    )


@pytest.mark.parametrize("canvas", [32, 64])
def test_handwriting_of_known_width_and_angle(canvas: int) -> None:
    renderer = Renderer("test", canvas=canvas)
    rng = np.random.default_rng(0)
    count = 600
    factors = np.zeros((count, 6))
    factors[:, 0] = np.repeat(np.arange(10), count // 10)
    factors[:, 1] = 44
    factors[:, 4] = rng.uniform(-20, 20, count)  # counter-clockwise, and so to the left
    factors[:, 5] = rng.uniform(2.5, 6, count)
    images = renderer.draw(factors, renderer.choose(factors))
    width = stroke_width(images) * 64 / canvas
    assert spearmanr(width, factors[:, 5]).statistic > 0.97
    assert abs(width / factors[:, 5] - 1).mean() < 0.15
    within = rank_correlations(factors[:, 4:], slant(images), factors[:, 0])
    assert within[0] < -0.65  # each writer has a slant of their own besides
    assert abs(within[1]) < 0.2
    same = renderer.draw(factors, np.repeat(renderer.choose(factors)[::60], 60))
    for digit in (1, 4, 7):
        rows = factors[:, 0] == digit
        assert spearmanr(slant(same[rows]), factors[rows, 4]).statistic < -0.98


def test_nothing_to_see_is_nan() -> None:
    empty = np.zeros((2, 1, 16, 16))
    assert np.isnan(slant(empty)).all()
    assert np.isnan(stroke_width(empty)).all()


def test_many_images_are_measured_each_by_itself() -> None:
    images = np.concatenate([bar(3, 10), bar(5, -20), bar(2, 0)])
    for measure in (slant, stroke_width):
        one_by_one = [measure(image[None])[0] for image in images]
        np.testing.assert_allclose(measure(images), one_by_one)
    coloured = np.repeat(images, 3, axis=1)
    np.testing.assert_allclose(slant(coloured), slant(images))


def test_rank_correlations_are_spearmans() -> None:
    rng = np.random.default_rng(0)
    codes, values = rng.standard_normal((200, 3)), rng.integers(0, 9, 200).astype(float)
    expected = [spearmanr(code, values).statistic for code in codes.T]
    np.testing.assert_allclose(rank_correlations(codes, values), expected)


def test_groups_take_out_what_differs_between_them() -> None:
    rng = np.random.default_rng(0)
    code, group = rng.random(500), rng.integers(0, 5, 500)
    values = code + 100 * group
    assert rank_correlations(code[:, None], values)[0] < 0.5
    assert rank_correlations(code[:, None], values, group)[0] == pytest.approx(1)


def test_rows_without_a_value_and_constant_codes() -> None:
    values = np.array([1.0, np.nan, 2.0, 3.0])
    codes = np.array([[1.0, 7.0], [9.0, 7.0], [2.0, 7.0], [3.0, 7.0]])
    rho = rank_correlations(codes, values)
    assert rho[0] == pytest.approx(1)
    assert np.isnan(rho[1])
