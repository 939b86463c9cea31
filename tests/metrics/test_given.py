"""What ``evaluate`` is given in place of plain names, options and arrays."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.metrics import evaluate, mig

RNG = np.random.default_rng(0)
FACTORS = RNG.integers(0, 4, (200, 2))
CODES = FACTORS @ RNG.normal(size=(2, 3)) + RNG.normal(size=(200, 3))
SPECS = [FactorSpec(name, "ordinal", values=(0, 1, 2, 3)) for name in "uv"]
COLUMNS = {"u": FACTORS[:, 0], "v": FACTORS[:, 1].tolist()}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"metrics": None}, r"^metrics is None, expected 'all', the name of a metric or several"),
        ({"metrics": 3}, "^metrics is 3, expected 'all'"),
        ({"metrics": [3]}, "^unknown metric '3'"),
        ({"metrics": "MIG"}, r"^unknown metric 'MIG' \(did you mean 'mig'\?\)"),
        ({"options": 10}, "^options is 10, expected a dict for each metric"),
        ({"options": {"mig": 10}}, "^the options of metric mig are 10, expected a dict"),
        ({"options": {"sap": {"foo": 1}}}, "^unknown option 'foo' of metric sap"),
        ({"specs": SPECS[0]}, "^there are 2 factors and 1 specs: give one for each"),
        ({"specs": 3}, "^specs must hold one FactorSpec for each factor"),
        ({"protocol": ["chen2018"]}, "^unknown protocol"),
        ({"protocol": 3}, "^unknown protocol '3'"),
    ],
)
def test_what_it_cannot_take_is_told(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UnbraidError, match=sentence):
        evaluate(CODES, FACTORS, **{"metrics": "mig", **given})


def test_a_score_has_the_name_of_its_file_and_is_a_score(monkeypatch: pytest.MonkeyPatch) -> None:
    found = evaluate(CODES, FACTORS, metrics="mig")["mig"]
    other = dataclasses.replace(found, metric="rank-gap")
    monkeypatch.setattr(mig, "compute", lambda *_: other)
    scores = evaluate(CODES, FACTORS, metrics="mig")
    assert [(name, score.metric, score.value) for name, score in scores.items()] == [
        ("mig", "mig", found.value)
    ]
    monkeypatch.setattr(mig, "compute", lambda *_: 0.5)
    sentence = (
        "^metric mig returned a value of type float, expected a Score: have compute of "
        "unbraid.metrics.mig return one of unbraid.metrics.Score.$"
    )
    with pytest.raises(UnbraidError, match=sentence):
        evaluate(CODES, FACTORS, metrics="mig")


def test_columns_by_name_are_factors() -> None:
    array = evaluate(CODES, FACTORS, metrics="mig")["mig"]
    named = evaluate(CODES, COLUMNS, metrics="mig")["mig"]
    assert named.value == array.value
    assert named.factor_names == ("u", "v")
    given = evaluate(CODES, dict(reversed(COLUMNS.items())), SPECS, metrics="mig")["mig"]
    assert (given.value, given.factor_names) == (named.value, ("u", "v"))
    tested = [
        evaluate(CODES, factors, metrics="dci", test=(CODES, factors))["dci"].value
        for factors in (FACTORS, COLUMNS)
    ]
    assert tested[0] == tested[1]
    gap = {"u": [np.nan, *FACTORS[1:, 0]], "v": FACTORS[:, 1]}
    assert "u in 1" in str(evaluate(CODES, gap, metrics="mig")["mig"].to_json())


@pytest.mark.parametrize(
    ("factors", "specs", "sentence"),
    [
        ({"u": [1, 2], "v": [1]}, None, r"different lengths \(u 2, v 1\)"),
        ({"a": FACTORS[:, 0], "v": FACTORS[:, 1]}, SPECS, "are a, v, but specs are given of u, v"),
        ({}, None, "factors hold no columns"),
        ({"u": ["x"] * 200}, None, "^u must be an array of numbers"),
    ],
)
def test_columns_that_do_not_fit_are_told(factors: Any, specs: Any, sentence: str) -> None:
    with pytest.raises(UnbraidError, match=sentence):
        evaluate(CODES, factors, specs, metrics="mig")


def test_options_may_be_numbers_of_numpy() -> None:
    plain = evaluate(CODES, FACTORS, metrics="mig", options={"mig": {"bins": 10}})["mig"]
    given = {"mig": {"bins": np.int64(10)}}
    assert evaluate(CODES, FACTORS, metrics="mig", options=given)["mig"].value == plain.value


def test_specs_may_be_any_iterable_and_test_factors_columns() -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 4, 400)
    codes = np.stack([values + 0.1 * rng.standard_normal(400), rng.standard_normal(400)], 1)
    spec = FactorSpec("a", "ordinal", values=(0, 1, 2, 3))
    expected = evaluate(codes, values[:, None], [spec], metrics="mig")["mig"]
    found = evaluate(codes, {"a": values}, iter([spec]), metrics="mig")["mig"]
    assert (found.value, found.factor_names) == (expected.value, ("a",))
    pair = (codes[:200], {"a": values[:200]})
    of_array = evaluate(codes, values[:, None], metrics="sap", test=pair)  # names are unknown
    named = evaluate(codes, {"a": values}, metrics="sap", test=pair)
    assert of_array["sap"].value == named["sap"].value
