"""Pairs of images: the factors that change are those that were asked for, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset, load_dataset
from unbraid.datasets._pairs import FactorIndex, index_of, partner_rows
from unbraid.datasets.digits import Digits


def rows_of(data: Dataset, count: int = 2000) -> np.ndarray:
    return np.random.default_rng(1).integers(len(data), size=count)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_a_partner_on_a_grid_differs_in_exactly_k_factors(k: int) -> None:
    data = load_dataset("dsprites")
    rows = rows_of(data)
    found, changed = partner_rows(data, index_of(data), rows, k, 3)
    assert data.factors is not None
    np.testing.assert_array_equal(data.factors[found] != data.factors[rows], changed)
    assert set(changed.sum(1)) == {k}
    assert not changed[:, 0].any()  # there is one color
    images, told = data.pairs(rows[:50], k, 3)
    assert images.dtype == np.uint8
    again, _ = partner_rows(data, index_of(data), rows[:50], k, 3)
    np.testing.assert_array_equal(images, data.images[again])  # of the same split
    assert set(told.sum(1)) == {k}


def test_factors_and_their_values_are_chosen_uniformly() -> None:
    data = load_dataset("dsprites", full=True)
    rows = rows_of(data, 20_000)
    found, changed = partner_rows(data, index_of(data), rows, 1, 0)
    np.testing.assert_allclose(changed[:, 1:].mean(0), 0.2, atol=0.012)  # 4 standard errors
    assert data.factors is not None
    step = (data.factors[found, 2] - data.factors[rows, 2])[changed[:, 2]] % 6
    np.testing.assert_allclose(np.bincount(step, minlength=6)[1:] / len(step), 0.2, atol=0.026)


def test_uniform_and_published_rules() -> None:
    data = load_dataset("dsprites", full=True)
    rows = rows_of(data, 20_000)
    changed = partner_rows(data, index_of(data), rows, "uniform", 0)[1]
    np.testing.assert_allclose(np.bincount(changed.sum(1)), [0, *[5000] * 4], atol=250)
    found, changed = partner_rows(data, index_of(data), rows, "redraw-one-or-k", 0)
    # a factor is redrawn with chance 1/2 1/5 + 1/2 E[k]/5 = .35, and of K values keeps 1 in K
    expected = [0.35 * (1 - 1 / size) for size in (3, 6, 40, 32, 32)]
    np.testing.assert_allclose(changed[:, 1:].mean(0), expected, atol=0.014)
    assert (found == rows).any()  # nothing needs to change


def test_a_partner_depends_on_the_key_alone() -> None:
    data = load_dataset("dsprites")
    rows = np.arange(64)
    first = data.pairs(rows, "uniform", (1, 7, 20))
    data.pairs(rows, 1, (1, 7, 21))
    again = load_dataset("dsprites").pairs(rows, "uniform", (1, 7, 20))
    np.testing.assert_array_equal(first.images, again.images)
    np.testing.assert_array_equal(first.changed, again.changed)
    other = data.pairs(rows, "uniform", (1, 7, 21))
    assert (other.changed != first.changed).any()


def test_trainings_in_turns_share_the_index_of_equal_rows(
    monkeypatch: pytest.MonkeyPatch, squares_npz: Path
) -> None:
    """Making it takes longer than a step."""
    data, made = load_dataset(str(squares_npz), full=True), []

    def counted(data: Dataset, among: NDArray[np.int64] | None) -> FactorIndex:
        made.append(among)
        return index_of(data, among)

    monkeypatch.setattr("unbraid.datasets._dataset.index_of", counted)
    rows = np.arange(64)
    members = [np.arange(0, len(data), 2) for _ in range(6)]
    for step in range(2):
        for among in (*members, None):
            found = data.pairs(rows, 1, (1, 7, step), among)
            fresh = load_dataset(str(squares_npz), full=True)
            again = fresh.pairs(rows, 1, (1, 7, step), among)
            np.testing.assert_array_equal(found.images, again.images)
            made.pop()  # of the one loaded again
    assert len(made) == 2
    other = members[0] + 1
    changed = data.pairs(rows, 1, (1, 7, 0), other).images
    assert len(made) == 3
    assert (changed != data.pairs(rows, 1, (1, 7, 0), members[0]).images).any()


@pytest.mark.parametrize("style_factor", [False, True])
def test_digits_draw_their_partners_and_hold_the_handwriting(style_factor: bool) -> None:
    data = load_dataset("digits", n=300, canvas=32, stream=True, style_factor=style_factor)
    assert isinstance(data, Digits)
    assert data.factors is not None
    assert data.renderer is not None
    rows = np.arange(300)
    images, changed = data.pairs(rows, 1, (0, 1, 2))
    assert images.shape == (300, 1, 32, 32)
    assert changed.shape == data.factors.shape
    assert set(changed.sum(1)) == {1}
    mask = changed[:, :6]
    drawn, style = data._redrawn(rows, mask, 1, np.random.default_rng(0), [0, 1])
    np.testing.assert_array_equal(drawn != data.factors[:, :6], mask)
    held = ~mask[:, 0]
    np.testing.assert_array_equal(style[held], data.style[held])
    assert data.renderer.fits(drawn, style).all()  # no ink beyond the canvas
    assert mask[:, 0].any() != style_factor  # a handwriting shows one digit
    again = data.pairs(rows, 1, (0, 1, 2))
    np.testing.assert_array_equal(again.images, images)
    for column in range(6):
        low, high = data.specs[column].range or (0, 9)
        assert (drawn[:, column] >= low).all()
        assert (drawn[:, column] <= high).all()


def test_a_changed_factor_is_seen_in_the_image() -> None:
    data = load_dataset("digits", n=200, canvas=64, stream=True, thickness=(3, 3), size=(30, 30))
    images, changed = data.pairs(np.arange(200), 1, 0)
    column = np.arange(64)

    def centre(drawn: np.ndarray) -> np.ndarray:
        return (drawn[:, 0].astype(float).sum(1) * column).sum(1) / drawn.sum((1, 2, 3))

    moved = np.abs(centre(images) - centre(data.images[np.arange(200)]))
    x = data.factor_names.index("x")
    assert np.median(moved[changed[:, x]]) > 2  # pixels
    y = data.factor_names.index("y")
    assert moved[changed[:, y]].max() < 0.5


def test_labelled_data_give_rows_that_exist(squares: Dataset) -> None:
    some = squares.take(np.sort(np.random.default_rng(0).permutation(300)[:60]))  # a sparse grid
    found, changed = partner_rows(some, index_of(some), np.arange(60), 2, 0)
    assert some.factors is not None
    np.testing.assert_array_equal(some.factors[found] != some.factors, changed)
    assert set(changed.sum(1)) == {2}


@pytest.mark.parametrize("rule", [1, "uniform", "redraw-one-or-k"])
def test_partners_are_among_the_rows_that_are_given(squares: Dataset, rule: int | str) -> None:
    among = np.sort(np.random.default_rng(0).permutation(300)[:120])
    marked = np.full((300, 1, 16, 16), 9, np.uint8)
    marked[among] = 1
    data = Dataset("d", marked, squares.factors, squares.specs)
    for _ in range(2):  # the index that is kept is that of the same rows
        assert (data.pairs(among, rule, 0, among).images == 1).all()
        assert (data.pairs(np.arange(300), rule, 0).images == 9).any()
        other = np.setdiff1d(np.arange(300), among)
        assert (data.pairs(other, rule, 0, other).images == 9).all()


def test_digits_draws_partners_whatever_rows_are_given() -> None:
    data = load_dataset("digits", n=50, canvas=32, stream=True)
    some = data.pairs(np.arange(20), 1, 0, np.arange(3))
    np.testing.assert_array_equal(some.images, data.pairs(np.arange(20), 1, 0).images)


def test_labels_of_several_images_give_any_of_them() -> None:
    data = Dataset("d", np.zeros((6, 1, 16, 16), np.uint8), np.array([[0, 0, 0, 1, 1, 1]]).T, SPECS)
    found = {int(partner_rows(data, index_of(data), [0], 1, seed)[0][0]) for seed in range(40)}
    assert found == {3, 4, 5}


SPECS = (FactorSpec("class", "categorical", values=("a", "b")),)


@pytest.mark.parametrize(
    ("factors", "specs", "rule", "message"),
    [
        (None, (), 1, "pairs need images whose factors are known"),
        ([[0.0], [1.0], [np.nan]], SPECS, 1, "a factor of row 2 is unknown"),
        ([[0], [1], [0]], SPECS, 2, "but 1 can be changed: expected 1 to 1"),
        ([[0], [1], [0]], SPECS, True, "the rule of pairs is True"),
        ([[0], [1], [0]], SPECS, "unifrom", "did you mean 'uniform'"),
        ([[0], [1], [0]], SPECS, "uniform", "needs two factors that can be changed, found 1"),
        (
            [[0.1, 0.5], [0.2, 0.6], [0.3, 0.7]],
            [FactorSpec(name, "continuous", range=(0, 1)) for name in "xy"],
            1,
            "no image differs from that of row 0 in exactly 1 of its factors",
        ),
    ],
)
def test_what_cannot_be_paired_is_refused(
    factors: list[list[float]] | None, specs: tuple[FactorSpec, ...], rule: int, message: str
) -> None:
    known = None if factors is None else np.array(factors)
    data = Dataset("d", np.zeros((3, 1, 16, 16), np.uint8), known, tuple(specs))
    with pytest.raises(UnbraidError, match=message):
        data.pairs(np.arange(3), rule)
