"""Factors in their units, compared by what their specs say of circles and symmetries."""

from __future__ import annotations

import numpy as np

from tests.control import scenes
from unbraid.control.assessment import judge_cache, report_tables
from unbraid.control.assessment.units import FactorUnits, unit_of, varies
from unbraid.core.factors import FactorSpec, Symmetry
from unbraid.datasets.digits import Config, factor_specs
from unbraid.datasets.dsprites import ORIENTATIONS, SPECS


def test_levels_have_the_values_of_their_specs() -> None:
    units = FactorUnits(scenes.SPECS)
    values = units.values(np.array([[2, 1.5, 90, 1.5], [0, np.nan, 0, 3]]))
    np.testing.assert_allclose(values, [[2, 1.5, 90, 0.6], [0, np.nan, 0, 1]])
    words = FactorUnits([FactorSpec("step", "ordinal", values=("low", "middle", "high"))])
    np.testing.assert_array_equal(words.values(np.array([[2.0]])), [[2.0]])
    assert unit_of(words.specs[0]) == "levels"


def test_differences_go_the_shorter_way_round() -> None:
    units = FactorUnits(scenes.SPECS)
    one = np.array([[0, 1.0, 350, 0.3], [1, 1, 170, 1], [2, 1, 50, 1], [0, np.nan, 10, 1]])
    other = np.array([[1, -1.0, 10, 0.3], [1, 1, 0, 0.3], [2, 1, 10, 1], [0, 1, 10, 1]])
    away = units.difference(one, other, other)
    np.testing.assert_allclose(away[0], [1, 2, -20, 0])  # of a bar, by 180 degrees
    np.testing.assert_allclose(away[1], [0, 0, -10, 0.7])
    np.testing.assert_array_equal(away[2], [0, 0, np.nan, 0])  # a ring has no angle
    np.testing.assert_array_equal(away[3], [0, np.nan, 0, 0])


def test_the_sooner_of_two_periods_counts() -> None:
    specs = factor_specs(Config())
    units = FactorUnits(specs)
    one = np.array([[3, 30, 0, 0, 80.0, 4], [0, 30, 0, 0, 80.0, 4]])
    other = np.array([[3, 30, 0, 0, -80.0, 4], [3, 30, 0, 0, -80.0, 4]])
    assert units.difference(one, other, one, other)[:, 4].tolist() == [160, -20]


def test_sprites_turn_by_their_symmetry() -> None:
    """A square by a quarter of a turn, an ellipse by half, a heart by a whole one."""
    units = FactorUnits(SPECS)
    quarter = int(np.flatnonzero(np.pi / 2 > ORIENTATIONS)[-1])
    rows = np.array([[0, shape, 3, quarter, 5, 5] for shape in range(3)], float)
    still = rows.copy()
    still[:, 3] = 0
    away = units.difference(units.values(rows), units.values(still))[:, 3]
    assert -0.2 < away[0] < 0
    np.testing.assert_allclose(away[1:], ORIENTATIONS[quarter], atol=1e-9)
    assert not units.difference(units.values(rows), units.values(still))[:, [0, 1, 2, 4, 5]].any()
    assert (
        abs(
            units.difference(
                np.array([[0, 2, 1, 2 * np.pi, 0, 0]]), still[2:] * 0 + [0, 2, 1, 0, 0, 0]
            )
        )[0, 3]
        == 0
    )


def test_symmetries_of_levels_that_are_numbers() -> None:
    specs = (
        FactorSpec("sides", "ordinal", values=(3, 4, 5)),
        FactorSpec(
            "angle",
            "periodic",
            range=(0, 360),
            period=360,
            symmetries=(Symmetry("sides", 4, 90.0),),
        ),
    )
    units = FactorUnits(specs)
    # what a judge reads lies between two levels
    away = units.difference(
        np.array([[4.2, 80.0], [4.6, 80.0]]), np.array([[4.2, 0.0], [4.6, 0.0]])
    )
    assert away[:, 1].tolist() == [-10, 80]


def test_what_varies() -> None:
    assert not varies(SPECS[0])
    assert varies(SPECS[1])
    assert not varies(FactorSpec("x", "continuous", range=(2, 2)))


def test_errors_of_a_small_range_are_told_apart() -> None:
    """A length in metres of images of a few centimetres."""
    figure = {"value": 0.00123, "standard_error": 0.0001, "real": 0.0009, "unit": "m"}
    report = {"figures": {"length": figure}, "leakage": {}}
    errors = {"length": {"value": 0.0008, "unit": "m", "chance": 0.004}}
    (row,) = report_tables.table_rows(report, errors)
    assert row == ("length (lower)", "0.00123", "0.00010", "0.00090", "0.00080", "m")
    assert judge_cache.table_rows({"errors": errors}) == [("length", "0.00080", "0.00400", "m")]
