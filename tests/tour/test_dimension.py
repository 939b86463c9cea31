from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from unbraid.core.errors import UnbraidError
from unbraid.tour.statistics.dimension import levina_bickel, neighbour_distances, two_nn

Estimator = Callable[[np.ndarray], float]
BOTH = pytest.mark.parametrize("estimate", [two_nn, levina_bickel])


def turned(points: np.ndarray, width: int, seed: int = 0) -> np.ndarray:
    """Put points into a wider space, turned at random: no distance changes."""
    rng = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(rng.normal(size=(width, width)))
    return points @ axes[: points.shape[1]]


@BOTH
@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_a_flat_piece_of_a_space_has_its_dimension(estimate: Estimator, dimension: int) -> None:
    points = np.random.default_rng(1).random((4000, dimension))
    assert estimate(turned(points, 40)) == pytest.approx(dimension, rel=0.1)


@BOTH
def test_a_sphere_has_one_dimension_less_than_its_space(estimate: Estimator) -> None:
    points = np.random.default_rng(2).normal(size=(4000, 4))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    assert estimate(turned(points, 20)) == pytest.approx(3, rel=0.1)


@BOTH
def test_a_rolled_up_sheet_is_a_sheet(estimate: Estimator) -> None:
    turn, height = np.random.default_rng(3).random((2, 6000))
    turn = 1.5 * np.pi * (1 + 2 * turn)
    roll = np.stack([turn * np.cos(turn), 20 * height, turn * np.sin(turn)], 1)
    assert estimate(roll) == pytest.approx(2, rel=0.1)


@BOTH
def test_moving_scaling_and_doubling_change_nothing(estimate: Estimator) -> None:
    points = np.random.default_rng(4).random((500, 3))
    found = estimate(points)
    assert estimate(7 * points + 100) == pytest.approx(found, rel=1e-6)
    assert estimate(np.concatenate([points, points])) == pytest.approx(found)


def test_distances_are_those_to_the_nearest_others() -> None:
    near = neighbour_distances(np.array([[0.0], [1.0], [3.0], [7.0]]), 2)
    np.testing.assert_allclose(near, [[1, 3], [1, 2], [2, 3], [4, 6]])


def test_too_few_points_are_told() -> None:
    with pytest.raises(UnbraidError, match="there are 1 different points"):
        two_nn(np.ones((5, 3)))
