"""Rare levels, sparse codes, and options and splits at their limits: a number or a sentence."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.metrics import evaluate, gather


def test_sap_of_mixed_factors_with_fewer_test_rows_than_blocks() -> None:
    rng = np.random.default_rng(0)
    factors = np.column_stack([rng.integers(3, size=50), rng.normal(size=50)])
    codes = np.column_stack([factors, rng.normal(size=50)])
    score = evaluate(codes, factors, metrics="sap")["sap"]
    # the code is the real factor, whose share of variance is 1
    assert score.matrix is not None
    assert score.matrix[1, 1] == pytest.approx(1)
    assert 0 < score.standard_error < 0.5


def test_a_single_test_row_has_no_error() -> None:
    factors = np.random.default_rng(0).integers(3, size=(100, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        score = evaluate(factors, factors, metrics="sap", test=(factors[:1], factors[:1]))["sap"]
    assert math.isnan(score.standard_error)


@pytest.mark.parametrize("rows", [50, 60, 77, 130])
@pytest.mark.parametrize("estimator", ["histogram", "knn"])
def test_a_level_of_one_row_leaves_errors_that_are_numbers(rows: int, estimator: str) -> None:
    """The row is left out with its block: no share of an entropy of 0."""
    rng = np.random.default_rng(0)
    factors = np.column_stack([np.arange(rows) == 0, rng.integers(3, size=rows)]).astype(int)
    codes = factors + 0.1 * rng.normal(size=factors.shape)
    names = ["mig", "mig-sup", "edi", "dcimig", "modularity"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = evaluate(
            codes, factors, metrics=names, options={n: {"estimator": estimator} for n in names}
        )
        mec = evaluate(codes, factors, metrics="infomec")["infomec"]
    for score in scores.values():
        for _, value, error in score.rows():
            assert 0 <= value <= 1 + 1e-9
            assert 0 <= error < 1
    assert 0 <= mec.parts["InfoM"].standard_error < 1


@pytest.mark.parametrize("offset", [0.0, 0.1, 7.0, 1e3])
def test_a_code_that_varies_in_one_row_alone_has_a_correlation(offset: float) -> None:
    rng = np.random.default_rng(3)
    for size in (0.3, 1.0, 5e3):
        codes = rng.normal(size=(101, 3))
        codes[:, 1] = 0
        codes[7, 1] = size
        score = evaluate(codes + offset, metrics="gaussian-correlation")["gaussian-correlation"]
        assert abs(score.value) < 0.1
        assert 0 <= score.standard_error < 0.1


def test_the_density_of_fewer_samples_than_blocks() -> None:
    mean = np.random.default_rng(0).normal(size=(60, 2))
    factors = (mean > 0).astype(int)
    options = {"mig": {"estimator": "density", "samples": 20}}
    score = evaluate(
        mean, factors, metrics="mig", options=options, logvar=np.full(mean.shape, -4.0)
    )["mig"]
    assert 0 <= score.value <= 1
    assert 0 < score.standard_error < 1


def test_an_angle_just_below_0_is_at_0() -> None:
    angle = np.random.default_rng(0).uniform(0, 360, 2000)
    angle[0] = -1e-17
    spec = FactorSpec("angle", "periodic", range=(0, 360), period=360)
    levels = gather(angle[:, None], angle[:, None], [spec]).levels(20, "quantile")
    assert np.unique(levels).tolist() == list(range(20))
    assert levels[0, 0] == 0


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("betavae", {"penalty": 0.0}, "penalty must be a number above 0, but it is 0"),
    ("explicitness", {"penalty": math.nan}, "penalty must be a number above 0, but it is nan"),
    ("sap", {"penalty": math.inf}, "penalty must be a finite number above 0, but it is inf"),
    ("udr", {"penalty": 0.0}, "penalty must be a finite number above 0, but it is 0"),
    ("factorvae", {"min_std": math.nan}, "min_std must be at least 0, but it is nan"),
    ("mig", {"samples": 1}, "samples must be at least 2, but it is 1"),
    ("reconstruction", {"clip": 0.5}, "clip must be at least 0 and below 0.5, but it is 0.5"),
    ("dci", {"test_fraction": 1e-9}, "leaves 0 to test on and 100 to train on"),
    ("sap", {"test_fraction": 0.99}, "leaves 99 to test on and 1 to train on"),
]


@pytest.mark.parametrize(("name", "options", "message"), BAD)
def test_options_that_cannot_be_are_refused(
    name: str, options: dict[str, Any], message: str
) -> None:
    factors = np.random.default_rng(0).integers(3, size=(100, 2))
    image = np.full((5, 4), 0.5)
    with pytest.raises(UnbraidError, match=message):
        evaluate(
            factors,
            factors,
            metrics=name,
            options={name: options},
            runs=[factors, factors],
            images=image,
            reconstructions=image,
        )


@pytest.mark.parametrize("seed", [-1, 1.5, "a", None, True])
def test_a_seed_is_a_whole_number(seed: Any) -> None:
    factors = np.random.default_rng(0).integers(3, size=(100, 2))
    with pytest.raises(UnbraidError, match="a seed is a whole number, 0 or more"):
        evaluate(factors, factors, metrics="mig", seed=seed)


@pytest.mark.parametrize("seed", [2**32, 2**63])
def test_a_seed_may_be_large(seed: int) -> None:
    factors = np.random.default_rng(0).integers(3, size=(100, 2))
    options = {"dci": {"backend": "sklearn", "rounds": 2, "refits": 0}}
    found = evaluate(factors, factors, metrics=["sap", "dci"], seed=seed, options=options)
    assert found["sap"].value > 0.5
    assert found["dci"].value > 0.5
