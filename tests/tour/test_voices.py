"""The chapter on speech: what is asked, measured and heard, and the sounds in the page."""

from __future__ import annotations

import base64
import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from tests.sound.voices import voice
from tests.tour.conftest import quick
from unbraid import sound
from unbraid.control import loading
from unbraid.control.language.parser import parse
from unbraid.datasets.speech import Config, factor_specs
from unbraid.sound import Measures
from unbraid.tour.chapters import ch10_speech
from unbraid.tour.context import Tour
from unbraid.tour.exhibits import voice_accuracy
from unbraid.tour.exhibits.voices import VOICES
from unbraid.tour.statistics import voices
from unbraid.tour.statistics.voices import Answer

SPECS = factor_specs(Config())


def answer(request: str, hertz: float, duration: float, word: str = "seven") -> Answer:
    measures = Measures(12 * np.log2(hertz / 100), duration, -20.0)
    parsed = parse(request, SPECS)
    return Answer(request, np.zeros(8, np.float32), measures, word, 0.9, 100.0, "theo", parsed)


def test_a_request_is_met_where_its_words_are_nearest() -> None:
    """Low is 93 Hz and slow 731 ms, of middles of 150 Hz and 525 ms: half way is 118 Hz, 628 ms."""
    for hertz, duration, word, met in (
        (93, 731, "seven", (True, True, True)),
        (75, 900, "seven", (True, True, True)),  # lower and slower still
        (117, 630, "one", (False, True, True)),
        (119, 626, "seven", (True, False, False)),
        (np.nan, 731, "seven", (True, False, True)),  # nothing is voiced
    ):
        found = voices.is_as_asked(answer("low slow seven", hertz, duration, word), SPECS)
        assert tuple(found[name] for name in ("word", "pitch", "duration")) == met
    assert voices.is_as_asked(answer("high fast", 215, 400), SPECS) == {
        "pitch": True,
        "duration": True,
    }


def test_aims_are_missed_on_the_side_that_is_worse() -> None:
    assert voices.missed({"word accuracy": 97.9, "pitch": 0.1, "leakage": 1.4}) == [
        "word accuracy",
        "leakage",
    ]
    assert voices.missed({"word accuracy": 98.0, "pitch": 0.15, "pitch beyond 1": 50.0}) == []
    figures = dict.fromkeys(("word accuracy", "pitch", "duration"), (1.0, 0.1))
    told = voice_accuracy._told(9, figures, {"word accuracy": 1.0}, ["pitch", "diversity"])
    assert told.endswith("Aims missed: pitch, diversity.")


def test_silence_around_a_sound_is_cut() -> None:
    samples = np.pad(voice(150, 0.3), 4000).astype(np.float32)
    short = voices.cut(samples)
    assert len(short) / 8000 == pytest.approx(0.3 + 2 * voices.BEFORE, abs=0.05)
    assert sound.measure(short, 8000).duration == pytest.approx(
        sound.measure(samples, 8000).duration, abs=2
    )


def test_sounds_of_the_page_are_what_is_said_of_them(report: Path) -> None:
    body = report.read_text(encoding="utf-8").partition('<section id="speech"')[2]
    body = body.partition("</section>")[0]
    files = re.findall(r'src="data:audio/wav;base64,([^"]+)"', body)
    assert sum(map(len, files)) < 400_000
    heard = [wavfile.read(io.BytesIO(base64.b64decode(each))) for each in files]
    assert {(rate, str(samples.dtype)) for rate, samples in heard} == {(8000, "int16")}
    with (report.parent / "figures/voices.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(heard)
    for row, (rate, samples) in zip(rows, heard, strict=True):
        measured = sound.measure(samples, rate)
        pitch = float(row["pitch, semitones from 100 Hz"])
        assert measured.pitch == pytest.approx(pitch, abs=0.1), row["sound"]
        assert measured.duration == pytest.approx(float(row["duration, ms"]), abs=12), row["sound"]
    asked = rows[:VOICES]
    assert [row["heard word"] for row in asked] == ["seven"] * len(asked)
    assert {row["asked duration, ms"] for row in asked} == {"731.25"}


def test_a_package_without_the_model_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "PRETRAINED", tmp_path / "digits")
    text = ch10_speech.write(Tour(quick(tmp_path)))
    assert "Missing here:</strong> the pretrained model of speech" in text
    assert "<audio" not in text
