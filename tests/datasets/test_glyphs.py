"""From ink to centre lines in canonical pose."""

import numpy as np
import pytest
from scipy import ndimage

from unbraid.datasets import load_dataset
from unbraid.datasets._glyphs import (
    DIRECTIONS,
    MARGIN,
    RADIUS,
    Lines,
    double,
    length,
    load_glyphs,
    prepare_glyphs,
    thin,
    trace,
    upright,
    without_specks,
)


@pytest.fixture(scope="module")
def mnist():
    return load_dataset("mnist", split="test").take(np.arange(300))


def zhang_suen(image):
    """The published algorithm, a pixel at a time."""
    image = np.pad(image, 1).astype(int)
    changed = True
    while changed:
        changed = False
        for subcycle in (0, 1):
            doomed = []
            for i, j in np.argwhere(image):
                p = [
                    image[i + di, j + dj]
                    for di, dj in (
                        (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1),
                    )
                ]  # fmt: skip
                n, e, s, w = p[0], p[2], p[4], p[6]
                steps = sum(p[k] == 0 and p[(k + 1) % 8] == 1 for k in range(8))
                sides = (n * e * s, e * s * w) if subcycle == 0 else (n * e * w, n * s * w)
                if 2 <= sum(p) <= 6 and steps == 1 and sides == (0, 0):
                    doomed.append((i, j))
            for pixel in doomed:
                image[pixel] = 0
                changed = True
    return image[1:-1, 1:-1].astype(bool)


def test_thinning_is_zhang_suen(mnist):
    ink = mnist.images[:20, 0] > 96
    for fast, image in zip(thin(ink), ink, strict=True):
        np.testing.assert_array_equal(fast, zhang_suen(image))


def test_thinning_up_to_the_widest_image():
    full = np.ones((1, 5, 62), bool)
    np.testing.assert_array_equal(thin(full)[0], zhang_suen(full[0]))


def test_doubling_is_bilinear(mnist):
    image = mnist.images[0, 0]
    expected = ndimage.zoom(image.astype(float), 2, order=1, grid_mode=True, mode="grid-constant")
    np.testing.assert_allclose(double(image[None])[0] / 16, expected, atol=1e-9)


def test_specks_go_and_strokes_stay():
    ink = np.zeros((2, 20, 20), bool)
    ink[:, 2:18, 5:8] = True
    ink[0, 0, 19] = True  # a speck
    ink[1, 10:12, 15:20] = True  # a short stroke
    clean = without_specks(ink)
    assert not clean[0, 0, 19]
    np.testing.assert_array_equal(clean[1], ink[1])
    assert clean[0].sum() == ink[0].sum() - 1


def test_the_length_of_straight_and_bent_lines():
    image = np.zeros((3, 60, 60), bool)
    image[0, 10, 10:51] = True
    image[1, range(10, 51), range(10, 51)] = True
    image[2, 10, 10:31] = image[2, 10:31, 10] = True
    measured = length(trace(image), 3)
    # Both ends move inwards by less than a pixel, and a corner is rounded by as much.
    loss = np.array([40, 40 * 2**0.5, 40]) - measured
    assert (loss > 0).all()
    assert (loss < [2, 2, 3]).all()


def test_upright_lines_have_the_stated_moments():
    rng = np.random.default_rng(0)
    path = np.cumsum(rng.normal(size=(40, 2)), axis=0) * (1, 3) + (5, 7)
    ends = np.stack([path[:-1], path[1:]], axis=1)
    ends[..., 0] += 0.4 * ends[..., 1]
    lines, _ = upright(Lines(np.zeros(39, np.int64), ends), 1)
    part = np.linspace(0, 1, 200)[:, None, None]
    points = lines.ends[:, 0] * part + lines.ends[:, 1] * (1 - part)
    weights = np.hypot(*(lines.ends[:, 1] - lines.ends[:, 0]).T)
    x, y = points.mean(axis=0).T
    assert np.average(x, weights=weights) == pytest.approx(0, abs=1e-3)
    assert np.average(y, weights=weights) == pytest.approx(0, abs=1e-3)
    square = (points**2).sum(axis=2).mean(axis=0)
    assert np.average(square, weights=weights) == pytest.approx(1 / 12, rel=1e-2)
    cross = points.prod(axis=2).mean(axis=0)
    assert np.average(cross, weights=weights) == pytest.approx(0, abs=1e-3)


def test_a_sheared_stroke_comes_out_upright_and_as_long_as_its_size():
    slanted = np.array([[[0.0, 0.0], [3.0, 6.0]], [[3.0, 6.0], [6.0, 12.0]]])
    lines, shear = upright(Lines(np.zeros(2, np.int64), slanted), 1)
    assert shear[0] == pytest.approx(0.5)
    np.testing.assert_allclose(lines.ends[:, :, 0], 0, atol=1e-9)
    assert length(lines, 1)[0] == pytest.approx(1)


def test_degenerate_glyphs_are_left_out(mnist):
    images = mnist.images[:4, 0].copy()
    images[1] = 0  # nothing at all
    images[2] = 0
    images[2, 14, 14] = 255  # a dot
    usable, records = prepare_glyphs(images)
    assert usable.tolist() == [True, False, False, True]
    assert len(records) == 2


def test_fields_are_distances_to_the_line_and_extents_bound_it(mnist):
    usable, records = prepare_glyphs(mnist.images[:50, 0])
    assert usable.mean() > 0.95
    side = records["field"].shape[1]
    axis = np.linspace(-RADIUS - MARGIN, RADIUS + MARGIN, side)
    on_line = records["field"] * (1.1 * MARGIN / 255) < 0.01
    turns = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    for near, extent in zip(on_line, records["extent"], strict=True):
        rows, columns = np.nonzero(near)
        reach = np.outer(np.cos(turns), axis[columns]) + np.outer(np.sin(turns), -axis[rows])
        assert (reach.max(axis=1) <= extent + 0.012).all()
    # Distances change by no more than the way between nodes.
    slope = np.abs(np.diff(records["field"].astype(int), axis=1)).max()
    assert slope * 1.1 * MARGIN / 255 <= axis[1] - axis[0] + 0.002


def test_glyphs_come_from_the_split_asked_for(monkeypatch, tmp_path, capsys):
    asked = []

    def few(name, split):
        asked.append((name, split))
        data = load_dataset(name, split=split)
        return data.take(np.arange(120))

    few("mnist", "train")
    monkeypatch.setattr("unbraid.datasets._glyphs.load_dataset", few)
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path))
    for split in ("train", "test"):
        glyphs = load_glyphs(split)
        assert asked[-1] == ("mnist", split)
        labels = load_dataset("mnist", split=split).factor("digit")
        np.testing.assert_array_equal(glyphs.digit, labels[glyphs.source])
        assert (np.diff(glyphs.source) > 0).all()
        assert "once: about" in capsys.readouterr().err
        load_glyphs(split)
        assert capsys.readouterr().err == ""  # cached
