"""Drawn 3D Shapes: rays end where surfaces are, and each factor moves what is its own alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.datasets import _room, load_dataset

SIZES = (10, 10, 10, 8, 4, 15)
FLOOR, WALL, OBJECT, SCALE, SHAPE, ORIENTATION = range(6)


def some_factors(count: int, seed: int = 0) -> NDArray[np.int64]:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(0, size, count) for size in SIZES], 1)


def changed(before: NDArray[np.int64], factor: int) -> NDArray[np.bool_]:
    """Return where images change with a factor, (N, side, side)."""
    after = before.copy()
    after[:, factor] = (after[:, factor] + 3) % SIZES[factor]
    return (_room.draw(before) != _room.draw(after)).any(1)


@pytest.mark.parametrize("shape", _room.SHAPES)
def test_rays_end_on_the_surface_with_its_normal(shape: str) -> None:
    origin, directions = _room.rays(17.0, 48)
    distance, normals = _room.intersect_object(shape, 1.1, origin, directions)
    hit = np.isfinite(distance)
    assert 0.02 < hit.mean() < 0.4
    place, normals = (origin + np.where(hit, distance, 0)[:, None] * directions)[hit], normals[hit]
    radius = _room.RADIUS * 1.1
    high = 2 * radius * (_room.TALL if shape in ("cylinder", "capsule") else 1)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-9)
    assert ((normals * directions[hit]).sum(1) < 0).all()  # seen from outside
    if shape == "cube":
        away = np.abs(place - [0, 0, radius]).max(1)
    elif shape == "cylinder":
        across = np.hypot(place[:, 0], place[:, 1])
        away = np.where(normals[:, 2] > 0.5, radius + place[:, 2] - high, across)
        assert (across <= radius + 1e-9).all()
    else:
        axis = np.clip(place[:, 2], radius, high - radius)
        away = np.linalg.norm(place - np.stack([0 * axis, 0 * axis, axis], 1), axis=1)
    np.testing.assert_allclose(away, radius, atol=1e-9)
    assert place[:, 2].min() >= -1e-9
    assert place[:, 2].max() <= high + 1e-9


def test_a_sphere_covers_the_cone_that_it_fills() -> None:
    origin, directions = _room.rays(0.0, 400)
    radius = _room.RADIUS
    distance, _ = _room.intersect_object("sphere", 1.0, origin, directions)
    toward = np.array([0, 0, radius]) - origin
    cosine = directions @ toward / np.linalg.norm(directions, axis=1) / np.linalg.norm(toward)
    inside = cosine > np.sqrt(1 - (radius / np.linalg.norm(toward)) ** 2)
    assert (np.isfinite(distance) == inside).mean() > 0.9999


def test_hues_colour_floor_wall_and_object_and_nothing_else() -> None:
    factors = some_factors(40)
    parts = [changed(factors, hue) for hue in (FLOOR, WALL, OBJECT)]
    assert np.any(parts, axis=0).all()  # each pixel shows one of them
    light = _room.views(64)[tuple(factors[:, 3:].T)]
    for part, seen in zip(parts, light.transpose(1, 0, 2, 3), strict=True):
        assert not (part & (seen == 0)).any()
        assert part[seen > 100].all()
    edges = sum(part.astype(int) for part in parts) > 1
    assert 0 < edges.mean() < 0.15  # smooth edges


def test_scale_and_shape_leave_the_far_room_alone() -> None:
    factors = some_factors(40)
    for factor in (SCALE, SHAPE):
        moved = changed(factors, factor)
        assert moved.any((1, 2)).all()
        assert not moved[:, :4].any()  # above the largest object
    sizes = [
        (_room.views(64)[scale, :, 7, 2] > 0).sum((1, 2)) for scale in range(len(_room.SCALES))
    ]
    assert (np.diff(sizes, axis=0) > 0).all()
    assert changed(factors, ORIENTATION).mean() > 0.05


def test_objects_are_whole_and_cast_a_shadow() -> None:
    views = _room.views(64)
    border = np.ones((64, 64), bool)
    border[1:-1, 1:-1] = False
    assert not (views[:, :, :, 2] > 0)[..., border].any()
    dark = round(255 * _room.AMBIENT)
    shaded = (views[:, :, :, 0] == dark).any((-1, -2))
    assert shaded[:, _room.SHAPES.index("sphere")].all()
    assert shaded.mean() > 0.85  # a large object may hide its own


def test_half_the_size_is_the_mean_of_four_pixels() -> None:
    factors = some_factors(20)
    whole = _room.draw(factors).reshape(20, 3, 32, 2, 32, 2).mean((3, 5))
    np.testing.assert_allclose(_room.draw(factors, 32), whole, atol=1.51)


def test_the_data_set_has_the_published_structure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNBRAID_DATA", str(tmp_path))
    data = load_dataset("shapes3d", full=True)
    assert data.images.shape == (480_000, 3, 64, 64)
    assert data.factor_names == (
        "floor_hue", "wall_hue", "object_hue", "scale", "shape", "orientation",
    )  # fmt: skip
    assert tuple(len(spec.values or ()) for spec in data.specs) == SIZES
    assert data.specs[0].values == (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    assert data.specs[5].values is not None
    assert (data.specs[5].values[0], data.specs[5].values[-1]) == (-30, 30)
    assert data.factors is not None
    row = 123_456
    np.testing.assert_array_equal(data.images[[row]], _room.draw(data.factors[[row]]))
    small = load_dataset("shapes3d", size=32)
    assert small.images.shape == (432_000, 3, 32, 32)
    np.testing.assert_array_equal(small.images[5], small.images[[5]][0])
    with pytest.raises(UnbraidError, match="size is 48, expected 64 or 32"):
        load_dataset("shapes3d", size=48)
    with pytest.raises(UnbraidError, match="original is False: drop one"):
        load_dataset("shapes3d", original=False, download=True)


def test_dsprites_at_half_the_size() -> None:
    whole, half = (load_dataset("dsprites", "test", original=False, size=s) for s in (64, 32))
    assert half.images.shape == (73_728, 1, 32, 32)
    rows = np.random.default_rng(0).integers(0, len(half), 50)
    expected = whole.images[rows].reshape(50, 1, 32, 2, 32, 2).mean((3, 5))
    np.testing.assert_allclose(half.images[rows], expected, atol=0.51)
