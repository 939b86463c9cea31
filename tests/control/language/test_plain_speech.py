"""Requests as people type them: understood right, or refused in a sentence, never otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from tests.control.language.test_request import DIGITS, asked, refused
from unbraid.control.language.parser import build_request, parse
from unbraid.control.language.tokens import tokenize
from unbraid.core.factors import FactorSpec

PATIENTS = (
    FactorSpec("Blood pressure (mmHg)", "continuous", range=(80, 200), unit="mmHg"),
    FactorSpec("colour", "categorical", values=("red", "dark red", "light blue")),
    FactorSpec("age group", "categorical", values=("10-20", "20-30", "30+", "<10")),
    FactorSpec("Grade", "ordinal", values=("A+", "A", "A-", "B+", "B")),
    FactorSpec("temperature", "ordinal", values=(-10, 0, 10, 20), unit="°C"),
)
CODES = (FactorSpec("language", "categorical", values=("C", "c", "C++", "C#", "1/2", "10,5")),)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("size 30,5", ["'30,5' is not one number", "decimals with a point"]),
        ("size=30,5 px", ["'30,5' is not one number"]),
        ("rotated 30,5 degrees", ["'30,5' is not one number"]),
        ("size 1,000", ["'1,000' is not one number"]),
        ("x 3-7", ["'3-7' is not one number", "instead of a range"]),
        ("x 3\u20137", ["'3-7' is not one number"]),
        ("thickness 3 to 5", ["'3 to 5' is not one number"]),
        ("thickness from 3 to 5", ["'3 to 5' is not one number"]),
        ("rotated 1/8 turn", ["'1/8' is not one number", "a fraction"]),
        ("size > 30", ["'>' is not understood", "FACTOR=VALUE"]),
        ("thickness <3", ["'<' is not understood"]),
        ("digit != 7", ["'!=' is not understood"]),
        ("size 30\u00b12", ["'\u00b1' is not understood"]),
        ("anything but 7", ["'anything but' is not understood, as negations"]),
        ("half bold 7", ["unknown word 'half'"]),
        ("half way up", ["unknown word 'half'"]),
        ("third 7", ["unknown word 'third'"]),
        ("small rotation", ["'rotation' needs a value"]),
        ("big angle", ["'angle' needs a value"]),
        ("left tilt 30", ["'left tilt' may be a place or a rotation"]),
        ("left by 3", ["'by 3' has a number without a unit"]),
        ("7 up a little", ["'little' needs a word to modify"]),
        ("two sevens", ["contradict"]),
    ],
)
def test_what_would_be_misread_is_refused(text: str, parts: list[str]) -> None:
    sentence = refused(text)
    for part in parts:
        assert part in sentence


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("x=3,y=4", {"x": 3, "y": 4}),
        ("size 30, 5", {"size": 30, "digit": 5}),
        ("top-3", {"y": 6, "digit": 3}),
        ("7, top third", {"digit": 7, "y": 6}),
        ("in the left quarter", {"x": -6}),
        ("bottom half, bold", {"y": -6, "thickness": 5.062}),
        ("middle third", {"x": 0, "y": 0}),
        ("7 - small", {"digit": 7, "size": 26}),
        ("a seven, tilted right", {"digit": 7, "angle": -30}),
        ("30°cw", {"angle": -30}),
        ("a 7 in the top left rotated 30 degrees", {"digit": 7, "x": -6, "y": 6, "angle": 30}),
    ],
)
def test_what_looks_alike_is_understood(text: str, values: dict[str, float]) -> None:
    assert asked(text) == values


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("1.5x bigger", {"size": (1.5, 0)}),
        ("3 times as big", {"size": (3, 0)}),
        ("2 times smaller", {"size": (0.5, 0)}),
        ("move up left", {"x": (1, -4.5), "y": (1, 4.5)}),
        ("move up and left", {"x": (1, -4.5), "y": (1, 4.5)}),
        ("move left", {"x": (1, -4.5)}),
        ("tilt right a bit", {"angle": (1, -7.5)}),
        ("rotate by -15 deg", {"angle": (1, -15)}),
        ("same but thinner", {"thickness": (1, -0.875)}),
    ],
)
def test_edits(text: str, steps: dict[str, tuple[float, float]]) -> None:
    request = parse(text, DIGITS, relative=True)
    assert not request.values
    assert request.steps == steps


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("move left 3", "'move left 3' has a number without a unit"),
        ("move left by 3", "'move left by 3' has a number without a unit"),
        ("shift 2 right", "'shift 2 right' has a number without a unit"),
        ("bigger by 4", "'by 4' has a number without a unit"),
        ("bigger by half", "unknown word 'half'"),
        ("tilt more", "'tilt more' needs an angle or a direction"),
    ],
)
def test_edits_that_are_refused(text: str, part: str) -> None:
    assert part in refused(text, relative=True)


def level(text: str, specs: Any = PATIENTS) -> list[Any]:
    request = parse(text, specs)
    return [
        request.values[spec.name]
        if spec.values is None
        else spec.values[int(request.values[spec.name])]
        for spec in specs
        if spec.name in request.values
    ]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("blood pressure 120", [120]),
        ("Blood pressure (mmHg) 120", [120]),
        ("Blood pressure (mmHg)=120 mmHg", [120]),
        ("high blood pressure, dark red", [185, "dark red"]),
        ("a dark red", ["dark red"]),
        ("age group 10-20", ["10-20"]),
        ("age 20\u201330", ["20-30"]),
        ("<10", ["<10"]),
        ("30+", ["30+"]),
        ("grade A+", ["A+"]),
        ("grade A", ["A"]),
        ("grade a", ["A"]),
        ("grade A\u2212", ["A-"]),
        ("A-, red", ["red", "A-"]),
        ("B", ["B"]),
        ("grade=B+", ["B+"]),
        ("temperature -10 °C", [-10]),
    ],
)
def test_levels_and_names_with_signs(text: str, values: list[Any]) -> None:
    assert level(text) == values


MEASURED = (
    FactorSpec("speed", "continuous", range=(0, 40), unit="m/s"),
    FactorSpec("tempo", "continuous", range=(40, 200), unit="beats per minute"),
    FactorSpec("Density [kg/m\u00b3]", "continuous", range=(0, 5), unit="kg/m\u00b3"),
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("speed 3 m/s", "speed 3 m/s; "),
        ("speed=3 m/s, tempo 90 beats per minute", "speed 3 m/s, tempo 90 beats per minute; "),
        ("density 2.5 kg/m3, speed 30", "speed 30 m/s, Density 2.5 kg/m\u00b3; "),
        ("Density [kg/m\u00b3] 2 kg/m\u00b3", "Density 2 kg/m\u00b3; "),
    ],
)
def test_units_of_several_words(text: str, shown: str) -> None:
    assert parse(text, MEASURED).describe().startswith(shown)


def test_units_of_several_words_are_quoted_whole() -> None:
    assert "'3 m/s' does not name a factor: write, for example, 'speed 3 m/s'" in refused(
        "3 m/s", MEASURED
    )
    assert "unknown word 'm'" in refused("speed 3, m/s", MEASURED)
    assert "unknown word 'km'" in refused("speed 3 km/s", MEASURED)
    assert "Density (0 to 5 kg/m\u00b3)" in refused("speed 3 km/s", MEASURED)


def test_levels_that_differ_in_case_or_signs() -> None:
    for text in ("C", "c", "C++", "C#", "1/2", "10,5"):
        assert level(text, CODES) == [text]
        assert level(f"language={text}", CODES) == [text]
    blood = (FactorSpec("type", "categorical", values=("A+", "A-", "O+")),)
    assert level("type A-", blood) == ["A-"]
    assert level("a type o", blood) == ["O+"]
    assert "'a' may be the type A+ or A-: write it exactly" in refused("type A", blood)
    assert build_request(blood, type="A-").values == {"type": 1}


def test_tokens_keep_how_they_were_given() -> None:
    assert [token.given for token in tokenize("A+, C# t-shirt")] == ["A+", "C#", "t", "shirt"]
    assert [token.text for token in tokenize("10 °C, 30°cw")] == ["10", "°c", "30", "°", "cw"]
