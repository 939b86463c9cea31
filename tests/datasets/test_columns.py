"""Which kind a column of labels is, and what of it is unknown."""

import math
from typing import Any

import numpy as np
import pytest

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.datasets._columns import read_columns

REALS = np.random.default_rng(0).normal(size=40)


def one(
    column: Any, kind: str | None = None, name: str = "f", unit: str | None = None
) -> tuple[list[float], FactorSpec]:
    kinds = None if kind is None else {name: kind}
    units = None if unit is None else {name: unit}
    factors, specs, _ = read_columns({name: column}, kinds, units, "mine")
    assert factors is not None
    return factors[:, 0].tolist(), specs[0]


@pytest.mark.parametrize(
    ("column", "kind", "values"),
    [
        (["cat", "dog", "cat", ""], "categorical", ("cat", "dog")),
        (["3", "1", "3", ""], "categorical", (1, 3)),
        (["3.0", "1.0", "", "3.0"], "categorical", (1, 3)),  # as pandas writes them
        (["3.0", "1.0", "1.0", "3.0"], "continuous", None),
        ([str(each % 30) for each in range(60)], "ordinal", tuple(range(30))),
        ([str(each % 300) for each in range(600)], "continuous", None),
        (["1.5", "2", "nan", "N/A"], "continuous", None),
        (["True", "False", "True"], "categorical", ("False", "True")),
        (np.arange(40) % 3, "categorical", (0, 1, 2)),
        (np.arange(80) % 40, "ordinal", tuple(range(40))),
        (np.array([True, False, True]), "categorical", (False, True)),
        (REALS, "continuous", None),
        (np.array([1.0, np.nan, 3.0]), "categorical", (1, 3)),
        (np.array([1.0, 2.0, 3.0]), "continuous", None),
        (np.array(["b", "a", ""]), "categorical", ("a", "b")),
        (np.array([b"b", b"a"]), "categorical", ("a", "b")),
        (np.array([1, None, 2], object), "categorical", (1, 2)),
        (np.array([1.5, None, 2], object), "continuous", None),
        (np.array(["x", None, math.nan], object), "categorical", ("x",)),
        (np.array([True, None], object), "categorical", (True,)),
    ],
)
def test_kinds_that_are_inferred(column: Any, kind: str, values: Any) -> None:
    _, spec = one(column)
    assert (spec.kind, spec.values) == (kind, values)


def test_whole_numbers_of_a_class_are_a_class_however_many() -> None:
    for name in ("label", "Class", "person_id", "digit"):
        assert one(np.arange(400) % 100, name=name)[1].kind == "categorical"
    assert one(np.arange(40.0) % 10, name="digit")[1].values == tuple(range(10))
    assert one(np.arange(400) % 100, name="width")[1].kind == "ordinal"


PLACES = [str(each % 60) for each in range(300)]


@pytest.mark.parametrize("name", ["y", "y_position", "center_y", "pos y", "class size", "label"])
def test_decimals_are_numbers_whatever_their_name(name: str) -> None:
    column = [f"{each / 7:.2f}" for each in range(300)]
    spec = FactorSpec(name, "continuous", range=(0, 42.71))
    assert read_columns({name: column}, None, None, "mine")[1:] == ((spec,), ())


@pytest.mark.parametrize(
    ("name", "beside", "kind"),
    [
        ("y", "size", "categorical"),
        ("y_true", "x_true", "ordinal"),
        ("y_true", "size", "categorical"),
        ("y", "x", "ordinal"),
        ("y", "posX", "ordinal"),
        ("y", "x (mm)", "ordinal"),
        ("y", "max", "categorical"),
        ("y (px)", "size", "ordinal"),
        ("y_position", "size", "ordinal"),
        ("center y", "size", "ordinal"),
        ("target_y", "target_x", "ordinal"),
        ("target_y", "size", "categorical"),
        ("class size", "size", "ordinal"),
        ("size class", "size", "categorical"),
        ("label", "x", "categorical"),
    ],
)
def test_whole_numbers_in_y_are_classes_unless_it_is_a_place(
    name: str, beside: str, kind: str
) -> None:
    columns = {name: PLACES, beside: PLACES[::-1]}
    assert read_columns(columns, None, None, "mine").specs[0].kind == kind
    one_of_two = read_columns({name: PLACES}, None, None, "mine", beside=(beside,))
    assert one_of_two.specs[0].kind == kind


def test_whole_numbers_with_a_unit_are_places() -> None:
    for column, unit in ((PLACES, "px"), ([f"{each} px" for each in PLACES], None)):
        spec = one(column, name="y", unit=unit)[1]
        assert (spec.kind, spec.unit, len(spec.values or ())) == ("ordinal", "pixels", 60)


def test_classes_by_the_name_y_alone_are_noted() -> None:
    assert read_columns({"y": PLACES}, None, None, "mine").notes == (
        "mine: y is taken as 60 classes by its name; if it is a place or another quantity, say so "
        "with kinds (y=continuous).",
    )
    for name, kinds in (("y", "y=categorical"), ("label", None)):
        assert read_columns({name: PLACES}, kinds, None, "mine").notes == ()
    numbers = np.random.default_rng(0).permutation(300)
    (note,) = read_columns({"y": numbers}, None, None, "mine").notes
    assert note.endswith("(y=categorical, or y=continuous if it is a quantity).")


def test_what_is_unknown() -> None:
    factors, _, _ = read_columns(
        {"word": ["a", "", "NA"], "real": ["1.5", "null", "2"], "count": [" 1 ", "2", "3"]},
        *(None, None),
        "mine",
    )
    assert factors is not None
    assert factors.dtype == np.float64
    np.testing.assert_array_equal(factors, [[0, 1.5, 0], [math.nan, math.nan, 1], [math.nan, 2, 2]])
    known, _, _ = read_columns({"a": ["x", "y"], "b": ["1", "2"]}, None, None, "mine")
    assert known is not None
    assert known.dtype == np.int64


def test_kinds_that_are_given() -> None:
    assert one(["3", "1", "2"], "continuous") == (
        [3.0, 1.0, 2.0],
        FactorSpec("f", "continuous", range=(1.0, 3.0)),
    )
    assert one(["3", "10", ""], "ordinal")[1].values == (3, 10)
    assert one(["small", "huge", "small"], "ordinal:small/medium/huge") == (
        [0, 2, 0],
        FactorSpec("f", "ordinal", values=("small", "medium", "huge")),
    )
    assert one(["1", "x", "2"], "categorical")[1].values == ("1", "2", "x")
    assert one(np.array(["1.5", "2"]), "continuous")[0] == [1.5, 2.0]
    assert one(np.array(["1,5", "2,25"]), "continuous")[0] == [1.5, 2.25]
    assert one(np.array(["90 px", "180 px"], object), "circular:360")[0] == [90.0, 180.0]
    assert one(np.array([1.5, 2.5]), "categorical")[1].values == (1.5, 2.5)


@pytest.mark.parametrize(
    ("kind", "unit", "period"), [("circular:360", "", 360), ("circular", "deg", 360)]
)
def test_circular(kind: str, unit: str, period: float) -> None:
    values, spec = one(["0", "90", "370", ""], kind, unit=unit or None)
    np.testing.assert_array_equal(values, [0, 90, 10, math.nan])
    assert (spec.kind, spec.period, spec.range) == ("periodic", period, (0.0, 360.0))
    values, spec = one(np.array([-10.0, 350.0, 185.0]), kind, unit=unit or None)
    assert values == [-10, -10, -175]
    assert spec.range == (-180.0, 180.0)


def test_units() -> None:
    assert one(REALS, unit="px")[1].unit == "pixels"
    assert one(REALS, unit="pixels right")[1].unit == "pixels right"
    _, specs, _ = read_columns({"a": REALS, "b": REALS}, None, "a = °, b=kg", "mine")
    assert [spec.unit for spec in specs] == ["degrees", "kg"]


@pytest.mark.parametrize(
    ("column", "kind", "sentence"),
    [
        (
            ["23", "41", "unknown", "old"],
            None,
            r"mine: f mixes numbers \(such as 23\) and words \('unknown' in row 2 and 1 more\): "
            r"empty the cells that are unknown, leave the column out, or say with kinds that it is "
            r"a category \(f=categ",
        ),
        ([*map(str, REALS), "-"], None, r"mixes numbers .* and words \('-' in row 40\): empty"),
        (["1,234", "12"], None, r"commas in numbers \(such as 1,234\) that may be decimal or mark"),
        ([f"1,{each}" for each in range(100, 160)], None, "commas in numbers"),
        (["1", "inf"], None, "mixes numbers"),
        (
            ["1.5 px", "unknown", "2.5 px"],
            None,
            r"mixes numbers \(such as 1.5 px\) and words \('unk",
        ),
        (["12 px", "2 cm"], None, r"several units \('cm' and 'px'\): convert them to one, leave"),
        (["12", "2 cm"], None, r"several units \(none and 'cm'\)"),
        (["1", "1_000"], None, "mixes numbers"),
        (np.array([1.0, np.inf]), None, "infinite in 1 of 2 rows, the first of them row 1"),
        (np.array([1j]), None, "type complex128, expected numbers or words: convert it"),
        (np.array([{}, {}], object), None, "holds dict, expected numbers or words: convert them"),
        (["a", "b"], "continuous", "f is to be continuous, but 'a' and 1 more are not numbers"),
        (["a", "b"], "ordinal", "say its order, as in f=ordinal:low/high"),
        (["a", "b"], "ordinal:a/c", "order given for f is a/c, but its levels are a, b"),
        (["1", "2"], "circular", r"its period is not given, expected a number above 0, as in"),
        (["1", "2"], "circular:-3", "its period is '-3'"),
        (["1", "2"], "ordnal", r"given as 'ordnal' \(did you mean 'ordinal'\?\), expected one of"),
    ],
)
def test_what_is_refused(column: Any, kind: str | None, sentence: str) -> None:
    with pytest.raises(UnbraidError, match=sentence):
        one(column, kind)


def test_names_of_no_column() -> None:
    with pytest.raises(UnbraidError, match=r"kinds name 'agee' \(did you mean 'age'\?\), but its"):
        read_columns({"age": REALS}, "agee=ordinal", None, "mine")
    with pytest.raises(UnbraidError, match="units hold 'age', expected FACTOR=VALUE"):
        read_columns({"age": REALS}, None, "age", "mine")


def test_columns_that_are_no_factors_are_left_out_and_named() -> None:
    columns: dict[str, Any] = {
        "": [str(each) for each in range(60)],
        "row": [str(each) for each in range(60)],
        "comment": [f"image {each}" for each in range(60)],
        "person_id": np.arange(60)[::-1],
        "nothing": [""] * 60,
        "age": [str(each % 7 + 0.5) for each in range(60)],
    }
    _, specs, notes = read_columns(columns, None, None, "mine")
    assert [spec.name for spec in specs] == ["age"]
    assert "row was left out, as it numbers the rows" in notes[1]
    assert "mine: a column was left out, as it has no name" in notes[0]
    assert "comment was left out, as 60 of its 60 texts (such as 'image 0') are" in notes[2]
    assert "60 of its 60 numbers of classes (such as '59') are different" in notes[3]
    assert "nothing was left out, as it is empty" in notes[4]
    given = read_columns(columns, "comment=categorical", None, "mine").specs
    assert [spec.name for spec in given] == ["comment", "age"]


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("offset (mm)", "mm"),
        ("speed [m/s]", "m/s"),
        ("size ( px )", "pixels"),
        ("turn (°)", "degrees"),
        ("turn (Deg)", "degrees"),
        ("age (Years)", "Years"),
        ("t (°C)", "°C"),
        ("rate [1/s]", "1/s"),
        ("area (mm²)", "mm²"),
        ("load (kg/m^3)", "kg/m^3"),
        ("run (2)", ""),
        ("age (if it is known)", ""),
        ("height (max)", ""),
        ("x (left)", ""),
        ("pos (x)", ""),
        ("score (new)", ""),
        ("loss (log)", ""),
        ("height (min)", ""),
        ("value(s)", ""),
        ("time (s)", "s"),
        ("(mm) offset", ""),
        ("(mm)", ""),
    ],
)
def test_units_in_the_names_of_columns(name: str, unit: str) -> None:
    assert one(REALS, name=name)[1].unit == unit
    assert one(["1.5 kg", "2.5 kg", ""], name=name)[1].unit == "kg"
    assert one(REALS, name=name, unit="cm")[1].unit == "cm"
    assert one(["a", "b", "a"], name=name)[1].unit == ""
    assert one(["1", "2", "3"], "categorical", name=name)[1].unit == ""


def test_whole_numbers_with_a_unit_are_quantities() -> None:
    ages = np.array([5, 9, 5, 14])
    assert one(ages, name="height")[1].kind == "categorical"
    for name, unit in (("height (cm)", None), ("height", "cm")):
        spec = one(ages, name=name, unit=unit)[1]
        assert (spec.kind, spec.unit, spec.values) == ("ordinal", "cm", (5, 9, 14))
    assert one(["5 cm", "9 cm", "5 cm"], name="height")[1].kind == "ordinal"
    assert one(ages, name="label (cm)")[1].kind == "categorical"
    assert one(ages, "categorical", name="height (cm)")[1].kind == "categorical"


def test_brackets_that_hold_no_known_unit_are_noted() -> None:
    found = read_columns(
        {"score (ECTS)": REALS, "rate (wpm)": REALS, "n(s)": REALS}, None, None, "m"
    )
    assert [spec.unit for spec in found.specs] == ["", "wpm", ""]
    assert found.notes == (
        "m: 'ECTS' in score (ECTS) is not known to be a unit, and is taken as part of the name; if "
        "it is one, say so with units (score (ECTS)=ECTS).",
    )
    few = {"tempo (foo)": np.array([1, 2, 3])}
    assert "'foo' in tempo (foo) is not known" in " ".join(read_columns(few, None, None, "m").notes)
    real = read_columns({"class size (mm)": np.array([1.5, 2.5, 3.25] * 4)}, None, None, "m")
    assert (real.specs[0].unit, real.notes) == ("mm", ())
    units = {"score (ECTS)": "ECTS"}
    assert read_columns({"score (ECTS)": REALS}, None, units, "m").notes == ()


@pytest.mark.parametrize(
    ("cells", "values", "unit"),
    [
        (["12 px", "13.5px", ""], [12.0, 13.5, math.nan], "pixels"),
        (["50%", "7.5 %"], [50.0, 7.5], "%"),
        (["30°", "-4.5°"], [30.0, -4.5], "degrees"),
        (["1,5", "2"], [1.5, 2.0], ""),
        (["0,125", "1,250"], [0.125, 1.25], ""),
        (["1,5 cm", "0,25 cm"], [1.5, 0.25], "cm"),
        (["1,234.5", "12"], [1234.5, 12.0], ""),
        (["1,234,567", "1.5"], [1234567.0, 1.5], ""),
        (["1.5", "#N/A", "<NA>"], [1.5, math.nan, math.nan], ""),
        (["\u22121.5", "2"], [-1.5, 2.0], ""),
    ],
)
def test_numbers_as_tables_write_them(cells: list[str], values: list[float], unit: str) -> None:
    found, spec = one(cells)
    np.testing.assert_array_equal(found, values)
    assert (spec.kind, spec.unit) == ("continuous", unit)
    assert one(cells, unit="kg")[1].unit == "kg"


def test_words_that_only_look_like_numbers_with_a_unit() -> None:
    for words in (["3D", "2D"], ["12a", "13a"], ["1.2.3", "2.0.1"]):
        assert one(words)[1].values == tuple(sorted(words))


@pytest.mark.parametrize("largest", [2**53, 10**18, 2**64 - 4, 10**400])
def test_whole_numbers_that_float64_rounds_are_told_apart(largest: int) -> None:
    """They are names, such as ids; as numbers, different ones would become one class."""
    numbers = [largest + n % 4 for n in range(40)]
    columns: list[Any] = [[*map(str, numbers)], np.array(numbers, object)]
    if largest < 2**64:
        columns.append(np.array(numbers, np.uint64))
    for column in columns:
        found, spec = one(column)
        assert (spec.kind, len(spec.values)) == ("categorical", 4)
        assert found[:8] == [0, 1, 2, 3] * 2


def test_an_angle_that_may_be_circular_is_named() -> None:
    turn = [str(each * 7.25 % 360) for each in range(60)]
    note = "hue is taken as a number from 0 to"
    assert note in read_columns({"hue": turn}, None, None, "mine").notes[0]
    assert not read_columns({"hue": turn}, "hue=continuous", None, "mine").notes
    assert not read_columns({"weight": turn}, None, None, "mine").notes


def test_values_that_differ_in_capitals_are_named() -> None:
    notes = read_columns({"hue": ["Red", "red"] * 9}, None, None, "mine").notes
    assert "hue has the values Red and red, which differ in capitals only" in notes[0]


def test_what_cannot_be_learnt_is_said() -> None:
    columns = {"fixed": ["3"] * 9, "animal": ["cat"] * 4 + ["dog"] * 4 + ["owl"]}
    factors, _, notes = read_columns(columns, None, None, "mine")
    assert factors is not None
    assert factors.shape == (9, 2)
    assert "fixed is 3 wherever it is known, so nothing can be learned about it" in notes[0]
    assert "1 of the 3 values of animal occurs once (owl), too rarely" in notes[1]


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        ("angle", 3.0 * np.arange(120), "angle is taken as a number from 0 to 357"),
        ("angle", 3 * np.arange(120) + 0.5, "angle is taken as a number from 0.5 to 357.5"),
        ("hue", np.repeat(np.arange(0, 360, 30), 10), "hue is taken as classes from 0 to 330"),
        ("angle", np.arange(120), ""),
    ],
)
def test_whole_degrees_of_a_turn_are_asked_about_as_others_are(
    name: str, values: Any, said: str
) -> None:
    _, _, found = read_columns({name: values}, None, None, "mine")
    notes = [note for note in found if "ends differ" in note]
    assert len(notes) == bool(said)
    assert said in "".join(notes)


def test_dates_are_text() -> None:
    days = np.array(["2026-01-01", "2026-01-02", "NaT"] * 2, "datetime64[D]")
    levels, spec = one(days)
    assert spec.kind == "categorical"
    assert spec.values == ("2026-01-01", "2026-01-02")
    assert np.isnan(levels[2])
    objects = np.array([None if np.isnat(day) else day.item() for day in days], object)
    found, same = one(objects)
    assert same == spec
    np.testing.assert_array_equal(found, levels)
