"""The renderer against shapes whose images are known without it."""

import numpy as np
import pytest

from unbraid.datasets._render import Fields, Pose, render

AXIS = np.linspace(-0.9, 0.9, 91)
X, Y = np.meshgrid(AXIS, -AXIS)
RING = np.abs(np.hypot(X, Y) - 0.5)
BAR = np.hypot(X, np.maximum(abs(Y) - 0.5, 0))  # an upright stroke of length 1


def shapes(distance, step=0.3 / 255):
    levels = np.minimum(distance / step + 0.5, 255).astype(np.uint8)
    return Fields(levels[None], spacing=0.02, radius=0.51, step=step)


def pose(size, x=0.0, y=0.0, angle=0.0, thickness=3.0):
    return Pose(*(np.array([float(v)]) for v in (size, x, y, angle, thickness)))


def draw(distance, canvas=64, **at):
    return render(shapes(distance), np.array([0]), pose(**at), canvas)[0] / 255


@pytest.mark.parametrize("canvas", [16, 32, 64, 128])
@pytest.mark.parametrize("thickness", [2, 3.7, 5.5])
def test_ink_of_a_ring_is_its_length_times_its_thickness(canvas, thickness):
    scale = canvas / 64
    image = draw(RING, canvas, size=36 * scale, thickness=thickness * scale, x=2.3 * scale)
    expected = np.pi * 36 * thickness * scale**2
    assert image.sum() == pytest.approx(expected, rel=0.04)


@pytest.mark.parametrize("angle", [-45, -20, 0, 30, 45, 160])
@pytest.mark.parametrize(("x", "y"), [(0, 0), (9, -9), (-7.25, 3.5)])
def test_place_and_angle_by_moments(angle, x, y):
    image = draw(BAR, size=30, x=x, y=y, angle=angle)
    rows, columns = np.mgrid[:64, :64]
    across, up = columns + 0.5 - 32, 32 - (rows + 0.5)
    total = image.sum()
    centre = (image * across).sum() / total, (image * up).sum() / total
    assert centre == pytest.approx((x, y), abs=0.03)
    across, up = across - centre[0], up - centre[1]
    xx, xy, yy = ((image * a).sum() for a in (across**2, across * up, up**2))
    axis = np.degrees(0.5 * np.arctan2(2 * xy, xx - yy))  # of the bar, upright at 90
    assert (axis - 90 - angle + 90) % 180 - 90 == pytest.approx(0, abs=0.2)


def test_the_angle_turns_counter_clockwise_and_y_goes_up():
    right_arm = np.hypot(np.maximum(abs(X - 0.25) - 0.25, 0), Y)
    turned = draw(right_arm, size=30, angle=90)
    assert turned[:32].sum() > 0.9 * turned.sum()
    high = draw(RING, size=20, y=15)
    assert high[32:].sum() == 0


def test_windows_and_batches_change_nothing():
    rng = np.random.default_rng(0)
    count = 1500
    bank = Fields(np.concatenate([shapes(RING).values, shapes(BAR).values]), 0.02, 0.51, 0.3 / 255)
    which = rng.integers(0, 2, count)
    poses = Pose(
        rng.uniform(20, 60, count),
        rng.uniform(-40, 40, count),
        rng.uniform(-40, 40, count),
        rng.uniform(-180, 180, count),
        rng.uniform(1, 6, count),
    )
    images = render(bank, which, poses, 64)
    for row in range(0, count, 100):
        alone = render(bank, which[row : row + 1], poses[row : row + 1], 64)[0]
        # Another window rounds single precision elsewhere: by one grey level at most.
        assert np.abs(images[row].astype(int) - alone).max() <= 1


def test_a_shape_off_the_canvas_is_a_black_image():
    assert draw(RING, size=10, x=80, y=-80).max() == 0


def test_nothing_to_draw():
    empty = np.zeros(0)
    poses = Pose(empty, empty, empty, empty, empty)
    assert render(shapes(RING), empty.astype(int), poses, 32).shape == (0, 32, 32)
