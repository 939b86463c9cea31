"""The judge of speech: hears sounds, and reads voice pictures as the levels of a data set."""

from __future__ import annotations

import numpy as np
import pytest

from unbraid.control.assessment.observations import Observer
from unbraid.control.assessment.report import measure
from unbraid.control.assessment.sources import Voices
from unbraid.control.assessment.speech_judge import (
    TAKES,
    UNVOICED,
    SpeechJudge,
    SpeechReader,
    log_mel,
)
from unbraid.datasets.speech import SPEAKERS, WORDS, Config, Renderer, factor_specs

COUNT = 24
# two words by two speakers: few recordings to analyse
CONFIG = Config(words=("seven", "one"), speakers=("jackson", "theo"), speaker_factor=True)
SPECS = factor_specs(CONFIG)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer((0, 5), CONFIG.words, CONFIG.speakers)


@pytest.fixture(scope="module")
def asked() -> np.ndarray:
    rng = np.random.default_rng(0)
    low, high = np.array([spec.range for spec in SPECS[1:5]], np.float64).T
    numbers = rng.uniform(low, high, (COUNT, 4))
    return np.column_stack([np.arange(COUNT) % 2, numbers, np.arange(COUNT) // 2 % 2])


def test_it_hears_what_renderings_were_asked_for(renderer: Renderer, asked: np.ndarray) -> None:
    images = renderer.draw(asked, renderer.choose(asked, 0))
    reader = SpeechReader(SpeechJudge.load(), SPECS)
    assert reader.names == ("word", "pitch", "duration", "tract", "loudness", "speaker")
    found = reader.read(images)
    assert (found[:, 0] == asked[:, 0]).mean() > 0.9
    assert np.median(np.abs(found[:, 1] - asked[:, 1])) < 0.2  # semitones
    assert np.abs(found[:, 2] / asked[:, 2] - 1).mean() < 0.04
    assert np.abs(found[:, 3] - asked[:, 3]).mean() < 6  # per cent
    assert np.abs(found[:, 4] - asked[:, 4]).max() < 0.2  # decibels
    assert (found[:, 5] == asked[:, 5]).mean() > 0.8


def test_words_that_are_no_level_are_read_as_none(renderer: Renderer, asked: np.ndarray) -> None:
    rows = asked[:4]
    images = renderer.draw(rows, renderer.choose(rows, 0))
    specs = factor_specs(Config(words=("three", "nine")))
    assert (SpeechReader(SpeechJudge.load(), specs).read(images)[:, 0] == -1).any()


def test_silence_is_heard_without_an_error() -> None:
    heard = SpeechJudge.load().hear([np.zeros(4000, np.float32)])
    assert heard.measures[0].pitch == UNVOICED
    silent = np.zeros((1, 3, 64, 64), np.float32)
    assert np.isfinite(SpeechReader(SpeechJudge.load(), SPECS).read(silent)).all()


def test_a_spectrogram_is_relative_and_starts_with_the_word() -> None:
    rng = np.random.default_rng(0)
    sound = np.zeros(6000)
    sound[2000:5000] = 0.1 * rng.standard_normal(3000)
    picture = log_mel(sound)
    assert picture.shape == (1, 64, 64)
    assert picture.max() == 255
    np.testing.assert_array_equal(picture, log_mel(np.roll(0.2 * sound, 160)))
    within = picture[0].astype(float).mean(0) > 100
    assert np.flatnonzero(within)[0] == pytest.approx(5, abs=1)  # 80 ms
    assert within.sum() == pytest.approx(0.375 / 0.016, abs=2)


def test_its_own_errors_are_known_and_its_takes_are_those_of_judges() -> None:
    errors = SpeechJudge.load().known_errors["errors"]["test split"]
    assert errors["word accuracy (%)"] > 95
    assert errors["tract (%)"] < 3.5
    assert TAKES == (30, 50)
    assert (len(WORDS), len(SPEAKERS)) == (10, 6)


def test_a_report_of_real_voices_is_that_of_real_voices(renderer: Renderer) -> None:
    """Drawn by the source of real voices itself, in other takes."""
    specs = factor_specs(Config(words=CONFIG.words, speakers=CONFIG.speakers))
    source = Voices(specs, renderer)
    reader = SpeechReader(SpeechJudge.load(), specs)
    assert Observer(reader, specs, source).columns == [0, 1, 2, 3, 4]

    def draw(rows: np.ndarray, styles: np.ndarray) -> np.ndarray:
        return renderer.draw(rows, renderer.choose(rows, [7, int(styles[0])]))

    found = measure(draw, reader, specs, source, requests=12)
    figures = found["figures"]
    assert figures["variance over time"]["value"] == pytest.approx(1, abs=0.25)
    assert figures["pitch"]["unit"] == "semitones"
    assert figures["pitch"]["value"] < 0.3
    assert figures["duration"]["unit"] == figures["tract"]["unit"] == "%"
    assert figures["loudness"]["value"] < 0.1
    assert set(figures) >= {"word accuracy", "pitch beyond 1", "diversity", "leakage"}
