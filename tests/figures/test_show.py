"""The picture of a data set."""

from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets import Dataset, load_dataset
from unbraid.figures import save
from unbraid.figures.show import Config, draw, report

UNKNOWN = ", unknown for 32 (50%)"
ORDERED = tuple(FactorSpec(name, "ordinal", values=tuple(range(8))) for name in ("back", "mixed"))


def grid_data(channels=1):
    """Images whose only lit row and column say their factors."""
    rows, columns = np.divmod(np.arange(64), 8)
    images = np.zeros((64, channels, 8, 8), np.uint8)
    images[np.arange(64), :, rows, columns] = 255
    specs = (
        FactorSpec("row", "ordinal", values=tuple(range(8))),
        FactorSpec("column", "ordinal", values=tuple("abcdefgh")),
        FactorSpec("colour", "categorical", values=("white",)),
    )
    return Dataset("grid", images, np.stack([rows, columns, 0 * rows], axis=1), specs)


def picture(axes):
    return np.asarray(axes.images[0].get_array())


def test_a_strip_for_each_factor_that_moves():
    figure = draw(grid_data(), Config(rows=2, columns=5, steps=8))
    assert [axes.get_ylabel() for axes in figure.axes] == ["", "row", "column", ""]
    labels = [label.get_text() for label in figure.axes[2].get_xticklabels()]
    assert labels == list("abcdefgh")
    assert len(figure.axes[0].texts) == 10
    assert "64 images" in figure.axes[0].get_title(loc="left")


def test_in_a_strip_one_factor_moves_alone():
    figure = draw(grid_data(), Config(steps=8))
    tiles = picture(figure.axes[1])[:8, :, 0].reshape(8, 8, 10)[:, :, :8]
    lit = np.argwhere(tiles.transpose(1, 0, 2) == 255)
    assert lit[:, 1].tolist() == list(range(8))  # the row of tile k is k
    assert len(set(lit[:, 2])) == 1  # the column stays


def test_colour_images_and_images_without_factors():
    colour = grid_data(channels=3)
    assert picture(draw(colour, Config(rows=1)).axes[0]).shape[2] == 3
    bare = Dataset("bare", colour.images[:3])
    assert len(draw(bare, Config(rows=2)).axes) == 1


def test_digits_keep_their_handwriting(tmp_path):
    data = load_dataset("digits", split="test", n=100, canvas=32, stream=True)
    figure = draw(data, Config(rows=1, steps=4))
    names = [axes.get_ylabel().split("\n")[0] for axes in figure.axes[1:-1]]
    assert names == list(data.factor_names)
    save(figure, tmp_path / "show.png")
    assert (tmp_path / "show.png").stat().st_size > 10_000


def test_no_rows():
    with pytest.raises(UnbraidError, match="rows is 0"):
        draw(grid_data(), Config(rows=0))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_any_number_of_channels_is_shown(channels: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, channels, 16, 16), np.uint8)
    figure = draw(Dataset("noise", images), Config(rows=2, columns=5))
    assert figure.axes[0].images[0].get_array().shape[2] == 3


def unknown_data() -> Dataset:
    """Rows known for a half of the images, columns for another, and a class for none but five."""
    data = grid_data()
    factors = data.factors.astype(float)
    factors[::2, 0] = np.nan
    factors[20:, 1] = np.nan
    factors[5:, 2] = np.nan
    return replace(data, factors=factors)


def test_unknown_factors_are_shown_as_such(tmp_path: Path) -> None:
    figure = draw(unknown_data(), Config(rows=2, columns=5))
    assert any("?" in text.get_text() for text in figure.axes[0].texts)
    for ax in figure.axes[1:3]:  # a strip shows images whose factor is known
        assert "?" not in [label.get_text() for label in ax.get_xticklabels()]
    save(figure, tmp_path / "show.png")
    nothing = replace(unknown_data(), factors=np.full((64, 3), np.nan))
    save(draw(nothing, Config()), tmp_path / "nothing.png")


def test_a_users_matplotlib_settings_are_not_used(tmp_path: Path) -> None:
    data = load_dataset("mnist", "test").take(np.arange(50))
    save(draw(data, Config(rows=1)), tmp_path / "plain.png")
    hostile = {
        "axes.grid": True,
        "image.origin": "lower",
        "figure.facecolor": "black",
        "savefig.facecolor": "red",
        "font.size": 20,
        "savefig.bbox": "tight",
    }
    with matplotlib.rc_context(hostile):
        save(draw(data, Config(rows=1)), tmp_path / "hostile.png")
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "hostile.png").read_bytes()


def test_levels_are_told_without_digits_of_rounding() -> None:
    specs = (
        FactorSpec("scale", "ordinal", values=tuple(np.linspace(0.75, 1.25, 8).tolist())),
        FactorSpec("turn", "ordinal", values=tuple(np.linspace(0, 2 * np.pi, 40).tolist())),
    )
    factors = np.stack([np.arange(40) % 8, np.arange(40)], 1)
    lines = report(Dataset("x", np.zeros((40, 1, 8, 8), np.uint8), factors, specs), Config())
    assert "0.75 (5), 0.821429 (5), 0.892857 (5)" in lines[1]
    assert lines[2].endswith("40 levels from 0 to 6.28319")


def test_report() -> None:
    lines = report(unknown_data(), Config())
    assert lines[0] == "grid, train: 64 images of 8 x 8, grey"
    assert lines[1] == "  row: ordinal, " + ", ".join(f"{n} (4)" for n in range(8)) + UNKNOWN
    assert lines[3] == "  colour: categorical, white (5), unknown for 59 (92%)"
    assert "too few images: 1 of the 1 values of colour have fewer than 20 (white (5))" in lines


def test_what_goes_together_is_named_and_drawn() -> None:
    data = grid_data()
    rows, columns = data.factors[:, 0], data.factors[:, 1]
    factors = np.stack([rows, 7 - rows, np.where(columns > 5, rows, columns)], 1)
    data = replace(data, factors=factors, specs=(*data.specs[:1], *ORDERED))
    text = "\n".join(report(data, Config(confounded=0.2)))
    assert "confounded: row and back (1.00): one follows from the other" in text
    assert "go together in this data, and no method can separate what the data never" in text
    figure = draw(data, Config(steps=4))
    texts = [text.get_text() for text in figure.axes[-1].texts]
    assert len(texts) == 6
    assert texts.count("1.00") == 2
