"""Downstream accuracy: the labels that are used, what chance is, and the sample efficiency."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.metrics import Score, evaluate

RNG = np.random.default_rng(0)
FACTORS = np.stack([RNG.integers(count, size=900) for count in (3, 5)], axis=1)
CODES = FACTORS + 0.6 * RNG.standard_normal(FACTORS.shape)
TEST = (CODES[600:], FACTORS[600:])
QUICK = {"rounds": 10}


def score(codes: Any = CODES, factors: Any = FACTORS, **options: Any) -> Score:
    given = {"downstream": {**QUICK, **options}}
    return evaluate(codes, factors, metrics="downstream", options=given)["downstream"]


def informativeness(train: slice | np.ndarray) -> float:
    """Return what DCI finds with the same trees, fitted to some rows alone."""
    found = evaluate(
        CODES[train],
        FACTORS[train],
        metrics="dci",
        options={"dci": {**QUICK, "refits": 0}},
        test=TEST,
    )
    return found["dci"].parts["informativeness"].value


def test_accuracies_are_those_of_trees_fitted_to_so_many_rows() -> None:
    options = {"downstream": {**QUICK, "labels": (60, 10_000), "draws": 1}}
    found = evaluate(CODES[:600], FACTORS[:600], metrics="downstream", options=options, test=TEST)
    rows = np.sort(np.random.default_rng([0, 0]).permutation(600)[:60])
    few, most = informativeness(rows), informativeness(slice(600))
    parts = {name: part.value for name, part in found["downstream"].parts.items()}
    assert parts.pop("skill with 60 labels") == found["downstream"].value
    assert parts == pytest.approx(
        {"accuracy with 60 labels": few, "accuracy with 600 labels": most, "efficiency": few / most}
    )


def test_skill_is_accuracy_above_the_most_frequent_value() -> None:
    factors = np.stack([FACTORS[:, 0], (RNG.random(900) < 0.9).astype(int)], axis=1)
    found = score(np.stack([FACTORS[:, 0], RNG.standard_normal(900)], axis=1), factors)
    assert found.detail["accuracy_per_factor"][0, 1] == pytest.approx(0.9, abs=0.08)
    assert found.per_factor is not None
    assert found.per_factor[1] < 0.1  # though nine of ten predictions are right
    assert found.per_factor[0] == pytest.approx(1)
    assert found.value == pytest.approx(found.per_factor.mean())


def test_errors_are_the_spread_over_other_data() -> None:
    """The labelled rows are drawn from one pool, and all draws have the test rows in common."""
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in range(30):
        rng = np.random.default_rng([1, seed])
        factors = np.stack([rng.integers(count, size=420) for count in (3, 4)], axis=1)
        codes = factors + 0.5 * rng.standard_normal(factors.shape)
        for labels in ((60, 280), (200, 280)):
            for name, part in score(codes, factors, labels=labels, rounds=8).parts.items():
                found.setdefault(name, []).append((part.value, part.standard_error))
    assert len(found) == 6  # both have an efficiency and the accuracy with all rows
    for name in (name for name in found if len(found[name]) == 30):
        values, errors = np.array(found[name]).T
        ratio = np.sqrt(np.square(errors).mean()) / values.std(ddof=1)
        assert 0.65 < ratio < 1.5, name


def test_the_error_is_unknown_of_a_single_draw_of_some_rows() -> None:
    found = score(labels=(60, 10_000), draws=1).parts
    assert math.isnan(found["efficiency"].standard_error)
    assert found["accuracy with 600 labels"].standard_error < 0.03
    assert score(labels=(700, 10_000), draws=1).standard_error < 0.1  # it is of all rows


def test_nothing_predicted_has_no_efficiency() -> None:
    reals = RNG.standard_normal((900, 2))
    found = score(RNG.standard_normal((900, 2)), reals, labels=(60, 300), rounds=40)
    assert found.value == 0
    assert math.isnan(found.parts["efficiency"].value)
    assert "nothing is predicted even with the most labels" in found.notes[0]


def test_fewer_rows_than_labels_are_said() -> None:
    assert score(labels=(60, 300, 10_000)).notes == ()  # the most labels are all rows
    found = score(labels=(60, 900, 10_000))
    assert list(found.parts) == [
        "skill with 60 labels",
        "accuracy with 60 labels",
        "accuracy with 600 labels",
        "efficiency",
    ]
    assert found.notes == ("there are no more than 600 rows to train on",)


def test_reals_are_scored_by_r2() -> None:
    angle = RNG.uniform(0, 360, 900)
    specs = [FactorSpec("angle", "periodic", range=(0, 360), period=360)]
    turn = np.deg2rad(angle)
    found = evaluate(
        np.stack([np.cos(turn), np.sin(turn)], axis=1),
        angle[:, None],
        specs,
        metrics="downstream",
        options={"downstream": {"labels": (100, 500)}},
    )["downstream"]
    assert found.value > 0.95


@pytest.mark.parametrize("labels", [(100,), (), (0, 100), (1000, 100), (100, 100), (10.5, 100)])
def test_invalid_labels(labels: Any) -> None:
    with pytest.raises(UnbraidError, match="labels must be two or more whole numbers above 0"):
        score(labels=labels)
