"""The picture of a data set."""

import numpy as np
import pytest

from unbraid.datasets import Dataset, load_dataset
from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec
from unbraid.figures import save
from unbraid.figures.show import Config, draw


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
    assert [axes.get_ylabel() for axes in figure.axes] == ["", "row", "column"]
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
    names = [axes.get_ylabel().split("\n")[0] for axes in figure.axes[1:]]
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
