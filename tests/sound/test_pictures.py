"""Voices in the canonical frame and as pictures are the voices they were."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sound.voices import in_silence, vowel
from unbraid.core.errors import UnbraidError
from unbraid.sound import (
    SIGNAL,
    Canonical,
    FrameFactors,
    Measures,
    analyse,
    at_loudness,
    canonical_of,
    canonical_of_picture,
    measure,
    measure_picture,
    picture_of,
    sound_of,
    synthesise,
    voice_of,
)
from unbraid.sound.canonical import band_hertz, band_of, in_bands, with_tract

ASKED = [
    FrameFactors(pitch=-4.0, duration=250.0, tract=85.0, loudness=-35.0),
    FrameFactors(pitch=7.5, duration=533.0, tract=100.0, loudness=-24.0),
    FrameFactors(pitch=18.0, duration=800.0, tract=118.0, loudness=-15.0),
]


@pytest.fixture(scope="module")
def frame() -> Canonical:
    glide = vowel(np.geomspace(140, 110, 4800)) * np.hanning(4800) ** 0.5
    return canonical_of(analyse(in_silence(glide), 8000))[0]


def check(found: Measures, asked: FrameFactors, pitch: float, duration: float) -> None:
    assert found.pitch == pytest.approx(asked.pitch, abs=pitch)
    assert found.duration == pytest.approx(asked.duration, rel=duration)
    assert found.loudness == pytest.approx(asked.loudness, abs=0.1)


def test_the_factors_of_a_recording_are_those_measured() -> None:
    samples = in_silence(vowel(160.0))
    _, factors = canonical_of(analyse(samples, 8000), tract=96.0)
    found = measure(samples, 8000)
    assert factors.pitch == pytest.approx(found.pitch, abs=0.02)
    # abrupt ends are the worst case: they are spread over two frames
    assert factors.duration == pytest.approx(found.duration, rel=0.05)
    assert factors.loudness == pytest.approx(found.loudness, abs=0.3)
    assert factors.tract == 96.0


@pytest.mark.parametrize("asked", ASKED)
def test_a_rendering_is_what_was_asked(frame: Canonical, asked: FrameFactors) -> None:
    samples = at_loudness(synthesise(voice_of(frame, asked)), 8000, asked.loudness)
    check(measure(samples, 8000), asked, pitch=0.15, duration=0.03)
    assert np.abs(samples).max() <= 1


@pytest.mark.parametrize("asked", ASKED)
def test_a_picture_is_what_was_asked_and_so_is_its_sound(
    frame: Canonical, asked: FrameFactors
) -> None:
    image = picture_of(frame, asked)
    assert (image.shape, image.dtype) == (SIGNAL.shape, np.uint8)
    check(measure_picture(image), asked, pitch=0.1, duration=0.03)
    # a column is 16 ms, a period of the lowest voice 13
    check(measure(sound_of(image), 8000), asked, pitch=0.2, duration=0.06)
    np.testing.assert_array_equal(sound_of(image), sound_of(image / 255))  # as models draw it


def test_a_picture_keeps_the_canonical_frame(frame: Canonical) -> None:
    asked = FrameFactors(pitch=3.0, duration=700.0, loudness=-20.0)
    found, factors = canonical_of_picture(picture_of(frame, asked))
    assert factors.pitch == pytest.approx(3.0, abs=0.1)
    within = slice(8, 56)
    loud = frame.envelope[:, within] > -40
    difference = np.abs(found.envelope - frame.envelope)[:, within]
    assert difference[loud].mean() < 1.0
    assert np.abs(found.contour - frame.contour)[within].mean() < 0.15
    assert np.abs(found.noise - frame.noise)[:, within].mean() < 0.05


def test_pictures_of_noise_have_no_pitch() -> None:
    frame = Canonical(np.full((64, 64), -20.0), np.zeros(64), np.ones((3, 64)))
    image = picture_of(frame, FrameFactors())
    assert np.isnan(measure_picture(image).pitch)
    assert np.isnan(measure(sound_of(image), 8000).pitch)


def test_a_longer_tract_has_lower_formants() -> None:
    peaks = np.zeros((64, 1))
    peaks[40] = 1
    hertz = band_hertz()
    for tract in (85.0, 118.0):
        found = hertz[with_tract(peaks, tract).argmax()]
        assert found == pytest.approx(hertz[40] * 100 / tract, rel=0.05)


def test_bands_and_their_frequencies_are_inverse() -> None:
    np.testing.assert_allclose(band_of(band_hertz(40), 40), np.arange(40), atol=1e-9)
    levels = np.linspace(-50, 0, 64)[:, None]
    np.testing.assert_allclose(in_bands(in_bands(levels, 40), 64), levels, atol=1e-9)


def test_another_number_of_bands_is_drawn_too(frame: Canonical) -> None:
    forty = Canonical(in_bands(frame.envelope, 40), frame.contour, frame.noise)
    few, many = (picture_of(each, ASKED[1])[0].astype(int) for each in (forty, frame))
    assert np.abs(few - many).mean() < 3


def test_other_shapes_are_refused() -> None:
    with pytest.raises(UnbraidError, match=r"shape \(1, 64, 64\), expected \(3, 64, 64\)"):
        sound_of(np.zeros((1, 64, 64)))
