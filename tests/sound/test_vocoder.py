"""The vocoder finds what a sound was made of, and makes the sound again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.sound.voices import density, in_silence, vowel
from unbraid.core.errors import UnbraidError
from unbraid.sound import Voice, analyse, synthesise

MIDDLE = slice(30, 90)  # frames of a vowel of 0.6 s that no end reaches


def semitones(found: np.ndarray, wanted: float) -> np.ndarray:
    return np.abs(12 * np.log2(found / wanted))


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
@pytest.mark.parametrize("f0", [75.0, 110.0, 233.0, 400.0])
def test_the_pitch_of_a_vowel_is_found(f0: float, rate: int) -> None:
    voice = analyse(vowel(f0, rate=rate), rate)
    assert voice.voiced[MIDDLE].all()
    assert semitones(voice.f0[MIDDLE], f0).max() < 0.02


def test_a_glide_is_followed() -> None:
    f0 = np.geomspace(100, 200, 8000)
    voice = analyse(vowel(f0, 1.0), 8000)
    frames = np.arange(20, 180)
    assert semitones(voice.f0[frames], f0[frames * 40]).max() < 0.1


@pytest.mark.parametrize("f0", [90.0, 150.0, 250.0])
def test_the_envelope_is_that_of_the_harmonics(f0: float) -> None:
    voice = analyse(vowel(f0), 8000)
    harmonics = np.arange(1, int(3800 / f0)) * f0
    found = np.interp(harmonics, np.linspace(0, 4000, 257), voice.envelope[60])
    wanted = 10 * np.log10(density(harmonics))
    # a formant between two harmonics is seen by them alone
    assert np.abs(found - wanted).mean() < 1.0


def test_the_envelope_does_not_hang_on_the_rate() -> None:
    low, high = (analyse(vowel(120.0, rate=rate), rate).envelope[60] for rate in (8000, 16_000))
    np.testing.assert_allclose(low[10:230], high[10:230], atol=1.5)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.4])
def test_the_share_of_noise_is_found(share: float) -> None:
    tone = vowel(120.0)
    bins = np.fft.rfftfreq(len(tone), 1 / 8000)
    white = np.random.default_rng(1).standard_normal(len(tone))
    noise = np.fft.irfft(np.fft.rfft(white) * np.sqrt(density(bins)), len(tone))
    mixed = np.sqrt(1 - share) * tone + np.sqrt(share) * noise
    found = analyse(mixed, 8000).noise[MIDDLE]
    np.testing.assert_allclose(found.mean(0), share, atol=0.13)


def test_noise_is_unvoiced_and_keeps_its_level() -> None:
    white = 0.1 * np.random.default_rng(0).standard_normal(8000)
    voice = analyse(white, 8000)
    assert voice.voiced.mean() < 0.05
    assert voice.envelope.mean() == pytest.approx(-20, abs=2.5)  # of logarithms, so below -20
    assert 10 * np.log10((synthesise(voice) ** 2).mean()) == pytest.approx(-20, abs=1)


def test_a_copy_is_as_the_original() -> None:
    samples = in_silence(vowel(np.geomspace(110, 150, 4800)))
    voice = analyse(samples, 8000)
    copy = synthesise(voice)
    again = analyse(copy, 8000)
    both = voice.voiced & again.voiced
    assert both.sum() > 0.95 * voice.voiced.sum()
    assert semitones(again.f0[both], voice.f0[both]).mean() < 0.03
    level = 10 * np.log10((copy**2).mean() / (samples**2).mean())
    assert level == pytest.approx(0, abs=0.7)
    loud = voice.power > voice.power.max() / 10
    assert np.abs(again.envelope[loud] - voice.envelope[loud])[:, 10:200].mean() < 1.0


def test_silence_is_made_of_silence() -> None:
    voice = Voice(np.zeros(50), np.full((50, 257), -120.0), np.ones((50, 3)), 8000, 40)
    assert np.abs(synthesise(voice)).max() < 1e-4


def test_the_seed_draws_the_noise_and_nothing_else() -> None:
    voice = analyse(vowel(120.0) + 0.01 * np.random.default_rng(0).standard_normal(4800), 8000)
    np.testing.assert_array_equal(synthesise(voice, 3), synthesise(voice, 3))
    assert np.abs(synthesise(voice, 3) - synthesise(voice, 4)).max() > 1e-4
    pure = replace(voice, noise=np.zeros_like(voice.noise), f0=np.full(len(voice), 120.0))
    np.testing.assert_array_equal(synthesise(pure, 3), synthesise(pure, 4))


def test_integers_are_scaled_by_their_range() -> None:
    floats = vowel(120.0)
    whole = np.rint(floats * 32768).astype(np.int16)
    np.testing.assert_allclose(
        analyse(whole, 8000).envelope[60], analyse(floats, 8000).envelope[60], atol=0.5
    )


BAD = {
    "stereo": (np.zeros((800, 2)), 8000, r"shape \(800, 2\), expected samples of one channel"),
    "nothing": (np.zeros(0), 8000, "expected samples of one channel"),
    "nan": (np.full(8000, np.nan), 8000, "NaN or infinite"),
    "silence": (np.zeros(8000), 8000, "silent throughout"),
    "short": (np.ones(100), 8000, "lasts 0.0125 seconds, expected 0.05 to 60"),
    "long": (np.ones(8000 * 61), 8000, "lasts 61 seconds"),
    "rate": (np.ones(8000), 96_000, "96,000 samples a second, expected 8,000 to 48,000"),
    "words": (np.array(["a"] * 8000), 8000, "expected numbers"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_recording_is_refused(name: str) -> None:
    samples, rate, said = BAD[name]
    with pytest.raises(UnbraidError, match=said):
        analyse(samples, rate)
