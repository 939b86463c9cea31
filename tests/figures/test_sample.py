from __future__ import annotations

import numpy as np
import pytest

from unbraid.core.errors import UnbraidError
from unbraid.figures import sample
from unbraid.figures._style import as_pictures, tile
from unbraid.runs import Run


def test_it_shows_the_models_own_samples(tiny_run: Run) -> None:
    figure = sample.draw(tiny_run, sample.Config(rows=2, columns=3, seed=7))
    shown = np.asarray(figure.axes[0].images[0].get_array())
    expected = as_pictures(tiny_run.model().sample(6, seed=7)).reshape(2, 3, 16, 16, 3)
    np.testing.assert_array_equal(shown, tile(expected))
    assert figure.texts[0].get_text() == "vae on squares, seed 0: samples"
    assert "N(0, I)" in figure.texts[1].get_text()


def test_an_autoencoders_samples_are_no_samples(ae_run: Run) -> None:
    note = sample.draw(ae_run, sample.Config(rows=1)).texts[1].get_text()
    assert "do not follow" in note


def test_any_channels_and_shape(wide_run: Run) -> None:
    sample.draw(wide_run, sample.Config(rows=1, columns=2))


def test_no_rows_are_refused(tiny_run: Run) -> None:
    with pytest.raises(UnbraidError, match="rows is 0, expected 1 or more"):
        sample.draw(tiny_run, sample.Config(rows=0))
