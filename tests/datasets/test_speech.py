"""Spoken digits are what was asked for, by measurements of their sound."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from unbraid.core.errors import UnbraidError
from unbraid.datasets import _recordings as fsdd
from unbraid.datasets import load_dataset
from unbraid.datasets.speech import SPEAKERS, TAKES, Speech, recording
from unbraid.sound import (
    SIGNAL,
    analyse,
    canonical_of,
    measure,
    measure_picture,
    sound_of,
    tract_against,
)

WORDS = ("two", "seven")  # of the test split: 60 recordings are analysed once for all tests


def load(split: str = "test", **options: Any) -> Speech:
    found = load_dataset("speech", split, **{"words": WORDS, "stream": True, **options})
    assert isinstance(found, Speech)
    return found


@pytest.fixture(scope="module")
def data() -> Speech:
    return load(n=60)


def errors(found: list[Any], data: Speech) -> dict[str, np.ndarray]:
    assert data.factors is not None
    factors = data.factors[: len(found)]
    measured = np.array([[each.pitch, each.duration, each.loudness] for each in found])
    return {
        "pitch": measured[:, 0] - factors[:, 1],
        "duration": measured[:, 1] / factors[:, 2] - 1,
        "loudness": measured[:, 2] - factors[:, 4],
    }


def check(found: dict[str, np.ndarray]) -> None:
    assert np.nanmedian(np.abs(found["pitch"])) < 0.15
    assert (np.abs(found["pitch"]) > 1).mean() < 0.1
    assert np.abs(found["duration"]).mean() < 0.025
    assert np.abs(found["loudness"]).max() < 0.2


def test_a_rendering_is_measured_as_asked(data: Speech) -> None:
    check(errors([measure(data.sound(row), data.rate) for row in range(40)], data))


def test_a_picture_and_its_sound_are_measured_as_asked(data: Speech) -> None:
    images = data.images[np.arange(40)]
    check(errors([measure_picture(image) for image in images], data))
    check(errors([measure(sound_of(image), data.rate) for image in images], data))


def test_the_vocal_tract_is_measured_against_a_word_s_mean(data: Speech) -> None:
    templates = data.renderer.templates()
    assert templates.shape == (2, 64, 64)
    frames = [canonical_of(analyse(data.sound(row), data.rate))[0] for row in range(40)]
    words = data.factor("word").astype(int)
    read = [tract_against(frames[row].envelope, templates[words[row]]) for row in range(40)]
    error = np.abs(np.array(read) / data.factor("tract")[:40] - 1)
    assert error.mean() < 0.05  # by chance, 8%
    assert np.median(error) < 0.035


def test_images_are_voice_pictures(data: Speech) -> None:
    assert (data.images.shape, data.signal) == ((60, *SIGNAL.shape), SIGNAL)
    assert data.images[:2].dtype == np.uint8
    assert data.factor_names == ("word", "pitch", "duration", "tract", "loudness")
    assert data.specs[0].values == WORDS
    assert data.specs[1].range == (-4.0, 18.0)


def test_an_image_does_not_hang_on_the_others(data: Speech) -> None:
    whole = data.images[:]
    np.testing.assert_array_equal(data.images[np.array([7, 3])], whole[[7, 3]])
    np.testing.assert_array_equal(load(n=20).images[:], whole[:20])
    cached = load(n=20, stream=False).images
    assert isinstance(cached, np.memmap)
    np.testing.assert_array_equal(cached, whole[:20])


def test_the_recording_says_the_word_and_splits_never_mix(data: Speech) -> None:
    words = np.array([fsdd.WORDS.index(word) for word in WORDS])
    np.testing.assert_array_equal(data.style // 300, words[data.factor("word").astype(int)])
    assert set(data.style % 50) == {0, 1, 2, 3, 4}
    assert set(data.speaker) == set(range(6))
    train = load("train", n=200, words=("two",))
    assert set(train.style % 50) <= set(range(5, 30))
    assert TAKES == {"test": (0, 5), "train": (5, 30), "judge": (30, 50)}


def test_a_speaker_may_be_left_out_and_asked_for() -> None:
    one = load(n=30, speakers=("theo",))
    assert {SPEAKERS[index] for index in one.speaker} == {"theo"}
    asked = load(n=30, speaker_factor=True, correlations=[("pitch", "speaker", 0.9)])
    np.testing.assert_array_equal(asked.factor("speaker"), asked.speaker)
    assert np.corrcoef(asked.factor("pitch"), asked.factor("speaker"))[0, 1] > 0.6
    pairs = asked.pairs(np.arange(20), rule=1, seed=0)
    assert pairs.changed.sum(1).max() == 1
    images = asked.draw(np.asarray(asked.factors), np.random.default_rng(0))
    assert images is not None
    assert images.shape == (30, *SIGNAL.shape)


def test_one_factor_moves_alone(data: Speech) -> None:
    images = data.vary(0, "pitch", np.array([-4.0, 7.0, 18.0]))
    found = [measure_picture(image) for image in images]
    pitches = [each.pitch for each in found]
    np.testing.assert_allclose(pitches, [-4, 7, 18], atol=0.3)
    np.testing.assert_allclose(np.diff(pitches), 11, atol=0.03)
    for name in ("duration", "loudness"):
        assert np.ptp([getattr(each, name) for each in found]) < 0.1
    np.testing.assert_array_equal(images[0, 0], images[2, 0])  # the envelope
    words = data.vary(0, "word", np.array([0.0, 1.0]))
    own = int(data.factor("word")[0])
    np.testing.assert_array_equal(words[own], data.images[:1][0])


def test_pairs_hold_the_recording(data: Speech) -> None:
    pairs = data.pairs(np.arange(30), rule=1, seed=1)
    assert (pairs.changed.sum(1) == 1).all()
    louder = pairs.changed[:, 4]
    images = data.images[:30]
    np.testing.assert_array_equal(pairs.images[louder][:, 1:], images[louder][:, 1:])


def test_styles_grids_and_correlations(data: Speech) -> None:
    styled = load(n=20, style_factor=True)
    assert styled.specs[-1].name == "style"
    values = np.array(styled.specs[-1].values)
    np.testing.assert_array_equal(values[styled.factor("style").astype(int)], styled.style)
    assert len(load(grid=2)) == 2 * 2**4
    close = load("train", words=("two",), n=200, correlated="pitch:tract", takes=(5, 6))
    assert np.corrcoef(close.factor("pitch"), close.factor("tract"))[0, 1] > 0.8
    assert len(close) == 200


def test_a_part_keeps_its_recordings(data: Speech) -> None:
    part = data.take(np.array([5, 2]))
    np.testing.assert_array_equal(part.sound(1), data.sound(2))
    np.testing.assert_array_equal(part.recording(0), data.recording(5))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"words": ("ten",)}, r"words are \('ten',\), expected some of zero, one"),
        ({"speakers": ()}, "speakers are"),
        ({"pitch": (-30, 0)}, "pitch goes from -30 to 0 semitones from 100 Hz, expected a range"),
        ({"tract": (110, 90)}, "the lower first"),
        ({"duration": 400}, "duration"),
        ({"takes": 5}, r"expected \(start, stop\)"),
        ({"takes": (0, 5)}, r"takes are \(0, 5\), expected \(start, stop\) within 5 to 50"),
        ({"n": 0}, "n is 0"),
        ({"correlations": [("pitch", "size", 0.5)]}, "unknown factor 'size'"),
        ({"correlations": "pitch"}, "expected"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UnbraidError, match=said):
        load(**options)


def test_a_style_that_is_not_there_is_refused(data: Speech) -> None:
    with pytest.raises(UnbraidError, match="style 30 is not among the 60 takes"):
        data.renderer.draw(np.asarray(data.factors)[:1], np.array([30]))


# -- the embedded recordings -----------------------------------------------------------------------


def test_mu_law_is_exact_both_ways() -> None:
    codes = np.arange(1, 256, dtype=np.uint8)
    np.testing.assert_array_equal(fsdd.encode(fsdd.decode(codes)), codes)
    x = np.linspace(-1, 1, 1001)
    # 255 levels, the finest at 0: an error is at most half the step there
    error = np.abs(fsdd.decode(fsdd.encode(x)) - x)
    assert (error <= (np.abs(x) + 1 / 255) * 0.0223).all()


def test_the_recordings_are_all_there() -> None:
    packed = fsdd.recordings()
    assert len(packed.starts) == 3001
    assert packed.starts[-1] == len(packed.codes) == 10_498_424
    assert packed.tracts.shape == (6,)
    assert np.exp(np.log(packed.tracts).mean()) == pytest.approx(100, abs=0.1)
    loudest = np.abs(packed.take(17)).max()
    assert loudest == pytest.approx(packed.peaks[17] / 32768)
    digest = hashlib.sha256(packed.codes.tobytes()).hexdigest()
    assert digest == CODES


CODES = "d613b02dd8b38a50511fd7fc79c776d2f9d8868691bc5ab5d22fdf461ab51ebc"


@pytest.fixture
def fresh() -> Iterator[None]:
    fsdd.recordings.cache_clear()
    yield
    fsdd.recordings.cache_clear()


@pytest.mark.usefixtures("fresh")
def test_damaged_and_missing_recordings(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged = bytearray(fsdd.PACKED.read_bytes())
    damaged[4_000_000] ^= 1
    (tmp_path / "fsdd.npz").write_bytes(damaged)
    monkeypatch.setattr(fsdd, "PACKED", tmp_path / "fsdd.npz")
    with pytest.raises(UnbraidError, match=r"is damaged: the SHA-256 .*reinstall"):
        fsdd.recordings()
    monkeypatch.setattr(fsdd, "PACKED", tmp_path / "none.npz")
    with pytest.raises(UnbraidError, match=r"cannot read .*none\.npz.*reinstall"):
        fsdd.recordings()


def test_attribution_lies_beside() -> None:
    text = fsdd.PACKED.with_name("fsdd.LICENSE.txt").read_text(encoding="utf-8")
    for words in (
        "Zohar Jackson",
        "10.5281/zenodo.1342401",
        "creativecommons.org/licenses/by-sa/4.0",
    ):
        assert words in text


def test_a_recording_is_had_by_its_names() -> None:
    where = WORDS[0], SPEAKERS[2]
    data = load(n=1, words=where[:1], speakers=where[1:])
    take = int(data.style[0]) % 50
    np.testing.assert_array_equal(recording(*where, take), data.recording(0))
    for given, said in (
        (("sevn", "theo", 0), r"no word 'sevn' \(did you mean 'seven'\?\): they are zero"),
        (("seven", "ann", 0), "no speaker 'ann': they are george"),
        (("seven", "theo", 50), "take is 50, expected 0 to 49"),
    ):
        with pytest.raises(UnbraidError, match=said):
            recording(*given)


def test_high_renderings_are_not_read_an_octave_lower(data: Speech) -> None:
    """Where few harmonics are heard, twice the period fits a frame as well as the period."""
    renderer = data.renderer
    assert renderer is not None
    for pitch, duration, tract, take in (
        (20.5, 418.0, 117.4, 2153),
        (16.4, 582.0, 100.3, 652),
        (16.1, 443.5, 111.3, 2153),
    ):
        samples = renderer.sound(np.array([0, pitch, duration, tract, -20.0]), take)
        assert measure(samples, 8000).pitch == pytest.approx(pitch, abs=1)
