from __future__ import annotations

import numpy as np
import pytest

from unbraid.core.errors import UnbraidError
from unbraid.core.latents import Gaussian
from unbraid.figures import plane
from unbraid.figures._style import as_pictures
from unbraid.runs import Run


def test_each_cell_is_the_image_of_its_code_upwards_and_to_the_right(tiny_run: Run) -> None:
    figure = plane.draw(tiny_run, plane.Config(steps=3, latents=("z2", "z1")))
    sheet = np.asarray(figure.axes[0].images[0].get_array())
    places = Gaussian().quantiles(3)
    model = tiny_run.model()
    for row, column in ((0, 0), (0, 2), (2, 1)):
        code = np.zeros((1, 4), np.float32)
        code[0, 2], code[0, 1] = places[column], places[2 - row]
        expected = as_pictures(model.decode(code))[0].astype(int)
        found = sheet[row * 17 : row * 17 + 16, column * 17 : column * 17 + 16].astype(int)
        assert abs(found - expected).max() <= 1


def test_an_autoencoders_plane_is_drawn_too(ae_run: Run) -> None:
    axes = plane.draw(ae_run, plane.Config(steps=2)).axes[0]
    assert axes.get_xlabel() == "z0"


@pytest.mark.parametrize("latents", [("z0",), ("z0", "z0"), ("z0", "z9")])
def test_latents_that_are_not_two_of_its_own_are_told(
    tiny_run: Run, latents: tuple[str, ...]
) -> None:
    with pytest.raises(UnbraidError, match="expected two different ones of z0, z1, z2, z3"):
        plane.draw(tiny_run, plane.Config(latents=latents))


def test_too_few_steps_are_told(tiny_run: Run) -> None:
    with pytest.raises(UnbraidError, match="steps is 1, expected 2 or more"):
        plane.draw(tiny_run, plane.Config(steps=1))
