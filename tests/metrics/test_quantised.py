"""Quantised codes: discrete for entropies and between runs, numbers for linear metrics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from unbraid.core.errors import UnbraidError
from unbraid.metrics import evaluate, gather

RANDOM = np.random.default_rng(0)
FACTORS = np.stack(np.divmod(np.arange(36), 6), axis=1).repeat(16, axis=0)  # as often each
# values whose spacing is uneven: one bin of 20 holds the first three levels of each code
VALUES = np.array([[-1.0, -0.99, -0.98, 0.0, 0.5, 1.0], [-0.2, -0.199, -0.198, 0.0, 0.4, 0.8]])
CODES = np.stack([VALUES[j][FACTORS[:, j]] for j in range(2)], axis=1)
INFORMATION = ["mig", "mig-sup", "dcimig", "modularity", "infomec"]


def scored(codes: NDArray[Any], metrics: Any, **given: Any) -> dict[str, float]:
    found = evaluate(codes, FACTORS, metrics=metrics, **given)
    return {name: score.value for name, score in found.items()}


def test_perfect_quantised_codes_score_one() -> None:
    for name, value in scored(CODES, INFORMATION, levels=[6, 6]).items():
        assert value == pytest.approx(1, abs=1e-9), name
    infomec = evaluate(CODES, FACTORS, metrics="infomec", levels=[6, 6])["infomec"]
    assert infomec.variant.startswith("discrete codes")
    parts = {name: part.value for name, part in infomec.parts.items()}
    assert parts["InfoM"] == pytest.approx(1, abs=1e-9)
    assert parts["InfoC"] == pytest.approx(1, abs=1e-9)
    assert parts["InfoE"] > 0.99  # the classifier's loss is never exactly 0


def test_bins_would_have_hidden_levels_that_are_close() -> None:
    assert scored(CODES, "mig")["mig"] < 0.8


def test_all_levels_give_what_discrete_codes_give() -> None:
    codes = np.stack([CODES[:, 0], CODES.sum(axis=1)], axis=1)  # the second mixes both factors
    levels = [len(np.unique(code)) for code in codes.T]
    options = {"infomec": {"discrete_codes": True}}
    expected = evaluate(codes, FACTORS, metrics="infomec", options=options)["infomec"]
    found = evaluate(codes, FACTORS, metrics="infomec", levels=levels)["infomec"]
    assert {name: part.value for name, part in found.parts.items()} == {
        name: part.value for name, part in expected.parts.items()
    }
    assert found.value < 0.9


@pytest.mark.parametrize("name", [*INFORMATION, "jemmig"])
def test_any_increasing_values_have_the_same_information(name: str) -> None:
    expected = scored(FACTORS, name, levels=[6, 6])
    assert scored(CODES, name, levels=[6, 6]) == expected
    assert scored(np.exp(CODES), name, levels=[6, 6]) == expected


def test_linear_metrics_see_the_number() -> None:
    names = ["sap", "dci"]
    assert scored(CODES, names, levels=[6, 6]) == scored(CODES, names)


@pytest.mark.parametrize("relation", ["lasso", "spearman"])
def test_trainings_that_order_a_factors_values_differently_agree(relation: str) -> None:
    """With ranks, codes of one factor have Cramer's V of 1 and those of two have 0."""
    other = np.stack([VALUES[j][np.array([3, 0, 5, 1, 4, 2])[FACTORS[:, j]]] for j in (1, 0)], 1)
    given: dict[str, Any] = {"metrics": "udr", "options": {"udr": {"relation": relation}}}
    numbers = evaluate(runs=[CODES, other], **given)["udr"].value
    levels = evaluate(runs=[CODES, other], run_levels=[(6, 6)] * 2, **given)["udr"].value
    assert numbers < 0.3
    assert levels == pytest.approx(1, abs=1e-9 if relation == "spearman" else 0.2)
    mixed = [np.column_stack([FACTORS[:, 0], run]) for run in (CODES, other)]
    sizes = {"run_categories": [(6,)] * 2, "run_levels": [(6, 6), (6, 6)]}
    assert evaluate(runs=mixed, **sizes, **given)["udr"].value > 0.5  # one factor has two codes


def test_levels_of_runs_are_checked() -> None:
    with pytest.raises(UnbraidError, match="code 1 of run 1 is said to have 5 levels"):
        gather(runs=[CODES, CODES], run_levels=[(6, 6), (6, 5)])
    with pytest.raises(UnbraidError, match="run_levels are given for 1 runs, but there are 2"):
        gather(runs=[CODES, CODES], run_levels=[(6, 6)])


def test_beside_other_kinds_of_codes() -> None:
    """A category, a quantised code and a number, each of one factor: all are found."""
    factors = np.column_stack([FACTORS, RANDOM.uniform(-1, 1, len(FACTORS))])
    codes = np.column_stack([FACTORS[:, 0], CODES[:, 1], factors[:, 2]])
    found = evaluate(codes, factors, metrics="infomec", categories=[6], levels=[6])["infomec"]
    assert found.variant.startswith("10 neighbours")
    assert found.value > 0.97
    assert all(part.value > 0.97 for part in found.parts.values())
    latents = gather(codes, factors, categories=[6], levels=[6]).latents
    assert latents.categorical.tolist() == [True, False, False]
    assert latents.discrete.tolist() == [True, True, False]


def test_the_highest_entropy_of_a_quantised_code_is_that_of_its_levels() -> None:
    """JEMMIG is normalised by the log of the number of levels, not of the bins."""
    noise = RANDOM.integers(0, 6, (len(FACTORS), 2))  # codes that tell nothing
    few, many = (scored(noise, "jemmig", levels=[count, count])["jemmig"] for count in (6, 60))
    assert few < 0.05 < many


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"levels": [5, 6]}, r"code 0 is said to have 5 levels, but it has 6 different values"),
        ({"levels": [6, 6, 6]}, r"levels name 3 quantised codes, but there are 2 codes"),
        ({"levels": [6.5]}, r"levels are \[6.5\], expected one whole number of at least 2"),
        ({"levels": [1]}, r"expected one whole number of at least 2"),
        ({"levels": 6}, r"levels are 6, expected one whole number of at least 2"),
        ({"levels": [6], "logvar": CODES}, "the first 1 are categorical or quantised"),
    ],
)
def test_levels_that_cannot_be_are_refused(given: dict[str, Any], text: str) -> None:
    with pytest.raises(UnbraidError, match=text):
        evaluate(CODES, FACTORS, metrics="mig", **given)


def test_levels_of_test_rows_are_checked_too() -> None:
    other = np.linspace(0, 1, 60)[:, None].repeat(2, 1)
    with pytest.raises(UnbraidError, match="code 0 of the test rows is said to have 6 levels"):
        evaluate(CODES, FACTORS, metrics="dci", levels=[6], test=(other, FACTORS[:60]))
