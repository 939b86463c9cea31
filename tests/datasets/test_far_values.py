"""Numbers that are far from all others of their column are noted, and heavy tails are not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

from unbraid.datasets._columns import read_columns
from unbraid.datasets._far_values import far_notes

Numbers = NDArray[np.float64]


def notes(numbers: Numbers) -> list[str]:
    return far_notes(np.asarray(numbers, np.float64), "size", "mine", lambda row: f"row {row}")


def sizes(count: int = 693) -> Numbers:
    return np.random.default_rng(0).uniform(12, 33, count)


def test_an_error_of_typing_is_named_with_its_row() -> None:
    texts = [f"{each:.1f}" for each in sizes()]
    texts[18], texts[0], texts[1], texts[2] = "300.0", "", "12.0", "33.0"
    found = read_columns({"size (mm)": texts}, None, None, "mine", lambda row: f"the row of {row}")
    assert found.notes == (
        "mine: size (mm) is 300 in the row of 18, far from the others, which are 12 to 33: check "
        "it, as words such as small and big refer to the whole range.",
    )
    assert found.specs[0].range == (12.0, 300.0)


def test_whole_numbers_are_looked_at_too_and_categories_and_circles_are_not() -> None:
    ages = np.arange(400) % 40
    ages[7] = 999
    (note,) = read_columns({"age": ages}, None, None, "mine").notes
    assert note.startswith("mine: age is 999 in row 7, far from the others, which are 0 to 39:")
    for kind in ("categorical", "circular:1000"):
        found = read_columns({"age": ages}, {"age": kind}, None, "mine").notes
        assert "far from" not in " ".join(found)


def test_both_ends_and_several_values() -> None:
    numbers = sizes()
    numbers[[3, 5, 8]] = -999
    numbers[4] = 120
    low, high = notes(numbers)
    assert "size is -999 in row 3 (and 2 more as far), far from the others, which are 12" in low
    assert "size is 120 in row 4, far from the others, which are 12" in high


@pytest.mark.parametrize("count", [60, 693, 20_000])
def test_far_is_far_in_any_unit(count: int) -> None:
    for scale, start in ((1.0, 0.0), (1e-9, 0.0), (1e9, -5e10), (-1.0, 3.0)):
        numbers = sizes(count)
        assert notes(scale * numbers + start) == []
        numbers[count // 2] = 300
        assert len(notes(scale * numbers + start)) == 1


def test_few_numbers_and_near_ones_are_not_noted() -> None:
    assert notes(np.array([*sizes(48), 300])) == []
    assert notes(np.array([*sizes(), 45])) == []
    assert notes(np.array([*sizes(48), *[np.nan] * 100, 300])) == []
    assert notes(np.full(200, 3.0)) == []
    assert notes(np.zeros(0)) == []


PLAUSIBLE: dict[str, tuple[Callable[[Generator, int], Numbers], float]] = {
    "normal": (lambda draw, n: draw.normal(size=n), 0),
    "exponential": (lambda draw, n: draw.exponential(size=n), 0.01),
    "sizes": (lambda draw, n: draw.lognormal(sigma=0.5, size=n), 0.01),
    "incomes": (lambda draw, n: draw.lognormal(sigma=1, size=n), 0.02),
    "areas": (lambda draw, n: draw.pareto(2, size=n), 0.03),
    "ages": (lambda draw, n: np.rint(draw.gamma(6, 6, size=n)), 0.01),
    "mostly zero": (lambda draw, n: draw.exponential(size=n) * (draw.random(n) < 0.05), 0.01),
    "two groups": (lambda draw, n: draw.normal(100 * (draw.random(n) < 0.5), 1), 0),
    "levels": (lambda draw, n: draw.choice([0.0, 0.5, 1.0], n), 0),
}


@pytest.mark.parametrize("name", PLAUSIBLE)
def test_plausible_columns_are_rarely_noted(name: str) -> None:
    make, share = PLAUSIBLE[name]
    draw = np.random.default_rng(1)
    for count, times in ((50, 300), (700, 300), (100_000, 5)):
        noted = sum(bool(notes(make(draw, count))) for _ in range(times))
        assert noted <= np.ceil(share * times), count
