"""Categorical codes: which integer names which category is nobody's business."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats.contingency import association

from unbraid.core import registry
from unbraid.core.errors import UnbraidError
from unbraid.core.factors import FactorSpec
from unbraid.metrics import Score, evaluate, gather, needs
from unbraid.metrics._latents import Latents

ROWS = 600
SIZES = (12, 30)  # more categories than bins, too
SPECS = (
    FactorSpec("shape", "categorical", values=tuple(range(6))),
    FactorSpec("size", "ordinal", values=(0, 1, 2, 3)),
    FactorSpec("angle", "periodic", range=(0, 360), period=360),
)
DRAWN = {"repeats": 2, "train": 300, "test": 200}
QUICK: dict[str, dict[str, Any]] = {
    "betavae": DRAWN,
    "factorvae": DRAWN,
    "dci": {"rounds": 15, "refits": 2, "refit_rounds": 5},
    "downstream": {"rounds": 10, "draws": 1},
}
LOOKING = [
    name
    for name in registry.names("metrics")
    if set(needs(registry.load("metrics", name))) <= {"codes", "factors", "categories"}
]
OTHERWISE: list[tuple[str, dict[str, Any]]] = [
    ("dci", {"backend": "sklearn", "rounds": 5, "refits": 0}),
    ("infomec", {"discrete_codes": True}),
    ("mig", {"binning": "quantile", "min_std": 0.5}),
    ("mig", {"estimator": "knn"}),
    ("sap", {"kind": "r2"}),
]


def made(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return two categorical and two real codes, and factors of each kind."""
    rng = np.random.default_rng(seed)
    shape, size = rng.integers(6, size=ROWS), rng.integers(4, size=ROWS)
    angle = rng.uniform(0, 360, ROWS)
    twice = 2 * shape + rng.integers(2, size=ROWS)  # two categories for each shape
    arc = np.where(rng.random(ROWS) < 0.8, (angle // 12).astype(int), rng.integers(30, size=ROWS))
    real = size + 0.3 * rng.standard_normal(ROWS)
    codes = np.column_stack([twice, arc, real, rng.standard_normal(ROWS)])
    return codes, np.column_stack([shape, size, angle])


def renamed(codes: np.ndarray, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    other = codes.copy()
    for i, size in enumerate(SIZES):
        other[:, i] = rng.permutation(size)[codes[:, i].astype(int)]
    return other


def same(first: Score, second: Score) -> None:
    a, b = first.to_json(), second.to_json()
    for name in ("value", "standard_error", "parts", "per_factor", "per_code", "matrix", "notes"):
        assert a[name] == b[name], name  # bit for bit


@pytest.mark.parametrize(
    ("name", "options"), [*((name, QUICK.get(name, {})) for name in LOOKING), *OTHERWISE]
)
def test_names_of_categories_change_nothing(name: str, options: dict[str, Any]) -> None:
    codes, factors = made()
    scores = [
        evaluate(z, factors, SPECS, name, options={name: options}, categories=SIZES)[name]
        for z in (codes, renamed(codes))
    ]
    same(*scores)


@pytest.mark.parametrize("name", ["betavae", "factorvae"])
def test_names_of_categories_change_nothing_in_an_encoder(name: str) -> None:
    codes, factors = made()
    places = np.arange(30)

    def encoder(drawn: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        made = np.column_stack([2 * drawn[:, 0], drawn[:, 2] // 12, drawn[:, 1], drawn[:, 1]])
        made[:, 1] = places[made[:, 1].astype(int)]
        return made + np.array([0, 0, 1, 1]) * 0.1 * rng.standard_normal(made.shape)

    options = {name: {**DRAWN, "min_std": 0.0} if name == "factorvae" else DRAWN}
    found = []
    for order in (np.arange(30), np.random.default_rng(2).permutation(30)):
        places = order
        codes[:, 1] = order[(factors[:, 2] // 12).astype(int)]
        found.append(
            evaluate(
                codes, factors, SPECS, name, options=options, categories=SIZES, encoder=encoder
            )[name]
        )
    assert found[0].value == found[1].value > 0.9


@pytest.mark.parametrize("relation", ["lasso", "spearman"])
def test_names_of_categories_change_nothing_between_runs(relation: str) -> None:
    runs = [made(0)[0], made(0)[0][:, :3] + np.array([0, 0, 0.1]), made(1)[0]]
    options = {"udr": {"relation": relation}}
    sizes = [SIZES] * 3
    scores = [
        evaluate(runs=each, metrics="udr", options=options, run_categories=sizes)["udr"]
        for each in (runs, [renamed(run, seed) for seed, run in enumerate(runs)])
    ]
    same(*scores)
    np.testing.assert_array_equal(scores[0].detail["pairs"], scores[1].detail["pairs"])


@pytest.mark.parametrize("name", ["infomec", "explicitness", "sap", "dci", "irs", "active-units"])
def test_categories_that_never_occur_change_nothing(name: str) -> None:
    codes, factors = made()
    options = {"dci": {"rounds": 10, "refits": 0}}
    few, many = (
        evaluate(codes, factors, SPECS, name, options=options, categories=sizes)[name]
        for sizes in (SIZES, (40, 50))
    )
    assert many.value == pytest.approx(few.value, abs=1e-6)


def clusters(right: float, size: int = 10, rows: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Return categories that are the class for a share of the rows, any class for the others."""
    rng = np.random.default_rng(0)
    label = rng.integers(size, size=rows)
    other = (label + rng.integers(1, size, size=rows)) % size
    return np.where(rng.random(rows) < right, label, other)[:, None].astype(float), label[:, None]


def test_explicitness_of_a_category_is_its_conditional_entropy() -> None:
    codes, label = clusters(0.8)
    spec = (FactorSpec("digit", "categorical", values=tuple(range(10))),)
    entropy = -0.8 * np.log(0.8) - 0.2 * np.log(0.2 / 9)
    expected = 1 - entropy / np.log(10)  # 0.59
    score = evaluate(renamed(codes[:, [0, 0]])[:, :1] % 12, label, spec, "infomec", categories=[12])
    assert score["infomec"].parts["InfoE"].value == pytest.approx(expected, abs=0.01)
    as_numbers = evaluate(codes, label, spec, "infomec")["infomec"].parts["InfoE"].value
    assert as_numbers < expected - 0.3


def test_a_category_that_is_the_factor_is_perfect() -> None:
    rng = np.random.default_rng(0)
    v = np.column_stack([rng.integers(5, size=1000), rng.integers(15, size=1000)])
    codes = np.column_stack([rng.permutation(15)[v[:, 1]], rng.permutation(5)[v[:, 0]]])
    for name in registry.names("metrics"):
        if needs(registry.load("metrics", name)) != ("codes", "factors"):
            continue
        quick = {"sap": {"kind": "r2"}, "dci": {"rounds": 5, "refits": 0}}
        score = evaluate(codes, v, metrics=name, options=quick, categories=(15, 5))[name]
        assert score.value == pytest.approx(1, abs=0.03), name  # independent, but for chance
        if score.matrix is not None and name != "irs":
            assert np.argmax(score.matrix, axis=0).tolist() == [1, 0]


def test_information_of_a_category_has_no_bins() -> None:
    level = np.tile(np.arange(30), 40)
    factors = np.column_stack([level, np.repeat([0, 1], 600)])
    score = evaluate(level[:, None], factors, metrics="mig", categories=[30])["mig"]
    assert score.matrix[0, 0] == pytest.approx(np.log(30))
    assert score.per_factor[0] == pytest.approx(1)


def test_a_categorys_share_of_variance_is_the_correlation_ratio() -> None:
    codes, factors = made()
    score = evaluate(
        codes, factors, SPECS, "sap", options={"sap": {"kind": "r2"}}, categories=SIZES
    )
    size, groups = factors[:, 1], codes[:, 1].astype(int)
    means = np.bincount(groups, size) / np.bincount(groups)
    expected = means[groups].var() / size.var()
    assert score["sap"].matrix[1, 1] == pytest.approx(expected)


def test_distances_and_variances_are_those_of_one_hot_vectors() -> None:
    codes, _ = made()
    share = np.bincount(codes[:, 0].astype(int)) / ROWS
    score = evaluate(codes, metrics="active-units", categories=SIZES)["active-units"]
    assert score.per_code[0] == pytest.approx(1 - np.square(share).sum())
    assert score.per_code[2] == pytest.approx(codes[:, 2].var())
    latents = Latents(2, (np.array([2, 0, 1]),))
    away = latents.columns(np.array([[0.0, 1.0]])) - latents.columns(np.array([[2.0, -1.5]]))
    np.testing.assert_allclose(latents.lengths(away), [[np.sqrt(2), 2.5]])


def test_udr_of_categories_is_cramers_v() -> None:
    a, b = made()[0][:, :1], clusters(0.7, 12, ROWS)[0]
    b[:, 0] = np.where(b[:, 0] > 5, b[:, 0], a[:, 0])
    options = {"udr": {"relation": "spearman"}}
    sizes = [[12], [12]]
    score = evaluate(runs=[a, b], metrics="udr", options=options, run_categories=sizes)["udr"]
    table = np.zeros((12, 12), int)
    np.add.at(table, (a[:, 0].astype(int), b[:, 0].astype(int)), 1)
    assert score.value == pytest.approx(association(table, method="cramer"))
    for relation in ("spearman", "lasso"):
        copy = renamed(np.column_stack([a, a]))[:, :1]
        options = {"udr": {"relation": relation}}
        score = evaluate(runs=[a, copy], metrics="udr", options=options, run_categories=sizes)
        assert score["udr"].value > 0.85


def test_a_real_code_is_active_whatever_the_categories_are_called() -> None:
    codes, factors = made()
    score = evaluate(codes * [1, 1, 0.1, 0.1], factors, SPECS, "infomec", categories=SIZES)
    assert score["infomec"].detail["active"].all()


def test_a_category_has_no_posterior() -> None:
    codes, _ = made()
    with pytest.raises(UnbraidError, match="the first 2 are categorical and so have no Gaussian"):
        evaluate(codes, logvar=codes * 0, categories=SIZES)


def test_categories_of_the_test_rows_and_of_the_runs_are_checked() -> None:
    codes, factors = made()
    with pytest.raises(UnbraidError, match="code 0 of the test rows is said to have 12 categories"):
        gather(codes, factors, SPECS, test=(codes + 0.5, factors), categories=SIZES)
    with pytest.raises(UnbraidError, match="code 0 of run 1 is said to have 2 categories"):
        gather(runs=[codes, codes], run_categories=[SIZES, (2,)])
    with pytest.raises(UnbraidError, match="run_categories are given for 1 runs"):
        gather(runs=[codes, codes], run_categories=[SIZES])
    for wrong in (10, "10", [2.5], [None]):
        with pytest.raises(UnbraidError, match="expected one whole number for each categorical"):
            gather(codes, categories=wrong)  # type: ignore[arg-type]
