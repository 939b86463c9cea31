"""An edit changes what was asked, and leaves the rest."""

from __future__ import annotations

import numpy as np
import pytest

from tests.sound.voices import in_silence, vowel
from unbraid.core.errors import UnbraidError
from unbraid.sound import analyse, at_loudness, edit, measure


@pytest.fixture(scope="module", params=[8000, 22_050])
def recording(request: pytest.FixtureRequest) -> tuple[np.ndarray, int]:
    rate = request.param
    count = round(0.5 * rate)
    glide = vowel(np.geomspace(130, 110, count), 0.5, rate) * np.hanning(count)
    return in_silence(glide, rate), rate


EDITS = [
    ({"pitch": 12.0}, {"pitch": 12.0}),
    ({"duration": 800.0}, {"duration": 800.0}),
    ({"loudness": -40.0}, {"loudness": -40.0}),
    ({"tract": 85.0}, {}),
    ({"pitch": -2.0, "duration": 300.0, "loudness": -20.0}, None),
]


@pytest.mark.parametrize(("asked", "changed"), EDITS)
def test_what_is_asked_changes_alone(
    recording: tuple[np.ndarray, int], asked: dict[str, float], changed: dict[str, float] | None
) -> None:
    samples, rate = recording
    own, found = measure(samples, rate), measure(edit(samples, rate, **asked), rate)
    wanted = asked if changed is None else changed
    assert found.pitch == pytest.approx(wanted.get("pitch", own.pitch), abs=0.1)
    assert found.duration == pytest.approx(wanted.get("duration", own.duration), rel=0.03)
    assert found.loudness == pytest.approx(wanted.get("loudness", own.loudness), abs=0.05)


def test_the_vocal_tract_moves_formants_and_no_harmonics() -> None:
    samples = in_silence(vowel(90.0))
    plain, small = (analyse(edit(samples, 8000, tract=tract), 8000) for tract in (100.0, 85.0))
    middle = len(plain) // 2
    bins = np.linspace(0, 4000, 257)
    second = (bins > 1200) & (bins < 2100)
    centres = [bins[second][each.envelope[middle][second].argmax()] for each in (plain, small)]
    assert centres[1] / centres[0] == pytest.approx(1 / 0.85, rel=0.04)
    assert small.f0[middle] == pytest.approx(plain.f0[middle], rel=0.002)


def test_louder_alone_scales_the_samples(recording: tuple[np.ndarray, int]) -> None:
    samples, rate = recording
    louder = edit(samples, rate, loudness=measure(samples, rate).loudness + 6)
    np.testing.assert_allclose(louder, samples * 10 ** (6 / 20), atol=1e-3)


def test_samples_stay_within_the_scale() -> None:
    clicks = np.zeros(8000)
    clicks[2000:6000:80] = 1
    found = at_loudness(clicks, 8000, -6.0)
    assert np.abs(found).max() <= 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"pitch": 40.0}, "the pitch asked for is 40, expected -9 to 24 semitones"),
        ({"duration": 9000.0}, "the duration asked for is 9000, expected"),
        ({"tract": 30.0}, "the tract asked for is 30, expected 70 to 140 per cent"),
        ({"loudness": float("nan")}, "the loudness asked for is nan"),
    ],
)
def test_what_is_out_of_range_is_refused(asked: dict[str, float], said: str) -> None:
    with pytest.raises(UnbraidError, match=said):
        edit(in_silence(vowel(120.0)), 8000, **asked)


def test_noise_has_no_pitch_to_change() -> None:
    noise = np.random.default_rng(0).standard_normal(8000) / 10
    with pytest.raises(UnbraidError, match="no pitch that could be changed"):
        edit(noise, 8000, pitch=3.0)
    assert np.isfinite(edit(noise, 8000, tract=90.0)).all()
