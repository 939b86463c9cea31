"""Digits are what was asked for, by measurements that know nothing of how they are drawn."""

import numpy as np
import pytest
from scipy import stats

from unbraid.core.errors import UnbraidError
from unbraid.datasets import load_dataset
from unbraid.datasets.digits import Renderer


def load(split="test", **options):
    return load_dataset("digits", split=split, **{"stream": True, **options})


def moments(images):
    """Return the ink's centroid (x right, y up) and second moments, in pixels of the images."""
    ink = images[:, 0] / 255
    side = ink.shape[1]
    x = np.arange(side) + 0.5 - side / 2
    total = ink.sum(axis=(1, 2))
    mean_x = (ink * x).sum(axis=(1, 2)) / total
    mean_y = (ink * -x[:, None]).sum(axis=(1, 2)) / total
    across = x - mean_x[:, None, None]
    up = -x[:, None] - mean_y[:, None, None]
    second = [(ink * a).sum(axis=(1, 2)) / total for a in (across**2, across * up, up**2)]
    return mean_x, mean_y, *second


@pytest.mark.parametrize("canvas", [32, 64])
def test_place_is_measured_as_asked(canvas):
    data = load(n=400, canvas=canvas)
    mean_x, mean_y, *_ = moments(data.images[:])
    # Where strokes cross or touch, ink counts once: that moves the centroid a little.
    for measured, name in ((mean_x, "x"), (mean_y, "y")):
        error = measured * 64 / canvas - data.factor(name)
        assert abs(np.median(error)) < 0.1
        assert np.abs(error).mean() < 0.35


@pytest.mark.parametrize("canvas", [32, 64])
def test_the_size_of_zeros_is_that_of_their_ink(canvas):
    data = load(n=400, canvas=canvas, digits=(0,))
    _, _, xx, _, yy = moments(data.images[:])
    # A ring of radius r and width t has a mean square radius of r^2 + t^2/4, and pixels p wide
    # blur it by as much as a width of p would.
    pixel, thickness = 64 / canvas, data.factor("thickness")
    size = np.sqrt(12 * (xx + yy) * pixel**2 - 3 * (thickness**2 + pixel**2))
    assert np.abs(size / data.factor("size") - 1).mean() < 0.01


@pytest.mark.parametrize("canvas", [32, 64])
def test_the_size_of_ones_is_that_of_their_ink(canvas):
    data = load(n=400, canvas=canvas, digits=(1,))
    _, _, xx, _, yy = moments(data.images[:])
    long, radius = data.factor("size"), data.factor("thickness") / 2
    # A stroke is a rectangle and two half discs, whose centroid is 4/(3 pi) radii from its end.
    rectangle, discs = 2 * long * radius, np.pi * radius**2
    spread = rectangle * (long**2 / 12 + radius**2 / 3)
    spread += discs * (long**2 / 4 + long * radius * 4 / (3 * np.pi) + radius**2 / 2)
    measured = np.sqrt((xx + yy) * (64 / canvas) ** 2 * (rectangle + discs) / spread)
    assert np.abs(measured - 1).mean() < 0.02


def test_the_angle_of_ones_is_that_of_their_ink():
    data = load(n=300, digits=(1,))
    _, _, xx, xy, yy = moments(data.images[:])
    axis = np.degrees(np.arctan2(2 * xy, xx - yy)) / 2
    error = (axis - 90 - data.factor("angle") + 90) % 180 - 90
    assert np.abs(error).mean() < 0.7


def test_all_digits_are_upright_at_angle_0():
    data = load(n=300, angle=(0, 0), thickness=(2, 2))
    _, _, xx, xy, yy = moments(data.images[:])
    assert np.abs(xy / np.sqrt(xx * yy)).mean() < 0.04


@pytest.mark.parametrize("canvas", [32, 64, 128])
@pytest.mark.parametrize("thickness", [2, 3.5, 5.5])
def test_strokes_are_as_thick_as_asked(canvas, thickness):
    data = load(n=200, canvas=canvas, digits=(1,), angle=(0, 0), thickness=(thickness, thickness))
    across = data.images[:][:, 0].sum(axis=2) / 255 * 64 / canvas
    # The median row of a one cuts it straight across; its slope there makes the cut longer.
    rows = np.sort(across, axis=1)
    inside = np.array([np.median(row[row > thickness / 2]) for row in rows])
    assert np.median(inside) == pytest.approx(thickness, abs=0.1)


def test_y_is_up_x_is_right_and_a_turn_is_counter_clockwise():
    renderer = Renderer("test")
    rows = np.array([[1, 30, 9, 9, 0, 3], [1, 30, 0, 0, 30, 3]], float)
    corner, turned = renderer.draw(rows, renderer.choose(rows))[:, 0]
    assert corner[:32].sum() > corner[32:].sum()
    assert corner[:, 32:].sum() > 0.99 * corner.sum()
    # Turned counter-clockwise, the top of a one is on the left.
    assert turned[:24, :32].sum() > 0.9 * turned[:24].sum()


def test_no_ink_leaves_the_canvas():
    roomy = load(n=4000, size=(39, 40), x=(8, 9), y=(-9, -8), thickness=(5, 5.5))
    inside = roomy.images[:]
    assert roomy.renderer is not None
    larger = Renderer("test", canvas=96)
    scaled = roomy.factors.copy()
    scaled[:, [1, 2, 3, 5]] *= 64 / 96  # the same pixels on a larger canvas
    whole = larger.draw(scaled, roomy.style)
    missing = whole.sum(axis=(1, 2, 3), dtype=float) - inside.sum(axis=(1, 2, 3), dtype=float)
    assert missing.max() / 255 < 3  # half a pixel of soft edge at most


def test_factors_are_independent_and_digits_follow_theirs():
    data = load(n=20_000)
    assert np.abs(np.corrcoef(data.factors.T) - np.eye(6)).max() < 0.03
    labels = load_dataset("mnist", split="test").factor("digit")
    np.testing.assert_array_equal(labels[data.style], data.factor("digit"))
    assert stats.kstest(data.factor("angle"), "uniform", args=(-45, 90)).pvalue > 1e-3
    assert len(np.unique(data.style)) > 8000


def test_the_same_seed_draws_the_same_images_however_they_are_read():
    data, again = load(n=50), load(n=500, stream=False)
    np.testing.assert_array_equal(data.factors, again.factors[:50])
    np.testing.assert_array_equal(data.style, again.style[:50])
    part = data.images[np.array([7, 3])].astype(int)
    assert np.abs(part - again.images[[7, 3]]).max() <= 1
    assert isinstance(again.images, np.memmap)
    assert not np.array_equal(data.factors, load(n=50, seed=1).factors)
    few = data.take(np.array([4, 2]))
    assert few.style.tolist() == data.style[[4, 2]].tolist()


def test_correlated_factors():
    data = load(n=5000, correlations=[("size", "thickness", 0.8)])
    assert stats.spearmanr(data.factor("size"), data.factor("thickness")).statistic > 0.75
    as_mapping = load(n=5000, correlations={("size", "thickness"): 0.8})
    np.testing.assert_array_equal(data.factors, as_mapping.factors)


def test_a_normal_factor():
    data = load(n=5000, distributions=[("x", "normal")])
    assert stats.kstest(data.factor("x"), stats.truncnorm(-2, 2, 0, 4.5).cdf).pvalue > 1e-3


def test_a_grid():
    data = load(grid=2, canvas=16)
    assert len(data) == 10 * 2**5
    assert len(np.unique(data.factors, axis=0)) == len(data)


def test_handwriting_of_some_rows_only():
    data = load(n=500, glyphs=(1000, 1200))
    assert data.style.min() >= 1000
    assert data.style.max() < 1200


def test_style_as_a_factor():
    data = load(n=20, style_factor=True)
    spec = data.specs[-1]
    assert spec.name == "style"
    values = np.array(spec.values)[data.factor("style").astype(int)]
    np.testing.assert_array_equal(values, data.style)


def test_one_factor_moves_alone():
    data = load(n=20, canvas=32)
    strip = data.vary(3, "x", np.array([-6.0, 6.0]))
    left, right = moments(strip)[0] * 2
    assert right - left == pytest.approx(12, abs=0.1)
    digits = data.vary(3, "digit", np.arange(10.0))
    own = int(data.factors[3, 0])
    np.testing.assert_array_equal(digits[own], data.images[[3]][0])
    assert len(np.unique(digits.reshape(10, -1), axis=0)) == 10


def test_angle_declares_the_half_turns():
    angle = load(n=1).specs[4]
    assert [angle.period_given("digit", digit) for digit in range(10)] == [
        180 if digit in (0, 1, 8) else None for digit in range(10)
    ]


def test_half_turns_are_those_declared():
    renderer = Renderer("test")
    rows = np.repeat(np.arange(10.0), 60)[:, None] * [1, 0, 0, 0, 0, 0] + [0, 40, 0, 0, 0, 4]
    style = renderer.choose(rows)
    upright = renderer.draw(rows, style).astype(float)
    turned = upright[:, :, ::-1, ::-1]
    overlap = np.minimum(upright, turned).sum((1, 2, 3)) / np.maximum(upright, turned).sum(
        (1, 2, 3)
    )
    by_digit = overlap.reshape(10, 60).mean(axis=1)
    assert set(np.argsort(by_digit)[-3:]) == {0, 1, 8}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"x": (-20, 20)}, "move digits off the canvas"),
        ({"size": (24, 60)}, "move digits off the canvas"),
        ({"size": (0, 30)}, "size above 0"),
        ({"size": (10, 30)}, "too thick for size"),
        ({"thickness": (0.5, 3)}, "thinner than a pixel"),
        ({"thickness": (2, 12)}, "too thick for size"),
        ({"angle": (30, -30)}, "the lower first"),
        ({"angle": (0, float("nan"))}, "the lower first"),
        ({"angle": 30}, "expected a range"),
        ({"canvas": 8}, "16 or more"),
        ({"n": 0}, "1 or more"),
        ({"n": 5, "grid": 2}, "give one of them"),
        ({"seed": -1}, "0 or more"),
        ({"digits": (3, 11)}, "some of 0 to 9"),
        ({"digits": (3, 3)}, "name each once"),
        ({"digits": 7}, "expected several values"),
        ({"n": 2.5}, "expected a whole number"),
        ({"glyphs": (5,)}, "expected the rows"),
        ({"glyphs": 5}, "expected the rows"),
        ({"glyphs": (0, 1)}, "no 0 was written"),
        ({"correlations": [("size", "angel", 0.5)]}, "did you mean 'angle'"),
        ({"correlations": [("size", "x")]}, "triples"),
        ({"correlations": [("x", "y", 0.9), ("y", "size", 0.9)]}, "positive definite"),
        ({"distributions": {"slant": "normal"}}, "unknown factor 'slant'"),
        ({"distributions": "normal"}, "expected \\(factor, distribution\\) pairs"),
        ({"thicknes": (2, 3)}, "did you mean 'thickness'"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(options, words):
    with pytest.raises(UnbraidError, match=words) as caught:
        load(**options)
    assert "\n" not in str(caught.value)


def test_a_request_no_handwriting_fits():
    renderer = Renderer("test")
    with pytest.raises(UnbraidError, match="no handwritten 7 fits"):
        renderer.choose(np.array([[7, 40, 40, 0, 0, 3.0]]))
    with pytest.raises(UnbraidError, match="too thick for size"):
        renderer.draw(np.array([[7, 10, 0, 0, 0, 5.0]]), np.array([0]))
    with pytest.raises(UnbraidError, match="style 10000 is not among"):
        renderer.draw(np.array([[7, 30, 0, 0, 0, 3.0]]), np.array([10_000]))
    with pytest.raises(UnbraidError, match="expected 0 to 9"):
        renderer.choose(np.array([[11, 30, 0, 0, 0, 3.0]]))
