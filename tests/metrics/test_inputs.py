"""Mistakes in the inputs: each gets one sentence that says what to do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from unbraid.errors import UnbraidError
from unbraid.factors import FactorSpec
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
