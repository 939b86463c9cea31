"""What is measured of a sound is what the sound was made of."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sound.voices import in_silence, vowel
from unbraid.sound import measure, pitch
from unbraid.sound.measures import ends, level_curve, loudness_of, step_for, weighted_median
from unbraid.sound.pitch import folded


def test_a_vowel_is_measured() -> None:
    samples = in_silence(vowel(200.0, 0.5))
    found = measure(samples, 8000)
    assert found.hertz == pytest.approx(200, rel=0.001)
    assert found.pitch == pytest.approx(12, abs=0.02)
    assert 500 <= found.duration <= 525  # a level is of 25 ms
    level = 10 * np.log10((vowel(200.0, 0.5) ** 2).mean())
    assert found.loudness == pytest.approx(level, abs=0.3)


def test_louder_is_louder_and_nothing_else() -> None:
    samples = in_silence(vowel(140.0))
    plain, louder = measure(samples, 8000), measure(samples * 2, 8000)
    assert louder.loudness - plain.loudness == pytest.approx(20 * np.log10(2), abs=1e-6)
    assert louder.pitch == pytest.approx(plain.pitch, abs=1e-6)
    assert louder.duration == pytest.approx(plain.duration, abs=0.1)


def test_silence_around_changes_nothing() -> None:
    samples = in_silence(vowel(140.0))
    found = measure(np.pad(samples, (4000, 12_000)), 8000)
    assert found.duration == pytest.approx(measure(samples, 8000).duration, abs=0.1)
    assert found.loudness == pytest.approx(measure(samples, 8000).loudness, abs=0.01)


def test_noise_around_is_no_part_of_the_sound() -> None:
    samples = in_silence(vowel(140.0))
    noise = np.random.default_rng(0).standard_normal(len(samples))
    noise *= np.sqrt((vowel(140.0) ** 2).mean()) / 10  # 20 dB below
    found = measure(samples + noise, 8000)
    assert found.duration == pytest.approx(measure(samples, 8000).duration, abs=20)


def test_nothing_voiced_has_no_pitch() -> None:
    assert np.isnan(measure(np.random.default_rng(0).standard_normal(8000), 8000).pitch)


def test_loudness_is_of_the_louder_half() -> None:
    curve = np.full(1000, -60.0)
    curve[100:300], curve[300:500] = -20, -30
    assert loudness_of(curve) == pytest.approx(-20, abs=0.1)


def test_curves_are_measured_together_as_alone() -> None:
    rng = np.random.default_rng(0)
    levels = np.concatenate(
        [np.full((3, 8), -70.0), rng.uniform(-25, 0, (3, 48)), np.full((3, 8), -70.0)], 1
    )
    step = np.array([0.004, 0.008, 0.012])
    together = level_curve(levels, step)
    for row in range(3):
        alone = level_curve(levels[row], float(step[row]))
        np.testing.assert_array_equal(np.array(ends(together[row])), np.array(ends(alone)))
        assert loudness_of(together)[row] == loudness_of(alone)
    duration = np.array([0.3, 0.5, 0.7])
    found = level_curve(levels, step_for(levels, duration))
    start, stop = ends(found)
    np.testing.assert_allclose(stop - start, duration, rtol=0.005)


def test_the_median_is_weighted() -> None:
    assert weighted_median(np.array([3.0, 1, 2]), np.array([1.0, 1, 1])) == 2
    assert weighted_median(np.array([3.0, 1, 2]), np.array([9.0, 1, 1])) > 2.4


def test_jumps_of_an_octave_are_folded() -> None:
    f0 = np.full(100, 120.0)
    f0[40:60], f0[70:75] = 240, 0
    found = folded(f0)
    np.testing.assert_allclose(found[found > 0], 120)
    assert (found[70:75] == 0).all()


def test_a_voice_that_falls_is_not_folded() -> None:
    """Its pitch is where its energy is, though it falls by more than 7 semitones afterwards."""
    f0 = np.geomspace(180, 70, 120)
    np.testing.assert_allclose(folded(f0)[2:-2], f0[2:-2])
    hertz = np.concatenate([np.full(1600, 180.0), np.geomspace(180, 85, 2000), np.full(3600, 85.0)])
    fading = np.concatenate([np.ones(1600), np.geomspace(1, 0.1, 2000), np.full(3600, 0.1)])
    found = measure(in_silence(vowel(hertz, len(hertz) / 8000) * fading), 8000)
    assert found.hertz == pytest.approx(180, rel=0.01)


def test_a_period_that_repeats_after_half_of_it_is_two() -> None:
    """A run is an octave higher only where the odd harmonics are missing."""
    times = np.arange(40) * 0.005 + 0.1
    centres = np.rint(times * 8000).astype(np.int64)
    noise = np.random.default_rng(0).normal(0, 0.003, 4000)
    second = sum(  # odd harmonics 12 dB below the second, as of an "i" of 160 Hz
        level * np.sin(2 * np.pi * k * 160 * np.arange(4000) / 8000 + k)
        for k, level in ((1, 0.25), (2, 1.0), (3, 0.25), (4, 0.1))
    )
    for samples, read, wanted in (
        (vowel(400.0, 0.5), 200, 400),
        (vowel(250.0, 0.5), 125, 250),
        (vowel(200.0, 0.5), 200, 200),
        (vowel(100.0, 0.5), 100, 100),
        (second, 160, 160),
    ):
        curve, energy, _ = pitch._correlations(samples / samples.std() * 0.1 + noise, centres)
        path = np.full(40, float(read))
        path[30:] = 0  # and unvoiced at its end
        found = pitch._raised(path, curve, energy, 10)
        np.testing.assert_array_equal(found, path * wanted / read)
        np.testing.assert_array_equal(pitch._raised(path, curve, energy, 31), path)  # too short
