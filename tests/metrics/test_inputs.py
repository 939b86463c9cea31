"""Mistakes in the inputs: each gets one sentence that says what to do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.metrics import evaluate, gather

RNG = np.random.default_rng(0)
V = RNG.integers(0, 4, (100, 2))
Z = V + 0.1 * RNG.standard_normal((100, 2))


def with_value(array: np.ndarray, value: float) -> np.ndarray:
    spoiled = array.astype(float)
    spoiled[3, 1] = value
    return spoiled


BAD: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("nan", (with_value(Z, np.nan), V), {}, "codes hold 1 values that are NaN or infinite"),
    ("infinite factor", (Z, with_value(V, np.inf)), {}, "factors hold 1 values that are infinite"),
    ("one dimension", (Z[:, 0], V), {}, r"codes have shape \(100,\), expected two dimensions"),
    ("other length", (Z, V[:90]), {}, "100 rows of codes and 90 of factors"),
    ("too few rows", (Z[:20], V[:20]), {}, "found 20 rows of codes, too few .* at least 50"),
    ("constant factor", (Z, V * [1, 0]), {}, r"factor 'factor 1' has one value \(0\) in all 100"),
    ("constant 7", (Z, V * [1, 0] + [0, 7]), {}, r"factor 'factor 1' has one value \(7\) in all"),
    ("words", (Z, V.astype(str).astype(object) + np.array("x", object)), {}, "must be an array"),
    ("no codes", (None, V), {}, "factors were given without codes"),
    ("nothing", (), {}, "there is nothing to measure"),
    ("metric", (Z, V, None, "migg"), {}, "unknown metric 'migg'.*did you mean 'mig'"),
    ("protocol", (Z, V), {"protocol": "locatelo2019"}, "did you mean 'locatello2019'"),
    ("option", (Z, V, None, "mig"), {"options": {"mig": {"bin": 3}}}, "did you mean 'bins'"),
    ("options of", (Z, V, None, "mig"), {"options": {"mgi": {}}}, "unknown metric 'mgi'"),
    ("bins", (Z, V, None, "mig"), {"options": {"mig": {"bins": 1}}}, "bins must be at least 2"),
    (
        "binning",
        (Z, V, None, "mig"),
        {"options": {"mig": {"binning": "even"}}},
        "is 'even', expected one of",
    ),
    (
        "estimator",
        (Z, V, None, "mig"),
        {"options": {"mig": {"estimator": "x"}}},
        "is 'x', expected one of",
    ),
    ("jemmig", (Z, V, None, "jemmig"), {"options": {"jemmig": {"estimator": "knn"}}}, "histogram"),
    ("backend", (Z, V, None, "dci"), {"options": {"dci": {"backend": "xgboost"}}}, "'xgboost'"),
    (
        "sap kind",
        (Z, V, None, "sap"),
        {"options": {"sap": {"kind": "tree"}}},
        "is 'tree', expected",
    ),
    ("quantile", (Z, V, None, "irs"), {"options": {"irs": {"quantile": 0}}}, "quantile must be"),
    ("silent", (Z, V, None, "infomec"), {"options": {"infomec": {"silent_codes": "no"}}}, "'no'"),
    ("rounds", (Z, V, None, "dci"), {"options": {"dci": {"rounds": 0}}}, "rounds must be at least"),
    ("split", (Z, V, None, "dci"), {"options": {"dci": {"test_fraction": 1.0}}}, "between 0 and 1"),
    ("udr relation", (Z,), {"runs": [Z, Z], "options": {"udr": {"relation": "x"}}}, "is 'x', exp"),
    ("needs", (Z, V, None, "udr"), {}, "metric udr needs runs, but runs were not given"),
    ("one run", (), {"runs": [Z], "metrics": "udr"}, "found 1: give the codes of at least 2"),
    ("runs", (), {"runs": [Z, Z[:90]], "metrics": "udr"}, "the runs have 100, 90 rows"),
    ("density", (Z, V), {"protocol": "chen2018"}, "needs the posteriors: give logvar"),
    ("logvar", (Z, V), {"logvar": Z[:, :1]}, r"logvar have shape \(100, 1\), but codes have"),
    ("specs", (Z, V, [FactorSpec("a", "ordinal", values=(0, 1, 2, 3))]), {}, "2 factors and 1 spe"),
    ("test", (Z, V), {"test": (Z[:, :1], V)}, r"test codes and factors have shapes \(100, 1\)"),
    ("far logvar", (Z,), {"logvar": 0 * Z - 800}, r"logvar ranges over -800..-800, and of numbers"),
    ("encoder", (Z, V), {"encoder": 5}, "encoder is a value of type int, expected a function"),
    ("runs list", (), {"runs": 5, "metrics": "udr"}, "runs is a value of type int, expected a"),
    ("bytes", (), {"images": 255 * V, "reconstructions": V}, "expected 0..1: divide bytes by 255"),
    ("images", (), {"images": V, "reconstructions": V[:9]}, r"reconstructions have shape \(9, 2\)"),
]


@pytest.mark.parametrize(
    ("args", "kwargs", "message"), [b[1:] for b in BAD], ids=[b[0] for b in BAD]
)
def test_a_mistake_is_named(args: tuple[Any, ...], kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(UnbraidError, match=message) as caught:
        evaluate(*args, **kwargs)
    assert "\n" not in str(caught.value)


def test_indices_out_of_range_are_named() -> None:
    specs = [FactorSpec(n, "categorical", values=("red", "blue")) for n in ("a", "b")]
    with pytest.raises(UnbraidError, match=r"'a' has 2 values .* ranges over 0..3"):
        evaluate(Z, V, specs)


def test_a_category_seen_once_each_is_named() -> None:
    names = FactorSpec("writer", "categorical", values=tuple(range(100)))
    with pytest.raises(UnbraidError, match="'writer' is categorical with 100 values in 100 rows"):
        gather(Z, np.arange(100)[:, None], [names])


@pytest.mark.parametrize("name", ["factorvae", "betavae"])
def test_a_value_that_never_repeats_cannot_be_held_fixed(name: str) -> None:
    factors = np.column_stack([np.arange(100), V[:, 0]])
    score = evaluate(Z, factors, metrics=name)[name]
    assert math.isnan(score.value)
    assert any(note.startswith("factor 'factor 0' is left out") for note in score.notes)
    assert "fewer than two factors can be held fixed, so the score is undefined" in score.notes


def test_float32_and_lists_are_welcome() -> None:
    scores = evaluate(Z.astype(np.float32).tolist(), V.tolist(), metrics=["mig", "irs"])
    assert list(scores) == ["irs", "mig"]


def test_rows_with_unknown_factors_are_left_out_and_counted() -> None:
    rng = np.random.default_rng(1)
    factors = rng.integers(0, 4, (200, 3)).astype(float)
    codes = factors + 0.1 * rng.standard_normal(factors.shape)
    factors[:20, 0] = np.nan
    factors[10:60, 2] = np.nan
    options = {"dci": {"rounds": 5, "refits": 0}}
    scores = evaluate(codes, factors, options=options)
    known = evaluate(codes[60:], factors[60:], options=options)
    note = (
        "60 of 200 rows were left out, where a factor is unknown: factor 0 in 20, factor 2 in 50",
    )
    for name, score in scores.items():
        if name in ("active-units", "gaussian-correlation"):  # they need no factors
            assert score.settings["rows"] == 200
            assert score.notes == ()
            continue
        assert score.notes[:1] == note
        assert score.settings["rows"] == 140
        assert score.value == known[name].value


def test_metrics_without_factors_do_not_look_at_them() -> None:
    codes = np.random.default_rng(0).standard_normal((1000, 3))
    factors = np.full((1000, 2), np.nan)
    factors[:30, 0], factors[30:, 1] = 1.0, 2.0
    names = ["active-units", "gaussian-correlation"]
    scores = evaluate(codes, factors, metrics=names)
    assert scores["active-units"].value == evaluate(codes, metrics=names)["active-units"].value
    with pytest.raises(UnbraidError, match="0 of 1000 rows have no unknown factor"):
        evaluate(codes, factors, metrics=[*names, "mig"])


def test_test_rows_with_unknown_factors_are_left_out_too() -> None:
    spoiled = with_value(V, np.nan)
    score = evaluate(Z, V, metrics="explicitness", test=(Z, spoiled))["explicitness"]
    assert score.settings["test_rows"] == 99
    assert score.notes == (
        "1 of 100 test rows were left out, where a factor is unknown: factor 1 in 1",
    )
    with pytest.raises(UnbraidError, match="every test row has an unknown factor"):
        evaluate(Z, V, metrics="explicitness", test=(Z, V * np.nan))


def test_too_few_known_rows_are_named() -> None:
    factors = V.astype(float)
    factors[:60, 0] = np.nan
    with pytest.raises(UnbraidError, match="40 of 100 rows have no unknown factor, too few"):
        gather(Z, factors)
    factors[:, 0] = np.nan
    with pytest.raises(UnbraidError, match="0 of 100 rows have no unknown factor"):
        gather(Z, factors)


def test_kinds_of_factors_are_guessed_from_what_is_known() -> None:
    spec = gather(Z, with_value(V, np.nan)).specs[1]
    assert (spec.kind, spec.values) == ("ordinal", (0.0, 1.0, 2.0, 3.0))


def test_a_code_that_is_constant_but_for_rounding_is_no_signal() -> None:
    # The standard deviation of a hundred times 0.1 is 1e-17, not 0.
    codes = np.column_stack([Z, np.full(100, 0.1)])
    for name in ("explicitness", "infomec", "sap", "mig", "irs", "factorvae"):
        options = {name: {"kind": "r2"} if name == "sap" else {}}
        with_dead, without = (
            evaluate(z, V, metrics=name, options=options)[name] for z in (codes, Z)
        )
        assert with_dead.value == pytest.approx(without.value, abs=1e-6)
        assert with_dead.notes[0] == "constant codes: 2"
