"""What a spec says of a factor: how long a turn is as stored, and which level is the nearest."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch

from unbraid.control.factor_distance import factor_distance, range_length
from unbraid.control.linear_gaussian.design_matrix import DesignMatrix
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec, Symmetry, specs_from_json, specs_to_json
from unbraid.datasets import dsprites, smallnorb
from unbraid.datasets._association import associations
from unbraid.figures.show import _away
from unbraid.methods._factor_codes import FactorCodes


def circle(*values: str | float, period: float = 360.0) -> FactorSpec:
    return FactorSpec("angle", "periodic", values=values, period=period)


ORIENTATION = dsprites.SPECS[3]
CLOSED = circle(*range(0, 361, 30))  # the last is the first
SEVENTH = circle(*np.linspace(0, 360, 7, endpoint=False).round(2).tolist())
ARC = circle(0, 30, 60)
UNEVEN = circle(0, 10, 200)
ODD = circle(0, 50, 100, 150, 200, 250, 300, 350)
TWICE = circle(*range(0, 720, 90))
BACK = circle(270, 180, 90, 0)
COMPASS = circle("north", "east", "south", "west")


@pytest.mark.parametrize(
    ("spec", "turn", "wrap"),
    [
        (ORIENTATION, 39, 38.5),
        (next(each for each in smallnorb.SPECS if each.period), 18, 17.5),
        (CLOSED, 12, 11.5),
        (SEVENTH, 7, 6.5),
        (ARC, 12, 7),
        (UNEVEN, 3, 2.5),
        (ODD, 7.2, 7.1),
        (TWICE, 4, 3.5),
        (BACK, 4, 3.5),
        (COMPASS, 4, 3.5),
        (circle(7), 1, 0.5),
        (FactorSpec("a", "periodic", range=(-90, 90), period=180), 180, 89.5),
        (FactorSpec("x", "ordinal", values=(1, 2, 4)), None, math.inf),
    ],
)
def test_a_turn_is_as_many_steps_as_it_takes(
    spec: FactorSpec, turn: float | None, wrap: float
) -> None:
    assert spec.stored_turn == (turn if turn is None else pytest.approx(turn, rel=1e-12))
    if spec.values is not None:
        assert spec.wrap_level == pytest.approx(wrap)


def test_a_turn_of_ten_hues_is_exactly_ten() -> None:
    hue = FactorSpec("hue", "periodic", values=tuple(np.linspace(0, 0.9, 10).tolist()), period=1)
    assert hue.stored_turn == 10.0


@pytest.mark.parametrize("spec", [ORIENTATION, CLOSED, SEVENTH, ARC, ODD, TWICE, BACK, COMPASS])
def test_what_is_decoded_is_the_nearest_level(spec: FactorSpec) -> None:
    """Of all levels, by the distance round the circle; of equal ones the first."""
    assert spec.values is not None
    assert spec.stored_turn is not None
    bare = FactorSpec("angle", "periodic", values=spec.values, period=spec.period)
    angles = np.linspace(-7, 7, 1001)
    steps = angles[:, None] * bare.stored_turn / (2 * np.pi) - np.arange(len(spec.values))
    away = np.abs(steps - bare.stored_turn * np.rint(steps / bare.stored_turn))
    away[:, math.ceil(bare.stored_turn) :] += 1e-3  # repeats
    first, second = np.sort(away, 1)[:, :2].T
    sure = second - first > 1e-4
    assert sure.mean() > 0.9
    design, coder = DesignMatrix([bare]), FactorCodes([bare])
    columns = torch.from_numpy(np.stack([np.sin(angles), np.cos(angles)], 1)).float()
    for found in (design.factors([], angles[:, None])[:, 0], coder.decode(columns)[:, 0].numpy()):
        assert set(found.tolist()) <= set(range(len(spec.values)))
        np.testing.assert_array_equal(found[sure], away.argmin(1)[sure])


def test_the_last_orientation_of_dsprites_is_the_first() -> None:
    rows = np.zeros((40, 6))
    rows[:, 1], rows[:, 3] = 2, np.arange(40)  # hearts
    first = np.tile(rows[:1], (40, 1))
    expected = np.minimum(np.arange(40), 39 - np.arange(40)) / 39
    np.testing.assert_allclose(factor_distance(dsprites.SPECS, first, rows), expected, atol=1e-12)
    assert range_length(ORIENTATION) == 39
    regressors = DesignMatrix(dsprites.SPECS)(rows)
    np.testing.assert_allclose(regressors[39], regressors[0], atol=1e-12)
    assert np.abs(regressors[38] - regressors[0]).max() > 0.1
    rows[:, 1] = 0  # squares: a quarter of a turn is no difference
    quarter = rows[:1] + np.eye(6)[3] * 39 / 4
    np.testing.assert_allclose(factor_distance(dsprites.SPECS, rows[:1], quarter), 0, atol=1e-12)


def test_one_circle_determines_another_whose_ends_meet() -> None:
    here = np.arange(390) % 39
    other = FactorSpec("other", "periodic", values=ORIENTATION.values, period=ORIENTATION.period)
    pair = np.stack([here, (here + 13) % 39], 1)
    assert associations(pair, [ORIENTATION, other])[0, 1] == pytest.approx(1, abs=1e-9)


def test_figures_go_round_the_circle_by_its_own_steps() -> None:
    """On the scale from the first level to the last: for 24 azimuths, a step is a 23rd."""
    azimuth = circle(*range(0, 360, 15))
    offsets = np.array([1.0, 22 / 23, 0.5, np.nan])
    np.testing.assert_allclose(_away(azimuth, offsets), [1 / 23, 2 / 23, 0.5, 1])
    np.testing.assert_allclose(_away(ORIENTATION, offsets[:1]), [0], atol=1e-12)


def test_a_step_on_a_circle_of_words_is_a_level() -> None:
    from unbraid.control.language.values import FactorValues

    values = FactorValues(COMPASS, "", 0)
    assert values.changed(np.array([0.0, 3.0]), 1.0, 1.0).tolist() == [1, 0]
    assert values.changed(np.array([0.0]), 1.0, -1.0).tolist() == [3]


def test_a_symmetry_is_in_stored_steps() -> None:
    shape = FactorSpec("shape", "categorical", values=("bar",))
    angle = FactorSpec(
        "angle",
        "periodic",
        values=tuple(range(0, 361, 30)),
        period=360,
        symmetries=(Symmetry("shape", "bar", 180),),
    )
    asked, found = np.array([[0, 1.0], [0, 1.0]]), np.array([[0, 7.0], [0, 10.0]])
    np.testing.assert_allclose(factor_distance([shape, angle], asked, found), [0, 3 / 12])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"kind": "Ordinal"}, r"kind of factor 'a' is 'Ordinal' \(did you mean 'ordinal'\?\)"),
        ({"kind": "circular"}, r"is 'circular' \(did you mean 'periodic'\?\), expected one of"),
        ({"kind": None}, r"is None, expected one of categorical, ordinal, continuous, periodic\."),
        ({"name": ""}, "the name of a factor is ''"),
        ({"name": 3}, "the name of a factor is 3"),
        ({"values": ()}, "factor 'a' has no values"),
        ({"values": "abc"}, "values of factor 'a' are 'abc', expected several"),
        ({"values": 3}, "values of factor 'a' are 3, expected several"),
        ({"values": ("x", "y", "x")}, "has the value 'x' twice"),
        ({"values": (1, None)}, "a value of factor 'a' is None, expected a text or a number"),
        (
            {"range": (1, 0)},
            r"range of factor 'a' is \(1, 0\), expected the lowest and",
        ),
        ({"range": (0, math.inf)}, "two finite numbers"),
        ({"range": (math.nan, 1)}, "two finite numbers"),
        ({"range": (0, 1, 2)}, "two finite numbers"),
        ({"range": 3}, "two finite numbers"),
        ({"range": ("a", "b")}, "two finite numbers"),
        ({"kind": "periodic", "period": -1}, "its period is -1, expected a number above 0"),
        ({"kind": "periodic"}, "its period is None, expected a number above 0"),
        ({"values": None}, "neither values nor a range"),
    ],
)
def test_a_spec_that_says_nothing_sensible_is_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UnbraidError, match=sentence):
        FactorSpec(**{"name": "a", "kind": "ordinal", "values": (0, 1), **given})


def test_values_and_ranges_may_be_lists_and_constant() -> None:
    given: dict[str, Any] = {"values": np.arange(2), "range": np.full(2, 2, np.float32)}
    made = FactorSpec("a", "ordinal", **given)
    assert made == FactorSpec("a", "ordinal", values=(0, 1), range=(2.0, 2.0))
    assert hash(made)
    assert specs_from_json(json.loads(json.dumps(specs_to_json([made])))) == (made,)


def test_stored_names_and_values_of_earlier_versions_are_told_apart() -> None:
    stored = [{"name": "", "kind": "categorical", "values": ["crane", "maillot", "crane"]}]
    (spec,) = specs_from_json(stored)
    assert spec.name == "factor"
    assert spec.values == ("crane", "maillot", "crane (2)")
