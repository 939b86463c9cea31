from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from unbraid import figures
from unbraid.errors import UnbraidError
from unbraid.figures import traverse
from unbraid.figures._codes import encode
from unbraid.figures._style import as_pictures
from unbraid.runs import Run


def picture(figure: object, row: int, column: int, height: int, width: int) -> np.ndarray:
    """Return one picture of the grid."""
    sheet = np.asarray(figure.axes[0].images[0].get_array())  # type: ignore[attr-defined]
    top, left = row * (height + 1), column * (width + 1)
    return sheet[top : top + height, left : left + width]


def test_rows_are_latents_by_falling_kl_over_their_own_range(tiny_run: Run) -> None:
    figure = traverse.draw(tiny_run, traverse.Config(steps=5, low=0.1, high=0.9))
    model, unseen = tiny_run.model(), tiny_run.unseen()
    codes = encode(model, unseen, traverse.LIMIT)
    labels = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert labels == [latent.label for latent in codes.latents]
    assert labels[0].endswith(" nats")
    center = model.encode(unseen.images[:1]).numpy()[0]
    for row, latent in enumerate(codes.latents):
        for column, share in ((0, 0.1), (4, 0.9)):
            code = center.copy()
            code[latent.columns] = np.quantile(codes.drawn[:, latent.columns], share)
            expected = as_pictures(model.decode(code[None]))[0].astype(int)
            found = picture(figure, row, column, 16, 16).astype(int)
            assert abs(found - expected).max() <= 1


def test_the_middle_of_all_may_be_zero_or_another_image(tiny_run: Run) -> None:
    one = traverse.draw(tiny_run, traverse.Config(image=3))
    assert "unseen image 3" in one.texts[1].get_text()
    zero = traverse.draw(tiny_run, traverse.Config(center="zero"))
    assert "zero" in zero.texts[1].get_text()


def test_latents_may_be_named(tiny_run: Run) -> None:
    figure = traverse.draw(tiny_run, traverse.Config(latents=("z2", "z0")))
    labels = [t.get_text()[:2] for t in figure.axes[0].get_yticklabels()]
    assert labels == ["z2", "z0"]
    with pytest.raises(UnbraidError, match=r"no latent 'z7'.*: they are z0, z1, z2, z3\."):
        traverse.draw(tiny_run, traverse.Config(latents=("z7",)))


def test_an_autoencoder_is_moved_too(ae_run: Run) -> None:
    figure = traverse.draw(ae_run, traverse.Config())
    assert "variance" in figure.axes[0].get_yticklabels()[0].get_text()


def test_a_categorical_latent_goes_through_its_values(joint_run: Run) -> None:
    figure = traverse.draw(joint_run, traverse.Config(latents=("c0",), steps=3))
    model, unseen = joint_run.model(), joint_run.unseen()
    center = model.encode(unseen.images[:1]).numpy()[0]
    for value in range(3):
        center[:3] = np.eye(3)[value]
        expected = as_pictures(model.decode(center[None]))[0].astype(int)
        assert abs(picture(figure, 0, value, 16, 16).astype(int) - expected).max() <= 1


def test_any_channels_and_shape(wide_run: Run) -> None:
    figure = traverse.draw(wide_run, traverse.Config(steps=3))
    assert picture(figure, 2, 2, 16, 24).shape == (16, 24, 3)


def test_the_animation_is_a_gif_that_moves(tiny_run: Run, tmp_path: object) -> None:
    path = tmp_path / "moving.gif"  # type: ignore[operator]
    figures.produce(traverse, "traverse", tiny_run, traverse.Config(rows=2), path)
    with Image.open(path) as film:
        assert film.n_frames > 10
        first = np.asarray(film.convert("RGB"))
        film.seek(film.n_frames // 2)
        assert (np.asarray(film.convert("RGB")) != first).any()


@pytest.mark.parametrize(("low", "high"), [(0.9, 0.1), (-0.1, 0.5), (0.5, 1.5), (0.5, 0.5)])
def test_a_range_must_be_one(tiny_run: Run, low: float, high: float) -> None:
    with pytest.raises(UnbraidError, match="0 <= low < high <= 1"):
        traverse.draw(tiny_run, traverse.Config(low=low, high=high))
