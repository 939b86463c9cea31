"""Requests for sounds: pitch, duration, loudness and vocal tract in words, units and changes."""

from __future__ import annotations

import math
from typing import Any

import pytest

from unbraid.control.language.parser import build_request, parse
from unbraid.control.language.request import Request
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets.speech import Config, factor_specs


def semitones(hertz: float) -> float:
    return 12 * math.log2(hertz / 100)


PITCH = FactorSpec(
    "pitch", "continuous", range=(semitones(80), semitones(280)), unit="semitones from 100 Hz"
)
DURATION = FactorSpec("duration", "continuous", range=(250.0, 800.0), unit="ms")
TRACT = FactorSpec("tract", "continuous", range=(85.0, 118.0), unit="%")
LOUDNESS = FactorSpec("loudness", "continuous", range=(-35.0, -15.0), unit="dBFS")
WORD = FactorSpec("word", "categorical", values=tuple(range(10)))
VOICE = (PITCH, DURATION, TRACT, LOUDNESS)
SPEECH = (WORD, *VOICE)


def asked(text: str, specs: Any = SPEECH) -> dict[str, float]:
    return {name: round(value, 2) for name, value in parse(text, specs).values.items()}


def edited(text: str) -> Request:
    return parse(text, VOICE, relative=True)


def refused(text: str, *, relative: bool = False, **options: Any) -> str:
    with pytest.raises(UnbraidError) as caught:
        parse(text, VOICE if relative else SPEECH, relative=relative, **options)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    return sentence


LOW, HIGH = (round(PITCH.range[0] + share * (PITCH.range[1] - PITCH.range[0]), 2)
             for share in (0.125, 0.875))  # fmt: skip


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a low slow seven", {"word": 7, "pitch": LOW, "duration": 731.25}),
        ("deep quiet 3", {"word": 3, "pitch": LOW, "loudness": -32.5}),
        (
            "a loud, fast, high-pitched four",
            {"word": 4, "loudness": -17.5, "duration": 318.75, "pitch": HIGH},
        ),
        ("high voice", {"pitch": HIGH}),
        ("small voice", {"tract": 89.12}),
        ("big voice, loud", {"tract": 113.88, "loudness": -17.5}),
        ("long vocal tract short duration", {"tract": 113.88, "duration": 318.75}),
        ("high pitch low loudness", {"pitch": HIGH, "loudness": -32.5}),
        ("very deep", {"pitch": round(PITCH.range[0], 2)}),
        ("seven at 220 Hz", {"word": 7, "pitch": 13.65}),
        ("word seven, pitch A3, 400 ms", {"word": 7, "pitch": 13.65, "duration": 400}),
        ("a3 0.4 s", {"pitch": 13.65, "duration": 400}),
        ("F#3", {"pitch": round(semitones(185), 2)}),
        ("pitch 220", {"pitch": 13.65}),
        ("pitch 3 semitones", {"pitch": 3}),
        ("220 Hz high, 400 ms long", {"pitch": 13.65, "duration": 400}),
        ("duration 0.5", {"duration": 500}),
        ("half a second of seven", None),
        ("-20 dB", {"loudness": -20}),
        ("loudness -20 dBFS, tract 90%", {"loudness": -20, "tract": 90}),
        ("a woman says three", {"word": 3, "pitch": 12.84, "tract": 87}),
        ("child's voice", {"pitch": 17.82, "tract": 85}),
        ("female, 240 Hz", {"pitch": round(semitones(240), 2), "tract": 87}),
        ("one male speaker", {"word": 1, "pitch": 1.65, "tract": 100}),
        ("five, any pitch", {"word": 5}),
    ],
)
def test_values(text: str, values: dict[str, float] | None) -> None:
    if values is None:
        refused(text)
    else:
        assert asked(text) == pytest.approx(values, abs=0.011)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("higher, same voice", {"pitch": (1, 4)}),
        ("much deeper", {"pitch": (1, -6)}),
        ("an octave up", {"pitch": (1, 12)}),
        ("pitch an octave down", {"pitch": (1, -12)}),
        ("pitch up an octave", {"pitch": (1, 12)}),
        ("pitch slightly up, loudness down by 3 dB", {"pitch": (1, 2), "loudness": (1, -3)}),
        ("two octaves lower", {"pitch": (1, -24)}),
        ("5 semitones higher", {"pitch": (1, 5)}),
        ("higher by 5 semitones", {"pitch": (1, 5)}),
        ("+3 semitones", {"pitch": (1, 3)}),
        ("pitch +3 semitones", {"pitch": (1, 3)}),
        ("twice as high", {"pitch": (1, 12)}),
        ("50% higher", {"pitch": (1, 7.02)}),
        ("slower", {"duration": (1.3, 0)}),
        ("slightly faster", {"duration": (0.877, 0)}),
        ("twice as long", {"duration": (2, 0)}),
        ("half the duration", {"duration": (0.5, 0)}),
        ("twice as fast", {"duration": (0.5, 0)}),
        ("half as fast", {"duration": (2, 0)}),
        ("1.5 times as long", {"duration": (1.5, 0)}),
        ("1.5x slower", {"duration": (1.5, 0)}),
        ("25% faster", {"duration": (0.8, 0)}),
        ("20% slower", {"duration": (1.25, 0)}),
        ("20% longer", {"duration": (1.2, 0)}),
        ("100 ms shorter", {"duration": (1, -100)}),
        ("a second longer", {"duration": (1, 1000)}),
        ("slow it down", {"duration": (1.3, 0)}),
        ("speed up", {"duration": (0.769, 0)}),
        ("duration 120%", {"duration": (1.2, 0)}),
        ("3 dB louder", {"loudness": (1, 3)}),
        ("3 dB up", {"loudness": (1, 3)}),
        ("quieter", {"loudness": (1, -6)}),
        ("-3 dB", {"loudness": (1, -3)}),
        ("twice as loud", {"loudness": (1, 10)}),
        ("half as loud", {"loudness": (1, -10)}),
        ("bigger", {"tract": (1.08, 0)}),
        ("tract 5% shorter", {"tract": (0.95, 0)}),
        ("longer tract", {"tract": (1.08, 0)}),
        ("lower loudness", {"loudness": (1, -6)}),
        ("an octave higher, 20% slower", {"pitch": (1, 12), "duration": (1.25, 0)}),
    ],
)
def test_changes(text: str, steps: dict[str, tuple[float, float]]) -> None:
    found = edited(text)
    assert found.values == {}
    assert found.steps.keys() == steps.keys()
    for name, step in steps.items():
        assert found.steps[name] == pytest.approx(step, abs=0.01)


def test_what_is_kept_is_told() -> None:
    found = edited("higher, same duration, keep the loudness")
    assert found.describe("kept") == (
        "pitch +4 semitones from its current value; duration, tract and loudness are kept"
    )
    assert edited("a woman, 3 dB louder, slow").describe("kept") == (
        "pitch 210 Hz (woman), duration 731 ms (slow), tract 87% (woman), "
        "loudness +3 dB from its current value"
    )
    assert parse("A3", SPEECH).describe() == (
        "pitch 220 Hz (A3); word, duration, tract and loudness are free"
    )


def test_by_factor() -> None:
    found = build_request(SPEECH, word=7, pitch="220 Hz", duration="slow", loudness=-20)
    assert found.values["pitch"] == pytest.approx(13.65, abs=0.01)
    assert build_request(SPEECH, pitch="A3").values == {"pitch": found.values["pitch"]}
    assert build_request(VOICE, relative=True, pitch="an octave up").steps == {"pitch": (1.0, 12.0)}


def test_refusals() -> None:
    assert "pitch 500 Hz is out of this model's range, 80 to 280 Hz" in refused("500 Hz")
    assert "take the nearest, 280 Hz" in refused("500 Hz")
    assert "duration 3 seconds is out of" in refused("3 seconds")
    assert "compares with a recording, which only an edit has" in refused("higher")
    assert "has the wrong unit for duration" in refused("duration 3 dB")
    assert "did you mean 'louder'" in refused("luder", relative=True)
    assert "'woman' and 'child' contradict each other" in refused("woman child")
    assert "both set pitch" in refused("200 Hz, 210 Hz")
    assert "in hertz, which is another one at each pitch" in refused("20 Hz higher", relative=True)
    assert "reduces the speed to 0 or below" in refused("100% slower", relative=True)
    assert "'red'" in refused("red")
    sentence = refused("tilted left", relative=True, subject="this edit")
    assert "asks for an angle, which this edit does not vary: it varies pitch" in (sentence)
    assert "describe the recording by what it has" in refused("not loud")


def test_the_factors_of_the_data_set() -> None:
    specs = factor_specs(Config())
    found = parse("a low 7 of a woman, tract 90 per cent, 0.5 s", specs[:-1])
    assert found.values["word"] == 7
    assert found.values["tract"] == 90
    assert parse("seven", specs).values == parse("word 7", specs).values == {"word": 7}
    assert parse("loud nine, 300 ms", specs).describe() == (
        "word nine, duration 300 ms, loudness -17.5 dBFS (loud); pitch and tract are free"
    )


def test_pitch_in_hertz_and_places_beside_it() -> None:
    hertz = FactorSpec("pitch", "continuous", range=(80.0, 280.0), unit="Hz")
    assert parse("220 Hz", [hertz]).values == {"pitch": 220.0}
    assert parse("an octave up", [hertz], relative=True).steps == {"pitch": (2.0, 0.0)}
    y = FactorSpec("y", "continuous", range=(-9.0, 9.0), unit="pixels up")
    both = parse("high, deep", [y, PITCH])  # "high" stays a place where there is one
    assert set(both.values) == {"y", "pitch"}
    assert both.values["y"] > 0 > both.values["pitch"]


def test_a_range_as_it_is_shown_is_within_the_range() -> None:
    pitch = FactorSpec("pitch", "continuous", range=(-4, 18), unit="semitones from 100 Hz")
    assert parse("79 Hz", [pitch]).values == {"pitch": -4}
    assert parse("283 Hz", [pitch]).describe() == "pitch 283 Hz"
    with pytest.raises(UnbraidError, match=r"pitch 78 Hz is out of .*, 79 to 283 Hz"):
        parse("78 Hz", [pitch])
    with pytest.raises(UnbraidError, match="pitch 284 Hz is out of"):
        parse("284 Hz", [pitch])
