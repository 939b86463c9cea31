"""The grammar: what each phrase says, in any order, and a sentence for what nobody can say."""

from __future__ import annotations

import math
import string
from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from unbraid.control.language.parser import build_request, parse, request_of
from unbraid.control.language.request import Request
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets import dsprites, mpi3d, smallnorb, speech
from unbraid.datasets.digits import Config, factor_specs

DIGITS = factor_specs(Config())
LABELS = ("cat", "dog", "left hand", "a", "7", "T-shirt", "猫", "figure")
FOLDER = (FactorSpec("label", "categorical", values=LABELS),)
TENTHS = tuple(n / 10 for n in range(10))
SHAPES = (
    FactorSpec("floor_hue", "periodic", values=TENTHS, period=1),
    FactorSpec("wall_hue", "periodic", values=TENTHS, period=1),
    FactorSpec("scale", "ordinal", values=tuple(np.linspace(0.75, 1.25, 8).tolist())),
    FactorSpec("shape", "categorical", values=(0.0, 1.0, 2.0, 3.0)),
    FactorSpec("orientation", "ordinal", values=tuple(range(-30, 31, 5)), unit="degrees"),
)
GRIDS = tuple(
    FactorSpec(name, "categorical", values=tuple(range(n)))
    for name, n in (("grey", 3), ("row", 10), ("column", 10))
)
PLAIN = tuple(FactorSpec(name, "continuous", range=(0.0, 1.0)) for name in ("x", "y", "a"))
ALL = (
    DIGITS,
    FOLDER,
    SHAPES,
    GRIDS,
    PLAIN,
    dsprites.SPECS,
    smallnorb.SPECS,
    mpi3d.factor_specs("toy"),
    speech.factor_specs(speech.Config(speaker_factor=True)),
)


def asked(text: str, specs: Any = DIGITS, **options: bool) -> dict[str, float]:
    return {name: round(value, 3) for name, value in parse(text, specs, **options).values.items()}


def refused(text: str, specs: Any = DIGITS, **options: bool) -> str:
    """Return the sentence that a request gets."""
    with pytest.raises(UnbraidError) as caught:
        parse(text, specs, **options)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


def test_the_request_of_the_issue_and_its_echo() -> None:
    request = parse("small seven in the top rotated 30 degrees", DIGITS)
    assert request.values == {"digit": 7, "size": 26, "y": 6, "angle": 30}
    assert request.describe() == (
        "digit 7, size 26 px (small), y +6 px (top), angle 30 degrees counter-clockwise; "
        "x and thickness are free"
    )
    assert request == build_request(DIGITS, digit=7, size="small", y="top", angle=30)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("7", {"digit": 7}),
        ("a handwritten digit seven", {"digit": 7}),
        ("sevens", {"digit": 7}),
        ("a small digit", {"size": 26}),
        ("tiny", {"size": 24}),
        ("very small", {"size": 24}),
        ("slightly small", {"size": 29}),
        ("a little seven", {"digit": 7, "size": 26}),
        ("a little bold", {"thickness": 4.406}),
        ("medium", {"size": 32}),
        ("medium seven", {"size": 32, "digit": 7}),
        ("medium thickness", {"thickness": 3.75}),
        ("medium thickness seven", {"thickness": 3.75, "digit": 7}),
        ("big", {"size": 38}),
        ("huge", {"size": 40}),
        ("size 30", {"size": 30}),
        ("size=30px", {"size": 30}),
        ("26 px in size", {"size": 26}),
        ("26 px big", {"size": 26}),
        ("size 0.8", {"size": 36.8}),
        ("size 80%", {"size": 36.8}),
        ("thickness 3 px", {"thickness": 3}),
        ("3 px thick strokes", {"thickness": 3}),
        ("strokes 3 px thick", {"thickness": 3}),
        ("3 px thickness", {"thickness": 3}),
        ("thin strokes", {"thickness": 2.438}),
        ("bold", {"thickness": 5.062}),
        ("small thickness", {"thickness": 2.438}),
        ("small thickness 3", {"size": 26, "thickness": 3}),
        ("top", {"y": 6}),
        ("in the bottom", {"y": -6}),
        ("far left", {"x": -9}),
        ("far to the left", {"x": -9}),
        ("slightly in the top", {"y": 3}),
        ("top-left", {"x": -6, "y": 6}),
        ("in the upper right corner", {"x": 6, "y": 6}),
        ("upper centre", {"x": 0, "y": 6}),
        ("in the centre", {"x": 0, "y": 0}),
        ("top center", {"x": 0, "y": 6}),
        ("middle left", {"x": -6, "y": 0}),
        ("6 px up and 3 pixels to the right of the centre", {"x": 3, "y": 6}),
        ("x 5 left", {"x": -5}),
        ("x=-5, y=.5", {"x": -5, "y": 0.5}),
        ("rotated 30 degrees", {"angle": 30}),
        ("rotated 30", {"angle": 30}),
        ("rotated by thirty degrees", {"angle": 30}),
        ("tilted 20° clockwise", {"angle": -20}),
        ("20 degrees to the right", {"angle": -20}),
        ("turned left 20 deg", {"angle": 20}),
        ("clockwise 20", {"angle": -20}),
        ("counter-clockwise", {"angle": 30}),
        ("anticlockwise by 0.5 radians", {"angle": 28.648}),
        ("leaning right", {"angle": -30}),
        ("slightly tilted left", {"angle": 15}),
        ("very tilted left", {"angle": 45}),
        ("-30 degrees", {"angle": -30}),
        ("\u221230 degrees", {"angle": -30}),
        ("forty-five degrees", {"angle": 45}),
        ("at an angle of 30 degrees", {"angle": 30}),
        ("at a 30 degree angle", {"angle": 30}),
        ("rotated 350 degrees", {"angle": -10}),
        ("upright", {"angle": 0}),
        ("rotated 30 degrees in the left", {"angle": 30, "x": -6}),
        ("rotated 30 degrees, left", {"angle": 30, "x": -6}),
        ("rotated 30 degrees top left", {"angle": 30, "x": -6, "y": 6}),
        ("a seven tilted 30 degrees in the left", {"digit": 7, "angle": 30, "x": -6}),
        ("leaning slightly to the left", {"angle": 15}),
        ("rotated a bit to the left", {"angle": 15}),
        ("rotated minus 30 degrees", {"angle": -30}),
        ("as small as possible", {"size": 24}),
        ("a medium-sized three", {"digit": 3, "size": 32}),
        ("on the left-hand side", {"x": -6}),
        ("in the top half", {"y": 6}),
        ("seven seven, 7", {"digit": 7}),
        ("small, size 26", {"size": 26}),
        ("any size", {}),
        ("size any", {}),
        ("", {}),
        ("?!", {}),
    ],
)
def test_phrases(text: str, values: dict[str, float]) -> None:
    assert asked(text) == values


@pytest.mark.parametrize(
    ("specs", "text", "values"),
    [
        (FOLDER, "a cat", {"label": 0}),
        (FOLDER, "label=dog", {"label": 1}),
        (FOLDER, "left hand", {"label": 2}),
        (FOLDER, "label a", {"label": 3}),
        (FOLDER, "seven", {"label": 4}),
        (FOLDER, "t-shirt", {"label": 5}),
        (FOLDER, "猫", {"label": 6}),
        (FOLDER, "a figure", {"label": 7}),
        (SHAPES, "red wall, blue floor", {"wall_hue": 0, "floor_hue": 7}),
        (SHAPES, "red wall blue floor", {"wall_hue": 0, "floor_hue": 7}),
        (SHAPES, "wall hue 0.3, shape 2, tiny", {"wall_hue": 3, "shape": 2, "scale": 0}),
        (SHAPES, "wall hue 0.95", {"wall_hue": 0}),  # the circle closes
        (SHAPES, "orientation -12", {"orientation": 4}),
        (GRIDS, "row 3, column 9, grey 1", {"grey": 1, "row": 3, "column": 9}),
        (GRIDS, "3 row", {"row": 3}),
        (PLAIN, "left, y=0.25, a=30%", {"x": 0.167, "y": 0.25, "a": 0.3}),
        (smallnorb.SPECS, "truck, elevation 47, azimuth 390", None),
        (mpi3d.factor_specs("toy"), "big red cube", None),
        (mpi3d.factor_specs("toy"), "sea green background, camera height top", None),
    ],
)
def test_any_data_set(specs: Any, text: str, values: dict[str, float] | None) -> None:
    found = asked(text, specs)
    if values is not None:
        assert found == values
        return
    named = {s.name: s.values[int(found[s.name])] for s in specs if s.name in found and s.values}
    assert named in (
        {"category": "truck", "elevation": 45, "azimuth": 20},
        {"object_color": "red", "object_shape": "cube", "object_size": "large"},
        {"background_color": "sea green", "camera_height": "top"},
    )


def test_dsprites_counts_down_and_clockwise_and_words_do_not_mind() -> None:
    """Drawn, not only parsed: the top is where the rows are few."""
    names = [spec.name for spec in dsprites.SPECS]
    for text, column, sign in (("top", 1, -1), ("bottom", 1, 1), ("left", 0, -1), ("right", 0, 1)):
        request = parse(f"{text}, square, rotated 0 degrees", dsprites.SPECS)
        row = request.rows(dsprites.SPECS, 1)[0].astype(int)
        image = dsprites.windows()[row[1] * 240 + row[2] * 40 + row[3], row[4], row[5]]
        centre = np.argwhere(image).mean(0)[::-1] - 31.5  # right, down
        assert np.sign(centre[column]) == sign
    found = parse("rotated 45 degrees", dsprites.SPECS).values["orientation"]
    # an ellipse turned 45 degrees counter-clockwise rises to the right
    row = [1, 5, int(found), 16, 16]
    image = dsprites.windows()[row[0] * 240 + row[1] * 40 + row[2], row[3], row[4]]
    down, right = (np.argwhere(image) - np.argwhere(image).mean(0)).T
    assert (down * right).sum() < 0
    assert names[3] == "orientation"


PHRASES = ["small", "seven", "in the top", "rotated 30 degrees", "with bold strokes", "x=-3"]


def test_any_order_is_the_same_request() -> None:
    wanted = parse(" ".join(PHRASES), DIGITS)
    assert len(wanted.values) == 6
    for order in permutations(PHRASES):
        for joint in (" ", ", ", " and "):
            found = parse(joint.join(order), DIGITS)
            assert found == wanted
            assert found.describe() == wanted.describe()


ONE_EACH = [
    ["7", "seven", "digit 3", "digit=0", "a nine"],
    ["tiny", "small", "very big", "size 30 px", "size=0.5", "size 25%", "size huge"],
    ["left", "far right", "x 4", "x=-3.5 px", "3 px to the right"],
    ["top", "in the bottom", "slightly in the top", "y=2", "5 px down"],
    ["rotated 30 degrees", "tilted left", "-12 degrees", "upright", "20° clockwise"],
    ["thin", "bold strokes", "thickness 3 px", "thickness 2.5", "3 px thick"],
]


@settings(deadline=None)
@given(st.data())
def test_phrases_between_commas_come_in_any_order(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(ONE_EACH), unique_by=id, min_size=1))
    phrases = [data.draw(st.sampled_from(kind)) for kind in kinds]
    shuffled = data.draw(st.permutations(phrases))
    one, other = (parse(", ".join(order), DIGITS) for order in (phrases, shuffled))
    assert one == other
    assert one.describe() == other.describe()
    assert len(one.values) == len(phrases)


VOCABULARY = [
    word
    for line in (
        "small big tiny medium little very slightly far left right top bottom centre corner lower",
        "upper rotated tilted turn upright clockwise counter counter-clockwise upside down by more",
        "further bigger thicker move moved up to the of in a and seven 7 30 -3 0.5 1e9 999 % ° px",
        "degrees rad size thickness x y angle digit stroke strokes = , . red wall floor hue shape",
        "scale orientation label cat hand row column posX elevation truck cube any forty five sea",
        "green half twice less minus possible as not it hand third tilt",
    )
    for word in line.split()
]
TEXTS = st.one_of(
    st.text(max_size=60),
    st.text(string.printable, max_size=60),
    st.lists(st.sampled_from(VOCABULARY), max_size=9).map(" ".join),
    st.lists(st.sampled_from([*VOCABULARY, "blub", "smal"]), max_size=5).map("".join),
)


def sentence_or(function: Callable[..., Request], *args: Any, **options: Any) -> Request | str:
    """Return what a function returns, or the one sentence of its UnbraidError."""
    try:
        return function(*args, **options)
    except UnbraidError as error:
        sentence = str(error)
    assert sentence
    assert "\n" not in sentence
    return sentence


@settings(deadline=None, max_examples=500)
@given(TEXTS, st.sampled_from(ALL), st.booleans(), st.booleans())
@example("9" * 400, DIGITS, True, False)
@example("rotated " + "9" * 400, DIGITS, True, True)
@example("size " + "9" * 400 + "%", DIGITS, True, True)
def test_no_text_does_worse_than_a_sentence(
    text: str, specs: Any, clip: bool, relative: bool
) -> None:
    request = sentence_or(parse, text, specs, clip, relative=relative)
    if isinstance(request, str):
        return
    rows = request.rows(specs, 3, seed=1)
    changed = request.applied(specs, rows)
    assert request.describe()
    for row in (rows, changed):
        assert np.isfinite(row).all()
        for column, spec in zip(row.T, specs, strict=True):
            low, high = spec.range or (0, len(spec.values or ()) - 1)
            assert ((low <= column) & (column <= high)).all()
            assert spec.values is None or (column == np.rint(column)).all()


@settings(deadline=None)
@given(
    st.sampled_from([spec.name for spec in DIGITS]),
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=12),
        st.lists(st.none()),
    ),
)
def test_no_value_does_worse_than_a_sentence(name: str, value: Any) -> None:
    request = sentence_or(build_request, DIGITS, **{name: value})
    assert isinstance(request, str) or np.isfinite(list(request.values.values())).all()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("smal seven", ["unknown word 'smal' (did you mean 'small'?)", "digit (0 to 9), size (24"]),
        ("blub", ["unknown word 'blub': this model varies", "thickness (2 to 5.5 pixels)"]),
        ("size=smal", ["unknown value 'smal' of size (did you mean 'small'?)", "24 to 40 pixels"]),
        ("digit 11", ["there is no digit 11", "0 to 9"]),
        ("11", ["there is no digit 11"]),
        ("top, in the bottom", ["'bottom' and 'top' contradict", "set y"]),
        ("seven eight", ["'eight' and 'seven' contradict each other", "set digit"]),
        ("small, size 30", ["'size 30' and 'small' contradict"]),
        ("upright, rotated 30 degrees", ["contradict", "angle"]),
        ("clockwise counter-clockwise", ["contradict"]),
        ("top left in the centre", ["contradict"]),
        ("rotated 200 degrees", ["200 degrees", "-45 to 45 degrees", "--clip"]),
        ("size 7", ["size 7 is out of this model's range, 24 to 40 pixels", "24, with --clip"]),
        ("thickness 1", ["2 to 5.5 pixels"]),
        ("rotated", ["'rotated' needs a value", "'rotated 30 degrees'"]),
        ("thickness", ["'thickness' needs a value", "'thickness 3.75 px'"]),
        ("corner", ["which corner"]),
        ("26 px", ["'26 px' does not name a factor"]),
        ("size 20 degrees", ["'20 degrees' has the wrong unit for size, which is 24 to 40 pixels"]),
        ("size 120%", ["between 0% and 100%"]),
        ("digit 20%", ["digit 20% is invalid"]),
        ("bigger", ["'bigger' compares with an image", "24 to 40 pixels"]),
        ("twice as big", ["'twice as big' compares with an image"]),
        ("not small", ["'not' is not understood, as negations are not supported"]),
        ("rotated slightly", ["'slightly' needs a word to modify"]),
        ("= 3", ["no factor before '='"]),
        ("small " * 200, ["1,200 characters"]),
        ("l" * 90, ["unknown word '" + "l" * 40 + "...'"]),
    ],
)
def test_what_is_refused(text: str, parts: list[str]) -> None:
    sentence = refused(text)
    for part in parts:
        assert part in sentence


@pytest.mark.parametrize(
    ("specs", "text", "part"),
    [
        (FOLDER, "cta", "did you mean 'cat'"),
        (FOLDER, "label=cow", "unknown value 'cow' of label"),
        (FOLDER, "small cat", "'small' asks for a size, which this model does not vary"),
        (FOLDER, "left", "'left' asks for a place"),
        (
            (FactorSpec("size", "categorical", values=(6, 7, 8, 9)),),
            "big",
            "'big' asks for a size, but size (6 to 9) has classes without an order: name one, as "
            "in 'size=9', or train with --data.kinds size=ordinal.",
        ),
        (
            (FactorSpec("size", "categorical", values=("s", "m")),),
            "big",
            "but size (s, m) has classes without an order: name one, as in 'size=m'.",
        ),
        (FOLDER, "rotated 30 degrees", "asks for an angle"),
        (GRIDS, "3", "'3' may be row or column"),
        (SHAPES, "red", "'red' may be floor_hue or wall_hue: write, for example, 'floor_hue=red'"),
        (
            SHAPES,
            "rotated 15 degrees clockwise",
            "does not define in which direction its numbers increase",
        ),
        (PLAIN, "top", "does not define in which direction its numbers increase: write 'y=NUMBER'"),
        (dsprites.SPECS, "posX 3 px", "has the wrong unit"),
        ((), "seven", "trained on data without factors"),
    ],
)
def test_what_other_models_refuse(specs: Any, text: str, part: str) -> None:
    assert part in refused(text, specs)


def test_a_level_whose_first_word_is_a_colour() -> None:
    specs = (
        FactorSpec("maker", "categorical", values=("Blue & White", "Green", "Red Dot")),
        FactorSpec("hue", "periodic", range=(0, 360), unit="degrees", period=360),
    )
    assert parse("Blue & White", specs).values == {"maker": 0}
    assert parse("red dot, red", specs).values == {"maker": 2, "hue": 0}
    with pytest.raises(UnbraidError, match="'green' may be maker or hue"):
        parse("green", specs)


def test_clip_takes_the_nearest_and_says_so() -> None:
    request = parse("rotated 200 degrees, size 7", DIGITS, clip=True)
    assert request.values == {"size": 24, "angle": 45}
    assert "size 24 px (nearest to 7)" in request.describe()


def test_a_range_of_one_value_can_be_neither_high_nor_low() -> None:
    specs = factor_specs(Config(y=(0, 0)))
    assert "y is always 0 px for this model" in refused("top", specs)
    assert asked("centre", specs) == {"x": 0, "y": 0}


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"digit": "seven"}, {"digit": 7}),
        ({"digit": np.int64(7), "size": np.float32(30)}, {"digit": 7, "size": 30}),
        ({"size": 0.5}, {"size": 32}),
        ({"size": "26 px", "x": "left", "y": "in the top"}, {"size": 26, "x": -6, "y": 6}),
        ({"angle": "30 clockwise"}, {"angle": -30}),
        ({"angle": "tilted left"}, {"angle": 30}),
        ({"angle": "upright", "x": "centre"}, {"angle": 0, "x": 0}),
        ({"text": "small seven", "size": 26}, {"digit": 7, "size": 26}),
        ({"digit": None}, {}),
    ],
)
def test_keywords(values: dict[str, Any], wanted: dict[str, float]) -> None:
    assert build_request(DIGITS, **values).values == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"sise": 3}, "unknown factor 'sise' (did you mean 'size'?)"),
        ({"size": "smal"}, "unknown value 'smal' of size (did you mean 'small'?)"),
        ({"size": "top"}, "unknown value 'top' of size"),
        ({"size": "bigger"}, "compares with an image"),
        ({"size": math.nan}, "size nan is out of this model's range"),
        ({"digit": 7.5}, "there is no digit 7.5"),
        ({"digit": True}, "digit is True, expected a number or a word"),
        ({"y": [3]}, "y is [3], expected a number or a word"),
        ({"text": "small", "size": "big"}, "'small' and 'size=big' contradict each other"),
        ({"text": 3}, "a request is text, found int"),
        ({"x": ""}, "there is no value for x"),
        ({"angle": "30 px"}, "has the wrong unit"),
    ],
)
def test_keywords_that_are_refused(values: dict[str, Any], part: str) -> None:
    with pytest.raises(UnbraidError, match=r"^[^\n]+$") as caught:
        build_request(DIGITS, **values)
    assert part in str(caught.value)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("bigger", {"size": (1, 4)}),
        ("slightly smaller", {"size": (1, -2)}),
        ("4 px bigger", {"size": (1, 4)}),
        ("bigger by 4 px", {"size": (1, 4)}),
        ("20% bigger", {"size": (1.2, 0)}),
        ("thicker strokes", {"thickness": (1, 0.875)}),
        ("more bold", {"thickness": (1, 0.875)}),
        ("higher by 2 px", {"y": (1, 2)}),
        ("lower", {"y": (1, -4.5)}),
        ("further left", {"x": (1, -4.5)}),
        ("more to the right", {"x": (1, 4.5)}),
        ("move it up", {"y": (1, 4.5)}),
        ("move 3 px to the left", {"x": (1, -3)}),
        ("shift left by 3 px", {"x": (1, -3)}),
        ("turn 10 degrees clockwise", {"angle": (1, -10)}),
        ("rotated by 10 degrees", {"angle": (1, 10)}),
        ("turned further clockwise", {"angle": (1, -15)}),
        ("rotated 10 degrees", {}),
        ("tilt it slightly right", {"angle": (1, -7.5)}),
        ("less tilted", {"angle": (0.5, 0)}),
        ("less bold", {"thickness": (1, -0.875)}),
        ("twice as big", {"size": (2, 0)}),
        ("half the thickness", {"thickness": (0.5, 0)}),
        ("move it left a bit", {"x": (1, -2.25)}),
        ("move it to the top", {}),
        ("turn it into a 3", {}),
        ("lower left", {}),
    ],
)
def test_changes(text: str, steps: dict[str, tuple[float, float]]) -> None:
    request = parse(text, DIGITS, relative=True)
    assert request.steps.keys() == steps.keys()
    for name, step in steps.items():
        assert request.steps[name] == pytest.approx(step)
    assert bool(request.values) != bool(steps)


def test_the_edit_of_the_issue() -> None:
    request = parse("bigger, in the bottom left", DIGITS, relative=True)
    assert request.describe("kept") == (
        "size +4 px from its current value, x -6 px (left), y -6 px (bottom); "
        "digit, angle and thickness are kept"
    )
    before = np.array([[3, 30, 0, 0, 10, 3], [4, 39, 0, 0, 10, 3]], float)
    after = np.array([[3, 34, -6, -6, 10, 3], [4, 40, -6, -6, 10, 3]], float)  # kept in range
    np.testing.assert_allclose(request.applied(DIGITS, before), after)


def test_a_step_and_a_value_contradict() -> None:
    assert "contradict" in refused("bigger, size 30", relative=True)
    assert "label has no order" not in refused("bigger", FOLDER, relative=True)


def test_steps_of_levels_and_circles() -> None:
    specs = dsprites.SPECS
    bigger = parse("bigger", specs, relative=True)
    rows = np.array([[0, 0, 0, 0, 0, 0], [0, 0, 5, 39, 0, 0]], float)
    assert bigger.applied(specs, rows)[:, 2].tolist() == [1, 5]
    turned = parse("turn 20 degrees clockwise", specs, relative=True).applied(specs, rows)
    assert turned[:, 3].tolist() == [2, 2]


def test_rows_are_uniform_repeatable_and_do_not_hang_on_each_other() -> None:
    request = parse("seven", DIGITS)
    rows = request.rows(DIGITS, 4000, seed=3)
    assert (rows[:, 0] == 7).all()
    for column, spec in zip(rows.T[1:], DIGITS[1:], strict=True):
        assert spec.range
        low, high = spec.range
        assert low <= column.min() < column.max() <= high
        assert column.mean() == pytest.approx((low + high) / 2, abs=0.03 * (high - low))
    np.testing.assert_array_equal(rows[:5], request.rows(DIGITS, 5, seed=3))
    other = parse("seven, tiny", DIGITS).rows(DIGITS, 5, seed=3)
    np.testing.assert_array_equal(other[:, 2:], rows[:5, 2:])
    digits = parse("", DIGITS).rows(DIGITS, 4000)[:, 0]
    assert np.bincount(digits.astype(int), minlength=10).min() > 300


@pytest.mark.parametrize(("count", "seed", "part"), [(0, 0, "n is 0"), (1, -1, "seed is -1")])
def test_rows_that_cannot_be(count: int, seed: int, part: str) -> None:
    with pytest.raises(UnbraidError, match=part):
        Request({}).rows(DIGITS, count, seed)


LONG = [
    FactorSpec("kind", "categorical", values=("a", "b")),
    FactorSpec("size", "continuous", range=(0.0, 10.0)),
    FactorSpec("length", "continuous", range=(0.0, 100.0)),
]


def together(count: int = 400) -> np.ndarray:
    """Return rows of LONG in which length is ten times the size, and b is large."""
    rng = np.random.default_rng(0)
    kind = np.arange(count) % 2
    size = np.where(kind == 0, rng.uniform(0, 5, count), rng.uniform(5, 10, count))
    return np.stack([kind, size, 10 * size], 1)


def test_what_is_free_goes_with_what_was_asked() -> None:
    rows = build_request(LONG, size=7.0).rows(LONG, 200, 0, together())
    assert (rows[:, 1] == 7).all()
    assert np.abs(rows[:, 2] - 70).mean() < 10
    assert (rows[:, 0] == 1).mean() > 0.95
    rows = build_request(LONG, kind="a").rows(LONG, 200, 0, together())
    assert rows[:, 1].max() <= 5
    np.testing.assert_allclose(rows[:, 2], 10 * rows[:, 1])
    again = build_request(LONG, kind="a").rows(LONG, 200, 0, together())
    np.testing.assert_array_equal(rows, again)


def test_where_nothing_is_near_the_nearest_is_taken() -> None:
    rows = build_request(LONG, kind="a", size=9.0).rows(LONG, 50, 0, together())
    assert (rows[:, 2] > 40).all()  # as of the largest of a, whatever b is like


def test_many_requested_factors_leave_the_free_one_as_it_varies() -> None:
    specs = [FactorSpec(name, "continuous", range=(0.0, 1.0)) for name in "abcde"]
    examples = np.random.default_rng(0).random((512, 5))
    request = build_request(specs, a=0.1, b=0.4, c=0.6, d=0.9)
    free = request.rows(specs, 200, 0, examples)[:, 4]
    assert len(set(free)) > 30
    assert 0.2 < free.std() < 0.36  # a uniform one has .29
    few = request.rows(specs, 200, 0, examples[:3])[:, 4]
    assert set(few) <= set(examples[:3, 4])
    assert request.rows(specs, 3, 0, examples[:1])[:, 4].tolist() == [examples[0, 4]] * 3


@pytest.mark.parametrize("cats", [1, 3, 8, 40])
def test_a_rare_category_keeps_what_goes_with_it(cats: int) -> None:
    specs = [
        FactorSpec("kind", "categorical", values=("cat", "dog")),
        FactorSpec("size", "continuous", range=(0.0, 1.0)),
        FactorSpec("age", "continuous", range=(0.0, 1.0)),
    ]
    rng = np.random.default_rng(0)
    kind = (np.arange(512) >= cats).astype(float)
    examples = np.stack([kind, np.where(kind == 0, 0.1, 0.9), rng.random(512)], 1)
    for request in (build_request(specs, kind="cat"), build_request(specs, kind="cat", age=0.5)):
        assert (request.rows(specs, 200, 0, examples)[:, 1] == 0.1).all()


def test_what_is_not_known_of_an_example_is_drawn_as_without() -> None:
    examples = together()
    examples[:, 2] = np.nan
    rows = build_request(LONG, size=7.0).rows(LONG, 200, 0, examples)
    plain = build_request(LONG, size=7.0).rows(LONG, 200, 0)
    np.testing.assert_array_equal(rows[:, 2], plain[:, 2])
    assert (rows[:, 0] == 1).mean() > 0.95
    assert np.isfinite(build_request(LONG, length=7.0).rows(LONG, 20, 0, examples)).all()


def test_an_example_whose_angle_is_not_known_is_far_from_every_angle() -> None:
    turned = FactorSpec("angle", "periodic", range=(0.0, 360.0), unit="degrees", period=360.0)
    specs = (turned, FactorSpec("kind", "categorical", values=("a", "b")))
    for angle in range(0, 360, 40):
        examples = np.array([[angle, 0.0]] * 50 + [[np.nan, 1.0]] * 50)
        rows = build_request(specs, angle=angle).rows(specs, 500, 0, examples)
        assert (rows[:, 1] == 0).all(), angle


STOPS = (
    FactorSpec("Größe (px)", "continuous", range=(10.0, 20.0)),
    FactorSpec("kind", "categorical", values=("T-shirt/top", "St. Gall", "bag")),
    FactorSpec("fill", "continuous", range=(20.0, 90.0), unit="%"),
)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("größe (px) 15", {"Größe (px)": 15}),
        ("GRÖSSE (PX)=15, bag", {"Größe (px)": 15, "kind": 2}),
        ("Größe 15", {"Größe (px)": 15}),
        ("t-shirt/top", {"kind": 0}),
        ("kind=T-shirt/top, Größe (px) 12", {"kind": 0, "Größe (px)": 12}),
        ("t-shirt top", {"kind": 0}),
        ("st. gall", {"kind": 1}),
        ("bag/größe (px) 12", {"kind": 2, "Größe (px)": 12}),
    ],
)
def test_names_that_hold_stops(text: str, values: dict[str, float]) -> None:
    assert asked(text, STOPS) == values
    assert build_request(STOPS, kind="T-shirt/top").values == {"kind": 0.0}


UNITS = (
    FactorSpec("length", "continuous", range=(5.0, 25.0), unit="mm"),
    FactorSpec("dose", "categorical", values=(5, 10), unit="mg"),
    FactorSpec("fill", "categorical", values=(25, 50, 75), unit="%"),
    FactorSpec("turn", "categorical", values=(0, 90, 180), unit="degrees"),
    FactorSpec("width", "continuous", range=(1.0, 9.0), unit="in"),
)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("length 12 mm", {"length": 12}),
        ("12 mm in length, dose 10 mg", {"length": 12, "dose": 1}),
        ("5 mg", {"dose": 0}),
        ("fill 50%", {"fill": 1}),
        ("75%", {"fill": 2}),
        ("turn 90 degrees", {"turn": 1}),
        ("180°", {"turn": 2}),
        ("width 7 in, dose 5", {"width": 7, "dose": 0}),
        ("length 12 mg", None),
        ("length 12 kg", None),
    ],
)
def test_units_of_any_name(text: str, values: dict[str, float] | None) -> None:
    if values is None:
        refused(text, UNITS)
    else:
        assert asked(text, UNITS) == values


# -- signs, truth values, hues, and changes of one's own factors -----------------------------------

GLASSES = (
    FactorSpec("glasses", "categorical", values=(False, True)),
    FactorSpec("smiling", "categorical", values=("no", "yes")),
    FactorSpec("kind", "categorical", values=("man", "woman")),
)
ROOM = (
    FactorSpec("background", "categorical", values=("white", "black")),
    FactorSpec("colour", "categorical", values=("red", "blue")),
    FactorSpec("size", "continuous", range=(0, 50), unit="mm"),
    FactorSpec("count", "categorical", values=(1, 2, 3)),
)
WEATHER = (
    FactorSpec("temperature", "continuous", range=(-20, 40), unit="°C"),
    FactorSpec("weight", "continuous", range=(0, 80), unit="kg"),
    FactorSpec("angle", "periodic", range=(0, 360), period=360, unit="degrees"),
    FactorSpec("y", "continuous", range=(0, 64), unit="pixels up"),
    FactorSpec("hue", "periodic", range=(0, 360), period=360, unit="degrees"),
)
LETTERS = (FactorSpec("letter", "categorical", values=tuple(string.ascii_uppercase)),)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        *((text, {"x": -3}) for text in ("x - 3", "x-3", "x = - 3", "x \u20143", "x \u20103")),
        *((text, {"angle": -30}) for text in ("rotated - 30 degrees", "angle-30", "angle: - 30")),
        ("x + 3", {"x": 3}),
        ("digit-7", {"digit": 7}),
        ("top-7", {"y": 6, "digit": 7}),
        ("7 - small", {"digit": 7, "size": 26}),
    ],
)
def test_a_sign_apart_from_its_number(text: str, values: dict[str, float]) -> None:
    assert asked(text) == values


@pytest.mark.parametrize(
    "text",
    ["x=3+2", "x = 3 * 2", "x^3", "x -= 3", "x += 3", "7+8", "7 & 8", "seven - 30 degrees", "x 2½"],
)
def test_an_operator_is_refused(text: str) -> None:
    assert "is not understood: write a negative number as in FACTOR=-3" in refused(text)


def test_powers_fractions_and_numbers_that_name_nothing_are_refused() -> None:
    for text in ("size 10²", "size 2½ mm"):
        assert "is not understood" in refused(text, ROOM)
    assert "did you mean '3'" not in refused("x -3..3")


def test_a_name_that_holds_a_sign() -> None:
    specs = (FactorSpec("strain", "categorical", values=("covid-19", "flu a+")), *PLAIN)
    assert asked("covid-19", specs) == {"strain": 0}
    assert asked("strain covid-19, x 0.5", specs) == {"strain": 0, "x": 0.5}
    assert asked("flu a+, x 0.5", specs) == {"strain": 1, "x": 0.5}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("woman with glasses", {"kind": 1, "glasses": 1}),
        ("no glasses", {"glasses": 0}),
        ("without glasses, smiling", {"glasses": 0, "smiling": 1}),
        ("glasses no", {"glasses": 0}),
        ("glasses=yes", {"glasses": 1}),
        ("glasses true", {"glasses": 1}),
        ("not smiling", {"smiling": 0}),
        ("smiling no", {"smiling": 0}),
    ],
)
def test_truth_values(text: str, values: dict[str, float]) -> None:
    assert asked(text, GLASSES) == values


def test_a_value_of_another_factor_after_a_name_is_refused() -> None:
    sentence = refused("background blue", ROOM)
    assert sentence == (
        "'background blue' may be a value of background, which does not have blue, or of colour: "
        "write colour=blue, or a comma between both."
    )
    assert asked("background, blue", ROOM) == {"colour": 1}
    assert asked("blue background black", ROOM) == {"colour": 1, "background": 1}
    assert "colour" in refused("count red", ROOM)


def test_levels_that_are_words_of_the_language() -> None:
    status = (FactorSpec("status", "categorical", values=("free", "taken")),)
    assert asked("status=free", status) == asked("status free", status) == {"status": 0}
    for letter, level in (("A", 0), ("I", 8), ("S", 18), ("B", 1)):
        assert asked(letter, LETTERS) == {"letter": level}
    size = FactorSpec("size", "continuous", range=(0, 8))
    assert asked("big A", (*LETTERS, size)) == {"letter": 0, "size": 7}
    assert asked("A big B", (*LETTERS, size)) == {"letter": 1, "size": 7}
    assert asked("a big B", (*LETTERS, size)) == {"letter": 1, "size": 7}


@pytest.mark.parametrize(
    ("ends", "period", "unit", "green", "blue"),
    [
        ((0, 360), 360, "degrees", 120, 240),
        ((-180, 180), 360, "degrees", 120, -120),
        ((0, 300), None, "degrees", 120, 240),
        ((-180, 180), None, "degrees", 120, -120),
        ((0, 1), None, "", 1 / 3, 2 / 3),
        ((0.1, 0.9), None, "", 1 / 3, 2 / 3),
        ((0, 2 * math.pi), None, "radians", 2 * math.pi / 3, 4 * math.pi / 3),
        ((0, 255), None, "", 85, 170),
    ],
)
def test_words_for_hues(
    ends: tuple[float, float], period: float | None, unit: str, green: float, blue: float
) -> None:
    kind = "periodic" if period else "continuous"
    specs = [FactorSpec("hue", kind, range=ends, period=period, unit=unit)]
    assert parse("green", specs).values["hue"] == pytest.approx(green)
    assert parse("blue", specs).values["hue"] == pytest.approx(blue)


def test_a_hue_that_the_images_do_not_have_is_refused() -> None:
    specs = [FactorSpec("hue", "continuous", range=(0, 120), unit="degrees")]
    assert "out of this model's range, 0 to 120 degrees" in refused("blue", specs)


@pytest.mark.parametrize(
    ("text", "name", "scale", "offset"),
    [
        ("20% further left", "x", 1, -3.6),
        ("20% higher", "y", 1, 3.6),
        ("20% lower", "y", 1, -3.6),
        ("20% bigger", "size", 1.2, 0),
        ("further clockwise", "angle", 1, -15),
        ("more counter-clockwise", "angle", 1, 15),
        ("10 degrees further clockwise", "angle", 1, -10),
        ("size +4 px", "size", 1, 4),
        ("size -4", "size", 1, -4),
        ("size 4 px smaller", "size", 1, -4),
        ("increase the size by 4 px", "size", 1, 4),
        ("more size", "size", 1, 4),
        ("half the angle", "angle", 0.5, 0),
    ],
)
def test_changes_of_digits(text: str, name: str, scale: float, offset: float) -> None:
    steps = parse(text, DIGITS, relative=True).steps
    assert steps == {name: (pytest.approx(scale), pytest.approx(offset))}


@pytest.mark.parametrize(
    ("text", "name", "scale", "offset"),
    [
        ("temperature +5 °C", "temperature", 1, 5),
        ("temperature 5 °C higher", "temperature", 1, 5),
        ("temperature 5 lower", "temperature", 1, -5),
        ("higher temperature", "temperature", 1, 15),
        ("reduce temperature by 5", "temperature", 1, -5),
        ("temperature 20% higher", "temperature", 1, 12),
        ("more weight", "weight", 1, 20),
        ("slightly less weight", "weight", 1, -10),
        ("weight 20% more", "weight", 1.2, 0),
        ("weight -5 kg", "weight", 1, -5),
        ("hue +30", "hue", 1, 30),
    ],
)
def test_changes_of_own_factors(text: str, name: str, scale: float, offset: float) -> None:
    steps = parse(text, WEATHER, relative=True).steps
    assert steps == {name: (pytest.approx(scale), pytest.approx(offset))}


def test_values_of_own_factors_in_an_edit() -> None:
    for text in ("temperature=+5", "temperature 5", "increase the temperature to 5 °C"):
        assert asked(text, WEATHER, relative=True) == {"temperature": 5}
    assert asked("temperature -5", WEATHER, relative=True) == {"temperature": -5}
    assert asked("x +3", DIGITS, relative=True) == {"x": 3}


def test_parts_of_a_circle() -> None:
    for text in ("half the angle", "twice the hue"):
        assert "is ambiguous, as" in refused(text, WEATHER, relative=True)
    turn = [FactorSpec("angle", "periodic", range=(0, 1), period=1)]
    assert asked("upside down", turn) == {"angle": 0.5}
    assert asked("tilted left", turn) == {"angle": round(30 / 360, 3)}


def test_factors_are_called_as_they_are() -> None:
    specs = [FactorSpec("subject", "categorical", values=("anna", "ben"))]
    assert request_of(specs, {"subject": "ben"}).values == {"subject": 1}
    with pytest.raises(UnbraidError, match="unknown factor 'relative'"):
        request_of(specs, {"relative": "yes"})
