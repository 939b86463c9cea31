"""The conditional VAE on voice pictures: tensors do what arrays do, factors are put on exactly."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from unbraid.core.errors import UnbraidError
from unbraid.datasets.speech import Config as Speech
from unbraid.datasets.speech import factor_specs
from unbraid.methods import Batch, Context, build, configure
from unbraid.methods.conditional_vae import Model
from unbraid.methods.conditional_vae import voice as _voice
from unbraid.methods.conditional_vae.voice import Asked
from unbraid.methods.conditional_vae.voice_networks import VoiceDrawer, VoiceReader
from unbraid.sound import measure_picture, paint
from unbraid.sound.canonical import with_tract

SPECS = factor_specs(Speech())
COUNT = 12


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """Frames (COUNT, ROWS, 64) of formants that move, of a voice that ends without one."""
    rng = np.random.default_rng(0)
    band, moment = np.mgrid[:64, :64]
    shift = rng.uniform(0, 6, (COUNT, 1, 1))
    swell = 25 * np.sin(np.pi * np.clip((moment - 3) / 57, 0, 1)) - 25
    envelope = -15 + 12 * np.cos(band / 5 + shift + moment / 20) - band / 3 + swell
    contour = 2 * np.sin(moment[:1] / 15 + shift)
    noise = np.repeat(np.where(moment[:3] > 45, 1.0, 0.2)[None], COUNT, 0)
    return np.concatenate([envelope, contour, noise], 1)


@pytest.fixture(scope="module")
def factors() -> np.ndarray:
    rng = np.random.default_rng(1)
    low, high = np.array([spec.range for spec in SPECS[1:]], np.float64).T
    return np.column_stack([np.arange(COUNT) % 10, rng.uniform(low, high, (COUNT, 4))])


@pytest.fixture(scope="module")
def images(frames: np.ndarray, factors: np.ndarray) -> np.ndarray:
    return paint(frames[:, :64], frames[:, 64], frames[:, 65:], factors[:, 1:])


def tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(array)).float()


def model(**options: Any) -> Model:
    torch.manual_seed(0)
    return cast(Model, build(configure("conditional-vae", **options), (3, 64, 64), SPECS))


def test_pictures_are_painted_as_arrays_are(
    frames: np.ndarray, factors: np.ndarray, images: np.ndarray
) -> None:
    drawn = _voice.paint(tensor(frames), Asked(*tensor(factors[:, 1:]).T))
    away = (255 * drawn - tensor(images)).abs()
    assert float(away[:, [0, 2]].amax()) < 1.01  # of 255 levels, rounded down after a dither
    assert float(away[:, 1].amax()) < 2  # a third of a semitone


def test_what_is_measured_is_what_arrays_measure(images: np.ndarray) -> None:
    found = _voice.measure(tensor(images) / 255)
    for row, image in enumerate(images):
        expected = measure_picture(image)
        assert float(found.pitch[row]) == pytest.approx(expected.pitch, abs=0.02)
        assert float(found.duration[row]) == pytest.approx(expected.duration, abs=0.1)
        assert float(found.loudness[row]) == pytest.approx(expected.loudness, abs=0.01)


def test_a_voice_that_swells_after_its_end_lasts_as_long_as_asked() -> None:
    """Levels beyond the last frame are silent, however steeply they would go on."""
    frames = torch.full((1, _voice.ROWS, 64), -10.0)
    frames[:, 64:] = 0.2
    frames[:, :64, 62] = -60
    asked = Asked(*(torch.tensor([value]) for value in (0.0, 400.0, 100.0, -20.0)))
    found = _voice.measure(_voice.paint(frames, asked))
    assert float(found.duration) == pytest.approx(400, rel=0.03)
    assert float(found.loudness) == pytest.approx(-20, abs=0.1)


def test_frames_come_back_from_pictures(
    frames: np.ndarray, factors: np.ndarray, images: np.ndarray
) -> None:
    pictures = tensor(images) / 255
    found = _voice.frames_of(pictures, _voice.measure(pictures))
    back = _voice.with_tract(found[:, :64], 1e4 / tensor(factors[:, 3]))
    away = (back - tensor(frames[:, :64]))[:, 6:58, 8:55]  # within the word and all bands
    away = away - away.mean((1, 2), keepdim=True)  # the level of a frame is relative
    assert float(away.square().mean().sqrt()) < 1.0  # decibels
    contour = (found[:, 64] - tensor(frames[:, 64]))[:, 8:42]
    assert float((contour - contour.mean(1, keepdim=True)).abs().mean()) < 0.15  # semitones


def test_a_tract_is_that_of_arrays(frames: np.ndarray, factors: np.ndarray) -> None:
    envelope, tract = frames[:, :64], factors[:, 3]
    expected = tensor(with_tract(envelope, tract))
    torch.testing.assert_close(
        _voice.with_tract(tensor(envelope), tensor(tract)), expected, atol=1e-2, rtol=0
    )


def test_measured_factors_are_put_on_exactly(factors: np.ndarray) -> None:
    """By a model that has learned nothing."""
    drawer = model().eval()
    codes = drawer.factor_codes(tensor(factors))
    style = torch.randn(COUNT, drawer.style_dim, generator=torch.Generator().manual_seed(0))
    drawn = drawer.decode(torch.cat([codes, style], 1)).numpy()
    for image, (_, _, duration, _, loudness) in zip(drawn, factors, strict=True):
        found = measure_picture(image)
        assert found.loudness == pytest.approx(loudness, abs=0.1)
        assert found.duration == pytest.approx(duration, rel=0.06)  # of columns 16 ms apart


def test_its_reader_measures_and_reads(images: np.ndarray, factors: np.ndarray) -> None:
    own = model()
    assert isinstance(own.reader, VoiceReader)
    read = own.factors_of(own.encode(images)).numpy()
    assert np.abs(read[:, 1] - factors[:, 1]).max() < 0.3  # semitones
    assert np.abs(read[:, 2] / factors[:, 2] - 1).max() < 0.04
    assert np.abs(read[:, 4] - factors[:, 4]).max() < 0.2  # decibels


def test_a_picture_is_measured_once_to_be_encoded(
    images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, measure, seen = model(), _voice.measure, []

    def counted(pictures: torch.Tensor) -> _voice.Measures:
        seen.append(len(pictures))
        return measure(pictures)

    monkeypatch.setattr(_voice, "measure", counted)
    codes = own.encode(images)
    assert seen == [len(images)]
    pixels = own.to_pixels(images)
    with torch.no_grad():
        columns = own.read(pixels)
        apart = torch.cat([columns, own.style(pixels, columns)[0]], 1)
    assert torch.equal(codes, apart)  # as by measuring for each part


def test_both_phases_have_finite_terms_and_gradients(
    images: np.ndarray, factors: np.ndarray
) -> None:
    own = model().train()
    given = tensor(images) / 255, tensor(factors)
    for phase, parts in (("reader", [own.reader]), ("generator", [own.drawer, own.style_net])):
        own.zero_grad()
        context = Context(torch.Generator().manual_seed(0), 1.0, 100, phase)
        terms = own.terms(Batch(*given, labelled=given), context)
        terms["loss"].backward()  # type: ignore[no-untyped-call]
        assert all(bool(torch.isfinite(value)) for value in terms.values())
        for part in parts:
            assert all(p.grad is not None and p.grad.isfinite().all() for p in part.parameters())


def test_drawn_voices_are_brought_to_the_usual_variance_over_time() -> None:
    drawer = cast(VoiceDrawer, model().drawer)
    draws = torch.Generator().manual_seed(0)
    moving = torch.randn(8, _voice.ROWS, 64, generator=draws)
    envelope, contour, logits = (moving[:, :64] - 20, moving[:, 64:65], moving[:, 65:])
    drawn = torch.cat([envelope, contour, torch.sigmoid(logits)], 1)
    wider = [1.4 * (envelope + 20) - 20, 1.2 * contour, torch.sigmoid(2 * logits)]
    real = torch.cat(wider, 1)
    drawer.remember("drawn", drawn)  # without real ones there is nothing to follow
    assert drawer.sharpness.tolist() == [1, 1, 1]
    for _ in range(2000):
        drawer.remember("real", real)
        drawer.remember("drawn", drawn)
    found = drawer.finished(drawn)
    within = slice(4, 60)
    ratio = found[:, :65, within].var(2) / drawn[:, :65, within].var(2)
    expected = torch.tensor([1.4**2] * 64 + [1.2**2]).expand_as(ratio)
    torch.testing.assert_close(ratio, expected, rtol=1e-3, atol=0)
    torch.testing.assert_close(drawer.sharpness, torch.full((3,), 2.0), rtol=0.02, atol=0)
    torch.testing.assert_close(found[:, 65:], real[:, 65:], rtol=0, atol=0.01)


def test_a_prior_of_voices_needs_voice_pictures() -> None:
    with pytest.raises(UnbraidError, match="expected voice pictures"):
        build(configure("conditional-vae", prior="voice"), (1, 32, 32), SPECS)
    assert model(prior="none").voices is None
