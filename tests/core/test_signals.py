"""Signals: sounds train, are drawn with their axes, and are remembered; images stay as they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from unbraid.core.errors import UnbraidError
from unbraid.core.signals import Axis, Channel, Signal
from unbraid.datasets import Dataset, load_dataset
from unbraid.figures import draw
from unbraid.library import save, train
from unbraid.methods import configure
from unbraid.pictures import as_pictures
from unbraid.runs import Run, RunConfig, train_run
from unbraid.training import TrainingConfig

VOICE = Signal.sound(
    (3, 64, 64),
    (Axis("frequency", "Hz", (60, 3800), "mel"), Axis("time", "s", (0, 1.008))),
    (
        Channel("envelope", "dB", (-95, -15)),
        Channel("pitch", "semitones", (0, 40)),
        Channel("noise"),
    ),
)


@pytest.fixture(scope="module")
def voices() -> np.ndarray:
    """Return made-up voice pictures in their own units, (80, 3, 64, 64)."""
    rng = np.random.default_rng(0)
    band, frame = np.indices((64, 64)) / 63
    tone = rng.uniform(0.2, 0.8, (80, 1, 1))
    envelope = -95 + 80 * np.exp(-(((band - tone) / 0.2) ** 2)) * np.sin(np.pi * frame)
    pitch = np.broadcast_to(40 * tone, (80, 64, 64))
    return np.stack([envelope, pitch, np.broadcast_to(band, (80, 64, 64))], axis=1)


@pytest.fixture(scope="module")
def run(voices: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("voices") / "voices.npz"
    np.savez(path, images=voices, signal=json.dumps(VOICE.to_json()))
    training = TrainingConfig(epochs=1, batch_size=32, precision="f32")
    config = RunConfig(
        configure("vae", latent_dim=3, net="mlp"), "npz", {"path": str(path)}, training
    )
    return train_run(config, path.parent / "run")


def test_a_data_set_of_sounds_holds_them_in_their_units(voices: np.ndarray) -> None:
    data = Dataset.from_arrays(voices, signal=VOICE, name="voices")
    assert data.signal == VOICE
    images = np.asarray(data.images)
    assert images.dtype == np.uint8
    back = VOICE.to_physical(images)
    half = np.array([80, 40, 1]).reshape(3, 1, 1) / 255 / 2 + 1e-9  # half a step of 8 bits
    assert (np.abs(back - voices) <= half).all()
    assert data.take(np.arange(5)).signal == VOICE
    with pytest.raises(UnbraidError, match=r"outside the range .*envelope -95 to -15"):
        Dataset.from_arrays(voices + 40, signal=VOICE)
    with pytest.raises(UnbraidError, match=r"expected \(N, C, H, W\) with"):
        Dataset.from_arrays(voices[:, :1], signal=VOICE)
    with pytest.raises(UnbraidError, match="its signal is one of shape"):
        Dataset("voices", images[:, :1], signal=VOICE)


def test_plain_images_need_no_signal(squares: Dataset, tiny_run: Run) -> None:
    assert squares.signal == Signal.image((1, 16, 16)) == tiny_run.signal
    images = np.asarray(squares.images[:3])
    np.testing.assert_array_equal(as_pictures(images, squares.signal), as_pictures(images))
    assert [ax.get_xlabel() for ax in draw("reconstruct", tiny_run).axes] == ["", ""]


def test_a_run_remembers_its_signal(run: Run, tmp_path: Path) -> None:
    assert Run(run.folder).signal == VOICE == run.unseen().signal
    stored = json.loads((run.folder / "config.json").read_text())
    assert stored["signal"]["axes"][0]["unit"] == "Hz"
    del stored["signal"]  # as runs of earlier versions are
    (tmp_path / "config.json").write_text(json.dumps(stored))
    assert Run(tmp_path).signal == Signal.image((3, 64, 64))


def test_a_model_in_memory_remembers_it_too(voices: np.ndarray, tmp_path: Path) -> None:
    data = Dataset.from_arrays(voices, signal=VOICE)
    config = configure("vae", latent_dim=2, net="mlp")
    saved = save(train(config, data, epochs=1, batch_size=32), tmp_path / "run")
    assert Run(saved.folder).unseen().signal == VOICE


@pytest.mark.parametrize("name", ["traverse", "reconstruct", "sample", "interpolate"])
def test_figures_of_sounds_show_axes_with_units(run: Run, name: str) -> None:
    axes = draw(name, run).axes
    assert {"time (s)"} <= {ax.get_xlabel() for ax in axes}
    labels = {ax.get_ylabel() for ax in axes}
    assert {"frequency (Hz)", "envelope (dB)", "pitch (semitones)", "noise"} <= labels
    explained = [ax for ax in axes if ax.get_ylabel() == "frequency (Hz)"]
    ticks = [text.get_text() for text in explained[0].get_yticklabels()]
    assert (ticks[0], ticks[-1]) == ("60", "3800")
    assert 1000 < float(ticks[1]) < 1930  # mel: the middle band is below the mean of the ends


def test_the_data_set_s_figure_tells_the_axes(run: Run) -> None:
    figure = draw("show", run.unseen(), rows=1, columns=4)
    assert "time, 0 to 1.008 s" in figure.axes[0].get_title(loc="left").replace("\n", " ")


def test_low_frequencies_are_at_the_bottom_and_channels_below_each_other() -> None:
    sound = np.zeros((1, 3, 64, 64), np.uint8)
    sound[0, 0, 0] = 255  # the lowest band of the first channel
    picture = as_pictures(sound, VOICE)
    assert picture.shape == (1, *VOICE.picture_size, 3) == (1, 194, 64, 3)
    assert picture[0, 63].mean() > 200 > picture[0, 0].mean()
    assert (picture[0, 64] == 255).all()  # the line between two channels


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"axes": VOICE.axes[:1]}, "was given 1 axes and 3 channels"),
        ({"kind": "film"}, "kind is 'film'"),
        ({"axes": (Axis("f", "Hz", (0, 9), "log"), VOICE.axes[1])}, "'log' with ends above 0"),
        ({"channels": (Channel("x", "", (1, 1)), *VOICE.channels[1:])}, "ranges from 1 to 1"),
    ],
)
def test_senseless_signals_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(UnbraidError, match=message):
        Signal(**{**vars(VOICE), **change})  # type: ignore[arg-type]


def test_a_file_with_a_broken_signal_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=np.zeros((30, 16, 16)), signal="{}")
    with pytest.raises(UnbraidError, match=r"'signal' of .* is not a signal"):
        load_dataset(str(tmp_path / "a.npz"))
