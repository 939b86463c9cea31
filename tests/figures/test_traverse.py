from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from unbraid import figures
from unbraid.core.errors import UnbraidError
from unbraid.figures import traverse
from unbraid.figures._codes import encode
from unbraid.figures._style import as_pictures
from unbraid.methods import Autoencoder, Method
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
    assert "held-out image 3" in one.texts[1].get_text()
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


# -- columns are categories ------------------------------------------------------------------------


class Filing(torch.nn.Module):
    """An encoder that files squares by their grey in an order of its own, and tells their place."""

    order = (2, 0, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        grey = (images.amax((1, 2, 3)) * 3).round().long() - 1
        logits = 9.0 * torch.nn.functional.one_hot(torch.tensor(self.order)[grey], 3)
        place = images.sum((1, 2)).argmax(1, keepdim=True) / 8 - 1
        return torch.cat([logits, place, 0.5 * place, -4 + 0 * place, -4 + 0 * place], 1)


def filing(run: Run, monkeypatch: pytest.MonkeyPatch) -> Method:
    """Let a run's model file squares by their grey."""
    model = run.model()
    assert isinstance(model, Autoencoder)
    model.encoder = Filing()
    monkeypatch.setattr(Run, "model", lambda _: model)
    return model


def test_categories_are_columns_in_the_order_of_the_classes_they_match(
    joint_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = filing(joint_run, monkeypatch)
    figure = traverse.draw(joint_run, traverse.Config(steps=3))
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["0", "1", "2"]
    assert "grey each category of c0 matches: 100%" in figure.axes[1].get_xlabel()
    assert figure.axes[0].get_yticklabels()[0].get_text().startswith("z0")
    codes = encode(model, joint_run.unseen(), traverse.LIMIT)
    ends = np.quantile(codes.drawn[:, 3], [0.02, 0.98])
    for column, category in enumerate(Filing.order):
        for row, value in ((0, ends[0]), (2, ends[1])):
            code = codes.mean[:1].copy()
            code[:] = model.encode(joint_run.unseen().images[:1])
            code[:, :3] = np.eye(3)[category]
            code[:, 3] = value
            expected = as_pictures(model.decode(code))[0].astype(int)
            assert abs(picture(figure, row, column, 16, 16).astype(int) - expected).max() <= 1


def test_a_category_of_another_class_is_shown_in_doubt(
    joint_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Filing, "order", (0, 0, 1))
    filing(joint_run, monkeypatch)
    names = [
        t.get_text() for t in traverse.draw(joint_run, traverse.Config()).axes[0].get_xticklabels()
    ]
    assert sum(name.endswith("?") for name in names) >= 1
    assert [name.rstrip("?") for name in names] == ["0", "1", "2"]


def test_without_classes_those_with_little_ink_come_first(
    joint_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = filing(joint_run, monkeypatch)
    bare = dataclasses.replace(joint_run.unseen(), factors=None, specs=())
    monkeypatch.setattr(Run, "unseen", lambda _: bare)
    figure = traverse.draw(joint_run, traverse.Config(center="zero", rows=1, steps=5))
    order = [int(t.get_text()) for t in figure.axes[0].get_xticklabels()]
    codes = np.zeros((3, 5), np.float32)
    codes[:, :3] = np.eye(3)
    ink = model.decode(codes).numpy().mean((1, 2, 3))
    assert order == np.argsort(ink).tolist()
    assert "by mean brightness" in figure.axes[0].get_xlabel()


def test_a_category_moves_in_the_animation_too(joint_run: Run) -> None:
    frames = traverse.animate(joint_run, traverse.Config(rows=1))
    assert (np.asarray(frames[0]) != np.asarray(frames[12])).any()


@pytest.mark.parametrize("name", ["rows", "steps"])
def test_counts_below_zero_are_refused(tiny_run: Run, name: str) -> None:
    with pytest.raises(UnbraidError, match=f"{name} is -1, expected 1 or more"):
        traverse.draw(tiny_run, traverse.Config(**{name: -1}))
