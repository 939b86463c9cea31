from __future__ import annotations

import io
import itertools

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from unbraid.core import registry
from unbraid.figures import _style
from unbraid.figures._style import as_pictures, image_grid, marker, styled, tile, title
from unbraid.runs import Run

# Machado, Oliveira & Fernandes 2009, "A Physiologically-based Model for Simulation of Color
# Vision Deficiency", severity 1, on linear RGB.
SEEN_WITH = {
    "full colour vision": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def lab(linear: np.ndarray) -> np.ndarray:
    """Return CIELAB (D65) of linear sRGB colours."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    ratio = np.clip(linear @ to_xyz.T / [0.9505, 1.0, 1.089], 0, None)
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)


@pytest.mark.parametrize("sight", SEEN_WITH)
def test_every_reader_tells_ten_classes_apart(sight: str) -> None:
    colours = np.array([to_rgb(colour) for colour in _style.PALETTE])
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    seen = lab(np.clip(linear @ np.asarray(SEEN_WITH[sight]).T, 0, 1))
    nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2))
    assert nearest > 16  # 2.3 is a just noticeable difference


def test_a_hundred_classes_have_their_own_marks() -> None:
    marks = [marker(index) for index in range(100)]
    assert len({(m["facecolors"], m["marker"]) for m in marks}) == 100
    assert len({m["marker"] for m in marks[:10]}) == 10


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_pictures_are_rgb_whatever_the_channels(channels: int) -> None:
    images = np.random.default_rng(0).random((5, channels, 6, 9))
    pictures = as_pictures(images)
    assert pictures.shape == (5, 6, 9, 3)
    assert pictures.dtype == np.uint8
    as_bytes = np.rint(images * 255).astype(np.uint8)
    np.testing.assert_array_equal(pictures, as_pictures(as_bytes))


def test_alpha_is_laid_over_white_and_two_channels_differ() -> None:
    clear = np.zeros((1, 4, 1, 1))
    assert as_pictures(clear)[0, 0, 0].tolist() == [255, 255, 255]
    clear[0, 3] = 1
    assert as_pictures(clear)[0, 0, 0].tolist() == [0, 0, 0]
    pair = np.array([1.0, 0.0]).reshape(1, 2, 1, 1)
    assert as_pictures(pair)[0, 0, 0].tolist() == [255, 0, 255]


def test_tiles_keep_every_pixel_in_its_place() -> None:
    pictures = np.random.default_rng(0).integers(0, 200, (2, 3, 4, 5, 3), np.uint8)
    sheet = tile(pictures)
    assert sheet.shape == (2 * 5, 3 * 6, 3)
    np.testing.assert_array_equal(sheet[5:9, 12:17], pictures[1, 2])
    assert (sheet[:, 5::6] == 255).all()  # the lines between


def test_pictures_keep_their_shape_on_paper() -> None:
    pictures = np.zeros((2, 7, 10, 30, 3), np.uint8)
    figure, (ax,) = image_grid([pictures], "heading")
    box = ax.get_position()
    across, up = figure.get_size_inches()
    assert box.width * across / 7 == pytest.approx(3 * box.height * up / 2)


def test_a_users_matplotlib_settings_are_neither_used_nor_changed() -> None:
    seen = {}

    @styled
    def look() -> None:
        seen["size"] = matplotlib.rcParams["font.size"]

    with matplotlib.rc_context({"font.size": 30}):
        look()
        assert matplotlib.rcParams["font.size"] == 30
    assert seen["size"] == 8


def test_a_title_names_method_data_and_seed(ae_run: Run) -> None:
    assert title(ae_run, "codes") == "ae on squares, seed 5: codes"


@pytest.mark.parametrize("name", registry.names("figures"))
def test_no_figure_uses_the_global_state_of_pyplot(name: str) -> None:
    source = (registry.ROOT / "figures" / f"{name}.py").read_text(encoding="utf-8")
    assert "pyplot" not in source


def test_a_name_with_dollars_is_no_formula() -> None:
    name = "a $x_{ b$"  # which has an end missing, as a formula
    assert _style.text_width(name) > _style.text_width("a x_{ b")
    figure = _style.new_figure(3, 2)
    ax = figure.subplots()
    ax.set_xticks([0, 1, 2], [name] * 3)  # ticks have their texts when they are drawn
    ax.set_title(name)
    _style.frame(figure)
    figure.savefig(io.BytesIO(), format="svg")
