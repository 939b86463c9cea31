"""Factors that some objects do not have, or that nobody labelled, are not counted in reports."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from unbraid.control.assessment.nearest import Nearest
from unbraid.control.assessment.observations import Counted, Observations
from unbraid.control.assessment.report import measure
from unbraid.control.assessment.summary import _mean, _mean_of_known, _spread_over_all
from unbraid.core.factors import FactorSpec

Floats = NDArray[np.float64]
SPECS = (
    FactorSpec("shape", "categorical", values=("disc", "square", "triangle")),
    FactorSpec("size", "continuous", range=(0.0, 1.0)),
    FactorSpec("angle", "periodic", range=(0.0, 360.0), period=360.0, unit="degrees"),
)


def table(count: int, seed: int = 0) -> Floats:
    """Draw factors, (count, 3), in which discs have no angle."""
    rng = np.random.default_rng(seed)
    rows = rng.uniform(0, (1, 1, 360), (count, 3))
    rows[:, 0] = rng.integers(0, 3, count)
    rows[rows[:, 0] == 0, 2] = np.nan
    return rows


def draw(rows: Floats, _: Any = None) -> Floats:
    """Draw images whose first pixels are the factors; a disc looks the same at any angle."""
    images = np.zeros((len(rows), 1, 16, 16))
    images[:, 0, 5, 5] = 0.5
    images[:, 0, 0, :2] = np.nan_to_num(rows[:, :2]) / (2, 1)
    images[:, 0, 0, 2] = np.where(rows[:, 0] == 0, 0, np.nan_to_num(rows[:, 2]) / 360)
    return images


class PixelJudge:
    """Reads what ``draw`` drew, without an error."""

    names = ("shape", "size", "angle")

    def read(self, images: Any) -> Floats:
        pixels = np.asarray(images, float)[:, 0, 0, :3] / (1 if images.dtype != np.uint8 else 255)
        return np.column_stack([np.rint(2 * pixels[:, 0]), pixels[:, 1], 360 * pixels[:, 2]])


def source_of(rows: Floats) -> Nearest:
    return Nearest([((255 * draw(rows)).round().astype(np.uint8), rows)], SPECS)


@pytest.mark.parametrize("drawn", ["joint", "independent"])
def test_a_perfect_model_has_no_error_and_no_leakage(drawn: Any) -> None:
    told = measure(draw, PixelJudge(), SPECS, source_of(table(400)), 600, 0, drawn)
    figures = {name: figure["value"] for name, figure in told["figures"].items()}
    assert figures["shape accuracy"] == figures["shape changes"] == 100
    assert figures["angle"] < 1e-3  # 28 degrees if discs are asked for angles
    assert figures["size"] < 1e-6
    assert figures["leakage"] < 1e-3
    assert figures["shape flips"] == 0
    assert 0.1 < told["figures"]["angle"]["real"] < 1  # 256 greys
    assert told["moves"]["shape"]["angle"]["value"] < 1e-3
    assert told["moves"]["shape"]["angle"]["real"] < 1


def test_an_effect_of_a_factor_that_is_not_there_is_none() -> None:
    """The size of discs follows the angle that is asked for, which discs do not have."""

    def odd(rows: Floats, _: Any) -> Floats:
        own = rows.copy()
        own[:, 1] = np.where(rows[:, 0] == 0, rows[:, 2] / 360, rows[:, 1])
        return draw(own)

    told = measure(odd, PixelJudge(), SPECS, source_of(table(400)), 600, 0, "independent")
    assert told["moves"]["angle"]["size"]["value"] < 1e-6
    assert told["figures"]["size"]["value"] > 0.05  # sizes are asked of discs


def test_what_counts_is_what_is_known() -> None:
    rows = table(60)
    rows[:20, 1] = np.nan  # not labelled
    source = source_of(rows)
    asked = source.requests(180, 3, "joint")
    assert np.isfinite(asked).all()
    found = source.counted(asked, 3, "joint")
    assert found[:, 0].all()
    assert not found[asked[:, 0] == 0, 2].any()
    assert found[:, 1].sum() == 120
    assert set(asked[found[:, 1], 1]) == set(rows[20:, 1])
    turned = asked[found[:, 2]][:, [0, 2]]
    assert {tuple(row) for row in turned} == {tuple(row) for row in rows[rows[:, 0] > 0][:, [0, 2]]}
    # of independent factors every value is known, but discs have no angle
    asked = source.requests(200, 3, "independent")
    found = source.counted(asked, 3, "independent")
    assert found[:, :2].all()
    np.testing.assert_array_equal(found[:, 2], asked[:, 0] > 0)
    # nor has what becomes a disc
    changed = source.changed(asked, 0, 3)
    assert changed is not None
    np.testing.assert_array_equal(
        source.counted(changed, 3, "independent")[:, 2], changed[:, 0] > 0
    )


def test_empty_cells_of_every_category_are_but_unlabelled() -> None:
    rows = table(60)
    rows[:, 2] = np.where(np.arange(60) % 2, 45.0, np.nan)  # discs, too
    source = source_of(rows)
    joint, alone = (source.requests(120, 0, drawn) for drawn in ("joint", "independent"))
    assert source.counted(alone, 0, "independent").all()
    assert source.counted(joint, 0, "joint")[:, 2].sum() == 60


def test_a_category_that_was_filled_in_decides_what_is_undefined() -> None:
    rows = table(60)
    rows[rows[:, 0] == 1, 0] = np.nan  # squares whose shape nobody labelled
    source = source_of(rows)
    asked = source.requests(60, 0, "joint")
    found = source.counted(asked, 0, "joint")
    assert not found[asked[:, 0] == 0, 2].any()
    assert (~found[:, 0]).sum() == np.isnan(rows[:, 0]).sum()
    assert (asked[~found[:, 0], 0] == 0).any()


def test_changes_count_where_both_factors_are_known() -> None:
    def ones() -> Floats:
        return np.ones(3)

    found = Observations(
        errors={"shape": ones(), "angle": ones()},
        moves={"shape": {"angle": ones()}, "angle": {"shape": ones()}},
        changes={"shape": ones()},
    )
    shape, angle = np.array([True, True, False]), np.array([True, False, True])
    both = {"shape": shape, "angle": angle}
    found.leave_out(Counted(both, {"shape": both, "angle": both}))
    nan = np.nan
    np.testing.assert_array_equal(found.errors["angle"], [1, nan, 1])
    np.testing.assert_array_equal(found.moves["shape"]["angle"], [1, nan, nan])
    np.testing.assert_array_equal(found.moves["angle"]["shape"], [1, nan, nan])
    np.testing.assert_array_equal(found.changes["shape"], [1, 1, nan])


def test_where_few_count_the_error_is_that_of_few() -> None:
    values = np.full(1000, np.nan)
    values[:50] = np.random.default_rng(0).normal(3, 1, 50)
    assert _mean(_spread_over_all(values)) == pytest.approx(_mean(values), rel=0.02)
    whole = values[:50]
    np.testing.assert_array_equal(_spread_over_all(whole), whole)
    several = [np.array([1.0, np.nan, np.nan]), np.array([3.0, 4.0, np.nan])]
    np.testing.assert_array_equal(_mean_of_known(several), [2, 4, np.nan])


def test_real_images_are_compared_over_the_same_requests() -> None:
    """Where angles of one image in ten are labelled, they have the floor of those that are."""
    rows = table(500)
    rows[:, 0] = 1
    rows[:, 2] = np.random.default_rng(1).uniform(0, 360, 500)
    labelled = np.arange(500) % 10 == 0
    known = np.where(labelled[:, None] | (np.arange(3) < 2), rows, np.nan)
    source = Nearest([((255 * draw(rows)).round().astype(np.uint8), known)], SPECS)
    told = measure(draw, PixelJudge(), SPECS, source, 500, 0, "joint")
    move = told["moves"]["size"]["angle"]
    assert move["value"] < 1e-3
    assert 0.3 < move["real"] < 0.7  # two thirds of half a grey, 1.41 degrees
    assert told["figures"]["angle"]["value"] < 1e-3
