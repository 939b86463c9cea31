from __future__ import annotations

import numpy as np
import pytest

from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset
from unbraid.tour.statistics.clouds import PRIOR_RADIUS, largest_distance, measure
from unbraid.tour.statistics.samples import digits_by_likeness, mismatch, nearest, shares


def digits(labels: np.ndarray) -> Dataset:
    """Images that are as grey as their digit."""
    images = np.broadcast_to(labels[:, None, None, None] * 20, (len(labels), 1, 16, 16))
    spec = FactorSpec("digit", "categorical", values=tuple(range(10)))
    return Dataset("digits", images.astype(np.uint8), labels[:, None], (spec,))


def test_a_clouds_numbers_are_those_it_was_drawn_with() -> None:
    rng = np.random.default_rng(0)
    angle = np.radians(150)
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    codes = rng.normal(size=(20_000, 2)) * [3, 1] @ axes + [5, -2]
    labels = rng.integers(0, 10, len(codes))
    codes[labels == 1] += [0, -4]
    codes -= codes.mean(0) - [5, -2]
    found = measure(codes, digits(labels))
    np.testing.assert_allclose(found.centre, [5, -2], atol=1e-9)
    assert found.ones == pytest.approx(270, abs=3)
    plain = measure(codes[labels != 1], digits(np.arange(int((labels != 1).sum())) % 10))
    assert plain.axis == pytest.approx(150, abs=1)
    assert plain.spread == pytest.approx((3, 1), rel=0.02)


def test_the_priors_circle_holds_95_percent_of_it() -> None:
    codes = np.random.default_rng(0).normal(size=(50_000, 2))
    found = measure(codes, digits(np.arange(len(codes)) % 10))
    assert found.inside_prior == pytest.approx(0.95, abs=0.005)
    assert pytest.approx(np.sqrt(-2 * np.log(0.05)), abs=1e-4) == PRIOR_RADIUS


def test_the_farthest_centres_count() -> None:
    data = digits(np.arange(10))
    spread = np.random.default_rng(0).normal(size=(10, 2))
    spread -= spread.mean(0)
    clouds = [measure(spread + offset, data) for offset in ([0, 0], [3, 4], [1, 0])]
    assert largest_distance(clouds) == pytest.approx(5)
    assert largest_distance(clouds[:1]) == 0


def test_an_image_counts_as_the_digit_it_is_most_like() -> None:
    data = digits(np.arange(10))
    images = np.full((2, 1, 16, 16), 0.0, np.float32)
    images[1] = 7 * 20 / 255 + 0.01
    assert digits_by_likeness(images, data).tolist() == [0, 7]


def test_the_nearest_image_and_its_squared_distance() -> None:
    data = digits(np.arange(10))
    index, far = nearest(np.full((1, 1, 16, 16), 64 / 255), data)
    assert index.tolist() == [3]
    np.testing.assert_allclose(far, 256 * (4 / 255) ** 2, rtol=1e-3)
    assert nearest(np.asarray(data.images[:]) / 255, data)[1].max() < 1e-3


def test_shares_and_their_mismatch() -> None:
    real = shares(np.arange(10))
    np.testing.assert_allclose(real, 0.1)
    assert mismatch(real, real) == 0
    assert mismatch(shares(np.zeros(5, np.int64)), real) == pytest.approx(0.9)
