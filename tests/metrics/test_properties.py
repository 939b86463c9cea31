"""What no relabelling of codes or factors may change, over random data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unbraid.metrics import Score, evaluate

# Deterministic scores, with the options under which they are exactly invariant.
EXACT: dict[str, dict[str, Any]] = {
    "mig": {},
    "mig-sup": {},
    "jemmig": {},
    "dcimig": {},
    "modularity": {},
    "edi": {},
    "irs": {"resamples": 0},
    "sap": {"kind": "r2"},
}
# Fitted or sampled: invariant but for the fit's tolerance or the draws.
NEARLY: dict[str, tuple[float, dict[str, Any]]] = {
    "explicitness": (2e-3, {"penalty": 1.0}),
    "infomec": (2e-3, {}),
    "dci": (0.05, {"rounds": 20, "refits": 0}),
    "factorvae": (0.08, {"min_std": 0.0, "repeats": 3, "train": 400, "test": 400}),
    "betavae": (0.08, {"repeats": 3, "train": 400, "test": 400}),
}
# Scaling each code by its own positive number. IRS weighs codes by their size, InfoMEC calls
# small ones inactive and BetaVAE's classifier is penalised on the codes' own scale.
SCALE_FREE = [name for name in (*EXACT, *NEARLY) if name not in ("irs", "infomec", "betavae")]

few = settings(max_examples=8, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def data(seed: int) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    """Return noisy, partly mixed codes (300, D), factors (300, F) and the generator."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 4))
    factors = np.stack([rng.integers(int(rng.integers(2, 6)), size=300) for _ in range(count)], 1)
    mixing = np.eye(count, count + 1) + 0.3 * rng.standard_normal((count, count + 1))
    return factors @ mixing + 0.3 * rng.standard_normal((300, count + 1)), factors, rng


def run(name: str, codes: np.ndarray, factors: np.ndarray) -> Score:
    options = EXACT[name] if name in EXACT else NEARLY[name][1]
    return evaluate(codes, factors, metrics=name, options={name: options})[name]


def close(name: str) -> float:
    return 1e-9 if name in EXACT else NEARLY[name][0]


each = pytest.mark.parametrize("name", [*EXACT, *NEARLY])


@each
@few
@given(seed=seeds)
def test_order_of_codes_and_factors(name: str, seed: int) -> None:
    codes, factors, rng = data(seed)
    i, j = rng.permutation(codes.shape[1]), rng.permutation(factors.shape[1])
    first, second = run(name, codes, factors), run(name, codes[:, i], factors[:, j])
    assert second.value == pytest.approx(first.value, abs=close(name))
    if name in EXACT and first.matrix is not None:
        np.testing.assert_allclose(second.matrix, first.matrix[i][:, j], atol=1e-9)


@each
@few
@given(seed=seeds)
def test_signs_of_codes(name: str, seed: int) -> None:
    codes, factors, rng = data(seed)
    flipped = codes * rng.choice([-1, 1], codes.shape[1])
    value = run(name, flipped, factors).value
    assert value == pytest.approx(run(name, codes, factors).value, abs=close(name))


@pytest.mark.parametrize("name", SCALE_FREE)
@few
@given(seed=seeds)
def test_scale_of_each_code(name: str, seed: int) -> None:
    codes, factors, rng = data(seed)
    scaled = codes * rng.uniform(0.2, 5, codes.shape[1])
    value = run(name, scaled, factors).value
    assert value == pytest.approx(run(name, codes, factors).value, abs=close(name))


@pytest.mark.parametrize("name", ["irs", "infomec"])
@few
@given(seed=seeds)
def test_one_scale_for_all_codes(name: str, seed: int) -> None:
    codes, factors, _ = data(seed)
    value = run(name, 37 * codes, factors).value
    assert value == pytest.approx(run(name, codes, factors).value, abs=max(close(name), 1e-6))


@each
@few
@given(seed=seeds)
def test_names_of_factor_values(name: str, seed: int) -> None:
    if name in ("sap",):  # a correlation is with the numbers themselves
        return
    codes, factors, rng = data(seed)
    renamed = factors.copy()
    for j in range(factors.shape[1]):
        values = np.unique(factors[:, j])
        renamed[:, j] = rng.permutation(100)[: len(values)][np.searchsorted(values, factors[:, j])]
    value = run(name, codes, renamed).value
    assert value == pytest.approx(run(name, codes, factors).value, abs=close(name))


@each
@few
@given(seed=seeds)
def test_range(name: str, seed: int) -> None:
    codes, factors, _ = data(seed)
    score = run(name, codes, factors)
    assert -1e-9 <= score.value <= 1 + 1e-9
    assert score.standard_error >= 0 or np.isnan(score.standard_error)
