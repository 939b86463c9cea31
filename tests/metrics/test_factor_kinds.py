"""Factors treated as what they are: circles, reals, categories."""

from __future__ import annotations

import numpy as np
import pytest

from unbraid.core.factors import FactorSpec
from unbraid.metrics import evaluate, gather
from unbraid.metrics.sap import r_squared

QUICK = {"dci": {"rounds": 40, "refits": 0}, "infomec": {}, "sap": {"kind": "r2"}}


def circle(shift: float = 0.0, kind: str = "periodic") -> tuple[np.ndarray, np.ndarray, tuple]:
    """Return codes that hold an angle as a point on a circle, the factors and their specs."""
    rng = np.random.default_rng(0)
    angle, size = rng.uniform(0, 360, 2000), rng.uniform(1, 2, 2000)
    radians = np.deg2rad(angle)
    codes = np.stack([np.cos(radians), np.sin(radians), size], axis=1)
    codes += 0.02 * rng.standard_normal(codes.shape)
    specs = (
        FactorSpec("angle", kind, range=(0, 360), unit="degrees", period=360),
        FactorSpec("size", "continuous", range=(1, 2)),
    )
    return codes, np.stack([(angle + shift) % 360, size], axis=1), specs


@pytest.mark.parametrize("metric", ["sap", "dci", "infomec", "explicitness", "mig", "irs"])
def test_where_a_circle_begins_changes_nothing(metric: str) -> None:
    # 180 degrees move the seam from one side of the circle to the other.
    here, there = (
        evaluate(*circle(shift), metrics=metric, options=QUICK)[metric] for shift in (0.0, 180.0)
    )
    assert there.value == pytest.approx(here.value, abs=0.02)
    if metric == "dci":
        assert here.detail["informativeness_per_factor"][0] > 0.98
    if metric == "infomec":
        assert here.per_factor[0] > 0.98  # linear in cosine and sine


@pytest.mark.parametrize("metric", ["mig", "edi", "irs", "factorvae", "jemmig", "explicitness"])
def test_a_part_of_a_circle_scores_as_a_line_does_wherever_it_lies(metric: str) -> None:
    rng = np.random.default_rng(0)
    angle, level = rng.uniform(0, 10, 3000), rng.integers(0, 4, 3000)
    levels = FactorSpec("level", "ordinal", values=(0, 1, 2, 3))
    values = []
    for start in (2.0, 13.0, 355.0):
        factors = np.stack([(angle + start) % 360, level], axis=1)
        spec = FactorSpec("angle", "periodic", range=(0, 360), period=360)
        codes = np.stack([angle, level], axis=1)
        values.append(evaluate(codes, factors, (spec, levels), metrics=metric)[metric].value)
    assert values == pytest.approx([values[0]] * 3, abs=1e-9)
    line = FactorSpec("angle", "continuous", range=(0, 10))
    factors = np.stack([angle, level], axis=1)
    straight = evaluate(factors, factors, (line, levels), metrics=metric)[metric].value
    assert values[0] == pytest.approx(straight, abs=0.03)


@pytest.mark.parametrize("metric", ["mig", "edi", "irs", "factorvae", "explicitness"])
@pytest.mark.parametrize("share", [0.92, 0.96, 0.99])
def test_a_factor_that_is_mostly_0_is_read_as_well_as_its_negative(
    metric: str, share: float
) -> None:
    """As the amount of rain on a day, or a code behind a ReLU."""
    rng = np.random.default_rng(0)
    amount = np.where(rng.random(3000) < share, 0, rng.random(3000))
    level = rng.integers(0, 4, 3000)
    specs = (
        FactorSpec("amount", "continuous", range=(-1, 1)),
        FactorSpec("level", "ordinal", values=(0, 1, 2, 3)),
    )
    values = []
    for sign in (1, -1):
        factors = np.stack([sign * amount, level], axis=1)
        score = evaluate(factors, factors, specs, metrics=metric)[metric]
        values.append(score.value)
        if metric == "mig":
            assert score.per_factor[0] > 0.8
    assert values[0] == pytest.approx(values[1], abs=0.05)


def test_a_circle_taken_for_a_line_scores_less() -> None:
    # Cosine alone explains half of an angle as a circle, and of the number hardly anything.
    round_one = evaluate(*circle(), metrics="sap", options=QUICK)["sap"].matrix
    straight = evaluate(*circle(kind="continuous"), metrics="sap", options=QUICK)["sap"].matrix
    assert round_one[0, 0] > 0.98
    assert straight[0, 0] < 0.1


def test_359_degrees_is_near_1() -> None:
    rng = np.random.default_rng(0)
    near = rng.uniform(-3, 3, 1000)  # codes that tell angles on both sides of 0
    angle = near % 360
    spec = (FactorSpec("angle", "periodic", range=(0, 360), period=360),)
    coordinates = gather(near[:, None], angle[:, None], spec).coordinates(0)
    assert r_squared(coordinates, near[:, None], np.arange(1000) % 10)[0, 0] > 0.999


def test_periodic_levels_use_their_values_or_lie_evenly() -> None:
    index = np.tile([0, 1, 2, 3], 25)[:, None]
    codes = np.random.default_rng(0).standard_normal((100, 1))
    quarters = FactorSpec("angle", "periodic", values=(0.0, 90.0, 180.0, 270.0), period=360)
    named = FactorSpec(
        "season", "periodic", values=("spring", "summer", "fall", "winter"), period=1
    )
    expected = [[1, 0], [0, 1], [-1, 0], [0, -1]]
    for spec in (quarters, named):
        coordinates = gather(codes, index, (spec,)).coordinates(0)[:4]
        np.testing.assert_allclose(coordinates, expected, atol=1e-12)


def test_a_category_has_no_order() -> None:
    # Values 0, 1, 2 of one mean and 1 apart: no correlation, yet the code tells them apart.
    rng = np.random.default_rng(0)
    level = rng.integers(3, size=3000)
    code = np.array([0.0, 1.0, 0.0])[level] + 0.1 * rng.standard_normal(3000)
    other = rng.integers(2, size=3000)
    factors, codes = np.stack([level, other], axis=1), np.stack([code, 1.0 * other], axis=1)
    specs = [FactorSpec("class", k, values=("a", "b", "c")) for k in ("ordinal", "categorical")]
    binary = FactorSpec("binary", "categorical", values=(0, 1))
    ordinal, categorical = (
        evaluate(codes, factors, (spec, binary), metrics="sap", options=QUICK)["sap"].matrix[0, 0]
        for spec in specs
    )
    assert ordinal < 0.01
    assert categorical > 0.9


def test_reals_are_binned_and_the_setting_is_recorded() -> None:
    codes, factors, specs = circle()
    score = evaluate(codes, factors, specs, metrics="mig", options={"mig": {"factor_bins": 12}})
    assert score["mig"].settings["factor_bins"] == 12
    assert score["mig"].settings["factor_binning"] == "quantile"
    levels = gather(codes, factors, specs).levels(12, "quantile")
    assert levels.max(axis=0).tolist() == [11, 11]
    counts = np.bincount(levels[:, 1])
    assert counts.max() - counts.min() <= 1


def test_reals_with_few_values_keep_them() -> None:
    codes = np.random.default_rng(0).standard_normal((100, 1))
    factors = np.tile([0.5, 1.5, 7.25], 34)[:100, None]
    assert gather(codes, factors).specs[0].kind == "continuous"
    assert np.unique(gather(codes, factors).levels(20, "quantile")).tolist() == [0, 1, 2]


def test_whole_numbers_without_specs_are_ordered_levels() -> None:
    codes = np.random.default_rng(0).standard_normal((100, 1))
    spec = gather(codes, np.tile([5, 10], 50)[:, None]).specs[0]
    assert (spec.kind, spec.values) == ("ordinal", (5.0, 10.0))


def test_any_subset_of_combinations_will_do() -> None:
    # Only some 50 of 216 combinations occur, none in a grid.
    rng = np.random.default_rng(0)
    rows = rng.integers(6, size=(60, 3))[rng.integers(60, size=3000)]
    for name, score in evaluate(
        1.0 * rows,
        rows,
        metrics=["factorvae", "betavae", "mig"],
        options={"factorvae": {"repeats": 2}, "betavae": {"repeats": 2}},
    ).items():
        assert score.value > (0.5 if name == "mig" else 0.99)


@pytest.mark.parametrize("metric", ["mig", "explicitness", "dci", "downstream", "infomec"])
def test_levels_of_a_circle_that_begin_again_are_the_first_ones(metric: str) -> None:
    """24 hours are 0, so that no code of a perfect clock tells them apart."""
    rng = np.random.default_rng(0)
    hours, other = rng.integers(0, 5, 1500), rng.integers(0, 4, 1500)
    spec = FactorSpec("hour", "periodic", values=(0, 6, 12, 18, 24), period=24)
    specs = (spec, FactorSpec("other", "ordinal", values=(0, 1, 2, 3)))
    assert spec.distinct == 4
    codes = np.stack([hours % 4, other], axis=1).astype(float)
    options = {"dci": {"rounds": 20, "refits": 0}, "downstream": {"rounds": 20}}
    given = {metric: options.get(metric, {})}

    def score(column: np.ndarray) -> float:
        factors = np.stack([column, other], axis=1)
        return evaluate(codes, factors, specs, metrics=metric, options=given)[metric].value

    assert score(hours) == score(hours % 4)
    held_out = evaluate(
        codes,
        np.stack([hours, other], axis=1),
        specs,
        metrics="explicitness",
        test=(codes[:300], np.stack([hours, other], axis=1)[:300]),
    )["explicitness"]
    assert held_out.value == pytest.approx(1, abs=1e-3)


def test_a_protocol_takes_levels_as_they_are_stored() -> None:
    hours = np.random.default_rng(0).integers(0, 5, (400, 1)).astype(float)
    spec = FactorSpec("hour", "periodic", values=(0, 6, 12, 18, 24), period=24)
    assert gather(hours, hours, [spec]).factors.max() == 3
    assert gather(hours, hours, [spec], as_stored=True).factors.max() == 4
    codes = np.hstack([hours % 4, np.random.default_rng(1).standard_normal((400, 1))])
    own, published = (
        evaluate(codes, hours, [spec], metrics="mig", protocol=protocol)["mig"].value
        for protocol in (None, "locatello2019")
    )
    assert own > published + 0.05  # the code does not tell 24 from 0


def test_boosted_trees_of_both_backends_weigh_coordinates_by_what_they_gain() -> None:
    """Of an angle whose cosine alone is encoded, the sine's trees fit noise."""
    rng = np.random.default_rng(0)
    angle, size = rng.uniform(0, 360, 3000), rng.uniform(1, 2, 3000)
    codes = np.stack([np.cos(np.deg2rad(angle)), rng.standard_normal(3000), size], axis=1)
    specs = (
        FactorSpec("angle", "periodic", range=(0, 360), period=360),
        FactorSpec("size", "continuous", range=(1, 2)),
    )
    found = {}
    for backend in ("lightgbm", "sklearn"):
        options = {"dci": {"backend": backend, "refits": 0}}
        factors = np.stack([angle, size], axis=1)
        score = evaluate(codes, factors, specs, metrics="dci", options=options)["dci"]
        found[backend] = score.matrix[:, 0]
        assert score.matrix[0, 0] > 0.85
    np.testing.assert_allclose(found["sklearn"], found["lightgbm"], atol=0.05)
