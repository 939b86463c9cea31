"""Codes of factors drawn anew: the right images, evenly drawn, each of a grid encoded once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chisquare, kstest

from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset, load_dataset
from unbraid.evaluation.evidence import varying
from unbraid.evaluation.factor_draws import can_draw, draw_factors, encoder


def mean_place(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Codes that tell where the ink is and how much of it there is, (N, 3)."""
    ink = images[:, 0].astype(np.float64) / 255
    total = ink.sum((1, 2))
    at = np.arange(ink.shape[1])
    down, right = (ink.sum(2) @ at) / total, (ink.sum(1) @ at) / total
    return np.stack([total, right, down], 1)


def test_factors_are_drawn_evenly_and_independently() -> None:
    specs = (
        FactorSpec("level", "ordinal", values=(1, 2, 3, 5)),
        FactorSpec("x", "continuous", range=(2.0, 3.0)),
        FactorSpec("angle", "periodic", range=(0.0, 90.0), period=90.0),
    )
    found = draw_factors(specs, 20_000, np.random.default_rng(0))
    assert chisquare(np.bincount(found[:, 0].astype(int), minlength=4)).pvalue > 0.001
    assert kstest(found[:, 1], "uniform", (2, 1)).pvalue > 0.001
    assert kstest(found[:, 2], "uniform", (0, 90)).pvalue > 0.001
    assert abs(np.corrcoef(found.T) - np.eye(3)).max() < 0.03


def test_a_grid_is_drawn_whole_and_each_image_encoded_once() -> None:
    data = load_dataset("dsprites", split="test", original=False)
    whole = load_dataset("dsprites", full=True, original=False)
    assert whole.split == "all"
    assert can_draw(data)
    rows = np.random.default_rng(0).integers(len(whole), size=50)
    assert whole.factors is not None
    drawn = data.draw(whole.factors[rows], np.random.default_rng(0))
    np.testing.assert_array_equal(drawn, whole.images[rows])
    assert can_draw(data.take(np.arange(3)))
    assert not can_draw(varying(data))  # the colour is gone

    encoded: list[int] = []

    def encode(images: NDArray[np.uint8]) -> NDArray[np.float64]:
        encoded.append(len(images))
        return mean_place(images)

    columns = np.arange(1, 6)  # all but the colour, of which there is one
    function, rng = encoder(data, encode, columns), np.random.default_rng(0)
    factors = draw_factors(data.specs[1:], 300, rng)
    codes = function(factors, rng)
    full = np.column_stack([np.zeros(300, np.int64), factors.astype(np.int64)])
    expected = data.draw(full, rng)
    assert expected is not None
    np.testing.assert_allclose(codes, mean_place(expected))
    before = sum(encoded)
    np.testing.assert_array_equal(function(factors[::-1], rng), codes[::-1])
    assert sum(encoded) == before <= 300


def test_digits_are_drawn_by_writers_of_their_split() -> None:
    data = load_dataset("digits", "test", n=60, canvas=32, stream=True)
    assert can_draw(data)
    rng = np.random.default_rng(0)
    factors = draw_factors(data.specs, 200, rng)
    codes = encoder(data, mean_place, np.arange(6))(factors, rng)
    # a pixel is two of the canvas the factors are given on; y counts upwards
    assert np.corrcoef(codes[:, 1], factors[:, 2])[0, 1] > 0.98
    assert np.corrcoef(codes[:, 2], -factors[:, 3])[0, 1] > 0.98
    again = encoder(data, mean_place, np.arange(6))(factors, rng)
    assert not np.array_equal(again, codes)  # other hands
    styled = load_dataset("digits", "test", n=60, canvas=32, stream=True, style_factor=True)
    assert not can_draw(styled)  # a hand writes one digit


@pytest.mark.parametrize("factors", [None, np.zeros((5, 1), np.int64)])
def test_data_that_only_have_their_images_cannot(factors: Any) -> None:
    specs = () if factors is None else (FactorSpec("label", "categorical", values=("a", "b")),)
    assert not can_draw(Dataset("mine", np.zeros((5, 1, 16, 16), np.uint8), factors, specs))
