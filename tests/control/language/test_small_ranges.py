"""Factors whose ranges are small beside their numbers, as own data often have, and their names."""

from __future__ import annotations

import pytest

from unbraid.control.language.parser import build_request, parse
from unbraid.control.language.terms import factor_terms
from unbraid.control.language.values import level_text
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec

SMALL = (
    FactorSpec("alpha beta", "continuous", range=(0.006, 0.01996)),
    FactorSpec("kelvin", "continuous", range=(293.15, 295.0), unit="K"),
    FactorSpec("dose", "ordinal", values=(0.001, 0.002, 0.05)),
    FactorSpec("count", "continuous", range=(1.3e6, 2e6)),
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("alpha beta 0.0123", "alpha beta 0.0123"),
        ("alpha beta 50%", "alpha beta 0.013 (50% of the range)"),
        ("kelvin 294.12", "kelvin 294.12 K"),
        ("dose 0.002", "dose 0.002"),
        ("count 1328681.5", "count 1.329e+06"),
    ],
)
def test_values_are_shown_to_a_hundredth_of_the_range(text: str, told: str) -> None:
    assert parse(text, SMALL).describe().split(";")[0] == told


def test_ranges_are_shown_as_they_are() -> None:
    ranges = [each.describe_range() for each in factor_terms(SMALL)]
    assert ranges == ["0.006 to 0.02", "293.15 to 295 K", "0.001, 0.002, 0.05", "1.3e+06 to 2e+06"]
    with pytest.raises(UnbraidError, match=r"range, 0\.006 to 0\.02: .* the nearest, 0\.006"):
        parse("alpha beta 0.0051", SMALL)


def test_classes_with_long_numbers_are_told_apart() -> None:
    assert [level_text(value) for value in (1234567, 1234568, 2.0, 0.25)] == [
        "1234567",
        "1234568",
        "2",
        "0.25",
    ]


def test_a_unit_in_the_name_leaves_the_words_of_a_factor() -> None:
    specs = (
        FactorSpec("size (mm)", "ordinal", values=(4, 5, 6, 7, 8, 9, 10)),
        FactorSpec("angle (degrees)", "continuous", range=(-45.0, 45.0)),
    )
    assert [each.role for each in factor_terms(specs)] == ["size", "rotation"]
    assert parse("biggest", specs).values == {"size (mm)": 6.0}
    assert parse("small", specs).values == build_request(specs, **{"size (mm)": "small"}).values
    twice = (*specs, FactorSpec("size (px)", "continuous", range=(1.0, 2.0)))
    with pytest.raises(UnbraidError, match=r"size \(mm\) or size \(px\)|size \(mm\).*size \(px\)"):
        parse("small", twice)
