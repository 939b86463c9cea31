from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unbraid.core.errors import UnbraidError
from unbraid.figures import interpolate
from unbraid.figures.interpolate import linear, spherical
from unbraid.runs import Run

STEPS = np.linspace(0, 1, 5)


@given(st.integers(0, 2**32), st.integers(1, 8))
def test_both_paths_start_and_end_at_the_codes(seed: int, size: int) -> None:
    start, end = np.random.default_rng(seed).normal(size=(2, 3, size))
    for path in (linear, spherical):
        way = path(start, end, STEPS)
        assert way.shape == (3, 5, size)
        if size > 1:  # in one dimension opposite codes have no arc between them
            np.testing.assert_allclose(way[:, 0], start, atol=1e-6)
            np.testing.assert_allclose(way[:, -1], end, atol=1e-6)


def test_an_arc_turns_evenly_and_keeps_its_distance() -> None:
    start, end = np.array([[2.0, 0.0]]), np.array([[0.0, 4.0]])
    way = spherical(start, end, STEPS)[0]
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), [2, 2.5, 3, 3.5, 4])
    turned = np.degrees(np.arctan2(way[:, 1], way[:, 0]))
    np.testing.assert_allclose(turned, [0, 22.5, 45, 67.5, 90], atol=1e-9)


def test_codes_in_one_direction_and_at_the_origin_need_no_arc() -> None:
    same = np.array([[1.0, 1.0]])
    np.testing.assert_allclose(spherical(same, 3 * same, STEPS), linear(same, 3 * same, STEPS))
    np.testing.assert_allclose(
        spherical(0 * same, same, STEPS), linear(0 * same, same, STEPS), atol=1e-9
    )


@pytest.mark.parametrize("path", ["linear", "spherical"])
def test_a_row_goes_from_image_to_image(tiny_run: Run, path: str) -> None:
    config = interpolate.Config(pairs=2, steps=3, path=path)  # type: ignore[arg-type]
    figure = interpolate.draw(tiny_run, config)
    (ax,) = figure.axes
    assert [t.get_text() for t in ax.get_xticklabels()] == ["image", "0", "0.5", "1", "image"]
    sheet = np.asarray(ax.images[0].get_array())
    assert sheet.shape == (2 * 17, 5 * 17, 3)
    unseen = np.asarray(tiny_run.unseen().images[:])[:, 0]
    for left in (0, 4 * 17):
        assert (unseen == sheet[:16, left : left + 16, 0]).all((1, 2)).any()


def test_an_autoencoder_has_no_sphere(ae_run: Run) -> None:
    interpolate.draw(ae_run, interpolate.Config(pairs=1))
    with pytest.raises(UnbraidError, match="ae has not: use path linear"):
        interpolate.draw(ae_run, interpolate.Config(path="spherical"))


def test_more_pairs_than_images_are_as_many_as_there_are(wide_run: Run) -> None:
    figure = interpolate.draw(wide_run, interpolate.Config(pairs=50, steps=2))
    assert figure.axes[0].get_ylim() == (4, 0)  # of 8 held-out images
